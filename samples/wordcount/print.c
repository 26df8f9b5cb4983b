/* SPDX-License-Identifier: MIT */
/* print.c - what goes to standard output when the pipeline has ended. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wordcount.h"

/* Most frequent first, then by the alphabet: negative if a comes before b. */
static int by_rank(const struct entry *a, const struct entry *b)
{
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    size_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(entry_word(a), entry_word(b), shorter);
    if (order != 0)
        return order;
    return (a->length > b->length) - (a->length < b->length);
}

static int by_rank_of_pointers(const void *a, const void *b)
{
    return by_rank(*(const struct entry *const *)a, *(const struct entry *const *)b);
}

/* heap[0] is the last in rank of a heap of n; `e` takes its place. */
static void replace_last(const struct entry **heap, size_t n, const struct entry *e)
{
    size_t at = 0, child;
    while ((child = 2 * at + 1) < n) {
        if (child + 1 < n && by_rank(heap[child], heap[child + 1]) < 0)
            child++;
        if (by_rank(heap[child], e) <= 0)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = e;
}

static void add_to_heap(const struct entry **heap, size_t n, const struct entry *e)
{
    while (n > 0 && by_rank(heap[(n - 1) / 2], e) < 0) {
        heap[n] = heap[(n - 1) / 2];
        n = (n - 1) / 2;
    }
    heap[n] = e;
}

bool print_words(const struct table *words, size_t top)
{
    size_t n = 0;
    if (top > words->used)
        top = words->used;
    if (top == 0)
        return true;
    const struct entry **heap = malloc(top * sizeof(*heap));
    if (!heap)
        return false;
    for (size_t i = 0; i < (size_t)1 << words->bits; i++) {
        const struct entry *e = &words->entries[i];
        if (e->length == 0)
            continue;
        if (n < top)
            add_to_heap(heap, n++, e);
        else if (by_rank(e, heap[0]) < 0)
            replace_last(heap, n, e);
    }
    qsort(heap, n, sizeof(*heap), by_rank_of_pointers);
    for (size_t i = 0; i < n; i++) /* as uniq -c prints */
        printf("%7" PRIu64 " %.*s\n", heap[i]->count, (int)heap[i]->length, entry_word(heap[i]));
    free(heap);
    return true;
}

void print_totals(const struct table *words, const struct report *report)
{
    printf("\n%" PRIu64 " words, %zu different, in %" PRIu64 " bytes of %" PRIu64 " inputs\n",
           words->total, words->used, report->stages[READ].bytes, report->stages[WALK].items);
}

static double seconds(weir_time t)
{
    return (double)t / (double)WEIR_S;
}

void print_stages(const struct report *report)
{
    static const char *const stages[] = {"walk", "read", "count", "merge"};
    static const char *const items[] = {"files", "chunks", "chunks", "tables"};
    printf("\n%-6s %6s %10s %-7s %11s %9s %8s %11s %11s\n", "stage", "actors", "items", "",
           "items/s", "MB", "MB/s", "waited in", "waited out");
    for (int i = 0; i < STAGES; i++) {
        const struct meter *m = &report->stages[i];
        double mb = (double)m->bytes / 1e6;
        double took = seconds(m->ended - m->began);
        if (took <= 0)
            took = 1e-9;
        printf("%-6s %6u %10" PRIu64 " %-7s %11.0f %9.1f %8.1f %9.3f s %9.3f s\n", stages[i],
               report->actors[i], m->items, items[i], (double)m->items / took, mb, mb / took,
               seconds(m->waited_in), seconds(m->waited_out));
    }
    puts("waited: the sum over a stage's actors, in receive for input and in send for room");
}

/* SPDX-License-Identifier: MIT */
/* top.c - the most frequent words of a table. */
#include <stdlib.h>
#include <string.h>

#include "table.h"

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

const struct entry **table_top(const struct table *t, size_t top, size_t *n)
{
    if (top > t->used)
        top = t->used;
    const struct entry **heap = malloc((top + 1) * sizeof(*heap));
    *n = 0;
    if (!heap)
        return NULL;
    for (size_t i = 0; top > 0 && i < (size_t)1 << t->bits; i++) {
        const struct entry *e = &t->entries[i];
        if (e->length == 0)
            continue;
        if (*n < top)
            add_to_heap(heap, (*n)++, e);
        else if (by_rank(e, heap[0]) < 0)
            replace_last(heap, *n, e);
    }
    qsort(heap, *n, sizeof(*heap), by_rank_of_pointers);
    return heap;
}

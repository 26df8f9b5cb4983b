/* SPDX-License-Identifier: MIT */
/* print.c - what goes to standard output when the pipeline has ended. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "wordcount.h"

bool print_words(const struct table *words, size_t top)
{
    size_t n;
    const struct entry **first = table_top(words, top, &n);
    if (!first)
        return false;
    for (size_t i = 0; i < n; i++) /* as uniq -c prints */
        printf("%7" PRIu64 " %.*s\n", first[i]->count, (int)first[i]->length, entry_word(first[i]));
    free(first);
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

/* SPDX-License-Identifier: MIT */
/* merge.c - one actor adds up what the counters send. */
#include "note.h"

static int merge_all(struct merger *g, struct meter *m, struct table *sum)
{
    struct table *words;
    for (;;) {
        weir_time before = weir_now();
        int rc = counts_recv(g->counts, &words);
        m->waited_in += weir_now() - before;
        if (rc <= 0)
            return rc;
        m->items++;
        m->bytes += words->letter_bytes;
        bool merged = table_merge(sum, words);
        table_free(words);
        if (!merged)
            return WEIR_ENOMEM;
    }
}

int merge(void *arg)
{
    struct merger *g = arg;
    struct meter m = {.began = weir_now()};
    struct table *sum = table_new();
    int rc = sum ? merge_all(g, &m, sum) : WEIR_ENOMEM;
    if (rc < 0)
        table_free(sum);
    else
        *g->words = sum;
    return note_end(g->notes, MERGE, &m, rc);
}

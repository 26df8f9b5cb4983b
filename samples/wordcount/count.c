/* SPDX-License-Identifier: MIT */
/* count.c - a counter fills a table of its own and hands it on when the text has ended. */
#include <stdlib.h>

#include "note.h"

static int count_chunks(struct counter *c, struct meter *m, struct table *words)
{
    struct chunk chunk;
    for (;;) {
        weir_time before = weir_now();
        int rc = chunk_recv(c->chunks, &chunk);
        m->waited_in += weir_now() - before;
        if (rc <= 0)
            return rc;
        bool counted = table_count(words, chunk.text, chunk.length);
        free(chunk.text);
        if (!counted)
            return WEIR_ENOMEM;
        m->items++;
        m->bytes += chunk.length;
    }
}

int count(void *arg)
{
    struct counter *c = arg;
    struct meter m = {.began = weir_now()};
    struct table *words = table_new();
    int rc = words ? count_chunks(c, &m, words) : WEIR_ENOMEM;
    if (rc == 0) {
        weir_time before = weir_now();
        rc = counts_send(c->counts, words);
        m.waited_out += weir_now() - before;
    }
    if (rc < 0)
        table_free(words);
    return note_end(c->notes, COUNT, &m, rc);
}

/* SPDX-License-Identifier: MIT */
/* read.c - a reader takes one source after another and streams its chunks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "note.h"

/*
 * What may block, on a disk or for ever on a pipe, is for other threads than those of actors. To
 * go there and back costs as much as to read a small file, so it is one way for all of that.
 */
static int next_chunk(void *cutter, void *chunk)
{
    return cutter_next(cutter, chunk);
}

static int send_chunk(struct reader *r, struct meter *m, struct chunk chunk)
{
    weir_time before = weir_now();
    int rc = chunk_send(r->chunks, chunk);
    m->waited_out += weir_now() - before;
    if (rc < 0) {
        free(chunk.text);
        return rc;
    }
    m->items++;
    m->bytes += chunk.length;
    return note_progress(r->notes, READ, m);
}

static int complain(struct reader *r, const char *path, int why)
{
    if (why == WEIR_ENOMEM)
        return why;
    return note_unreadable(r->notes, READ, path ? path : "standard input",
                           why == -EOVERFLOW ? "a word is longer than 1 GiB" : strerror(-why));
}

static int read_source(struct reader *r, struct meter *m, const char *path)
{
    struct cutter cutter = cutter_of(path, r->chunk_size);
    struct chunk chunk;
    int got, rc = 0;
    do {
        got = weir_blocking_call(next_chunk, &chunk, (void *)&cutter);
        if (got > 0)
            rc = send_chunk(r, m, chunk);
    } while (got > 0 && rc >= 0 && !cutter.ended);
    cutter_free(&cutter);
    if (got == WEIR_ECANCELED)
        return got;
    return got < 0 ? complain(r, path, got) : rc;
}

int read_sources(void *arg)
{
    struct reader *r = arg;
    struct meter m = {.began = weir_now()};
    struct source source;
    int rc = 0;
    while (rc >= 0) {
        weir_time before = weir_now();
        rc = source_recv(r->sources, &source);
        m.waited_in += weir_now() - before;
        if (rc <= 0)
            break;
        rc = read_source(r, &m, source.path);
        free(source.path);
    }
    return note_end(r->notes, READ, &m, rc);
}

/* SPDX-License-Identifier: MIT */
/* read.c - a reader takes one source after another and streams its chunks. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cut.h"
#include "note.h"

/* What may block, on a disk or for ever on a pipe, is for other threads than those of actors. */
static int open_path(void *path, void *unused)
{
    (void)unused;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return fd < 0 ? -errno : fd;
}

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

static int read_chunks(struct reader *r, struct meter *m, const char *path, struct cutter *cutter)
{
    struct chunk chunk;
    int got, rc = 0;
    while ((got = weir_blocking_call(next_chunk, &chunk, (void *)cutter)) > 0)
        if ((rc = send_chunk(r, m, chunk)) < 0)
            break;
    cutter_free(cutter);
    if (got == WEIR_ECANCELED)
        return got;
    return got < 0 ? complain(r, path, got) : rc;
}

static int read_source(struct reader *r, struct meter *m, char *path)
{
    struct cutter cutter = {.fd = STDIN_FILENO, .chunk_size = r->chunk_size};
    if (path)
        cutter.fd = weir_blocking_call(open_path, (void *)NULL, (void *)path);
    if (cutter.fd == WEIR_ECANCELED)
        return cutter.fd;
    if (cutter.fd < 0)
        return complain(r, path, cutter.fd);
    int rc = read_chunks(r, m, path, &cutter);
    if (path)
        close(cutter.fd);
    return rc;
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

/* SPDX-License-Identifier: MIT */
/* pipeline.c - opens the channels, starts the stages, waits for them. */
#include <stdlib.h>

#include "note.h"

#define SOURCES_WAITING 64
#define CHUNKS_WAITING 16
#define NOTES_WAITING 64

struct ends {
    source_sender sources_tx;
    source_receiver sources_rx;
    chunk_sender chunks_tx;
    chunk_receiver chunks_rx;
    counts_sender counts_tx;
    counts_receiver counts_rx;
    note_sender notes_tx;
    note_receiver notes_rx;
};

static void drop_source(void *source, void *context)
{
    (void)context;
    free(((struct source *)source)->path);
}

static void drop_chunk(void *chunk, void *context)
{
    (void)context;
    free(((struct chunk *)chunk)->text);
}

static void drop_counts(void *counts, void *context)
{
    (void)context;
    table_free(*(struct table **)counts);
}

static int open_ends(struct ends *e)
{
    const weir_channel_options sources = {.drop = drop_source};
    const weir_channel_options chunks = {.drop = drop_chunk};
    const weir_channel_options counts = {.drop = drop_counts};
    const weir_channel_options notes = {.drop = note_drop};
    int rc;
    if ((rc = source_channel_open(&e->sources_tx, &e->sources_rx, SOURCES_WAITING, &sources)) < 0 ||
        (rc = chunk_channel_open(&e->chunks_tx, &e->chunks_rx, CHUNKS_WAITING, &chunks)) < 0 ||
        (rc = counts_channel_open(&e->counts_tx, &e->counts_rx, 0, &counts)) < 0 ||
        (rc = note_channel_open(&e->notes_tx, &e->notes_rx, NOTES_WAITING, &notes)) < 0)
        return rc;
    return 0;
}

static int spawn_stages(weir_group g, struct pipeline *p, const struct ends *e)
{
    struct reporter reporter = {.report = &p->report, .notes = e->notes_rx};
    struct merger merger = {.words = &p->words, .counts = e->counts_rx, .notes = e->notes_tx};
    struct counter counter = {.chunks = e->chunks_rx, .counts = e->counts_tx, .notes = e->notes_tx};
    struct reader reader = {.chunk_size = p->chunk_size,
                            .sources = e->sources_rx,
                            .chunks = e->chunks_tx,
                            .notes = e->notes_tx};
    struct walker walker = {.paths = p->paths, .sources = e->sources_tx, .notes = e->notes_tx};

    int rc =
        weir_spawn(g, report, &reporter, .name = "report", .own = WEIR_OWN(struct reporter, notes));
    if (rc == 0)
        rc = weir_spawn(g, merge, &merger, .name = "merge",
                        .own = WEIR_OWN(struct merger, counts, notes));
    for (unsigned i = 0; rc == 0 && i < p->counters; i++)
        rc = weir_spawn(g, count, &counter, .name = "count",
                        .own = WEIR_OWN(struct counter, chunks, counts, notes));
    for (unsigned i = 0; rc == 0 && i < p->readers; i++)
        rc = weir_spawn(g, read_sources, &reader, .name = "read",
                        .own = WEIR_OWN(struct reader, sources, chunks, notes));
    if (rc == 0)
        rc = weir_spawn(g, walk, &walker, .name = "walk",
                        .own = WEIR_OWN(struct walker, sources, notes));
    return rc;
}

/* From here on only the stages hold ends: those of a stage close when its last actor returns. */
static void close_ends(const struct ends *e)
{
    weir_close(e->sources_tx);
    weir_close(e->sources_rx);
    weir_close(e->chunks_tx);
    weir_close(e->chunks_rx);
    weir_close(e->counts_tx);
    weir_close(e->counts_rx);
    weir_close(e->notes_tx);
    weir_close(e->notes_rx);
}

int pipeline(void *arg)
{
    struct pipeline *p = arg;
    struct ends e;
    int rc = open_ends(&e);
    if (rc < 0)
        return rc;
    weir_group g = weir_group_begin();
    rc = spawn_stages(g, p, &e);
    close_ends(&e);
    rc = weir_group_end_with(g, rc);
    if (rc < 0) {
        table_free(p->words);
        p->words = NULL;
    }
    return rc;
}

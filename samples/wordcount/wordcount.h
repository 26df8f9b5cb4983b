/* SPDX-License-Identifier: MIT */
/*
 * wordcount.h - the pipeline: its stages and what they send each other.
 *
 *     walk --source--> read (several) --chunk--> count (several) --counts--> merge
 *       \________________\__________________________\__________________________\
 *                                                           all of them --note--> report
 *
 * No stage waits for one to the left of it, so there is no way to a deadlock; and no two
 * stages share memory: whoever receives a pointer owns what it points to. To stop early,
 * `report` ends on the first failure it is told of: the other stages find their notes
 * refused with WEIR_EPIPE and return, and the drop functions free what was on its way.
 */
#ifndef WORDCOUNT_H
#define WORDCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/weir.h>

#include "cut.h"

struct source {
    char *path; /* NULL: standard input */
};

enum stage { WALK, READ, COUNT, MERGE, STAGES };

struct meter {
    uint64_t items;
    uint64_t bytes;
    weir_time began;
    weir_time ended;
    weir_time waited_in;  /* for something to do */
    weir_time waited_out; /* for the next stage to take it */
};

struct note {
    enum stage stage;
    struct meter meter; /* what came in addition since the last note */
    bool last;          /* of its actor */
    int failure;        /* an error that ends the whole run */
    bool unreadable;    /* the complaint is about an input that is not, or not wholly, counted */
    char *complaint;    /* NULL, or a line for standard error */
};

WEIR_TYPE(source, struct source)
WEIR_TYPE(chunk, struct chunk)
WEIR_TYPE(counts, struct table *)
WEIR_TYPE(note, struct note)

/* ---- the stages: the body of each and its argument --------------------------------- */

struct walker {
    char *const *paths; /* ends with NULL; "-" is standard input */
    source_sender sources;
    note_sender notes;
};

struct reader {
    size_t chunk_size;
    source_receiver sources;
    chunk_sender chunks;
    note_sender notes;
};

struct counter {
    chunk_receiver chunks;
    counts_sender counts;
    note_sender notes;
};

struct merger {
    struct table **words; /* out; the caller frees it */
    counts_receiver counts;
    note_sender notes;
};

struct report {
    bool terminal; /* show progress on standard error */
    struct meter stages[STAGES];
    unsigned actors[STAGES];
    uint64_t unreadable;
    int failure;
};

struct reporter {
    struct report *report;
    note_receiver notes;
};

int walk(void *arg);
int read_sources(void *arg);
int count(void *arg);
int merge(void *arg);
int report(void *arg);

/* ---- the whole ------------------------------------------------------------------------ */

struct pipeline {
    char *const *paths;
    unsigned readers;
    unsigned counters;
    size_t chunk_size;
    struct table *words;  /* out; NULL if the run failed */
    struct report report; /* .terminal in, the rest out */
};

/* The first actor; arg is a struct pipeline. */
int pipeline(void *arg);

/* Prints the `top` most frequent words and the totals; and how each stage did. */
bool print_words(const struct table *words, size_t top);
void print_totals(const struct table *words, const struct report *report);
void print_stages(const struct report *report);

#endif

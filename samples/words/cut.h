/* SPDX-License-Identifier: MIT */
/*
 * cut.h - reads a file into chunks that never end inside a word.
 *
 * A chunk ends after the last byte that is no letter; what follows begins the next
 * chunk. Where a word fills a whole chunk, the chunk grows until the word has an end.
 */
#ifndef WORDS_CUT_H
#define WORDS_CUT_H

#include <stdbool.h>
#include <stddef.h>

#include "table.h"

struct chunk {
    char *text; /* whole words; TEXT_PAD zero bytes follow */
    size_t length;
};

struct cutter {
    const char *path; /* NULL: standard input */
    int fd;           /* of the path; -1: not open */
    size_t chunk_size;
    bool ended; /* there is no other chunk */
    char *text; /* read and not yet cut */
    size_t length;
    size_t room; /* at text, without its TEXT_PAD */
};

static inline struct cutter cutter_of(const char *path, size_t chunk_size)
{
    return (struct cutter){.path = path, .fd = -1, .chunk_size = chunk_size};
}

/*
 * 1 and a chunk, whose text the caller frees; 0 at the end; or a negative errno:
 * -ENOMEM, -EOVERFLOW for a word longer than WORD_LENGTH_MAX, or what open(2) and read(2) say.
 * The first call opens the file. After 0, an error or the last chunk it is closed, and the
 * cutter holds no memory; `ended` tells that without another call.
 */
int cutter_next(struct cutter *c, struct chunk *out);

/* Needed only when the caller stops before the end. */
void cutter_free(struct cutter *c);

/* The length of a text up to the end of its last whole word, if more may follow; 0: none. */
size_t cut_whole_words(const char *text, size_t length);

/* A chunk with a copy of this text, which ends no word; false: out of memory. */
bool cut_copy(struct chunk *out, const char *text, size_t length);

#endif

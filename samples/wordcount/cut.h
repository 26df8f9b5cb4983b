/* SPDX-License-Identifier: MIT */
/*
 * cut.h - reads a file into chunks that never end inside a word.
 *
 * A chunk ends after the last byte that is no letter; what follows begins the next
 * chunk. Where a word fills a whole chunk, the chunk grows until the word has an end.
 */
#ifndef WORDCOUNT_CUT_H
#define WORDCOUNT_CUT_H

#include "wordcount.h"

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

#endif

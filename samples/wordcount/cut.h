/* SPDX-License-Identifier: MIT */
/*
 * cut.h - reads a descriptor into chunks that never end inside a word.
 *
 * A chunk ends after the last byte that is no letter; what follows begins the next
 * chunk. Where a word fills a whole chunk, the chunk grows until the word has an end.
 */
#ifndef WORDCOUNT_CUT_H
#define WORDCOUNT_CUT_H

#include "wordcount.h"

struct cutter {
    int fd;
    size_t chunk_size;
    bool ended;
    char *text; /* read and not yet cut */
    size_t length;
    size_t room; /* at text, without its TEXT_PAD */
};

/*
 * 1 and a chunk, whose text the caller frees; 0 at the end; or a negative errno:
 * -ENOMEM, -EOVERFLOW for a word longer than WORD_LENGTH_MAX, or what read(2) says.
 * After 0 or an error the cutter holds no memory.
 */
int cutter_next(struct cutter *c, struct chunk *out);

/* Needed only when the caller stops before the end. */
void cutter_free(struct cutter *c);

#endif

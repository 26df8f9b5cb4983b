/* SPDX-License-Identifier: MIT */
/*
 * table.h - words and how often each was seen.
 *
 * A word is a maximal run of ASCII letters, folded to lower case.
 */
#ifndef WORDS_TABLE_H
#define WORDS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_PAD ((size_t)8)              /* bytes that table_count may touch after a text */
#define WORD_LENGTH_MAX ((size_t)1 << 30) /* letters */

struct entry {
    union {
        uint64_t prefix; /* the first 8 letters, 0 after a shorter word */
        char letters[8]; /* the same, and all of a word that is not longer */
    };
    const char *rest; /* all letters of a longer word */
    uint64_t count;
    uint32_t length; /* 0: a free entry */
    uint32_t hash;
};

struct table {
    struct entry *entries; /* 2^bits of them, linear probing, at most half used */
    unsigned bits;
    size_t used;           /* different words */
    uint64_t total;        /* words */
    uint64_t letter_bytes; /* of the different words */
    struct letter_block *letters;
};

/* NULL when out of memory. */
struct table *table_new(void);

/* Takes NULL. */
void table_free(struct table *t);

/*
 * Counts the words of a text, which is folded in place. TEXT_PAD bytes after it belong
 * to the caller's buffer and are 0. false when out of memory: words may be missing then.
 */
bool table_count(struct table *t, char *text, size_t length);

/* Adds the counts of `from`, which is left as it is; false when out of memory. */
bool table_merge(struct table *t, const struct table *from);

/*
 * The `top` most frequent entries, or as many as there are, *n of them: most frequent first, then
 * by the alphabet. The caller frees the array. NULL when out of memory.
 */
const struct entry **table_top(const struct table *t, size_t top, size_t *n);

/* Points at the `length` letters of an entry, not terminated. */
const char *entry_word(const struct entry *e);

#endif

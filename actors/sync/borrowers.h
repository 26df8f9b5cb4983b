/* SPDX-License-Identifier: MIT */
/*
 * borrowers.h - who has a token of a limiter, or waits for one: a set of keys.
 *
 * A digital search tree: at depth n the n-th bit of the mixed key says which way to go. So it
 * is 64 deep at worst, needs no balance, and no memory but that of its members, which are
 * allocated outside of the limiter's lock.
 */
#ifndef WEIR_BORROWERS_H
#define WEIR_BORROWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct borrower {
    struct borrower *way[2]; /* way[0] also in a list of spare ones */
    uint64_t mixed;          /* the key, by a one-to-one function */
    uint64_t key;
    bool has; /* a token; else it waits for one */
};

/* splitmix64's, which is one to one. */
static inline uint64_t borrower_mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Where the key is, or would be. */
static inline struct borrower **borrower_find(struct borrower **root, uint64_t key)
{
    uint64_t mixed = borrower_mix(key), bits = mixed;
    while (*root && (*root)->mixed != mixed) {
        root = &(*root)->way[bits & 1];
        bits >>= 1;
    }
    return root;
}

/* At a place that borrower_find() has found empty. */
static inline void borrower_add(struct borrower **at, struct borrower *b, uint64_t key)
{
    *b = (struct borrower){.mixed = borrower_mix(key), .key = key};
    *at = b;
}

/* Take out who is there: any leaf below may take the place. */
static inline struct borrower *borrower_remove(struct borrower **at)
{
    struct borrower *b = *at, **leaf = at;
    while ((*leaf)->way[0] || (*leaf)->way[1])
        leaf = &(*leaf)->way[(*leaf)->way[0] == NULL];
    struct borrower *heir = *leaf;
    *leaf = NULL;
    if (heir != b) {
        heir->way[0] = b->way[0];
        heir->way[1] = b->way[1];
        *at = heir;
    }
    return b;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * table.c - the hot part: letters are classified and folded eight at a time.
 *
 * A word of up to 8 letters is a 64-bit number, which is all that is hashed, compared
 * and stored of it. The letters of longer words live in blocks that only grow, so that
 * an entry is 32 bytes and a look-up mostly touches one cache line.
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first letter is the lowest byte");

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))
#define FIRST_BITS 10
#define LAST_BITS 31
#define BATCH 32

struct letter_block {
    struct letter_block *next;
    size_t used;
    size_t size;
    char letters[];
};

static uint64_t load(const char *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    return eight;
}

/* The top bit of each byte that is a letter. */
static uint64_t letters_of(uint64_t eight)
{
    uint64_t low = (eight | EACH_BYTE(0x20)) & EACH_BYTE(0x7f);
    uint64_t from_a = low + EACH_BYTE(0x80 - 'a');
    uint64_t above_z = low + EACH_BYTE(0x80 - 'z' - 1);
    return from_a & ~above_z & ~eight & EACH_BYTE(0x80);
}

static unsigned lowest_byte(uint64_t top_bits)
{
    return (unsigned)__builtin_ctzll(top_bits) / 8;
}

static uint64_t mix(uint64_t hash, uint64_t eight)
{
    hash = (hash ^ eight) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 32);
}

static uint32_t finish(uint64_t hash)
{
    return (uint32_t)((hash * UINT64_C(0xd6e8feb86659fd93)) >> 32);
}

struct table *table_new(void)
{
    struct table *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->bits = FIRST_BITS;
    t->entries = calloc((size_t)1 << t->bits, sizeof *t->entries);
    if (!t->entries) {
        free(t);
        return NULL;
    }
    return t;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    while (t->letters) {
        struct letter_block *next = t->letters->next;
        free(t->letters);
        t->letters = next;
    }
    free(t->entries);
    free(t);
}

const char *entry_word(const struct entry *e)
{
    return e->length <= sizeof e->letters ? e->letters : e->rest;
}

static char *keep_letters(struct table *t, const char *word, size_t length)
{
    struct letter_block *b = t->letters;
    if (!b || b->size - b->used < length) {
        size_t size = length > 65536 ? length : 65536;
        b = malloc(sizeof *b + size);
        if (!b)
            return NULL;
        *b = (struct letter_block){.next = t->letters, .size = size};
        t->letters = b;
    }
    char *kept = memcpy(b->letters + b->used, word, length);
    b->used += length;
    return kept;
}

static bool grow(struct table *t)
{
    if (t->bits == LAST_BITS)
        return false;
    unsigned bits = t->bits + 1;
    size_t mask = ((size_t)1 << bits) - 1;
    size_t bytes = (mask + 1) * sizeof(struct entry);
    struct entry *entries = aligned_alloc(64, bytes);
    if (!entries)
        return false;
    /* Written before it is read, as with calloc() it would not be: a page that was read first is
     * the kernel's page of zeros, and to replace it interrupts all other processors. */
    memset(entries, 0, bytes);
    for (size_t i = 0; i < (size_t)1 << t->bits; i++) {
        if (!t->entries[i].length)
            continue;
        size_t at = t->entries[i].hash >> (32 - bits);
        while (entries[at].length)
            at = (at + 1) & mask;
        entries[at] = t->entries[i];
    }
    free(t->entries);
    t->entries = entries;
    t->bits = bits;
    return true;
}

static bool insert(struct table *t, size_t at, const struct entry *word)
{
    struct entry e = *word;
    if (e.length > sizeof e.letters && !(e.rest = keep_letters(t, e.rest, e.length)))
        return false;
    t->entries[at] = e;
    t->used++;
    t->letter_bytes += e.length;
    return t->used <= (size_t)1 << (t->bits - 1) || grow(t);
}

static bool same(const struct entry *a, const struct entry *b)
{
    return a->prefix == b->prefix && a->length == b->length &&
           (a->length <= sizeof a->letters || memcmp(a->rest, b->rest, a->length) == 0);
}

static inline bool add(struct table *t, const struct entry *word)
{
    size_t mask = ((size_t)1 << t->bits) - 1;
    size_t at = word->hash >> (32 - t->bits);
    t->total += word->count;
    while (t->entries[at].length) {
        if (same(&t->entries[at], word)) {
            t->entries[at].count += word->count;
            return true;
        }
        at = (at + 1) & mask;
    }
    return insert(t, at, word);
}

/* Folds the word at `text` and describes it; returns the place after it. */
static inline char *next_word(char *text, struct entry *word)
{
    char *end = text;
    uint64_t hash = 0;
    uint64_t eight, letters;
    *word = (struct entry){.count = 1};
    for (;;) {
        eight = load(end);
        letters = letters_of(eight);
        eight |= letters >> 2; /* 0x80 becomes 0x20, which folds a letter */
        if (letters != EACH_BYTE(0x80))
            break;
        if (end == text)
            word->prefix = eight;
        memcpy(end, &eight, sizeof eight);
        hash = mix(hash, eight);
        end += sizeof eight;
    }
    unsigned n = lowest_byte(~letters & EACH_BYTE(0x80));
    uint64_t tail = eight & ((UINT64_C(1) << (8 * n)) - 1);
    if (end == text)
        word->prefix = tail;
    else
        memcpy(end, &eight, sizeof eight);
    end += n;
    word->hash = finish(mix(hash, tail));
    word->length = (uint32_t)(end - text);
    word->rest = text;
    return end;
}

bool table_count(struct table *t, char *text, size_t length)
{
    struct entry words[BATCH]; /* found first, so that the memory they will touch is on its way */
    const char *end = text + length;
    while (text < end) {
        unsigned n = 0;
        while (n < BATCH && text < end) {
            uint64_t letters = letters_of(load(text));
            if (!letters) {
                text += sizeof letters;
                continue;
            }
            text = next_word(text + lowest_byte(letters), &words[n]);
            __builtin_prefetch(&t->entries[words[n++].hash >> (32 - t->bits)]);
        }
        for (unsigned i = 0; i < n; i++)
            if (!add(t, &words[i]))
                return false;
    }
    return true;
}

bool table_merge(struct table *t, const struct table *from)
{
    /* `from` comes in the order of its hashes, which would crowd a smaller table at one end. */
    while (t->bits < from->bits)
        if (!grow(t))
            return false;
    for (size_t i = 0; i < (size_t)1 << from->bits; i++)
        if (from->entries[i].length && !add(t, &from->entries[i]))
            return false;
    return true;
}

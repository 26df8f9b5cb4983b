/* SPDX-License-Identifier: MIT */
/*
 * cells.h - the places of a bounded channel.
 *
 * A cell is {stamp, item}. A position is {lap, index} with laps of a power of two, so any
 * capacity works without a division. The cell of position p is
 *     free for p      when its stamp is p,
 *     published       when its stamp is p | 1,
 *     free for the next lap when its reader has set the stamp one lap ahead.
 * A sender claims p by moving the tail, writes, publishes; a receiver claims by moving
 * the head, reads, frees. The claim is the one locked instruction of the operation, and
 * the partner of the wait flag: a waiter sets its flag by a locked instruction and then
 * looks at head and tail; a claim that it does not see there comes later, and its owner
 * will see the flag when it looks after publishing (docs/protocol.md, "Park and wake").
 *
 * At a declared single end there is no rival, so the claim is a plain store; the waiter
 * on the other side then executes os_membarrier() instead ("Asymmetric fences").
 */
#ifndef WEIR_CELLS_H
#define WEIR_CELLS_H

struct cell {
    a64 stamp;
    char item[];
};

/* What a channel has before its first item: one cell that is neither free nor published. */
extern struct cell weir__no_cells;

int weir__cells_make(struct chan *ch);

static inline uint64_t cell_index(const struct chan *ch, uint64_t position)
{
    return (position >> 1) & ch->lap_mask;
}

static inline struct cell *cell_at(const struct chan *ch, char *cells, uint64_t position)
{
    return (struct cell *)(void *)(cells + cell_index(ch, position) * ch->stride);
}

/* The position n places further, n <= capacity. */
static inline uint64_t cells_ahead(const struct chan *ch, uint64_t position, uint64_t n)
{
    uint64_t index = cell_index(ch, position) + n;
    if (index >= ch->capacity)
        return (position & ~((uint64_t)ch->lap_mask << 1)) +
               (((uint64_t)ch->lap_mask + 1 + index - ch->capacity) << 1);
    return position + (n << 1);
}

/* Items between two positions. */
static inline uint64_t cells_between(const struct chan *ch, uint64_t from, uint64_t to)
{
    uint64_t laps = ((to >> 1) & ~(uint64_t)ch->lap_mask) - ((from >> 1) & ~(uint64_t)ch->lap_mask);
    return laps / ((uint64_t)ch->lap_mask + 1) * ch->capacity + cell_index(ch, to) -
           cell_index(ch, from);
}

static inline struct cell *cell_after(const struct chan *ch, struct cell *c)
{
    return (struct cell *)(void *)((char *)c + ch->stride);
}

/* Of the n cells from c on, which do not wrap, how many have the stamps first, first + 2, ...? */
static inline uint64_t cells_run(const struct chan *ch, struct cell *c, uint64_t first, uint64_t n)
{
    uint64_t k = 1; /* the caller has seen the first */
    while (k < n && a64_load_acquire(&(c = cell_after(ch, c))->stamp) == first + (k << 1))
        k++;
    return k;
}

/* n items, but not beyond the end of the lap. */
static inline uint64_t cells_within_lap(const struct chan *ch, uint64_t position, uint64_t n)
{
    uint64_t rest = ch->capacity - cell_index(ch, position);
    return n < rest ? n : rest;
}

static always_inline bool claim(a64 *position, uint64_t *from, uint64_t to, bool single)
{
    if (single) {
        a64_store_release(position, to);
        return true;
    }
    return a64_cas(position, from, to);
}

/* cells_ahead(ch, position, 1) */
static always_inline uint64_t cells_next(const struct chan *ch, uint64_t position)
{
    uint64_t index = cell_index(ch, position);
    if (likely(index + 1 != ch->capacity))
        return position + 2;
    return position + (((uint64_t)ch->lap_mask + 1 - index) << 1);
}

/*
 * One item of a small size, when there is nothing in the way. False: nothing was done,
 * cells_push() tells why. (A closed tail is odd, and no free cell's stamp is.)
 */
static always_inline bool cells_push_one(struct chan *ch, const void *item, bool single)
{
    a64 *tail = chan_tail(ch);
    uint64_t t = a64_load_acquire(tail); /* not 0: the cells are made */
    struct cell *c = cell_at(ch, aptr_load_acquire(&ch->cells), t);
    if (unlikely(a64_load_acquire(&c->stamp) != t) || !claim(tail, &t, cells_next(ch, t), single))
        return false;
    copy_small(c->item, item, ch->item_size);
    a64_store_release(&c->stamp, t | 1); /* pairs with the stamp's load in cells_pop() */
    return true;
}

/* Likewise. */
static always_inline bool cells_pop_one(struct chan *ch, void *item, bool single)
{
    a64 *head = chan_head(ch);
    uint64_t h = a64_load_acquire(head); /* as above */
    struct cell *c = cell_at(ch, aptr_load_acquire(&ch->cells), h);
    if (a64_load_acquire(&c->stamp) != (h | 1) || !claim(head, &h, cells_next(ch, h), single))
        return false;
    copy_small(item, c->item, ch->item_size);
    a64_store_release(&c->stamp, h + (((uint64_t)ch->lap_mask + 1) << 1)); /* as above */
    return true;
}

/* Fill and publish n claimed cells. */
static always_inline void cells_fill(struct chan *ch, struct cell *c, uint64_t t, const char *items,
                                     uint64_t n, size_t item_size)
{
    for (; n > 0; n--, t += 2, items += item_size, c = cell_after(ch, c)) {
        copy_item(c->item, items, item_size);
        a64_store_release(&c->stamp, t | 1); /* pairs with the stamp's load in cells_pop() */
    }
}

/* Read and free n claimed cells; `items` NULL drops the items instead. */
static always_inline void cells_empty(struct chan *ch, struct cell *c, uint64_t h, char *items,
                                      uint64_t n, size_t item_size)
{
    uint64_t lap = ((uint64_t)ch->lap_mask + 1) << 1;
    for (; n > 0; n--, h += 2, c = cell_after(ch, c)) {
        if (likely(items != NULL)) {
            copy_item(items, c->item, item_size);
            items += item_size;
        } else {
            drop_item(ch, c->item);
        }
        a64_store_release(&c->stamp, h + lap); /* pairs with the stamp's load in cells_push() */
    }
}

/* Claim, fill and publish up to n cells that do not wrap. */
static always_inline int cells_push(struct chan *ch, const char *items, uint64_t n, bool single)
{
    char *cells = aptr_load_acquire(&ch->cells);
    if (unlikely(cells == (char *)&weir__no_cells)) {
        if (weir__cells_make(ch) < 0)
            return WEIR_ENOMEM;
        cells = aptr_load_acquire(&ch->cells);
    }
    uint64_t t = a64_load(chan_tail(ch)), k;
    struct cell *c;
    for (;;) {
        if (unlikely(t & TAIL_CLOSED))
            return SHUT;
        c = cell_at(ch, cells, t);
        uint64_t stamp = a64_load_acquire(&c->stamp);
        if (likely(stamp == t)) {
            k = cells_run(ch, c, t, cells_within_lap(ch, t, n));
            if (likely(claim(chan_tail(ch), &t, cells_ahead(ch, t, k), single)))
                break;
        } else if ((int64_t)(stamp - t) < 0) {
            /* Full at the moment the head was read, if the tail has not moved since. */
            uint64_t head = a64_load_acquire(chan_head(ch)), now = a64_load_acquire(chan_tail(ch));
            if (now == t)
                return cells_between(ch, head, t) >= ch->capacity ? FULL : BETWEEN;
            t = now;
        } else {
            t = a64_load(chan_tail(ch));
        }
    }
    if (ch->item_size == 8)
        cells_fill(ch, c, t, items, k, 8);
    else
        cells_fill(ch, c, t, items, k, ch->item_size);
    return (int)k;
}

/* Claim, read and free up to n cells that do not wrap. */
static always_inline int cells_pop(struct chan *ch, char *items, uint64_t n, bool single)
{
    char *cells = aptr_load_acquire(&ch->cells);
    if (unlikely(cells == (char *)&weir__no_cells))
        return EMPTY;
    uint64_t h = a64_load(chan_head(ch)), k;
    struct cell *c;
    for (;;) {
        c = cell_at(ch, cells, h);
        uint64_t stamp = a64_load_acquire(&c->stamp);
        if (likely(stamp == (h | 1))) {
            k = cells_run(ch, c, h | 1, cells_within_lap(ch, h, n));
            if (likely(claim(chan_head(ch), &h, cells_ahead(ch, h, k), single)))
                break;
        } else if ((int64_t)(stamp - (h | 1)) < 0) {
            /* Empty at the moment the tail was read, if the head has not moved since. */
            uint64_t tail = a64_load_acquire(chan_tail(ch)), now = a64_load_acquire(chan_head(ch));
            if (now == h)
                return (tail & ~(uint64_t)TAIL_CLOSED) == h ? EMPTY : BETWEEN;
            h = now;
        } else {
            h = a64_load(chan_head(ch));
        }
    }
    if (items && ch->item_size == 8)
        cells_empty(ch, c, h, items, k, 8);
    else
        cells_empty(ch, c, h, items, k, ch->item_size);
    return (int)k;
}

#endif

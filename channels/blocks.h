/* SPDX-License-Identifier: MIT */
/*
 * blocks.h - the places of an unbounded channel: a list of blocks of cells.
 *
 * Claims and publishing are those of cells.h, with stamp 1 for published and no reuse of
 * a cell. Whoever is about to claim the last cell of a block links the next block first,
 * so a claimed place always has a block. head_block and tail_block are hints that may lag
 * behind and are helped along; whoever claims the last cell of a block for reading moves
 * both past it and retires it, which is safe because readers that still copy from it are
 * inside their operations (reclaim.h).
 */
#ifndef WEIR_BLOCKS_H
#define WEIR_BLOCKS_H

int weir__blocks_open(struct chan *ch);
void weir__blocks_free(struct chan *ch);

/* As cells_push() and cells_pop(); never FULL. */
int weir__blocks_push(struct chan *ch, const char *items, uint64_t n);
int weir__blocks_pop(struct chan *ch, struct thread *t, char *items, uint64_t n);

struct block {
    uint64_t first; /* number of its first place */
    aptr next;
    uint32_t cells;
    uint32_t bytes;
    struct retired retired;
    uint64_t data[]; /* cells: {stamp, item} */
};

static inline struct cell *block_cell(const struct chan *ch, struct block *b, uint64_t i)
{
    return (struct cell *)(void *)((char *)b->data + i * ch->stride);
}

/* One item of a small size, but not at a block's last place. False: nothing was done. */
static always_inline bool blocks_push_one(struct chan *ch, const void *item)
{
    struct block *b = aptr_load_acquire(&ch->tail_block);
    uint64_t t = a64_load_acquire(chan_tail(ch)), i = (t >> 1) - b->first;
    if (unlikely(i + 1 >= b->cells || t & TAIL_CLOSED) || !a64_cas(chan_tail(ch), &t, t + 2))
        return false;
    struct cell *c = block_cell(ch, b, i);
    copy_small(c->item, item, ch->item_size);
    a64_store_release(&c->stamp, 1); /* pairs with the load in weir__blocks_pop() */
    return true;
}

/* Likewise. */
static always_inline bool blocks_pop_one(struct chan *ch, void *item)
{
    struct block *b = aptr_load_acquire(&ch->head_block);
    uint64_t h = a64_load_acquire(chan_head(ch)), i = (h >> 1) - b->first;
    struct cell *c = block_cell(ch, b, i);
    if (unlikely(i + 1 >= b->cells) || !a64_load_acquire(&c->stamp) ||
        !a64_cas(chan_head(ch), &h, h + 2))
        return false;
    copy_small(item, c->item, ch->item_size);
    return true;
}

#endif

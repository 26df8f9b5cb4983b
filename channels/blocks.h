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

/* One item, but not at a block's last place. False: nothing was done. */
bool weir__blocks_push_one(struct chan *ch, const void *item);
bool weir__blocks_pop_one(struct chan *ch, void *item);

/* As cells_push() and cells_pop(); never FULL. */
int weir__blocks_push(struct chan *ch, const char *items, uint64_t n);
int weir__blocks_pop(struct chan *ch, struct thread *t, char *items, uint64_t n);

#endif

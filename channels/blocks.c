/* SPDX-License-Identifier: MIT */
/* blocks.c - see blocks.h. */
#include "chan.h"

enum {
    BLOCK_BYTES = 1024, /* a size that malloc keeps at hand */
    CELLS_MIN = 8
};

static struct block *block_new(const struct chan *ch, uint64_t first)
{
    uint32_t cells = (uint32_t)((BLOCK_BYTES - sizeof(struct block)) / ch->stride);
    if (cells < CELLS_MIN)
        cells = CELLS_MIN;
    uint32_t bytes = (uint32_t)sizeof(struct block) + cells * ch->stride;
    struct block *b = os_alloc(bytes);
    if (!b)
        return NULL;
    b->first = first;
    b->cells = cells;
    b->bytes = bytes;
    aptr_store(&b->next, NULL);
    for (uint32_t i = 0; i < cells; i++)
        a64_store(&block_cell(ch, b, i)->stamp, 0);
    return b;
}

static void block_release(struct retired *r, struct thread *t)
{
    struct block *b = container_of(r, struct block, retired);
    (void)t;
    os_free(b, b->bytes);
}

int weir__blocks_open(struct chan *ch)
{
    struct block *b = block_new(ch, 0);
    if (!b)
        return WEIR_ENOMEM;
    aptr_store(&ch->head_block, b);
    aptr_store(&ch->tail_block, b);
    return 0;
}

void weir__blocks_free(struct chan *ch)
{
    struct block *b = aptr_load(&ch->head_block), *next;
    for (; b; b = next) {
        next = aptr_load(&b->next);
        os_free(b, b->bytes);
    }
}

/* True when there is a block after b. */
static bool link_next(struct chan *ch, struct block *b)
{
    void *none = NULL;
    if (aptr_load_acquire(&b->next))
        return true;
    struct block *next = block_new(ch, b->first + b->cells);
    if (!next)
        return false;
    if (!aptr_cas(&b->next, &none, next))
        os_free(next, next->bytes);
    return true;
}

/* The hint is past b afterwards. */
static struct block *step(aptr *hint, struct block *b)
{
    void *old = b;
    struct block *next = aptr_load_acquire(&b->next);
    aptr_cas(hint, &old, next);
    return next;
}

static int push_within_block(struct chan *ch, const char *items, uint64_t n)
{
    a64 *tail = chan_tail(ch);
    struct block *b;
    uint64_t t, i, k;
    for (;;) {
        b = aptr_load_acquire(&ch->tail_block);
        t = a64_load_acquire(tail); /* after the hint: t is at or behind its block's start never */
        if (t & TAIL_CLOSED)
            return SHUT;
        while ((i = (t >> 1) - b->first) >= b->cells)
            b = step(&ch->tail_block, b);
        k = n < b->cells - i ? n : b->cells - i;
        if (i + k == b->cells && !link_next(ch, b) && --k == 0)
            return WEIR_ENOMEM;
        if (a64_cas(tail, &t, t + (k << 1)))
            break;
    }
    for (uint64_t j = 0; j < k; j++) {
        struct cell *c = block_cell(ch, b, i + j);
        copy_item(c->item, items + j * ch->item_size, ch->item_size);
        a64_store_release(&c->stamp, 1); /* pairs with the load in weir__blocks_pop() */
    }
    return (int)k;
}

int weir__blocks_push(struct chan *ch, const char *items, uint64_t n)
{
    uint64_t sent = 0;
    do {
        int k = push_within_block(ch, items + sent * ch->item_size, n - sent);
        if (k < 0)
            return sent ? (int)sent : k;
        sent += (uint64_t)k;
    } while (sent < n);
    return (int)sent;
}

static uint64_t published(const struct chan *ch, struct block *b, uint64_t i, uint64_t n)
{
    uint64_t k = 0;
    while (k < n && i + k < b->cells && a64_load_acquire(&block_cell(ch, b, i + k)->stamp))
        k++;
    return k;
}

/* The last place of b is claimed: nobody new can come to b. */
static void leave_block(struct chan *ch, struct thread *t, struct block *b)
{
    step(&ch->head_block, b);
    step(&ch->tail_block, b);
    weir__retire(t, &b->retired, block_release);
}

static int pop_within_block(struct chan *ch, struct thread *t, char *items, uint64_t n)
{
    a64 *head = chan_head(ch);
    struct block *b;
    uint64_t h, i, k;
    for (;;) {
        b = aptr_load_acquire(&ch->head_block);
        h = a64_load_acquire(head);
        if ((i = (h >> 1) - b->first) >= b->cells) {
            step(&ch->head_block, b);
            continue;
        }
        k = published(ch, b, i, n);
        if (k == 0) {
            /* Empty at the moment the tail was read, if the head has not moved since. */
            uint64_t last = a64_load_acquire(chan_tail(ch)) & ~(uint64_t)TAIL_CLOSED;
            if (a64_load_acquire(head) == h)
                return last == h ? EMPTY : BETWEEN;
        } else if (a64_cas(head, &h, h + (k << 1))) {
            break;
        }
    }
    for (uint64_t j = 0; j < k; j++) {
        struct cell *c = block_cell(ch, b, i + j);
        if (likely(items))
            copy_item(items + j * ch->item_size, c->item, ch->item_size);
        else
            drop_item(ch, c->item);
    }
    if (i + k == b->cells)
        leave_block(ch, t, b);
    return (int)k;
}

int weir__blocks_pop(struct chan *ch, struct thread *t, char *items, uint64_t n)
{
    uint64_t got = 0;
    do {
        char *to = items ? items + got * ch->item_size : NULL;
        int k = pop_within_block(ch, t, to, n - got);
        if (k <= 0)
            return got ? (int)got : k;
        got += (uint64_t)k;
    } while (got < n);
    return (int)got;
}

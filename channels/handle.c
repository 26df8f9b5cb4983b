/* SPDX-License-Identifier: MIT */
/* handle.c - see handle.h. */
#include "handle.h"

enum { SLOTS = 1u << 26, GENERATION_MAX = (1u << 30) - 1, SWEEP_AFTER = 32 };

static struct slot no_slot; /* what every handle finds before the first one is made */

struct pool weir__slots = {
    .base = (char *)&no_slot,
    .stride = sizeof(struct slot),
    .link_at = offsetof(struct slot, object),
    .limit = SLOTS,
};

static uint32_t generation(uint32_t word)
{
    return word >> 2;
}

int weir__handle_error(weir_handle h, enum handle_kind kind)
{
    uint32_t index = (uint32_t)h, word = handle_word(h);
    if (index == 0) {
        int code = -(int)(word & 0xffff);
        return word != 0 && word <= 0xffff && *weir_error_name(code) == 'E' ? code : WEIR_EBADF;
    }
    if (index > weir__slots.mask || generation(word) == 0 || (word & 3) == NONE ||
        (kind != NONE && (word & 3) != kind))
        return WEIR_EBADF;
    uint32_t now = a32_load_acquire(&handle_slot(h)->word);
    if (generation(word) > generation(now) || (generation(word) == generation(now) && (now & 3)))
        return WEIR_EBADF;
    return WEIR_ECLOSED;
}

/* ---- lists of owned slots --------------------------------------------------------------- */

static struct slot *slot_at(uint32_t index)
{
    return pool_at(&weir__slots, index);
}

static void list_add(struct party *p, struct slot *s)
{
    uint32_t index = pool_index(&weir__slots, s);
    aptr_store(&s->owner, p);
    s->prev = 0;
    s->next = p->owned;
    if (p->owned)
        slot_at(p->owned)->prev = index;
    p->owned = index;
}

static void list_remove(struct party *p, struct slot *s)
{
    if (s->prev)
        slot_at(s->prev)->next = s->next;
    else
        p->owned = s->next;
    if (s->next)
        slot_at(s->next)->prev = s->prev;
}

static void slot_reuse(struct retired *r, struct thread *t)
{
    struct slot *s = container_of(r, struct slot, retired);
    if (generation(a32_load(&s->word)) < GENERATION_MAX)
        pool_put(&weir__slots, &t->slots, s);
}

static void retire(struct party *p, struct slot *s)
{
    if (MUTATE("handle: slot without grace"))
        pool_put(&weir__slots, &p->thread->slots, s);
    else
        weir__retire(p->thread, &s->retired, slot_reuse);
}

/* Retire what others have closed. As many of them lie in the list as make it worth while. */
static void sweep(struct party *p)
{
    a32_xchg(&p->orphans, 0);
    for (uint32_t i = p->owned, next; i; i = next) {
        struct slot *s = slot_at(i);
        next = s->next;
        if ((a32_load_acquire(&s->word) & 3) == NONE) { /* pairs with slot_shut() */
            list_remove(p, s);
            retire(p, s);
        }
    }
}

/* ---- life of a slot ------------------------------------------------------------------------ */

struct slot *weir__slot_reserve(struct party *p)
{
    if (unlikely(a32_load(&p->orphans) >= SWEEP_AFTER))
        sweep(p);
    struct slot *s = pool_get(&weir__slots, &p->thread->slots);
    if (s) {
        aptr_store(&s->owner, NULL);
        s->lent = 0;
        s->reader = 0;
    }
    return s;
}

int weir__slot_refused(void)
{
    return weir__pool_end(&weir__slots) > weir__slots.mask ? WEIR_ENFILE : WEIR_ENOMEM;
}

void weir__slot_cancel(struct party *p, struct slot *s)
{
    pool_put(&weir__slots, &p->thread->slots, s);
}

weir_handle weir__slot_publish(struct party *p, struct slot *s, enum handle_kind kind, void *object)
{
    s->object = object;
    if (!party_is_plain(p))
        list_add(p, s);
    uint32_t word = (generation(a32_load(&s->word)) + 1) << 2 | kind;
    a32_store_release(&s->word, word); /* pairs with handle_get() */
    return (weir_handle)word << 32 | pool_index(&weir__slots, s);
}

void weir__slot_release(struct party *p, struct slot *s, struct party *owner)
{
    if (owner == p)
        list_remove(p, s);
    if (owner == p || !owner)
        retire(p, s);
    else
        a32_add(&owner->orphans, 1); /* its record outlives it; at worst it sweeps in vain */
}

int weir__slot_move(struct party *self, struct slot *s, struct party *to)
{
    struct party *owner = aptr_load(&s->owner);
    if (owner == to)
        return 0;
    if (owner && owner != self)
        return WEIR_EBUSY;
    if (owner)
        list_remove(owner, s);
    if (to)
        list_add(to, s);
    else
        aptr_store(&s->owner, NULL);
    return 1;
}

weir_handle weir__owned_next(struct party *p)
{
    while (p->owned) {
        struct slot *s = slot_at(p->owned);
        uint32_t word = a32_load_acquire(&s->word);
        if ((word & 3) != NONE)
            return (weir_handle)word << 32 | p->owned;
        list_remove(p, s);
        retire(p, s);
    }
    return 0;
}

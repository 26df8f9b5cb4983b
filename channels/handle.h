/* SPDX-License-Identifier: MIT */
/*
 * handle.h - the table behind all handles, and who owns which.
 *
 * A handle is {generation:30, kind:2, index:32}. The slot's word holds the generation
 * and kind while the handle is open, so one comparison tells a good handle; closing
 * writes kind NONE. A slot is reused one grace period after it was closed (reclaim.h),
 * with the next generation; at the last generation it is retired for good.
 *
 * Owning: a slot made or given to a party is in that party's list, which only the party
 * itself touches. Another party may close the handle, but the slot stays in the list
 * until its owner sweeps; the owner learns of it by a counter.
 */
#ifndef WEIR_HANDLE_H
#define WEIR_HANDLE_H

#include <weir/channel.h>

#include "party.h"

enum handle_kind { NONE = 0, SENDER = 1, RECEIVER = 2, OBJECT = 3 };

/* What the handles of kind OBJECT stand for begins with its type. */
struct object_type {
    int (*close)(struct party *self, weir_handle h); /* as weir__close_end(); NULL: not so */
    /* As weir__move(); NULL: the handle stays with who made it. */
    int (*move)(struct party *self, weir_handle h, struct party *to);
};

struct object {
    const struct object_type *type;
};

struct slot {
    a32 word;             /* generation << 2 | kind */
    uint32_t lent : 1;    /* another than the owner has parked here; under the channel's lock */
    uint32_t reader : 31; /* a receiver's number, where each has read so far: see kept.h */
    void *object;         /* struct chan, or a struct object; constant while the handle is open */
    union {
        struct {
            aptr owner;          /* a party; NULL: a plain thread made it */
            uint32_t next, prev; /* in the owner's list; 0: none */
        };
        struct retired retired; /* when it is in no list */
    };
};

extern struct pool weir__slots;

static inline uint32_t handle_word(weir_handle h)
{
    return (uint32_t)(h >> 32);
}

static inline struct slot *handle_slot(weir_handle h)
{
    return (struct slot *)(void *)weir__slots.base + ((uint32_t)h & weir__slots.mask);
}

/* The slot of an open handle of this kind; NULL: weir__handle_error() says why. */
static always_inline struct slot *handle_get(weir_handle h, enum handle_kind kind)
{
    uint32_t word = handle_word(h), index = (uint32_t)h;
    struct slot *s = (struct slot *)(void *)weir__slots.base + index;
    return likely((word & 3) == kind && index <= weir__slots.mask &&
                  a32_load_acquire(&s->word) == word)
               ? s
               : NULL;
}

static inline bool handle_open(const struct slot *s, weir_handle h)
{
    return a32_load_acquire(&s->word) == handle_word(h);
}

/* WEIR_ECLOSED, WEIR_EBADF, or the error that a null handle carries. kind NONE: any. */
int weir__handle_error(weir_handle h, enum handle_kind kind);

/* The object of an open handle, *rc = 0; or NULL, *rc the error. Inside an operation. */
static inline void *weir__object_get(weir_handle h, const struct object_type *type, int *rc)
{
    struct slot *s = handle_get(h, OBJECT);
    struct object *o = s ? s->object : NULL;
    *rc = !s ? weir__handle_error(h, OBJECT) : o->type != type ? WEIR_EBADF : 0;
    return *rc == 0 ? o : NULL;
}

/* The null handle that carries `error`. */
static inline weir_handle handle_null(int error)
{
    return (weir_handle)(uint32_t)-error << 32;
}

/*
 * A slot that is not open yet: reserve, then publish (which makes the handle valid and
 * puts it into p's list) or cancel. Reserve returns NULL when out of memory or full:
 * weir__slot_refused() then says which, WEIR_ENOMEM or WEIR_ENFILE.
 */
struct slot *weir__slot_reserve(struct party *p);
int weir__slot_refused(void);
void weir__slot_cancel(struct party *p, struct slot *s);
weir_handle weir__slot_publish(struct party *p, struct slot *s, enum handle_kind kind,
                               void *object);

/*
 * Under the object's lock: from now on the handle is closed. Returns the owner, who may
 * sweep and retire the slot at once: only he, or who closes an unowned slot, may touch it.
 */
static inline struct party *slot_shut(struct slot *s)
{
    struct party *owner = aptr_load(&s->owner);
    a32_store_release(&s->word, a32_load(&s->word) & ~3u); /* pairs with weir__owned_next() */
    return owner;
}

/* After slot_shut(), outside of locks: leave the slot to its owner or to reclamation. */
void weir__slot_release(struct party *p, struct slot *s, struct party *owner);

/*
 * Under the object's lock, of an open slot, which is self's or nobody's (WEIR_EBUSY): from now on
 * it is to's, who does not run at the same time; NULL: nobody's. 1; or 0: it was so before.
 */
int weir__slot_move(struct party *self, struct slot *s, struct party *to);

/* Any open handle of a dying party; 0: none is left. Sweeps what others have closed. */
weir_handle weir__owned_next(struct party *p);

/* channel.c: one more handle on h's end, owned by `owner`; a null handle on an error. */
weir_handle weir__clone(struct party *self, struct party *owner, weir_handle h,
                        enum handle_kind kind);

/* channel.c: as weir_handle_close(), inside an operation; WEIR_ECLOSED if it was before. */
int weir__close_end(struct party *self, weir_handle h, enum handle_kind kind);

/*
 * channel.c: make `to`, which does not run at the same time as `self`, the owner of a
 * handle that is self's or nobody's, and the user of a declared single end; NULL: nobody. 0 or an
 * error.
 */
int weir__move(struct party *self, weir_handle h, struct party *to);

#endif

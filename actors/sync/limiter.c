/* SPDX-License-Identifier: MIT */
/*
 * limiter.c - so many tokens, one for each borrower.
 *
 * A token is given when and only when fewer are out than there are, which is asked again
 * for each one: nobody counts how many "more" there are after a change. Whenever somebody waits
 * none is to be had.
 */
#include "borrowers.h"
#include "sync.h"

struct limiter {
    struct sync sync;
    size_t total, borrowed;
    struct borrower *root[2]; /* parties, by their ids; chosen keys. Those who wait as well */
    struct borrower *spare;
};

/* Of a call, as long as it lasts; in its waiter's items. */
struct request {
    uint64_t key;
    bool chosen;
    struct borrower *as;
};

enum { NO_SPARE = 1 }; /* an attempt's answer */

static struct limiter *limiter_of(const struct sync *s)
{
    return container_of(s, struct limiter, sync);
}

static void limiter_statistics(const struct sync *s, weir_sync_statistics *out)
{
    const struct limiter *l = limiter_of(s);
    out->holders = (uint32_t)l->borrowed;
    out->limit = l->total;
    out->value = l->total == WEIR_UNBOUNDED ? WEIR_UNBOUNDED
                 : l->total > l->borrowed   ? l->total - l->borrowed
                                            : 0;
}

static void keep(struct limiter *l, struct borrower *b)
{
    b->way[0] = l->spare;
    l->spare = b;
}

static void limiter_release(struct sync *s)
{
    struct limiter *l = limiter_of(s);
    for (int i = 0; i < 2; i++)
        while (l->root[i])
            keep(l, borrower_remove(&l->root[i]));
    for (struct borrower *b = l->spare, *next; b; b = next) {
        next = b->way[0];
        os_free(b, sizeof *b);
    }
}

/* Under the lock: it waits no more, and has nothing. */
static void limiter_left(struct party *self, struct sync *s, struct wake_list *woken)
{
    struct limiter *l = limiter_of(s);
    const struct request *r = (const struct request *)(void *)self->waiter.items;
    (void)woken;
    keep(l, borrower_remove(borrower_find(&l->root[r->chosen], r->key)));
}

static const struct sync_type limiter_type = {.object = {weir__sync_close, weir__sync_move},
                                              .noun = "limiter",
                                              .size = sizeof(struct limiter),
                                              .left = limiter_left,
                                              .release = limiter_release,
                                              .statistics = limiter_statistics};

weir_limiter weir_limiter_open(size_t total)
{
    struct sync *s = weir__sync_new(&limiter_type);
    if (s)
        limiter_of(s)->total = total;
    return (weir_limiter){weir__sync_publish(s)};
}

/* ---- under the lock ---------------------------------------------------------------------- */

static bool grant(struct limiter *l, struct borrower *b)
{
    if (l->borrowed >= l->total)
        return false;
    l->borrowed++;
    b->has = true;
    return true;
}

static void serve(struct limiter *l, struct wake_list *woken)
{
    struct waiter *w;
    while ((w = sync_first(&l->sync)) && grant(l, ((struct request *)(void *)w->items)->as))
        sync_hand(&l->sync, w, 0, woken);
}

static int borrow(struct party *self, struct sync *s, struct wake_list *woken)
{
    struct limiter *l = limiter_of(s);
    struct request *r = (struct request *)(void *)self->waiter.items;
    struct borrower **at = borrower_find(&l->root[r->chosen], r->key);
    (void)woken;
    if (*at)
        return r->chosen ? WEIR_EBUSY : WEIR_EDEADLK;
    if (!l->spare)
        return NO_SPARE;
    r->as = l->spare;
    l->spare = r->as->way[0];
    borrower_add(at, r->as, r->key);
    return grant(l, r->as) ? 0 : PARK;
}

static int give_back(struct party *self, struct sync *s, void *request, struct wake_list *woken)
{
    struct limiter *l = limiter_of(s);
    const struct request *r = request;
    struct borrower **at = borrower_find(&l->root[r->chosen], r->chosen ? r->key : self->id);
    if (!*at || !(*at)->has)
        return WEIR_EPERM;
    keep(l, borrower_remove(at));
    l->borrowed--;
    serve(l, woken);
    return 0;
}

static int add_spare(struct party *self, struct sync *s, void *borrower, struct wake_list *woken)
{
    (void)self;
    (void)woken;
    keep(limiter_of(s), borrower);
    return 0;
}

/* ---- acquire, release -------------------------------------------------------------------- */

static int allocate(weir_limiter limiter)
{
    struct borrower *b = os_alloc(sizeof *b);
    int rc = b ? weir__sync_change(limiter.h, &limiter_type, add_spare, b) : WEIR_ENOMEM;
    if (rc < 0)
        os_free(b, sizeof *b);
    return rc;
}

static int acquire(weir_limiter limiter, struct request r, weir_time deadline)
{
    int rc;
    struct want want = {0, &r};
    do
        rc = weir__sync_acquire(limiter.h, &limiter_type, borrow, want, deadline);
    while (rc == NO_SPARE && (rc = allocate(limiter)) == 0);
    return rc;
}

/* For the caller itself. */
static int acquire_own(weir_limiter limiter, weir_time deadline)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    uint64_t id = self->id;
    party_leave(self);
    return acquire(limiter, (struct request){.key = id}, deadline);
}

int weir_limiter_acquire_by(weir_limiter limiter, weir_time deadline)
{
    return acquire_own(limiter, until(deadline));
}

int weir_limiter_try_acquire(weir_limiter limiter)
{
    return acquire_own(limiter, WEIR_TRY);
}

int weir_limiter_acquire_for_by(weir_limiter limiter, uint64_t key, weir_time deadline)
{
    return acquire(limiter, (struct request){.key = key, .chosen = true}, until(deadline));
}

int weir_limiter_try_acquire_for(weir_limiter limiter, uint64_t key)
{
    return acquire(limiter, (struct request){.key = key, .chosen = true}, WEIR_TRY);
}

int weir_limiter_release(weir_limiter limiter)
{
    struct request r = {.chosen = false};
    return weir__sync_change(limiter.h, &limiter_type, give_back, &r);
}

int weir_limiter_release_for(weir_limiter limiter, uint64_t key)
{
    struct request r = {.key = key, .chosen = true};
    return weir__sync_change(limiter.h, &limiter_type, give_back, &r);
}

/* ---- the total, and who has how many ------------------------------------------------------- */

static int resize(struct party *self, struct sync *s, void *arg, struct wake_list *woken)
{
    struct limiter *l = limiter_of(s);
    size_t total = *(size_t *)arg;
    (void)self;
    if (MUTATE("limiter: the difference is given") && total > l->total && total <= l->borrowed)
        l->borrowed = l->total;
    l->total = total;
    serve(l, woken);
    return 0;
}

int weir_limiter_resize(weir_limiter limiter, size_t total)
{
    return weir__sync_change(limiter.h, &limiter_type, resize, &total);
}

struct list {
    weir_borrower *out;
    size_t room;
    int count;
};

/* At most as deep as a key has bits. */
static void list_below(struct list *to, const struct borrower *b, bool chosen)
{
    if (!b)
        return;
    if (b->has && (size_t)to->count++ < to->room)
        to->out[to->count - 1] =
            (weir_borrower){chosen ? b->key : sync_owner_number((uint32_t)b->key), chosen};
    list_below(to, b->way[0], chosen);
    list_below(to, b->way[1], chosen);
}

static int list(struct party *self, struct sync *s, void *to, struct wake_list *woken)
{
    struct list *l = to;
    (void)self;
    (void)woken;
    list_below(l, limiter_of(s)->root[0], false);
    list_below(l, limiter_of(s)->root[1], true);
    return l->count;
}

int weir_limiter_borrowers(weir_limiter limiter, weir_borrower *out, size_t n)
{
    struct list to = {out, n, 0};
    if (!out && n > 0)
        return WEIR_EINVAL;
    return weir__sync_change(limiter.h, &limiter_type, list, &to);
}

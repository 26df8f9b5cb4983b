/* SPDX-License-Identifier: MIT */
/*
 * name.c - senders by name: docs/protocol.md, "Names".
 *
 * A name is an object with a handle, so it goes with its owner as all that he owns. It is in the
 * table exactly while the handle is open, both changed under the table's lock. The sender is a
 * clone that nobody owns: who takes the name out closes it.
 *
 * Who looks up copies the clone's number under the lock, and clones it after: if that fails because
 * the name went meanwhile, he looks again. Who awaits a name is in the line of the table; who
 * registers it tells those who want this one, and they look again, too.
 */
#include "name.h"

#include <string.h>

#include "chan.h"
#include "sync/sync.h"

struct name {
    struct object object;
    struct slot *slot; /* constant */
    weir_handle tx;    /* constant */
    uint32_t hash;
    struct name *next; /* under the lock */
    char text[WEIR_NAME_MAX + 1];
    struct retired retired;
};

struct key {
    const char *text;
    uint32_t hash;
};

enum { BUCKETS = 1024 };

static struct {
    struct waitable line; /* its lock is for all of this; those who await a name */
    bool open;            /* there is a run */
    struct name *bucket[BUCKETS];
} table;

static int name_close(struct party *self, weir_handle h);
static int name_move(struct party *self, weir_handle h, struct party *to);

static const struct object_type name_type = {name_close, name_move};

static void table_lock(void)
{
    lock_acquire(&table.line.lock, 0);
}

static void table_unlock(void)
{
    lock_release(&table.line.lock, 0);
}

/* ---- the table: under its lock --------------------------------------------------------------- */

static bool key_make(struct key *k, const char *text)
{
    size_t n = text ? strnlen(text, WEIR_NAME_MAX + 1) : 0;
    *k = (struct key){text, 2166136261u}; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        k->hash = (k->hash ^ (unsigned char)text[i]) * 16777619u;
    return n > 0 && n <= WEIR_NAME_MAX;
}

/* Where it is, or would be. */
static struct name **place_of(const struct key *k)
{
    struct name **at = &table.bucket[k->hash % BUCKETS];
    while (*at && ((*at)->hash != k->hash || strcmp((*at)->text, k->text) != 0))
        at = &(*at)->next;
    return at;
}

/* The clone is open, so the channel is there. */
static const struct chan *chan_of(const struct name *n)
{
    return handle_slot(n->tx)->object;
}

/* Somebody receives, or may: a broadcast has subscribers again. */
static bool leads_somewhere(const struct name *n)
{
    const struct chan *ch = chan_of(n);
    return ch->kind == BROADCAST || !(a32_load(&ch->lock) & RECEIVERS_GONE);
}

/* From now on the handle is closed. Returns its owner. */
static struct party *take_out(struct name **at)
{
    struct name *n = *at;
    *at = n->next;
    return slot_shut(n->slot);
}

/* ---- the end of a name ----------------------------------------------------------------------- */

static void name_free(struct retired *r, struct thread *t)
{
    struct name *n = container_of(r, struct name, retired);
    (void)t;
    os_free(n, sizeof *n);
}

/* It was taken out; no lock is held. */
static void name_end(struct party *self, struct name *n, struct party *owner)
{
    weir__slot_release(self, n->slot, owner);
    weir_handle_close(n->tx);
    if (MUTATE("name: without grace"))
        name_free(&n->retired, self->thread);
    else
        weir__retire(self->thread, &n->retired, name_free);
}

static int name_close(struct party *self, weir_handle h)
{
    int rc;
    struct party *owner = NULL;
    struct name *n = weir__object_get(h, &name_type, &rc);
    if (!n)
        return rc;
    table_lock();
    bool open = handle_open(n->slot, h);
    if (open)
        owner = take_out(place_of(&(struct key){n->text, n->hash}));
    table_unlock();
    if (open)
        name_end(self, n, owner);
    return open ? 0 : WEIR_ECLOSED;
}

static int name_move(struct party *self, weir_handle h, struct party *to)
{
    int rc;
    const struct name *n = weir__object_get(h, &name_type, &rc);
    if (!n)
        return rc;
    table_lock();
    rc = handle_open(n->slot, h) ? weir__slot_move(self, n->slot, to) : WEIR_ECLOSED;
    table_unlock();
    return rc < 0 ? rc : 0;
}

/* ---- register -------------------------------------------------------------------------------- */

/* Under the lock: those who await it look again. */
static void tell(const struct key *k, struct wake_list *woken)
{
    for (struct waiter *w = table.line.waiters.first, *next; w; w = next) {
        const struct key *wanted = (const void *)w->items;
        next = w->next;
        if (wanted->hash == k->hash && strcmp(wanted->text, k->text) == 0)
            weir__waitable_hand(&table.line, w, 0, woken);
    }
}

/* The name has its clone. It takes the place of one that leads nowhere. */
static int publish(struct party *self, struct name *n, const struct key *k, weir_handle *h)
{
    struct wake_list woken = {NULL, NULL};
    struct party *owner = NULL;
    if (!(n->slot = weir__slot_reserve(self)))
        return weir__slot_refused();
    table_lock();
    struct name **at = place_of(k), *before = *at;
    bool taken = before && leads_somewhere(before) && !MUTATE("name: taken and given");
    int rc = !table.open ? WEIR_EPERM : taken ? WEIR_EALREADY : 0;
    if (rc == 0) {
        if (before)
            owner = take_out(at);
        n->next = *at;
        *at = n;
        *h = weir__slot_publish(self, n->slot, OBJECT, n);
        tell(k, &woken);
    }
    table_unlock();
    wake_all(woken.first);
    if (rc < 0)
        weir__slot_cancel(self, n->slot);
    else if (before)
        name_end(self, before, owner);
    return rc;
}

/* One more clone, which nobody owns; 0 or an error. */
static int keep(struct party *self, weir_handle tx, weir_handle *kept)
{
    *kept = weir__clone(self, self, tx, SENDER);
    int rc = weir_handle_check(*kept);
    return rc < 0 ? rc : weir__move(self, *kept, NULL);
}

static int name_new(struct party *self, const struct key *k, weir_handle tx, weir_handle *h)
{
    struct name *n = os_alloc(sizeof *n);
    if (!n)
        return WEIR_ENOMEM;
    *n = (struct name){.object = {&name_type}, .hash = k->hash};
    memcpy(n->text, k->text, strlen(k->text));
    int rc = keep(self, tx, &n->tx);
    if (rc == 0)
        rc = publish(self, n, k, h);
    if (rc < 0) {
        weir_handle_close(n->tx);
        os_free(n, sizeof *n);
    }
    return rc;
}

weir_name weir_name_register_sender(const char *name, weir_handle tx)
{
    struct key k;
    weir_handle h;
    if (!key_make(&k, name))
        return (weir_name){handle_null(WEIR_EINVAL)};
    struct party *self = party_enter();
    if (!self)
        return (weir_name){handle_null(party_refusal())};
    int rc = name_new(self, &k, tx, &h);
    party_leave(self);
    return (weir_name){rc < 0 ? handle_null(rc) : h};
}

/* ---- look up --------------------------------------------------------------------------------- */

struct search {
    struct key key;
    size_t item_size;
    bool waits;
    weir_time deadline;
};

/* Under the lock: 0, and the number of the name's own clone. */
static int number_of(const struct search *x, weir_handle *number)
{
    const struct name *n = *place_of(&x->key);
    if (!table.open)
        return WEIR_EPERM;
    if (!n || !leads_somewhere(n))
        return WEIR_ENOENT;
    *number = n->tx;
    return chan_of(n)->item_size == x->item_size ? 0 : WEIR_EITEM;
}

/* The lock is held and released. */
static int wait_in_line(struct party *self, struct search *x)
{
    self->waiter.items = (char *)&x->key;
    if (!party_is_plain(self))
        trace_wait_on(&actor_of(self)->trace, IN_NAME, &table.line);
    return weir__wait_on(self, &table.line, x->deadline);
}

/* LOOK_AGAIN: it was registered, or has gone, a moment ago. */
enum { LOOK_AGAIN = 1 };

static int look(struct party *self, struct search *x, weir_handle *tx)
{
    weir_handle number, mine;
    wait_announce(self);
    table_lock();
    int rc = number_of(x, &number);
    if (rc == WEIR_ENOENT && x->waits) {
        if (MUTATE("name: not looked at")) {
            table_unlock();
            table_lock();
        }
        rc = wait_in_line(self, x);
        return rc < 0 ? rc : LOOK_AGAIN;
    }
    table_unlock();
    wait_renounce(self);
    if (rc < 0)
        return rc;
    mine = weir__clone(self, self, number, SENDER);
    rc = weir_handle_check(mine);
    if (rc == 0)
        *tx = mine;
    return rc == WEIR_ECLOSED && !MUTATE("name: gone is gone") ? LOOK_AGAIN : rc;
}

static int search(struct search *x, weir_handle *tx)
{
    struct party *self = party_enter();
    int rc = LOOK_AGAIN;
    if (!self)
        return party_refusal();
    if (x->waits && !sync_may_wait(self))
        rc = WEIR_ECANCELED;
    while (rc == LOOK_AGAIN)
        rc = look(self, x, tx);
    party_leave(self);
    return rc;
}

static int look_up(const char *name, weir_handle *tx, struct search *x)
{
    if (!tx)
        return WEIR_EINVAL;
    int rc = key_make(&x->key, name) ? search(x, tx) : WEIR_EINVAL;
    if (rc < 0)
        *tx = handle_null(rc);
    return rc;
}

int weir_name_find_sized(const char *name, weir_handle *tx, size_t item_size)
{
    return look_up(name, tx, &(struct search){.item_size = item_size});
}

int weir_name_await_sized(const char *name, weir_handle *tx, size_t item_size, weir_time deadline)
{
    return look_up(
        name, tx,
        &(struct search){.item_size = item_size, .waits = true, .deadline = until(deadline)});
}

/* ---- the run --------------------------------------------------------------------------------- */

void weir__names_begin(void)
{
    table_lock();
    table.open = true;
    table_unlock();
}

/* What is left was registered by plain threads. */
static struct name *take_any(struct party **owner)
{
    struct name *n = NULL;
    table_lock();
    for (size_t i = 0; i < BUCKETS && !n; i++)
        if ((n = table.bucket[i]))
            *owner = take_out(&table.bucket[i]);
    table_unlock();
    return n;
}

void weir__names_end(void)
{
    struct party *self = party_current(), *owner;
    struct name *n;
    table_lock();
    table.open = false;
    struct waiter *woken = weir__waitable_complete(&table.line, WEIR_EPERM);
    table_unlock();
    wake_all(MUTATE("name: the end is not told") ? NULL : woken);
    while ((n = take_any(&owner)))
        name_end(self, n, owner);
}

/* ---- seen from outside ----------------------------------------------------------------------- */

static void see(const struct name *n, struct seen_name *out)
{
    void *owner = aptr_load(&n->slot->owner); /* the handle is open: he has not ended */
    memcpy(out->text, n->text, sizeof out->text);
    out->owner = owner ? actor_number(actor_of(owner)->party.id) : 0;
    out->live = leads_somewhere(n);
    out->chan = chan_of(n);
}

/* Under the lock: how many there are; the first `room` of them are written. */
static size_t see_all(struct seen_name *names, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < BUCKETS; i++)
        for (const struct name *it = table.bucket[i]; it; it = it->next, n++)
            if (n < room)
                see(it, &names[n]);
    return n;
}

int weir__names_see(struct seen_name **names, size_t *n, size_t *bytes)
{
    enum { MORE = 16 };
    size_t room = 0;
    *names = NULL;
    *bytes = 0;
    for (;;) {
        table_lock();
        *n = see_all(*names, room);
        table_unlock();
        if (*n <= room)
            return 0;
        os_free(*names, *bytes);
        room = *n + MORE;
        *bytes = room * sizeof **names;
        if (!(*names = os_alloc(*bytes)))
            return WEIR_ENOMEM;
    }
}

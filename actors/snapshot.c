/* SPDX-License-Identifier: MIT */
/* snapshot.c - see snapshot.h. */
#define _GNU_SOURCE
#include "snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "children.h"
#include "kept.h"
#include "simulate.h"
#include "stack.h"
#include "supervision/child.h"
#include "sync/sync.h"

enum { TRIES = 8, PAGES = 256 };

static a64 stack_size;

void weir__snapshot_stacks(size_t size)
{
    a64_store(&stack_size, size);
}

/* ---- one actor ---------------------------------------------------------------------- */

static void see_channel(struct chan *ch, struct seen *out)
{
    uint64_t head = a64_load_acquire(chan_head(ch));
    uint64_t tail = a64_load_acquire(chan_tail(ch)) & ~(uint64_t)TAIL_CLOSED;
    if (ch->kind == UNBOUNDED) {
        out->capacity = WEIR_UNBOUNDED;
        out->buffered = (tail - head) >> 1;
    } else if (ch->kind == BOUNDED) {
        out->capacity = ch->capacity;
        out->buffered = cells_between(ch, head, tail);
        if (out->buffered > out->capacity) /* the head has moved since it was read */
            out->buffered = out->capacity;
    } else if (ch->kind == FED) {
        out->fed = true; /* its feeder may have gone */
        out->inside = ch->lap_mask;
    } else if (ch->flags & KEEPS) {
        out->capacity = ch->capacity;
        out->buffered = kept_buffered(ch);
    }
}

static void see_ticker(const struct chan *ch, struct seen *out)
{
    out->period = ch->period;
    out->due = ticker_next(ch);
}

/*
 * How far down pages were touched. The lowest one is left out: it is the guard, or has the
 * canary that is read. The run may end and its stacks be unmapped meanwhile: an error.
 */
static size_t touched(const struct stack *k)
{
    unsigned char resident[PAGES];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = a64_load(&stack_size);
    uintptr_t slot = (uintptr_t)k & ~(uintptr_t)(size - 1);
    int e = errno;
    size_t used = 0;
    for (uintptr_t at = slot + page; at < slot + size && !used; at += PAGES * page) {
        size_t pages = (slot + size - at) / page;
        if (pages > PAGES)
            pages = PAGES;
        if (mincore((void *)at, pages * page, resident) < 0)
            break;
        for (size_t i = 0; i < pages && !used; i++)
            if (resident[i] & 1)
                used = (uintptr_t)k - (at + i * page);
    }
    errno = e;
    return used;
}

static void see_stack(const struct actor *a, struct seen *out)
{
    if (out->moved == 0 || !a->stack) /* fresh: it is getting one just now */
        return;
    uintptr_t top = (uintptr_t)a->stack, sp = (uintptr_t)a->context.sp;
    if (out->parked && sp < top && top - sp < a64_load(&stack_size))
        out->stack = top - sp;
    out->touched = touched(a->stack);
}

static bool has_deadline(const struct actor *a)
{
    a32 *lock = (a32 *)(uintptr_t)&a->scopes_lock;
    bool found = false;
    lock_acquire(lock, 0);
    for (const struct scope *s = a->scopes; s && !found; s = s->outer)
        found = s->deadline != WEIR_NEVER;
    lock_release(lock, 0);
    return found;
}

/* moved, what and woken of one moment; false: it moves too fast. */
static bool see_trace(const struct trace *t, struct seen *out, uintptr_t *what)
{
    for (int i = 0; i < TRIES; i++) {
        out->moved = a64_load_acquire(&t->moved);
        *what = (uintptr_t)aptr_load_acquire(&t->what);
        out->woken = a64_load_acquire(&t->woken);
        out->since = a32_load(&t->since);
        if (a64_load_acquire(&t->moved) == out->moved)
            return true;
    }
    return false;
}

bool weir__see(const struct actor *a, struct seen *out)
{
    uintptr_t what;
    memset(out, 0, sizeof *out);
    if (!aptr_load_acquire(&a->trace.what)) /* pairs with trace_begin() */
        return false;
    bool settled = see_trace(&a->trace, out, &what);
    out->actor = a;
    out->id = actor_number(a->party.id);
    out->parent = actor_number(a->trace.parent);
    out->supervises = a->body == weir__supervisor;
    out->group = a->group;
    out->head = a->group->scope.owner;
    memcpy(out->name, a->name, NAME_BYTES);
    out->kind = what & WHAT_KIND;
    out->scoped = has_deadline(a);
    out->timed = (what & WHAT_TIMED) || out->scoped;
    out->target = (const void *)(what & ~(uintptr_t)WHAT_BITS);
    if (out->kind == NOBODY)
        return false;
    out->runs = !settled || (out->moved & 1);
    out->parked = !out->runs && out->kind > YIELDED && out->woken >> 32 != (uint32_t)out->moved;
    if (!out->parked)
        return true;
    if (out->kind == IN_RECV || out->kind == IN_SEND)
        see_channel((struct chan *)(uintptr_t)out->target, out);
    if (out->fed)
        out->kind = IN_OTHER;
    else if (out->kind == IN_TICK)
        see_ticker((struct chan *)(uintptr_t)out->target, out);
    else if (out->kind == IN_SYNC)
        out->noun = sync_type(out->target)->noun;
    else if (out->kind == IN_GROUP)
        out->buffered = weir__children_count((struct group *)(uintptr_t)out->target);
    return true;
}

/* ---- tables ------------------------------------------------------------------------- */

static uint32_t hash_id(uint32_t id)
{
    return id * 2654435769u >> 7;
}

static uint32_t hash_pointer(const void *p)
{
    return (uint32_t)(((uintptr_t)p >> 6) * 0x9e3779b97f4a7c15u >> 32);
}

static bool table_make(struct table *t, uint32_t n)
{
    uint32_t size = 16;
    while (size < n)
        size *= 2;
    if (!(t->head = os_alloc(size * sizeof *t->head)))
        return false;
    t->mask = size - 1;
    memset(t->head, 0xff, size * sizeof *t->head); /* NO_ONE */
    return true;
}

static void table_free(struct table *t)
{
    if (t->head)
        os_free(t->head, ((size_t)t->mask + 1) * sizeof *t->head);
}

static void table_add(struct table *t, uint32_t hash, uint32_t index, uint32_t *next)
{
    *next = t->head[hash & t->mask];
    t->head[hash & t->mask] = index;
}

uint32_t weir__seen_by_id(const struct snapshot *s, uint32_t id)
{
    uint32_t i = s->ids.head[hash_id(id) & s->ids.mask];
    while (i != NO_ONE && s->actors[i].id != id)
        i = s->actors[i].next_id;
    return i;
}

uint32_t weir__seen_waiting(const struct snapshot *s, const void *target)
{
    return s->targets.head[hash_pointer(target) & s->targets.mask];
}

uint32_t weir__seen_ends(const struct snapshot *s, const void *chan)
{
    return s->chans.head[hash_pointer(chan) & s->chans.mask];
}

uint32_t weir__seen_at(const struct snapshot *s, const void *actor)
{
    uint32_t low = 0, high = s->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((uintptr_t)s->actors[middle].actor < (uintptr_t)actor)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->count && s->actors[low].actor == actor ? low : NO_ONE;
}

/* ---- all of them -------------------------------------------------------------------- */

bool weir__seen_still(const struct seen *a)
{
    const struct trace *t = &a->actor->trace;
    return a64_load_acquire(&t->moved) == a->moved && a64_load_acquire(&t->woken) == a->woken;
}

static void add_actor(struct snapshot *s, const struct actor *a, bool stacks)
{
    struct seen *it = &s->actors[s->count];
    if (!weir__see(a, it))
        return;
    if (stacks)
        see_stack(a, it);
    it->first_end = it->next_work = NO_ONE;
    table_add(&s->ids, hash_id(it->id), s->count, &it->next_id);
    if (it->parked)
        table_add(&s->targets, hash_pointer(it->target), s->count, &it->next_target);
    s->count++;
}

/* Those that came while we looked are beyond the room, and left out. */
static void see_actors(struct snapshot *s, bool stacks)
{
    uint32_t end = weir__pool_end(&weir__actors);
    for (uint32_t i = 0; i < end && s->count < s->room; i++)
        add_actor(s, pool_at(&weir__actors, i), stacks);
}

static uint32_t count_actors(void)
{
    uint32_t n = 0, end = weir__pool_end(&weir__actors);
    for (uint32_t i = 0; i < end; i++) {
        const struct actor *a = pool_at(&weir__actors, i);
        n += aptr_load(&a->trace.what) != NULL;
    }
    return n;
}

static bool is_end(const struct slot *slot, uint32_t *word)
{
    *word = a32_load_acquire(&slot->word); /* pairs with weir__slot_publish() */
    return (*word & 3) == SENDER || (*word & 3) == RECEIVER;
}

static uint32_t count_ends(void)
{
    uint32_t n = 0, word, end = weir__pool_end(&weir__slots);
    for (uint32_t i = 1; i < end; i++)
        n += is_end(pool_at(&weir__slots, i), &word);
    return n;
}

/* The owner is the owner's while the handle is open, which it is under the channel's lock. */
static bool see_end(struct slot *slot, uint32_t word, struct seen_end *out, void **owner)
{
    struct chan *ch = slot->object;
    lock_acquire(&ch->lock, 0);
    bool open = a32_load(&slot->word) == word;
    *owner = open ? aptr_load(&slot->owner) : NULL;
    chan_unlock(ch);
    out->chan = ch;
    out->sends = (word & 3) == SENDER;
    return open;
}

/* More ends than counted: those that are left out may belong to anybody. */
static bool see_ends(struct snapshot *s)
{
    uint32_t word, end = weir__pool_end(&weir__slots);
    for (uint32_t i = 1; i < end; i++) {
        struct slot *slot = pool_at(&weir__slots, i);
        struct seen_end e;
        void *owner;
        if (!is_end(slot, &word) || !see_end(slot, word, &e, &owner))
            continue;
        if (s->end_count == s->end_room)
            return false;
        e.owner = owner ? weir__seen_at(s, actor_of(owner)) : NO_ONE;
        e.next_owned = NO_ONE;
        table_add(&s->chans, hash_pointer(e.chan), s->end_count, &e.next_chan);
        if (e.owner != NO_ONE) {
            struct seen *a = &s->actors[e.owner];
            e.next_owned = a->first_end;
            a->first_end = s->end_count;
            a->owns_side |= a->parked && a->target == e.chan && (a->kind == IN_SEND) == e.sends;
        }
        s->ends[s->end_count++] = e;
    }
    return true;
}

static bool make_room(struct snapshot *s, bool ends)
{
    enum { MORE = 64 };
    *s = (struct snapshot){.room = count_actors() + MORE};
    s->actors = os_alloc(s->room * sizeof *s->actors);
    if (!s->actors || !table_make(&s->ids, s->room) || !table_make(&s->targets, s->room))
        return false;
    if (!ends)
        return true;
    s->end_room = count_ends() + MORE;
    s->ends = os_alloc(s->end_room * sizeof *s->ends);
    return s->ends && table_make(&s->chans, s->end_room);
}

void weir__snapshot_free(struct snapshot *s)
{
    if (s->actors)
        os_free(s->actors, s->room * sizeof *s->actors);
    if (s->ends)
        os_free(s->ends, s->end_room * sizeof *s->ends);
    table_free(&s->ids);
    table_free(&s->targets);
    table_free(&s->chans);
}

static bool take(struct snapshot *s, unsigned wanted)
{
    bool ends = wanted & SEE_ENDS;
    bool all;
    do {
        if (!make_room(s, ends)) {
            weir__snapshot_free(s);
            return false;
        }
        see_actors(s, wanted & SEE_STACKS);
        all = !ends || see_ends(s);
        if (!all)
            weir__snapshot_free(s);
    } while (!all);
    return true;
}

int weir__snapshot_take(struct snapshot *s, unsigned wanted)
{
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    bool taken = take(s, wanted);
    party_leave(self);
    return taken ? 0 : WEIR_ENOMEM;
}

/* ---- text --------------------------------------------------------------------------- */

static void channel_text(const struct seen *a, const char *verb, char *text, size_t size)
{
    char capacity[40] = "unbounded";
    if (a->capacity != WEIR_UNBOUNDED)
        snprintf(capacity, sizeof capacity, "capacity %" PRIu64, a->capacity);
    snprintf(text, size, "%s on channel %p (%s, %" PRIu64 " buffered)%s", verb, a->target, capacity,
             a->buffered, a->timed ? ", with a deadline" : "");
}

static double seconds(weir_time t)
{
    return (double)t / 1e9;
}

static void tick_text(const struct seen *a, char *text, size_t size)
{
    char every[40] = "";
    weir_time left = a->due - weir__run_now();
    if (a->period > 0)
        snprintf(every, sizeof every, "every %.3f s, ", seconds(a->period));
    if (a->due == WEIR_NEVER)
        snprintf(text, size, "tick of %p (never due), with a deadline", a->target);
    else
        snprintf(text, size, "tick of %p (%sdue in %.3f s)", a->target, every,
                 left > 0 ? seconds(left) : 0);
}

void weir__seen_wait(const struct seen *a, char *text, size_t size)
{
    static const char *const others[] = {
        [IN_SLEEP] = "sleep",       [IN_SELECT] = "select",  [IN_TASK] = "a task",
        [IN_SETTLE] = "all others", [IN_EVENT] = "an event", [IN_OTHER] = "something outside",
        [IN_NAME] = "a name"};
    *text = 0;
    if (!a->parked)
        return;
    if (a->kind == IN_RECV || a->kind == IN_SEND)
        channel_text(a, a->kind == IN_RECV ? "recv" : "send", text, size);
    else if (a->kind == IN_TICK)
        tick_text(a, text, size);
    else if (a->kind == IN_GROUP)
        snprintf(text, size, "end of group %p (%" PRIu64 " left)", a->target, a->buffered);
    else if (a->kind == IN_SYNC)
        snprintf(text, size, "%s %p%s", a->noun, a->target, a->timed ? ", with a deadline" : "");
    else
        snprintf(text, size, "%s%s",
                 others[a->kind <= IN_NAME && others[a->kind] ? a->kind : IN_OTHER],
                 a->timed && a->kind != IN_SLEEP ? ", with a deadline" : "");
}

/* ---- for debuggers ------------------------------------------------------------------ */

/* Where tools/weir-gdb.py finds things, without debug information. */
struct debug_root {
    uint64_t version;
    struct pool *pool;
    uint64_t base, fresh, stride, id, name, name_bytes;
    uint64_t moved, what, woken, parent, sp, stack;
    uint64_t group_first, group_more, broods_of, brood_bytes, brood_live;
};

extern const struct debug_root weir__debug_root;

const struct debug_root weir__debug_root __attribute__((used)) = {
    .version = 2,
    .pool = &weir__actors,
    .base = offsetof(struct pool, base),
    .fresh = offsetof(struct pool, fresh),
    .stride = sizeof(struct actor),
    .id = offsetof(struct actor, party.id),
    .name = offsetof(struct actor, name),
    .name_bytes = NAME_BYTES,
    .moved = offsetof(struct actor, trace.moved),
    .what = offsetof(struct actor, trace.what),
    .woken = offsetof(struct actor, trace.woken),
    .parent = offsetof(struct actor, trace.parent),
    .sp = offsetof(struct actor, context.sp),
    .stack = offsetof(struct actor, stack),
    .group_first = offsetof(struct group, first),
    .group_more = offsetof(struct group, more),
    .broods_of = offsetof(struct broods, of), /* their number is at the beginning */
    .brood_bytes = sizeof(struct brood),
    .brood_live = offsetof(struct brood, live),
};

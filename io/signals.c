/* SPDX-License-Identifier: MIT */
/*
 * signals.c - see weir/signals.h: who wants which signals, and how they get there.
 *
 *   kernel -> handler -> ring -> our thread -> a line for each receiver -> who receives
 *             weir__signal_caught()   tell_all()   (under its channel's lock)   pop()
 *
 * The *handler* may interrupt anything, so it takes no lock, allocates nothing and waits for
 * nobody: it claims a place of the ring, fills and publishes it, and rings the bell. When the ring
 * is full it counts in `missed`. Our *thread* reads the bell, takes what is there, and sleeps while
 * the bell is as it was read: what was published before is seen, what comes after wakes.
 *
 * *Whose signal is it?* The bit in `taken` is set before the disposition is made ours, and
 * cleared after it was given back. So a handler that finds it clear has a signal whose disposition
 * is as before (or ours anew), and gives it back to the kernel. One that finds it set puts it into
 * the ring, where our thread decides, under the lock: told, or, if nobody wants it any more,
 * passed on to the process. A handler is counted in `inside` before it looks. So when our thread
 * finds, under the lock, that nothing is wanted, nobody inside and nothing in the ring, nothing
 * will be, until somebody wants something: it may go. Who does so then starts another one.
 *
 * *Receivers*: the list of them, how many want each number, and the dispositions change
 * together under the lock, under which the thread also tells; lock order: this one, a channel's. A
 * receiver is a FED channel (channels/fed.h) and ours are its items: a line, in which a delivery
 * is an item, or is counted in the last item of its number. There is room for `queue` items and one
 * more of each number, so there is always room for a number that is not in it.
 *
 * *Received by nobody*: deliveries are numbered. Each number of a signal has the last delivery
 * that somebody received. When a receiver goes, its items after that which no other one was there
 * to be told of are passed on to the process, in which they arrive anew.
 */
#include <weir/signals.h>

#include <stdarg.h>

#include "fed.h"
#include "os_signal.h"
#include "os_thread.h"

/* ---- the ring ------------------------------------------------------------------------------- */

#if defined(WEIR_EXPLORE)
enum { RING = 2 };
#else
enum { RING = 4096 };
#endif

/* Of lap n the stamp is 2n while it is free, 2n + 1 when it is published. */
struct caught {
    a64 stamp;
    weir_signal signal;
};

static struct {
    a64 tail;
    uint64_t head; /* our thread's; it passes to the next one by the lock */
    a32 bell;
    a32 inside;      /* handlers */
    a64 taken;       /* signal_bit() of each; written under the lock */
    a64 missed_some; /* of which there were too many */
    a32 missed[SIGNALS_END];
    struct caught places[RING];
} ring;

static struct caught *place(uint64_t position)
{
    return &ring.places[position % RING];
}

static uint64_t lap(uint64_t position)
{
    return position / RING * 2;
}

/* False: it is full. */
static bool ring_put(const weir_signal *signal)
{
    uint64_t t = a64_load(&ring.tail);
    for (;;) {
        struct caught *c = place(t);
        int64_t ahead = (int64_t)(a64_load_acquire(&c->stamp) - lap(t)); /* pairs with ring_get() */
        if (ahead == 0 && a64_cas(&ring.tail, &t, t + 1)) {
            c->signal = *signal;
            a64_store_release(&c->stamp, lap(t) + 1); /* pairs with ring_get() */
            return true;
        }
        if (ahead < 0)
            return false;
        if (ahead > 0)
            t = a64_load(&ring.tail);
    }
}

/* By our thread. False: nothing is published. */
static bool ring_get(weir_signal *signal)
{
    struct caught *c = place(ring.head);
    if (a64_load_acquire(&c->stamp) != lap(ring.head) + 1)
        return false;
    *signal = c->signal;
    a64_store_release(&c->stamp, lap(ring.head) + 2);
    ring.head++;
    return true;
}

static void ring_the_bell(void)
{
    a32_add(&ring.bell, 1); /* pairs with serve() */
    os_futex_wake(&ring.bell, 1);
}

/* By our thread: those of a number that found no place. */
static bool get_missed(weir_signal *signal)
{
    uint64_t some = a64_load_acquire(&ring.missed_some);
    if (!some || MUTATE("signals: full is lost"))
        return false;
    int number = __builtin_ctzll(some) + 1;
    uint64_t rest = some;
    while (!a64_cas(&ring.missed_some, &rest, rest & ~signal_bit(number)))
        ;
    uint32_t count = a32_load(&ring.missed[number]);
    a32_add(&ring.missed[number], 0u - count); /* what comes now sets its bit again */
    *signal = (weir_signal){.number = number, .count = count};
    return true;
}

bool weir__signal_caught(const weir_signal *signal)
{
    a32_add(&ring.inside, 1);
    a_after_rmw(); /* pairs with what_next() */
    bool ours = a64_load_acquire(&ring.taken) & signal_bit(signal->number);
    if (ours && !ring_put(signal)) {
        a32_add(&ring.missed[signal->number], 1);
        a64_or(&ring.missed_some, signal_bit(signal->number));
    }
    if (ours)
        ring_the_bell();
    a32_add(&ring.inside, (uint32_t)-1);
    return ours;
}

/* ---- a receiver's line ---------------------------------------------------------------------- */

struct item {
    weir_signal signal;
    uint64_t last; /* the last delivery that it stands for; 0: from no kernel */
};

struct wanting {
    struct feeder feeder;
    struct wanting *next;
    uint64_t wanted;              /* signal_bit() of each */
    uint64_t since;               /* told of deliveries after this one */
    size_t queue, room;           /* room: a power of two */
    a64 head, tail;               /* places; written under the channel's lock, as this is: */
    uint64_t latest[SIGNALS_END]; /* of each number its last item's place + 1; 0: none yet */
    struct item items[];
};

enum thread_states { NONE_RUNS, STARTS, RUNS_NOW };

/* All under the lock, but `received`. */
static struct {
    a32 lock;
    a32 thread;       /* enum thread_states */
    uint32_t openers; /* who need the thread, but are not in the list yet */
    struct wanting *first;
    uint64_t arrived;            /* deliveries so far */
    uint32_t users[SIGNALS_END]; /* of each number */
    a64 received[SIGNALS_END]; /* of each number the last delivery that somebody received: grows */
    os_thread id;
} signals;

static struct item *item_at(struct wanting *w, uint64_t position)
{
    return &w->items[position & (w->room - 1)];
}

static uint32_t sum(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* Under both locks: tell a receiver, wake who waits. */
static void tell(struct wanting *w, const weir_signal *signal, uint64_t delivery,
                 struct wake_list *woken)
{
    uint64_t head = a64_load(&w->head), tail = a64_load(&w->tail);
    uint64_t *latest = &w->latest[signal->number];
    bool is_there = *latest > (MUTATE("signals: received is as good") ? 0 : head);
    if (is_there && tail - head >= w->queue) {
        struct item *i = item_at(w, *latest - 1);
        i->signal.count = sum(i->signal.count, signal->count);
        if (delivery)
            i->last = delivery;
        return;
    }
    *item_at(w, tail) = (struct item){*signal, delivery};
    *latest = tail + 1;
    a64_store(&w->tail, tail + 1);
    w->feeder.chan->handed++;
    weir__fed_serve_locked(w->feeder.chan, woken);
}

static void note_received(int number, uint64_t delivery)
{
    uint64_t before = a64_load(&signals.received[number]);
    while (before < delivery && !a64_cas(&signals.received[number], &before, delivery))
        ;
}

static struct wanting *wanting_of(struct feeder *f)
{
    return container_of(f, struct wanting, feeder);
}

static int pop(struct feeder *f, struct waiter *waiter)
{
    struct wanting *w = wanting_of(f);
    uint64_t head = a64_load(&w->head), tail = a64_load(&w->tail);
    weir_signal *out = (weir_signal *)(void *)waiter->items;
    uint32_t k = 0;
    for (; k < waiter->count && head < tail; k++, head++) {
        const struct item *i = item_at(w, head);
        out[k] = i->signal;
        note_received(i->signal.number, i->last);
    }
    a64_store(&w->head, head);
    return k > 0 ? (int)k : EMPTY;
}

static uint64_t buffered(struct feeder *f)
{
    const struct wanting *w = wanting_of(f);
    uint64_t head = a64_load(&w->head), tail = a64_load(&w->tail);
    return tail - head <= w->room ? tail - head : w->room;
}

static bool ready(struct feeder *f)
{
    return buffered(f) > 0;
}

/* ---- telling -------------------------------------------------------------------------------- */

/* 0: nobody wants it; or WEIR_ENOMEM. */
static int tell_all(const weir_signal *signal, bool arrived)
{
    struct wake_list woken = {NULL, NULL};
    struct party *self = party_enter();
    if (!self)
        return party_refusal();
    lock_acquire(&signals.lock, 0);
    uint64_t delivery = arrived ? ++signals.arrived : 0;
    bool wanted = signals.users[signal->number] > 0;
    for (struct wanting *w = signals.first; w && wanted; w = w->next) {
        if (!(w->wanted & signal_bit(signal->number)))
            continue;
        lock_acquire(&w->feeder.chan->lock, 0);
        tell(w, signal, delivery, &woken);
        chan_unlock(w->feeder.chan);
    }
    lock_release(&signals.lock, 0);
    wake_all(woken.first);
    party_leave(self);
    return wanted;
}

static bool tell_one(void)
{
    weir_signal s;
    if (!ring_get(&s) && !get_missed(&s))
        return false;
    if (s.count > 0 && tell_all(&s, true) == 0)
        os_signal_pass_on(&s);
    return true;
}

enum next { SLEEP, LOOK, GO };

/* What is the thread to do, when it found nothing? A handler that gives back does not ring. */
static enum next what_next(void)
{
    enum next next = SLEEP;
    lock_acquire(&signals.lock, 0);
    if (!signals.first && signals.openers == 0) {
        /* Pairs with weir__signal_caught(): who is not inside yet will find nothing taken. */
        bool inside = a32_load_acquire(&ring.inside) > 0;
        if (MUTATE("signals: goes while one is inside"))
            inside = false;
        bool some = a64_load_acquire(&ring.tail) != ring.head || a64_load(&ring.missed_some);
        next = inside || some ? LOOK : GO;
    }
    if (next == GO)
        a32_store(&signals.thread, NONE_RUNS);
    lock_release(&signals.lock, 0);
    return next;
}

static void serve(void)
{
    uint64_t let_in = 0;
    for (unsigned turns = 0;; turns++) {
        uint32_t bell = a32_load_acquire(&ring.bell); /* pairs with ring_the_bell() */
        uint64_t wanted = a64_load(&ring.taken);
        if (wanted != let_in)
            os_signal_let_in(let_in = wanted);
        while (tell_one())
            turns = 0;
        if (MUTATE("signals: bell read late"))
            bell = a32_load_acquire(&ring.bell);
        enum next next = what_next();
        if (next == GO)
            return;
        if (next == SLEEP)
            os_futex_wait(&ring.bell, bell, WEIR_NEVER);
        else
            os_spin(turns);
    }
}

static void set_thread(uint32_t state)
{
    lock_acquire(&signals.lock, 0);
    a32_store(&signals.thread, state);
    lock_release(&signals.lock, 0);
    os_futex_wake(&signals.thread, INT32_MAX);
}

static void run(void *unused)
{
    struct party *self = party_enter();
    (void)unused;
    os_signal_thread_begins();
    if (self)
        party_leave(self); /* it has its record: telling needs no memory */
    set_thread(self ? RUNS_NOW : NONE_RUNS);
    if (self)
        serve();
}

/* ---- coming --------------------------------------------------------------------------------- */

/* The lock is held, and again afterwards; 0 or WEIR_ENOMEM. */
static int await_thread(void)
{
    bool tried = false;
    uint32_t state;
    while ((state = a32_load(&signals.thread)) != RUNS_NOW) {
        if (state == NONE_RUNS && tried)
            return WEIR_ENOMEM;
        a32_store(&signals.thread, STARTS);
        lock_release(&signals.lock, 0);
        if (state == NONE_RUNS) {
            tried = true;
            if (os_thread_start(&signals.id, run, NULL) < 0)
                set_thread(NONE_RUNS);
        }
        os_futex_wait(&signals.thread, STARTS, WEIR_NEVER);
        lock_acquire(&signals.lock, 0);
    }
    return 0;
}

static void set_taken(uint64_t numbers)
{
    a64_store_release(&ring.taken, numbers);
}

/* Under the lock. */
static void unwant(int number)
{
    if (--signals.users[number] > 0 || MUTATE("signals: not given back"))
        return;
    os_signal_give_back(number);
    set_taken(a64_load(&ring.taken) & ~signal_bit(number));
}

static int want(int number)
{
    if (signals.users[number] == 0) {
        set_taken(a64_load(&ring.taken) | signal_bit(number));
        if (os_signal_take(number) < 0) {
            set_taken(a64_load(&ring.taken) & ~signal_bit(number));
            return WEIR_EINVAL;
        }
    }
    signals.users[number]++;
    return 0;
}

static int want_all(uint64_t wanted)
{
    for (int n = 1; n < SIGNALS_END; n++) {
        if (!(wanted & signal_bit(n)) || want(n) == 0)
            continue;
        while (--n > 0)
            if (wanted & signal_bit(n))
                unwant(n);
        return WEIR_EINVAL;
    }
    return 0;
}

static int enlist(struct wanting *w)
{
    lock_acquire(&signals.lock, 0);
    signals.openers++;
    int rc = await_thread();
    if (rc == 0)
        rc = want_all(w->wanted);
    if (rc == 0) {
        w->since = signals.arrived;
        w->next = signals.first;
        signals.first = w;
    }
    signals.openers--;
    lock_release(&signals.lock, 0);
    ring_the_bell(); /* for the thread's mask; or it may go */
    return rc;
}

/* ---- going ---------------------------------------------------------------------------------- */

static size_t bytes_of(size_t room)
{
    return sizeof(struct wanting) + room * sizeof(struct item);
}

/* Under the lock. False: it is not there, or was the parent's of this child of fork(2). */
static bool strike(const struct wanting *w)
{
    struct wanting **at = &signals.first;
    while (*at && *at != w)
        at = &(*at)->next;
    bool there = *at;
    if (there)
        *at = w->next;
    return there;
}

/* Under the lock: has somebody received it, or is to? */
static bool is_known(int number, uint64_t delivery)
{
    if (MUTATE("signals: passed on, though received"))
        return false;
    if (delivery <= a64_load(&signals.received[number]))
        return true;
    for (const struct wanting *w = signals.first; w; w = w->next)
        if (w->wanted & signal_bit(number) && w->since < delivery)
            return true;
    return false;
}

/* Under the lock: what is left is to be passed on, or is nothing any more. */
static void sort_out(struct wanting *w, uint64_t head, uint64_t tail)
{
    for (; head < tail; head++) {
        struct item *i = item_at(w, head);
        if (is_known(i->signal.number, i->last) || MUTATE("signals: what is left is dropped"))
            i->signal.number = 0;
    }
}

/* See struct feed. Nobody receives here any more, and nobody tells when it is not in the list. */
static void deserted(struct feeder *f, struct thread *t)
{
    (void)t;
    struct wanting *w = wanting_of(f);
    lock_acquire(&signals.lock, 0);
    bool listed = strike(w);
    uint64_t tail = a64_load(&w->tail);
    uint64_t head = listed ? a64_load(&w->head) : tail;
    sort_out(w, head, tail);
    for (int n = 1; n < SIGNALS_END && listed; n++)
        if (w->wanted & signal_bit(n))
            unwant(n);
    lock_release(&signals.lock, 0);
    ring_the_bell(); /* the thread may go */
    for (; head < tail; head++)
        if (item_at(w, head)->signal.number)
            os_signal_pass_on(&item_at(w, head)->signal);
    os_free(w, bytes_of(w->room));
}

/* ---- public --------------------------------------------------------------------------------- */

static const struct feed feed = {
    .pop = pop, .ready = ready, .buffered = buffered, .deserted = deserted};

static size_t room_for(uint64_t wanted, size_t queue)
{
    return round_up_to_power((uint32_t)queue + (uint32_t)__builtin_popcountll(wanted));
}

static int open_wanting(struct party *self, weir_receiver *rx, uint64_t wanted, size_t queue)
{
    size_t room = room_for(wanted, queue);
    struct wanting *w = os_alloc(bytes_of(room));
    if (!w)
        return WEIR_ENOMEM;
    *w = (struct wanting){.wanted = wanted, .queue = queue, .room = room};
    struct slot *s = weir__slot_reserve(self);
    int rc = s ? weir__fed_open(&w->feeder, &feed, self->thread, sizeof(weir_signal), room, true)
               : weir__slot_refused();
    if (rc < 0) {
        if (s)
            weir__slot_cancel(self, s);
        os_free(w, bytes_of(room));
        return rc;
    }
    rx->h = weir__slot_publish(self, s, RECEIVER, w->feeder.chan);
    rc = enlist(w);
    if (rc < 0)
        weir_close(*rx); /* deserted() does the rest */
    return rc;
}

/* 0: some are refused. */
static uint64_t numbers_of(const int *numbers, size_t n)
{
    uint64_t wanted = 0;
    for (size_t i = 0; i < n; i++) {
        if (!os_signal_is_for_us(numbers[i]))
            return 0;
        wanted |= signal_bit(numbers[i]);
    }
    return wanted;
}

int weir_signals_open(weir_receiver *rx, const int *numbers, size_t n,
                      const weir_signal_options *options)
{
    size_t queue = options ? options->queue : 0;
    uint64_t wanted = numbers ? numbers_of(numbers, n) : 0;
    int rc = WEIR_EINVAL;
    if (rx && wanted && queue <= WEIR_CAPACITY_MAX) {
        struct party *self = party_enter();
        rc = self ? open_wanting(self, rx, wanted, queue) : party_refusal();
        if (self)
            party_leave(self);
    }
    if (rc < 0 && rx)
        rx->h = handle_null(rc);
    return rc;
}

int weir_signals(weir_receiver *rx, int number, ...)
{
    int numbers[SIGNALS_END];
    size_t n = 0;
    va_list more;
    va_start(more, number);
    for (; number != 0 && n < SIGNALS_END; n++) {
        numbers[n] = number;
        /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is not; clang-tidy 14 */
        number = va_arg(more, int);
    }
    va_end(more);
    return weir_signals_open(rx, numbers, number == 0 ? n : 0, NULL);
}

int weir_signal_inject(const weir_signal *signal)
{
    if (!signal || signal->number < 1 || signal->number >= SIGNALS_END)
        return WEIR_EINVAL;
    weir_signal s = *signal;
    s.count = s.count ? s.count : 1;
    int rc = tell_all(&s, false);
    return rc == 0 ? WEIR_EPIPE : rc < 0 ? rc : 0;
}

void weir__signals_forget(void)
{
    __builtin_memset(&ring, 0, sizeof ring);
    __builtin_memset(&signals, 0, sizeof signals);
}

/* SPDX-License-Identifier: MIT */
/*
 * thread.c - plain threads as parties.
 *
 * A thread gets its record at its first operation and gives it back when it ends. The
 * record is never freed, because a waker may still call os_futex_wake() on its word after
 * the thread has returned from the operation: then some later user of the record wakes
 * for nothing and looks at its own state again.
 */
#include <pthread.h>

#include "handle.h"
#include "lock.h"
#include "party.h"
#include "single.h"

/* What `sleep` holds while an operation is parked. */
enum { AWAKE = 0, ASLEEP = 1, WOKEN = 2 };

struct plain {
    struct party party;
    struct thread thread;
    a32 sleep;
};

aptr weir__threads;
a32 weir__running;
a32 weir__run_state; /* one run at a time; pairs with itself */

#if !defined(WEIR_EXPLORE)
__thread struct party *weir__current __attribute__((tls_model("initial-exec")));
#endif

static struct plain *plain_of(struct party *p)
{
    return container_of(p, struct plain, party);
}

/* Spin a little before the system call: most waits between running threads are short. */
static bool woken_soon(struct plain *me)
{
    enum { TURNS = SPINS(60) }; /* pauses, then some yields; see os_spin() */
    for (unsigned turn = 0; turn < TURNS; turn++) {
        if (a32_load_acquire(&me->sleep) == WOKEN)
            return true;
        os_spin(turn);
    }
    return false;
}

static void sleep_until_woken(struct plain *me, weir_time deadline)
{
    uint32_t awake = AWAKE;
    if (woken_soon(me) || !a32_cas(&me->sleep, &awake, ASLEEP))
        return;
    while (a32_load_acquire(&me->sleep) != WOKEN) {
        os_futex_wait(&me->sleep, ASLEEP, deadline);
        if (deadline == WEIR_NEVER || a32_load_acquire(&me->sleep) == WOKEN ||
            weir_now() < deadline)
            continue;
        thread_online(&me->thread);
        if ((deadline = weir__wait_expire(&me->party)) == 0)
            return;
        thread_offline(&me->thread); /* WEIR_NEVER: it was completed, the wake is under way */
    }
}

static int plain_park(struct party *p, a32 *lock, uint32_t flags, weir_time deadline)
{
    struct plain *me = plain_of(p);
    a32_store(&me->sleep, AWAKE);
    lock_release(lock, flags);
    thread_offline(&me->thread);
    sleep_until_woken(me, deadline);
    thread_online(&me->thread);
    return p->waiter.result;
}

static void plain_wake(struct party *p)
{
    struct plain *it = plain_of(p);
    if (a32_xchg(&it->sleep, WOKEN) == ASLEEP)
        os_futex_wake(&it->sleep, 1);
}

static const struct party_ops plain_ops = {plain_park, plain_wake, NULL};

/* ---- records --------------------------------------------------------------------------- */

static a32 registry_lock;
static a32 spare_lock; /* the record for closers whose thread gets none */
static a32 plain_ids;

static void record_init(struct plain *it)
{
    it->party.ops = &plain_ops;
    it->party.thread = &it->thread;
    a32_store(&it->thread.taken, 1);
    lock_acquire(&registry_lock, 0);
    it->thread.next = aptr_load(&weir__threads);
    aptr_store_release(&weir__threads, &it->thread); /* pairs with all_reached() */
    lock_release(&registry_lock, 0);
}

static struct plain *record_new(void)
{
    struct plain *it = os_alloc_aligned(sizeof *it, CACHE_LINE);
    if (it)
        record_init(it);
    return it;
}

static struct plain *record_reuse(void)
{
    for (struct thread *t = aptr_load_acquire(&weir__threads); t; t = t->next) {
        uint32_t taken = 0;
        if (a32_load(&t->taken) == 0 && a32_cas(&t->taken, &taken, 1))
            return container_of(t, struct plain, thread);
    }
    return NULL;
}

static void record_release(struct plain *me)
{
    weir__reclaim_all(&me->thread);
    weir__reclaim_orphan(&me->thread);
    a32_store_release(&me->thread.taken, 0); /* pairs with the cas in record_reuse() */
}

#if defined(WEIR_EXPLORE)

static bool release_at_exit(struct plain *me)
{
    (void)me;
    return true;
}

bool weir__barred(void)
{
    return false;
}

void weir__child_bar(void)
{
}

void weir__thread_detach(void)
{
    struct party *p = party_current();
    if (p) {
        party_set_current(NULL);
        record_release(plain_of(p));
    }
}

#else

static pthread_key_t exit_key;
static bool watched; /* threads' ends, and forks */
static a32 barred;

bool weir__barred(void)
{
    return a32_load(&barred);
}

void weir__child_bar(void)
{
    party_set_current(NULL);
    a32_store(&barred, 1);
}

/*
 * There was a run, or a thread inside an operation, be it parked, or one that had locks behind or
 * without one. The registry is whole at each instruction; its lock may be held.
 */
OS_CHILD_BEGINS static void child_begins(void)
{
    bool busy = a32_load(&weir__run_state) != 0 || a32_load(&spare_lock) != 0;
    for (struct thread *t = aptr_load(&weir__threads); t && !busy; t = t->next)
        busy = t->reclaim.nesting > 0 || t->reclaim.works;
    if (busy)
        weir__child_bar();
    else
        a32_store(&registry_lock, 0);
}

static void thread_exits(void *me)
{
    party_set_current(NULL);
    if (!weir__barred())
        record_release(me);
}

static void watch(void)
{
    watched = pthread_key_create(&exit_key, thread_exits) == 0 && os_at_fork(child_begins);
}

static bool release_at_exit(struct plain *me)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch);
    return watched && pthread_setspecific(exit_key, me) == 0;
}

/* The first thread does not run its key's destructor when main() returns. */
__attribute__((destructor)) static void process_exits(void)
{
    struct party *p = party_current();
    if (p && party_is_plain(p))
        weir__reclaim_soon(p->thread);
}

#endif

/* Even: actors have the odd ones. A thread that takes over a record is another user. */
static uint32_t next_id(void)
{
    return ((a32_add(&plain_ids, 1) + 1) << 1) & (INSIDE - 1);
}

struct party *weir__thread_party(void)
{
    if (weir__barred())
        return NULL;
    struct plain *me = record_reuse();
    if (!me && !(me = record_new()))
        return NULL;
    a32_store(&weir__fence_readers, !os_membarrier_works());
    if (!release_at_exit(me)) {
        a32_store_release(&me->thread.taken, 0);
        return NULL;
    }
    me->party.id = next_id();
    me->party.budget = 0;
    party_set_current(&me->party);
    return &me->party;
}

static struct plain spare;

struct party *weir__spare_enter(void)
{
    lock_acquire(&spare_lock, 0);
    if (!spare.party.id)
        record_init(&spare);
    spare.party.id = next_id();
    a32_store(&weir__fence_readers, !os_membarrier_works());
    spare.party.budget = 0;
    party_set_current(&spare.party);
    return party_enter();
}

void weir__spare_leave(struct party *p)
{
    weir__reclaim_all(p->thread);
    weir__reclaim_orphan(p->thread);
    party_set_current(NULL);
    lock_release(&spare_lock, 0);
}

void weir__party_leave_plain(struct party *p)
{
    struct thread *t = p->thread;
    p->budget = 0;
    if (--t->reclaim.nesting > 0)
        return;
    thread_offline(t);
    weir__reclaim_sometimes(t);
}

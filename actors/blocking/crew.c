/* SPDX-License-Identifier: MIT */
/* crew.c - see crew.h. */
#include "crew.h"

#include "job.h"
#include "lock.h"
#include "os_thread.h"

#define IDLE_MOST (10 * WEIR_S) /* then it goes */

/* A thread. Its memory outlives it by a grace period, as who has started it may write its id. */
struct hand {
    os_thread thread;
    struct job *job;            /* what it is told to do; NULL: to go */
    struct hand *newer, *older; /* in the list of the idle, or, `older`, of those that have gone */
    bool idle;                  /* in that list; under the lock */
    a32 told;                   /* 1: look at `job`; it sleeps on this word */
    struct retired retired;
};

static struct {
    a32 lock; /* a leaf */
    bool open, closing;
    struct hand *newest; /* of the idle */
    struct hand *gone;   /* to be joined; while closing */
    struct crew_counts count;
    a32 changes; /* of the counts, for who closes, who sleeps on it */
} crew;

static void crew_lock(void)
{
    lock_acquire(&crew.lock, 0);
}

static void crew_unlock(void)
{
    lock_release(&crew.lock, 0);
}

struct crew_counts weir__crew_counts(void)
{
    crew_lock();
    struct crew_counts count = crew.count;
    crew_unlock();
    return count;
}

static void tell_closer(bool closing)
{
    if (!closing)
        return;
    a32_add(&crew.changes, 1);
    os_futex_wake(&crew.changes, 1);
}

void weir__crew_stuck(int more)
{
    crew_lock();
    crew.count.stuck += (uint32_t)more;
    bool closing = crew.closing;
    crew_unlock();
    tell_closer(closing);
}

/* ---- the idle, under the lock ------------------------------------------------------------ */

static void idle_push(struct hand *h)
{
    h->idle = true;
    h->newer = NULL;
    h->older = crew.newest;
    if (h->older)
        h->older->newer = h;
    crew.newest = h;
    crew.count.idle++;
}

static void idle_remove(struct hand *h)
{
    if (h->newer)
        h->newer->older = h->older;
    else
        crew.newest = h->older;
    if (h->older)
        h->older->newer = h->newer;
    h->idle = false;
    crew.count.idle--;
}

/* Outside of the lock. Afterwards it may be gone, and only its address is used. */
static void tell(struct hand *h)
{
    a32_xchg(&h->told, 1); /* pairs with await_job() */
    os_futex_wake(&h->told, 1);
}

/* ---- the threads ------------------------------------------------------------------------- */

/* It is tired of waiting. False: it has been taken out of the list, and will be told why. */
static bool withdraw(struct hand *h)
{
    crew_lock();
    bool idle = h->idle;
    if (idle)
        idle_remove(h);
    crew_unlock();
    return idle || MUTATE("crew: goes without a look");
}

/* False: it is to go. */
static bool await_job(struct hand *h)
{
    a32_store(&h->told, 0);
    crew_lock();
    bool stays = crew.open;
    if (stays)
        idle_push(h);
    crew_unlock();
    if (!stays)
        return false;
    weir_time patience = weir_after(IDLE_MOST);
    while (!a32_load_acquire(&h->told)) { /* pairs with tell() */
        os_futex_wait(&h->told, 0, patience);
        if (patience == WEIR_NEVER || a32_load_acquire(&h->told) || weir_now() < patience)
            continue;
        if (withdraw(h))
            return false;
        patience = WEIR_NEVER;
    }
    return h->job != NULL;
}

static void hand_release(struct retired *r, struct thread *t)
{
    (void)t;
    os_free(container_of(r, struct hand, retired), sizeof(struct hand));
}

/* Its last: nobody joins it but who closes. */
static void go(struct party *self, struct hand *h)
{
    crew_lock();
    bool joined = crew.closing;
    crew.count.threads--;
    if (joined) {
        h->older = crew.gone;
        crew.gone = h;
    }
    crew_unlock();
    tell_closer(joined);
    if (joined)
        return;
    os_thread_leave();
    weir__retire(self->thread, &h->retired, hand_release);
}

/* There is no memory for a record of the thread. */
static void refuse(struct hand *h)
{
    struct party *self = weir__spare_enter();
    weir__job_refuse(self, h->job, WEIR_ENOMEM);
    party_leave(self);
    go(self, h);
    weir__spare_leave(self);
}

static void work(void *hand)
{
    struct hand *h = hand;
    struct party *self = weir__thread_party();
    if (!self) {
        refuse(h);
        return;
    }
    do
        weir__job_run(self, h->job);
    while (await_job(h));
    go(self, h);
}

/* ---- whoever has a job -------------------------------------------------------------------- */

static int hire(struct job *j)
{
    struct hand *h = os_alloc(sizeof *h);
    if (h) {
        *h = (struct hand){.job = j};
        if (os_thread_start(&h->thread, work, h) == 0)
            return 0;
        os_free(h, sizeof *h);
    }
    crew_lock();
    crew.count.threads--;
    crew_unlock();
    return WEIR_ENOMEM;
}

int weir__crew_give(struct job *j)
{
    crew_lock();
    struct hand *h = crew.newest;
    if (h) {
        idle_remove(h);
        h->job = j;
    } else {
        crew.count.threads++;
    }
    crew_unlock();
    if (!h)
        return hire(j);
    tell(h);
    return 0;
}

/* ---- around a run ------------------------------------------------------------------------- */

void weir__crew_open(void)
{
    crew_lock();
    crew.open = true;
    crew_unlock();
}

static struct hand *dismiss_idle(void)
{
    struct hand *first = crew.newest;
    for (struct hand *h = first; h; h = h->older) {
        h->idle = false;
        h->job = NULL;
    }
    crew.newest = NULL;
    crew.count.idle = 0;
    return first;
}

/* Those that have gone, when only who is stuck has not; the lock is held before and after. */
static struct hand *await_gone(void)
{
    while (crew.count.threads > crew.count.stuck && !MUTATE("crew: not waited for")) {
        uint32_t changes = a32_load(&crew.changes);
        crew_unlock();
        os_futex_wait(&crew.changes, changes, WEIR_NEVER);
        crew_lock();
    }
    struct hand *gone = crew.gone;
    crew.gone = NULL;
    return gone;
}

void weir__crew_close(void)
{
    crew_lock();
    crew.open = false;
    crew.closing = true;
    struct hand *idle = dismiss_idle(), *next;
    crew_unlock();
    for (; idle; idle = next) {
        next = idle->older; /* it goes as soon as it is told */
        tell(idle);
    }
    crew_lock();
    struct hand *gone = await_gone();
    crew.closing = false;
    crew_unlock();
    for (; gone; gone = next) {
        next = gone->older;
        os_thread_join(&gone->thread);
        os_free(gone, sizeof *gone);
    }
}

/* SPDX-License-Identifier: MIT */
/* c->c - see crew.h. */
#include "crew.h"

#include "job.h"
#include "lock.h"
#include "os_thread.h"

/* A thread. Its memory outlives it by a grace period, as who has started it may write its id. */
struct hand {
    os_thread thread;
    struct crew *crew;
    void *own;                  /* see `give_up` */
    struct job *job;            /* what it is told to do; NULL: to go */
    struct hand *newer, *older; /* in the list of the idle, or, `older`, of those that have gone */
    bool idle;                  /* in that list; under the lock */
    a32 told;                   /* 1: look at `job`; it sleeps on this word */
    struct retired retired;
};

static void crew_lock(struct crew *c)
{
    lock_acquire(&c->lock, 0);
}

static void crew_unlock(struct crew *c)
{
    lock_release(&c->lock, 0);
}

struct crew_counts weir__crew_counts(struct crew *c)
{
    crew_lock(c);
    struct crew_counts count = c->count;
    crew_unlock(c);
    return count;
}

static void tell_closer(struct crew *c, bool closing)
{
    if (!closing)
        return;
    a32_add(&c->changes, 1);
    os_futex_wake(&c->changes, 1);
}

void weir__crew_stuck(struct crew *c, int more)
{
    crew_lock(c);
    c->count.stuck += (uint32_t)more;
    bool closing = c->closing;
    crew_unlock(c);
    tell_closer(c, closing);
}

/* ---- the idle, under the lock ------------------------------------------------------------ */

static void idle_push(struct hand *h)
{
    struct crew *c = h->crew;
    h->idle = true;
    h->newer = NULL;
    h->older = c->newest;
    if (h->older)
        h->older->newer = h;
    c->newest = h;
    c->count.idle++;
}

static void idle_remove(struct hand *h)
{
    struct crew *c = h->crew;
    if (h->newer)
        h->newer->older = h->older;
    else
        c->newest = h->older;
    if (h->older)
        h->older->newer = h->newer;
    h->idle = false;
    c->count.idle--;
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
    struct crew *c = h->crew;
    crew_lock(c);
    bool idle = h->idle;
    if (idle)
        idle_remove(h);
    crew_unlock(c);
    return idle || MUTATE("crew: goes without a look");
}

/* Into the list of the idle. False: it is to go. */
static bool come_back(struct hand *h)
{
    struct crew *c = h->crew;
    a32_store(&h->told, 0);
    crew_lock(c);
    bool stays = c->open && (!c->give_up || h->own);
    if (stays)
        idle_push(h);
    crew_unlock(c);
    return stays;
}

/* In the list, or taken out of it. False: it is to go. */
static bool await_job(struct hand *h)
{
    weir_time patience = weir_after(h->crew->patience);
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
    struct crew *c = h->crew;
    if (h->own)
        c->give_up(h->own);
    crew_lock(c);
    bool joined = c->closing;
    c->count.threads--;
    if (joined) {
        h->older = c->gone;
        c->gone = h;
    }
    crew_unlock(c);
    tell_closer(c, joined);
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
    for (bool stays = true; stays;) {
        struct job *j = h->job;
        bool awaited = weir__job_run(self, j, &h->own);
        stays = come_back(h);
        if (awaited)
            weir__job_complete(self, j);
        stays = stays && await_job(h);
    }
    go(self, h);
}

/* ---- whoever has a job -------------------------------------------------------------------- */

static int hire(struct crew *c, struct job *j)
{
    struct hand *h = os_alloc(sizeof *h);
    if (h) {
        *h = (struct hand){.crew = c, .job = j};
        if (os_thread_start(&h->thread, work, h) == 0)
            return 0;
        os_free(h, sizeof *h);
    }
    crew_lock(c);
    c->count.threads--;
    crew_unlock(c);
    return WEIR_ENOMEM;
}

int weir__crew_give(struct crew *c, struct job *j)
{
    crew_lock(c);
    struct hand *h = c->newest;
    if (h) {
        idle_remove(h);
        h->job = j;
    } else {
        c->count.threads++;
    }
    crew_unlock(c);
    if (!h)
        return hire(c, j);
    tell(h);
    return 0;
}

/* ---- around a run ------------------------------------------------------------------------- */

void weir__crew_open(struct crew *c)
{
    crew_lock(c);
    c->open = true;
    crew_unlock(c);
}

static struct hand *dismiss_idle(struct crew *c)
{
    struct hand *first = c->newest;
    for (struct hand *h = first; h; h = h->older) {
        h->idle = false;
        h->job = NULL;
    }
    c->newest = NULL;
    c->count.idle = 0;
    return first;
}

/* Those that have gone, when only who is stuck has not; the lock is held before and after. */
static struct hand *await_gone(struct crew *c)
{
    while (c->count.threads > c->count.stuck && !MUTATE("crew: not waited for")) {
        uint32_t changes = a32_load(&c->changes);
        crew_unlock(c);
        os_futex_wait(&c->changes, changes, WEIR_NEVER);
        crew_lock(c);
    }
    struct hand *gone = c->gone;
    c->gone = NULL;
    return gone;
}

void weir__crew_close(struct crew *c)
{
    crew_lock(c);
    c->open = false;
    c->closing = true;
    struct hand *idle = dismiss_idle(c), *next;
    crew_unlock(c);
    for (; idle; idle = next) {
        next = idle->older; /* it goes as soon as it is told */
        tell(idle);
    }
    crew_lock(c);
    struct hand *gone = await_gone(c);
    c->closing = false;
    crew_unlock(c);
    for (; gone; gone = next) {
        next = gone->older;
        os_thread_join(&gone->thread);
        os_free(gone, sizeof *gone);
    }
}

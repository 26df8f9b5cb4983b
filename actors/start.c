/* SPDX-License-Identifier: MIT */
/*
 * start.c - weir_start(): a run beside the calling thread.
 *
 * One of weir's threads does what weir_run() does, and sets an event when all is over. The
 * runtime is found through `runtime`, which that thread takes back before it retires the
 * runtime: who reads it inside an operation may use it until the operation's end.
 */
#include "lock.h"
#include "run.h"

static struct launch launch;
static a32 event_lock; /* for `event` alone, which weir_stop() closes; a leaf */

static void set_event(struct launch *l, int event)
{
    lock_acquire(&event_lock, 0);
    l->event = event;
    lock_release(&event_lock, 0);
}

static void lead(void *unused)
{
    struct launch *l = &launch;
    (void)unused;
    l->result = weir__run_here(l->body, l->arg, &l->options, l);
    if (a32_load(&l->state) != READY) {
        state_set(&l->state, FAILED);
        return;
    }
    if (l->over)
        l->over();
    os_event_set(l->event);
}

/* 0 or an error. */
static int start(struct launch *l)
{
    int event = os_event_open();
    if (event < 0)
        return event;
    os_event_clear(event);
    set_event(l, event);
    int rc = os_thread_start(&l->thread, lead, NULL);
    if (rc == 0 && state_after(&l->state, STARTING) == FAILED) {
        os_thread_join(&l->thread);
        rc = l->result;
    }
    if (rc < 0) {
        set_event(l, -1); /* a late weir_run_fd() may take this run for the one before */
        os_event_close(event);
    }
    return rc;
}

int weir__start(weir_body body, void *arg, const weir_options *options, void (*over)(void))
{
    static const weir_options defaults;
    uint32_t idle = NO_RUN;
    if (!body || (options && options->simulate)) /* its time is the caller's thread's */
        return WEIR_EINVAL;
    struct party *self = party_current();
    if (self ? self->thread->dropping : weir__barred())
        return WEIR_EPERM;
    if ((self && self->thread->worker) || !a32_cas(&weir__run_state, &idle, RUNS))
        return WEIR_EBUSY;
    launch.body = body;
    launch.arg = arg;
    launch.over = over;
    launch.options = options ? *options : defaults;
    a32_store(&launch.state, STARTING);
    int rc = start(&launch);
    a32_store_release(&weir__run_state, rc < 0 ? NO_RUN : STARTED);
    return rc;
}

int weir_start(weir_body body, void *arg, const weir_options *options)
{
    return weir__start(body, arg, options, NULL);
}

/* Whom the cancellation does not concern any more has ended. */
static void cancel(const char *reason)
{
    struct runtime *rt = aptr_load_acquire(&launch.runtime);
    if (rt)
        weir__root_cancel(&rt->root, reason);
}

static int join(struct launch *l)
{
    os_thread_join(&l->thread);
    int event = l->event; /* nobody changes it meanwhile */
    set_event(l, -1);
    os_event_close(event);
    int result = l->result;
    a32_store_release(&weir__run_state, NO_RUN);
    return result;
}

int weir_stop(const char *reason)
{
    uint32_t state = STARTED;
    struct party *self = party_current();
    if (self && self->thread->dropping)
        return WEIR_EPERM;
    if (self && (self->thread->worker || self->thread->job)) /* the run waits for it */
        return WEIR_EDEADLK;
    if (!(self = party_enter()))
        return party_refusal();
    bool mine = a32_cas(&weir__run_state, &state, STOPS);
    if (mine)
        cancel(reason);
    party_leave(self);
    return mine ? join(&launch) : state == STOPS ? WEIR_EBUSY : WEIR_EPERM;
}

int weir_run_fd(void)
{
    int rc = WEIR_EPERM;
    if (weir__barred())
        return rc;
    lock_acquire(&event_lock, 0);
    uint32_t state = a32_load_acquire(&weir__run_state);
    if ((state == STARTED || state == STOPS) && launch.event >= 0)
        rc = os_event_dup(launch.event);
    lock_release(&event_lock, 0);
    return rc;
}

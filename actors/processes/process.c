/* SPDX-License-Identifier: MIT */
/*
 * process.c - weir_process_call(): a place in a class and a job for a thread, as a blocking call's;
 * but the crew is another one, whose threads have a worker process each, from its start to its
 * end. What the crew does with threads - start them when none is idle, use the one that became
 * idle last, let go who has been idle for long, end them with the run - is done with processes.
 *
 * The caller, when it is cancelled or late, and the thread meet in an exchange, under its lock:
 *
 *   WANTED     the thread starts a process, or talks with it: `process`
 *   ANSWERED   there is an answer, or an error: nothing will be killed
 *   UNWANTED   the caller has killed `process`; if there is none yet, it is killed as soon as
 *              there is. The thread ends it and starts another one for its next job.
 *
 * WANTED -> ANSWERED is the thread's, WANTED -> UNWANTED the caller's; so it is one of them. Only
 * in WANTED is a process killed, and only after that state it is ended, or used for another call.
 */
#include "process.h"

#include <string.h>

#include "actor.h"
#include "blocking/blocking.h"
#include "lock.h"
#include "log.h"
#include "native.h"
#include "os_process.h"
#include "os_thread.h"
#include "scheduler.h"
#include "sync/sync.h"
#include "wait.h"

static void give_up(void *process);

struct crew weir__process_crew = {.patience = 300 * WEIR_S, .give_up = give_up};
struct process_limits weir__process_limits = {.start = 20 * WEIR_S, .grace = 2 * WEIR_S};

static a64 run_class; /* the default class's handle; 0: nobody has asked for it */

/* ---- counts ---------------------------------------------------------------------------------- */

static struct {
    a32 lock; /* a leaf */
    weir_process_statistics now;
} count;

enum happening { STARTED, ENDED, CRASHED, KILLED };

static void note(enum happening e)
{
    lock_acquire(&count.lock, 0);
    count.now.processes += e == STARTED ? 1u : (uint32_t)-1;
    count.now.started += e == STARTED;
    count.now.crashed += e == CRASHED;
    count.now.killed += e == KILLED;
    lock_release(&count.lock, 0);
}

int weir_process_statistics_get(weir_process_statistics *out)
{
    if (!out)
        return WEIR_EINVAL;
    if (weir__barred())
        return WEIR_EPERM;
    lock_acquire(&count.lock, 0);
    *out = count.now;
    lock_release(&count.lock, 0);
    out->idle = weir__crew_counts(&weir__process_crew).idle;
    return 0;
}

/* ---- around a run ---------------------------------------------------------------------------- */

void weir__processes_begin(void)
{
    lock_acquire(&count.lock, 0);
    count.now = (weir_process_statistics){0};
    lock_release(&count.lock, 0);
    weir__crew_open(&weir__process_crew);
}

void weir__processes_end(void)
{
    weir__crew_close(&weir__process_crew);
    weir__class_end(&run_class);
}

weir_blocking weir_process_default(void)
{
    struct actor *me = actor_self();
    return (weir_blocking){me ? weir__class_default(me, &run_class, os_processors())
                              : handle_null(WEIR_EPERM)};
}

/* ---- the thread ------------------------------------------------------------------------------ */

struct exchange {
    a32 lock;
    enum { WANTED, ANSWERED, UNWANTED } state;
    struct os_process *process;
    char *const *arguments;
    struct os_request ask;
    const char *failure; /* NULL, or what was wrong with the process, which has ended so: */
    struct os_process_end end;
};

static weir_time real_after(weir_time duration)
{
    return os_real_now() + duration;
}

static struct os_process_end finish(struct os_process *p, weir_time until, enum happening e)
{
    struct os_process_end end = os_process_end(p, until);
    os_free(p, sizeof *p);
    note(e);
    return end;
}

static void give_up(void *process)
{
    (void)finish(process, real_after(weir__process_limits.grace), ENDED);
}

/* False: the caller has left. */
static bool enter(struct exchange *x, struct os_process *p)
{
    lock_acquire(&x->lock, 0);
    bool wanted = x->state == WANTED || MUTATE("process: not looked before it is entered");
    if (wanted)
        x->process = p;
    lock_release(&x->lock, 0);
    return wanted;
}

/* False: the caller has killed it. */
static bool leave(struct exchange *x)
{
    lock_acquire(&x->lock, 0);
    if (x->state == WANTED)
        x->state = ANSWERED;
    bool answered = x->state == ANSWERED;
    lock_release(&x->lock, 0);
    return answered;
}

/* After leave(): it is of no use any more. */
static int fail(struct exchange *x, struct os_process *p, bool wanted, const char *failure)
{
    struct os_process_end end = finish(p, 0, wanted ? CRASHED : KILLED);
    if (!wanted)
        return WEIR_ECANCELED;
    x->failure = failure;
    x->end = end;
    return WEIR_ECRASHED;
}

static int start(struct exchange *x, void **own)
{
    struct os_process *p = os_alloc(sizeof *p);
    if (!p)
        return WEIR_ENOMEM;
    int rc = os_process_start(p, x->arguments);
    if (rc < 0) {
        os_free(p, sizeof *p);
        if (rc == WEIR_ECRASHED)
            x->failure = "could not be started";
        return rc;
    }
    note(STARTED);
    if (!enter(x, p))
        return fail(x, p, false, NULL);
    bool up = os_process_await(p, real_after(weir__process_limits.start));
    if (!up)
        return fail(x, p, leave(x), "did not get to weir_process_main()");
    *own = p;
    return 0;
}

static int ask(struct exchange *x, void **own)
{
    struct os_process *p = *own;
    int rc = WEIR_ECANCELED;
    enum os_answer a = os_process_ask(p, &x->ask, &rc);
    bool wanted = leave(x);
    if (a == OS_ANSWERED && wanted)
        return rc;
    *own = NULL;
    return fail(x, p, wanted, a == OS_NONSENSE ? "answered nonsense" : "ended");
}

/* What a thread of the crew does for a call; weir_work. */
static int exchange(void *exchange, void *unused)
{
    struct exchange *x = exchange;
    void **own = weir__job_own();
    int rc = 0;
    (void)unused;
    if (*own && !os_process_waits(*own)) { /* since its last call, whose answer was good */
        (void)finish(*own, 0, CRASHED);
        *own = NULL;
    }
    if (!*own)
        rc = start(x, own);
    else if (!enter(x, *own))
        rc = WEIR_ECANCELED;
    return rc < 0 ? rc : ask(x, own);
}

/* ---- the caller ------------------------------------------------------------------------------ */

/* For the job: it is cancelled or late. */
static bool interrupt(void *exchange)
{
    struct exchange *x = exchange;
    lock_acquire(&x->lock, 0);
    bool cut = x->state == WANTED || MUTATE("process: not looked before it is killed");
    if (cut)
        x->state = UNWANTED;
    if (cut && x->process)
        os_process_kill(x->process);
    lock_release(&x->lock, 0);
    return cut;
}

static void report(const struct actor *me, const struct exchange *x)
{
    const char *name = x->ask.name, *failure = x->failure;
    const struct os_process_end *end = &x->end;
    if (end->pid == 0)
        weir__log(WEIR_LOG_PROCESS, me, NULL, 0, "%s: its worker process %s", name, failure);
    else if (end->code == OS_PROCESS_SIGNALED)
        weir__log(WEIR_LOG_PROCESS, me, NULL, 0, "%s: worker process %d %s: signal %d (%s)", name,
                  end->pid, failure, end->status, strsignal(end->status));
    else if (end->code == OS_PROCESS_EXITED)
        weir__log(WEIR_LOG_PROCESS, me, NULL, 0, "%s: worker process %d %s: exit status %d", name,
                  end->pid, failure, end->status);
    else
        weir__log(WEIR_LOG_PROCESS, me, NULL, 0, "%s: worker process %d %s", name, end->pid,
                  failure);
}

static int call(struct actor *me, struct exchange *x, const weir_process_options *o)
{
    const weir_blocking_options plain = {.arg = x};
    weir_handle in = o->in.h ? o->in.h : weir__class_default(me, &run_class, os_processors());
    struct job *j = weir__job_new(exchange, 0, 0, &plain);
    if (!j)
        return WEIR_ENOMEM;
    j->crew = &weir__process_crew;
    j->interrupt = interrupt;
    int rc =
        weir__class_call(me, in, j, NULL, o->deadline ? until(o->deadline) : WEIR_NEVER, false);
    if (x->failure && rc == WEIR_ECRASHED)
        report(me, x);
    return rc;
}

/* ---- in a simulated run ---------------------------------------------------------------------- */

struct here {
    weir_process_function function;
    const struct os_request *ask;
};

static int run_here(void *here)
{
    const struct here *h = here;
    const struct os_request *a = h->ask;
    if (a->room > 0)
        memset(a->reply, 0, a->room);
    int rc = h->function(a->request, a->size, a->reply, a->room);
    return rc > 0 && (size_t)rc > a->room ? WEIR_EMSGSIZE : rc;
}

static int call_here(struct actor *me, struct here *h, const weir_process_options *o)
{
    int rc = o->in.h ? weir_handle_check(o->in.h) : 0;
    if (rc < 0)
        return rc;
    if (!sync_may_wait(&me->party))
        return WEIR_ECANCELED;
    if (o->deadline && o->deadline <= weir_now())
        return WEIR_ETIMEDOUT;
    return weir__on_worker_stack(run_here, h);
}

int weir_process_call_sized(weir_process_function function, void *reply, size_t room,
                            size_t request_size, const weir_process_options *options)
{
    static const weir_process_options none;
    const weir_process_options *o = options ? options : &none;
    struct actor *me = actor_self();
    if (request_size > WEIR_PROCESS_MAX || room > WEIR_PROCESS_MAX ||
        (request_size > 0) != (o->request != NULL) || (room > 0) != (reply != NULL))
        return WEIR_EINVAL;
    struct exchange x = {
        .arguments = weir__process_arguments(),
        .ask = {.request = o->request, .size = request_size, .reply = reply, .room = room}};
    if (!me || me->party.thread->dropping || !x.arguments)
        return WEIR_EPERM;
    const weir_process_entry *entry = weir__process_entry_of(function);
    if (!entry)
        return WEIR_EINVAL;
    x.ask.name = entry->name;
    struct here here = {entry->function, &x.ask};
    return actor_worker(me)->runtime->simulation ? call_here(me, &here, o) : call(me, &x, o);
}

/* SPDX-License-Identifier: MIT */
/*
 * blocking.c - weir_blocking_call(): wait for a place in the class, give the job to a thread, wait
 * for it, give the place back.
 *
 * A class is a primitive as those of sync/: places are handed over, first come first served, and
 * a place is given when fewer are taken than there are, which is asked for each one. Who has a
 * place gets a thread without waiting for anybody: an idle one or a new one. So the line is the
 * only one, and there is nothing to be lost between it and the threads.
 */
#include "blocking.h"

#include <string.h>

#include "native.h"
#include "scheduler.h"
#include "scope.h"
#include "sync/sync.h"

enum { DEFAULT_LIMIT = 512 };

struct blocking {
    struct sync sync;
    const a64 *kept;         /* constant: where the handle of a default one is; else NULL */
    uint32_t limit, running; /* fewer than `limit`: then nobody waits */
    uint64_t queued[WEIR_BLOCKING_BUCKETS];
};

static struct crew threads = {.patience = 10 * WEIR_S};
static a64 run_class; /* the default class's handle; 0: nobody has asked for it */

static struct blocking *blocking_of(const struct sync *s)
{
    return container_of(s, struct blocking, sync);
}

static void blocking_statistics(const struct sync *s, weir_sync_statistics *out)
{
    const struct blocking *b = blocking_of(s);
    out->holders = b->running;
    out->limit = b->limit;
    out->value = b->limit > b->running ? b->limit - b->running : 0;
}

static int keep_default(const struct sync *s, weir_handle h)
{
    const a64 *kept = container_of(s, struct blocking, sync)->kept;
    return kept && a64_load(kept) == h ? WEIR_EPERM : 0;
}

static const struct sync_type blocking_type = {.object = {weir__sync_close, weir__sync_move},
                                               .noun = "blocking calls",
                                               .size = sizeof(struct blocking),
                                               .keep = keep_default,
                                               .statistics = blocking_statistics};

static struct sync *class_new(uint32_t limit)
{
    struct sync *s = weir__sync_new(&blocking_type);
    if (s)
        blocking_of(s)->limit = limit;
    return s;
}

weir_blocking weir_blocking_open(uint32_t limit)
{
    return (weir_blocking){weir__sync_publish(class_new(limit))};
}

/* ---- the default class, which is nobody's -------------------------------------------------- */

static struct sync *class_of_run(const a64 *kept, uint32_t limit)
{
    struct sync *s = class_new(limit);
    if (s)
        blocking_of(s)->kept = kept;
    return s;
}

weir_handle weir__class_default(struct actor *me, a64 *kept, uint32_t limit)
{
    struct party *native = actor_worker(me)->native_party;
    uint64_t h = a64_load_acquire(kept);
    if (h)
        return h;
    /* By the worker's thread itself: what an actor publishes is its own. */
    weir_handle mine = weir__sync_publish_by(native, class_of_run(kept, limit));
    if ((uint32_t)mine == 0 || a64_cas(kept, &h, mine)) /* pairs with the load above */
        return mine;
    weir__sync_close(native, mine);
    return h;
}

void weir__class_end(a64 *kept)
{
    weir_handle h = a64_load_acquire(kept);
    a64_store(kept, 0);
    if (h)
        (void)weir_handle_close(h);
}

weir_blocking weir_blocking_default(void)
{
    struct actor *me = actor_self();
    return (weir_blocking){me ? weir__class_default(me, &run_class, DEFAULT_LIMIT)
                              : handle_null(WEIR_EPERM)};
}

void weir__blocking_begin(void)
{
    weir__crew_open(&threads);
}

void weir__blocking_end(void)
{
    weir__crew_close(&threads);
    weir__class_end(&run_class);
}

/* ---- places -------------------------------------------------------------------------------- */

static int take(struct party *self, struct sync *s, struct wake_list *woken)
{
    struct blocking *b = blocking_of(s);
    (void)self;
    (void)woken;
    if (b->running >= b->limit)
        return PARK;
    b->running++;
    return 0;
}

static void serve(struct blocking *b, struct wake_list *woken)
{
    while (b->running < b->limit && sync_first(&b->sync)) {
        b->running++;
        sync_hand(&b->sync, sync_first(&b->sync), 0, woken);
    }
}

static unsigned bucket(weir_time waited)
{
    unsigned i = 0;
    while (i + 1 < WEIR_BLOCKING_BUCKETS && waited >= WEIR_US << i)
        i++;
    return i;
}

/* `begun`: of the job that ran; NULL: none did. */
static int give_back(struct party *self, struct sync *s, void *waited, struct wake_list *woken)
{
    struct blocking *b = blocking_of(s);
    (void)self;
    if (waited)
        b->queued[bucket(*(const weir_time *)waited)]++;
    b->running--;
    serve(b, woken);
    return 0;
}

static int set_limit(struct party *self, struct sync *s, void *limit, struct wake_list *woken)
{
    (void)self;
    blocking_of(s)->limit = *(const uint32_t *)limit;
    serve(blocking_of(s), woken);
    return 0;
}

int weir_blocking_resize(weir_blocking blocking, uint32_t limit)
{
    return weir__sync_change(blocking.h, &blocking_type, set_limit, &limit);
}

static int look(struct party *self, struct sync *s, void *statistics, struct wake_list *woken)
{
    weir_blocking_statistics *out = statistics;
    const struct blocking *b = blocking_of(s);
    (void)self;
    (void)woken;
    *out = (weir_blocking_statistics){
        .limit = b->limit, .running = b->running, .waiting = s->line.waiting};
    memcpy(out->queued, b->queued, sizeof out->queued);
    for (unsigned i = 0; i < WEIR_BLOCKING_BUCKETS; i++)
        out->calls += b->queued[i];
    return 0;
}

int weir_blocking_statistics_of(weir_blocking blocking, weir_blocking_statistics *out)
{
    if (!out)
        return WEIR_EINVAL;
    int rc = weir__sync_change(blocking.h, &blocking_type, look, out);
    if (rc < 0)
        return rc;
    struct crew_counts count = weir__crew_counts(&threads);
    out->threads = count.threads;
    out->idle = count.idle;
    out->abandoned = count.stuck;
    return 0;
}

/* ---- a call ---------------------------------------------------------------------------------- */

static int await(struct actor *me, struct job *j, weir_time deadline)
{
    struct party *self = &me->party;
    wait_announce(self);
    lock_acquire(&j->done.lock, 0);
    if (j->state == DONE) {
        wait_renounce(self);
        lock_release(&j->done.lock, 0);
        return 0;
    }
    trace_wait_on(&me->trace, IN_OTHER, &j->done);
    return weir__wait_on(self, &j->done, deadline);
}

/* It runs, and the caller stays. */
static void await_shielded(struct actor *me, struct job *j)
{
    struct scope shield = {.shield = true, .deadline = WEIR_NEVER};
    weir__scope_push(me, &shield);
    (void)await(me, j, WEIR_NEVER);
    weir__scope_pop(me, &shield);
}

/* What it returned; or an error, and the caller has left it. */
static int await_job(struct actor *me, struct job *j, void *result, weir_time deadline,
                     bool abandon)
{
    bool noticed = me->party.noticed;
    int rc = await(me, j, deadline);
    if (rc < 0 && weir__job_leave(&me->party, j, abandon))
        return rc;
    if (rc < 0) {
        bool cut = j->interrupt && j->interrupt(j->arg);
        await_shielded(me, j);
        if (cut)
            return rc;
    }
    me->party.noticed = noticed; /* this call does not tell of a cancellation */
    if (j->result_size > 0)
        memcpy(result, j->result, j->result_size);
    return j->rc;
}

static void give_place_back(weir_handle in, const struct job *j, bool given)
{
    bool begun = given && j->begun; /* that was before somebody left it, or not at all */
    weir_time waited = begun ? j->begun - j->asked : 0;
    (void)weir__sync_change(in, &blocking_type, give_back, begun ? &waited : NULL);
}

void weir__class_give_back(const struct job *j)
{
    give_place_back(j->keeps, j, true); /* WEIR_ECLOSED: nobody needs it */
}

int weir__class_call(struct actor *me, weir_handle in, struct job *j, void *result,
                     weir_time deadline, bool abandon)
{
    struct party *self = &me->party;
    int rc = WEIR_ECANCELED;
    if (sync_may_wait(self))
        rc = weir__sync_wait(self, in, &blocking_type, take, deadline);
    if (rc < 0) {
        weir__job_free(j);
        return rc;
    }
    rc = weir__crew_give(j->crew, j);
    bool given = rc == 0;
    if (given)
        rc = await_job(me, j, result, deadline, abandon);
    if (!j->keeps || !j->abandoned || MUTATE("job: its place given back by both"))
        give_place_back(in, j, given);
    if (given)
        weir__job_unref(self, j);
    else
        weir__job_free(j);
    return rc;
}

static int call(struct actor *me, struct job *j, void *result, const weir_blocking_options *o)
{
    weir_handle in = o->in.h ? o->in.h : weir__class_default(me, &run_class, DEFAULT_LIMIT);
    weir_time deadline = o->deadline ? until(o->deadline) : WEIR_NEVER;
    j->crew = &threads;
    j->keeps = o->keep ? in : 0;
    return weir__class_call(me, in, j, result, deadline, o->abandon);
}

/* ---- without a thread ------------------------------------------------------------------------ */

static int run_job(void *job)
{
    struct job *j = job;
    return j->work(j->arg, j->result);
}

/* For an actor, of a simulated run, it is a point where others have their turn, as with threads. */
static int call_here(struct actor *me, struct job *j, void *result, const weir_blocking_options *o)
{
    int rc = o->in.h ? weir_handle_check(o->in.h) : 0;
    if (rc == 0 && me && !sync_may_wait(&me->party))
        rc = WEIR_ECANCELED;
    if (rc == 0 && o->deadline && o->deadline <= weir_now())
        rc = WEIR_ETIMEDOUT;
    if (rc == 0) {
        rc = weir__on_worker_stack(run_job, j);
        if (j->result_size > 0)
            memcpy(result, j->result, j->result_size);
    }
    weir__job_free(j);
    return rc;
}

int weir_blocking_call_sized(weir_work work, void *result, size_t result_size, size_t arg_size,
                             const weir_blocking_options *options)
{
    static const weir_blocking_options none;
    const weir_blocking_options *o = options ? options : &none;
    const struct party *p = party_current();
    struct actor *me = actor_self();
    if (!work || arg_size > WEIR_ARG_MAX || result_size > WEIR_ARG_MAX ||
        (arg_size > 0 && !o->arg) || (result_size > 0 && !result))
        return WEIR_EINVAL;
    if (p && p->thread->dropping)
        return WEIR_EPERM;
    struct job *j = weir__job_new(work, result_size, arg_size, o);
    if (!j)
        return WEIR_ENOMEM;
    if (!me || actor_worker(me)->runtime->simulation)
        return call_here(me, j, result, o);
    return call(me, j, result, o);
}

/* SPDX-License-Identifier: MIT */
/*
 * gather.c - see weir/gather.h: a group, and children that leave their results in the jobs.
 *
 * A child's argument is a header and, behind it, the job's own argument. Each child has a
 * clone of the sender of what has finished, so the receiver gets its end when the last child has
 * ended, however it did.
 */
#include <weir/gather.h>

#include <string.h>

#include "actor.h"

struct running {
    weir_job *job;
    weir_sender tx; /* null: a gather's */
    size_t index;
} __attribute__((aligned(16))); /* so that what follows is aligned as an argument is */

enum { OWN_MOST = 8 };

_Static_assert(sizeof(struct running) <= WEIR_ARG_MAX - WEIR_JOB_ARG_MAX, "the header has room");
_Static_assert(sizeof(weir_own) == (OWN_MOST + 1) * sizeof(unsigned), "OWN_MOST offsets");

static int run_job(void *arg)
{
    struct running *r = arg;
    weir_job *job = r->job;
    int rc = job->body(job->arg_size > 0 ? (void *)(r + 1) : (void *)(uintptr_t)job->arg);
    job->result = rc;
    if (r->tx.h != 0)
        (void)weir_try_send(r->tx, &r->index); /* there is room for all; or nobody listens */
    return rc;
}

/* ---- starting ------------------------------------------------------------------------------ */

static bool job_is_right(const weir_job *job)
{
    return job->body && job->arg_size <= WEIR_JOB_ARG_MAX && (job->arg || job->arg_size == 0) &&
           job->own.count < OWN_MOST && job->give.count <= OWN_MOST;
}

static int check(const weir_job *jobs, size_t n)
{
    if (!jobs || n == 0)
        return WEIR_EINVAL;
    for (size_t i = 0; i < n; i++)
        if (!job_is_right(&jobs[i]))
            return WEIR_EINVAL;
    return 0;
}

/* The fields lie behind the header; one that is not in the argument stays outside. */
static weir_own shifted(weir_own fields)
{
    for (unsigned i = 0; i < fields.count; i++)
        fields.offset[i] = fields.offset[i] <= WEIR_ARG_MAX
                               ? fields.offset[i] + (unsigned)sizeof(struct running)
                               : UINT_MAX;
    return fields;
}

static int start(weir_group g, struct running *header, weir_sender tx, size_t index)
{
    const weir_job *job = header->job;
    size_t bytes = sizeof *header + job->arg_size;
    header->tx = tx;
    header->index = index;
    if (job->arg_size > 0)
        memcpy(header + 1, job->arg, job->arg_size);
    weir_spawn_options o = {.arg = header,
                            .name = job->name,
                            .own = shifted(job->own),
                            .give = shifted(job->give),
                            .pinned = job->pinned};
    if (tx.h != 0)
        o.own.offset[o.own.count++] = offsetof(struct running, tx);
    return weir_spawn_sized(g, run_job, bytes, &o);
}

static int start_all(weir_group g, weir_job *jobs, size_t n, weir_sender tx)
{
    size_t most = 0;
    int rc = 0;
    for (size_t i = 0; i < n; i++) {
        jobs[i].result = WEIR_ECANCELED;
        most = jobs[i].arg_size > most ? jobs[i].arg_size : most;
    }
    size_t bytes = sizeof(struct running) + most;
    struct running *header = os_alloc_aligned(bytes, CACHE_LINE);
    if (!header)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n && rc == 0; i++) {
        header->job = &jobs[i];
        rc = start(g, header, tx, i);
    }
    os_free_aligned(header, bytes, CACHE_LINE);
    return rc;
}

/* ---- public ------------------------------------------------------------------------------- */

/* The group's end, after what was started. */
static int end(weir_group g, int started)
{
    if (started < 0)
        weir_group_cancel(g, "another job could not be started");
    int rc = weir_group_end(g);
    return started < 0 ? started : rc;
}

int weir_gather(weir_job *jobs, size_t n)
{
    int rc = check(jobs, n);
    if (rc < 0)
        return rc;
    weir_group g = weir_group_begin();
    if ((rc = weir_check(g)) < 0)
        return rc;
    return end(g, start_all(g, jobs, n, (weir_sender){0}));
}

int weir_map_sized(weir_body body, void *items, size_t item_size, size_t n)
{
    if (!body || !items || n == 0)
        return WEIR_EINVAL;
    weir_group g = weir_group_begin();
    int rc = weir_check(g);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n && rc == 0; i++) {
        weir_spawn_options o = {.arg = (char *)items + i * item_size};
        rc = weir_spawn_sized(g, body, 0, &o);
    }
    return end(g, rc);
}

static weir_completed refused(int error)
{
    return (weir_completed){{handle_null(error)}, {handle_null(error)}};
}

weir_completed weir_completed_begin(weir_job *jobs, size_t n)
{
    weir_sender tx;
    weir_completed c;
    int rc = check(jobs, n);
    if (rc == 0 && n > WEIR_CAPACITY_MAX)
        rc = WEIR_EINVAL;
    if (rc < 0)
        return refused(rc);
    c.group = weir_group_begin();
    if ((rc = weir_check(c.group)) < 0)
        return refused(rc);
    if ((rc = weir_channel_open(&tx, &c.rx, sizeof(size_t), n, NULL)) == 0) {
        rc = start_all(c.group, jobs, n, tx);
        weir_close(tx);
    }
    if (rc == 0)
        return c;
    weir_close(c.rx);
    end(c.group, rc);
    return refused(rc);
}

int weir_completed_end(weir_completed completed)
{
    int rc = weir_group_cancel(completed.group, "its result is not waited for");
    if (rc == 0)
        rc = weir_group_end(completed.group);
    if (weir_check(completed.group) < 0) /* it has ended */
        weir_close(completed.rx);
    return rc;
}

/* SPDX-License-Identifier: MIT */
/* task_call.c - children whose failure is nobody's but their caller's: what enters by a portal. */
#include "blocking/job.h"
#include "lock.h"
#include "scheduler.h"
#include "task.h"

/* ---- by a function of weir_blocking_call(), whose caller may be cancelled ------------------- */

bool weir__task_unwanted(struct party *self)
{
    return party_is_plain(self) ? weir__job_cancelled() : party_refused(self);
}

void weir__task_wait_for_caller(struct party *self, struct task *t)
{
    struct job *j = self->thread->job;
    if (!j || weir__job_call(j, t) == 0)
        return;
    lock_acquire(&t->change.lock, 0);
    weir__task_cancel_unlock(t, "who waits for its caller has left");
}

void weir__task_waited_for_caller(struct party *self)
{
    if (self->thread->job)
        (void)weir__job_call(self->thread->job, NULL);
}

/* ---- calling ------------------------------------------------------------------------------- */

static int spawn_isolated(struct party *self, weir_handle group, weir_body body, size_t arg_size,
                          const weir_spawn_options *o, struct start *start)
{
    weir_spawn_options copy = *o;
    const char *name = party_is_plain(self) ? NULL : actor_of(self)->name;
    if (self->thread->dropping)
        return WEIR_EPERM;
    copy.isolated = !MUTATE("portal: a failure of the group");
    *start = (struct start){.awaited = false};
    return weir__spawn(self, group, body, arg_size, &copy, name, start);
}

int weir__task_start(struct party *self, weir_handle group, weir_body body, size_t arg_size,
                     const weir_spawn_options *options)
{
    struct start start;
    int rc = spawn_isolated(self, group, body, arg_size, options, &start);
    if (rc == 0)
        weir__task_let_go(self, start.task);
    return rc;
}

int weir__task_call(struct party *self, weir_handle group, weir_body body, size_t arg_size,
                    const weir_spawn_options *options, weir_time deadline)
{
    struct start start;
    if (weir__task_unwanted(self))
        return WEIR_ECANCELED;
    int rc = spawn_isolated(self, group, body, arg_size, options, &start);
    if (rc < 0)
        return rc;
    struct task *t = start.task;
    weir__task_wait_for_caller(self, t);
    rc = weir__task_await_end(self, t, deadline);
    if (rc < 0) {
        lock_acquire(&t->change.lock, 0);
        weir__task_cancel_unlock(t, "who called it has left");
        weir__task_await_end_shielded(self, t);
        lock_acquire(&t->change.lock, 0);
    }
    if (rc == 0 || t->result != WEIR_ECANCELED)
        rc = t->result;
    lock_release(&t->change.lock, 0);
    weir__task_waited_for_caller(self);
    weir__task_let_go(self, t);
    return rc;
}

/* SPDX-License-Identifier: MIT */
/* job.c - see job.h. */
#include "job.h"

#include <stdalign.h>
#include <string.h>

#include "blocking.h"
#include "lock.h"
#include "task.h"
#include "wait.h"

static size_t aligned(size_t bytes)
{
    return (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

struct job *weir__job_new(weir_work work, size_t result_size, size_t arg_size,
                          const weir_blocking_options *o)
{
    size_t result_at = aligned(sizeof(struct job)), arg_at = result_at + aligned(result_size);
    struct job *j = os_alloc_aligned(arg_at + arg_size, CACHE_LINE);
    if (!j)
        return NULL;
    j->work = work;
    j->drop = o->drop;
    j->asked = weir_now();
    j->refs = 2;
    j->bytes = arg_at + arg_size;
    j->result_size = result_size;
    j->result = result_size > 0 ? (char *)j + result_at : NULL;
    j->arg = arg_size > 0 ? (char *)j + arg_at : (void *)(uintptr_t)o->arg;
    if (arg_size > 0)
        memcpy(j->arg, o->arg, arg_size);
    return j;
}

void weir__job_free(struct job *j)
{
    os_free_aligned(j, j->bytes, CACHE_LINE);
}

static void job_release(struct retired *r, struct thread *t)
{
    (void)t;
    weir__job_free(container_of(r, struct job, retired));
}

void weir__job_unref(struct party *self, struct job *j)
{
    lock_acquire(&j->done.lock, 0);
    bool last = --j->refs == 0;
    lock_release(&j->done.lock, 0);
    if (last)
        weir__retire(self->thread, &j->retired, job_release);
}

/* ---- the thread ---------------------------------------------------------------------------- */

static bool begin(struct job *j)
{
    weir_time now = weir_now();
    lock_acquire(&j->done.lock, 0);
    bool wanted = j->state == QUEUED || MUTATE("job: runs though withdrawn");
    if (wanted) {
        j->state = RUNNING;
        j->begun = now;
    }
    lock_release(&j->done.lock, 0);
    return wanted;
}

/* From now on it cannot be abandoned. True: it was. */
static bool end(struct job *j, int rc)
{
    lock_acquire(&j->done.lock, 0);
    j->rc = rc;
    j->state = DONE;
    bool abandoned = j->abandoned;
    lock_release(&j->done.lock, 0);
    return abandoned;
}

static void drop(struct job *j)
{
    if (j->drop && j->rc >= 0)
        j->drop(j->result);
    if (j->keeps && !MUTATE("job: its place lost"))
        weir__class_give_back(j);
    weir__crew_stuck(j->crew, -1);
}

bool weir__job_run(struct party *self, struct job *j, void **own)
{
    bool begun = begin(j);
    if (begun) {
        j->own = own;
        self->thread->job = j;
        int rc = j->work(j->arg, j->result);
        self->thread->job = NULL;
        if (!end(j, rc))
            return true;
        drop(j);
    }
    weir__job_unref(self, j);
    return false;
}

static void tell(struct job *j)
{
    lock_acquire(&j->done.lock, 0);
    struct waiter *woken = weir__waitable_complete(&j->done, 0);
    lock_release(&j->done.lock, 0);
    wake_all(woken);
}

void weir__job_complete(struct party *self, struct job *j)
{
    party_enter();
    tell(j);
    party_leave(self);
    weir__job_unref(self, j);
}

/* Not RUNNING in between: a thread without a record could not give the place back. */
void weir__job_refuse(struct party *self, struct job *j, int error)
{
    lock_acquire(&j->done.lock, 0);
    bool wanted = j->state == QUEUED;
    if (wanted) {
        j->rc = error;
        j->state = DONE;
    }
    lock_release(&j->done.lock, 0);
    if (wanted)
        tell(j);
    weir__job_unref(self, j);
}

bool weir__job_cancelled(void)
{
    const struct party *self = party_current();
    const struct job *j = self ? self->thread->job : NULL;
    return j && a8_load(&j->cancelled);
}

void **weir__job_own(void)
{
    return party_current()->thread->job->own;
}

int weir__job_call(struct job *j, struct task *t)
{
    lock_acquire(&j->done.lock, 0);
    bool wanted = !a8_load(&j->cancelled) || !t;
    j->call = wanted ? t : NULL;
    lock_release(&j->done.lock, 0);
    return wanted ? 0 : WEIR_ECANCELED;
}

/* ---- the caller ---------------------------------------------------------------------------- */

bool weir__job_leave(struct party *self, struct job *j, bool abandon)
{
    struct task *call = NULL;
    lock_acquire(&j->done.lock, 0);
    bool runs = j->state == RUNNING, left = j->state == QUEUED || (runs && abandon);
    if (runs) {
        a8_store(&j->cancelled, 1);
        if (j->call && !MUTATE("job: its call not told"))
            weir__task_ref(call = j->call); /* the thread has one as long as it is there */
    }
    if (left && runs) {
        j->abandoned = !MUTATE("job: not marked");
        weir__crew_stuck(j->crew, 1);
    } else if (left) {
        j->state = WITHDRAWN;
    }
    lock_release(&j->done.lock, 0);
    if (call)
        weir__task_cancel(self, call, "who waits for its caller has left");
    return left;
}

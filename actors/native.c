/* SPDX-License-Identifier: MIT */
/* native.c - see native.h. */
#include "native.h"

#include "scheduler.h"

int weir__on_worker_stack(int (*fn)(void *arg), void *arg)
{
    struct actor *me = actor_self();
    struct worker *w = me ? actor_worker(me) : NULL;
    if (!w || w->borrowed)
        return fn(arg);
    struct thread *t = w->thread;
    bool dropping = t->dropping;
    t->dropping = w->borrowed = true;
    int result = weir__context_call(&me->context, &w->native, fn, arg);
    w->borrowed = false;
    if (!dropping)
        weir__drops_end(t);
    return result;
}

/* SPDX-License-Identifier: MIT */
/*
 * limiter.c - a semaphore that knows who has its tokens, and whose number of tokens can be changed
 * while it is used.
 */
#include <stdio.h>

#include <weir/weir.h>

struct task {
    weir_limiter limiter;
    int number;
};

static int use(void *arg)
{
    const struct task *t = arg;
    int rc = weir_limiter_acquire(t->limiter);
    if (rc < 0)
        return rc;
    printf("task %d works with the shared resource\n", t->number);
    rc = weir_sleep(5 * WEIR_MS);
    int given = weir_limiter_release(t->limiter);
    return rc < 0 ? rc : given;
}

static int app(void *unused)
{
    weir_sync_statistics s;
    int rc = 0;
    (void)unused;
    weir_auto(weir_limiter) limiter = weir_limiter_open(0); /* nobody yet */
    weir_auto(weir_group) g = weir_group_begin();
    for (int i = 1; i <= 10 && rc == 0; i++)
        rc = weir_spawn(g, use, &((struct task){limiter, i}));
    if (rc < 0 || (rc = weir_settle()) < 0 || (rc = weir_sync_statistics(limiter, &s)) < 0)
        return rc;
    printf("%u tasks wait for %d tokens\n", s.waiting, (int)s.limit);
    if ((rc = weir_limiter_resize(limiter, 2)) < 0 || (rc = weir_sync_statistics(limiter, &s)) < 0)
        return rc;
    printf("%s 2 of %d tokens are borrowed\n", s.holders <= 2 ? "no more than" : "more than",
           (int)s.limit);
    return weir_group_end(g);
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}

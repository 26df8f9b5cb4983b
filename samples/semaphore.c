/* SPDX-License-Identifier: MIT */
/* semaphore.c - two at a time share a resource; a permit may be given back by anybody. */
#include <stdio.h>

#include <weir/weir.h>

struct task {
    weir_semaphore permits;
    int number;
};

static int use(void *arg)
{
    const struct task *t = arg;
    int rc = weir_semaphore_acquire(t->permits);
    if (rc < 0)
        return rc; /* and nothing was taken */
    printf("task %d works with the shared resource\n", t->number);
    rc = weir_sleep(5 * WEIR_MS);
    int given = weir_semaphore_release(t->permits);
    return rc < 0 ? rc : given;
}

static int app(void *unused)
{
    weir_sync_statistics s;
    int rc = 0;
    (void)unused;
    weir_auto(weir_semaphore) permits = weir_semaphore_open(2, 2);
    weir_auto(weir_group) g = weir_group_begin();
    for (int i = 1; i <= 6 && rc == 0; i++)
        rc = weir_spawn(g, use, &((struct task){permits, i}));
    if (rc < 0 || (rc = weir_group_end(g)) < 0 || (rc = weir_sync_statistics(permits, &s)) < 0)
        return rc;
    printf("%d of %d permits are left\n", (int)s.value, (int)s.limit);
    return 0;
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}

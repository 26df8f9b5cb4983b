/* SPDX-License-Identifier: MIT */
/* tasks.c - children in a group: all run at the same time, and one of them has a result. */
#include <stdio.h>

#include <weir/weir.h>

static int work(void *arg)
{
    const int *number = arg; /* a copy of its own */
    printf("task %d runs\n", *number);
    int rc = weir_sleep(100 * WEIR_MS);
    if (rc == 0)
        printf("task %d is done\n", *number);
    return rc;
}

struct sum {
    int a, b;
};

static int add(void *arg)
{
    const struct sum *sum = arg;
    return sum->a + sum->b; /* 0 or more is success */
}

static int app(void *unused)
{
    weir_task adding = {0};
    int rc = 0, result;
    (void)unused;
    weir_auto(weir_group) g = weir_group_begin();
    for (int i = 1; i <= 5 && rc == 0; i++)
        rc = weir_spawn(g, work, &i, .name = "worker");
    if (rc < 0 || (rc = weir_spawn(g, add, &((struct sum){40, 2}), .task = &adding)) < 0 ||
        (rc = weir_task_wait(adding)) < 0 || (rc = weir_task_result(adding, &result)) < 0)
        return rc;
    printf("40 + 2 = %d\n", result);
    if ((rc = weir_group_end(g)) == 0) /* a tenth of a second after the beginning, not five */
        printf("all tasks are done\n");
    return rc;
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}

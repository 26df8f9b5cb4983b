/* SPDX-License-Identifier: MIT */
/* started.c - a service that takes a while to begin: who starts it waits until it is ready. */
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

struct squares {
    const long *table; /* as long as the service runs */
    int size;
};

static int serve(void *arg)
{
    const int *size = arg;
    if (*size <= 0)
        return WEIR_EINVAL; /* before it has started: the starter's error, not the group's */
    long *table = calloc((size_t)*size, sizeof *table);
    if (!table)
        return WEIR_ENOMEM;
    for (int i = 0; i < *size; i++)
        table[i] = (long)i * i;
    int rc = weir_child_started(&((struct squares){table, *size}));
    if (rc == 0)
        rc = weir_sleep(WEIR_NEVER); /* until it is cancelled */
    free(table);
    return rc;
}

static int app(void *unused)
{
    struct squares squares;
    (void)unused;
    weir_auto(weir_group) g = weir_group_begin();
    int rc = weir_child_start(g, serve, &squares, &(int){0});
    printf("the first one: %s\n", weir_error_text(rc));
    if ((rc = weir_child_start(g, serve, &squares, &(int){100})) < 0)
        return rc;
    printf("the second one: ready, with %d squares: 7 * 7 = %ld\n", squares.size, squares.table[7]);
    weir_group_cancel(g, "no more questions");
    return weir_group_end(g); /* the table is released now */
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}

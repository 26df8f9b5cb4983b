/* SPDX-License-Identifier: MIT */
/* to_thread.c - a function that blocks runs on a thread of its own; the other actors go on. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include <weir/weir.h>

struct path {
    char path[64];
};

/* Both are copies: of what the caller passes, and for what it gets. */
static int look_at(void *arg, void *result)
{
    const struct path *p = arg;
    return stat(p->path, result) < 0 ? -errno : 0; /* which may take its time */
}

static int tick(void *unused)
{
    int rc;
    (void)unused;
    for (int i = 1; i <= 3; i++)
        if ((rc = weir_sleep(WEIR_MS)) < 0)
            return rc;
    printf("three ticks meanwhile\n");
    return 0;
}

static int app(void *unused)
{
    struct stat found;
    int rc;
    (void)unused;
    weir_auto(weir_group) g = weir_group_begin();
    if ((rc = weir_spawn(g, tick, NULL)) < 0 ||
        (rc = weir_blocking_call(look_at, &found, &(struct path){"/"})) < 0)
        return rc;
    printf("/ is %s\n", S_ISDIR(found.st_mode) ? "a directory" : "strange");
    rc = weir_blocking_call(look_at, &found, &(struct path){"/no/such/place"},
                            .deadline = weir_after(10 * WEIR_S));
    printf("/no/such/place: %s\n", weir_error_name(rc)); /* what the function has returned */
    return weir_group_end(g);
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}

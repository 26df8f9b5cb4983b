/* SPDX-License-Identifier: MIT */
/*
 * runvar.c - what all actors of a run share without being given it: here a number of places that is
 * made by who needs it first, and released when the run is over.
 */
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

struct pool {
    weir_semaphore places;
};

static void release(void *value)
{
    struct pool *pool = value;
    weir_close(pool->places);
    free(pool);
    printf("the pool is released\n");
}

static weir_runvar the_pool = WEIR_RUNVAR(release);

/* The run's pool; several may come here first at the same time, and one pool is kept. */
static int get_pool(struct pool **out)
{
    void *value;
    int rc = weir_runvar_get(&the_pool, &value);
    if (rc == WEIR_ENODATA) {
        struct pool *made = value = calloc(1, sizeof *made);
        if (!made)
            return WEIR_ENOMEM;
        made->places = weir_semaphore_open(2, 2);
        weir_disown(made->places); /* else it would end with this actor */
        if ((rc = weir_runvar_init(&the_pool, &value)) != 0) { /* WEIR_EALREADY: *value is there */
            weir_close(made->places);
            free(made);
        }
    }
    *out = value;
    return rc == WEIR_EALREADY ? 0 : rc;
}

static int work(void *unused)
{
    struct pool *pool;
    int rc;
    (void)unused;
    if ((rc = get_pool(&pool)) < 0 || (rc = weir_semaphore_acquire(pool->places)) < 0)
        return rc;
    printf("%s works\n", weir_actor_name());
    return weir_semaphore_release(pool->places);
}

static int app(void *unused)
{
    int rc;
    (void)unused;
    weir_auto(weir_group) g = weir_group_begin();
    if ((rc = weir_spawn(g, work, NULL, .name = "Ada")) < 0 ||
        (rc = weir_spawn(g, work, NULL, .name = "Grace")) < 0)
        return rc;
    return weir_group_end(g);
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}

/* SPDX-License-Identifier: MIT */
/* F142: variables of a run. */
#include "one_worker.h"
#include "primitives.h"

static int dropped[4], drops;

static void drop(void *value)
{
    if (drops < 4)
        dropped[drops] = *(int *)value;
    drops++;
    EXPECT_RC(weir_runvar_get(&(weir_runvar){NULL}, &value), WEIR_EPERM); /* no actor is left */
}

static const weir_runvar a = WEIR_RUNVAR(drop), b = WEIR_RUNVAR(drop), c = WEIR_RUNVAR(NULL);
static int one = 1, two = 2, three = 3;

static int unset_and_set(void *unused)
{
    void *v = &three;
    (void)unused;
    EXPECT_RC(weir_runvar_get(&a, &v), WEIR_ENODATA);
    EXPECT_RC(weir_runvar_clear(&a, &v), WEIR_ENODATA);
    EXPECT(v == &three);
    EXPECT_RC(weir_runvar_set(&a, &one, &v), 0);
    EXPECT(v == NULL);
    EXPECT_RC(weir_runvar_get(&a, &v), 0);
    EXPECT(v == &one);
    EXPECT_RC(weir_runvar_get(&b, &v), WEIR_ENODATA); /* another one */
    EXPECT_RC(weir_runvar_set(&a, &two, &v), 0);
    EXPECT(v == &one);
    v = &three;
    EXPECT_RC(weir_runvar_init(&a, &v), WEIR_EALREADY);
    EXPECT(v == &two);
    EXPECT_RC(weir_runvar_clear(&a, &v), 0);
    EXPECT(v == &two);
    EXPECT_RC(weir_runvar_get(&a, &v), WEIR_ENODATA);
    v = &three;
    EXPECT_RC(weir_runvar_init(&a, &v), 0);
    EXPECT(v == &three);
    EXPECT_RC(weir_runvar_set(&c, NULL, NULL), 0); /* set, and to nothing */
    EXPECT_RC(weir_runvar_get(&c, &v), 0);
    EXPECT(v == NULL);
    EXPECT_RC(weir_runvar_set(&b, &two, NULL), 0);
    EXPECT_EQ(drops, 0);
    return 0;
}

static int nothing_is_left(void *unused)
{
    void *v;
    (void)unused;
    EXPECT_RC(weir_runvar_get(&a, &v), WEIR_ENODATA);
    EXPECT_RC(weir_runvar_get(&b, &v), WEIR_ENODATA);
    EXPECT_RC(weir_runvar_get(&c, &v), WEIR_ENODATA);
    return 0;
}

/* A run's own, dropped at its end, the last one first. */
static void run_one_after_another(void)
{
    for (int i = 0; i < 2; i++) {
        drops = 0;
        EXPECT_RC(weir_run(unset_and_set, NULL, NULL), 0);
        EXPECT_EQ(drops, 2);
        EXPECT_EQ(dropped[0], 2);
        EXPECT_EQ(dropped[1], 3);
        EXPECT_RC(weir_run(nothing_is_left, NULL, NULL), 0);
        EXPECT_EQ(drops, 2);
    }
}

static void run_started(void)
{
    drops = 0;
    EXPECT_RC(weir_start(unset_and_set, NULL, NULL), 0);
    EXPECT_RC(weir_stop(NULL), 0);
    EXPECT_EQ(drops, 2);
}

static int misuse(void *unused)
{
    void *v = NULL;
    (void)unused;
    EXPECT_RC(weir_runvar_get(NULL, &v), WEIR_EINVAL);
    EXPECT_RC(weir_runvar_get(&a, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_runvar_set(NULL, &one, &v), WEIR_EINVAL);
    EXPECT_RC(weir_runvar_init(NULL, &v), WEIR_EINVAL);
    EXPECT_RC(weir_runvar_init(&a, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_runvar_clear(NULL, &v), WEIR_EINVAL);
    return 0;
}

static void run_misuse(void)
{
    void *v = NULL;
    EXPECT_RC(weir_runvar_get(&a, &v), WEIR_EPERM);
    EXPECT_RC(weir_runvar_set(&a, &one, &v), WEIR_EPERM);
    EXPECT_RC(weir_runvar_init(&a, &v), WEIR_EPERM);
    EXPECT_RC(weir_runvar_clear(&a, &v), WEIR_EPERM);
    EXPECT_RC(weir_run(misuse, NULL, NULL), 0);
}

/* ---- many at once --------------------------------------------------------------------------- */

enum { CROWD = 24, VARIABLES = 8 };

static weir_runvar many[VARIABLES];
static atomic_int winners;

/* All go on with the one that was first. */
static int inits(void *number)
{
    int n = *(int *)number;
    for (int i = 0; i < VARIABLES; i++) {
        static char candidate[CROWD][VARIABLES];
        void *v = &candidate[n][i], *again;
        int rc = weir_runvar_init(&many[i], &v);
        EXPECT(rc == 0 || rc == WEIR_EALREADY);
        EXPECT_EQ(rc == 0, v == &candidate[n][i]);
        atomic_fetch_add(&winners, rc == 0);
        weir_yield();
        EXPECT_RC(weir_runvar_get(&many[i], &again), 0);
        EXPECT(again == v);
    }
    return 0;
}

static int crowd(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    for (int i = 0; i < CROWD; i++)
        EXPECT_RC(weir_spawn(g, inits, &i), 0);
    return weir_group_end(g);
}

static void run_crowd(void)
{
    for (int i = 0; i < 50; i++) {
        atomic_store(&winners, 0);
        EXPECT_RC(weir_run(crowd, NULL, NULL), 0);
        EXPECT_EQ(atomic_load(&winners), VARIABLES);
    }
}

TEST_SUITE(runvar, "actors: variables of a run",
           {"F142 run variable: each run has its own", run_one_after_another},
           {"F142 run variable: of a started run", run_started},
           {"F142 run variable: outside of a run, null pointers", run_misuse},
           {"F142 run variable: the first value, by many", run_crowd});

/* SPDX-License-Identifier: MIT */
/* runvar.c - variables of a run: two give the first value, others look. */
#include "runvar.h"

#include "model.h"

static struct runvars vars;
static const weir_runvar var = WEIR_RUNVAR(NULL);
static int values[2] = {1, 2};
static a32 first;

static void begin(void)
{
    vars = (struct runvars){0};
}

static void inits(void *mine)
{
    void *v = NULL, *again = NULL;
    int rc = weir__runvar_set(&vars, &var, mine, &v, true);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_EALREADY);
    a32_add(&first, rc == 0);
    EXPLORE_EQ(weir__runvar_get(&vars, &var, &again), 0);
    EXPLORE_ASSERT(again == (rc == 0 ? mine : v));
}

static void looks(void *unused)
{
    void *v = NULL;
    (void)unused;
    int rc = weir__runvar_get(&vars, &var, &v);
    EXPLORE_ASSERT(rc == WEIR_ENODATA || (rc == 0 && (v == &values[0] || v == &values[1])));
}

static void one_was_first(void)
{
    EXPLORE_EQ(a32_load(&first), 1);
    weir__runvars_end(&vars);
}

#define TWO_INIT                                                                                   \
    .setup = begin, .check = one_was_first,                                                        \
    .threads = {{"a", inits, &values[0]}, {"b", inits, &values[1]}, {"looks", looks, NULL}}
EXPLORE_MODEL(runvar_init, "F142 two give a variable its first value", TWO_INIT);
EXPLORE_MODEL(runvar_no_second_look, "two values of one variable",
              .mutation = "runvar: no second look", TWO_INIT);

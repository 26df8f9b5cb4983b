/* SPDX-License-Identifier: MIT */
/* runvar.c - see runvar.h and weir/runvar.h. */
#include "runvar.h"

#include "lock.h"
#include "scheduler.h"

struct value {
    const weir_runvar *var;
    struct value *next;
    aptr value; /* &unset: none */
};

static char unset;

static struct value *find(const struct runvars *vars, const weir_runvar *var)
{
    struct value *v = aptr_load_acquire(&vars->last); /* pairs with add() */
    while (v && v->var != var)
        v = v->next;
    return v;
}

int weir__runvar_get(const struct runvars *vars, const weir_runvar *var, void **value)
{
    const struct value *v = find(vars, var);
    void *now = v ? aptr_load_acquire(&v->value) : &unset; /* pairs with weir__runvar_set() */
    if (now == &unset)
        return WEIR_ENODATA;
    *value = now;
    return 0;
}

/* Under the lock. */
static void add(struct runvars *vars, struct value *v)
{
    v->next = aptr_load(&vars->last);
    aptr_store_release(&vars->last, v); /* pairs with find() */
}

int weir__runvar_set(struct runvars *vars, const weir_runvar *var, void *value, void **before,
                     bool init)
{
    struct value *found = find(vars, var), *mine = found ? NULL : os_alloc(sizeof *mine);
    if (!found && !mine)
        return WEIR_ENOMEM;
    lock_acquire(&vars->lock, 0);
    struct value *v = mine && !MUTATE("runvar: no second look") ? find(vars, var) : found;
    if (!v) {
        v = mine;
        mine = NULL;
        v->var = var;
        aptr_store(&v->value, &unset);
        add(vars, v);
    }
    void *now = aptr_load(&v->value);
    bool stays = init && now != &unset;
    if (!stays)
        aptr_store_release(&v->value, value); /* pairs with weir__runvar_get() */
    lock_release(&vars->lock, 0);
    os_free(mine, sizeof *mine);
    if (before && (!init || stays))
        *before = now == &unset ? NULL : now;
    return stays ? WEIR_EALREADY : 0;
}

int weir__runvar_clear(struct runvars *vars, const weir_runvar *var, void **before)
{
    struct value *v = find(vars, var);
    if (!v)
        return WEIR_ENODATA;
    lock_acquire(&vars->lock, 0);
    void *now = aptr_load(&v->value);
    aptr_store(&v->value, &unset);
    lock_release(&vars->lock, 0);
    if (now == &unset)
        return WEIR_ENODATA;
    if (before)
        *before = now;
    return 0;
}

void weir__runvars_end(struct runvars *vars)
{
    struct value *v = aptr_load(&vars->last);
    aptr_store(&vars->last, NULL);
    while (v) {
        struct value *next = v->next;
        void *value = aptr_load(&v->value);
        if (value != &unset && v->var->drop)
            v->var->drop(value);
        os_free(v, sizeof *v);
        v = next;
    }
}

/* ---- public ------------------------------------------------------------------------------- */

/* Of the caller's run; NULL: it is in none. */
static struct runvars *vars_here(void)
{
    struct actor *me = actor_self();
    return me ? &actor_worker(me)->runtime->vars : NULL;
}

int weir_runvar_get(const weir_runvar *var, void **value)
{
    const struct runvars *vars = vars_here();
    if (!var || !value)
        return WEIR_EINVAL;
    return vars ? weir__runvar_get(vars, var, value) : WEIR_EPERM;
}

int weir_runvar_set(const weir_runvar *var, void *value, void **before)
{
    struct runvars *vars = vars_here();
    if (!var)
        return WEIR_EINVAL;
    return vars ? weir__runvar_set(vars, var, value, before, false) : WEIR_EPERM;
}

int weir_runvar_init(const weir_runvar *var, void **value)
{
    struct runvars *vars = vars_here();
    if (!var || !value)
        return WEIR_EINVAL;
    return vars ? weir__runvar_set(vars, var, *value, value, true) : WEIR_EPERM;
}

int weir_runvar_clear(const weir_runvar *var, void **before)
{
    struct runvars *vars = vars_here();
    if (!var)
        return WEIR_EINVAL;
    return vars ? weir__runvar_clear(vars, var, before) : WEIR_EPERM;
}

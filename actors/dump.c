/* SPDX-License-Identifier: MIT */
/* dump.c - the table of actors. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/debug.h>

#include "deadlock.h"
#include "simulate.h"
#include "supervision/name.h"

static const char *state_of(const struct seen *a)
{
    if (a->runs)
        return "running";
    if (a->parked)
        return a->alive ? "parked" : "for ever";
    return a->kind == FRESH ? "fresh" : "ready";
}

static void waker_text(const struct snapshot *s, const struct seen *a, char *text, size_t size)
{
    uint32_t id = actor_number((uint32_t)a->woken);
    if (a->woken == 0)
        snprintf(text, size, "-");
    else if (id == 0)
        snprintf(text, size, "a deadline");
    else if (!(id & 1))
        snprintf(text, size, "a thread");
    else {
        uint32_t i = weir__seen_by_id(s, id);
        snprintf(text, size, "#%u %s", id, i != NO_ONE ? s->actors[i].name : "(ended)");
    }
}

static void stack_text(const struct seen *a, char *text, size_t size)
{
    if (a->stack)
        snprintf(text, size, "%zu of %zu", a->stack, a->touched);
    else
        snprintf(text, size, a->touched ? "%zu" : "-", a->touched);
}

static void print_actor(const struct snapshot *s, const struct seen *a, uint32_t now, FILE *out)
{
    char id[16], since[24] = "-", waker[40], stack[48], wait[120];
    snprintf(id, sizeof id, "#%u", a->id);
    if (a->parked)
        snprintf(since, sizeof since, "%.1f s", (double)(now - a->since) * 0x1p20 / 1e9);
    waker_text(s, a, waker, sizeof waker);
    stack_text(a, stack, sizeof stack);
    weir__seen_wait(a, wait, sizeof wait);
    fprintf(out, "%-7s %-15s %-8s %9s %10" PRIu64 " %-22s %-15s %s\n", id, a->name, state_of(a),
            since, (a->moved + 1) / 2, waker, stack, wait);
}

static void print_actors(const struct snapshot *s, uint32_t dead, FILE *out)
{
    uint32_t now = trace_clock(weir__run_now());
    fprintf(out, "weir: %u actors", s->count);
    fprintf(out, dead ? ", %u of them parked for ever\n" : "\n", dead);
    fprintf(out, "%-7s %-15s %-8s %9s %10s %-22s %-15s %s\n", "actor", "name", "state", "since",
            "switches", "woken by", "stack", "waits for");
    for (uint32_t i = 0; i < s->count; i++)
        print_actor(s, &s->actors[i], now, out);
}

/* ---- the trees of supervisors ---------------------------------------------------------------- */

/* The next supervisor further out, that is, among who spawned it; NO_ONE. */
static uint32_t upper(const struct snapshot *s, uint32_t i)
{
    do
        i = weir__seen_by_id(s, s->actors[i].parent);
    while (i != NO_ONE && !s->actors[i].supervises);
    return i;
}

static void print_node(const struct seen *a, int depth, FILE *out)
{
    fprintf(out, "%*s#%u %s, %s\n", 2 * depth, "", a->id, a->name, state_of(a));
}

/* A supervisor, its children, and the supervisors that one of these has begun. */
static void print_tree(const struct snapshot *s, uint32_t i, int depth, FILE *out)
{
    enum { DEEP = 32 };
    print_node(&s->actors[i], depth, out);
    for (uint32_t c = 0; c < s->count; c++) {
        const struct seen *child = &s->actors[c];
        if (child->parent != s->actors[i].id)
            continue;
        print_node(child, depth + 1, out);
        for (uint32_t u = 0; u < s->count && depth < DEEP; u++)
            if (s->actors[u].supervises && s->actors[u].parent == child->id)
                print_tree(s, u, depth + 2, out);
    }
}

static void print_trees(const struct snapshot *s, FILE *out)
{
    bool any = false;
    for (uint32_t i = 0; i < s->count; i++) {
        if (!s->actors[i].supervises || upper(s, i) != NO_ONE)
            continue;
        if (!any)
            fprintf(out, "supervisors:\n");
        any = true;
        print_tree(s, i, 1, out);
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

static void print_name(const struct snapshot *s, const struct seen_name *n, FILE *out)
{
    uint32_t i = weir__seen_by_id(s, n->owner);
    fprintf(out, "  %s: channel %p, by ", n->text, n->chan);
    if (n->owner == 0)
        fprintf(out, "a thread");
    else
        fprintf(out, "#%u %s", n->owner, i != NO_ONE ? s->actors[i].name : "(ended)");
    fprintf(out, n->live ? "\n" : ", nobody receives\n");
}

static int by_text(const void *a, const void *b)
{
    const struct seen_name *x = a, *y = b;
    return strcmp(x->text, y->text);
}

static void print_names(const struct snapshot *s, struct seen_name *names, size_t n, FILE *out)
{
    if (n == 0)
        return;
    qsort(names, n, sizeof *names, by_text);
    fprintf(out, "names:\n");
    for (size_t i = 0; i < n; i++)
        print_name(s, &names[i], out);
}

int weir_dump(FILE *out)
{
    struct snapshot s;
    struct seen_name *names;
    uint32_t dead = 0;
    size_t n, bytes;
    if (!out)
        return WEIR_EINVAL;
    int rc = weir__names_see(&names, &n, &bytes);
    if (rc < 0)
        return rc;
    rc = weir__deadlock_find(&s, SEE_STACKS, &dead);
    if (rc == 0) {
        print_actors(&s, dead, out);
        print_trees(&s, out);
        print_names(&s, names, n, out);
        weir__snapshot_free(&s);
    }
    os_free(names, bytes);
    return rc;
}

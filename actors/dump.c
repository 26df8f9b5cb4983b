/* SPDX-License-Identifier: MIT */
/* dump.c - the table of actors. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/debug.h>

#include "deadlock.h"
#include "dump.h"
#include "lock.h"
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

/* Supervisors are in a chain, each with the child through which it is below another one. */
struct trees {
    struct snapshot *s;
    FILE *out;
    uint32_t first;
};

/* The child of the next supervisor further out, among who spawned it and those before; NO_ONE. */
static uint32_t branch_of(const struct snapshot *s, uint32_t i)
{
    uint32_t above = weir__seen_by_id(s, s->actors[i].parent);
    while (above != NO_ONE) {
        i = above;
        above = weir__seen_by_id(s, s->actors[i].parent);
        if (above != NO_ONE && s->actors[above].supervises)
            return i;
    }
    return NO_ONE;
}

static void find_supervisors(struct trees *t)
{
    struct seen *actors = t->s->actors;
    t->first = NO_ONE;
    for (uint32_t i = t->s->count; i-- > 0;)
        if (actors[i].supervises) {
            actors[i].branch = branch_of(t->s, i);
            actors[i].next_supervisor = t->first;
            t->first = i;
        }
}

static void print_node(const struct seen *a, int depth, FILE *out)
{
    fprintf(out, "%*s#%u %s, %s\n", 2 * depth, "", a->id, a->name, state_of(a));
}

/* A supervisor, its children, and the supervisors that were begun below each of these. */
static void print_tree(const struct trees *t, uint32_t i, int depth)
{
    enum { DEEP = 32 };
    const struct seen *actors = t->s->actors;
    print_node(&actors[i], depth, t->out);
    for (uint32_t c = 0; c < t->s->count; c++) {
        if (actors[c].parent != actors[i].id)
            continue;
        print_node(&actors[c], depth + 1, t->out);
        for (uint32_t u = t->first; u != NO_ONE && depth < DEEP; u = actors[u].next_supervisor)
            if (actors[u].branch == c)
                print_tree(t, u, depth + 2);
    }
}

static void print_trees(struct snapshot *s, FILE *out)
{
    struct trees t = {.s = s, .out = out};
    find_supervisors(&t);
    if (t.first != NO_ONE)
        fprintf(out, "supervisors:\n");
    for (uint32_t u = t.first; u != NO_ONE; u = s->actors[u].next_supervisor)
        if (s->actors[u].branch == NO_ONE)
            print_tree(&t, u, 1);
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

/* ---- other layers ---------------------------------------------------------------------------- */

static struct {
    a32 lock;
    aptr first; /* never taken out */
} parts;

void weir__dump_add(struct dump_part *part)
{
    lock_acquire(&parts.lock, 0);
    struct dump_part *p = aptr_load(&parts.first);
    while (p && p != part)
        p = p->next;
    if (!p) {
        part->next = aptr_load(&parts.first);
        aptr_store_release(&parts.first, part); /* pairs with print_parts() */
    }
    lock_release(&parts.lock, 0);
}

static void print_parts(FILE *out)
{
    for (struct dump_part *p = aptr_load_acquire(&parts.first); p; p = p->next)
        p->print(out);
}

int weir_dump(FILE *out)
{
    struct snapshot s;
    struct seen_name *names;
    uint32_t dead = 0;
    size_t n, bytes;
    if (!out)
        return WEIR_EINVAL;
    int rc = weir__barred() ? WEIR_EPERM : weir__names_see(&names, &n, &bytes);
    if (rc < 0)
        return rc;
    rc = weir__deadlock_find(&s, SEE_STACKS, &dead);
    if (rc == 0) {
        print_actors(&s, dead, out);
        print_trees(&s, out);
        print_names(&s, names, n, out);
        weir__snapshot_free(&s);
        print_parts(out);
    }
    os_free(names, bytes);
    return rc;
}

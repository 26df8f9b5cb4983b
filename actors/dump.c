/* SPDX-License-Identifier: MIT */
/* dump.c - the table of actors. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir/debug.h>

#include "deadlock.h"
#include "simulate.h"

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

int weir_dump(FILE *out)
{
    struct snapshot s;
    if (!out)
        return WEIR_EINVAL;
    uint32_t dead = 0;
    int rc = weir__deadlock_find(&s, SEE_STACKS, &dead);
    if (rc < 0)
        return rc;
    uint32_t now = trace_clock(weir__run_now());
    fprintf(out, "weir: %u actors", s.count);
    fprintf(out, dead ? ", %u of them parked for ever\n" : "\n", dead);
    fprintf(out, "%-7s %-15s %-8s %9s %10s %-22s %-15s %s\n", "actor", "name", "state", "since",
            "switches", "woken by", "stack", "waits for");
    for (uint32_t i = 0; i < s.count; i++)
        print_actor(&s, &s.actors[i], now, out);
    weir__snapshot_free(&s);
    return 0;
}

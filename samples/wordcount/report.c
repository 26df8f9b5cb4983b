/* SPDX-License-Identifier: MIT */
/*
 * report.c - the only stage that writes to standard error: it adds up the meters, prints
 * complaints as they come, and on a terminal keeps one line of progress up to date.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "note.h"

#define PROGRESS_PERIOD (100 * WEIR_MS)

static void add(struct meter *sum, const struct meter *m)
{
    if (!sum->began || m->began < sum->began)
        sum->began = m->began;
    if (m->ended > sum->ended)
        sum->ended = m->ended;
    sum->items += m->items;
    sum->bytes += m->bytes;
    sum->waited_in += m->waited_in;
    sum->waited_out += m->waited_out;
}

static void show_progress(const struct report *r, weir_time now)
{
    const struct meter *m = &r->stages[READ];
    double mb = (double)m->bytes / 1e6;
    double seconds = (double)(now - m->began) / (double)WEIR_S;
    fprintf(stderr, "\r%.0f MB in %" PRIu64 " chunks, %.0f MB/s\033[K", mb, m->items,
            seconds > 0 ? mb / seconds : 0);
    fflush(stderr);
}

static void clear_progress(const struct report *r)
{
    if (r->terminal)
        fputs("\r\033[K", stderr);
}

static void take(struct report *r, const struct note *note)
{
    add(&r->stages[note->stage], &note->meter);
    r->actors[note->stage] += note->last;
    r->unreadable += note->unreadable;
    r->failure = note->failure;
    if (note->complaint) {
        clear_progress(r);
        fprintf(stderr, "wordcount: %s\n", note->complaint);
        free(note->complaint);
    }
}

int report(void *arg)
{
    struct reporter *a = arg;
    struct report *r = a->report;
    struct note note;
    weir_time shown = 0;
    int rc;
    while ((rc = note_recv(a->notes, &note)) > 0) {
        take(r, &note);
        if (r->failure) {
            rc = r->failure;
            break;
        }
        if (r->terminal && note.meter.ended - shown >= PROGRESS_PERIOD) {
            shown = note.meter.ended;
            show_progress(r, shown);
        }
    }
    clear_progress(r);
    return rc;
}

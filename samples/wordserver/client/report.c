/* SPDX-License-Identifier: MIT */
/* report.c - the line of progress, throughput, and percentiles of what was timed. */
#include <stdio.h>
#include <stdlib.h>

#include "client.h"

enum { PROGRESS_PERIOD = 100 * WEIR_MS };

struct times {
    weir_time *took;
    size_t n, room;
};

static int keep(struct times *t, weir_time took)
{
    if (t->n == t->room) {
        size_t room = t->room ? 2 * t->room : 1024;
        weir_time *more = realloc(t->took, room * sizeof *more);
        if (!more)
            return WEIR_ENOMEM;
        t->took = more;
        t->room = room;
    }
    t->took[t->n++] = took;
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const weir_time *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double ms(const struct times *t, double part)
{
    return (double)t->took[(size_t)(part * (double)(t->n - 1) + 0.5)] / (double)WEIR_MS;
}

static void print_times(const char *what, struct times *t)
{
    if (t->n == 0)
        return;
    qsort(t->took, t->n, sizeof *t->took, by_time);
    fprintf(stderr, "%-28s %6zu times, ms: 50 %% %.2f, 90 %% %.2f, 99 %% %.2f, all %.2f\n", what,
            t->n, ms(t, 0.5), ms(t, 0.9), ms(t, 0.99), ms(t, 1));
}

static void show_progress(const struct report *r, size_t bytes, weir_time took)
{
    double mb = (double)bytes / 1e6, seconds = (double)took / (double)WEIR_S;
    fprintf(stderr, "\r%.0f", mb);
    if (r->size)
        fprintf(stderr, " of %.0f", (double)r->size / 1e6);
    fprintf(stderr, " MB, %.0f MB/s\033[K", mb / seconds);
    fflush(stderr);
}

int report(void *report)
{
    const struct report *r = report;
    struct times batches = {0}, answers = {0};
    struct note note;
    size_t bytes = 0;
    weir_time began = weir_now(), shown = began, ended = began;
    int rc;
    while ((rc = note_recv(r->notes, &note)) > 0) {
        if ((rc = keep(note.what == BATCH ? &batches : &answers, note.took)) < 0)
            break;
        bytes += note.bytes;
        if (note.what == BATCH)
            ended = weir_now();
        if (r->terminal && ended - shown >= PROGRESS_PERIOD)
            show_progress(r, bytes, (shown = ended) - began);
    }
    if (r->terminal)
        fputs("\r\033[K", stderr);
    if (rc == 0 && ended > began) {
        double mb = (double)bytes / 1e6, seconds = (double)(ended - began) / (double)WEIR_S;
        fprintf(stderr, "%.1f MB in %.1f s: %.0f MB/s\n", mb, seconds, mb / seconds);
        print_times("64 KiB of text until counted", &batches);
        print_times("TOP 10 meanwhile", &answers);
    }
    free(batches.took);
    free(answers.took);
    return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * blocking.c - work for threads: files are read, two at a time, while the actors that want them
 * are parked. A reader stops when nobody wants it any more, and from its thread enters the run
 * again to say that it is done.
 */
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

struct file {
    const char *path;
    weir_portal portal;
};

struct sum {
    unsigned long bytes, ones;
};

struct news {
    const char *path;
    struct sum sum;
};

struct plan {
    char **paths;
    int count;
};

/* An actor in the portal: here the program's actors are at hand, and output is in one place. */
static int announce(void *arg)
{
    const struct news *n = arg;
    return printf("%s: %lu bytes, %lu bits set\n", n->path, n->sum.bytes, n->sum.ones);
}

static void add(struct sum *sum, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum->ones += (unsigned)__builtin_popcount(bytes[i]);
    sum->bytes += n;
}

/* On a thread: it may block, and has a large stack. Both arguments are its own copies. */
static int read_file(void *arg, void *result)
{
    const struct file *f = arg;
    unsigned char piece[65536];
    size_t n;
    FILE *in = fopen(f->path, "rb");
    if (!in)
        return WEIR_EINVAL;
    while (!weir_cancelled() && (n = fread(piece, 1, sizeof piece, in)) > 0)
        add(result, piece, n);
    int rc = weir_cancelled() ? WEIR_ECANCELED : ferror(in) ? WEIR_EINVAL : 0;
    fclose(in);
    struct news news = {f->path, *(struct sum *)result};
    return rc < 0 ? rc : weir_portal_call(f->portal, announce, &news);
}

struct reader {
    struct file file;
    weir_blocking class;
    unsigned long *total; /* one of its own for each reader */
};

static int wants(void *arg)
{
    struct reader *r = arg;
    struct sum sum = {0, 0};
    const struct file *file = &r->file;
    int rc = weir_blocking_call(read_file, &sum, file, .in = r->class);
    if (rc == WEIR_EINVAL)
        fprintf(stderr, "%s: cannot be read\n", r->file.path);
    *r->total = sum.bytes;
    return rc;
}

static int read_all(const struct plan *plan, unsigned long *totals)
{
    weir_auto(weir_scope) time = weir_fail_after(60 * WEIR_S);
    weir_auto(weir_portal) portal = weir_portal_open();
    weir_auto(weir_blocking) class = weir_blocking_open(2);
    weir_auto(weir_group) g = weir_group_begin();
    struct reader r = {.file = {.portal = portal}, .class = class};
    int rc = 0;
    for (int i = 0; i < plan->count && rc == 0; i++) {
        r.file.path = plan->paths[i];
        r.total = &totals[i];
        rc = weir_spawn(g, wants, &r, .name = "reader");
    }
    return weir_group_end_with(g, rc);
}

static int app(void *arg)
{
    const struct plan *plan = arg;
    unsigned long all = 0, *totals = calloc((size_t)plan->count, sizeof *totals);
    int rc = totals ? read_all(plan, totals) : WEIR_ENOMEM;
    for (int i = 0; rc >= 0 && i < plan->count; i++)
        all += totals[i];
    if (rc >= 0)
        printf("%lu bytes in %d files\n", all, plan->count);
    free(totals);
    return rc;
}

int main(int argc, char **argv)
{
    /* Without arguments: this program itself. */
    struct plan plan = {argc > 1 ? argv + 1 : argv, argc > 1 ? argc - 1 : 1};
    int rc = weir_run(app, &plan, NULL);
    if (rc < 0)
        fprintf(stderr, "blocking: %s\n", weir_error_text(rc));
    return rc < 0;
}

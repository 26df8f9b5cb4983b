/* SPDX-License-Identifier: MIT */
/*
 * walk.c - turns the arguments into readable sources.
 *
 * As with grep -r: what is named on the command line is read whatever it is, symbolic
 * links included; inside a directory only directories and regular files count.
 */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "note.h"

static int send_source(struct walker *w, struct meter *m, const char *path)
{
    struct source source = {.path = NULL};
    if (path && !(source.path = strdup(path)))
        return WEIR_ENOMEM;
    weir_time before = weir_now();
    int rc = source_send(w->sources, source);
    m->waited_out += weir_now() - before;
    if (rc < 0)
        free(source.path);
    else
        m->items++;
    return rc;
}

static int visit(struct walker *w, struct meter *m, const FTSENT *e)
{
    switch (e->fts_info) {
    case FTS_F:
        return send_source(w, m, e->fts_path);
    case FTS_DEFAULT:
        if (e->fts_level == FTS_ROOTLEVEL)
            return send_source(w, m, e->fts_path);
        return note_skipped(w->notes, WALK, e->fts_path, "not a regular file, skipped");
    case FTS_DC:
        return note_skipped(w->notes, WALK, e->fts_path, "contains itself, skipped");
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return note_unreadable(w->notes, WALK, e->fts_path, strerror(e->fts_errno));
    case FTS_SLNONE:
        return note_unreadable(w->notes, WALK, e->fts_path, strerror(ENOENT));
    default: /* FTS_SL below a directory; FTS_D and FTS_DP have nothing to count */
        return 0;
    }
}

/*
 * The next entry, or NULL with *rc 0 or -errno. Not inlined, as every use of errno
 * between two calls that may suspend: a compiler remembers where a thread's errno is,
 * and an actor may go on in another thread.
 */
__attribute__((noinline)) static FTSENT *next_entry(FTS *tree, int *rc)
{
    errno = 0;
    FTSENT *e = fts_read(tree);
    *rc = e ? 0 : -errno;
    return e;
}

__attribute__((noinline)) static FTS *open_tree(char *path, int *rc)
{
    char *const paths[] = {path, NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    *rc = tree ? 0 : -errno;
    return tree;
}

static int walk_tree(struct walker *w, struct meter *m, char *path)
{
    int rc, why;
    FTSENT *e;
    FTS *tree = open_tree(path, &why);
    if (!tree)
        return why == WEIR_ENOMEM ? why : note_unreadable(w->notes, WALK, path, strerror(-why));
    do {
        e = next_entry(tree, &why);
        rc = e ? visit(w, m, e) : 0;
    } while (e && rc >= 0);
    fts_close(tree);
    if (rc < 0 || why == 0)
        return rc;
    return why == WEIR_ENOMEM ? why : note_unreadable(w->notes, WALK, path, strerror(-why));
}

int walk(void *arg)
{
    struct walker *w = arg;
    struct meter m = {.began = weir_now()};
    bool stdin_done = false;
    int rc = 0;
    for (char *const *p = w->paths; *p && rc >= 0; p++) {
        if (strcmp(*p, "-") != 0) {
            rc = walk_tree(w, &m, *p);
        } else if (!stdin_done) { /* two readers would tear each other's words */
            stdin_done = true;
            rc = send_source(w, &m, NULL);
        }
    }
    return note_end(w->notes, WALK, &m, rc);
}

/* SPDX-License-Identifier: MIT */
/*
 * os_cgroup.c - how much processor time the control groups leave to this process.
 *
 * /proc/self/mountinfo tells where hierarchies are mounted, and which part of each: in a
 * container often a group, not the root. /proc/self/cgroup tells the process's group in each
 * hierarchy. Between the two lie the directories whose limits hold, each one. A hierarchy of
 * version 2 has cpu.max, "QUOTA PERIOD" or "max PERIOD"; one of version 1 with the controller
 * `cpu` has cpu.cfs_quota_us, -1 for no limit, and cpu.cfs_period_us. Both kinds may be mounted
 * at the same time. What cannot be read limits nothing.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os_thread.h"

enum { PATH_BYTES = 4096, LINE_BYTES = 2 * PATH_BYTES };

/* For one call: too large for the stack of an arbitrary thread. */
struct search {
    const char *root;
    char line[LINE_BYTES];
    char group[PATH_BYTES]; /* the process's, in the hierarchy at hand */
    char path[PATH_BYTES];
    unsigned long least;
};

static FILE *open_file(const char *root, const char *directory, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s%s/%s", root, directory, name) < 0)
        return NULL;
    FILE *f = fopen(path, "re");
    free(path);
    return f;
}

/* Is `word` one of the words of a list with commas? */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; at; at = strchr(at, ','), at += at != NULL)
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == 0))
            return true;
    return false;
}

/* ---- one group ---------------------------------------------------------------------------- */

/* The numbers in the first line of a file: how many there are. */
static int read_numbers(const struct search *s, const char *name, long long *a, long long *b)
{
    FILE *f = open_file(s->root, s->path, name);
    int n = f ? fscanf(f, "%lld %lld", a, b) : 0;
    if (f)
        fclose(f);
    return n < 0 ? 0 : n;
}

static void limit_by(struct search *s, bool unified)
{
    long long quota = 0, period = 0, unused;
    bool known = unified ? read_numbers(s, "cpu.max", &quota, &period) == 2
                         : read_numbers(s, "cpu.cfs_quota_us", &quota, &unused) >= 1 &&
                               read_numbers(s, "cpu.cfs_period_us", &period, &unused) >= 1;
    if (!known || quota <= 0 || period <= 0)
        return;
    unsigned long n = (unsigned long)(quota / period + (quota % period > 0));
    if (s->least == 0 || n < s->least)
        s->least = n;
}

/* ---- a hierarchy -------------------------------------------------------------------------- */

/* Fill in `group`: from a line "NUMBER:CONTROLLERS:PATH", "0::PATH" for version 2. */
static bool find_group(struct search *s, bool unified)
{
    char line[PATH_BYTES];
    bool found = false;
    FILE *f = open_file(s->root, "/proc/self", "cgroup");
    while (f && !found && fgets(line, sizeof line, f)) {
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(++controllers, ':') : NULL;
        if (!path)
            continue;
        *path++ = 0;
        path[strcspn(path, "\n")] = 0;
        found = unified ? *controllers == 0 : has_word(controllers, "cpu");
        if (found)
            memcpy(s->group, path, strlen(path) + 1); /* which is in a line that fits */
    }
    if (f)
        fclose(f);
    return found;
}

/* The part of the path below what is mounted; "" if the group is not there. */
static const char *below(const char *group, const char *mounted)
{
    size_t n = strcmp(mounted, "/") == 0 ? 0 : strlen(mounted);
    if (strstr(group, "/..") || strncmp(group, mounted, n) != 0 ||
        (group[n] != '/' && group[n] != 0))
        return "";
    return strcmp(group + n, "/") == 0 ? "" : group + n;
}

/* The limits of the group and of each one above it, up to what is mounted `at`. */
static void walk_up(struct search *s, const char *mounted, const char *at, bool unified)
{
    size_t top = strlen(at);
    if (!find_group(s, unified) || snprintf(s->path, sizeof s->path, "%s%s", at,
                                            below(s->group, mounted)) >= (int)sizeof s->path)
        return;
    for (;;) {
        limit_by(s, unified);
        char *slash = strrchr(s->path, '/');
        if (!slash || (size_t)(slash - s->path) < top)
            return;
        *slash = 0;
    }
}

/* A line of mountinfo: "36 35 98:0 ROOT MOUNTED-AT OPTIONS [FIELDS] - TYPE SOURCE OPTIONS". */
static void look_at_mount(struct search *s, char *line)
{
    char *field[6], *rest = strstr(line, " - "), *next;
    if (!rest)
        return;
    *rest = 0;
    rest += 3;
    for (unsigned i = 0; i < 5; i++)
        if (!(field[i] = strtok_r(i ? NULL : line, " ", &next)))
            return;
    const char *type = strtok_r(rest, " ", &next), *options;
    if (!type || !strtok_r(NULL, " ", &next) || !(options = strtok_r(NULL, " \n", &next)))
        return;
    if (strcmp(type, "cgroup2") == 0)
        walk_up(s, field[3], field[4], true);
    else if (strcmp(type, "cgroup") == 0 && has_word(options, "cpu"))
        walk_up(s, field[3], field[4], false);
}

unsigned long os_cgroup_quota(const char *root)
{
    struct search *s = calloc(1, sizeof *s);
    FILE *f = s ? open_file(root, "/proc/self", "mountinfo") : NULL;
    unsigned long least = 0;
    if (f) {
        s->root = root;
        while (fgets(s->line, sizeof s->line, f))
            look_at_mount(s, s->line);
        least = s->least;
        fclose(f);
    }
    free(s);
    return least;
}

/* SPDX-License-Identifier: MIT */
/*
 * refused.h - tests of what the system refuses, in a fresh process of this very program:
 * weir asks at its first call and remembers the answer.
 */
#ifndef WEIR_TESTS_REFUSED_H
#define WEIR_TESTS_REFUSED_H

#include <stdlib.h>

#include "child.h"
#include "kinds.h"

struct refused {
    const char *name;
    bool (*refuse)(void); /* before the program is executed; NULL: nothing to do */
    int (*check)(void);   /* the first that happens in it; 0, or a line that failed */
    bool runs_tests;      /* afterwards, those of the names below; else it is done */
    const char *tests[8];
};

static const struct refused *refused_now;
static FILE *refused_log; /* what it prints */

/* In a child; does not return unless something is wrong. */
static inline int refused_execute(void)
{
    char program[] = "/proc/self/exe", *argv[10] = {program};
    for (unsigned i = 0; i < 8 && refused_now->tests[i]; i++)
        argv[i + 1] = (char *)(uintptr_t)refused_now->tests[i];
    setenv("WEIR_TEST_REFUSED", refused_now->name, 1);
    if (refused_now->refuse && !refused_now->refuse())
        return CHILD_SKIPS;
    dup2(fileno(refused_log), STDOUT_FILENO);
    child_keeps_coverage();
    execv(program, argv);
    return errno == ENOEXEC ? CHILD_SKIPS : 1; /* an emulator starts no programs for its machine */
}

static inline void refused_run(const struct refused *r)
{
    if (getenv("WEIR_TEST_REFUSED")) /* this is such a process */
        return;
    char line[256];
    refused_now = r;
    refused_log = tmpfile();
    REQUIRE(refused_log != NULL);
    struct child_end end = child_run(refused_execute);
    if (end.status != CHILD_SKIPS && !EXPECT_EQ(end.status, 0)) {
        printf("\n    ... signal %d, said: %s", end.signal, end.said);
        rewind(refused_log);
        while (fgets(line, sizeof line, refused_log))
            printf("    ... %s", line);
    }
    fclose(refused_log);
}

/* By a constructor, before anything else of weir. */
static inline void refused_enter(const struct refused *list, size_t n)
{
    const char *name = getenv("WEIR_TEST_REFUSED");
    for (size_t i = 0; name && i < n; i++)
        if (strcmp(list[i].name, name) == 0) {
            int failed = list[i].check();
            if (failed || !list[i].runs_tests)
                exit(failed);
        }
}

#endif

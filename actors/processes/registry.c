/* SPDX-License-Identifier: MIT */
/*
 * registry.c - the functions that worker processes know.
 *
 * Entries are made before weir_process_main(), by the one thread that there is then, and never
 * changed afterwards; so they are read without a lock. A worker process is the same program, so it
 * has made the same entries when it gets to its weir_process_main(). Functions are known by their
 * names there: the same program may be elsewhere in memory.
 */
#include <string.h>
#include <sys/auxv.h>

#include "process.h"
#include "run.h"

static weir_process_entry *entries;
static bool allowed;
static char **arguments;

const weir_process_entry *weir__process_entry_named(const char *name, size_t size)
{
    const weir_process_entry *e = entries;
    while (e && (strlen(e->name) != size || memcmp(e->name, name, size) != 0))
        e = e->next;
    return e;
}

const weir_process_entry *weir__process_entry_of(weir_process_function function)
{
    const weir_process_entry *e = entries;
    while (e && e->function != function)
        e = e->next;
    return e;
}

int weir_process_register(weir_process_entry *entry)
{
    if (allowed)
        return WEIR_EPERM;
    size_t size = entry && entry->name ? strlen(entry->name) : 0;
    if (size == 0 || size > 255 || !entry->function || weir__process_entry_named(entry->name, size))
        return WEIR_EINVAL;
    entry->next = entries;
    entries = entry;
    return 0;
}

void weir__process_allow(char **argv)
{
    if (allowed || a32_load(&weir__run_state) != NO_RUN)
        return;
    arguments = argv;
    allowed = true;
}

/* Who started a program that runs with another's rights chose its environment. */
char *const *weir__process_arguments(void)
{
    static char name[] = "weir-worker", *only_name[] = {name, NULL};
    if (!allowed || getauxval(AT_SECURE))
        return NULL;
    return arguments && arguments[0] ? arguments : only_name;
}

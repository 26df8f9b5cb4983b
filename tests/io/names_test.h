/* SPDX-License-Identifier: MIT */
/*
 * names_test.h - who answers look-ups in tests: what the test says, from no file and no name
 * server; and, if it wants, not before it says so.
 */
#ifndef WEIR_TESTS_NAMES_H
#define WEIR_TESTS_NAMES_H

#include <stdatomic.h>

#include "os_names.h"

/* What a look-up of "name" or "name.anything" finds. */
struct entry {
    const char *name;
    int rc; /* of getaddrinfo(), then errno if it is EAI_SYSTEM */
    int error;
    const char *addresses[8]; /* as weir_address_parse() reads them */
    int many;                 /* instead: so many of 10.0.x.x */
    bool waits;               /* until let_go() */
};

/*
 * From here on these answer; ends with an entry without a name. NULL: the system's again.
 * `outside`: as if they were the system's. Waits until nobody asks.
 */
void names_are(const struct entry *entries, bool outside);

/* Those that wait, and those that will, answer; before the next names_are() all have to have. */
void let_go(void);

extern atomic_int times_asked; /* calls of getaddrinfo() and getnameinfo() */
extern atomic_int asking;      /* that are inside */
extern atomic_int unfreed;     /* answers that have not been freed */
extern atomic_int most_asking; /* that were inside at a time */
extern struct addrinfo last_hints;
extern char last_host[1100], last_service[64];

#endif

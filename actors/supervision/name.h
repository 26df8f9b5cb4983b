/* SPDX-License-Identifier: MIT */
/* name.h - the table of names, seen from inside. */
#ifndef WEIR_NAME_INSIDE_H
#define WEIR_NAME_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/name.h>

/* A run begins: there are no names. It has ended: none of its actors has one any more. */
void weir__names_begin(void);
void weir__names_end(void);

struct seen_name {
    char text[WEIR_NAME_MAX + 1];
    uint32_t owner; /* the actor's number; 0: a plain thread's */
    bool live;      /* somebody receives */
    const void *chan;
};

/* The names as they are, for os_free(names, *bytes); *n of them. 0 or WEIR_ENOMEM. */
int weir__names_see(struct seen_name **names, size_t *n, size_t *bytes);

#endif

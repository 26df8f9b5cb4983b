/* SPDX-License-Identifier: MIT */
/* dump.h - what other layers add to weir_dump(). */
#ifndef WEIR_DUMP_H
#define WEIR_DUMP_H

#include <stdio.h>

struct dump_part {
    void (*print)(FILE *out); /* by any thread or actor, outside of locks */
    struct dump_part *next;
};

/* `part` has to last for ever; again it changes nothing. Any thread. */
void weir__dump_add(struct dump_part *part);

#endif

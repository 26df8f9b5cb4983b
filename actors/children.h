/* SPDX-License-Identifier: MIT */
/* children.h - see children.c. */
#ifndef WEIR_CHILDREN_H
#define WEIR_CHILDREN_H

#include "group.h"

void weir__children_init(struct group *g);
void weir__children_fini(struct group *g); /* when nobody can see them any more */

/* Count a child in through the handle `h`, 0: the run's own group. False: it is closed. */
bool weir__children_add(struct group *g, weir_handle h, struct actor *child);

/* The child has ended. Who waited for it, if it was the last one, and is owed a wake; or NULL. */
struct actor *weir__children_remove(struct actor *child);

/* The group stops for this cause: who is in it is untold, who comes is born stopped. */
void weir__children_stop(struct group *g, const struct cause *c);

/* Some whom nobody has told yet: they are told when they are taken. 0: there are no more. */
unsigned weir__children_untold(struct group *g, struct actor **batch, unsigned most);

/* How many live, each brood at its time. */
uint64_t weir__children_count(struct group *g);

#endif

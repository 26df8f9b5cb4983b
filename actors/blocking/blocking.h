/* SPDX-License-Identifier: MIT */
/* blocking.h - what a run has to do with blocking calls. */
#ifndef WEIR_BLOCKING_INSIDE_H
#define WEIR_BLOCKING_INSIDE_H

/* Around a run, by its first thread, which is no actor then. */
void weir__blocking_begin(void);
void weir__blocking_end(void);

#endif

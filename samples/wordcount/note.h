/* SPDX-License-Identifier: MIT */
/* note.h - how a stage tells the reporter what it does. */
#ifndef WORDCOUNT_NOTE_H
#define WORDCOUNT_NOTE_H

#include "wordcount.h"

/* All return 0 or an error of the send; WEIR_EPIPE: the run is over, return. */

/* Passes the meter on and sets it back. */
int note_progress(note_sender notes, enum stage stage, struct meter *meter);

int note_unreadable(note_sender notes, enum stage stage, const char *path, const char *why);
int note_skipped(note_sender notes, enum stage stage, const char *path, const char *why);

/*
 * The last note of an actor that is about to return rc. Returns what the body is to
 * return: WEIR_EPIPE is no failure of its own, since whoever left first has told why.
 */
int note_end(note_sender notes, enum stage stage, struct meter *meter, int rc);

void note_drop(void *note, void *context);

#endif

/* SPDX-License-Identifier: MIT */
#include "note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int send_note(note_sender notes, struct note note)
{
    int rc = note_send(notes, note);
    if (rc < 0)
        free(note.complaint);
    return rc;
}

static struct meter take(struct meter *meter)
{
    meter->ended = weir_now();
    struct meter taken = *meter;
    *meter = (struct meter){.began = taken.ended};
    return taken;
}

int note_progress(note_sender notes, enum stage stage, struct meter *meter)
{
    return send_note(notes, (struct note){.stage = stage, .meter = take(meter)});
}

static int complain(note_sender notes, struct note note, const char *path, const char *why)
{
    size_t size = strlen(path) + strlen(why) + sizeof ": ";
    note.complaint = malloc(size);
    if (!note.complaint)
        return WEIR_ENOMEM;
    snprintf(note.complaint, size, "%s: %s", path, why);
    note.meter.began = note.meter.ended = weir_now();
    return send_note(notes, note);
}

int note_unreadable(note_sender notes, enum stage stage, const char *path, const char *why)
{
    return complain(notes, (struct note){.stage = stage, .unreadable = true}, path, why);
}

int note_skipped(note_sender notes, enum stage stage, const char *path, const char *why)
{
    return complain(notes, (struct note){.stage = stage}, path, why);
}

int note_end(note_sender notes, enum stage stage, struct meter *meter, int rc)
{
    struct note note = {.stage = stage, .meter = take(meter), .last = true};
    if (rc < 0 && rc != WEIR_EPIPE)
        note.failure = rc;
    int sent = send_note(notes, note);
    if (note.failure)
        return note.failure;
    return sent == WEIR_EPIPE ? 0 : sent;
}

void note_drop(void *note, void *context)
{
    (void)context;
    free(((struct note *)note)->complaint);
}

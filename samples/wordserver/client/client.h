/* SPDX-License-Identifier: MIT */
/*
 * client.h - wordclient's actors: a reader cuts the text, senders with a connection each send it
 * and wait until it is counted, one more asks for the words meanwhile, and all report.
 *
 *     read --chunk--> send (64) --note--> report
 *                     ask ________/
 */
#ifndef WORDCLIENT_H
#define WORDCLIENT_H

#include <weir/weir.h>

#include "cut.h"

enum timed { BATCH, ASK };

struct note {
    enum timed what;
    weir_time took;
    size_t bytes;
};

WEIR_TYPE(chunk, struct chunk)
WEIR_TYPE(note, struct note)

/* A connection to the server, of which lines are received; an error is in its handle. */
weir_buffered dial(const char *address);

/* "OK n", the answer to a command: 0 and n; or an error, WEIR_EPIPE for another answer. */
int answered(weir_buffered in, uint64_t *n);

struct sender {
    const char *address;
    chunk_receiver chunks;
    note_sender notes;
};

int send_chunks(void *sender);

struct asker {
    const char *address;
    note_sender notes;
};

int ask_again(void *asker);

/* The n most frequent words, as uniq -c prints them. */
int print_top(const char *address, size_t n);

struct report {
    bool terminal; /* a line of progress on standard error */
    size_t size;   /* of all text; 0: not known */
    note_receiver notes;
};

/* Until the last sender of notes is closed; then it says on standard error how it went. */
int report(void *report);

#endif

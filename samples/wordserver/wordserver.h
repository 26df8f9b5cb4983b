/* SPDX-License-Identifier: MIT */
/*
 * wordserver.h - the actors of the server and what they send each other.
 *
 *     connection (one each) --job--> count (several) --table--> aggregate
 *          ^   \                      |      ^                   |    ^
 *          |    \_________<--done_____|      |_____<--collect____|    |
 *          |_________________ question, and the answer to it _________|
 *
 * A connection makes a job of the text that it has received. A counter counts it in a table of its
 * own, and tells the connection, of which so many jobs are on their way at most: so a client
 * that sends fast does not fill the memory, nor keep the others waiting. The aggregate is asked
 * what the words are: it collects the counters' tables, each begins a new one, and adds them to the
 * sum. No two actors share memory: whoever receives a pointer owns what it points to.
 */
#ifndef WORDSERVER_H
#define WORDSERVER_H

#include <weir/weir.h>

#include "cut.h"

enum { JOBS_OF_A_CONNECTION = 4 };

WEIR_TYPE(done, uint64_t) /* words */

struct job {
    struct chunk text;
    done_sender done; /* the connection's own; it has room for all that may come */
};
WEIR_TYPE(job, struct job)

WEIR_TYPE(table, struct table *) /* NULL: nothing was counted */
WEIR_TYPE(collect, char)

struct question {
    weir_answer answer; /* a struct reply */
    size_t top;
};

struct reply {
    uint64_t words;
    uint64_t different;
    weir_chunk top; /* so many of them as the client gets it; empty for 0 */
};
WEIR_TYPE(question, struct question)

/* ---- the actors --------------------------------------------------------------------------- */

/* What connections have from the server, to use and not to keep. */
struct service {
    weir_server server;
    job_sender jobs;
    question_sender questions;
};

int converse(weir_stream s, void *service);

struct counter {
    collect_receiver collect;
    job_receiver jobs;
    table_sender tables;
};

int count(void *counter);

struct aggregate {
    question_receiver questions;
    collect_sender collect;
    table_receiver tables;
    unsigned counters;
};

int aggregate(void *aggregate);

#endif

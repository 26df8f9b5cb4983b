/* SPDX-License-Identifier: MIT */
/* connection.c - what a client says: text becomes jobs, commands are answered (protocol.h). */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol.h"
#include "wordserver.h"

enum { ROOM = 65536, LINE = 64 };
enum { SAID_BYE = 1, ENDED, STOPS }; /* why a conversation is over */

struct connection {
    const struct service *service;
    weir_stream stream;
    weir_receiver drained; /* ends when the server is to stop */
    done_sender done_tx;
    done_receiver done;
    unsigned jobs; /* on their way */
    uint64_t lines;
    bool within_line; /* its beginning has gone */
    size_t length;    /* what is at text, not yet dealt with */
    char text[ROOM];
};

__attribute__((format(printf, 2, 3))) static int say(const struct connection *c, const char *format,
                                                     ...)
{
    char line[LINE];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return weir_stream_send(c->stream, line, (size_t)n, NULL);
}

/* ---- text --------------------------------------------------------------------------------- */

/* Until no more than so many jobs are on their way. */
static int wait_for_jobs(struct connection *c, unsigned left)
{
    uint64_t words;
    while (c->jobs > left) {
        int rc = done_recv(c->done, &words);
        if (rc <= 0)
            return rc < 0 ? rc : WEIR_EPIPE;
        c->jobs--;
    }
    return 0;
}

static int send_text(struct connection *c, const char *text, size_t length)
{
    struct job job = {.done = c->done_tx};
    int rc = length == 0 ? 0 : wait_for_jobs(c, JOBS_OF_A_CONNECTION - 1);
    if (rc < 0 || length == 0)
        return rc;
    if (!cut_copy(&job.text, text, length))
        return WEIR_ENOMEM;
    if ((rc = job_send(c->service->jobs, job)) < 0)
        free(job.text.text);
    else
        c->jobs++;
    return rc;
}

/* ---- commands ----------------------------------------------------------------------------- */

static int ask(struct connection *c, enum command command, size_t n)
{
    struct question question = {.top = command == TOP ? n : 0};
    struct reply r;
    int rc = weir_call(c->service->questions, &question, &r, WEIR_NEVER);
    if (rc < 0)
        return rc;
    if (command == TOTAL)
        return say(c, "OK %" PRIu64 " %" PRIu64 "\n", r.words, r.different);
    if (n == 0)
        return say(c, "OK 0\n");
    rc = weir_stream_send(c->stream, weir_chunk_data(r.top), r.top.size, NULL);
    weir_chunk_free(&r.top);
    return rc;
}

static int obey(struct connection *c, enum command command, size_t n)
{
    int rc = wait_for_jobs(c, 0);
    if (rc < 0)
        return rc;
    switch (command) {
    case TOP:
    case TOTAL:
        return ask(c, command, n);
    case SYNC:
        return say(c, "OK %" PRIu64 "\n", c->lines);
    default:
        rc = say(c, "BYE %" PRIu64 "\n", c->lines);
        return rc < 0 ? rc : SAID_BYE;
    }
}

/* ---- lines -------------------------------------------------------------------------------- */

/* A line without an end fills all there is: the words of it that are whole go. */
static int break_line(struct connection *c)
{
    size_t length = cut_whole_words(c->text, c->length);
    int rc = length > 0 ? send_text(c, c->text, length) : say(c, "ERR the word is too long\n");
    if (rc < 0 || length == 0)
        return rc < 0 ? rc : SAID_BYE;
    c->within_line = true;
    c->length -= length;
    memmove(c->text, c->text + length, c->length);
    return 0;
}

/* All whole lines: the text between two commands is a job. */
static int take_lines(struct connection *c)
{
    const char *text = c->text, *line = text, *end = text + c->length, *newline;
    int rc = 0;
    while (rc == 0 && (newline = memchr(line, '\n', (size_t)(end - line)))) {
        size_t n = 0;
        enum command command =
            c->within_line ? TEXT : command_of(line, (size_t)(newline - line), &n);
        c->within_line = false;
        if (command == TEXT) {
            c->lines++;
        } else {
            if ((rc = send_text(c, text, (size_t)(line - text))) == 0)
                rc = obey(c, command, n);
            text = newline + 1;
        }
        line = newline + 1;
    }
    if (rc == 0)
        rc = send_text(c, text, (size_t)(line - text));
    c->length = (size_t)(end - line);
    memmove(c->text, line, c->length);
    return rc == 0 && c->length == ROOM ? break_line(c) : rc;
}

static int receive(struct connection *c)
{
    enum { DRAINED, BYTES };
    const weir_bytes room = {c->text + c->length, ROOM - c->length};
    weir_case cases[] = {[DRAINED] = weir_on_recv_item(c->drained, &(char){0}, 1),
                         [BYTES] = weir_on_stream_recv(c->stream, &room)};
    int i = weir_select(cases, 2, WEIR_ORDERED);
    if (i < 0)
        return i;
    if (i == DRAINED)
        return STOPS;
    if (cases[BYTES].rc <= 0)
        return cases[BYTES].rc < 0 ? (int)cases[BYTES].rc : ENDED;
    c->length += (size_t)cases[BYTES].rc;
    return 0;
}

static int talk(struct connection *c)
{
    int rc = 0;
    while (rc == 0 && (rc = receive(c)) == 0)
        rc = take_lines(c);
    if (rc == ENDED && c->length > 0) { /* the last line is not finished, but all there is */
        c->lines++;
        if ((rc = send_text(c, c->text, c->length)) == 0)
            rc = ENDED;
    }
    if (rc == ENDED || rc == STOPS)
        rc = obey(c, QUIT, 0);
    return rc < 0 ? rc : 0;
}

int converse(weir_stream s, void *service)
{
    struct connection *c = malloc(sizeof *c); /* it is as large as a stack */
    int rc = c ? 0 : WEIR_ENOMEM;
    if (rc == 0) {
        memset(c, 0, offsetof(struct connection, text));
        c->service = service;
        c->stream = s;
        c->drained = weir_server_drained(c->service->server);
        if ((rc = done_channel(&c->done_tx, &c->done, JOBS_OF_A_CONNECTION)) == 0)
            rc = talk(c);
    }
    free(c);
    return rc;
}

/* SPDX-License-Identifier: MIT */
/* send.c - connections: what is sent over them and what is asked. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "protocol.h"

enum { WORD_ROOM = 65536 + 32 };

static weir_stream connect_to(const char *address)
{
    char host[256];
    const char *port = strrchr(address, ':');
    if (strchr(address, '/') || *address == '@')
        return weir_unix_connect(address, NULL);
    int n = port ? (int)(port - address) : 0;
    snprintf(host, sizeof host, "%.*s", n, address);
    return weir_tcp_connect(host, (uint16_t)(port ? atoi(port + 1) : 0), NULL);
}

weir_buffered dial(const char *address)
{
    return weir_buffer(connect_to(address), &(weir_buffer_options){.ahead = 65536});
}

int answered(weir_buffered in, uint64_t *n)
{
    char line[64];
    size_t length;
    int rc = weir_recv_line(in, line, sizeof line, &length);
    if (rc <= 0)
        return rc < 0 ? rc : WEIR_EPIPE;
    return sscanf(line, "OK %" SCNu64, n) == 1 ? 0 : WEIR_EPIPE;
}

/* ---- text ----------------------------------------------------------------------------------- */

/* The length of text that may go as it is: up to a line that looks like a command. */
static size_t plain(const char *text, size_t length)
{
    const char *line = text, *end = text + length, *newline;
    size_t n;
    while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
        if (command_of(line, (size_t)(newline - line), &n) != TEXT)
            return (size_t)(line - text);
        line = newline + 1;
    }
    return command_of(line, (size_t)(end - line), &n) == TEXT ? length : (size_t)(line - text);
}

static int send_batch(weir_buffered in, const struct chunk *c)
{
    uint64_t lines;
    size_t at = 0;
    int rc = 0;
    while (rc == 0 && at < c->length) {
        size_t n = plain(c->text + at, c->length - at);
        if (n == 0) { /* a blank before it */
            n = 1;
            if ((rc = weir_stream_send(in.stream, " ", 1, NULL)) < 0)
                break;
        }
        rc = weir_stream_send(in.stream, c->text + at, n, NULL);
        at += n;
    }
    if (rc == 0)
        rc = weir_stream_send(in.stream, "\nSYNC\n", 6, NULL);
    return rc < 0 ? rc : answered(in, &lines);
}

int send_chunks(void *sender)
{
    const struct sender *s = sender;
    weir_auto(weir_buffered) in = dial(s->address);
    struct chunk c;
    int rc = weir_check(in);
    while (rc >= 0 && (rc = chunk_recv(s->chunks, &c)) > 0) {
        weir_time began = weir_now();
        rc = send_batch(in, &c);
        free(c.text);
        if (rc == 0)
            rc = note_send(s->notes, (struct note){BATCH, weir_now() - began, c.length});
    }
    return rc;
}

/* ---- questions ------------------------------------------------------------------------------ */

/* Lines of answers to TOP are printed, or not. */
static int take_words(weir_buffered in, bool print)
{
    char *line = malloc(WORD_ROOM);
    uint64_t n = 0, count;
    size_t length;
    int rc = line ? answered(in, &n) : WEIR_ENOMEM;
    for (; rc >= 0 && n > 0; n--) {
        if ((rc = weir_recv_line(in, line, WORD_ROOM, &length)) == 0)
            rc = WEIR_EPIPE;
        if (rc > 0 && print && sscanf(line, "%" SCNu64, &count) == 1)
            printf("%7" PRIu64 "%s\n", count, strchr(line, ' '));
    }
    free(line);
    return rc < 0 ? rc : 0;
}

int print_top(const char *address, size_t n)
{
    char command[32];
    weir_auto(weir_buffered) in = dial(address);
    int length = snprintf(command, sizeof command, "TOP %zu\n", n);
    int rc = weir_stream_send(in.stream, command, (size_t)length, NULL);
    return rc < 0 ? rc : take_words(in, true);
}

int ask_again(void *asker)
{
    const struct asker *a = asker;
    weir_auto(weir_buffered) in = dial(a->address);
    int rc = weir_check(in);
    while (rc == 0 && (rc = weir_sleep(50 * WEIR_MS)) == 0) {
        weir_time began = weir_now();
        if ((rc = weir_stream_send(in.stream, "TOP 10\n", 7, NULL)) == 0 &&
            (rc = take_words(in, false)) == 0)
            rc = note_send(a->notes, (struct note){ASK, weir_now() - began, 0});
    }
    return rc;
}

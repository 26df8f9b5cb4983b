/* SPDX-License-Identifier: MIT */
/*
 * server.c - weir: an actor for each connection. With the kinds `hand` and `handsink` it passes
 * each chunk over a channel to a second actor, which sends the reply. With `lazy` a connection has
 * an actor only while there is something to do.
 *
 * The first bytes are received on the actor's stack: so a connection that says little takes one
 * page. One that fills that place gets a buffer.
 */
#define _GNU_SOURCE
#include "../../common/server.h"

#include <endian.h>
#include <pthread.h>
#include <weir/weir.h>

enum { FEW = 1024, CHUNKS = 16, ECHO_BUFFER = 64 * 1024, SINK_BUFFER = 128 * 1024 };

/* From malloc; whoever receives it frees it. */
typedef struct chunk {
    char *bytes;
    size_t size;
} chunk;

WEIR_TYPE(chunk, chunk)

static server_options options;

static int must(int rc)
{
    if (rc < 0)
        bench_fail(weir_error_text(rc));
    return rc;
}

static void *must_have(void *memory)
{
    if (!memory)
        bench_fail("out of memory");
    return memory;
}

/* A connection that its peer resets is no failure of the server: nobody is told. */

static int echo(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    char few[FEW], *many = NULL;
    size_t size = options.buffer < FEW ? options.buffer : FEW;
    ssize_t n;

    while ((n = weir_stream_recv(s, many ? many : few, size)) > 0) {
        if (weir_stream_send(s, many ? many : few, (size_t)n, NULL) < 0)
            break;
        if ((size_t)n == size && !many) {
            size = options.buffer;
            many = must_have(malloc(size));
        }
    }
    free(many);
    return 0;
}

static void answer(weir_stream s, uint64_t received)
{
    received = htobe64(received);
    weir_stream_send(s, &received, sizeof received, NULL);
}

static int sink(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    char *buffer = must_have(malloc(options.buffer));
    uint64_t received = 0;
    ssize_t n;

    while ((n = weir_stream_recv(s, buffer, options.buffer)) > 0)
        received += (uint64_t)n;
    if (n == 0)
        answer(s, received);
    free(buffer);
    return 0;
}

/* ---- through a channel ---------------------------------------------------------------------- */

struct writer {
    weir_stream s; /* the reader's, who outlives us */
    chunk_receiver chunks;
};

static int write_chunks(void *arg)
{
    const struct writer *w = arg;
    chunk c;

    while (chunk_recv(w->chunks, &c) > 0) {
        weir_stream_send(w->s, c.bytes, c.size, NULL); /* of an error the reader hears, too */
        free(c.bytes);
    }
    return 0;
}

static int count_chunks(void *arg)
{
    const struct writer *w = arg;
    uint64_t received = 0;
    chunk c;

    while (chunk_recv(w->chunks, &c) > 0) {
        received += c.size;
        free(c.bytes);
    }
    answer(w->s, received);
    return 0;
}

/* Few bytes are copied out of the buffer, many go with it. */
static void read_chunks(weir_stream s, chunk_sender chunks)
{
    char *buffer = must_have(malloc(options.buffer));
    ssize_t n;

    while ((n = weir_stream_recv(s, buffer, options.buffer)) > 0) {
        chunk c = {buffer, (size_t)n};
        if (n <= FEW)
            c.bytes = memcpy(must_have(malloc(c.size)), buffer, c.size);
        else
            buffer = must_have(malloc(options.buffer));
        must(chunk_send(chunks, c));
    }
    free(buffer);
}

static int hand(void *arg)
{
    struct writer w = {.s = *(weir_stream *)arg};
    chunk_sender chunks;
    weir_group g = weir_group_begin();

    must(chunk_channel(&chunks, &w.chunks, CHUNKS));
    must(weir_spawn(g, strcmp(options.kind, "hand") != 0 ? count_chunks : write_chunks, &w,
                    .give = WEIR_GIVE(struct writer, chunks)));
    read_chunks(w.s, chunks);
    must(weir_close(chunks));
    return weir_group_end(g);
}

/* ---- no actor while nothing comes ------------------------------------------------------------ */

static int echo_or_park(weir_stream s, void *unused)
{
    char few[FEW];
    ssize_t n;

    (void)unused;
    while ((n = weir_stream_try_recv(s, few, sizeof few)) > 0)
        if (weir_stream_send(s, few, (size_t)n, NULL) < 0)
            break;
    return n == WEIR_EAGAIN ? WEIR_PARK : 0;
}

/* ---- the listener -------------------------------------------------------------------------- */

static weir_listener listen_at(void)
{
    weir_address at;

    if (options.path)
        must(weir_address_unix(&at, options.path, strlen(options.path)));
    else
        must(weir_address_parse(&at, "127.0.0.1", 0));
    return weir_address_listen(&at, NULL);
}

static int serve(void *arg)
{
    const weir_body *body = arg;
    weir_listener l = listen_at();
    weir_group g = weir_group_begin();
    weir_stream s;

    must(weir_check(l));
    server_listening(&options, must(weir_listener_port(l)));
    for (;;) {
        must(weir_accept(l, &s));
        must(weir_spawn(g, *body, &s, .give = WEIR_GIVE(weir_stream, h)));
    }
    return 0;
}

static int serve_lazily(void *unused)
{
    weir_listener l = listen_at();

    (void)unused;
    must(weir_check(l));
    server_listening(&options, must(weir_listener_port(l)));
    return must(weir_serve_with(
        l, echo_or_park, NULL,
        &(weir_serve_options){.on_data = true, .first_byte = WEIR_NEVER, .idle = WEIR_NEVER}));
}

static void *end_with_input(void *unused)
{
    (void)unused;
    server_until_end_of_input();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *kind;
        weir_body serve, body;
        size_t buffer;
    } kinds[] = {
        {"echo", serve, echo, ECHO_BUFFER}, {"sink", serve, sink, SINK_BUFFER},
        {"hand", serve, hand, ECHO_BUFFER}, {"handsink", serve, hand, SINK_BUFFER},
        {"lazy", serve_lazily, NULL, FEW},
    };
    pthread_t thread;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (argc < 2 || strcmp(argv[1], kinds[i].kind) != 0)
            continue;
        options = server_parse(argc, argv, kinds[i].buffer);
        weir_options run = {.workers = (unsigned)options.workers};
        weir_body body = kinds[i].body;
        if (pthread_create(&thread, NULL, end_with_input, NULL))
            bench_fail("no thread");
        return must(weir_run(kinds[i].serve, &body, &run));
    }
    bench_fail("kinds: echo sink hand handsink lazy");
}

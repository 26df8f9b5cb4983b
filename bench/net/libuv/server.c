/* SPDX-License-Identifier: MIT */
/*
 * server.c - libuv, as its documentation does it: a buffer from malloc for each read, given back
 * when the write of it is done. A loop in a thread for each worker. The sink has one buffer.
 */
#define _GNU_SOURCE
#include "../../common/server.h"

#include <endian.h>
#include <stdbool.h>
#include <uv.h>

enum { SINK_BUFFER = 64 * 1024 };

typedef union stream {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
} stream;

typedef struct connection {
    stream s; /* first: libuv gives us this */
    uint64_t received;
} connection;

typedef struct reply {
    uv_write_t request; /* first, too */
    uv_buf_t buffer;
    uint64_t number; /* the sink's answer */
} reply;

static server_options options;
static bool sink;
static int listeners[SERVER_WORKERS_MAX];

static void closed(uv_handle_t *handle)
{
    free(handle);
}

static void written(uv_write_t *request, int status)
{
    reply *r = (reply *)request;

    (void)status;
    if (sink)
        uv_close((uv_handle_t *)request->handle, closed);
    else
        free(r->buffer.base);
    free(r);
}

static void allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static __thread char shared[SINK_BUFFER];

    (void)handle;
    *buffer = sink ? uv_buf_init(shared, sizeof shared)
                   : uv_buf_init(malloc(suggested), (unsigned)suggested);
}

static void answer(uv_stream_t *s)
{
    reply *r = bench_calloc(1, sizeof *r);

    r->number = htobe64(((connection *)s)->received);
    r->buffer = uv_buf_init((char *)&r->number, sizeof r->number);
    if (uv_write(&r->request, s, &r->buffer, 1, written)) {
        free(r);
        uv_close((uv_handle_t *)s, closed);
    }
}

static void echo(uv_stream_t *s, const uv_buf_t *buffer, size_t size)
{
    reply *r = malloc(sizeof *r);

    if (!r)
        bench_fail("out of memory");
    r->buffer = uv_buf_init(buffer->base, (unsigned)size);
    if (uv_write(&r->request, s, &r->buffer, 1, written)) {
        free(buffer->base);
        free(r);
    }
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buffer)
{
    if (n > 0 && sink)
        ((connection *)s)->received += (uint64_t)n;
    else if (n > 0)
        echo(s, buffer, (size_t)n);
    else if (!sink)
        free(buffer->base);
    if (n == UV_EOF && sink)
        answer(s);
    else if (n < 0)
        uv_close((uv_handle_t *)s, closed);
}

static void prepare(uv_loop_t *loop, stream *s)
{
    if (options.path)
        uv_pipe_init(loop, &s->pipe, 0);
    else
        uv_tcp_init(loop, &s->tcp);
}

static void on_connection(uv_stream_t *listener, int status)
{
    connection *c = bench_calloc(1, sizeof *c);

    prepare(listener->loop, &c->s);
    if (status < 0 || uv_accept(listener, &c->s.stream)) {
        uv_close(&c->s.handle, closed);
        return;
    }
    if (!options.path)
        uv_tcp_nodelay(&c->s.tcp, 1);
    uv_read_start(&c->s.stream, allocate, on_read);
}

static void run(void *arg)
{
    uv_loop_t loop;
    stream listener;
    int fd = *(int *)arg;

    uv_loop_init(&loop);
    prepare(&loop, &listener);
    if ((options.path ? uv_pipe_open(&listener.pipe, fd) : uv_tcp_open(&listener.tcp, fd)) ||
        uv_listen(&listener.stream, SERVER_BACKLOG, on_connection))
        bench_fail("libuv cannot listen");
    uv_run(&loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    uv_thread_t thread;
    int port = 0;

    options = server_parse(argc, argv, SINK_BUFFER);
    sink = !strcmp(options.kind, "sink");
    if (!sink && strcmp(options.kind, "echo") != 0)
        bench_fail("kinds: echo sink");
    for (int i = 0; i < options.workers; i++)
        listeners[i] = !options.path ? server_listen_tcp(&port)
                       : i == 0      ? server_listen_unix(options.path)
                                     : dup(listeners[0]);
    for (int i = 0; i < options.workers; i++)
        if (uv_thread_create(&thread, run, &listeners[i]))
            bench_fail("no thread");
    server_listening(&options, port);
    server_until_end_of_input();
}

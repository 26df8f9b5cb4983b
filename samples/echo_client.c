/* SPDX-License-Identifier: MIT */
/*
 * echo_client.c [HOST [PORT]] - sends standard input to a server, and prints what comes back until
 * the server has closed: with echo_server.c the same, with others it is a small nc(1).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir/weir.h>

/* Not inlined, as all that uses errno between waits: an actor may go on in another thread. */
__attribute__((noinline)) static ssize_t read_some(void *to, size_t size)
{
    ssize_t n = read(STDIN_FILENO, to, size);
    return n < 0 ? -errno : n;
}

/* Waits without a thread, and can be cancelled meanwhile, as a read(2) that blocks could not. */
static ssize_t read_input(weir_descriptor input, void *to, size_t size)
{
    int rc = weir_wait_readable(input, WEIR_NEVER);
    return rc < 0 ? rc : read_some(to, size);
}

static int send_input(void *arg)
{
    const weir_stream *s = arg; /* the other actor's, who waits for us */
    weir_descriptor input = weir_descriptor_open(STDIN_FILENO);
    char bytes[16384];
    ssize_t n;
    while ((n = read_input(input, bytes, sizeof bytes)) > 0) {
        int rc = weir_stream_send(*s, bytes, (size_t)n, NULL);
        if (rc < 0)
            return rc;
    }
    return n < 0 ? (int)n : weir_stream_send_eof(*s); /* we go on receiving */
}

static int receive(weir_stream s)
{
    char bytes[16384];
    ssize_t n;
    while ((n = weir_stream_recv(s, bytes, sizeof bytes)) > 0)
        if (fwrite(bytes, 1, (size_t)n, stdout) != (size_t)n || fflush(stdout) != 0)
            return WEIR_EPIPE;
    return (int)n;
}

struct server {
    const char *host;
    uint16_t port;
};

static int app(void *arg)
{
    const struct server *to = arg;
    weir_auto(weir_group) g = weir_group_begin();
    weir_stream s = weir_tcp_connect(to->host, to->port, NULL);
    int rc = weir_check(s);
    if (rc == 0)
        rc = weir_spawn(g, send_input, &s);
    if (rc == 0 && (rc = receive(s)) == 0)
        weir_group_cancel(g, "the server has closed"); /* whatever there might be to say */
    return weir_group_end_with(g, rc);                 /* what failed first */
}

int main(int argc, char **argv)
{
    struct server to = {.host = argc > 1 ? argv[1] : "localhost",
                        .port = (uint16_t)(argc > 2 ? atoi(argv[2]) : 7000)};
    int rc = weir_run(app, &to, NULL);
    if (rc < 0)
        fprintf(stderr, "echo_client: %s\n", weir_error_text(rc));
    return rc < 0;
}

/* SPDX-License-Identifier: MIT */
/* tcp_server.c [PORT] - greets each client by the name that it sends. tcp_client.c is one. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

static int greet(weir_stream s, void *unused)
{
    char name[1024], reply[1100], text[WEIR_ADDRESS_TEXT];
    weir_address peer;
    size_t size;
    int rc;
    (void)unused;
    if ((rc = weir_stream_get(s, WEIR_SOCKET_REMOTE, &peer)) < 0)
        return rc;
    weir_auto(weir_buffered) in = weir_buffer(s, NULL);
    rc = weir_recv_line_by(in, name, sizeof name, &size, weir_after(30 * WEIR_S));
    if (rc <= 0)
        return rc;
    printf("%s, from %s\n", name, weir_address_host(&peer, text, sizeof text));
    fflush(stdout);
    size = (size_t)snprintf(reply, sizeof reply, "Hello, %s\n", name);
    return weir_stream_send(in.stream, reply, size, NULL);
}

static int app(void *arg)
{
    const int *wanted = arg;
    weir_listener l = weir_tcp_listen("localhost", (uint16_t)*wanted, NULL);
    weir_serve_options options = {0};
    int port = weir_listener_port(l);
    if (port < 0)
        return port;
    weir_signals(&options.until, SIGTERM, SIGINT, 0);
    printf("listening on port %d\n", port);
    fflush(stdout);
    return weir_serve_with(l, greet, NULL, &options); /* an actor for each connection */
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 1234;
    int rc = weir_run(app, &port, NULL);
    if (rc < 0)
        fprintf(stderr, "tcp_server: %s\n", weir_error_text(rc));
    return rc < 0;
}

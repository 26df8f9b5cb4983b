/* SPDX-License-Identifier: MIT */
/*
 * proxy.c PORT HOST PORT - connects each client to a server, and passes on what either says, and
 * that it says no more. A slow one makes the other wait; what ends one badly ends the other so.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

struct route {
    uint16_t from;
    const char *host;
    uint16_t port;
};

static int pass_on(weir_stream client, void *arg)
{
    const struct route *r = arg;
    weir_stream server = weir_tcp_connect(r->host, r->port, NULL);
    int rc = weir_stream_relay(client, server, NULL);
    if (rc < 0)
        weir_stream_abort(server);
    return rc; /* serve closes the client's, or aborts it */
}

static int app(void *arg)
{
    struct route *r = arg;
    weir_listener l = weir_tcp_listen(NULL, r->from, NULL);
    weir_serve_options options = {0};
    int port = weir_listener_port(l);
    if (port < 0)
        return port;
    weir_signals(&options.until, SIGTERM, SIGINT, 0);
    printf("listening on port %d\n", port);
    fflush(stdout);
    return weir_serve_with(l, pass_on, r, &options);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return fprintf(stderr, "Usage: proxy PORT HOST PORT\n"), 2;
    struct route r = {(uint16_t)atoi(argv[1]), argv[2], (uint16_t)atoi(argv[3])};
    int rc = weir_run(app, &r, NULL);
    if (rc < 0)
        fprintf(stderr, "proxy: %s\n", weir_error_text(rc));
    return rc < 0;
}

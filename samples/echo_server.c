/* SPDX-License-Identifier: MIT */
/* echo_server.c [PORT] - sends back what it gets, on all interfaces. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

static int echo(weir_stream s, void *unused)
{
    char buffer[4096];
    ssize_t n;
    (void)unused;
    while ((n = weir_stream_recv(s, buffer, sizeof buffer)) > 0) {
        int rc = weir_stream_send(s, buffer, (size_t)n, NULL);
        if (rc < 0)
            return rc;
    }
    return (int)n;
}

static int app(void *arg)
{
    const int *wanted = arg;
    weir_listener l = weir_tcp_listen(NULL, (uint16_t)*wanted, NULL);
    weir_serve_options options = {0};
    int port = weir_listener_port(l);
    if (port < 0)
        return port;
    weir_signals(&options.until, SIGTERM, SIGINT, 0);
    printf("listening on port %d\n", port);
    fflush(stdout);
    return weir_serve_with(l, echo, NULL, &options);
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 7000;
    int rc = weir_run(app, &port, NULL);
    if (rc < 0)
        fprintf(stderr, "echo_server: %s\n", weir_error_text(rc));
    return rc < 0;
}

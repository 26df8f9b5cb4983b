/* SPDX-License-Identifier: MIT */
/* tcp_client.c [HOST [PORT]] - says its name to tcp_server.c, and prints what that answers. */
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

struct server {
    const char *host;
    uint16_t port;
};

static int app(void *arg)
{
    const struct server *to = arg;
    char answer[1024];
    ssize_t n;
    weir_stream s = weir_tcp_connect(to->host, to->port, NULL);
    int rc = weir_stream_send(s, "Client\n", 7, NULL); /* if it is not connected: why not */
    if (rc < 0)
        return rc;
    while ((n = weir_stream_recv(s, answer, sizeof answer)) > 0)
        fwrite(answer, 1, (size_t)n, stdout);
    return (int)n;
}

int main(int argc, char **argv)
{
    struct server to = {.host = argc > 1 ? argv[1] : "localhost",
                        .port = (uint16_t)(argc > 2 ? atoi(argv[2]) : 1234)};
    int rc = weir_run(app, &to, NULL);
    if (rc < 0)
        fprintf(stderr, "tcp_client: %s\n", weir_error_text(rc));
    return rc < 0;
}

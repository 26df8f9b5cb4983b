/* SPDX-License-Identifier: MIT */
/* unix_client.c [PATH] - as tcp_client.c, at a path. */
#include <stdio.h>

#include <weir/weir.h>

static int app(void *path)
{
    char answer[1024];
    ssize_t n;
    weir_stream s = weir_unix_connect(path, NULL);
    int rc = weir_stream_send(s, "Client\n", 7, NULL);
    if (rc < 0)
        return rc;
    while ((n = weir_stream_recv(s, answer, sizeof answer)) > 0)
        fwrite(answer, 1, (size_t)n, stdout);
    return (int)n;
}

int main(int argc, char **argv)
{
    int rc = weir_run(app, argc > 1 ? argv[1] : "/tmp/mysock", NULL);
    if (rc < 0)
        fprintf(stderr, "unix_client: %s\n", weir_error_text(rc));
    return rc < 0;
}

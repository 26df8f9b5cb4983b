/* SPDX-License-Identifier: MIT */
/* fds_client.c [PATH] - receives an open file from fds_server.c, and prints what is in it. */
#include <stdio.h>
#include <unistd.h>

#include <weir/weir.h>

static int print(int fd)
{
    FILE *file = fdopen(fd, "r");
    int c;
    if (!file) {
        close(fd);
        return WEIR_ENOMEM;
    }
    while ((c = getc(file)) != EOF)
        putchar(c);
    fclose(file);
    return 0;
}

static int app(void *path)
{
    char byte;
    int fd = -1;
    weir_fds m = {.base = &byte, .size = 1, .fds = &fd, .room = 1};
    weir_stream s = weir_unix_connect(path, &(weir_unix_options){.fds = true});
    ssize_t n = weir_recv_fds(s, &m, WEIR_NEVER);
    if (n <= 0)
        return (int)n;
    return m.n == 1 ? print(fd) : WEIR_ENOENT;
}

int main(int argc, char **argv)
{
    int rc = weir_run(app, argc > 1 ? argv[1] : "/tmp/mysock", NULL);
    if (rc < 0)
        fprintf(stderr, "fds_client: %s\n", weir_error_text(rc));
    return rc < 0;
}

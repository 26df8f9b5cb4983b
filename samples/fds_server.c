/* SPDX-License-Identifier: MIT */
/*
 * fds_server.c [PATH [FILE]] - opens a file and sends its descriptor to each client, which may not
 * be allowed to open it itself, and says who that was. fds_client.c is one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <weir/weir.h>

static int hand_over(weir_stream s, void *file)
{
    weir_peer peer;
    int rc = weir_stream_get(s, WEIR_UNIX_PEER, &peer);
    if (rc < 0)
        return rc;
    int fd = open(file, O_RDONLY | O_CLOEXEC); /* for each: else they would share its position */
    if (fd < 0)
        return -errno;
    rc = weir_send_fds(s, "with this byte", 1, &fd, 1, weir_after(5 * WEIR_S), NULL);
    close(fd); /* the client has a duplicate of its own */
    if (rc == 0)
        printf("process %d of user %u has it\n", (int)peer.pid, (unsigned)peer.uid);
    fflush(stdout);
    return rc;
}

static int app(void *arg)
{
    char **at = arg;
    weir_listener l = weir_unix_listen(at[0], &(weir_unix_options){.remove = true, .mode = 0600});
    weir_serve_options options = {0};
    int rc = weir_check(l);
    if (rc < 0)
        return rc;
    weir_signals(&options.until, SIGTERM, SIGINT, 0);
    printf("listening\n");
    fflush(stdout);
    return weir_serve_with(l, hand_over, at[1], &options);
}

int main(int argc, char **argv)
{
    char *at[] = {argc > 1 ? argv[1] : "/tmp/mysock", argc > 2 ? argv[2] : "/tmp/examplefile"};
    int rc = weir_run(app, at, NULL);
    if (rc < 0)
        fprintf(stderr, "fds_server: %s\n", weir_error_text(rc));
    return rc < 0;
}

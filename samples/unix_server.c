/* SPDX-License-Identifier: MIT */
/*
 * unix_server.c [PATH] - as tcp_server.c, at a path; unix_client.c is its client. And it accepts
 * by itself, as weir_serve() would do for it.
 */
#include <stdio.h>

#include <weir/weir.h>

static int greet(void *arg)
{
    const weir_stream *s = arg;
    char name[1024], reply[1100];
    size_t size;
    weir_auto(weir_buffered) in = weir_buffer(*s, NULL);
    if (weir_recv_line(in, name, sizeof name, &size) > 0) {
        size = (size_t)snprintf(reply, sizeof reply, "Hello, %s\n", name);
        weir_stream_send(in.stream, reply, size, NULL);
    }
    return 0; /* what went wrong with one client does not concern the others */
}

static int app(void *path)
{
    weir_listener l = weir_unix_listen(path, &(weir_unix_options){.remove = true});
    weir_auto(weir_group) g = weir_group_begin();
    weir_stream s;
    int rc = weir_check(l);
    if (rc == 0)
        printf("listening\n");
    fflush(stdout);
    while (rc >= 0 && (rc = weir_accept(l, &s)) > 0)
        if ((rc = weir_spawn(g, greet, &s, .give = WEIR_GIVE(weir_stream, h))) < 0)
            weir_close(s);
    return rc;
}

int main(int argc, char **argv)
{
    int rc = weir_run(app, argc > 1 ? argv[1] : "/tmp/mysock", NULL);
    if (rc < 0)
        fprintf(stderr, "unix_server: %s\n", weir_error_text(rc));
    return rc < 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * chat.c [PORT] - a room: what one says all others hear, through a broadcast. Try it with nc:
 *
 *     $ nc localhost 7000
 *     Your name? ann
 *     Welcome. Say something.
 *     bob is here
 *     bob: hello
 *
 * Who does not read loses the oldest lines, is told how many, and keeps nobody waiting.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

enum { NAME = 32, LINE = 512, BEHIND = 256 };

struct said {
    uint64_t by; /* whom: 0 is nobody */
    char line[NAME + LINE];
};
WEIR_TYPE(said, struct said)

struct guest {
    uint64_t number;
    char name[NAME];
    weir_buffered in;
    said_sender room; /* the server's */
    said_receiver others;
};

__attribute__((format(printf, 3, 4))) static int tell(const struct guest *g, uint64_t by,
                                                      const char *format, ...)
{
    struct said said = {.by = by};
    va_list args;
    va_start(args, format);
    vsnprintf(said.line, sizeof said.line, format, args);
    va_end(args);
    return said_send(g->room, said);
}

static int send_line(const struct guest *g, const char *line)
{
    const struct iovec parts[] = {{(void *)line, strlen(line)}, {"\n", 1}};
    return weir_stream_sendv(g->in.stream, parts, 2, weir_after(10 * WEIR_S), NULL);
}

/* What the others say; 1: go on. */
static int hear(const struct guest *g, const struct said *said, int rc)
{
    char lost[64];
    if (rc == WEIR_ELOST) {
        snprintf(lost, sizeof lost, "(%ld lines were lost)", (long)said_broadcast_lost(g->others));
        rc = send_line(g, lost);
    } else if (rc > 0) {
        rc = said->by == g->number ? 0 : send_line(g, said->line);
    } else {
        return rc;
    }
    return rc < 0 ? rc : 1;
}

/* What the guest says; 1: go on, 0: he has left. */
static int speak(const struct guest *g, const char *line, int rc)
{
    if (rc == WEIR_EMSGSIZE)
        return send_line(g, "That was too much at once. Good bye."), 0;
    if (rc <= 0 || *line == 0)
        return rc;
    rc = tell(g, g->number, "%s: %s", g->name, line);
    return rc < 0 ? rc : 1;
}

static int talk(struct guest *g)
{
    enum { OTHERS, GUEST };
    struct said said;
    char text[LINE - 4];
    weir_line line = {.to = text, .room = sizeof text};
    weir_case c[] = {
        [OTHERS] = said_on_recv(g->others, &said), [GUEST] = weir_on_recv_line(g->in, &line)};
    int i = 0, rc = 1;
    while (rc > 0 && (i = weir_select(c, 2, WEIR_FAIR)) >= 0)
        rc = i == OTHERS ? hear(g, &said, c[OTHERS].rc) : speak(g, text, c[GUEST].rc);
    return i < 0 ? i : rc;
}

static int welcome(weir_stream s, void *arg)
{
    static uint64_t numbers;
    const said_sender *room = arg;
    struct guest g = {.room = *room};
    size_t size;
    int rc = weir_stream_send(s, "Your name? ", 11, NULL);
    g.number = __atomic_add_fetch(&numbers, 1, __ATOMIC_RELAXED);
    g.in = weir_buffer(s, NULL);
    if (rc < 0 || (rc = weir_recv_line(g.in, g.name, sizeof g.name, &size)) <= 0)
        return rc;
    g.others = said_broadcast_subscribe(g.room, WEIR_LOSE_OLDEST);
    if ((rc = tell(&g, g.number, "%s is here", g.name)) < 0 ||
        (rc = send_line(&g, "Welcome. Say something.")) < 0)
        return rc;
    rc = talk(&g);
    tell(&g, g.number, "%s has left", g.name);
    return rc;
}

static int app(void *arg)
{
    const int *wanted = arg;
    said_sender room;
    said_receiver quiet;
    int rc = said_broadcast(&room, &quiet, BEHIND, WEIR_LOSE_OLDEST);
    weir_listener l = weir_tcp_listen(NULL, (uint16_t)*wanted, NULL);
    weir_serve_options options = {.drain = WEIR_S};
    int port = weir_listener_port(l);
    if (rc < 0 || port < 0)
        return rc < 0 ? rc : port;
    weir_signals(&options.until, SIGTERM, SIGINT, 0);
    printf("listening on port %d\n", port);
    fflush(stdout);
    return weir_serve_with(l, welcome, &room, &options);
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 7000;
    int rc = weir_run(app, &port, NULL);
    if (rc < 0)
        fprintf(stderr, "chat: %s\n", weir_error_text(rc));
    return rc < 0;
}

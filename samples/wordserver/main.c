/* SPDX-License-Identifier: MIT */
/*
 * main.c - a server that counts the words that its clients send, and answers which are the most
 * frequent ones (protocol.h). It accepts at a TCP port and a UNIX path at the same time. At SIGTERM
 * or SIGINT it accepts no more, tells each client how much of what that has sent is counted,
 * says what it has done, and exits with 0; a second signal cuts off who talks on.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wordserver.h"

static const char usage[] =
    "Usage: wordserver [OPTION]...\n"
    "Counts the words of the text that clients send, and answers TOP N.\n"
    "\n"
    "  -l, --listen=HOST  accept at the addresses of this host (localhost)\n"
    "  -p, --port=PORT    and this port; 0: any that is free (7070)\n"
    "  -u, --unix=PATH    accept at this path, too\n"
    "  -j, --counters=N   count with N actors (one per processor)\n"
    "  -h, --help         print this\n";

enum { JOBS_WAITING = 64 };

struct command {
    const char *host;
    const char *path;
    unsigned long port;
    unsigned long counters;
};

struct ends {
    job_sender jobs_tx;
    job_receiver jobs_rx;
    table_sender tables_tx;
    table_receiver tables_rx;
    collect_sender collect;
};

static void drop_job(void *job, void *context)
{
    (void)context;
    free(((struct job *)job)->text.text);
}

static void drop_table(void *table, void *context)
{
    (void)context;
    table_free(*(struct table **)table);
}

/* ---- the actors that count ------------------------------------------------------------------ */

static int open_ends(struct ends *e)
{
    const weir_channel_options jobs = {.drop = drop_job}, tables = {.drop = drop_table};
    int rc;
    if ((rc = job_channel_open(&e->jobs_tx, &e->jobs_rx, JOBS_WAITING, &jobs)) < 0 ||
        (rc = table_channel_open(&e->tables_tx, &e->tables_rx, 0, &tables)) < 0)
        return rc;
    return collect_broadcast(&e->collect, NULL, 1, WEIR_LOSE_NOTHING);
}

static int start_counting(weir_group g, unsigned counters, struct service *s)
{
    struct ends e;
    int rc = open_ends(&e);
    for (unsigned i = 0; rc == 0 && i < counters; i++) {
        struct counter c = {collect_broadcast_subscribe(e.collect, WEIR_LOSE_NOTHING), e.jobs_rx,
                            e.tables_tx};
        rc =
            weir_spawn(g, count, &c, .name = "count", .own = WEIR_OWN(struct counter, jobs, tables),
                       .give = WEIR_GIVE(struct counter, collect));
    }
    if (rc < 0)
        return rc;
    struct aggregate a = {.collect = e.collect, .tables = e.tables_rx, .counters = counters};
    weir_close(e.jobs_rx);
    weir_close(e.tables_tx);
    s->jobs = e.jobs_tx;
    return weir_spawn_mailbox(g, aggregate, &s->questions,
                              WEIR_REQUESTS(struct aggregate, questions, struct question, 16), &a,
                              .name = "aggregate",
                              .give = WEIR_GIVE(struct aggregate, collect, tables));
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int report(const struct service *s)
{
    weir_server_statistics seen;
    struct question question = {.top = 0};
    struct reply r;
    int rc = weir_server_statistics_get(s->server, &seen);
    if (rc == 0)
        rc = weir_call(s->questions, &question, &r, WEIR_NEVER);
    if (rc == 0)
        printf("%" PRIu64 " words, %" PRIu64 " different, from %" PRIu64 " connections\n", r.words,
               r.different, seen.accepted);
    return rc;
}

static weir_listener listen_at(const struct command *c)
{
    weir_listener l[] = {weir_tcp_listen(c->host, (uint16_t)c->port, NULL), {0}};
    if (!c->path)
        return l[0];
    l[1] = weir_unix_listen(c->path, &(weir_unix_options){.remove = true});
    return weir_listener_merge(l, 2);
}

static int serve(const struct command *c, const struct service *s)
{
    weir_listener l = listen_at(c);
    int port = weir_listener_port(l);
    if (port < 0)
        return port;
    if (printf("listening on port %d\n", port) < 0 || fflush(stdout) != 0)
        return WEIR_EPIPE;
    return weir_server_run(s->server, l, converse, (void *)s);
}

static int app(void *command)
{
    const struct command *c = command;
    weir_serve_options options = {0};
    weir_signals(&options.until, SIGTERM, SIGINT, 0);
    struct service s = {.server = weir_server_open(&options)};
    weir_group g = weir_group_begin();
    int rc = start_counting(g, (unsigned)c->counters, &s);
    if (rc == 0 && (rc = serve(c, &s)) == 0) /* until a signal, and all have been answered */
        rc = report(&s);
    weir_close(s.jobs);
    weir_close(s.questions); /* so the aggregate ends, and with it the counters */
    return weir_group_end_with(g, rc);
}

static bool parse_number(const char *text, unsigned long max, unsigned long *out)
{
    char *after;
    *out = strtoul(text, &after, 10);
    return *text >= '0' && *text <= '9' && *after == 0 && *out <= max;
}

static bool parse(struct command *c, int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'}, {"port", required_argument, NULL, 'p'},
        {"unix", required_argument, NULL, 'u'},   {"counters", required_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "l:p:u:j:h", options, NULL)) != -1) {
        bool ok = option != '?';
        if (option == 'l')
            c->host = optarg;
        else if (option == 'u')
            c->path = optarg;
        else if (option == 'p')
            ok = parse_number(optarg, 65535, &c->port);
        else if (option == 'j')
            ok = parse_number(optarg, 4096, &c->counters) && c->counters > 0;
        else if (ok)
            exit(fputs(usage, stdout) < 0 || fflush(stdout) != 0);
        if (!ok)
            return false;
    }
    return optind == argc;
}

int main(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct command c = {.host = "localhost",
                        .port = 7070,
                        .counters = processors < 1 ? 1 : (unsigned long)processors};
    if (!parse(&c, argc, argv)) {
        fputs("Try 'wordserver --help'.\n", stderr);
        return 2;
    }
    int rc = weir_run(app, &c, NULL);
    if (rc < 0)
        fprintf(stderr, "wordserver: %s\n", weir_error_text(rc));
    return rc < 0;
}

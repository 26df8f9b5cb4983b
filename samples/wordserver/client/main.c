/* SPDX-License-Identifier: MIT */
/* main.c - wordclient: gives wordserver work over many connections, and measures it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"

static const char usage[] =
    "Usage: wordclient [OPTION]... ADDRESS\n"
    "Sends standard input to the wordserver at HOST:PORT, or at a UNIX path, over several\n"
    "connections, and prints the most frequent words that it knows then.\n"
    "\n"
    "  -c, --connections=N  send over N connections (64)\n"
    "  -n, --top=N          print the N most frequent words (10)\n"
    "  -h, --help           print this\n";

enum { CHUNK = 65536, CHUNKS_WAITING = 16, NOTES_WAITING = 64 };

struct command {
    const char *address;
    unsigned long connections;
    unsigned long top;
};

static void drop_chunk(void *chunk, void *context)
{
    (void)context;
    free(((struct chunk *)chunk)->text);
}

/* Standard input may block, so it is read on a thread for that. */
static int next_chunk(void *cutter, void *chunk)
{
    return cutter_next(cutter, chunk);
}

static int read_input(chunk_sender chunks)
{
    struct cutter cutter = cutter_of(NULL, CHUNK);
    struct chunk c;
    int rc = 0;
    while (rc == 0 && (rc = weir_blocking_call(next_chunk, &c, (void *)&cutter)) > 0)
        if ((rc = chunk_send(chunks, c)) < 0)
            free(c.text);
    cutter_free(&cutter);
    return rc;
}

static int start(weir_group g, const struct command *c, chunk_receiver chunks, note_sender notes)
{
    struct sender sender = {c->address, chunks, notes};
    int rc = 0;
    for (unsigned long i = 0; rc == 0 && i < c->connections; i++)
        rc = weir_spawn(g, send_chunks, &sender, .name = "send",
                        .own = WEIR_OWN(struct sender, chunks, notes));
    return rc;
}

/* All text, until it is counted; meanwhile somebody asks. */
static int send_all(const struct command *c, note_sender notes)
{
    const weir_channel_options options = {.drop = drop_chunk};
    chunk_sender tx;
    chunk_receiver rx;
    struct asker asker = {c->address, notes};
    weir_group asking = weir_group_begin(), sending = weir_group_begin();
    int rc = chunk_channel_open(&tx, &rx, CHUNKS_WAITING, &options);
    if (rc == 0)
        rc = start(sending, c, rx, notes);
    if (rc == 0)
        rc = weir_spawn(asking, ask_again, &asker, .name = "ask",
                        .own = WEIR_OWN(struct asker, notes));
    weir_close(rx);
    if (rc == 0)
        rc = read_input(tx);
    weir_close(tx);
    rc = weir_group_end_with(sending, rc);
    weir_group_cancel(asking, "all is sent");
    return weir_group_end_with(asking, rc);
}

static int app(void *command)
{
    const struct command *c = command;
    struct stat input;
    struct report r = {.terminal = isatty(STDERR_FILENO)};
    note_sender notes;
    if (fstat(STDIN_FILENO, &input) == 0 && S_ISREG(input.st_mode))
        r.size = (size_t)input.st_size;
    weir_group g = weir_group_begin();
    int rc = note_channel(&notes, &r.notes, NOTES_WAITING);
    if (rc == 0)
        rc = weir_spawn(g, report, &r, .name = "report", .give = WEIR_GIVE(struct report, notes));
    if (rc == 0)
        rc = send_all(c, notes);
    weir_close(notes);
    rc = weir_group_end_with(g, rc);
    return rc < 0 ? rc : print_top(c->address, c->top);
}

static bool parse_number(const char *text, unsigned long min, unsigned long max, unsigned long *out)
{
    char *after;
    *out = strtoul(text, &after, 10);
    return *text >= '0' && *text <= '9' && *after == 0 && *out >= min && *out <= max;
}

static bool parse(struct command *c, int argc, char **argv)
{
    static const struct option options[] = {
        {"connections", required_argument, NULL, 'c'},
        {"top", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "c:n:h", options, NULL)) != -1) {
        bool ok = option != '?';
        if (option == 'c')
            ok = parse_number(optarg, 1, 65536, &c->connections);
        else if (option == 'n')
            ok = parse_number(optarg, 0, 1000000000, &c->top);
        else if (ok)
            exit(fputs(usage, stdout) < 0 || fflush(stdout) != 0);
        if (!ok)
            return false;
    }
    c->address = argv[optind];
    return optind + 1 == argc;
}

int main(int argc, char **argv)
{
    struct command c = {.connections = 64, .top = 10};
    if (!parse(&c, argc, argv)) {
        fputs("Try 'wordclient --help'.\n", stderr);
        return 2;
    }
    int rc = weir_run(app, &c, NULL);
    if (rc < 0)
        fprintf(stderr, "wordclient: %s\n", weir_error_text(rc));
    return rc < 0 || fflush(stdout) != 0 || ferror(stdout);
}

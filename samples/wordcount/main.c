/* SPDX-License-Identifier: MIT */
/* main.c - the command line of wordcount, and its exit status. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "wordcount.h"

static const char usage[] =
    "Usage: wordcount [OPTION]... [FILE|DIRECTORY]...\n"
    "Counts the words of all files together and prints the most frequent ones. A word is\n"
    "a run of the letters A to Z of any case. Directories are walked. Without a file, or\n"
    "where a file is -, standard input is read.\n"
    "\n"
    "  -n, --top=N       print the N most frequent words (10)\n"
    "  -j, --counters=N  count with N actors (one per processor)\n"
    "  -r, --readers=N   read with N actors (2)\n"
    "  -c, --chunk=BYTES size of the pieces that readers send (65536)\n"
    "  -q, --quiet       leave out how the stages did\n"
    "  -h, --help        print this\n"
    "\n"
    "Exit status: 0; 1 if a file could not be read, or for another failure; 2 for a wrong\n"
    "command line.\n";

struct command {
    struct pipeline pipeline;
    size_t top;
    bool quiet;
    bool help;
};

static bool parse_number(const char *text, size_t min, size_t max, size_t *out)
{
    char *end;
    errno = 0;
    uintmax_t n = strtoumax(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || n < min || n > max)
        return false;
    *out = (size_t)n;
    return true;
}

static bool parse_option(struct command *c, int option)
{
    size_t n = 0;
    bool ok = true;
    if (option == 'n')
        ok = parse_number(optarg, 0, SIZE_MAX, &c->top);
    else if (option == 'c')
        ok = parse_number(optarg, 1, WORD_LENGTH_MAX, &c->pipeline.chunk_size);
    else if ((ok = parse_number(optarg, 1, 4096, &n)) && option == 'j')
        c->pipeline.counters = (unsigned)n;
    else if (ok)
        c->pipeline.readers = (unsigned)n;
    if (!ok)
        fprintf(stderr, "wordcount: -%c: '%s' is out of range\n", option, optarg);
    return ok;
}

static bool parse(struct command *c, int argc, char **argv)
{
    static const struct option options[] = {
        {"top", required_argument, NULL, 'n'},
        {"counters", required_argument, NULL, 'j'},
        {"readers", required_argument, NULL, 'r'},
        {"chunk", required_argument, NULL, 'c'},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "n:j:r:c:qh", options, NULL)) != -1) {
        if (option == 'q')
            c->quiet = true;
        else if (option == 'h')
            c->help = true;
        else if (option == '?' || !parse_option(c, option))
            return false;
    }
    static char *const standard_input[] = {"-", NULL};
    c->pipeline.paths = optind < argc ? argv + optind : standard_input;
    return true;
}

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 4096 ? 4096 : (unsigned)n;
}

static bool print(const struct command *c)
{
    const struct pipeline *p = &c->pipeline;
    if (!print_words(p->words, c->top)) {
        fprintf(stderr, "wordcount: %s\n", weir_error_text(WEIR_ENOMEM));
        return false;
    }
    print_totals(p->words, &p->report);
    if (!c->quiet)
        print_stages(&p->report);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("wordcount: standard output");
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct command c = {
        .top = 10,
        .pipeline = {.readers = 2, .counters = processors(), .chunk_size = 65536},
    };
    if (!parse(&c, argc, argv)) {
        fputs("Try 'wordcount --help'.\n", stderr);
        return 2;
    }
    if (c.help)
        return fputs(usage, stdout) < 0 || fflush(stdout) != 0;
    c.pipeline.report.terminal = isatty(STDERR_FILENO);

    int rc = weir_run(pipeline, &c.pipeline, NULL);
    if (rc < 0) {
        fprintf(stderr, "wordcount: %s\n",
                weir_error_text(c.pipeline.report.failure ? c.pipeline.report.failure : rc));
        return 1;
    }
    bool printed = print(&c);
    table_free(c.pipeline.words);
    return !printed || c.pipeline.report.unreadable > 0;
}

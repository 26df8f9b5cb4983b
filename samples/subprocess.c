/* SPDX-License-Identifier: MIT */
/* subprocess.c - another program's output arrives on a channel, line by line, and its status. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <weir/weir.h>

struct line {
    char text[80];
};
WEIR_TYPE(line, struct line)

struct command {
    char text[80];
    line_sender lines;
};

/* On a thread of its own, as it blocks: until the program has ended. What its status was. */
static int read_all(void *arg, void *status)
{
    const struct command *c = arg;
    struct line l;
    int rc = 0;
    FILE *output = popen(c->text, "re");
    if (!output)
        return errno ? -errno : WEIR_ENOMEM;
    while (rc == 0 && fgets(l.text, sizeof l.text, output)) {
        l.text[strcspn(l.text, "\n")] = '\0';
        rc =
            line_send(c->lines, l); /* WEIR_EPIPE: nobody reads on; then the program gets SIGPIPE */
    }
    int ended = pclose(output);
    *(int *)status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
    return rc;
}

static int run(void *arg)
{
    const struct command *c = arg;
    int status;
    int rc = weir_blocking_call(read_all, &status, c);
    if (rc == 0)
        printf("%s: status %d\n", c->text, status);
    return rc;
}

static int app(void *unused)
{
    struct command c = {"ls -d / /usr; exit 3", {0}};
    line_receiver lines;
    struct line l;
    int rc;
    (void)unused;
    weir_auto(weir_group) g = weir_group_begin();
    if ((rc = line_channel(&c.lines, &lines, 0)) < 0 ||
        (rc = weir_spawn(g, run, &c, .own = WEIR_OWN(struct command, lines))) < 0)
        return rc;
    weir_close(c.lines);
    while ((rc = line_recv(lines, &l)) > 0)
        printf("> %s\n", l.text);
    return weir_group_end_with(g, rc);
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}

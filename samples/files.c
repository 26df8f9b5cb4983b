/* SPDX-License-Identifier: MIT */
/*
 * files.c - files are read and written on threads: each step is a call that blocks; or one call
 * sends the lines as items, and waits where nobody takes them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

struct line {
    char text[256];
};
WEIR_TYPE(line, struct line)

struct reader {
    FILE *file;
    line_sender lines;
};

static int write_poem(void *arg, void *result)
{
    (void)result;
    if (fputs("A weir is a low dam,\nand nothing is lost.\n", arg) < 0 || fflush(arg) < 0)
        return -errno;
    rewind(arg);
    return 0;
}

static int read_lines(void *arg, void *result)
{
    const struct reader *r = arg;
    int *count = result, rc = 0;
    struct line line;
    while (rc == 0 && fgets(line.text, sizeof line.text, r->file)) {
        line.text[strcspn(line.text, "\n")] = 0;
        if ((rc = line_send(r->lines, line)) == 0) /* WEIR_EPIPE: nobody wants more */
            ++*count;
    }
    return rc < 0 ? rc : ferror(r->file) ? WEIR_EINVAL : 0;
}

static int read_file(void *arg)
{
    const struct reader *r = arg;
    int count, rc = weir_blocking_call(read_lines, &count, r);
    return rc < 0 ? rc : count;
}

static int copy(FILE *file)
{
    struct reader r = {.file = file};
    line_receiver lines;
    struct line line;
    int rc;
    weir_auto(weir_group) g = weir_group_begin();
    if ((rc = weir_blocking_call(write_poem, (void *)NULL, (void *)file)) < 0 ||
        (rc = line_channel(&r.lines, &lines, 8)) < 0 ||
        (rc = weir_spawn(g, read_file, &r, .give = WEIR_GIVE(struct reader, lines))) < 0)
        return rc;
    while ((rc = line_recv(lines, &line)) > 0)
        printf("%s\n", line.text);
    weir_close(lines);
    return weir_group_end_with(g, rc);
}

static int app(void *unused)
{
    (void)unused;
    FILE *file = tmpfile();
    int rc = file ? copy(file) : -errno;
    if (file)
        fclose(file);
    return rc;
}

int main(void)
{
    int rc = weir_run(app, NULL, NULL);
    if (rc < 0)
        fprintf(stderr, "files: %s\n", weir_error_text(rc));
    return rc < 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * mainloop.c - a program with a poll(2) loop of its own, as a GUI or an event library has one,
 * and actors beside it: the loop reads lines of numbers from standard input, actors factor
 * them, and the loop prints what they found, and stays responsive all the while.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/weir.h>

struct answer {
    unsigned long number, factor; /* the smallest; the number itself: it is prime */
};

WEIR_TYPE(number, unsigned long)
WEIR_TYPE(answer, struct answer)

struct ends {
    number_receiver numbers;
    answer_sender answers;
};

static unsigned long smallest_factor(unsigned long n)
{
    for (unsigned long f = 2; f <= n / f; f++)
        if (n % f == 0)
            return f;
    return n;
}

static int factor(void *arg)
{
    const struct ends *e = arg;
    unsigned long n;
    int rc;
    while ((rc = number_recv(e->numbers, &n)) == 1)
        if ((rc = answer_send(e->answers, (struct answer){n, smallest_factor(n)})) < 0)
            break;
    return rc;
}

/* The first actor, on a thread of weir's: it owns the ends from here on. */
static int service(void *arg)
{
    struct ends *e = arg;
    int rc = 0;
    for (int i = 0; i < 4 && rc == 0; i++)
        rc = weir_spawn(WEIR_RUN, factor, e, .own = WEIR_OWN(struct ends, numbers, answers));
    weir_close(e->numbers);
    weir_close(e->answers);
    return rc;
}

/* What has come so far, cut into lines. False: that was the end. */
static bool read_numbers(number_sender tx)
{
    static char text[4096];
    static size_t used;
    ssize_t n = read(STDIN_FILENO, text + used, sizeof text - 1 - used);
    char *line = text, *end;
    if (n > 0)
        used += (size_t)n;
    text[used] = 0;
    for (; (end = strchr(line, '\n')); line = end + 1) {
        unsigned long number = strtoul(line, NULL, 10);
        if (number > 1)
            number_try_send(tx, number); /* unbounded: never waits */
    }
    used -= (size_t)(line - text);
    memmove(text, line, used);
    return n > 0 && used < sizeof text - 1;
}

/* 0: no actor has anything to say any more. */
static int print_answers(answer_receiver rx)
{
    struct answer a;
    int rc;
    while ((rc = answer_try_recv(rx, &a)) == 1)
        if (a.factor == a.number)
            printf("%lu is prime\n", a.number);
        else
            printf("%lu = %lu * %lu\n", a.number, a.factor, a.number / a.factor);
    fflush(stdout);
    return rc;
}

static int loop(number_sender tx, answer_receiver rx)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = answer_receiver_fd(rx), .events = POLLIN}};
    int rc = fds[1].fd < 0 ? fds[1].fd : WEIR_EAGAIN;
    while (rc == WEIR_EAGAIN && poll(fds, 2, -1) > 0) {
        if (fds[0].revents && !read_numbers(tx)) {
            weir_close(tx); /* so the actors come to the end, and their answers too */
            fds[0].fd = -1;
        }
        if (fds[1].revents)
            rc = print_answers(rx);
    }
    if (fds[1].fd >= 0)
        close(fds[1].fd);
    return rc;
}

int main(void)
{
    number_sender tx;
    answer_receiver rx;
    struct ends e;
    int rc;
    if ((rc = number_channel(&tx, &e.numbers, WEIR_UNBOUNDED)) < 0 ||
        (rc = answer_channel(&e.answers, &rx, 16)) < 0 || (rc = weir_start(service, &e, NULL)) < 0)
        return fprintf(stderr, "mainloop: %s\n", weir_error_text(rc)), 1;
    rc = loop(tx, rx);
    int stopped = weir_stop("the loop has ended");
    weir_close(rx);
    if (rc == 0)
        rc = stopped;
    return rc < 0 ? (fprintf(stderr, "mainloop: %s\n", weir_error_text(rc)), 1) : 0;
}

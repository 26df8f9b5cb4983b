/* SPDX-License-Identifier: MIT */
/* test_start.c - weir_start(), weir_stop(): a run beside a program's own loop. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <weir/weir.h>

#include "readable.h"

WEIR_TYPE(num, long)

struct ends {
    num_sender tx;
    num_receiver rx;
};

static struct ends open_ends(size_t capacity)
{
    struct ends e;
    REQUIRE_RC(num_channel(&e.tx, &e.rx, capacity), 0);
    return e;
}

static void close_ends(struct ends *e)
{
    weir_close(e->tx);
    weir_close(e->rx);
}

/* ---- results ----------------------------------------------------------------------- */

static int return_it(void *arg)
{
    return *(const int *)arg;
}

/* Until the run is over by itself. */
static int start_and_await(weir_body body, void *arg)
{
    REQUIRE_RC(weir_start(body, arg, NULL), 0);
    int fd = weir_run_fd();
    REQUIRE(fd >= 0);
    wait_readable(fd);
    int rc = weir_stop(NULL);
    EXPECT(readable(fd)); /* it is ours */
    close(fd);
    return rc;
}

static int fails_in_a_child(void *arg)
{
    EXPECT_RC(weir_spawn(WEIR_RUN, return_it, (int *)arg), 0);
    return 3;
}

static void results(void)
{
    static const int of_first[] = {0, 7, -1, WEIR_ECANCELED};
    int error = WEIR_EPIPE;
    for (unsigned i = 0; i < sizeof of_first / sizeof *of_first; i++) {
        int result = of_first[i];
        EXPECT_RC(start_and_await(return_it, &result), result);
    }
    EXPECT_RC(start_and_await(fails_in_a_child, &error), WEIR_EPIPE);
}

/* ---- stop ------------------------------------------------------------------------------- */

static weir_cause cause;
static pthread_t ran_on;

static int waits(void *arg)
{
    long n;
    const struct ends *e = arg;
    return num_recv(e->rx, &n);
}

static int waits_alone(void *arg)
{
    ran_on = pthread_self();
    int rc = waits(arg);
    cause = weir_cancel_cause();
    return rc;
}

static void stop_cancels(void)
{
    struct ends e = open_ends(1);
    REQUIRE_RC(weir_start(waits_alone, &e, NULL), 0);
    int fd = weir_run_fd();
    EXPECT(!readable(fd));
    EXPECT_RC(weir_stop("closed by the user"), 0);
    EXPECT(readable(fd));
    EXPECT_STR(cause.reason, "closed by the user");
    EXPECT(!pthread_equal(ran_on, pthread_self()));
    close(fd);
    close_ends(&e);
}

static int nested(void *arg)
{
    weir_group g = weir_group_begin();
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_spawn(g, waits, arg), 0);
    int rc = weir_group_end(g);
    EXPECT_RC(rc, WEIR_ECANCELED);
    EXPECT_RC(weir_spawn(WEIR_RUN, waits, arg), 0); /* is cancelled from the beginning */
    return 12;                                      /* has something to say all the same */
}

static void stop_cancels_all(void)
{
    struct ends e = open_ends(0);
    REQUIRE_RC(weir_start(nested, (void *)&e, NULL), 0);
    EXPECT_RC(weir_stop(NULL), 12);
    close_ends(&e);
}

struct slow {
    struct ends go;
    num_sender told; /* unbounded */
};

static int tells(void *arg)
{
    long n;
    const struct slow *s = arg;
    EXPECT_RC(num_recv(s->go.rx, &n), WEIR_ECANCELED);
    EXPECT_RC(num_try_send(s->told, 1), 0);
    return WEIR_ECANCELED;
}

/* Its clean-up waits for us. */
static int shielded(void *arg)
{
    long n;
    const struct slow *s = arg;
    weir_scope scope = weir_scope_begin();
    EXPECT_RC(weir_spawn(WEIR_RUN, tells, (void *)arg), 0);
    EXPECT_RC(weir_scope_shield(scope, true), 0);
    while (num_recv(s->go.rx, &n) == 1 && n == 0)
        EXPECT_RC(weir_yield(), 0);
    EXPECT_RC(weir_scope_end(scope), 0);
    int rc;
    while ((rc = weir_yield()) == 0) /* until it is told as well */
        ;
    EXPECT_RC(rc, WEIR_ECANCELED);
    return 4;
}

static void *stops(void *unused)
{
    EXPECT_RC(weir_stop("now"), 4);
    return unused;
}

static void stop_waits(void)
{
    long n;
    pthread_t thread;
    struct ends told = open_ends(WEIR_UNBOUNDED);
    struct slow s = {open_ends(0), told.tx};
    REQUIRE_RC(weir_start(shielded, &s, NULL), 0);
    int fd = weir_run_fd();
    REQUIRE_EQ(pthread_create(&thread, NULL, stops, NULL), 0);
    EXPECT_RC(num_recv(told.rx, &n), 1); /* so the stop is under way */
    EXPECT_RC(weir_stop(NULL), WEIR_EBUSY);
    EXPECT(!readable(fd));
    EXPECT_RC(num_send(s.go.tx, 1), 0);
    pthread_join(thread, NULL);
    EXPECT(readable(fd));
    close(fd);
    close_ends(&told);
    close_ends(&s.go);
}

/* ---- misuse --------------------------------------------------------------------------------- */

static int misuses(void *arg)
{
    (void)arg;
    int zero = 0;
    EXPECT_RC(weir_stop(NULL), WEIR_EDEADLK);
    EXPECT_RC(weir_start(return_it, &zero, NULL), WEIR_EBUSY);
    EXPECT_RC(weir_run(return_it, &zero, NULL), WEIR_EBUSY);
    return 6;
}

static void in_a_drop_function(void *item, void *context)
{
    (void)item;
    *(int *)context = 1;
    EXPECT_RC(weir_start(misuses, NULL, NULL), WEIR_EPERM);
    EXPECT_RC(weir_stop(NULL), WEIR_EPERM);
}

static void misuse(void)
{
    int dropped = 0;
    struct ends e;
    weir_channel_options o = {.drop = in_a_drop_function, .drop_context = &dropped};
    EXPECT_RC(weir_stop(NULL), WEIR_EPERM);
    EXPECT_RC(weir_run_fd(), WEIR_EPERM);
    EXPECT_RC(weir_start(NULL, NULL, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_start(misuses, NULL, &(weir_options){.simulate = true}), WEIR_EINVAL);
    EXPECT_RC(weir_start(misuses, NULL, &(weir_options){.stack_size = 1}), WEIR_EINVAL);
    EXPECT_RC(weir_stop(NULL), WEIR_EPERM);
    EXPECT_RC(weir_run(misuses, NULL, NULL), 6);
    REQUIRE_RC(weir_start(misuses, NULL, NULL), 0);
    EXPECT_RC(weir_start(misuses, NULL, NULL), WEIR_EBUSY);
    EXPECT_RC(weir_run(misuses, NULL, NULL), WEIR_EBUSY);
    REQUIRE_RC(num_channel_open(&e.tx, &e.rx, 1, &o), 0);
    EXPECT_RC(num_send(e.tx, 1), 0);
    close_ends(&e);
    EXPECT_EQ(dropped, 1);
    int fd = weir_run_fd();
    wait_readable(fd);
    close(fd);
    EXPECT_RC(weir_start(misuses, NULL, NULL), WEIR_EBUSY); /* it is over, but not stopped */
    EXPECT_RC(weir_stop(NULL), 6);
    EXPECT_RC(weir_stop(NULL), WEIR_EPERM);
    EXPECT_RC(weir_run_fd(), WEIR_EPERM);
}

static void no_descriptors(void)
{
    struct rlimit before, none;
    int zero = 0;
    REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 1;
    REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    int rc = weir_start(return_it, &zero, NULL);
    setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_RC(rc, WEIR_EMFILE);
    EXPECT_RC(start_and_await(return_it, &zero), 0);
}

/* ---- one after the other ------------------------------------------------------------------- */

static void runs(void)
{
    for (int i = 0; i < 20; i++) {
        struct ends e = open_ends(1);
        int result = i;
        EXPECT_RC(start_and_await(return_it, &result), i);
        EXPECT_RC(weir_run(return_it, &result, NULL), i);
        REQUIRE_RC(weir_start(waits, &e, NULL), 0);
        EXPECT_RC(weir_stop(NULL), 0);
        close_ends(&e);
    }
}

/* ---- a loop and actors --------------------------------------------------------------------- */

enum { ITEMS = 2000 };

struct service {
    struct ends jobs, results;
};

static int squares(void *arg)
{
    long n;
    int rc;
    const struct service *s = arg;
    while ((rc = num_recv(s->jobs.rx, &n)) == 1)
        if ((rc = num_send(s->results.tx, n * n)) < 0)
            break;
    return rc;
}

static int serves(void *arg)
{
    for (int i = 0; i < 3; i++)
        EXPECT_RC(weir_spawn(WEIR_RUN, squares, arg), 0);
    return squares(arg);
}

/* Never waits in a call of weir's. */
static void loop(void)
{
    long sum = 0, n, next = 0;
    int rc = 0;
    struct service s = {open_ends(8), open_ends(4)};
    REQUIRE_RC(weir_start(serves, &s, NULL), 0);
    int fd = num_receiver_fd(s.results.rx);
    for (int got = 0; got < ITEMS;) {
        while (next < ITEMS && (rc = num_try_send(s.jobs.tx, next)) == 0)
            next++;
        EXPECT(rc == 0 || rc == WEIR_EAGAIN);
        wait_readable(fd);
        while ((rc = num_try_recv(s.results.rx, &n)) == 1) {
            sum += n;
            got++;
        }
        EXPECT_RC(rc, WEIR_EAGAIN);
    }
    EXPECT_EQ(sum, (long)ITEMS * (ITEMS - 1) * (2 * ITEMS - 1) / 6);
    EXPECT_RC(weir_stop("all is done"), 0);
    close(fd);
    close_ends(&s.jobs);
    close_ends(&s.results);
}

/* ---- a descriptor of an actor's receiver
 * ------------------------------------------------------------ */

static int tries(void *arg)
{
    long n;
    const size_t capacity = *(const size_t *)arg;
    struct ends e = open_ends(capacity);
    int fd = num_receiver_fd(e.rx);
    weir_case c = num_on_recv(e.rx, &n);
    EXPECT(readable(fd));
    EXPECT_RC(num_try_recv(e.rx, &n), WEIR_EAGAIN);
    EXPECT(!readable(fd));
    if (capacity > 0) {
        EXPECT_RC(num_send(e.tx, 5), 0);
        EXPECT(readable(fd));
        EXPECT_RC(num_recv(e.rx, &n), 1);
        EXPECT_RC(weir_try_select(&c, 1, WEIR_FAIR), WEIR_EAGAIN);
        EXPECT(!readable(fd));
    }
    close(fd);
    return 0;
}

static void actors_try(void)
{
    static size_t capacities[] = {0, 1, 64, WEIR_UNBOUNDED};
    for (unsigned i = 0; i < sizeof capacities / sizeof *capacities; i++)
        EXPECT_RC(weir_run(tries, &capacities[i], NULL), 0);
}

TEST_SUITE(start, "weir_start and weir_stop", {"F001 the result of a started run", results},
           {"F001 stopping cancels with a reason; no worker is our thread", stop_cancels},
           {"F001 stopping cancels groups, and who is spawned afterwards", stop_cancels_all},
           {"F001 who does not end is waited for; a second stop is busy", stop_waits},
           {"F001 misuse", misuse}, {"F001 no descriptor is left", no_descriptors},
           {"F001 runs of both kinds, one after the other", runs},
           {"F001 a loop that never waits in weir, and actors", loop},
           {"F038 an actor's try forms clear its receiver's descriptor", actors_try});

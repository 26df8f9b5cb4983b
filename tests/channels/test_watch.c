/* SPDX-License-Identifier: MIT */
/* test_watch.c - weir_receiver_fd(): when a descriptor is readable, whose it is, and how it ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <weir/broadcast.h>
#include <weir/select.h>
#include <weir/ticker.h>

#include "readable.h"

struct ends {
    weir_sender tx;
    weir_receiver rx;
    int fd;
};

/* The descriptor has been tried once, and there was nothing. */
static struct ends open_ends(size_t capacity, const weir_channel_options *o)
{
    int item;
    struct ends e = {.fd = -1};
    REQUIRE_RC(weir_channel_open(&e.tx, &e.rx, sizeof(int), capacity, o), 0);
    e.fd = weir_receiver_fd(e.rx);
    REQUIRE(e.fd >= 0);
    EXPECT(readable(e.fd));
    EXPECT_RC(weir_try_recv(e.rx, &item), WEIR_EAGAIN);
    EXPECT(!readable(e.fd));
    return e;
}

static void close_ends(const struct ends *e)
{
    weir_close(e->tx);
    weir_close(e->rx);
    close(e->fd);
}

/* ---- items ------------------------------------------------------------------------- */

static void readable_while_items_are_there(size_t capacity)
{
    int item = 7;
    struct ends e = open_ends(capacity, NULL);
    for (int round = 0; round < 3; round++) {
        EXPECT_RC(weir_send(e.tx, &item), 0);
        EXPECT_RC(weir_send(e.tx, &item), 0);
        for (int i = 0; i < 2; i++) {
            EXPECT(readable(e.fd));
            EXPECT(readable(e.fd)); /* looking changes nothing */
            EXPECT_RC(weir_try_recv(e.rx, &item), 1);
        }
        EXPECT(readable(e.fd)); /* for nothing: nobody has tried in vain */
        EXPECT_RC(weir_try_recv(e.rx, &item), WEIR_EAGAIN);
        EXPECT(!readable(e.fd));
        EXPECT_RC(weir_try_recv(e.rx, &item), WEIR_EAGAIN);
        EXPECT(!readable(e.fd));
    }
    close_ends(&e);
}

static void level_triggered(void)
{
    static const size_t capacities[] = {2, 8, 100, WEIR_UNBOUNDED};
    for (unsigned i = 0; i < sizeof capacities / sizeof *capacities; i++)
        readable_while_items_are_there(capacities[i]);
}

static void every_try_form(void)
{
    int items[2] = {1, 2};
    struct ends e = open_ends(4, NULL);
    weir_case c = weir_on_recv(e.rx, &items[0]);
    EXPECT_RC(weir_send(e.tx, &items[0]), 0);
    EXPECT_EQ(weir_try_select(&c, 1, WEIR_FAIR), 0);
    EXPECT(readable(e.fd));
    EXPECT_RC(weir_try_select(&c, 1, WEIR_FAIR), WEIR_EAGAIN);
    EXPECT(!readable(e.fd));
    EXPECT_RC(weir_send_many(e.tx, items, 2), 2);
    EXPECT(readable(e.fd));
    EXPECT_RC(weir_try_recv_many(e.rx, items, 2), 2);
    EXPECT_RC(weir_try_recv_many(e.rx, items, 2), WEIR_EAGAIN);
    EXPECT(!readable(e.fd));
    EXPECT_RC(weir_try_send(e.tx, &items[0]), 0);
    EXPECT(readable(e.fd));
    EXPECT_RC(weir_recv(e.rx, &items[0]), 1); /* may be used, but clears nothing */
    EXPECT(readable(e.fd));
    close_ends(&e);
}

static void single_ends(void)
{
    int item = 3;
    struct ends e =
        open_ends(4, &(weir_channel_options){.single_sender = true, .single_receiver = true});
    EXPECT_RC(weir_send(e.tx, &item), 0);
    EXPECT(readable(e.fd));
    EXPECT_RC(weir_try_recv(e.rx, &item), 1);
    EXPECT_RC(weir_try_recv(e.rx, &item), WEIR_EAGAIN);
    EXPECT(!readable(e.fd));
    close_ends(&e);
}

/* ---- a sender that waits -------------------------------------------------------------- */

static void *send_one(void *ends)
{
    int item = 99;
    const struct ends *e = ends;
    EXPECT_RC(weir_send(e->tx, &item), 0);
    return NULL;
}

static void rendezvous(void)
{
    int item = 0;
    pthread_t thread;
    struct ends e = open_ends(0, NULL);
    EXPECT_RC(weir_try_send(e.tx, &item), WEIR_EAGAIN); /* nobody receives: a poll is no receive */
    EXPECT(!readable(e.fd));
    REQUIRE_EQ(pthread_create(&thread, NULL, send_one, &e), 0);
    wait_readable(e.fd);
    EXPECT_RC(weir_try_recv(e.rx, &item), 1);
    EXPECT_EQ(item, 99);
    EXPECT_RC(weir_try_recv(e.rx, &item), WEIR_EAGAIN);
    EXPECT(!readable(e.fd));
    pthread_join(thread, NULL);
    close_ends(&e);
}

/* ---- several descriptors ----------------------------------------------------------------- */

static void several(void)
{
    int item = 5;
    struct ends e = open_ends(4, NULL);
    weir_receiver other = weir_receiver_clone(e.rx);
    int again = weir_receiver_fd(e.rx), fd = weir_receiver_fd(other);
    REQUIRE(again >= 0 && fd >= 0 && again != e.fd);
    EXPECT(!readable(again));
    EXPECT(readable(fd));
    EXPECT_RC(weir_try_recv(other, &item), WEIR_EAGAIN);
    EXPECT_RC(weir_send(e.tx, &item), 0);
    EXPECT(readable(e.fd) && readable(again) && readable(fd));
    EXPECT_RC(weir_try_recv(other, &item), 1);
    EXPECT_RC(weir_try_recv(e.rx, &item), WEIR_EAGAIN); /* the other one was faster */
    EXPECT(!readable(e.fd) && !readable(again) && readable(fd));
    EXPECT_RC(weir_close(e.rx), 0);
    EXPECT(readable(e.fd) && readable(again));
    EXPECT_RC(weir_try_recv(other, &item), WEIR_EAGAIN);
    EXPECT(!readable(fd)); /* its handle is open */
    EXPECT_RC(weir_close(other), 0);
    EXPECT(readable(fd));
    close(fd);
    close(again);
    close_ends(&e);
}

static void flags_and_statistics(void)
{
    weir_statistics s;
    struct ends e = open_ends(1, NULL);
    EXPECT(fcntl(e.fd, F_GETFD) & FD_CLOEXEC);
    EXPECT_RC(weir_channel_statistics(e.rx, &s), 0);
    EXPECT_EQ(s.waiting_receivers, 0);
    EXPECT_EQ(s.open_receivers, 1);
    close_ends(&e);
}

/* ---- ends ----------------------------------------------------------------------------------- */

static void the_end_is_readable(void)
{
    int item = 0;
    struct ends e = open_ends(1, NULL);
    EXPECT_RC(weir_close(e.tx), 0);
    for (int i = 0; i < 2; i++) {
        EXPECT(readable(e.fd));
        EXPECT_RC(weir_try_recv(e.rx, &item), 0);
    }
    EXPECT(readable(e.fd));
    close_ends(&e);
}

static void *close_receiver(void *ends)
{
    const struct ends *e = ends;
    EXPECT_RC(weir_close(e->rx), 0);
    return NULL;
}

/* The descriptor is ours: it does not vanish under a poll() that waits. */
static void closed_by_another(void)
{
    int item = 0;
    pthread_t thread;
    struct ends e = open_ends(1, NULL);
    REQUIRE_EQ(pthread_create(&thread, NULL, close_receiver, &e), 0);
    wait_readable(e.fd);
    EXPECT_RC(weir_try_recv(e.rx, &item), WEIR_ECLOSED);
    EXPECT(readable(e.fd));
    EXPECT_RC(weir_receiver_fd(e.rx), WEIR_ECLOSED);
    pthread_join(thread, NULL);
    close_ends(&e);
}

/* Closed first: what is sent afterwards sets what nobody looks at. */
static void descriptor_closed_first(void)
{
    int item = 1;
    struct ends e = open_ends(1, NULL);
    close(e.fd);
    EXPECT_RC(weir_send(e.tx, &item), 0);
    EXPECT_RC(weir_try_recv(e.rx, &item), 1);
    e.fd = weir_receiver_fd(e.rx);
    EXPECT(readable(e.fd));
    close_ends(&e);
}

static unsigned drops;

static void count_drop(void *item, void *context)
{
    (void)item;
    (void)context;
    drops++;
}

static void drop_function(void)
{
    int item = 1;
    struct ends e = open_ends(4, &(weir_channel_options){.drop = count_drop});
    drops = 0;
    EXPECT_RC(weir_send(e.tx, &item), 0);
    EXPECT_RC(weir_send(e.tx, &item), 0);
    EXPECT_RC(weir_try_recv(e.rx, &item), 1);
    EXPECT_RC(weir_close(e.rx), 0);
    EXPECT_EQ(drops, 1);
    EXPECT_RC(weir_send(e.tx, &item), WEIR_EPIPE);
    close_ends(&e);
}

static void refused(void)
{
    struct rlimit before, none;
    struct ends e = open_ends(1, NULL);
    weir_receiver other = weir_receiver_clone(e.rx);
    weir_receiver ticker = weir_ticker_open(WEIR_S);
    EXPECT_RC(weir_receiver_fd(ticker), WEIR_EINVAL);
    weir_close(ticker);
    EXPECT_RC(weir_receiver_fd((weir_receiver){0}), WEIR_EBADF);
    EXPECT_RC(weir_receiver_fd((weir_receiver){e.tx.h}), WEIR_EBADF);
    REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    int again = weir_receiver_fd(e.rx), first = weir_receiver_fd(other);
    setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_RC(again, WEIR_EMFILE);
    EXPECT_RC(first, WEIR_EMFILE);
    EXPECT(!readable(e.fd)); /* as it was */
    first = weir_receiver_fd(other);
    EXPECT(first >= 0);
    close(first);
    weir_close(other);
    close_ends(&e);
    other = weir_ticker_open(WEIR_S);
    EXPECT_RC(weir_receiver_fd(other), WEIR_EINVAL);
    weir_close(other);
}

/* ---- many: an epoll loop and senders ------------------------------------------------------- */

enum { SENDERS = 3, EACH = 3000 };

static void *send_many(void *tx)
{
    for (int i = 0; i < EACH; i++)
        EXPECT_RC(weir_send(*(weir_sender *)tx, &i), 0);
    weir_close(*(weir_sender *)tx);
    return NULL;
}

/* Take `most` items each time; an edge-triggered loop has to take all. The sum of the items. */
static long loop(int fd, weir_receiver rx, uint32_t events, int most)
{
    struct epoll_event ev = {.events = events};
    int ep = epoll_create1(EPOLL_CLOEXEC), rc = 1, item;
    long sum = 0;
    REQUIRE_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
    while (rc != 0 && epoll_wait(ep, &ev, 1, -1) == 1) {
        rc = 1;
        for (int i = 0; i < most && (rc = weir_try_recv(rx, &item)) > 0; i++)
            sum += item;
        EXPECT(rc >= 0 || rc == WEIR_EAGAIN);
    }
    close(ep);
    return sum;
}

static void loop_with(size_t capacity, uint32_t events, int most)
{
    pthread_t threads[SENDERS];
    weir_sender tx[SENDERS];
    struct ends e = open_ends(capacity, NULL);
    for (int i = 0; i < SENDERS; i++) {
        tx[i] = weir_sender_clone(e.tx);
        REQUIRE_EQ(pthread_create(&threads[i], NULL, send_many, &tx[i]), 0);
    }
    weir_close(e.tx);
    EXPECT_EQ(loop(e.fd, e.rx, events, most), (long)SENDERS * EACH * (EACH - 1) / 2);
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    close_ends(&e);
}

static void loops(void)
{
    static const size_t capacities[] = {0, 1, 64, WEIR_UNBOUNDED};
    for (unsigned i = 0; i < sizeof capacities / sizeof *capacities; i++) {
        loop_with(capacities[i], EPOLLIN, 1);
        loop_with(capacities[i], EPOLLIN, INT_MAX);
        loop_with(capacities[i], EPOLLIN | EPOLLET, INT_MAX);
    }
}

/* ---- many: subscribers of a broadcast ------------------------------------------------------ */

enum how { WAITS, POLLS, TRIES };

struct subscriber {
    pthread_t thread;
    weir_receiver rx;
    enum how how;
};

/* Every item, in order. Who tries at any time polls each fourth time that there was nothing. */
static void *take_all(void *arg)
{
    const struct subscriber *s = arg;
    int item, expected = 0, rc, fd = s->how == WAITS ? -1 : weir_receiver_fd(s->rx);
    unsigned vain = 0;
    while ((rc = s->how == WAITS ? weir_recv(s->rx, &item) : weir_try_recv(s->rx, &item)) != 0) {
        if (rc == WEIR_EAGAIN && (s->how == POLLS || ++vain % 4 == 0)) {
            wait_readable(fd);
        } else if (rc != WEIR_EAGAIN) {
            EXPECT_RC(rc, 1);
            EXPECT_EQ(item, expected);
            expected++;
        }
    }
    EXPECT_EQ(expected, EACH);
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void subscribers(void)
{
    static const enum how how[] = {WAITS, TRIES, POLLS, WAITS, TRIES, POLLS};
    enum { N = sizeof how / sizeof *how };
    struct subscriber s[N];
    weir_sender tx;
    REQUIRE_RC(weir_broadcast_open(&tx, NULL, sizeof(int), 2, WEIR_LOSE_NOTHING), 0);
    for (unsigned i = 0; i < N; i++) {
        s[i] = (struct subscriber){.rx = weir_broadcast_subscribe(tx, WEIR_LOSE_NOTHING),
                                   .how = how[i]};
        REQUIRE_EQ(pthread_create(&s[i].thread, NULL, take_all, &s[i]), 0);
    }
    send_many(&tx);
    for (unsigned i = 0; i < N; i++) {
        pthread_join(s[i].thread, NULL);
        EXPECT_RC(weir_close(s[i].rx), 0);
    }
}

/* ---- others on the same channel ----------------------------------------------------------- */

/* One is told, one has been told already, one has no descriptor; the older one goes first. */
static void watched_and_not(void)
{
    int item = 3;
    struct ends e = open_ends(4, NULL);
    weir_receiver other = weir_receiver_clone(e.rx), plain = weir_receiver_clone(e.rx);
    weir_receiver third = weir_receiver_clone(e.rx);
    int fd = weir_receiver_fd(other), third_fd = weir_receiver_fd(third);
    REQUIRE(fd >= 0 && third_fd >= 0);
    EXPECT(readable(fd));
    EXPECT_RC(weir_send(e.tx, &item), 0);
    EXPECT(readable(e.fd) && readable(fd));
    EXPECT_RC(weir_try_recv(plain, &item), 1);
    EXPECT_RC(weir_try_recv(plain, &item), WEIR_EAGAIN);
    EXPECT(readable(e.fd) && readable(fd)); /* it was not their try */
    EXPECT_RC(weir_close(e.rx), 0);
    EXPECT_RC(weir_try_recv(other, &item), WEIR_EAGAIN);
    EXPECT(!readable(fd));
    EXPECT_RC(weir_send(e.tx, &item), 0);
    EXPECT(readable(fd));
    weir_close(other);
    weir_close(plain);
    weir_close(third);
    close(fd);
    close(third_fd);
    close_ends(&e);
}

static void single_sender_elsewhere(void)
{
    int item;
    pthread_t thread;
    struct ends e = open_ends(4, &(weir_channel_options){.single_sender = true});
    REQUIRE_EQ(pthread_create(&thread, NULL, send_one, &e), 0);
    wait_readable(e.fd);
    pthread_join(thread, NULL);
    EXPECT_RC(weir_try_recv(e.rx, &item), 1);
    EXPECT_RC(weir_try_recv(e.rx, &item), WEIR_EAGAIN);
    EXPECT(!readable(e.fd));
    close_ends(&e);
}

static void *select_send(void *tx)
{
    int item = 6;
    weir_case c = weir_on_send(*(weir_sender *)tx, &item);
    EXPECT_EQ(weir_select(&c, 1, WEIR_FAIR), 0);
    EXPECT_RC(c.rc, 0);
    return NULL;
}

static void selecting_sender(void)
{
    int item = 0;
    pthread_t thread;
    struct ends e = open_ends(0, NULL);
    REQUIRE_EQ(pthread_create(&thread, NULL, select_send, &e.tx), 0);
    wait_readable(e.fd);
    EXPECT_RC(weir_try_recv(e.rx, &item), 1);
    EXPECT_EQ(item, 6);
    pthread_join(thread, NULL);
    close_ends(&e);
}

/* A source that has nothing, and sends to a channel of which the same select has just thought so.
 */
static int sends_and_has_nothing(void *object, void *item)
{
    EXPECT_RC(weir_try_send(*(weir_sender *)object, (int *)item), 0);
    return WEIR_EAGAIN;
}

static void came_between(void)
{
    static const weir_source source = {.try_item = sends_and_has_nothing};
    int item = 0, sent = 8;
    struct ends e = open_ends(4, NULL);
    weir_case c[] = {weir_on_recv(e.rx, &item), weir_on_source(&source, &e.tx, &sent)};
    EXPECT_EQ(weir_try_select(c, 2, WEIR_ORDERED), 0);
    EXPECT_RC(c[0].rc, 1);
    EXPECT_EQ(item, 8);
    close_ends(&e);
}

/* ---- what happens while one is made ------------------------------------------------------- */

/*
 * At a call of the allocator, so between two steps. (A program's may use nothing of weir; here it
 * is known that no lock is held.)
 */
static struct {
    weir_receiver rx;
    unsigned at, calls; /* when; 0: never */
    bool closes;        /* the handle is closed, or another one asks */
    int fd;             /* what that one gets */
} meanwhile;

static void come_meanwhile(void)
{
    if (++meanwhile.calls != meanwhile.at)
        return;
    if (meanwhile.closes)
        EXPECT_RC(weir_close(meanwhile.rx), 0);
    else
        meanwhile.fd = weir_receiver_fd(meanwhile.rx);
}

static void *allocate(size_t bytes, void *context)
{
    (void)context;
    come_meanwhile();
    return malloc(bytes ? bytes : 1);
}

static void release(void *memory, size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    free(memory);
    come_meanwhile();
}

static const weir_allocator allocator = {allocate, release, NULL};

/* `dropped`: some of what a descriptor needs is there, and is freed again. False: no such call. */
static bool made_meanwhile(unsigned at, bool closes, bool dropped)
{
    weir_sender tx;
    weir_receiver rx;
    weir_channel_options o = {.drop = dropped ? count_drop : NULL};
    REQUIRE_RC(weir_channel_open(&tx, &rx, sizeof(int), 1, &o), 0);
    meanwhile.rx = rx;
    meanwhile.at = at;
    meanwhile.calls = 0;
    meanwhile.closes = closes;
    weir_set_allocator(&allocator);
    int fd = weir_receiver_fd(rx);
    weir_set_allocator(NULL);
    bool came = meanwhile.calls >= at;
    if (came && closes) {
        EXPECT_RC(fd, WEIR_ECLOSED);
    } else {
        EXPECT(fd >= 0 && readable(fd));
        close(fd);
    }
    if (came && !closes) {
        EXPECT(meanwhile.fd >= 0 && readable(meanwhile.fd));
        close(meanwhile.fd);
    }
    weir_close(tx);
    weir_close(rx);
    return came;
}

static void at_each_moment(void)
{
    for (unsigned how = 0; how < 4; how++) {
        unsigned at = 1;
        while (made_meanwhile(at, how & 1, how & 2))
            at++;
        EXPECT(at > 1);
    }
}

static void *maps_nothing(size_t bytes, void *context)
{
    (void)context;
    return bytes ? malloc(bytes) : NULL;
}

/* Whatever error the caller has had before. */
static void without_memory(void)
{
    static const weir_allocator scarce = {maps_nothing, release, NULL};
    weir_sender tx;
    weir_receiver rx;
    meanwhile.at = 0;
    REQUIRE_RC(weir_channel_open(&tx, &rx, sizeof(int), 1, NULL), 0);
    weir_set_allocator(&scarce);
    errno = EMFILE;
    EXPECT_RC(weir_receiver_fd(rx), WEIR_ENOMEM);
    EXPECT_EQ(errno, EMFILE);
    weir_set_allocator(NULL);
    weir_close(tx);
    weir_close(rx);
}

TEST_SUITE(watch, "descriptors of receivers",
           {"F038 a descriptor is readable until a try form finds nothing", level_triggered},
           {"F038 weir_try_recv_many and weir_try_select clear it as well", every_try_form},
           {"F038 declared single ends", single_ends},
           {"F038 a sender that waits at a rendezvous makes it readable", rendezvous},
           {"F041 a handle has any number of descriptors, a clone its own", several},
           {"F052 close-on-exec; who polls does not count as waiting", flags_and_statistics},
           {"F043 the end is readable", the_end_is_readable},
           {"F045 a handle that is closed by another is readable", closed_by_another},
           {"F045 the descriptor is closed before the handle", descriptor_closed_first},
           {"F044 a channel with a drop function", drop_function},
           {"F038 no descriptor is left, and what is no receiver", refused},
           {"F038 others on the channel are told, have been told, do not ask", watched_and_not},
           {"F049 a single sender of another thread", single_sender_elsewhere},
           {"F038 a select that sends", selecting_sender},
           {"F038 an item that comes during weir_try_select", came_between},
           {"F045 another one asks, or the handle is closed, while one is made", at_each_moment},
           {"F054 a descriptor without memory", without_memory},
           {"F038 subscribers that wait, poll and try at any time", subscribers},
           {"F038 loops with epoll, level and edge triggered, and three senders", loops});

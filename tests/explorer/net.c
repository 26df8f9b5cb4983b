/* SPDX-License-Identifier: MIT */
/*
 * net.c - sockets over a network of the model: descriptors, their edges, pollers.
 * docs/protocol.md, "Descriptors".
 *
 * There is one connection. The kernel's side of it is a count of bytes that have arrived, a count
 * of bytes that there is room for, and an edge: set by each arrival while the descriptor is
 * watched, and by adding it when there is something; taken by poll_wait(), which tells what is so
 * then. A device thread is the peer.
 */
#include <errno.h>
#include <string.h>

#include "linger.h"
#include "model.h"
#include "os_net.h"
#include "scope.h"
#include "socket.h"

static a32 there, over, room, wants_room, closed, went;

/* Of pollers: a worker's, the plain threads'. */
enum { SETS = 2 };
static struct poll_set {
    a32 added, edge, rings;
    uint64_t watched_as;
} sets[SETS];
static a32 sets_opened;

static void ring(struct poll_set *set)
{
    a32_xchg(&set->rings, 1);
    os_futex_wake(&set->rings, EXPLORE_THREADS);
}

/* Up to n of what is counted: how many. */
static uint32_t take(a32 *count, uint32_t n)
{
    uint32_t v = a32_load_acquire(count), k;
    do {
        k = v < n ? v : n;
        if (k == 0)
            return 0;
    } while (!a32_cas(count, &v, v - k));
    return k;
}

static ssize_t net_recv(int fd, void *to, size_t size, int flags)
{
    (void)fd, (void)flags;
    EXPLORE_EQ(a32_load(&closed), 0);
    uint32_t ended = a32_load_acquire(&over);
    uint32_t k = take(&there, (uint32_t)size);
    memset(to, 'x', k);
    return k > 0 ? (ssize_t)k : ended ? 0 : -EAGAIN;
}

static ssize_t net_send(int fd, const void *from, size_t size, int flags)
{
    (void)fd, (void)flags, (void)from;
    EXPLORE_EQ(a32_load(&closed), 0);
    uint32_t k = take(&room, (uint32_t)size);
    a32_add(&went, k);
    return k > 0 ? (ssize_t)k : -EAGAIN;
}

static int net_shutdown(int fd, int how)
{
    (void)fd, (void)how;
    EXPLORE_EQ(a32_load(&closed), 0);
    return 0;
}

static int net_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    (void)fd, (void)level, (void)name, (void)value, (void)size;
    EXPLORE_EQ(a32_load(&closed), 0);
    return 0;
}

static int net_close(int fd)
{
    (void)fd;
    EXPLORE_EQ(a32_xchg(&closed, 1), 0);
    return 0;
}

static uint32_t what_is_so(void)
{
    return (a32_load_acquire(&there) ? NET_IN : 0u) |
           (a32_load_acquire(&over) ? NET_IN | NET_HANGUP : 0u) |
           (a32_load(&wants_room) && a32_load_acquire(&room) ? NET_OUT : 0u);
}

static void set_edge_of(struct poll_set *set)
{
    if (!a32_load(&set->added))
        return;
    a32_xchg(&set->edge, 1);
    ring(set);
}

static void set_edge(void)
{
    for (int i = 0; i < SETS; i++)
        set_edge_of(&sets[i]);
}

static int poll_add(int set, int fd, uint64_t data, bool sends)
{
    (void)fd;
    sets[set].watched_as = data;
    if (sends)
        a32_xchg(&wants_room, 1);
    EXPLORE_EQ(a32_xchg(&sets[set].added, 1), 0);
    a_after_rmw();
    if (what_is_so())
        set_edge_of(&sets[set]);
    return 0;
}

static int poll_sends(int set, int fd, uint64_t data)
{
    (void)fd, (void)data;
    a32_xchg(&wants_room, 1);
    a_after_rmw();
    if (what_is_so())
        set_edge_of(&sets[set]);
    return 0;
}

static int poll_remove(int set, int fd)
{
    (void)fd;
    a32_xchg(&sets[set].added, 0);
    return 0;
}

static int poll_wait(int number, struct net_event *events, int n, weir_time until)
{
    struct poll_set *set = &sets[number];
    (void)n;
    if (until != 0 && !a32_load_acquire(&set->rings))
        os_futex_wait(&set->rings, 0, until);
    if (!a32_load_acquire(&set->rings))
        return 0;
    a32_xchg(&set->rings, 0);
    a_after_rmw();
    if (!a32_xchg(&set->edge, 0))
        return 0;
    a_after_rmw();
    events[0] = (struct net_event){set->watched_as, what_is_so()};
    return events[0].what != 0;
}

static int poll_open(int *wake)
{
    uint32_t set = a32_add(&sets_opened, 1);
    EXPLORE_ASSERT(set < SETS);
    *wake = 0;
    return (int)set;
}

static void poll_wake(int set, int wake)
{
    (void)wake;
    ring(&sets[set]);
}

static void poll_close(int set, int wake)
{
    (void)wake;
    a32_xchg(&sets[set].added, 0);
}

static const struct net net = {
    .recv = net_recv,
    .send = net_send,
    .shutdown = net_shutdown,
    .setsockopt = net_setsockopt,
    .close = net_close,
    .poll_open = poll_open,
    .poll_add = poll_add,
    .poll_sends = poll_sends,
    .poll_remove = poll_remove,
    .poll_wait = poll_wait,
    .poll_wake = poll_wake,
    .poll_close = poll_close,
    .short_is_empty = true,
};

const struct net *os_net(void)
{
    return &net;
}

const struct net *os_net_of(int fd)
{
    (void)fd;
    return &net;
}

/* ---- the peer -------------------------------------------------------------------------------- */

static void arrive(uint32_t n)
{
    a32_add(&there, n);
    a_after_rmw();
    set_edge();
}

static void end(void)
{
    a32_xchg(&over, 1);
    a_after_rmw();
    set_edge();
}

static void sends_two_and_one(void *unused)
{
    (void)unused;
    arrive(2);
    arrive(1);
    end();
}

static void makes_room(void *unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        a32_add(&room, 1);
        a_after_rmw();
        set_edge();
    }
}

static a32 has_sent;

static void makes_room_then(void *unused)
{
    while (!a32_load_acquire(&has_sent))
        os_futex_wait(&has_sent, 0, WEIR_NEVER);
    makes_room(unused);
    end(); /* till then it lingers */
}

/* ---- actors ------------------------------------------------------------------------------------
 */

static weir_stream opened(void)
{
    struct party *self = party_enter();
    weir_stream s = weir__socket_open(self, &net, 3, 0);
    party_leave(self);
    EXPLORE_EQ(weir_handle_check(s.h), 0);
    return s;
}

static int receives(void *unused)
{
    (void)unused;
    weir_stream s = opened();
    char x[2];
    ssize_t sum = 0, n;
    while ((n = weir_stream_recv(s, x, sizeof x)) > 0)
        sum += n;
    EXPLORE_EQ(n, 0);
    EXPLORE_EQ(sum, 3);
    return weir_close(s);
}

static int selects(void *unused)
{
    (void)unused;
    weir_stream s = opened();
    char x[2];
    const weir_bytes bytes = {x, sizeof x};
    weir_case c = weir_on_stream_recv(s, &bytes);
    ssize_t sum = 0;
    do {
        EXPLORE_EQ(weir_select(&c, 1, WEIR_FAIR), 0);
        EXPLORE_ASSERT(c.rc >= 0);
        sum += c.rc;
    } while (c.rc > 0);
    EXPLORE_EQ(sum, 3);
    return 0;
}

static int sends(void *unused)
{
    (void)unused;
    weir_stream s = opened();
    size_t sent;
    EXPLORE_EQ(weir_stream_send(s, "xyz", 3, &sent), 0);
    EXPLORE_EQ(sent, 3);
    return 0;
}

/* Closed by another one at any time. */
static int is_closed(void *arg)
{
    EXPLORE_EQ(weir_close(*(weir_stream *)arg), 0);
    return 0;
}

static int closes(void *unused)
{
    (void)unused;
    weir_stream s = opened();
    char x[2];
    ssize_t n;
    EXPLORE_EQ(weir_spawn(WEIR_RUN, is_closed, &s), 0);
    while ((n = weir_stream_recv(s, x, sizeof x)) > 0)
        ;
    EXPLORE_ASSERT(n == 0 || n == WEIR_ECLOSED);
    return 0;
}

static int takes_chunks(void *rx)
{
    weir_chunk c;
    int rc, sum = 0;
    while ((rc = weir_chunk_recv(*(weir_chunk_receiver *)rx, &c)) > 0) {
        sum += (int)c.size;
        weir_chunk_free(&c);
    }
    EXPLORE_EQ(rc, 0);
    return sum;
}

/* What the system does not take at once goes when nobody has the socket any more. */
static int leaves_a_rest(void *unused)
{
    (void)unused;
    weir_chunk_receiver rx;
    weir_chunk_sender tx;
    weir_chunk c;
    weir_time began = weir_now();
    EXPLORE_EQ(weir_stream_ends(opened(), &rx, &tx), 0);
    EXPLORE_EQ(weir_chunk_copy(&c, "xyz", 3), 0);
    EXPLORE_EQ(weir_chunk_send(tx, c), 0);
    a32_xchg(&has_sent, 1);
    os_futex_wake(&has_sent, EXPLORE_THREADS);
    weir_close(rx);
    weir_close(tx);
    while (!a32_load_acquire(&closed)) /* the run is to last so long */
        weir_yield();
    EXPLORE_ASSERT(a32_load(&went) == 3 || weir_now() - began >= 2 * WEIR_S);
    return 0;
}

static weir_task other;

static int shares(void *unused)
{
    (void)unused;
    weir_chunk_receiver rx;
    weir_chunk_sender tx;
    int theirs = 0;
    EXPLORE_EQ(weir_stream_ends(opened(), &rx, &tx), 0);
    EXPLORE_EQ(weir_spawn(WEIR_RUN, takes_chunks, &rx, .own = WEIR_OWN(weir_chunk_receiver, h),
                          .task = &other),
               0);
    int ours = takes_chunks(&rx);
    EXPLORE_EQ(weir_task_wait(other), 0);
    EXPLORE_EQ(weir_task_result(other, &theirs), 0);
    EXPLORE_EQ(ours + theirs, 3);
    return 0;
}

static void run_one(void *body)
{
    EXPLORE_EQ(weir_run((weir_body)(uintptr_t)body, NULL, NULL), 0);
}

static void run_two(void *body)
{
    EXPLORE_EQ(weir_run((weir_body)(uintptr_t)body, NULL, &(weir_options){.workers = 2}), 0);
}

static void room_for_one(void)
{
    a32_store(&room, 1);
}

static void is_over(void)
{
    EXPLORE_EQ(a32_load(&closed), 1);
}

/* Plain threads: one receives, one delivers events at the same time. */
static a32 finished;

static void receives_all(void *unused)
{
    receives(unused);
    a32_xchg(&finished, 1);
    ring(&sets[0]);
}

/* It is watched, a byte is there, and its event has been told. */
static weir_stream watched;

static void tell(void)
{
    struct net_event e;
    struct party *self = party_enter();
    if (poll_wait(0, &e, 1, 0))
        weir__net_event(&e, self->thread);
    party_leave(self);
}

static void watch(void)
{
    char x;
    watched = opened();
    EXPLORE_EQ(weir_stream_try_recv(watched, &x, 1), WEIR_EAGAIN);
    a32_add(&there, 1);
    set_edge();
    tell();
}

static void sends_one(void *unused)
{
    (void)unused;
    arrive(1);
}

static void receives_two(void *unused)
{
    char x[4];
    (void)unused;
    for (ssize_t sum = 0, n; sum < 2; sum += n)
        EXPLORE_ASSERT((n = weir_stream_recv(watched, x, sizeof x)) > 0);
    weir_close(watched);
    a32_xchg(&finished, 1);
    ring(&sets[0]);
}

static void delivers(void *unused)
{
    (void)unused;
    while (!a32_load_acquire(&finished)) {
        tell();
        if (!a32_load_acquire(&sets[0].rings) && !a32_load_acquire(&finished))
            os_futex_wait(&sets[0].rings, 0, WEIR_NEVER);
    }
}

/*
 * A wrapper takes the stream while another thread begins to receive, or to select: either that one
 * was before it, and it is refused, or nothing of that one is left.
 */
static void open_and_look(void)
{
    char x;
    watched = opened();
    EXPLORE_EQ(weir_stream_try_recv(watched, &x, 1), WEIR_EAGAIN);
}

static void receives_beside(void *unused)
{
    (void)unused;
    char x[4];
    ssize_t n = weir_stream_recv(watched, x, sizeof x);
    EXPLORE_ASSERT(n == 3 || n == WEIR_ECLOSED);
}

static void selects_beside(void *unused)
{
    (void)unused;
    char x[4];
    const weir_bytes bytes = {x, sizeof x};
    weir_case c = weir_on_stream_recv(watched, &bytes);
    EXPLORE_EQ(weir_select(&c, 1, WEIR_FAIR), 0);
    EXPLORE_ASSERT(c.rc == 3 || c.rc == WEIR_ECLOSED);
}

static void takes(void *unused)
{
    (void)unused;
    char x[4];
    weir_stream mine = weir_stream_take(watched);
    int rc = weir_check(mine);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_EBUSY);
    if (rc == 0)
        EXPLORE_EQ(weir_stream_try_recv(mine, x, sizeof x), WEIR_EAGAIN);
    arrive(3);
    tell();
    if (rc == 0) {
        EXPLORE_EQ(weir_stream_recv(mine, x, sizeof x), 3);
        weir_close(mine);
    }
}

/* A plain thread closes what lingers, while the poller goes that has heard of it. */
static a32 handed_out;

static int leaves_behind(void *unused)
{
    (void)unused;
    open_and_look();
    EXPLORE_EQ(weir_disown(watched), 0);
    a32_add(&there, 1);
    a32_xchg(&handed_out, 1);
    os_futex_wake(&handed_out, EXPLORE_THREADS);
    return 0;
}

static void await_handed_out(void)
{
    while (!a32_load_acquire(&handed_out))
        os_futex_wait(&handed_out, 0, WEIR_NEVER);
}

static void closes_unread(void *unused)
{
    (void)unused;
    await_handed_out();
    EXPLORE_EQ(weir_close(watched), 0);
    explore_no_more_hired();
}

static void ends_then(void *unused)
{
    (void)unused;
    await_handed_out();
    end();
}

#define BODY(body) ((void *)(uintptr_t)(body))
#define RECEIVE                                                                                    \
    .threads = {{"run", run_one, BODY(receives)}, {"peer", sends_two_and_one, NULL}},              \
    .check = is_over, .max_steps = 60000

EXPLORE_MODEL(net_recv_model, "bytes and the end arrive at any time", RECEIVE);
EXPLORE_MODEL(net_select, "the same in a select",
              .threads = {{"run", run_one, BODY(selects)}, {"peer", sends_two_and_one, NULL}},
              .check = is_over, .max_steps = 60000);
EXPLORE_MODEL(net_send_model, "room comes at any time", .setup = room_for_one,
              .threads = {{"run", run_one, BODY(sends)}, {"peer", makes_room, NULL}},
              .check = is_over, .max_steps = 60000);
/* With the lazy clock the two seconds do not pass before there is room. */
#define LINGER(clock)                                                                              \
    .setup = room_for_one,                                                                         \
    .threads = {{"run", run_two, BODY(leaves_a_rest)},                                             \
                {"worker", explore_hired, (void *)0},                                              \
                {"peer", makes_room_then, NULL}},                                                  \
    .check = is_over, .flags = EXPLORE_ONLY_RANDOM | (clock), .max_steps = 60000

EXPLORE_MODEL(net_linger, "closed with a rest on its way", LINGER(EXPLORE_LAZY_CLOCK));
EXPLORE_MODEL(net_rest_by_two, "the poller sends the rest beside who closes", LINGER(0),
              .mutation = "net: rest sent by two", .expect = "is 1, expected 0");
EXPLORE_MODEL(net_close_model, "closed while bytes arrive",
              .threads = {{"run", run_two, BODY(closes)},
                          {"worker", explore_hired, (void *)0},
                          {"peer", sends_two_and_one, NULL}},
              .check = is_over, .max_steps = 60000);
EXPLORE_MODEL(net_chunks, "two receivers of chunks on two workers",
              .threads = {{"run", run_two, BODY(shares)},
                          {"worker", explore_hired, (void *)0},
                          {"peer", sends_two_and_one, NULL}},
              .check = is_over, .max_steps = 60000);
#define BESIDE                                                                                     \
    .threads = {{"receiver", receives_all, NULL},                                                  \
                {"poller", delivers, NULL},                                                        \
                {"peer", sends_two_and_one, NULL}},                                                \
    .thread_exit = weir__thread_detach, .max_steps = 60000

#define LAST_BYTE                                                                                  \
    .setup = watch,                                                                                \
    .threads = {{"receiver", receives_two, NULL},                                                  \
                {"poller", delivers, NULL},                                                        \
                {"peer", sends_one, NULL}},                                                        \
    .thread_exit = weir__thread_detach, .max_steps = 60000

#define TAKE(other)                                                                                \
    .setup = open_and_look, .threads = {{"taker", takes, NULL}, {"other", other, NULL}},           \
    .thread_exit = weir__thread_detach, .max_steps = 60000

EXPLORE_MODEL(net_take, "taken while another one receives", TAKE(receives_beside));
EXPLORE_MODEL(net_take_select, "taken while another one selects", TAKE(selects_beside));
EXPLORE_MODEL(net_taken_late, "another one begins between the look and the closing",
              TAKE(receives_beside), .mutation = "stream: looked at, and then taken",
              .expect = "weir_stream_try_recv");
EXPLORE_MODEL(net_armed_for_ever, "armed through a handle that is closed by now",
              TAKE(selects_beside), .mutation = "net: armed, open or not", .expect = "is -16");
/* The same without the run: plain threads have found nothing, and then it is a poller's that goes.
 */
static void no_wake(struct poller *unused)
{
    (void)unused;
}

static const struct poller_ops goes_ops = {.wake = no_wake};
static struct netpoll goes = {.poller = {&goes_ops}, .net = &net, .set = SETS - 1};

static void heard_of_by_who_goes(void)
{
    open_and_look();
    struct party *self = party_enter();
    struct descriptor *d = weir__descriptor_named(sets[0].watched_as);
    struct netpoll *first = aptr_load(&d->home);
    a32_store(&sets[0].added, 0);
    aptr_store(&d->home, &goes);
    weir__netpoll_leave(first);
    party_leave(self);
    a32_store(&there, 1);
    a32_store(&handed_out, 1);
}

static void poller_goes(void *unused)
{
    (void)unused;
    struct party *self = party_enter();
    weir__net_poll_ends(&goes, self->thread);
    weir__linger_look(&goes, self->thread, true);
    party_leave(self);
}

static void closes_watched(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_close(watched), 0);
}

#define LEFT_BEHIND                                                                                \
    .threads = {{"run", run_one, BODY(leaves_behind)},                                             \
                {"closer", closes_unread, NULL},                                                   \
                {"plain threads' poller", explore_hired, (void *)0},                               \
                {"peer", ends_then, NULL}},                                                        \
    .check = is_over, .thread_exit = weir__thread_detach, .max_steps = 60000

#define GOES                                                                                       \
    .setup = heard_of_by_who_goes,                                                                 \
    .threads = {{"poller goes", poller_goes, NULL},                                                \
                {"closer", closes_unread, NULL},                                                   \
                {"plain threads' poller", explore_hired, (void *)0},                               \
                {"the next one", explore_hired, (void *)1},                                        \
                {"peer", ends_then, NULL}},                                                        \
    .check = is_over, .thread_exit = weir__thread_detach, .max_steps = 60000

#define CLOSED_PLAINLY                                                                             \
    .setup = open_and_look,                                                                        \
    .threads = {{"closer", closes_watched, NULL},                                                  \
                {"plain threads' poller", explore_hired, (void *)0}},                              \
    .check = is_over, .thread_exit = weir__thread_detach, .max_steps = 60000

EXPLORE_MODEL(net_goes, "closed with unread bytes beside a poller that goes", GOES);
EXPLORE_MODEL(net_closed_plainly, "the plain threads' poller ends with the last descriptor",
              CLOSED_PLAINLY);
EXPLORE_MODEL(net_left_behind, "closed with unread bytes while its poller goes", LEFT_BEHIND);
EXPLORE_MODEL(net_of_another, "a poller that goes goes on with what lingers at another one", GOES,
              .mutation = "net: a poller that goes tells who lingers", .expect = "crash");
EXPLORE_MODEL(net_wake_lost, "the plain threads' poller misses that it is over", CLOSED_PLAINLY,
              .mutation = "netpoll: a wake fetched behind the look", .expect = "deadlock");
EXPLORE_MODEL(net_beside, "events are delivered beside who receives", BESIDE);
EXPLORE_MODEL(net_last_byte, "nothing comes after the last byte", LAST_BYTE);
EXPLORE_MODEL(net_counted_late, "an edge is counted after the look at who waits", RECEIVE,
              .mutation = "net: edge counted late", .expect = "deadlock");
EXPLORE_MODEL(net_remembered_late, "the count of edges is read after the receive", LAST_BYTE,
              .flags = EXPLORE_ONLY_PCT, .mutation = "net: edges read late", .expect = "deadlock");
EXPLORE_MODEL(net_hangup, "a short receive after the end came is taken for all", RECEIVE,
              .mutation = "net: hang-up not seen", .expect = "deadlock");

/* SPDX-License-Identifier: MIT */
/*
 * F13: fork(2) without exec. A child of a process that has a run, a thread inside a call or a
 * descriptor that a plain thread waits for may call nothing: each call says so, none hangs, and the
 * parent does not notice. A child of a process without any of these is a process like others.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "../channels/child.h"
#include "../channels/kinds.h"
#include "net_test.h"
#include "signals_test.h"

enum { TOO_LONG = 60 }; /* seconds: then a child hangs, and is killed */

/* What a child finds. */
struct things {
    weir_sender tx;
    weir_receiver rx;
    weir_stream stream, peer;
    weir_listener listener;
    weir_group group;
    weir_task task;
    weir_lock lock;
    weir_address at;
};

static int no_body(void *arg)
{
    (void)arg;
    return 0;
}

/* ---- each kind of call, by the child ------------------------------------------------------- */

#define REFUSED(call) CHECK((int)(call) == WEIR_EPERM)
#define REFUSED_HANDLE(call) CHECK(weir_check(call) == WEIR_EPERM)

static int channels_refuse(const struct things *t)
{
    long item = 1;
    weir_sender tx;
    weir_receiver rx;
    weir_case c = weir_on_recv(t->rx, &item);
    REFUSED(weir_send(t->tx, &item));
    REFUSED(weir_try_send(t->tx, &item));
    REFUSED(weir_recv(t->rx, &item));
    REFUSED(weir_recv_by(t->rx, &item, weir_now()));
    REFUSED(weir_try_recv(t->rx, &item));
    REFUSED(weir_select(&c, 1, WEIR_FAIR));
    REFUSED(weir_try_select(&c, 1, WEIR_FAIR));
    REFUSED(weir_channel_open(&tx, &rx, sizeof item, 1, NULL));
    REFUSED_HANDLE(weir_sender_clone(t->tx));
    REFUSED(weir_receiver_fd(t->rx));
    REFUSED_HANDLE(weir_ticker_open(WEIR_S));
    REFUSED(weir_disown(t->tx));
    REFUSED(weir_close(t->tx));
    REFUSED(weir_close(t->rx));
    CHECK(weir_check(t->tx) == 0); /* it would be the parent's that is closed */
    return 0;
}

static int runtime_refuses(const struct things *t)
{
    int result;
    weir_actor_info info;
    REFUSED(weir_run(no_body, NULL, NULL));
    REFUSED(weir_start(no_body, NULL, NULL));
    REFUSED(weir_stop(NULL));
    REFUSED(weir_run_fd());
    REFUSED(weir_spawn(WEIR_RUN, no_body, NULL));
    REFUSED(weir_spawn(t->group, no_body, NULL));
    REFUSED(weir_group_cancel(t->group, NULL));
    REFUSED(weir_group_end(t->group));
    REFUSED(weir_task_wait(t->task));
    REFUSED(weir_task_result(t->task, &result));
    REFUSED(weir_lock_acquire(t->lock));
    REFUSED_HANDLE(weir_lock_open());
    REFUSED(weir_actors(&info, 1));
    REFUSED(weir_dump(stderr));
    REFUSED(weir_yield());
    REFUSED(weir_sleep(WEIR_NEVER));
    REFUSED_HANDLE(weir_scope_begin());
    REFUSED_HANDLE(weir_portal_share(NULL));
    REFUSED_HANDLE(weir_name_register("child", t->tx));
    return 0;
}

static int streams_refuse(const struct things *t)
{
    char c = 'x';
    REFUSED(weir_stream_send(t->stream, &c, 1, NULL));
    REFUSED(weir_stream_try_send(t->stream, &c, 1));
    REFUSED(weir_stream_recv(t->stream, &c, 1));
    REFUSED(weir_stream_recv_by(t->stream, &c, 1, weir_now()));
    REFUSED(weir_stream_try_recv(t->stream, &c, 1));
    REFUSED(weir_stream_send_eof(t->stream));
    REFUSED(weir_stream_close(t->stream, WEIR_NEVER));
    REFUSED(weir_stream_release(t->stream));
    REFUSED(weir_stream_abort(t->stream));
    REFUSED(weir_close(t->stream));
    REFUSED_HANDLE(weir_buffer(t->stream, NULL));
    return 0;
}

static int sockets_refuse(const struct things *t)
{
    weir_stream a, b;
    weir_receiver rx;
    REFUSED(weir_accept(t->listener, &a));
    REFUSED(weir_try_accept(t->listener, &a));
    REFUSED_HANDLE(weir_listener_clone(t->listener));
    REFUSED(weir_close(t->listener));
    REFUSED_HANDLE(weir_address_connect(&t->at, NULL));
    REFUSED_HANDLE(weir_tcp_connect("localhost", t->at.port, NULL));
    REFUSED_HANDLE(weir_tcp_listen(NULL, 0, NULL));
    REFUSED_HANDLE(weir_unix_connect("@weir-test-fork", NULL));
    REFUSED_HANDLE(weir_unix_listen("@weir-test-fork", NULL));
    REFUSED(weir_unix_pair(&a, &b));
    REFUSED(weir_stream_pair(&a, &b, 100));
    REFUSED_HANDLE(weir_descriptor_open(STDIN_FILENO));
    REFUSED_HANDLE(weir_server_open(NULL));
    REFUSED(weir_signals(&rx, SIGUSR1, 0));
    return 0;
}

static int all_refuse(const struct things *t)
{
    int rc = channels_refuse(t);
    rc = rc ? rc : runtime_refuses(t);
    rc = rc ? rc : streams_refuse(t);
    return rc ? rc : sockets_refuse(t);
}

/* ---- forking ------------------------------------------------------------------------------- */

/* Called by its name it is another one under coverage, which forgets what its handlers count. */
static pid_t (*volatile fork_itself)(void) = fork;

/* By whoever calls: its child runs `run`, whose result is the exit status. */
static void fork_and_await(int (*run)(const struct things *t), const struct things *t)
{
    fflush(NULL);
    pid_t pid = fork_itself();
    EXPECT(pid >= 0);
    if (pid == 0) {
        signal(SIGALRM, SIG_DFL);
        alarm(TOO_LONG);
        int status = run(t);
        child_keeps_coverage();
        _exit(status);
    }
    EXPECT_EQ(status_of(pid), 0);
}

static void *forks(void *things)
{
    fork_and_await(all_refuse, things);
    return NULL;
}

/* On a thread that has never called anything of weir's. */
static void fork_elsewhere(struct things *t)
{
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, forks, t) == 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
}

/* ---- a run goes on ------------------------------------------------------------------------- */

/* Sends back what comes: it waits for the event of a poller while there are children. */
static int echoes(void *arg)
{
    weir_stream s = *(weir_stream *)arg;
    char c;
    int rc;
    while ((rc = (int)weir_stream_recv(s, &c, 1)) > 0)
        if ((rc = weir_stream_send(s, &c, 1, NULL)) < 0)
            break;
    return rc;
}

static void there_and_back(weir_stream s)
{
    char c = 'a', d = 0;
    EXPECT_RC(weir_stream_send(s, &c, 1, NULL), 0);
    EXPECT_EQ(weir_stream_recv(s, &d, 1), 1);
    EXPECT_EQ(c, d);
}

/* All that it has is as before. */
static void is_undisturbed(struct things *t)
{
    long item = 7, got = 0;
    weir_stream s;
    there_and_back(t->stream);
    EXPECT_RC(weir_send(t->tx, &item), 0);
    EXPECT_RC(weir_recv(t->rx, &got), 1);
    EXPECT_EQ(got, item);
    weir_stream c = weir_address_connect(&t->at, NULL);
    EXPECT_RC(weir_check(c), 0);
    EXPECT_RC(weir_accept(t->listener, &s), 1);
    EXPECT_RC(weir_close(c), 0);
    EXPECT_RC(weir_close(s), 0);
    EXPECT_RC(weir_lock_acquire(t->lock), 0);
    EXPECT_RC(weir_lock_release(t->lock), 0);
}

static int has_children(void *elsewhere)
{
    struct things t;
    weir_stream none;
    EXPECT_RC(weir_channel_open(&t.tx, &t.rx, sizeof(long), 4, NULL), 0);
    connected_pair(false, &t.stream, &t.peer);
    t.listener = listen_here(&t.at);
    EXPECT_RC(weir_try_accept(t.listener, &none), WEIR_EAGAIN); /* it is watched */
    t.lock = weir_lock_open();
    t.group = weir_group_begin();
    EXPECT_RC(weir_spawn(t.group, echoes, &t.peer, .task = &t.task), 0);
    there_and_back(t.stream);
    for (int i = 0; i < 3; i++) {
        if (elsewhere)
            fork_elsewhere(&t);
        else
            fork_and_await(all_refuse, &t);
        is_undisturbed(&t);
    }
    EXPECT_RC(weir_close(t.stream), 0);
    return weir_group_end(t.group);
}

static void by_an_actor(void)
{
    run_and_count(has_children, NULL);
}

static void beside_a_run(void)
{
    run_and_count(has_children, &(bool){true});
}

/* ---- no run -------------------------------------------------------------------------------- */

static int streams_and_channels_refuse(const struct things *t)
{
    int rc = streams_refuse(t);
    return rc ? rc : channels_refuse(t);
}

static void open_things(struct things *t)
{
    EXPECT_RC(weir_channel_open(&t->tx, &t->rx, sizeof(long), 4, NULL), 0);
    t->listener = listen_here(&t->at);
    connected_pair(true, &t->stream, &t->peer);
}

static void close_things(struct things *t)
{
    EXPECT_RC(weir_close(t->tx), 0);
    EXPECT_RC(weir_close(t->rx), 0);
    EXPECT_RC(weir_close(t->listener), 0);
    EXPECT_RC(weir_close(t->stream), 0);
    EXPECT_RC(weir_close(t->peer), 0);
}

/* Its events come from a poller that a child would share. */
static void descriptor_watched(void)
{
    struct things t;
    char c;
    int before = descriptors_open();
    open_things(&t);
    EXPECT_RC((int)weir_stream_recv_by(t.stream, &c, 1, weir_after(0)), WEIR_ETIMEDOUT);
    fork_and_await(streams_and_channels_refuse, &t);
    EXPECT_RC(weir_stream_send(t.peer, "x", 1, NULL), 0);
    EXPECT_EQ(weir_stream_recv(t.stream, &c, 1), 1);
    close_things(&t);
    await_descriptors(before);
}

static int only_channels_refuse(const struct things *t)
{
    return channels_refuse(t);
}

static void *waits(void *arg)
{
    const struct things *t = arg;
    long item = 0;
    EXPECT_RC(weir_recv(t->rx, &item), 1);
    EXPECT_EQ(item, 3);
    return NULL;
}

static void thread_inside(void)
{
    struct things t;
    pthread_t thread;
    weir_statistics n = {0};
    long item = 3;
    EXPECT_RC(weir_channel_open(&t.tx, &t.rx, sizeof item, 4, NULL), 0);
    REQUIRE(pthread_create(&thread, NULL, waits, &t) == 0);
    while (weir_channel_statistics(t.rx, &n) == 0 && n.waiting_receivers == 0)
        sched_yield();
    fork_and_await(only_channels_refuse, &t);
    EXPECT_RC(weir_send(t.tx, &item), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_RC(weir_close(t.tx), 0);
    EXPECT_RC(weir_close(t.rx), 0);
}

/* ---- nothing in the way -------------------------------------------------------------------- */

static int talks_to_itself(void *arg)
{
    const struct things *t = arg;
    weir_stream a = weir_address_connect(&t->at, NULL), b;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_accept(t->listener, &b), 1);
    EXPECT_RC(weir_spawn(g, echoes, &b), 0);
    there_and_back(a);
    EXPECT_RC(weir_close(a), 0);
    return weir_group_end(g);
}

static int is_a_server(const struct things *t)
{
    long item = 5, got = 0;
    CHECK(weir_send(t->tx, &item) == 0 && weir_recv(t->rx, &got) == 1 && got == 5);
    CHECK(weir_run(talks_to_itself, (void *)(uintptr_t)t, NULL) == 0);
    CHECK(weir_close(t->listener) == 0);
    return 0;
}

/* Each child has the listener to itself; the parent still has it afterwards. */
static void servers(void)
{
    struct things t;
    await_no_thread(); /* else it might be in the way */
    int before = descriptors_open();
    faults_not(FAULTS_EINTR | FAULTS_EAGAIN,
               "a thread that had to wait for a socket is in the way");
    open_things(&t);
    for (int i = 0; i < 2; i++)
        fork_and_await(is_a_server, &t);
    EXPECT_RC(weir_run(talks_to_itself, &t, NULL), 0);
    close_things(&t);
    faults_as_before();
    await_descriptors(before);
}

/* ---- at any time --------------------------------------------------------------------------- */

static atomic_bool enough;

/* Gives back memory, and has a poller started and ended. */
static int comes_and_goes(void)
{
    weir_sender tx;
    weir_receiver rx;
    weir_address at;
    weir_stream a, b;
    char c;
    for (int i = 0; i < 40; i++)
        CHECK(weir_channel_open(&tx, &rx, 1, 1, NULL) == 0 && weir_close(tx) == 0 &&
              weir_close(rx) == 0);
    weir_listener l = listen_unix(&at);
    a = weir_address_connect(&at, NULL);
    CHECK_RC(weir_check(a), 0);
    CHECK_RC(weir_accept(l, &b), 1);
    CHECK_RC(weir_stream_recv_by(a, &c, 1, weir_after(0)), WEIR_ETIMEDOUT);
    CHECK(weir_close(a) == 0 && weir_close(b) == 0 && weir_close(l) == 0);
    return 0;
}

/* As a thread that ends. */
static void *once(void *wrong)
{
    *(int *)wrong = comes_and_goes();
    return NULL;
}

static int by_a_thread(void)
{
    pthread_t thread;
    int wrong = 0;
    CHECK(pthread_create(&thread, NULL, once, &wrong) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    return wrong;
}

static void *threads_come_and_go(void *unused)
{
    while (!atomic_load(&enough)) {
        EXPECT_EQ(by_a_thread(), 0);
        test_goes_on();
    }
    return unused;
}

/* The child may call nothing, or everything. */
static int refuses_or_works(const struct things *unused)
{
    weir_sender tx;
    weir_receiver rx;
    (void)unused;
    int rc = weir_channel_open(&tx, &rx, sizeof(int), 1, NULL);
    CHECK(rc == 0 || rc == WEIR_EPERM);
    if (rc < 0)
        return 0;
    CHECK(weir_close(tx) == 0 && weir_close(rx) == 0);
    if (SIGNALS_ARE_KEPT) /* ThreadSanitizer: nor may a child start threads */
        return 0;
    CHECK(by_a_thread() == 0);
    CHECK(weir_run(no_body, NULL, NULL) == 0);
    return 0;
}

static void any_time(void)
{
#if defined(SLOW_ASAN) || defined(EMULATED)
    return; /* locks of theirs may be held by a thread that the child does not have */
#endif
    pthread_t thread;
    faults_not(FAULTS_EINTR | FAULTS_EAGAIN, "they make each turn long");
    await_no_thread();
    int before = descriptors_open();
    atomic_store(&enough, false);
    REQUIRE(pthread_create(&thread, NULL, threads_come_and_go, NULL) == 0);
    for (int i = 0; i < 500 / SLOWNESS; i++)
        fork_and_await(refuses_or_works, NULL);
    atomic_store(&enough, true);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    faults_as_before();
    await_descriptors(before);
}

TEST_SUITE(fork, "io: fork", {"F13 F001 fork: by an actor", by_an_actor},
           {"F13 F001 fork: by a thread beside a run", beside_a_run},
           {"F13 F060 fork: a plain thread's descriptor is watched", descriptor_watched},
           {"F13 F037 fork: another thread waits", thread_inside},
           {"F13 F086 fork: nothing in the way: servers that were forked before", servers},
           {"F13 F060 fork: at any time, beside threads that come and go", any_time});

/* SPDX-License-Identifier: MIT */
/* test_deadlock.c - who is parked for ever: found on demand, reported when all is idle. */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "ends.h"

static int receives(void *arg)
{
    const struct ends *e = arg;
    uint64_t item;
    return weir_recv(e->rx, &item) < 0;
}

static int sends(void *arg)
{
    const struct ends *e = arg;
    uint64_t item = 1;
    return weir_send(e->tx, &item) == 0;
}

/* So that all that were spawned, and what they spawned, have parked. */
static void let_run(void)
{
    for (int i = 0; i < 4; i++)
        EXPECT_RC(weir_yield(), 0);
}

/* For those that need to know who has parked. */
static const weir_options one_worker = {.workers = 1};

static char *text;

static int deadlocked(void)
{
    size_t size;
    free(text);
    FILE *out = open_memstream(&text, &size);
    REQUIRE(out != NULL);
    int n = weir_deadlocked(out);
    fclose(out);
    return n;
}

static bool says(const char *part)
{
    return strstr(text, part) != NULL;
}

/* Some read it until they end, when the actor that set it has gone. */
static a32 stop;

/* ---- on demand ------------------------------------------------------------------------ */

/* What one is given it owns alone; the numbers stay known, so that the test can end it. */
#define GIVE_BOTH .give = WEIR_GIVE(struct ends, tx, rx)

/* Two that own the sender that the other waits for. */
static int circle(void *unused)
{
    struct ends a = open_ends(1), b = open_ends(1), x = {a.tx, b.rx}, y = {b.tx, a.rx};
    weir_sender mine = weir_sender_clone(a.tx);
    (void)unused;
    EXPECT_EQ(deadlocked(), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, receives, &x, .name = "x", GIVE_BOTH), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, receives, &y, .name = "y", GIVE_BOTH), 0);
    let_run();
    EXPECT_EQ(deadlocked(), 0); /* we may wake y, and then y may wake x by its end */
    EXPECT_STR(text, "");
    weir_close(mine);
    EXPECT_EQ(deadlocked(), 2);
    EXPECT(says("'x' is parked for ever: recv on channel "));
    EXPECT(says("(capacity 1, 0 buffered); its senders are of #"));
    EXPECT(says(" 'y'\n") && says(" 'x'\n"));
    EXPECT_EQ(weir_deadlocked(NULL), 2);
    size_t size;
    char *table = NULL;
    FILE *out = open_memstream(&table, &size);
    EXPECT_RC(weir_dump(out), 0);
    fclose(out);
    EXPECT(strncmp(table, "weir: 3 actors, 2 of them parked for ever\n", 42) == 0);
    EXPECT(strstr(table, " x               for ever ") != NULL);
    free(table);
    weir_close(a.tx);
    let_run();
    EXPECT_EQ(deadlocked(), 0);
    return 0;
}

static int sender_to_itself(void *unused)
{
    struct ends e = open_ends(0);
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, sends, &e, .name = "alone", GIVE_BOTH), 0);
    let_run();
    EXPECT_EQ(deadlocked(), 1);
    EXPECT(says("send on channel ") && says("; its receivers are of #"));
    weir_close(e.tx);
    return 0;
}

/* A handle that we own is what it waits on: we may close it. */
static int waits_on_a_loan(void *unused)
{
    struct ends e = open_ends(0), clone = {weir_sender_clone(e.tx), e.rx};
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, receives, &clone, .give = WEIR_GIVE(struct ends, tx)), 0);
    weir_close(e.tx);
    let_run();
    EXPECT_EQ(deadlocked(), 0);
    weir_close(e.rx);
    return 0;
}

/* Another receiver of its channel is no help. */
static int other_receiver(void *unused)
{
    struct ends e = open_ends(0);
    weir_receiver mine = weir_receiver_clone(e.rx);
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, receives, &e, GIVE_BOTH), 0);
    let_run();
    EXPECT_EQ(deadlocked(), 1);
    weir_close(mine);
    weir_close(e.tx);
    return 0;
}

static int many_owners(void *unused)
{
    struct ends e[7], shared = open_ends(0);
    (void)unused;
    for (int i = 0; i < 7; i++) {
        e[i] = (struct ends){weir_sender_clone(shared.tx), weir_receiver_clone(shared.rx)};
        EXPECT_RC(weir_spawn(WEIR_RUN, receives, &e[i], GIVE_BOTH), 0);
    }
    close_ends(shared);
    let_run();
    EXPECT_EQ(deadlocked(), 7);
    EXPECT(says(", and 3 more\n"));
    for (int i = 0; i < 7; i++)
        weir_close(e[i].tx);
    return 0;
}

static int waits_timed(void *arg)
{
    const struct ends *e = arg;
    uint64_t item;
    return weir_recv_by(e->rx, &item, weir_after(3600 * WEIR_S)) < 0;
}

static int with_a_deadline(void *unused)
{
    struct ends e = open_ends(0);
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, waits_timed, &e, GIVE_BOTH), 0);
    let_run();
    EXPECT_EQ(deadlocked(), 0);
    weir_close(e.tx);
    return 0;
}

/* ---- families --------------------------------------------------------------------------- */

struct family {
    struct ends ends;
    const a32 *stop; /* NULL: the second child waits as well */
};

static int child_yields(void *arg)
{
    const a32 *told = *(const a32 **)arg;
    while (!a32_load(told))
        weir_yield();
    return 0;
}

/* Owns what its children only borrow, and waits for them. */
static int parent(void *arg)
{
    const struct family *f = arg;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, receives, &f->ends, .name = "child"), 0);
    if (f->stop)
        EXPECT_RC(weir_spawn(g, child_yields, &f->stop, .name = "second"), 0);
    return weir_group_end(g);
}

#define GIVE_ENDS .give = WEIR_GIVE(struct family, ends.tx, ends.rx)

static int family(const a32 *told)
{
    struct family f = {open_ends(0), told};
    EXPECT_RC(weir_spawn(WEIR_RUN, parent, &f, .name = "parent", GIVE_ENDS), 0);
    let_run();
    int n = deadlocked();
    weir_close(f.ends.tx);
    return n;
}

/* The parent waits for the child, and the child for the parent. */
static int family_stuck(void *unused)
{
    (void)unused;
    EXPECT_EQ(family(NULL), 2);
    EXPECT(says("'parent' is parked for ever: end of group ") && says("(1 left)\n"));
    EXPECT(says("'child' is parked for ever: recv on channel ") && says("of #"));
    return 0;
}

/* The second child may have borrowed the sender. */
static int family_lives(void *unused)
{
    (void)unused;
    a32_store(&stop, 0);
    EXPECT_EQ(family(&stop), 0);
    a32_store(&stop, 1);
    return 0;
}

struct couple {
    struct ends own;
    const a32 *stop;
};

/* One child will never end, another may: so the group does not end. */
static int parent_of_unequal(void *arg)
{
    const struct couple *c = arg;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, receives, &c->own, .name = "stuck", GIVE_BOTH), 0);
    EXPECT_RC(weir_spawn(g, child_yields, &c->stop, .name = "lively"), 0);
    return weir_group_end(g);
}

static int one_child_is_stuck(void *unused)
{
    struct couple c = {open_ends(0), &stop};
    (void)unused;
    a32_store(&stop, 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, parent_of_unequal, &c, .name = "parent",
                         .give = WEIR_GIVE(struct couple, own.tx, own.rx)),
              0);
    let_run();
    EXPECT_EQ(deadlocked(), 2);
    EXPECT(says("'parent'") && says("'stuck'") && !says("'lively'"));
    weir_close(c.own.tx);
    a32_store(&stop, 1);
    return 0;
}

/* Its child, and what the child is stuck in, end by the deadline at the latest. */
static int parent_in_scope(void *arg)
{
    const struct ends *e = arg;
    weir_scope scope = weir_move_on_after(3600 * WEIR_S);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, receives, e, .name = "child"), 0);
    int rc = weir_group_end(g);
    weir_scope_end(scope);
    return rc;
}

static int scope_with_a_deadline(void *unused)
{
    struct ends e = open_ends(0);
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, parent_in_scope, &e, GIVE_BOTH), 0);
    let_run();
    EXPECT_EQ(deadlocked(), 0);
    weir_close(e.tx);
    return 0;
}

/* When the wait of who began the group ends, nothing ends for the child. */
struct patient {
    struct ends stuck;
    weir_receiver rx;
};

static int waits_beside_its_group(void *arg)
{
    struct patient *p = arg;
    uint64_t item;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, receives, &p->stuck, .name = "stuck", GIVE_BOTH), 0);
    EXPECT_RC(weir_recv_by(p->rx, &item, weir_after(3600 * WEIR_S)), 0);
    return weir_group_end(g);
}

static int owner_with_a_deadline(void *unused)
{
    struct ends wake = open_ends(0);
    struct patient p = {open_ends(0), wake.rx};
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, waits_beside_its_group, &p,
                         .give = WEIR_GIVE(struct patient, stuck.tx, stuck.rx, rx)),
              0);
    let_run();
    EXPECT_EQ(deadlocked(), 1);
    EXPECT(says("'stuck'"));
    weir_close(p.stuck.tx);
    weir_close(wake.tx);
    return 0;
}

static void on_demand(void)
{
    int (*const bodies[])(void *) = {
        circle,       sender_to_itself, waits_on_a_loan,       other_receiver,
        many_owners,  with_a_deadline,  scope_with_a_deadline, one_child_is_stuck,
        family_stuck, family_lives,     owner_with_a_deadline};
    for (unsigned i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        EXPECT_RC(weir_run(bodies[i], NULL, &one_worker), 0);
    EXPECT_EQ(deadlocked(), 0);
}

/* ---- several workers ---------------------------------------------------------------------- */

/* Pairs that are stuck, found while others run and talk; in the end all have been woken. */
static int stuck_among_others(void *unused)
{
    enum { PAIRS = 8 };
    struct ends a[PAIRS], b[PAIRS], lively = open_ends(1);
    const a32 *stop_it = &stop;
    (void)unused;
    a32_store(&stop, 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, child_yields, &stop_it), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, receives, &lively), 0);
    for (int i = 0; i < PAIRS; i++) {
        a[i] = open_ends(1);
        b[i] = open_ends(0);
        struct ends x = {a[i].tx, b[i].rx}, y = {b[i].tx, a[i].rx};
        EXPECT_RC(weir_spawn(WEIR_RUN, receives, &x, GIVE_BOTH), 0);
        EXPECT_RC(weir_spawn(WEIR_RUN, receives, &y, GIVE_BOTH), 0);
    }
    int found;
    while ((found = deadlocked()) < 2 * PAIRS)
        EXPECT(found >= 0 && weir_yield() == 0);
    EXPECT_EQ(found, 2 * PAIRS);
    for (int i = 0; i < PAIRS; i++)
        weir_close(a[i].tx);
    a32_store(&stop, 1);
    close_ends(lively);
    return 0;
}

static void several_workers(void)
{
    for (unsigned workers = 1; workers <= 8; workers *= 2)
        EXPECT_RC(weir_run(stuck_among_others, NULL, &(weir_options){.workers = workers}), 0);
}

/* ---- plain threads ------------------------------------------------------------------------ */

static struct ends of_thread;

static int waits_for_a_thread(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, receives, &of_thread), 0);
    let_run();
    EXPECT_EQ(deadlocked(), 0);
    weir_close(of_thread.tx);
    return 0;
}

static void threads_may_wake(void)
{
    of_thread = open_ends(2);
    EXPECT_RC(weir_run(waits_for_a_thread, NULL, &one_worker), 0);
    close_ends(of_thread);
}

/* ---- on idle ------------------------------------------------------------------------------ */

enum { RECORDS = 8 };
static char reported[RECORDS][256];
static char names[RECORDS][32];
static unsigned reports;
static sem_t reported_one;

static void keep(const weir_log_record *r, void *unused)
{
    (void)unused;
    if (r->kind == WEIR_LOG_GUARD) /* an old kernel, or an emulator */
        return;
    EXPECT_EQ(r->kind, WEIR_LOG_DEADLOCK);
    if (reports < RECORDS) {
        snprintf(reported[reports], sizeof reported[0], "%s", r->text);
        snprintf(names[reports], sizeof names[0], "%s", r->actor);
    }
    reports++;
    sem_post(&reported_one);
}

static void hear(void)
{
    reports = 0;
    sem_init(&reported_one, 0, 0);
    weir_set_log(keep, NULL);
}

static a64 rescue;

static void *rescues(void *unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++)
        sem_wait(&reported_one);
    EXPECT_RC(weir_handle_close(a64_load(&rescue)), 0);
    return NULL;
}

static int waits_for_itself(void *unused)
{
    struct ends e = open_ends(0);
    (void)unused;
    a64_store(&rescue, e.rx.h);
    return receives(&e) ? 0 : 1;
}

static void all_are_dead(void)
{
    pthread_t thread;
    hear();
    REQUIRE_EQ(pthread_create(&thread, NULL, rescues, NULL), 0);
    EXPECT_RC(weir_run(waits_for_itself, NULL, NULL), 0);
    pthread_join(thread, NULL);
    weir_set_log(NULL, NULL);
    EXPECT_EQ(reports, 2);
    EXPECT_STR(reported[0], "all 1 actors are parked for ever");
    EXPECT_STR(names[1], "main");
    EXPECT(strstr(reported[1], "parked for ever: recv on channel ") == reported[1]);
    EXPECT(strstr(reported[1], "its senders are of #") != NULL);
}

/* The first actor can be woken; whoever it spawns each time cannot. */
static int spawns_dead(void *unused)
{
    struct ends e[2];
    uint64_t item;
    (void)unused;
    for (int i = 0; i < 2; i++) {
        e[i] = open_ends(0);
        EXPECT_RC(weir_spawn(WEIR_RUN, receives, &e[i], .name = i ? "two" : "one", GIVE_BOTH), 0);
        EXPECT_RC(weir_recv(of_thread.rx, &item), 1);
    }
    weir_close(e[0].tx);
    weir_close(e[1].tx);
    return 0;
}

static void *sends_when_reported(void *unused)
{
    uint64_t item = 1;
    (void)unused;
    for (int i = 0; i < 2; i++) {
        sem_wait(&reported_one);
        EXPECT_RC(weir_send(of_thread.tx, &item), 0);
    }
    return NULL;
}

/* Each is reported once, though the second is found with the first. */
static void each_is_told_once(void)
{
    pthread_t thread;
    hear();
    of_thread = open_ends(0);
    REQUIRE_EQ(pthread_create(&thread, NULL, sends_when_reported, NULL), 0);
    EXPECT_RC(weir_run(spawns_dead, NULL, NULL), 0);
    pthread_join(thread, NULL);
    weir_set_log(NULL, NULL);
    close_ends(of_thread);
    EXPECT_EQ(reports, 2);
    EXPECT_STR(names[0], "one");
    EXPECT_STR(names[1], "two");
}

/* By the hook itself, which runs on the worker that is about to sleep. */
static void wake_main(const weir_log_record *r, void *unused)
{
    uint64_t item = 1;
    (void)unused;
    if (r->kind == WEIR_LOG_DEADLOCK)
        EXPECT_RC(weir_try_send(of_thread.tx, &item), 0);
}

static int spawns_one_dead(void *unused)
{
    struct ends e = open_ends(0);
    uint64_t item;
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, receives, &e, GIVE_BOTH), 0);
    EXPECT_RC(weir_recv(of_thread.rx, &item), 1);
    weir_close(e.tx);
    return 0;
}

static void hook_wakes_an_actor(void)
{
    of_thread = open_ends(0);
    weir_set_log(wake_main, NULL);
    for (unsigned n = 1; n <= 8; n *= 2)
        EXPECT_RC(weir_run(spawns_one_dead, NULL, &(weir_options){.workers = n}), 0);
    weir_set_log(NULL, NULL);
    close_ends(of_thread);
}

TEST_SUITE(deadlock, "actors: dead locks", {"deadlock: found on demand", on_demand},
           {"deadlock: with several workers", several_workers},
           {"deadlock: a thread's ends may be used", threads_may_wake},
           {"deadlock: all are dead, reported when idle", all_are_dead},
           {"deadlock: each is reported once", each_is_told_once},
           {"deadlock: the hook wakes an actor of its own worker", hook_wakes_an_actor});

/* SPDX-License-Identifier: MIT */
/* test_name.c - senders by name: registered, found, awaited, gone. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#include "../channels/kinds.h"

struct msg {
    weir_answer answer;
    int add;
};
WEIR_TYPE(msg, struct msg)
WEIR_TYPE(number, int)

static void in_run(weir_body body)
{
    EXPECT_RC(weir_run(body, NULL, NULL), 0);
}

static int find(const char *name)
{
    number_sender tx;
    int rc = weir_name_find(name, &tx, int);
    EXPECT_RC(weir_check(tx), rc);
    weir_close(tx);
    return rc;
}

/* ---- found ----------------------------------------------------------------------------------- */

static int finds(void *unused)
{
    number_sender tx, found;
    number_receiver rx;
    weir_statistics s;
    int n;
    (void)unused;
    REQUIRE_RC(number_channel(&tx, &rx, 4), 0);
    EXPECT_RC(find("numbers"), WEIR_ENOENT);
    weir_name name = weir_name_register("numbers", tx);
    EXPECT_RC(weir_check(name), 0);
    EXPECT_RC(weir_close(tx), 0); /* the name has its own */
    EXPECT_RC(weir_name_find("numbers", &found, int), 0);
    EXPECT(found.h != tx.h);
    EXPECT_RC(number_send(found, 7), 0);
    EXPECT_EQ(number_recv(rx, &n), 1);
    EXPECT_EQ(n, 7);
    EXPECT_RC(find("number"), WEIR_ENOENT);
    EXPECT_RC(find("numbers "), WEIR_ENOENT);
    EXPECT_RC(weir_channel_statistics(rx, &s), 0);
    EXPECT_EQ(s.open_senders, 2);
    EXPECT_RC(weir_close(name), 0);
    EXPECT_RC(weir_close(name), 0);
    EXPECT_RC(weir_check(name), WEIR_ECLOSED);
    EXPECT_RC(find("numbers"), WEIR_ENOENT);
    EXPECT_RC(number_send(found, 8), 0); /* who has found it keeps it */
    EXPECT_EQ(number_recv(rx, &n), 1);
    EXPECT_RC(weir_close(found), 0);
    EXPECT_EQ(number_recv(rx, &n), 0);
    return 0;
}

static void found(void)
{
    in_run(finds);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void expect_refused(weir_name name, int error)
{
    EXPECT_RC(weir_check(name), error);
    EXPECT(weir_close(name) <= 0);
}

static int refuses(void *unused)
{
    number_sender tx, found;
    number_receiver rx;
    msg_sender other;
    char longest[WEIR_NAME_MAX + 2];
    (void)unused;
    memset(longest, 'n', sizeof longest);
    longest[WEIR_NAME_MAX + 1] = 0;
    REQUIRE_RC(number_channel(&tx, &rx, 4), 0);
    expect_refused(weir_name_register(NULL, tx), WEIR_EINVAL);
    expect_refused(weir_name_register("", tx), WEIR_EINVAL);
    expect_refused(weir_name_register(longest, tx), WEIR_EINVAL);
    expect_refused(weir_name_register("receiver", rx), WEIR_EBADF);
    expect_refused(weir_name_register("none", (weir_sender){0}), WEIR_EBADF);
    expect_refused(weir_name_register("error", weir_supervisor_begin((weir_group){7}, NULL)),
                   WEIR_EBADF);
    EXPECT_RC(find("receiver"), WEIR_ENOENT);

    weir_name name = weir_name_register(longest + 1, tx);
    EXPECT_RC(weir_check(name), 0);
    EXPECT_RC(find(longest + 1), 0);
    EXPECT_RC(find(longest), WEIR_EINVAL);
    EXPECT_RC(find(NULL), WEIR_EINVAL);
    EXPECT_RC(find(""), WEIR_EINVAL);
    EXPECT_RC(weir_name_find_sized("numbers", NULL, sizeof(int)), WEIR_EINVAL);
    EXPECT_RC(weir_name_await_sized(NULL, &found.h, sizeof(int), WEIR_NEVER), WEIR_EINVAL);
    EXPECT_RC(weir_check(found), WEIR_EINVAL);
    expect_refused(weir_name_register(longest + 1, tx), WEIR_EALREADY);
    EXPECT_RC(weir_name_find(longest + 1, &other, struct msg), WEIR_EITEM);
    EXPECT_RC(weir_check(other), WEIR_EITEM);
    EXPECT_RC(weir_name_await(longest + 1, &other, struct msg, WEIR_NEVER), WEIR_EITEM);
    EXPECT_RC(weir_check(weir_sender_clone((weir_sender){name.h})), WEIR_EBADF);

    EXPECT_RC(weir_close(tx), 0);
    expect_refused(weir_name_register("closed", tx), WEIR_ECLOSED);
    weir_channel_options single = {.single_sender = true};
    REQUIRE_RC(number_channel_open(&tx, &rx, 4, &single), 0);
    expect_refused(weir_name_register("single", tx), WEIR_EBUSY);
    return 0;
}

static void errors(void)
{
    in_run(refuses);
    EXPECT_STR(weir_error_name(WEIR_ENOENT), "ENOENT");
}

/* ---- its end --------------------------------------------------------------------------------- */

/* Registers its first argument, and says so to who started it. */
static int registers(void *arg)
{
    const number_sender *tx = arg;
    weir_name name = weir_name_register("mine", *tx);
    EXPECT_RC(find("mine"), 0);
    return weir_check(name);
}

static int waits_with_a_name(void *arg)
{
    const number_sender *tx = arg;
    weir_name name = weir_name_register("mine", *tx);
    int rc = weir_check(name);
    if (rc == 0 && (rc = weir_child_started((void *)NULL)) == 0)
        rc = weir_sleep(WEIR_NEVER);
    return rc;
}

struct gift {
    weir_name name;
};

static int has_a_name(void *unused)
{
    (void)unused;
    EXPECT_RC(find("gift"), 0);
    return 0;
}

static int gives(void *unused)
{
    number_sender tx;
    number_receiver rx;
    struct gift gift;
    (void)unused;
    REQUIRE_RC(number_channel(&tx, &rx, 4), 0);
    gift.name = weir_name_register("gift", tx);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, has_a_name, &gift, .own = WEIR_OWN(struct gift, name)), WEIR_EBADF);
    EXPECT_RC(find("gift"), 0);
    EXPECT_RC(weir_spawn(g, has_a_name, &gift, .give = WEIR_GIVE(struct gift, name)), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_check(gift.name), WEIR_ECLOSED);
    EXPECT_RC(find("gift"), WEIR_ENOENT);
    EXPECT_RC(weir_disown(gift.name), WEIR_ECLOSED);
    gift.name = weir_name_register("gift", tx);
    EXPECT_RC(weir_disown(gift.name), 0);
    EXPECT_RC(weir_adopt(gift.name), 0);
    EXPECT_RC(weir_adopt(gift.name), 0);
    EXPECT_RC(weir_disown(gift.name), 0); /* it goes with the run */
    return 0;
}

static int owners(void *unused)
{
    number_sender tx;
    number_receiver rx;
    (void)unused;
    REQUIRE_RC(number_channel(&tx, &rx, 4), 0);
    for (int i = 0; i < 3; i++) {
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, registers, &tx), 0);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT_RC(find("mine"), WEIR_ENOENT);
        g = weir_group_begin();
        EXPECT_RC(weir_child_start(g, waits_with_a_name, (void *)NULL, &tx), 0);
        EXPECT_RC(find("mine"), 0);
        expect_refused(weir_name_register("mine", tx), WEIR_EALREADY);
        EXPECT_RC(weir_group_cancel(g, NULL), 0);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT_RC(find("mine"), WEIR_ENOENT);
    }
    {
        weir_auto(weir_name) scoped = weir_name_register("mine", tx);
        EXPECT_RC(find("mine"), 0);
    }
    EXPECT_RC(find("mine"), WEIR_ENOENT);
    return 0;
}

/* Nobody receives: the name leads nowhere, is not found, and another takes its place. */
static int replaces(void *unused)
{
    number_sender tx, next, found;
    number_receiver rx, next_rx;
    int n;
    (void)unused;
    REQUIRE_RC(number_channel(&tx, &rx, 4), 0);
    REQUIRE_RC(number_channel(&next, &next_rx, 4), 0);
    weir_name name = weir_name_register("numbers", tx);
    expect_refused(weir_name_register("numbers", next), WEIR_EALREADY);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(find("numbers"), WEIR_ENOENT);
    EXPECT_RC(weir_name_await("numbers", &found, int, weir_after(0)), WEIR_ETIMEDOUT);
    weir_name again = weir_name_register("numbers", next);
    EXPECT_RC(weir_check(again), 0);
    EXPECT_RC(weir_check(name), WEIR_ECLOSED);
    EXPECT_RC(weir_name_find("numbers", &found, int), 0);
    EXPECT_RC(number_send(found, 9), 0);
    EXPECT_EQ(number_recv(next_rx, &n), 1);
    EXPECT_RC(weir_close(name), 0); /* takes nothing from the other one */
    EXPECT_RC(find("numbers"), 0);

    number_sender hub; /* of a broadcast: those who find it may subscribe */
    REQUIRE_RC(number_broadcast(&hub, &rx, 4, WEIR_LOSE_NOTHING), 0);
    EXPECT_RC(weir_check(weir_name_register("hub", hub)), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(weir_name_find("hub", &found, int), 0);
    rx = number_broadcast_subscribe(found, WEIR_LOSE_NOTHING);
    EXPECT_RC(number_send(found, 3), 0);
    EXPECT_EQ(number_recv(rx, &n), 1);
    return 0;
}

static void ends(void)
{
    in_run(owners);
    in_run(gives);
    in_run(replaces);
}

/* ---- awaited --------------------------------------------------------------------------------- */

static int awaits(void *arg)
{
    weir_auto(number_sender) tx;
    const char *name = arg;
    int rc = weir_name_await(name, &tx, int, WEIR_NEVER);
    return rc < 0 ? rc : number_send(tx, name[0]);
}

static int for_names(void *unused)
{
    number_sender tx;
    number_receiver rx;
    int n;
    (void)unused;
    REQUIRE_RC(number_channel(&tx, &rx, WEIR_UNBOUNDED), 0);
    weir_group g = weir_group_begin();
    for (int i = 0; i < 5; i++) {
        EXPECT_RC(weir_spawn(g, awaits, (void *)"apple"), 0);
        EXPECT_RC(weir_spawn(g, awaits, (void *)"pear"), 0);
    }
    weir_settle();
    weir_name pear = weir_name_register("pear", tx);
    for (int i = 0; i < 5; i++) {
        EXPECT_EQ(number_recv(rx, &n), 1);
        EXPECT_EQ(n, 'p');
    }
    weir_settle();
    EXPECT_RC(number_try_recv(rx, &n), WEIR_EAGAIN);
    EXPECT_RC(weir_close(pear), 0);
    weir_name apple = weir_name_register("apple", tx);
    EXPECT_RC(weir_check(apple), 0);
    EXPECT_RC(weir_group_end(g), 0);
    for (int i = 0; i < 5; i++) {
        EXPECT_EQ(number_recv(rx, &n), 1);
        EXPECT_EQ(n, 'a');
    }

    EXPECT_RC(weir_name_await("kiwi", &tx, int, weir_after(0)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_name_await("kiwi", &tx, int, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_check(tx), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_name_await("apple", &tx, int, weir_after(0)), 0); /* it is there */
    EXPECT_RC(weir_close(tx), 0);
    weir_scope s = weir_move_on_after(WEIR_MS);
    EXPECT_RC(weir_name_await("kiwi", &tx, int, WEIR_NEVER), WEIR_ECANCELED);
    EXPECT_RC(weir_name_await("apple", &tx, int, WEIR_NEVER), WEIR_ECANCELED);
    EXPECT_RC(find("apple"), 0); /* never waits */
    EXPECT_EQ(weir_scope_end(s), 1);
    g = weir_group_begin();
    for (int i = 0; i < 5; i++)
        EXPECT_RC(weir_spawn(g, awaits, (void *)"kiwi"), 0);
    weir_settle();
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    return weir_group_end(g);
}

static void awaited(void)
{
    in_run(for_names);
}

static int waits_for_ever(void *unused)
{
    number_sender tx;
    (void)unused;
    EXPECT_RC(weir_name_await("kiwi", &tx, int, WEIR_NEVER), WEIR_EDEADLK);
    return 0;
}

/* Known by the process having no other thread; ThreadSanitizer has one of its own. */
static void in_simulation(void)
{
#if !defined(WEIR_TSAN)
    EXPECT_RC(weir_run(waits_for_ever, NULL, &(weir_options){.simulate = true, .seed = 1}),
              WEIR_EDEADLK);
#else
    (void)waits_for_ever;
#endif
    for (uint64_t seed = 1; seed < 20; seed++)
        EXPECT_RC(weir_run(for_names, NULL, &(weir_options){.simulate = true, .seed = seed}), 0);
}

static int waits_in_a_drop;

static void drop(void *item, void *context)
{
    number_sender tx;
    (void)item;
    (void)context;
    waits_in_a_drop = weir_name_await("kiwi", &tx, int, WEIR_NEVER);
    EXPECT_RC(find("kiwi"), WEIR_ENOENT);
}

static int drops(void *unused)
{
    number_sender tx;
    number_receiver rx;
    weir_channel_options o = {.drop = drop};
    (void)unused;
    REQUIRE_RC(number_channel_open(&tx, &rx, 1, &o), 0);
    EXPECT_RC(number_send(tx, 1), 0);
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_RC(waits_in_a_drop, WEIR_EPERM);
    return 0;
}

static void in_a_drop_function(void)
{
    in_run(drops);
}

/* ---- servers that are started again ------------------------------------------------------------
 */

enum { CRASH = -1 };

struct server {
    msg_receiver inbox;
};

static int serve(msg_receiver inbox)
{
    struct msg m;
    int rc, sum = 0;
    while ((rc = weir_request_recv(inbox, &m)) > 0) {
        if (m.add == CRASH)
            return WEIR_EITEM;
        sum += m.add;
        weir_answer_send(m.answer, &sum);
    }
    return rc;
}

static int has_mailbox(void *arg)
{
    const struct server *s = arg;
    return serve(s->inbox);
}

/* What it has registered ends with it, each time. */
static int registers_itself(void *unused)
{
    msg_sender tx;
    msg_receiver rx;
    (void)unused;
    int rc = weir_requests_open(&tx, &rx, struct msg, 4);
    if (rc < 0)
        return rc;
    weir_name name = weir_name_register("server", tx);
    return (rc = weir_check(name)) < 0 ? rc : serve(rx);
}

static int call_named(int add, bool waits)
{
    weir_auto(msg_sender) tx;
    int sum;
    int rc = waits ? weir_name_await("server", &tx, struct msg, WEIR_NEVER)
                   : weir_name_find("server", &tx, struct msg);
    if (rc == 0)
        rc = weir_call(tx, &(struct msg){.add = add}, &sum, WEIR_NEVER);
    return rc < 0 ? rc : sum;
}

static int without_a_gap(void *unused)
{
    msg_sender box;
    (void)unused;
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(g, &(weir_supervisor_options){.restarts = 100});
    REQUIRE_RC(weir_supervise_mailbox(sup, has_mailbox, &box,
                                      WEIR_REQUESTS(struct server, inbox, struct msg, 4),
                                      &(struct server){{0}}),
               0);
    EXPECT_RC(weir_check(weir_name_register("server", box)), 0);
    for (int i = 0; i < 50; i++) {
        EXPECT_RC(call_named(CRASH, false), WEIR_EPIPE);
        EXPECT_EQ(call_named(2, false), 2); /* whatever the supervisor is doing just now */
    }
    EXPECT_RC(weir_supervisor_stop(sup), 0);
    EXPECT_RC(call_named(2, false), WEIR_ENOENT);
    return weir_group_end(g);
}

static int again_and_again(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(g, &(weir_supervisor_options){.restarts = 100});
    REQUIRE_RC(weir_supervise(sup, registers_itself, NULL), 0);
    for (int i = 0; i < 50; i++) {
        EXPECT_RC(call_named(CRASH, true), WEIR_EPIPE);
        int rc;
        while ((rc = call_named(2, true)) == WEIR_EPIPE) /* it was found just before its end */
            ;
        EXPECT_EQ(rc, 2);
    }
    EXPECT_RC(weir_supervisor_stop(sup), 0);
    EXPECT_RC(call_named(2, false), WEIR_ENOENT);
    return weir_group_end(g);
}

static void supervised(void)
{
    in_run(without_a_gap);
    in_run(again_and_again);
}

/* ---- plain threads --------------------------------------------------------------------------- */

static atomic_int seen; /* by the thread */

static void *thread_awaits(void *name)
{
    number_sender tx;
    int rc = weir_name_await(name, &tx, int, WEIR_NEVER);
    if (rc == 0)
        rc = number_send(tx, 5);
    weir_close(tx);
    atomic_store(&seen, rc);
    return NULL;
}

static int receives_one(void *arg)
{
    number_sender tx;
    number_receiver rx;
    int n;
    REQUIRE_RC(number_channel(&tx, &rx, 0), 0);
    EXPECT_RC(weir_check(weir_name_register(arg, tx)), 0);
    EXPECT_EQ(number_recv(rx, &n), 1);
    EXPECT_EQ(n, 5);
    return 0;
}

static int thread_for_name(void *unused)
{
    pthread_t t;
    (void)unused;
    REQUIRE_EQ(pthread_create(&t, NULL, thread_awaits, "kiwi"), 0);
    EXPECT_RC(receives_one("kiwi"), 0);
    EXPECT_EQ(pthread_join(t, NULL), 0);
    EXPECT_RC(atomic_load(&seen), 0);
    return 0;
}

static pthread_t left;
static atomic_int is_there;
static number_sender outer;

static void *thread_is_left(void *unused)
{
    number_sender tx;
    (void)unused;
    EXPECT_RC(weir_check(weir_name_register("thread's", outer)), 0);
    atomic_store(&is_there, 1);
    atomic_store(&seen, weir_name_await("kiwi", &tx, int, WEIR_NEVER));
    EXPECT_RC(weir_check(tx), WEIR_EPERM);
    return NULL;
}

static int leaves_a_thread(void *unused)
{
    (void)unused;
    atomic_store(&is_there, 0);
    REQUIRE_EQ(pthread_create(&left, NULL, thread_is_left, NULL), 0);
    while (!atomic_load(&is_there))
        weir_yield();
    EXPECT_RC(find("thread's"), 0);
    return 0;
}

static int finds_nothing(void *unused)
{
    (void)unused;
    EXPECT_RC(find("thread's"), WEIR_ENOENT);
    return 0;
}

static void threads(void)
{
    number_receiver rx;
    weir_statistics s;
    REQUIRE_RC(number_channel(&outer, &rx, 4), 0);
    expect_refused(weir_name_register("early", outer), WEIR_EPERM);
    EXPECT_RC(find("early"), WEIR_EPERM);
    EXPECT_RC(weir_name_await("early", &(number_sender){0}, int, WEIR_NEVER), WEIR_EPERM);
    in_run(thread_for_name);
    for (int i = 0; i < 20; i++) {
        in_run(leaves_a_thread); /* its name goes with the run, and so does its wait end */
        EXPECT_EQ(pthread_join(left, NULL), 0);
        EXPECT_RC(atomic_load(&seen), WEIR_EPERM);
        EXPECT_RC(weir_channel_statistics(rx, &s), 0);
        EXPECT_EQ(s.open_senders, 1);
        in_run(finds_nothing);
    }
    EXPECT_RC(find("thread's"), WEIR_EPERM);
    weir_close(outer);
    weir_close(rx);
}

/* ---- many at once ---------------------------------------------------------------------------- */

static const char *const fruit[] = {"apple", "pear", "plum"};
static atomic_int registered, received;

/* Offers itself under one of the names, for a while, and until somebody has been heard. */
static int offers(void *arg)
{
    for (int i = 0; i < 40 || atomic_load(&received) == 0; i++) {
        number_sender tx;
        number_receiver rx;
        int n;
        int rc = number_channel(&tx, &rx, 1);
        if (rc < 0)
            return rc;
        weir_name name = weir_name_register(fruit[(i + (int)(intptr_t)arg) % 3], tx);
        weir_close(tx);
        if (weir_check(name) == 0) {
            atomic_fetch_add(&registered, 1);
            weir_yield();
            if (number_try_recv(rx, &n) == 1)
                atomic_fetch_add(&received, 1);
        } else {
            EXPECT_RC(weir_check(name), WEIR_EALREADY);
        }
        weir_close(i & 1 ? (weir_sender){rx.h} : (weir_sender){name.h});
        weir_yield();
        weir_close(name);
        weir_close(rx);
    }
    return 0;
}

/* Whatever is found is a sender that works, or whose receiver has gone. */
static int wants(void *arg)
{
    for (int i = (int)(intptr_t)arg;; i++) {
        number_sender tx;
        int rc = weir_name_await(fruit[i % 3], &tx, int, WEIR_NEVER);
        if (rc < 0)
            return rc;
        rc = number_send(tx, i);
        weir_close(tx);
        if (rc < 0 && rc != WEIR_EPIPE)
            return rc;
    }
}

static int market(void *unused)
{
    enum { EACH = 6 };
    (void)unused;
    weir_group g = weir_group_begin(), buyers = weir_group_begin();
    for (int i = 0; i < EACH; i++)
        EXPECT_RC(weir_spawn(buyers, wants, (void *)(intptr_t)i), 0);
    weir_group sellers = weir_group_begin();
    for (int i = 0; i < EACH; i++)
        EXPECT_RC(weir_spawn(sellers, offers, (void *)(intptr_t)i), 0);
    EXPECT_RC(weir_group_end(sellers), 0);
    EXPECT_RC(weir_group_cancel(buyers, NULL), 0);
    EXPECT_RC(weir_group_end(buyers), 0);
    EXPECT(atomic_load(&registered) > 0);
    EXPECT(atomic_load(&received) > 0);
    for (int i = 0; i < 3; i++)
        EXPECT_RC(find(fruit[i]), WEIR_ENOENT);
    return weir_group_end(g);
}

static void many(void)
{
    atomic_store(&registered, 0);
    atomic_store(&received, 0);
    in_run(market);
}

static int hundreds(void *unused)
{
    enum { NAMES = 3000 };
    number_sender tx;
    number_receiver rx;
    char text[16];
    (void)unused;
    REQUIRE_RC(number_channel(&tx, &rx, 1), 0);
    weir_name *name = malloc(NAMES * sizeof *name);
    REQUIRE(name != NULL);
    for (int i = 0; i < NAMES; i++) {
        snprintf(text, sizeof text, "%d", i);
        name[i] = weir_name_register(text, tx);
    }
    for (int i = 0; i < NAMES; i += 2)
        EXPECT_RC(weir_close(name[i]), 0);
    for (int i = 0; i < NAMES; i++) {
        snprintf(text, sizeof text, "%d", i);
        EXPECT_RC(find(text), i & 1 ? 0 : WEIR_ENOENT);
    }
    free(name);
    return 0;
}

static void thousands(void)
{
    in_run(hundreds);
}

/* ---- seen ------------------------------------------------------------------------------------ */

static void *registers_for_thread(void *tx)
{
    EXPECT_RC(weir_check(weir_name_register("b thread", *(number_sender *)tx)), 0);
    return NULL;
}

static int is_dumped(void *unused)
{
    number_sender tx, dead;
    number_receiver rx, gone;
    pthread_t t;
    char *text = NULL, wanted[256];
    size_t size = 0;
    weir_actor_info me;
    (void)unused;
    REQUIRE_RC(number_channel(&tx, &rx, 1), 0);
    REQUIRE_RC(number_channel(&dead, &gone, 1), 0);
    EXPECT_RC(weir_actor_self(&me), 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, awaits, (void *)"kiwi", .name = "patient"), 0);
    weir_settle();
    weir_name_register("c dead", dead);
    weir_close(gone);
    weir_name_register("a", tx);
    REQUIRE_EQ(pthread_create(&t, NULL, registers_for_thread, &tx), 0);
    EXPECT_EQ(pthread_join(t, NULL), 0);
    FILE *out = open_memstream(&text, &size);
    REQUIRE(out != NULL);
    EXPECT_RC(weir_dump(out), 0);
    fclose(out);
    char *at = strstr(text, "\nnames:\n");
    REQUIRE(at != NULL);
    char shown[256] = "";
    for (char *line = strtok(at, "\n"); line; line = strtok(NULL, "\n")) {
        char *from = strstr(line, ": channel 0x"), *by = from ? strstr(from, ", by") : NULL;
        snprintf(shown + strlen(shown), sizeof shown - strlen(shown), "%.*s%s\n",
                 from ? (int)(from - line) : (int)strlen(line), line, by ? by : "");
    }
    snprintf(wanted, sizeof wanted,
             "names:\n  a, by #%u main\n  b thread, by a thread\n"
             "  c dead, by #%u main, nobody receives\n",
             me.id, me.id);
    EXPECT_STR(shown, wanted);
    free(text);
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    return weir_group_end(g);
}

static int waits_are_dumped(void *unused)
{
    char *text = NULL;
    size_t size = 0;
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, awaits, (void *)"kiwi", .name = "patient"), 0);
    weir_settle();
    FILE *out = open_memstream(&text, &size);
    REQUIRE(out != NULL);
    EXPECT_RC(weir_dump(out), 0);
    fclose(out);
    char *line = strstr(text, " patient ");
    REQUIRE(line != NULL);
    *strchr(line, '\n') = 0;
    EXPECT_STR(line + strlen(line) - strlen(" a name"), " a name");
    EXPECT(strstr(text, "for ever") == NULL);
    free(text);
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    return weir_group_end(g);
}

static void dumped(void)
{
    in_run(is_dumped);
    in_run(waits_are_dumped);
}

TEST_SUITE(name, "names", {"a sender is found by its name", found}, {"names: errors", errors},
           {"a name ends with its owner, and gives way when it leads nowhere", ends},
           {"names are awaited", awaited}, {"names in simulated runs", in_simulation},
           {"names in a drop function", in_a_drop_function},
           {"names of servers that are started again", supervised},
           {"names and plain threads", threads}, {"many register and look up one name", many},
           {"thousands of names", thousands}, {"names are dumped", dumped});

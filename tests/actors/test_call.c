/* SPDX-License-Identifier: MIT */
/* test_call.c - mailboxes, calls, ends that travel inside items. */
#include <pthread.h>
#include <stdatomic.h>

#include <weir/weir.h>

#include "../channels/kinds.h"

struct msg {
    weir_answer answer;
    int add;
};
WEIR_TYPE(msg, struct msg)

struct counter {
    msg_receiver inbox;
    int sum;
};

static void in_run(weir_body body)
{
    EXPECT_RC(weir_run(body, NULL, NULL), 0);
}

static int count(void *arg)
{
    struct counter *c = arg;
    struct msg m;
    int rc;
    while ((rc = weir_request_recv(c->inbox, &m)) > 0) {
        c->sum += m.add;
        if (m.answer.h != 0)
            EXPECT_RC(weir_answer_send(m.answer, &c->sum), 0);
        EXPECT(weir_check(m.answer) < 0);
    }
    return rc;
}

static int spawns_and_calls(void *unused)
{
    msg_sender box;
    int sum = 0;
    (void)unused;
    weir_group g = weir_group_begin();
    REQUIRE_RC(weir_spawn_mailbox(g, count, &box,
                                  WEIR_REQUESTS(struct counter, inbox, struct msg, 4),
                                  &(struct counter){.sum = 10}, .name = "count"),
               0);
    EXPECT_RC(weir_call(box, &(struct msg){.add = 1}, &sum, WEIR_NEVER), 0);
    EXPECT_EQ(sum, 11);
    EXPECT_RC(msg_send(box, (struct msg){.add = 5}), 0); /* one way */
    EXPECT_RC(weir_call(box, &(struct msg){.add = 1}, &sum, weir_after(100 * WEIR_S)), 0);
    EXPECT_EQ(sum, 17);
    weir_close(box);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_call(box, &(struct msg){.add = 1}, &sum, WEIR_NEVER), WEIR_ECLOSED);
    return 0;
}

static void spawn_and_call(void)
{
    in_run(spawns_and_calls);
}

/* ---- many callers
 * -------------------------------------------------------------------------------- */

struct caller {
    msg_sender box;
    atomic_int *sums;
};

static int calls_often(void *arg)
{
    const struct caller *c = arg;
    int last = 0;
    for (int i = 0; i < 50; i++) {
        int sum;
        int rc = weir_call(c->box, &(struct msg){.add = 1}, &sum, WEIR_NEVER);
        if (rc < 0)
            return rc;
        EXPECT(sum > last); /* its own answers, in order */
        last = sum;
        atomic_fetch_add(c->sums, 1);
    }
    return 0;
}

static int many(void *unused)
{
    atomic_int sums = 0;
    struct caller c = {.sums = &sums};
    (void)unused;
    weir_group g = weir_group_begin();
    REQUIRE_RC(weir_spawn_mailbox(g, count, &c.box,
                                  WEIR_REQUESTS(struct counter, inbox, struct msg, 2),
                                  &(struct counter){.sum = 0}),
               0);
    for (int i = 0; i < 20; i++)
        EXPECT_RC(weir_spawn(g, calls_often, &c, .own = WEIR_OWN(struct caller, box)), 0);
    weir_close(c.box);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(atomic_load(&sums), 1000);
    return 0;
}

static void many_callers(void)
{
    in_run(many);
}

/* ---- no answer ------------------------------------------------------------------------------- */

static int receives_and_ends(void *arg)
{
    struct counter *c = arg;
    struct msg m;
    EXPECT_EQ(weir_request_recv(c->inbox, &m), 1);
    return 0;
}

static int closes_the_answer(void *arg)
{
    struct counter *c = arg;
    struct msg m;
    EXPECT_EQ(weir_request_recv(c->inbox, &m), 1);
    EXPECT_RC(weir_close(m.answer), 0);
    int rc = weir_request_recv(c->inbox, &m);
    EXPECT_EQ(rc, 0);
    return rc;
}

static int never_receives(void *arg)
{
    (void)arg;
    return weir_yield();
}

static int says_nothing(void *unused)
{
    static const weir_body bodies[] = {receives_and_ends, closes_the_answer, never_receives};
    (void)unused;
    for (unsigned i = 0; i < 3; i++) {
        msg_sender box;
        int sum;
        weir_group g = weir_group_begin();
        REQUIRE_RC(weir_spawn_mailbox(g, bodies[i], &box,
                                      WEIR_REQUESTS(struct counter, inbox, struct msg, 4),
                                      &(struct counter){.sum = 0}),
                   0);
        EXPECT_RC(weir_call(box, &(struct msg){.add = 1}, &sum, WEIR_NEVER), WEIR_EPIPE);
        weir_close(box);
        EXPECT_RC(weir_group_end(g), 0);
    }
    return 0;
}

static void no_answer(void)
{
    in_run(says_nothing);
}

/* ---- errors ------------------------------------------------------------------------------------
 */

static int edges(void *unused)
{
    msg_sender tx;
    msg_receiver rx;
    struct msg m;
    int sum = 0;
    long wrong = 7;
    (void)unused;
    REQUIRE_RC(weir_requests_open(&tx, &rx, struct msg, 1), 0);
    EXPECT_RC(weir_try_request_recv(rx, &m), WEIR_EAGAIN);
    EXPECT_RC(weir_request_recv_by(rx, &m, weir_after(0)), WEIR_ETIMEDOUT);
    /* Nobody is there: the request stays in the mailbox, the caller has gone. */
    EXPECT_RC(weir_call(tx, &(struct msg){.add = 3}, &sum, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_call(tx, &(struct msg){.add = 4}, &sum, weir_after(0)), WEIR_ETIMEDOUT);
    EXPECT_EQ(weir_try_request_recv(rx, &m), 1);
    EXPECT_EQ(m.add, 3);
    EXPECT_RC(weir_answer_send(m.answer, &wrong), WEIR_EITEM);
    EXPECT_RC(weir_check(m.answer), 0);
    EXPECT_RC(weir_answer_send(m.answer, &sum), WEIR_EPIPE);
    EXPECT_RC(weir_answer_send(m.answer, &sum), WEIR_ECLOSED);
    EXPECT_RC(weir_answer_send((weir_answer){0}, &sum), WEIR_EBADF);
    weir_close(rx);
    EXPECT_RC(weir_call(tx, &(struct msg){.add = 3}, &sum, WEIR_NEVER), WEIR_EPIPE);
    weir_close(tx);
    return 0;
}

static msg_sender reached_by_drop;
static int called_in_a_drop;

static void calls_in_a_drop(void *item, void *context)
{
    int sum;
    (void)item;
    (void)context;
    called_in_a_drop = weir_call(reached_by_drop, &(struct msg){.add = 3}, &sum, WEIR_NEVER);
}

static int drops(void *unused)
{
    weir_channel_options o = {.drop = calls_in_a_drop};
    msg_receiver rx;
    weir_sender tx;
    weir_receiver dropped;
    struct msg m;
    (void)unused;
    REQUIRE_RC(weir_requests_open(&reached_by_drop, &rx, struct msg, 1), 0);
    REQUIRE_RC(weir_channel_open(&tx, &dropped, sizeof m, 1, &o), 0);
    EXPECT_RC(weir_send(tx, &(struct msg){.add = 1}), 0);
    EXPECT_RC(weir_close(dropped), 0);
    EXPECT_RC(called_in_a_drop, WEIR_EPERM);
    EXPECT_RC(weir_try_request_recv(rx, &m), WEIR_EAGAIN); /* nothing was sent */
    return 0;
}

static void call_errors(void)
{
    in_run(edges);
    in_run(drops);
}

static int spawn_edges(void *unused)
{
    msg_sender box;
    struct counter c = {.sum = 0};
    (void)unused;
    EXPECT_RC(weir_spawn_mailbox(WEIR_RUN, NULL, &box,
                                 WEIR_REQUESTS(struct counter, inbox, struct msg, 4), &c),
              WEIR_EINVAL);
    EXPECT_RC(weir_check(box), WEIR_EINVAL);
    EXPECT_RC(weir_spawn_mailbox(WEIR_RUN, count, &box,
                                 WEIR_MAILBOX(struct counter, inbox, struct msg, 4), NULL),
              WEIR_EINVAL);
    EXPECT_RC(weir_spawn_mailbox(WEIR_RUN, count, &box,
                                 (&(weir_mailbox){.item_size = 4, .inbox = sizeof c}), &c),
              WEIR_EINVAL);
    EXPECT_RC(weir_spawn_mailbox(WEIR_RUN, count, &box,
                                 (&(weir_mailbox){.item_size = 4, .requests = true}), &c),
              WEIR_EINVAL);
    EXPECT_RC(weir_spawn_mailbox((weir_group){1}, count, &box,
                                 WEIR_MAILBOX(struct counter, inbox, struct msg, 4), &c),
              WEIR_EBADF);
    EXPECT_RC(weir_check(box), WEIR_EBADF);
    return 0;
}

static void spawn_errors(void)
{
    in_run(spawn_edges);
}

/* ---- disown and adopt ---------------------------------------------------------------------------
 */

struct gift {
    weir_receiver rx;
};

static int hands_on(void *arg)
{
    weir_sender *out = arg;
    struct gift gift;
    weir_sender tx;
    long item = 77;
    EXPECT_RC(weir_channel_open(&tx, &gift.rx, sizeof item, 1, NULL), 0);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(weir_disown(gift.rx), 0);
    EXPECT_RC(weir_disown(gift.rx), 0);
    return weir_send(*out, &gift);
}

struct over {
    weir_receiver rx;
    weir_handle *adopted;
};

static int takes_over(void *arg)
{
    const struct over *o = arg;
    struct gift gift;
    long item;
    EXPECT_EQ(weir_recv(o->rx, &gift), 1);
    EXPECT_RC(weir_adopt(gift.rx), 0);
    EXPECT_RC(weir_adopt(gift.rx), 0);
    EXPECT_EQ(weir_recv(gift.rx, &item), 1); /* who opened it has gone */
    EXPECT_EQ(item, 77);
    EXPECT_EQ(weir_recv(gift.rx, &item), 0);
    *o->adopted = gift.rx.h;
    return 0;
}

static int gives(void *unused)
{
    weir_sender tx;
    weir_handle adopted = 0;
    struct over over = {.adopted = &adopted};
    (void)unused;
    weir_group g = weir_group_begin();
    REQUIRE_RC(weir_channel_open(&tx, &over.rx, sizeof(struct gift), 1, NULL), 0);
    EXPECT_RC(weir_spawn(g, hands_on, &tx, .own = WEIR_OWN(weir_sender, h)), 0);
    EXPECT_RC(weir_group_end(g), 0); /* it has ended, the end is still open */
    g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, takes_over, &over), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_handle_check(adopted), WEIR_ECLOSED); /* with who adopted it */
    EXPECT_RC(weir_adopt(tx), 0);
    EXPECT_RC(weir_handle_adopt(0), WEIR_EBADF);
    EXPECT_RC(weir_handle_disown(adopted), WEIR_ECLOSED);
    EXPECT_RC(weir_disown(g), WEIR_ECLOSED);
    return 0;
}

static int steals(void *arg)
{
    weir_sender *tx = arg;
    EXPECT_RC(weir_adopt(*tx), WEIR_EBUSY);
    EXPECT_RC(weir_disown(*tx), WEIR_EBUSY);
    return 0;
}

static int steals_lock(void *arg)
{
    weir_lock *lock = arg;
    EXPECT_RC(weir_adopt(*lock), WEIR_EBUSY);
    EXPECT_RC(weir_disown(*lock), WEIR_EBUSY);
    return 0;
}

struct three {
    weir_event given, others, nobodys;
};

struct lent {
    weir_event given, others;
};

static int waits_for_it(void *arg)
{
    const struct lent *l = arg;
    EXPECT_RC(weir_event_wait(l->others), 0);
    EXPECT_RC(weir_check(l->given), 0);
    return 0;
}

static int refuses(void *unused)
{
    weir_sender tx;
    weir_receiver rx;
    (void)unused;
    weir_group g = weir_group_begin();
    REQUIRE_RC(weir_channel_open(&tx, &rx, 4, 1, NULL), 0);
    EXPECT_RC(weir_spawn(g, steals, &tx), 0);
    EXPECT_RC(weir_disown(g), WEIR_EBADF);
    return weir_group_end(g);
}

/* Primitives, futures and classes are moved as ends are; what has a place in its actor is not. */
static int primitives_move(void *unused)
{
    (void)unused;
    weir_lock lock = weir_lock_open();
    weir_future future = weir_future_open(0);
    weir_blocking class = weir_blocking_open(1);
    weir_portal portal = weir_portal_open();
    weir_task self_made;
    weir_group g = weir_group_begin();
    REQUIRE_RC(weir_spawn(g, steals_lock, &lock, .task = &self_made), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_disown(lock), 0);
    EXPECT_RC(weir_disown(lock), 0);
    EXPECT_RC(weir_adopt(lock), 0);
    EXPECT_RC(weir_adopt(lock), 0);
    EXPECT_RC(weir_disown(future), 0);
    EXPECT_RC(weir_close(future), 0);
    EXPECT_RC(weir_disown(future), WEIR_ECLOSED);
    EXPECT_RC(weir_disown(class), 0);
    EXPECT_RC(weir_adopt(class), 0);
    EXPECT_RC(weir_adopt(weir_blocking_default()), WEIR_EPERM);
    EXPECT_RC(weir_disown(portal), WEIR_EBADF);
    EXPECT_RC(weir_disown(self_made), WEIR_EBADF);
    return weir_portal_end(portal);
}

static int opens_three(void *arg)
{
    struct three *t = *(struct three **)arg;
    *t = (struct three){weir_event_open(), weir_event_open(), weir_event_open()};
    EXPECT_RC(weir_disown(t->nobodys), 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, waits_for_it, &((struct lent){t->given, t->others}),
                         .give = WEIR_GIVE(struct lent, given)),
              0);
    EXPECT_RC(weir_event_set(t->others), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_check(t->given), WEIR_ECLOSED); /* with the child */
    EXPECT_RC(weir_check(t->others), 0);
    return 0;
}

static int ends_without_its_own(void *unused)
{
    struct three t, *at = &t;
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, opens_three, &at), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_check(t.others), WEIR_ECLOSED);
    EXPECT_RC(weir_event_set(t.nobodys), 0);
    EXPECT_RC(weir_event_wait(t.nobodys), 0);
    EXPECT_RC(weir_close(t.nobodys), 0);
    return 0;
}

static void owners_of_primitives(void)
{
    in_run(primitives_move);
    in_run(ends_without_its_own);
}

/* A gift that a plain thread could not make is nobody's again. */
static int adopts(void *arg)
{
    return weir_adopt(((struct gift *)arg)->rx);
}

static int tells_closed_group(void *arg)
{
    weir_group g = weir_group_begin();
    *(weir_group *)arg = g;
    return weir_group_end(g);
}

static void failed_gift_of_a_thread(void)
{
    weir_sender tx;
    struct gift gift;
    weir_group g;
    REQUIRE_RC(weir_channel_open(&tx, &gift.rx, 4, 1, NULL), 0);
    EXPECT_RC(weir_run(tells_closed_group, &g, NULL), 0);
    EXPECT_RC(weir_spawn(g, adopts, &gift, .give = WEIR_GIVE(struct gift, rx)), WEIR_ECLOSED);
    EXPECT_RC(weir_run(adopts, &gift, NULL), 0);
    EXPECT_RC(weir_check(gift.rx), WEIR_ECLOSED);
    weir_close(tx);
}

/* ---- declared single ends change hands ------------------------------------------------------- */

static void *adopts_in_a_thread(void *arg)
{
    weir_receiver gifts = *(weir_receiver *)arg;
    struct gift gift;
    long item;
    EXPECT_EQ(weir_recv(gifts, &gift), 1);
    EXPECT_RC(weir_adopt(gift.rx), 0);
    EXPECT_EQ(weir_recv(gift.rx, &item), 1);
    EXPECT_EQ(item, 2);
    EXPECT_RC(weir_close(gift.rx), 0);
    return NULL;
}

static int single_to(bool thread)
{
    weir_channel_options single = {.single_receiver = true};
    struct over over = {.adopted = &(weir_handle){0}};
    struct gift gift;
    weir_sender tx, gifts;
    pthread_t t;
    long item = 1;
    weir_group g = weir_group_begin();
    REQUIRE_RC(weir_channel_open(&tx, &gift.rx, sizeof item, 2, &single), 0);
    REQUIRE_RC(weir_channel_open(&gifts, &over.rx, sizeof gift, 1, NULL), 0);
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_EQ(weir_recv(gift.rx, &item), 1); /* now it is this actor's */
    item = thread ? 2 : 77;
    EXPECT_RC(weir_send(tx, &item), 0);
    EXPECT_RC(weir_disown(gift.rx), 0);
    EXPECT_RC(weir_send(gifts, &gift), 0);
    weir_close(tx);
    if (thread) {
        REQUIRE_EQ(pthread_create(&t, NULL, adopts_in_a_thread, &over.rx), 0);
        EXPECT_EQ(pthread_join(t, NULL), 0);
    } else {
        EXPECT_RC(weir_spawn(g, takes_over, &over), 0);
    }
    return weir_group_end(g);
}

static int to_an_actor(void *unused)
{
    (void)unused;
    return single_to(false);
}

static int to_a_thread(void *unused)
{
    (void)unused;
    return single_to(true);
}

static void singles(void)
{
    in_run(to_an_actor);
    in_run(to_a_thread);
}

static void owners(void)
{
    in_run(gives);
    in_run(refuses);
}

/* ---- plain threads -----------------------------------------------------------------------------
 */

static void *serving_thread(void *arg)
{
    struct counter c = {.inbox = *(msg_receiver *)arg};
    EXPECT_EQ(count(&c), 0);
    return NULL;
}

static void between_threads(void)
{
    msg_sender tx;
    msg_receiver rx;
    pthread_t server;
    int sum;
    REQUIRE_RC(weir_requests_open(&tx, &rx, struct msg, 0), 0);
    REQUIRE_EQ(pthread_create(&server, NULL, serving_thread, &rx), 0);
    EXPECT_RC(weir_call(tx, &(struct msg){.add = 2}, &sum, WEIR_NEVER), 0);
    EXPECT_EQ(sum, 2);
    EXPECT_RC(weir_call(tx, &(struct msg){.add = 3}, &sum, WEIR_NEVER), 0);
    EXPECT_EQ(sum, 5);
    weir_close(tx);
    pthread_join(server, NULL);
    weir_close(rx);
}

/* ---- cancelled ---------------------------------------------------------------------------------
 */

static int cancelled_call(void *unused)
{
    msg_sender tx;
    msg_receiver rx;
    struct msg m;
    int sum;
    (void)unused;
    REQUIRE_RC(weir_requests_open(&tx, &rx, struct msg, 1), 0);
    weir_scope s = weir_move_on_after(WEIR_MS);
    EXPECT_RC(weir_call(tx, &(struct msg){.add = 2}, &sum, WEIR_NEVER), WEIR_ECANCELED);
    EXPECT_RC(weir_call(tx, &(struct msg){.add = 9}, &sum, WEIR_NEVER), WEIR_ECANCELED);
    EXPECT_RC(weir_scope_end(s), 1);
    EXPECT_EQ(weir_try_request_recv(rx, &m), 1); /* the first one was sent */
    EXPECT_EQ(m.add, 2);
    EXPECT_RC(weir_try_request_recv(rx, &m), WEIR_EAGAIN);
    return 0;
}

/* ---- at the same time ---------------------------------------------------------------------------
 */

static int answers_at_the_deadline(void *arg)
{
    struct counter *c = arg;
    struct msg m;
    int rc = weir_request_recv(c->inbox, &m);
    if (rc <= 0)
        return rc;
    EXPECT_RC(weir_sleep_until(m.add * WEIR_S), 0);
    c->sum = weir_answer_send(m.answer, &m.add);
    EXPECT_EQ(weir_request_recv(c->inbox, &m), 1); /* what the caller has made of it */
    EXPECT_RC(c->sum, m.add == 0 ? 0 : WEIR_EPIPE);
    return 0;
}

static int deadline_is_now(void *unused)
{
    msg_sender box;
    int reply = 0;
    (void)unused;
    int second = (int)(weir_now() / WEIR_S) + 3;
    weir_group g = weir_group_begin();
    REQUIRE_RC(weir_spawn_mailbox(g, answers_at_the_deadline, &box,
                                  WEIR_REQUESTS(struct counter, inbox, struct msg, 1),
                                  &(struct counter){.sum = 0}),
               0);
    int rc = weir_call(box, &(struct msg){.add = second}, &reply, second * WEIR_S);
    EXPECT(rc == WEIR_ETIMEDOUT || (rc == 0 && reply == second));
    EXPECT_RC(msg_send(box, (struct msg){.add = rc}), 0);
    return weir_group_end(g);
}

/* Either both know of the answer, or neither. */
static void at_the_deadline(void)
{
    for (uint64_t seed = 1; seed < 50; seed++)
        EXPECT_RC(weir_run(deadline_is_now, NULL, &(weir_options){.simulate = true, .seed = seed}),
                  0);
}

enum { HELD = 200 };

static int takes_many(void *arg)
{
    struct counter *c = arg;
    struct msg m;
    for (int i = 0; i < HELD; i++)
        EXPECT_EQ(weir_request_recv(c->inbox, &m), 1);
    return WEIR_EITEM;
}

static int is_let_down(void *arg)
{
    const struct caller *c = arg;
    int sum;
    EXPECT_RC(weir_call(c->box, &(struct msg){.add = 1}, &sum, WEIR_NEVER), WEIR_EPIPE);
    return 0;
}

/* Some were received, some are in the mailbox, some wait for room. */
static int holds_many(void *unused)
{
    struct caller c = {.sums = NULL};
    (void)unused;
    weir_group g = weir_group_begin();
    REQUIRE_RC(weir_spawn_mailbox(g, takes_many, &c.box,
                                  WEIR_REQUESTS(struct counter, inbox, struct msg, HELD / 2),
                                  &(struct counter){.sum = 0}, .isolated = true),
               0);
    for (int i = 0; i < 2 * HELD; i++)
        EXPECT_RC(weir_spawn(g, is_let_down, &c), 0);
    return weir_group_end(g);
}

static void dies_with_many(void)
{
    in_run(holds_many);
}

/* The one that has received a request need not be the one that answers it. */
static void *answering_thread(void *request)
{
    const struct msg *m = request;
    int sum = m->add + 1;
    EXPECT_RC(weir_answer_send(m->answer, &sum), 0);
    return NULL;
}

static int hands_to_a_thread(void *arg)
{
    const struct counter *c = arg;
    struct msg m;
    pthread_t t;
    EXPECT_EQ(weir_request_recv(c->inbox, &m), 1);
    REQUIRE_EQ(pthread_create(&t, NULL, answering_thread, &m), 0);
    EXPECT_EQ(pthread_join(t, NULL), 0);
    return 0;
}

static int by_another(void *unused)
{
    msg_sender box;
    int sum = 0;
    (void)unused;
    weir_group g = weir_group_begin();
    REQUIRE_RC(weir_spawn_mailbox(g, hands_to_a_thread, &box,
                                  WEIR_REQUESTS(struct counter, inbox, struct msg, 0),
                                  &(struct counter){.sum = 0}),
               0);
    EXPECT_RC(weir_call(box, &(struct msg){.add = 4}, &sum, WEIR_NEVER), 0);
    EXPECT_EQ(sum, 5);
    return weir_group_end(g);
}

static void answered_by_another(void)
{
    in_run(by_another);
}

static void cancels(void)
{
    in_run(cancelled_call);
}

TEST_SUITE(call, "calls and mailboxes", {"a child with a mailbox answers calls", spawn_and_call},
           {"many callers get their own answers", many_callers},
           {"a server that answers nothing: WEIR_EPIPE", no_answer},
           {"calls: errors, sizes, deadlines", call_errors},
           {"spawn with a mailbox: errors", spawn_errors},
           {"F003 ends inside items: disown and adopt", owners},
           {"F003 owners: primitives, futures and classes as well", owners_of_primitives},
           {"F003 owners: a gift that a thread could not make", failed_gift_of_a_thread},
           {"F003 declared single ends are adopted", singles},
           {"an answer at the deadline", at_the_deadline},
           {"a server dies with many requests", dies_with_many},
           {"another thread answers", answered_by_another},
           {"calls between plain threads", between_threads}, {"F012 a call is cancelled", cancels});

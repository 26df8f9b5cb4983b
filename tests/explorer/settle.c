/* SPDX-License-Identifier: MIT */
/* settle.c - wait until all others are parked, on two workers: docs/protocol.md, "Settle". */
#include <string.h>

#include "lock.h"
#include "model.h"
#include "scheduler.h"
#include "settle.h"

/* ---- the look, by itself ------------------------------------------------------------ */

/*
 * Two workers without a run, and two settlers, which are actors of one each. A party's wake
 * makes it runnable there. Another actor is woken on worker 1 when the first settler waits, so
 * nobody may be told before it has run.
 */
struct settler {
    struct actor actor;
    unsigned again; /* how often it will wait once more */
    bool runnable, over;
};

static struct runtime rt;
static struct worker w[2];
static struct thread threads[2];
static struct settler s[2];
static struct actor other;
static bool other_ran;

static void settler_wakes(struct party *p)
{
    struct settler *it = container_of(actor_of(p), struct settler, actor);
    unsigned home = it == &s[1];
    EXPLORE_ASSERT(other_ran);
    if (home == 1 && s[1].again == 0)
        EXPLORE_ASSERT(s[0].over); /* was told with it the time before */
    if (a64_load(&threads[home].reclaim.epoch))
        it->runnable = true; /* it is its own worker that wakes it */
    else
        weir__inject(&w[home], &it->actor);
}

static void open_look(void)
{
    static const struct party_ops ops = {.wake = settler_wakes};
    rt.workers = 2;
    for (unsigned i = 0; i < 2; i++) {
        rt.worker[i] = &w[i];
        w[i].runtime = &rt;
        w[i].thread = &threads[i];
        ck_stack_init(&w[i].inject);
        s[i].actor.party.ops = &ops;
    }
}

/* As weir_settle() does. */
static void wait_settled(struct settler *it)
{
    struct waiter *mine = &it->actor.party.waiter;
    a32_add(&rt.settlers, 1);
    lock_acquire(&rt.settling.lock, 0);
    a32_store_release(&mine->linked, LINKED);
    waitq_append(&rt.settling.waiters, mine);
    lock_release(&rt.settling.lock, 0);
}

static void settler_runs(struct settler *it)
{
    explore_yield();
    it->runnable = false;
    a32_add(&rt.settlers, UINT32_MAX);
    it->over = it->again == 0;
    if (it->again-- > 0)
        wait_settled(it);
}

/* As worker.c does. */
static void naps(struct worker *me)
{
    weir__nap_begin(me);
    a32_xchg(&me->asleep, 1);
    if (!ck_pr_load_ptr(&me->inject.head) && !weir__settled(me))
        os_futex_wait(&me->asleep, 1, WEIR_NEVER);
    weir__nap_end(me);
    a32_xchg(&me->asleep, 0);
}

static void run_all(struct worker *me, struct settler *mine)
{
    ck_stack_entry_t *e = ck_stack_batch_pop_upmc(&me->inject);
    while (e) {
        struct actor *a = container_of(e, struct actor, injected);
        e = e->next;
        for (unsigned i = 0; i < 8; i++) /* long enough to be overtaken by a look */
            explore_yield();
        if (a == &other)
            other_ran = true;
        else
            mine->runnable = true;
    }
    if (mine->runnable)
        settler_runs(mine);
}

static void worker_0(void *unused)
{
    (void)unused;
    wait_settled(&s[0]);
    weir__inject(&w[1], &other);
    while (!s[0].over) {
        naps(&w[0]);
        run_all(&w[0], &s[0]);
    }
    weir__nap_begin(&w[0]); /* for good */
    a32_xchg(&w[0].asleep, 1);
    (void)weir__settled(&w[0]);
}

static void worker_1(void *settles)
{
    s[1].again = 1;
    if (settles)
        wait_settled(&s[1]);
    while (!(settles ? s[1].over : s[0].over)) {
        naps(&w[1]);
        run_all(&w[1], &s[1]);
    }
    weir__nap_begin(&w[1]);
    a32_xchg(&w[1].asleep, 1);
    (void)weir__settled(&w[1]);
}

static void all_told(void)
{
    EXPLORE_ASSERT(s[0].over);
}

static void both_told(void)
{
    EXPLORE_ASSERT(s[0].over && s[1].over);
}

#define LOOK_ONE(ident, text, ...)                                                                 \
    EXPLORE_MODEL(ident, text, .setup = open_look, .check = all_told, .flags = EXPLORE_MAY_BLOCK,  \
                  .threads = {{"worker 0", worker_0, NULL}, {"worker 1", worker_1, NULL}},         \
                  __VA_ARGS__)
#define LOOK_TWO(ident, text, ...)                                                                 \
    EXPLORE_MODEL(ident, text, .setup = open_look, .check = both_told, .flags = EXPLORE_MAY_BLOCK, \
                  .threads = {{"worker 0", worker_0, NULL}, {"worker 1", worker_1, &rt}},          \
                  __VA_ARGS__)

LOOK_ONE(settle_one, "F140 settle: another one is woken first", .max_steps = 0);
LOOK_TWO(settle_two, "F140 settle: two wait, one of them again", .max_steps = 0);
LOOK_ONE(settle_no_naps, "settle: the other worker may run",
         .mutation = "settle: naps not looked at");
LOOK_ONE(settle_no_inject, "settle: who was woken on the other worker is forgotten",
         .mutation = "settle: inject not looked at");
LOOK_ONE(settle_no_second_look, "settle: who was taken during the look is forgotten",
         .mutation = "settle: no second look");
LOOK_TWO(settle_in_nap, "settle: who wakes others is taken for one that sleeps",
         .mutation = "settle: wakes in its nap");

/* ---- runs -------------------------------------------------------------------------- */

enum { ITEMS = 2 };

static weir_sender work_tx, told_tx;
static weir_receiver work_rx, told_rx;
static unsigned done;

static void open_settle(void)
{
    done = 0;
    EXPLORE_EQ(weir_channel_open(&work_tx, &work_rx, sizeof(unsigned), ITEMS, NULL), 0);
    EXPLORE_EQ(weir_channel_open(&told_tx, &told_rx, sizeof(unsigned), 1, NULL), 0);
}

static int run_two(weir_body body)
{
    return weir_run(body, NULL, &(weir_options){.workers = 2});
}

/* Deals with each item in two steps, between which it is not parked. */
static int works(void *unused)
{
    unsigned item;
    (void)unused;
    while (weir_recv(work_rx, &item) > 0) {
        explore_yield();
        done++;
    }
    return 0;
}

static void settle_after(unsigned items)
{
    EXPLORE_EQ(weir_settle(), 0);
    EXPLORE_EQ(done, items);
}

/* ---- two actors ------------------------------------------------------------------- */

static int sends_and_settles(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    EXPLORE_EQ(weir_spawn(g, works, NULL), 0);
    for (unsigned i = 1; i <= ITEMS; i++) {
        EXPLORE_EQ(weir_send(work_tx, &i), 0);
        settle_after(i);
    }
    EXPLORE_EQ(weir_close(work_tx), 0);
    return weir_group_end(g);
}

static void run_sends(void *unused)
{
    (void)unused;
    EXPLORE_EQ(run_two(sends_and_settles), 0);
}

#define PAIR                                                                                       \
    {                                                                                              \
        {"worker 0", run_sends, NULL},                                                             \
        {                                                                                          \
            "worker 1", explore_hired, (void *)0                                                   \
        }                                                                                          \
    }
#define SETTLE(ident, text, ...)                                                                   \
    EXPLORE_MODEL(ident, text, .setup = open_settle, .max_steps = 60000,                           \
                  .thread_exit = weir__thread_detach, __VA_ARGS__)

SETTLE(settle_pair, "F140 settle: what was sent before is dealt with", .threads = PAIR);

/* ---- an actor on each worker ------------------------------------------------------- */

/* A plain thread's second actor goes to worker 1; pinned, it stays there. */
static weir_group group;

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

static void spawn_elsewhere(weir_body body)
{
    EXPLORE_EQ(weir_spawn(group, nothing, NULL), 0);
    EXPLORE_EQ(weir_spawn(group, body, NULL, .pinned = true), 0);
}

/* What main does in the group into which the plain thread spawns. */
static void begin_group(void)
{
    group = weir_group_begin();
    EXPLORE_EQ(weir_send(work_tx, &(unsigned){1}), 0);
}

static void await_group(void)
{
    unsigned told;
    EXPLORE_EQ(weir_recv(work_rx, &told), 1);
}

#define THREE(run, thread)                                                                         \
    {                                                                                              \
        {"worker 0", run, NULL}, {"worker 1", explore_hired, (void *)0},                           \
        {                                                                                          \
            "plain", thread, NULL                                                                  \
        }                                                                                          \
    }

/* ---- somebody is woken on the other worker ------------------------------------------ */

static int works_once(void *unused)
{
    (void)unused;
    explore_yield();
    done++;
    return 0;
}

static int waits_and_settles(void *unused)
{
    unsigned told;
    (void)unused;
    begin_group();
    EXPLORE_EQ(weir_recv(told_rx, &told), 1);
    settle_after(1);
    return weir_group_end(group);
}

static void run_waits(void *unused)
{
    (void)unused;
    EXPLORE_EQ(run_two(waits_and_settles), 0);
}

static void spawns_and_tells(void *unused)
{
    (void)unused;
    await_group();
    spawn_elsewhere(works_once);
    EXPLORE_EQ(weir_send(told_tx, &(unsigned){1}), 0);
}

SETTLE(settle_foreign, "F140 settle: a plain thread has spawned on another worker",
       .threads = THREE(run_waits, spawns_and_tells));

/* ---- two that settle, one of them again ---------------------------------------------- */

static bool settling;

static int settles_twice(void *unused)
{
    (void)unused;
    bool both = settling;
    EXPLORE_EQ(weir_settle(), 0);
    EXPLORE_EQ(weir_settle(), 0);
    EXPLORE_ASSERT(!both || !settling); /* one look woke both: the other one has gone on */
    return 0;
}

static int settles_beside(void *unused)
{
    unsigned told;
    (void)unused;
    settling = false;
    begin_group();
    EXPLORE_EQ(weir_recv(told_rx, &told), 1);
    settling = true;
    EXPLORE_EQ(weir_settle(), 0);
    settling = false;
    return weir_group_end(group);
}

static void run_beside(void *unused)
{
    (void)unused;
    EXPLORE_EQ(run_two(settles_beside), 0);
}

static void spawns_settler(void *unused)
{
    (void)unused;
    await_group();
    spawn_elsewhere(settles_twice);
    EXPLORE_EQ(weir_send(told_tx, &(unsigned){1}), 0);
}

SETTLE(settle_beside, "F140 settle: two wait, and return at the same moment",
       .threads = THREE(run_beside, spawns_settler));

/* ---- cancelled ---------------------------------------------------------------------- */

static weir_scope to_cancel;

static int is_cancelled(void *unused)
{
    (void)unused;
    to_cancel = weir_scope_begin();
    EXPLORE_EQ(weir_send(told_tx, &(unsigned){1}), 0);
    int rc = weir_settle();
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECANCELED);
    EXPLORE_ASSERT(weir_scope_end(to_cancel) >= 0);
    return 0;
}

static void run_cancelled(void *unused)
{
    (void)unused;
    EXPLORE_EQ(run_two(is_cancelled), 0);
}

static void cancels(void *unused)
{
    unsigned told;
    (void)unused;
    EXPLORE_EQ(weir_recv(told_rx, &told), 1);
    int rc = weir_scope_cancel(to_cancel, NULL);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECLOSED);
}

SETTLE(settle_cancelled, "F140 settle: cancelled by a thread",
       .threads = {{"worker 0", run_cancelled, NULL},
                   {"worker 1", explore_hired, (void *)0},
                   {"canceller", cancels, NULL}});

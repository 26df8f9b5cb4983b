/* SPDX-License-Identifier: MIT */
/* test_oom.c - every allocation and mapping of a run fails once. See oom.h. */
#include "../channels/oom.h"
#include "one_worker.h"

#include "flow_actors.h"

#include "../channels/ops.h"

/* Actors of these scenarios tell what they met here; a run has one worker. */
static int met;

/* What a run or an actor may meet for want of memory. */
static bool is_want(int rc)
{
    return rc == WEIR_ENOMEM || rc == WEIR_ESTACK;
}

static void note(int rc)
{
    if (rc < 0) {
        OOM_CHECK(is_want(rc));
        if (met == 0)
            met = rc;
    }
}

/* Run, and afterwards make sure that a run with memory works. */
static int result_of(weir_body body)
{
    met = 0;
    int rc = weir_run(body, NULL, &one_worker);
    OOM_CHECK(rc >= 0 || is_want(rc));
    oom_off();
    return rc < 0 ? rc : met;
}

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int run_alone(void)
{
    return result_of(do_nothing);
}

/* ---- F002 spawn ----------------------------------------------------------------------------- */

struct large {
    unsigned char bytes[WEIR_ARG_MAX];
};

static int check_large(void *arg)
{
    struct large *l = arg;
    for (size_t i = 0; i < sizeof l->bytes; i++)
        OOM_CHECK(l->bytes[i] == (unsigned char)(i * 3));
    return 0;
}

static int spawn_large(void *unused)
{
    static struct large l;
    (void)unused;
    for (size_t i = 0; i < sizeof l.bytes; i++)
        l.bytes[i] = (unsigned char)(i * 3);
    for (unsigned i = 0; i < 20; i++)
        note(weir_spawn(WEIR_RUN, check_large, &l));
    return 0;
}

static int large_arguments(void)
{
    return result_of(spawn_large);
}

struct eight {
    weir_handle h[8];
};

#define ALL_EIGHT WEIR_OWN(struct eight, h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7])

static int open_eight(struct eight *e)
{
    for (unsigned i = 0; i < 8; i += 2) {
        weir_sender tx;
        weir_receiver rx;
        int rc = weir_channel_open(&tx, &rx, 8, 1, NULL);
        if (rc < 0)
            return rc;
        e->h[i] = tx.h;
        e->h[i + 1] = rx.h;
    }
    return 0;
}

static bool have_handles(const struct eight *e, size_t n)
{
    for (unsigned i = 0; i < 8; i++)
        if (stats_of(e->h[i]).open_senders != n || stats_of(e->h[i]).open_receivers != n)
            return false;
    return true;
}

/* Eight clones or none, again and again. */
static int spawn_with_clones(void *unused)
{
    struct eight e;
    int rc = open_eight(&e);
    (void)unused;
    note(rc);
    for (unsigned i = 0; i < 40 && rc == 0; i++) {
        weir_group g = weir_group_begin();
        note(weir_handle_check(g.h));
        int spawned = weir_spawn(g, do_nothing, &e, .own = ALL_EIGHT);
        note(spawned);
        OOM_CHECK(have_handles(&e, spawned == 0 ? 2 : 1));
        note(weir_group_end(g)); /* the child may have ended for want of a stack */
        OOM_CHECK(have_handles(&e, 1));
    }
    return 0;
}

static int clones_for_children(void)
{
    return result_of(spawn_with_clones);
}

static int give_and_see(void *unused)
{
    struct eight e;
    (void)unused;
    for (unsigned i = 0; i < 20; i++) {
        int rc = open_eight(&e);
        note(rc);
        if (rc < 0)
            continue;
        weir_group g = weir_group_begin();
        note(weir_handle_check(g.h));
        int spawned = weir_spawn(g, do_nothing, &e, .give = ALL_EIGHT);
        note(spawned);
        OOM_CHECK(have_handles(&e, 1));
        note(weir_group_end(g));
        for (unsigned j = 0; j < 8; j++) { /* given: gone with the child; else still ours */
            OOM_CHECK(weir_handle_check(e.h[j]) == (spawned == 0 ? WEIR_ECLOSED : 0));
            OOM_CHECK(weir_handle_close(e.h[j]) == 0);
        }
    }
    return 0;
}

static int gifts_for_children(void)
{
    return result_of(give_and_see);
}

/* ---- F002 groups ---------------------------------------------------------------------------- */

static int ran;

static int count_run(void *arg)
{
    (void)arg;
    ran++;
    return 0;
}

/* A group's end tells of a child that found no stack; the others have run. */
static int fill_groups(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 10; i++) {
        int spawned = 0;
        ran = 0;
        weir_group g = weir_group_begin();
        int begun = weir_handle_check(g.h);
        note(begun);
        for (unsigned j = 0; j < 20; j++) {
            int rc = weir_spawn(g, count_run, NULL);
            OOM_CHECK(begun == 0 || rc == begun);
            note(rc);
            spawned += rc == 0;
        }
        int ended = weir_group_end(g);
        OOM_CHECK(begun == 0 || ended == begun);
        note(ended);
        OOM_CHECK(ended < 0 ? ran <= spawned : ran == spawned);
    }
    return 0;
}

static int groups(void)
{
    return result_of(fill_groups);
}

/* ---- F037 many stacks at once --------------------------------------------------------------- */

struct crowd {
    weir_sender tx;
    weir_receiver rx;
};

static int wait_for_one(void *arg)
{
    struct crowd *c = arg;
    uint64_t item = 0;
    int rc = weir_recv(c->rx, &item);
    OOM_CHECK(rc == 1 || rc == 0 || rc == WEIR_ECANCELED || is_want(rc));
    ran += rc == 1;
    return rc;
}

static int park_a_crowd(void *unused)
{
    enum { N = 200 };
    struct crowd c;
    size_t sent = 0;
    int rc = weir_channel_open(&c.tx, &c.rx, sizeof(uint64_t), 0, NULL);
    (void)unused;
    note(rc);
    if (rc < 0)
        return 0;
    ran = 0;
    weir_group g = weir_group_begin();
    note(weir_handle_check(g.h));
    for (unsigned i = 0; i < N; i++)
        note(weir_spawn(g, wait_for_one, &c));
    for (unsigned i = 0; i < 4 * N && stats_of(c.rx.h).waiting_receivers < N; i++)
        weir_yield();
    for (uint64_t i = 0; weir_try_send(c.tx, &i) == 0; i++)
        sent++;
    OOM_CHECK(weir_close(c.tx) == 0);
    note(weir_group_end(g));
    OOM_CHECK(ran == (int)sent);
    return 0;
}

static int crowd(void)
{
    return result_of(park_a_crowd);
}

/* ---- F047 timers ---------------------------------------------------------------------------- */

static int wait_a_while(void *arg)
{
    struct crowd *c = arg;
    uint64_t item = 0;
    int rc = weir_recv_by(c->rx, &item, weir_after(300 * WEIR_US));
    OOM_CHECK(rc == WEIR_ETIMEDOUT || rc == WEIR_ECANCELED || is_want(rc));
    return rc == WEIR_ETIMEDOUT ? 0 : rc;
}

static int time_a_crowd(void *unused)
{
    struct crowd c;
    int rc = weir_channel_open(&c.tx, &c.rx, sizeof(uint64_t), 3, NULL);
    (void)unused;
    note(rc);
    weir_group g = weir_group_begin();
    note(weir_handle_check(g.h));
    for (unsigned i = 0; i < 50 && rc == 0; i++)
        note(weir_spawn(g, wait_a_while, &c));
    note(weir_group_end(g));
    OOM_CHECK(rc < 0 || stats_of(c.rx.h).waiting_receivers == 0);
    return 0;
}

static int timers(void)
{
    return result_of(time_a_crowd);
}

/* ---- F005, F012 scopes and tasks ------------------------------------------------------------ */

static int says_nothing(void *unused)
{
    int value = 7;
    (void)unused;
    int rc = weir_child_started(&value);
    OOM_CHECK(rc == 0 || rc == WEIR_EPERM);
    return 0;
}

/* What could not be begun carries the error into the next call; what was begun works. */
static int scopes_and_tasks(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 70; i++) {
        int value = 0;
        weir_task t = {0};
        weir_scope s = weir_move_on_after(3600 * WEIR_S);
        int begun = weir_handle_check(s.h);
        note(begun);
        weir_group g = weir_group_begin();
        note(weir_handle_check(g.h));
        int rc = weir_spawn(g, says_nothing, NULL, .task = &t);
        note(rc);
        OOM_CHECK(weir_handle_check(t.h) == rc);
        int waited = weir_task_wait(t);
        OOM_CHECK(waited == rc || waited == WEIR_ECANCELED);
        rc = weir_child_start(g, says_nothing, &value, NULL);
        OOM_CHECK(rc < 0 || value == 7);
        note(rc == WEIR_ECANCELED ? WEIR_ENOMEM : rc);
        note(weir_group_end(g));
        OOM_CHECK(weir_close(t) == 0 || waited < 0);
        OOM_CHECK(weir_scope_cancel(s, "no more") == begun);
        rc = weir_yield();
        OOM_CHECK(rc == (begun < 0 ? 0 : WEIR_ECANCELED));
        OOM_CHECK(weir_scope_end(s) == (begun < 0 ? begun : 1));
    }
    return 0;
}

static int scopes_tasks(void)
{
    return result_of(scopes_and_tasks);
}

/* The first handle of all, for which a place has to be made. */
static int first_task(void *unused)
{
    weir_task t = {0};
    (void)unused;
    int rc = weir_spawn(WEIR_RUN, do_nothing, NULL, .task = &t);
    note(rc);
    OOM_CHECK(weir_handle_check(t.h) == rc);
    OOM_CHECK(weir_task_wait(t) == rc && weir_task_state(t) == (rc < 0 ? rc : WEIR_TASK_FINISHED));
    return 0;
}

static int a_first_task(void)
{
    return result_of(first_task);
}

/* ---- F001 more workers --------------------------------------------------------------------- */

/* Those that cannot start are done without. */
static int several_workers(void)
{
    const weir_options three = {.workers = 3};
    int rc = weir_run(do_nothing, NULL, &three);
    oom_off();
    OOM_CHECK(rc == 0 || is_want(rc));
    return rc;
}

/* ---- F127 threads ---------------------------------------------------------------------------- */

static int add_one(void *arg, void *result)
{
    *(long *)result = *(const long *)arg + 1;
    return 0;
}

static int blocking_calls(void *unused)
{
    (void)unused;
    for (long i = 0; i < 3; i++) {
        long result = -1;
        int rc = weir_blocking_call(add_one, &result, &i);
        OOM_CHECK(rc == 0 ? result == i + 1 : is_want(rc));
        note(rc);
    }
    return 0;
}

static int on_threads(void)
{
    return result_of(blocking_calls);
}

static int five(void *unused)
{
    (void)unused;
    return 5;
}

/* The child may have had no stack; its failure is its caller's alone. */
static int enters(void *portal, void *unused)
{
    (void)unused;
    return weir_portal_call(*(weir_portal *)portal, five, (void *)NULL);
}

static int portals(void *unused)
{
    weir_task t;
    int result;
    (void)unused;
    weir_portal p = weir_portal_open();
    note(weir_check(p));
    int rc = weir_blocking_call(enters, (void *)NULL, &p);
    OOM_CHECK(rc == 5 || is_want(rc));
    note(rc);
    note(weir_portal_call(p, five, (void *)NULL));
    rc = weir_portal_start(p, five, (void *)NULL, .task = &t);
    note(rc);
    if (rc == 0 && weir_task_wait(t) == 0 && weir_task_result(t, &result) == 0)
        note(result);
    weir_close(t);
    if (weir_check(p) == 0)
        note(weir_portal_end(p));
    return 0;
}

static int through_portals(void)
{
    return result_of(portals);
}

static int share_a_run(void)
{
    weir_portal p = weir_portal_share(&one_worker);
    met = 0;
    note(weir_check(p));
    if (met == 0) {
        note(weir_portal_call(p, five, (void *)NULL));
        note(weir_portal_unshare(p));
    }
    oom_off();
    OOM_CHECK(weir_portal_unshare(p) < 0);
    OOM_CHECK(weir_stop(NULL) == WEIR_EPERM);
    return met;
}

/* ---- F137 processes -------------------------------------------------------------------------- */

static int add_two(const void *request, size_t size, void *reply, size_t room)
{
    long n = size == sizeof n ? *(const long *)request + 2 : 0;
    memcpy(reply, &n, room);
    return sizeof n;
}
WEIR_PROCESS(add_two);

static int process_calls(void *unused)
{
    (void)unused;
    for (long i = 0; i < 2; i++) {
        long result = -1;
        int rc = weir_process_call(add_two, &result, &i);
        OOM_CHECK(rc == sizeof result ? result == i + 2 : is_want(rc));
        note(rc);
    }
    return 0;
}

/* A worker process has the program's environment, and is not to be a scenario. */
static int in_processes(void)
{
    unsetenv("WEIR_TEST_OOM");
    weir_process_main(NULL);
    oom_slow = true;
    return result_of(process_calls);
}

/* ---- F053 what is owned is closed without memory -------------------------------------------- */

static weir_receiver lent;
static weir_sender kept[64];

/* Many handles; from half-way on there is no memory, not even to end in. */
static int own_and_return(void *unused)
{
    weir_sender tx;
    weir_receiver rx;
    int rc = weir_channel_open(&tx, &rx, 8, 4, NULL);
    (void)unused;
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < 64; i++)
        note(weir_check(kept[i] = weir_sender_clone(tx)));
    lent = rx;
    oom_all_after = true;
    return 0;
}

static int owners(void)
{
    bool all_after = oom_all_after;
    met = 0;
    for (unsigned i = 0; i < 64; i++)
        kept[i].h = 0;
    lent.h = 0;
    int rc = weir_run(own_and_return, NULL, &one_worker);
    oom_off();
    oom_all_after = all_after;
    OOM_CHECK(rc == 0 || is_want(rc));
    for (unsigned i = 0; i < 64; i++)
        OOM_CHECK(weir_check(kept[i]) < 0);
    OOM_CHECK(weir_check(lent) < 0);
    return rc < 0 ? rc : met;
}

/* ---- seeing -------------------------------------------------------------------------------- */

static int looks(void *arg)
{
    (void)arg;
    int dead = weir_deadlocked(NULL);
    note(dead);
    OOM_CHECK(dead <= 0);
    FILE *out = fopen("/dev/null", "w");
    if (out) {
        note(weir_dump(out));
        fclose(out);
    }
    return 0;
}

static int look(void)
{
    return result_of(looks);
}

/* ---- simulated runs ------------------------------------------------------------------------- */

static unsigned simulated_ran;

static int yields_once(void *arg)
{
    (void)arg;
    simulated_ran++;
    note(weir_yield());
    return 0;
}

/* More than are chosen among at first. */
static int simulated_crowd(void *arg)
{
    unsigned spawned = 0;
    (void)arg;
    simulated_ran = 0;
    for (unsigned i = 0; i < 150; i++) {
        int rc = weir_spawn(WEIR_RUN, yields_once, NULL);
        note(rc);
        spawned += rc == 0;
    }
    note(weir_settle());
    OOM_CHECK(simulated_ran <= spawned);
    return 0;
}

/* Without memory for more to choose among it goes on, and nobody hears of it. */
static int simulated(void)
{
    met = 0;
    int rc = weir_run(simulated_crowd, NULL, &(weir_options){.simulate = true, .seed = 4});
    OOM_CHECK(rc >= 0 || is_want(rc));
    oom_off();
    if (rc >= 0 && met == 0)
        OOM_CHECK(simulated_ran == 150);
    return rc < 0 ? rc : met;
}

/* ---- F024-F033 primitives ----------------------------------------------------------------- */

/* A null handle carries the error. */
static void note_close(weir_handle h)
{
    int rc = weir_handle_close(h);
    OOM_CHECK(rc == 0 || is_want(rc));
}

static void open_and_close(void)
{
    weir_lock lock = weir_lock_open();
    weir_handle h[] = {lock.h,
                       weir_event_open().h,
                       weir_semaphore_open(1, 1).h,
                       weir_condition_open(lock).h,
                       weir_exclusive_open().h,
                       weir_barrier_open(1).h,
                       weir_rwlock_open().h,
                       weir_once_open().h,
                       weir_waitgroup_open().h,
                       weir_rate_open(1, WEIR_S, 1).h};
    for (size_t i = 0; i < sizeof h / sizeof h[0]; i++)
        note(weir_handle_check(h[i]));
    for (size_t i = 0; i < sizeof h / sizeof h[0]; i++)
        note_close(h[i]);
}

/* A borrower takes memory: who gets none has no token, and his key is free. */
static void borrow(void)
{
    weir_limiter l = weir_limiter_open(4);
    note(weir_check(l));
    int had = 0, again = 0, open = weir_check(l) == 0;
    for (uint64_t key = 0; key < 3; key++) {
        int rc = weir_limiter_acquire_for(l, key);
        note(rc);
        had += rc == 0;
    }
    for (uint64_t key = 0; key < 3 && open; key++) {
        int rc = weir_limiter_release_for(l, key);
        OOM_CHECK(rc == 0 || rc == WEIR_EPERM);
        again += rc == 0;
    }
    OOM_CHECK(had == again);
    note_close(l.h);
}

static int use_primitives(void *unused)
{
    (void)unused;
    open_and_close();
    borrow();
    return 0;
}

static int primitives(void)
{
    return result_of(use_primitives);
}

static int primitives_of_a_thread(void)
{
    met = 0;
    use_primitives(NULL);
    oom_off();
    return met;
}

/* ---- calls, monitors, supervisors --------------------------------------------------------------
 */

struct request {
    weir_answer answer;
    int number;
};

struct server {
    weir_receiver inbox;
};

/* Who is called, or supervises, may have had no memory itself. */
static void note_partner(int rc)
{
    note(rc == WEIR_EPIPE || rc == WEIR_ECANCELED || rc == WEIR_ERESTARTS ? WEIR_ENOMEM : rc);
}

static int answers(void *arg)
{
    const struct server *s = arg;
    struct request r;
    int rc;
    while ((rc = weir_request_recv(s->inbox, &r)) > 0)
        note_partner(weir_answer_send(r.answer, &r.number));
    return rc;
}

static int calls_and_watches(void *arg)
{
    weir_sender box;
    weir_task t;
    weir_receiver exits;
    int reply;
    (void)arg;
    weir_group g = weir_group_begin();
    note(weir_check(g));
    int rc =
        weir_spawn_mailbox(g, answers, &box, WEIR_REQUESTS(struct server, inbox, struct request, 2),
                           &(struct server){{0}}, .task = &t, .isolated = true);
    note(rc);
    if (rc == 0) {
        note(weir_monitor(t, &exits));
        note(weir_link(t, t) == WEIR_EINVAL ? 0 : WEIR_ENOMEM);
        note_partner(weir_call(box, &(struct request){.number = 3}, &reply, WEIR_NEVER));
        weir_close(box);
    }
    if (weir_check(g) == 0)
        note(weir_group_end(g));
    return 0;
}

static int calling(void)
{
    return result_of(calls_and_watches);
}

static int supervises(void *arg)
{
    weir_sender box;
    int reply;
    (void)arg;
    weir_group g = weir_group_begin();
    note(weir_check(g));
    weir_supervisor sup = weir_supervisor_begin(g, NULL);
    int rc = weir_supervise_mailbox(sup, answers, &box,
                                    WEIR_REQUESTS(struct server, inbox, struct request, 2),
                                    &(struct server){{0}});
    note_partner(rc);
    if (rc == 0) {
        note_partner(weir_call(box, &(struct request){.number = 3}, &reply, WEIR_NEVER));
        note_partner(weir_supervisor_stop(sup));
        weir_close(box); /* if it could not be stopped: its child ends, and then it does */
    }
    weir_close(sup);
    if (weir_check(g) == 0)
        note_partner(weir_group_end(g));
    return 0;
}

static int supervision(void)
{
    return result_of(supervises);
}

/* A name is registered or not; what is found is a clone or an error. */
static int registers_and_finds(void *arg)
{
    weir_sender tx, found;
    weir_receiver rx;
    (void)arg;
    int rc = weir_channel_open(&tx, &rx, 4, 1, NULL);
    note(rc);
    for (int i = 0; i < 40 && rc == 0; i++) {
        weir_name name = weir_name_register("name", tx);
        int named = weir_check(name);
        note(named);
        OOM_CHECK(stats_of(tx.h).open_senders == (named == 0 ? 2 : 1));
        rc = weir_name_await_sized("name", &found.h, 4, weir_after(0));
        OOM_CHECK(named == 0 ? rc == 0 || rc == WEIR_ENOMEM : rc == WEIR_ETIMEDOUT);
        note(rc == WEIR_ETIMEDOUT ? 0 : rc);
        weir_close(found);
        weir_close(name);
        OOM_CHECK(stats_of(tx.h).open_senders == 1);
        rc = 0;
    }
    return 0;
}

static int names(void)
{
    return result_of(registers_and_finds);
}

/* What runs, and the test that it is. */
#define SCENARIOS(X)                                                                               \
    X(run_alone, "F001 no memory: run")                                                            \
    X(large_arguments, "F002 no memory: large arguments")                                          \
    X(clones_for_children, "F041 no memory: clones for children, all or none")                     \
    X(gifts_for_children, "F041 no memory: gifts for children, all or none")                       \
    X(groups, "F002 no memory: groups")                                                            \
    X(crowd, "F037 no memory: a crowd parks")                                                      \
    X(timers, "F047 no memory: timers")                                                            \
    X(owners, "F053 no memory: what is owned is closed")                                           \
    X(scopes_tasks, "F005, F012 no memory: scopes and tasks")                                      \
    X(look, "no memory: the table of actors, and dead locks")                                      \
    X(simulated, "F001 no memory: simulated runs")                                                 \
    X(a_first_task, "F008 no memory: a task's handle")                                             \
    X(several_workers, "F001 no memory: several workers")                                          \
    X(primitives, "F024-F033 no memory: primitives")                                               \
    X(primitives_of_a_thread, "F024-F033 no memory: primitives of a thread")                       \
    X(calling, "no memory: calls, monitors")                                                       \
    X(supervision, "no memory: supervisors")                                                       \
    X(on_threads, "F127 no memory: blocking calls")                                                \
    X(in_processes, "F137 no memory: worker processes")                                            \
    X(names, "no memory: names")                                                                   \
    X(through_portals, "F129 no memory: portals")                                                  \
    X(share_a_run, "F131 no memory: a shared run")

OOM_SUITE(oom, "actors: out of memory", SCENARIOS);

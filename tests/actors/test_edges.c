/* SPDX-License-Identifier: MIT */
/*
 * test_edges.c - what other suites have no reason to meet: threads whose first call finds no
 * memory, workers that cannot start, calls from where they are not allowed, system calls that fail.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#include "../channels/child.h"
#include "ends.h"
#include "gate.h"
#include "hog.h"
#include "log.h"
#include "one_worker.h"
#include "scheduler.h"

/* ---- without memory, in a child ---------------------------------------------------------------
 */

static pthread_t has_memory; /* alone */
static a32 scarce;

static void *scarce_allocate(size_t bytes, void *context)
{
    (void)context;
    if (a32_load(&scarce) && !pthread_equal(pthread_self(), has_memory))
        return NULL;
    return malloc(bytes ? bytes : 1);
}

static void scarce_release(void *memory, size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    free(memory);
}

/* From now on only the calling thread gets memory, so no other new one gets a record. */
static void become_scarce(void)
{
    static const weir_allocator allocator = {scarce_allocate, scarce_release, NULL};
    party_enter(); /* whose record is this thread's own from now on */
    for (struct thread *t = aptr_load_acquire(&weir__threads); t; t = t->next)
        a32_store(&t->taken, 1); /* none is left of a thread that has ended */
    has_memory = pthread_self();
    weir_set_allocator(&allocator);
    a32_store(&scarce, 1);
}

static unsigned told;

static void count(const weir_log_record *r, void *context)
{
    (void)r;
    (void)context;
    told++;
}

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* A thread's first call; each of these needs its record. The handles are of no importance. */
static int first_calls(void)
{
    weir_time t;
    int result;
    weir_failure f;
    const weir_group group = {2};
    const weir_scope scope = {0};
    const weir_task task = {0};
    CHECK(weir_scope_cancel(scope, NULL) == WEIR_ENOMEM);
    CHECK(weir_scope_shield(scope, true) == WEIR_ENOMEM);
    CHECK(weir_scope_cancelled(scope) == WEIR_ENOMEM);
    CHECK(weir_scope_until(scope, &t) == WEIR_ENOMEM);
    CHECK(weir_group_cancel(group, NULL) == WEIR_ENOMEM);
    CHECK(weir_group_error(group, 0, &f) == WEIR_ENOMEM);
    CHECK(weir_task_result(task, &result) == WEIR_ENOMEM);
    CHECK(weir_task_state(task) == WEIR_ENOMEM);
    CHECK(weir_task_cancel(task, NULL) == WEIR_ENOMEM);
    CHECK(weir_task_wait(task) == WEIR_ENOMEM);
    CHECK(weir_spawn(group, nothing, NULL) == WEIR_ENOMEM);
    CHECK(weir_sleep(0) == WEIR_ENOMEM);
    CHECK(weir_actors(NULL, 0) == WEIR_ENOMEM);
    CHECK(weir_deadlocked(NULL) == WEIR_ENOMEM);
    CHECK(weir_receiver_fd((weir_receiver){0}) == WEIR_ENOMEM);
    CHECK(weir_run(nothing, NULL, NULL) == WEIR_ENOMEM);
    return 0;
}

/* A hook is called nevertheless, and nobody is accused of what cannot be seen. */
static int first_reports(void)
{
    const aptr current = {&told};
    struct hog h = {.id = 1, .since = 1};
    weir_set_log(count, NULL);
    weir__log_of(WEIR_LOG_GUARD, "", 0, "%d", 1);
    CHECK(told == 1);
    CHECK(!weir__hog_check(&h, &current, weir_now()));
    CHECK(told == 1);
    weir_set_log(NULL, NULL);
    return 0;
}

static int first_result;

static void *calls_first(void *run)
{
    first_result = ((int (*)(void))(uintptr_t)run)();
    return NULL;
}

static int in_a_new_thread(int (*run)(void))
{
    pthread_t thread;
    become_scarce();
    CHECK(pthread_create(&thread, NULL, calls_first, (void *)(uintptr_t)run) == 0);
    pthread_join(thread, NULL);
    return first_result;
}

static int new_thread_calls(void)
{
    return in_a_new_thread(first_calls);
}

static int new_thread_reports(void)
{
    return in_a_new_thread(first_reports);
}

static int workers_of_run;

static int counts_workers(void *arg)
{
    const struct runtime *rt = aptr_load(&weir__runtime);
    (void)arg;
    workers_of_run = (int)rt->workers;
    return 0;
}

static int runs_alone(void)
{
    const weir_options eight = {.workers = 8};
    CHECK(weir_run(counts_workers, NULL, &eight) == 0);
    CHECK(workers_of_run == 1);
    return 0;
}

static int workers_without_memory(void)
{
    become_scarce();
    return runs_alone();
}

/* From now on, in this process: whatever makes a thread is EAGAIN. */
static bool refuse_call(long number)
{
    struct sock_filter program[] = {
        LOAD(nr),
        UNLESS_SKIP((uint32_t)number, 1),
        RETURN(SECCOMP_RET_ERRNO | EAGAIN),
        RETURN(SECCOMP_RET_ALLOW),
    };
    return FILTER(program);
}

static int workers_without_threads(void)
{
    if (!refuse_call(SYS_clone) || !refuse_call(SYS_clone3))
        return 0; /* without seccomp there is nothing to be refused */
    return runs_alone();
}

static int without_a_signal_stack(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return 0; /* it cannot do without */
#endif
    if (!refuse_call(SYS_sigaltstack))
        return 0;
    CHECK(weir_run(nothing, NULL, NULL) == 0);
    return 0;
}

static int dumps(void *arg)
{
    FILE *out = arg;
    return weir_dump(out);
}

static int without_mincore(void)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!refuse_call(SYS_mincore))
        return 0;
    CHECK(out && weir_run(dumps, (void *)out, NULL) == 0);
    CHECK(fclose(out) == 0 && strstr(text, "main") != NULL);
    free(text);
    return 0;
}

static void no_memory_for_a_thread(void)
{
    EXPECT_CHILD(new_thread_calls);
    EXPECT_CHILD(new_thread_reports);
}

static void fewer_workers(void)
{
    EXPECT_CHILD(workers_without_memory);
    EXPECT_CHILD(workers_without_threads);
}

static void refused_for_reports(void)
{
    EXPECT_CHILD(without_a_signal_stack);
    EXPECT_CHILD(without_mincore);
}

/* ---- no handle is left, in a child -------------------------------------------------------------
 */

static int begins_without_handles(void *arg)
{
    weir_task t;
    struct ends e = open_ends(0);
    weir_sender clone, news;
    weir_receiver reader;
    (void)arg;
    CHECK(weir_broadcast_open(&news, &reader, 4, 1, WEIR_LOSE_OLDEST) == 0);
    weir__slots.fresh = weir__slots.mask + 1;
    while (weir_check(clone = weir_sender_clone(e.tx)) == 0)
        ;
    CHECK(weir_check(clone) == WEIR_ENFILE);
    CHECK(weir_check(weir_receiver_clone(reader)) == WEIR_ENFILE);
    CHECK(weir_check(weir_broadcast_subscribe(news, WEIR_LOSE_OLDEST)) == WEIR_ENFILE);
    CHECK(weir_check(weir_scope_begin()) == WEIR_ENFILE);
    CHECK(weir_check(weir_group_begin()) == WEIR_ENFILE);
    CHECK(weir_spawn(WEIR_RUN, nothing, &e, .own = WEIR_OWN(struct ends, tx)) == WEIR_ENFILE);
    CHECK(weir_spawn(WEIR_RUN, nothing, NULL, .task = &t) == WEIR_ENFILE);
    CHECK(weir_task_state(t) == WEIR_ENFILE);
    CHECK(weir_check(weir_name_register("name", e.tx)) == WEIR_ENFILE);
    CHECK(weir_name_find_sized("name", &clone.h, 4) == WEIR_ENOENT);
    CHECK(weir_check(weir_lock_open()) == WEIR_ENFILE);
    CHECK(weir_check(weir_future_open(8)) == WEIR_ENFILE); /* and has given its value back */
    CHECK(weir_check(weir_blocking_open(1)) == WEIR_ENFILE);
    CHECK(weir_check(weir_blocking_default()) == WEIR_ENFILE);
    CHECK(weir_check(weir_portal_open()) == WEIR_ENFILE);
    return weir_spawn(WEIR_RUN, nothing, &e, .give = WEIR_GIVE(struct ends, tx, rx));
}

static int table_full(void)
{
    CHECK(weir_run(begins_without_handles, NULL, &one_worker) == 0);
    return 0;
}

static void no_handles(void)
{
    EXPECT_CHILD(table_full);
}

/* ---- where it is not allowed -------------------------------------------------------------------
 */

static void not_by_threads(void)
{
    int value;
    const weir_group none = {0};
    const weir_scope scope = {0};
    EXPECT_RC(weir_scope_deadline(scope, WEIR_NEVER), WEIR_EPERM);
    EXPECT_RC(weir_scope_end(scope), WEIR_EPERM);
    EXPECT_RC(weir_handle_check(weir_scope_begin().h), WEIR_EPERM);
    EXPECT_RC(weir_handle_check(weir_group_begin().h), WEIR_EPERM);
    EXPECT_RC(weir_group_wait(none), WEIR_EPERM);
    EXPECT_RC(weir_group_end(none), WEIR_EPERM);
    EXPECT_RC(weir_child_start(none, nothing, &value, NULL), WEIR_EPERM);
    EXPECT_RC(weir_child_started(&value), WEIR_EPERM);
    EXPECT_RC(weir_spawn_sized(WEIR_RUN, nothing, 0, NULL), WEIR_EPERM);
    EXPECT_RC(weir_yield(), WEIR_EPERM);
}

/* In a drop function, which may not wait, and so may not begin what is left by waiting. */
static void meddles(void *item, void *context)
{
    const weir_scope *open = context;
    int value;
    (void)item;
    EXPECT_RC(weir_handle_check(weir_scope_begin().h), WEIR_EPERM);
    EXPECT_RC(weir_handle_check(weir_group_begin().h), WEIR_EPERM);
    EXPECT_RC(weir_scope_end(*open), WEIR_EPERM);
    EXPECT_RC(weir_child_start(WEIR_RUN, nothing, &value, NULL), WEIR_EPERM);
    EXPECT_RC(weir_group_end((weir_group){open->h}), WEIR_EPERM);
    EXPECT_RC(weir_yield(), WEIR_EPERM);
    EXPECT_RC(weir_sleep(1), WEIR_EPERM);
    EXPECT_RC(weir_sleep(0), WEIR_EPERM);
    value = 0;
    told++;
}

static int drops_in_a_scope(void *arg)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 1;
    (void)arg;
    weir_scope open = weir_scope_begin();
    const weir_channel_options options = {.drop = meddles, .drop_context = &open};
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 1, &options), 0);
    EXPECT_RC(weir_send(tx, &item), 0);
    told = 0;
    EXPECT_RC(weir_close(rx), 0);
    EXPECT_EQ(told, 1);
    EXPECT_RC(weir_close(tx), 0);
    EXPECT_RC(weir_scope_end(open), 0);
    return 0;
}

static void begins(void *item, void *context)
{
    (void)item;
    (void)context;
    EXPECT_RC(weir_handle_check(weir_scope_begin().h), WEIR_EPERM);
    EXPECT_RC(weir_handle_check(weir_group_begin().h), WEIR_EPERM);
    told++;
}

/* When the body has returned: nobody would end what is begun then. */
static int leaves_an_item(void *arg)
{
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 1;
    const weir_channel_options options = {.drop = begins};
    (void)arg;
    EXPECT_RC(weir_channel_open(&tx, &rx, sizeof item, 1, &options), 0);
    EXPECT_RC(weir_send(tx, &item), 0);
    return 0;
}

static void not_in_drop_functions(void)
{
    EXPECT_RC(weir_run(drops_in_a_scope, NULL, &one_worker), 0);
    told = 0;
    EXPECT_RC(weir_run(leaves_an_item, NULL, &one_worker), 0);
    EXPECT_EQ(told, 1);
}

static int wrong_handles(void *arg)
{
    weir_failure f;
    weir_time t;
    int value;
    (void)arg;
    weir_scope s = weir_scope_begin();
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_group_wait((weir_group){s.h}), WEIR_EBADF);
    EXPECT_RC(weir_group_error((weir_group){s.h}, 0, &f), WEIR_EBADF);
    EXPECT_RC(weir_group_cancel((weir_group){s.h}, NULL), WEIR_EBADF);
    EXPECT_RC(weir_scope_until((weir_scope){g.h}, &t), WEIR_EBADF);
    EXPECT_RC(weir_scope_shield((weir_scope){g.h}, true), WEIR_EBADF);
    EXPECT_RC(weir_scope_cancelled((weir_scope){g.h}), WEIR_EBADF);
    EXPECT_RC(weir_task_result((weir_task){g.h}, &value), WEIR_EBADF);
    EXPECT_RC(weir_task_state((weir_task){g.h}), WEIR_EBADF);
    EXPECT_RC(weir_task_cancel((weir_task){g.h}, NULL), WEIR_EBADF);
    EXPECT_RC(weir_task_wait((weir_task){g.h}), WEIR_EBADF);
    EXPECT_RC(weir_close(g), WEIR_EBADF);
    EXPECT_RC(weir_close(s), WEIR_EBADF);
    EXPECT_RC(weir_group_error(g, 0, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_scope_until(s, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_task_result((weir_task){g.h}, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_RC(weir_group_wait(g), WEIR_ECLOSED);
    EXPECT_RC(weir_spawn_sized(g, nothing, 0, NULL), WEIR_ECLOSED);
    EXPECT_RC(weir_spawn_sized(WEIR_RUN, nothing, 0, NULL), 0);
    EXPECT_RC(weir_scope_end(s), 0);
    return 0;
}

static void handles_of_others(void)
{
    EXPECT_RC(weir_run(wrong_handles, NULL, NULL), 0);
}

/* ---- why, in who is stopped --------------------------------------------------------------------
 */

struct why {
    struct ends e;
    weir_cause *cause;
    weir_time *until;
};

static int tells_why(void *arg)
{
    struct why *w = arg;
    uint64_t item;
    weir_scope s = weir_move_on_after(3600 * WEIR_S); /* it is not what ends it */
    EXPECT_RC(weir_recv(w->e.rx, &item), WEIR_ECANCELED);
    *w->cause = weir_cancel_cause();
    *w->until = weir_effective_deadline();
    EXPECT(weir_cancelled());
    EXPECT_RC(weir_scope_end(s), 0); /* it passes on */
    return WEIR_ECANCELED;
}

static void await_receiver(struct ends e)
{
    weir_statistics s;
    while (weir_channel_statistics(e.tx, &s) == 0 && s.waiting_receivers == 0)
        weir_yield();
}

static int asks_why(void *arg)
{
    weir_cause cause;
    weir_time until = 0;
    weir_task t;
    (void)arg;
    struct why w = {open_ends(0), &cause, &until};
    for (int by_task = 0; by_task < 2; by_task++) {
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, tells_why, &w, .task = &t), 0);
        await_receiver(w.e);
        EXPECT_RC(by_task ? weir_task_cancel(t, "its task") : weir_group_cancel(g, "its group"), 0);
        weir_group_end(g);
        EXPECT_STR(cause.reason, by_task ? "its task" : "its group");
        EXPECT_STR(cause.by, "main");
        EXPECT(!cause.deadline && until == INT64_MIN);
        EXPECT_RC(weir_close(t), 0);
    }
    close_ends(w.e);
    return 0;
}

static void causes(void)
{
    EXPECT_RC(weir_run(asks_why, NULL, NULL), 0);
}

/* ---- many that are parked for ever
 * --------------------------------------------------------------- */

enum { DEAD = 130, TOLD_MOST = 100 };

static char last_report[64];
static a32 done_telling;
static struct ends of_thread;

static void keeps_the_last(const weir_log_record *r, void *context)
{
    (void)context;
    snprintf(last_report, sizeof last_report, "%.60s", r->text);
    told++;
    if (strstr(r->text, "and "))
        a32_store_release(&done_telling, r->text[0] == 'a');
}

/* It has both ends for itself. */
static int parks(void *arg)
{
    struct ends *e = arg;
    uint64_t item;
    return weir_recv(e->rx, &item) == 0 ? 0 : 1;
}

static void *ends_it(void *unused)
{
    uint64_t item = 1;
    (void)unused;
    while (!a32_load_acquire(&done_telling))
        weir_sleep(WEIR_MS);
    EXPECT_RC(weir_send(of_thread.tx, &item), 0);
    return NULL;
}

static int many_dead(void *unused)
{
    static struct ends e[DEAD];
    uint64_t item;
    (void)unused;
    weir_group g = weir_group_begin();
    for (unsigned i = 0; i < DEAD; i++) {
        e[i] = open_ends(0);
        EXPECT_RC(weir_spawn(g, parks, &e[i], .give = WEIR_GIVE(struct ends, tx, rx)), 0);
    }
    EXPECT_RC(weir_recv(of_thread.rx, &item), 1);
    for (unsigned i = 0; i < DEAD; i++)
        EXPECT_RC(weir_close(e[i].tx), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

/* So that nothing is to be told of guards, as it is of the best ones under an emulator. */
static const weir_options sure_guards = {.workers = 1, .guard = WEIR_GUARD_PROTECT};

static void not_all_are_told(void)
{
    pthread_t thread;
    told = 0;
    of_thread = open_ends(0);
    a32_store(&done_telling, 0);
    weir_set_log(keeps_the_last, NULL);
    REQUIRE_EQ(pthread_create(&thread, NULL, ends_it, NULL), 0);
    EXPECT_RC(weir_run(many_dead, NULL, &sure_guards), 0); /* several share the telling */
    pthread_join(thread, NULL);
    weir_set_log(NULL, NULL);
    EXPECT_EQ(told, TOLD_MOST + 1);
    EXPECT_STR(last_report, "and 30 more actors");
    close_ends(of_thread);
}

/* ---- a report without memory -------------------------------------------------------------------
 */

static a32 ready, refusing, refused;

static void *refuse(size_t bytes, void *context)
{
    (void)context;
    if (!a32_load(&refusing))
        return malloc(bytes ? bytes : 1);
    a32_add(&refused, 1);
    return NULL;
}

static void *sends_when_refused(void *unused)
{
    uint64_t item = 1;
    (void)unused;
    weir_check(of_thread.tx); /* it has its record while there is memory */
    a32_store_release(&ready, 1);
    while (!a32_load_acquire(&refused))
        sched_yield();
    a32_store_release(&refusing, 0);
    return weir_send(of_thread.tx, &item) == 0 ? NULL : &refused;
}

static int waits_for_a_thread(void *unused)
{
    uint64_t item;
    (void)unused;
    while (!a32_load_acquire(&ready))
        sched_yield();
    a32_store_release(&refusing, 1);
    return weir_recv(of_thread.rx, &item) - 1;
}

static int idle_without_memory(void)
{
    static const weir_allocator allocator = {refuse, scarce_release, NULL};
    pthread_t thread;
    void *failed;
    weir_set_allocator(&allocator);
    of_thread = open_ends(1);
    told = 0;
    weir_set_log(count, NULL);
    CHECK(pthread_create(&thread, NULL, sends_when_refused, NULL) == 0);
    CHECK(weir_run(waits_for_a_thread, NULL, &sure_guards) == 0);
    pthread_join(thread, &failed);
    CHECK(!failed && told == 0);
    return 0;
}

static void no_memory_for_a_report(void)
{
    EXPECT_CHILD(idle_without_memory);
}

/* ---- tasks --------------------------------------------------------------------------------------
 */

static weir_task own_task;

static int waits_for_itself(void *arg)
{
    (void)arg;
    EXPECT_RC(weir_task_wait(own_task), WEIR_EDEADLK);
    return 0;
}

static int starts_empty(void *arg)
{
    (void)arg;
    EXPECT_RC(weir_child_started_sized(NULL, 0), 0);
    EXPECT_RC(weir_child_started_sized(NULL, 0), WEIR_EPERM);
    return 0;
}

static int odd_tasks(void *arg)
{
    weir_cause cause;
    weir_time until;
    weir_task t;
    (void)arg;
    EXPECT_RC(weir_spawn(WEIR_RUN, waits_for_itself, NULL, .task = &own_task), 0);
    EXPECT_RC(weir_task_wait(own_task), 0);
    EXPECT_RC(weir_close(own_task), 0);
    EXPECT_RC(weir_child_start_sized(WEIR_RUN, starts_empty, NULL, 0, 0, NULL), 0);
    struct why w = {open_ends(0), &cause, &until};
    EXPECT_RC(weir_spawn(WEIR_RUN, tells_why, &w, .task = &t), 0);
    await_receiver(w.e);
    EXPECT_RC(weir_task_wait_by(t, INT64_MIN), WEIR_ETIMEDOUT);
    EXPECT_RC(weir_task_cancel(t, "first"), 0);
    EXPECT_RC(weir_task_cancel(t, "second"), 0);
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_cancel(t, "third"), 0);
    EXPECT_EQ(weir_task_state(t), WEIR_TASK_CANCELLED);
    EXPECT_STR(cause.reason, "first");
    EXPECT_RC(weir_close(t), 0);
    close_ends(w.e);
    return 0;
}

static void edges_of_tasks(void)
{
    EXPECT_RC(weir_run(odd_tasks, NULL, &one_worker), 0);
}

/* ---- a gate whose owner does not go
 * -------------------------------------------------------------- */

static void owner_stays(void)
{
    static struct worker w;
    gate_enter(&w);
    EXPECT(!weir__gate_shut(&w));
    EXPECT_EQ(a32_load(&w.barred) & GATE_SHUT, 0);
    gate_leave(&w);
    EXPECT(weir__gate_shut(&w));
    EXPECT(!weir__gate_shut(&w)); /* another thief is there */
    weir__gate_open(&w);
    EXPECT_EQ(a32_load(&w.barred) & GATE_SHUT, 0);
}

TEST_SUITE(edges, "actors: edges",
           {"F003 no memory: a thread's first call", no_memory_for_a_thread},
           {"F001 run: with fewer workers than asked for", fewer_workers},
           {"dump, overflow: a system call is refused", refused_for_reports},
           {"F054 handles: none is left for groups, scopes, tasks", no_handles},
           {"F054 misuse: threads and what is for actors", not_by_threads},
           {"F054 misuse: drop functions and what may wait", not_in_drop_functions},
           {"F054 misuse: handles of other things, and closed ones", handles_of_others},
           {"F023 the cause in a child that is stopped", causes},
           {"deadlock: a hundred are told, the rest is counted", not_all_are_told},
           {"deadlock: no memory for the report", no_memory_for_a_report},
           {"F004 F008 tasks: itself, without a value, cancelled twice", edges_of_tasks},
           {"gate: a thief does not wait for long", owner_stays});

/* SPDX-License-Identifier: MIT */
/* test_dump.c - the table of actors: what it says of each, and that anybody may ask. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "atomic.h"
#include "ends.h"
#include "snapshot.h"

/* ---- a table, as text ---------------------------------------------------------------- */

/* For those that need to know who has run, and how far. */
static const weir_options one_worker = {.workers = 1};

static char *table;

static const char *dump(void)
{
    size_t size;
    free(table);
    FILE *out = open_memstream(&table, &size);
    REQUIRE(out != NULL);
    EXPECT_RC(weir_dump(out), 0);
    fclose(out);
    return table;
}

/* The line of an actor, without leading blanks; "" if there is none. */
static const char *line_of(const char *name)
{
    static char line[256];
    char wanted[32];
    snprintf(wanted, sizeof wanted, " %s ", name);
    *line = 0;
    for (const char *l = table; l; l = strchr(l, '\n') ? strchr(l, '\n') + 1 : NULL) {
        const char *found = strstr(l, wanted), *end = strchr(l, '\n');
        if (*l == '#' && found && end && found < l + 17) {
            snprintf(line, sizeof line, "%.*s", (int)(end - l), l);
            break;
        }
    }
    return line;
}

static void expect_in_line(const char *name, const char *text)
{
    if (!EXPECT(strstr(line_of(name), text) != NULL))
        printf("\n    ... no '%s' in the line of %s:\n%s", text, name, table);
}

/* ---- one of each state ---------------------------------------------------------------- */

static int receives(void *arg)
{
    struct ends *e = arg;
    uint64_t item;
    while (weir_recv(e->rx, &item) > 0)
        ;
    return 0;
}

static int receives_timed(void *arg)
{
    struct ends *e = arg;
    uint64_t item;
    return weir_recv_by(e->rx, &item, weir_after(3600 * WEIR_S)) < 0;
}

static int sends(void *arg)
{
    struct ends *e = arg;
    uint64_t item = 1;
    while (weir_send(e->tx, &item) == 0)
        ;
    return 0;
}

static int yields(void *arg)
{
    const a32 *stop = *(const a32 **)arg;
    while (!a32_load(stop))
        weir_yield();
    return 0;
}

static int has_child(void *arg)
{
    struct ends *e = arg;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, receives, e, .name = "grandchild"), 0);
    return weir_group_end(g);
}

static int returns(void *arg)
{
    (void)arg;
    return 0;
}

static int one_of_each(void *unused)
{
    static a32 stop;
    a32 *stop_it = &stop;
    struct ends a = open_ends(4), b = open_ends(2), c = open_ends(0), d = open_ends(WEIR_UNBOUNDED);
    uint64_t item = 0;
    (void)unused;
    a32_store(&stop, 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, receives, &a, .name = "receiver"), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, sends, &b, .name = "sender"), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, receives_timed, &c, .name = "timed"), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, has_child, &d, .name = "parent"), 0);
    EXPECT_RC(weir_spawn(WEIR_RUN, yields, &stop_it, .name = "yielder"), 0);
    for (int i = 0; i < 3; i++)
        weir_yield();
    EXPECT_RC(weir_send(a.tx, &item), 0); /* it becomes ready */
    EXPECT_RC(weir_spawn(WEIR_RUN, returns, NULL, .name = "newborn"), 0);
    dump();
    EXPECT(strncmp(table, "weir: 8 actors\n", 15) == 0);
    expect_in_line("main", " running ");
    expect_in_line("receiver", " ready ");
    expect_in_line("receiver", " #");
    expect_in_line("receiver", " main ");
    expect_in_line("sender", " parked ");
    expect_in_line("sender", "send on channel ");
    expect_in_line("sender", "(capacity 2, 2 buffered)");
    expect_in_line("timed", "recv on channel ");
    expect_in_line("timed", "(capacity 0, 0 buffered), with a deadline");
    expect_in_line("parent", "end of group ");
    expect_in_line("parent", "(1 left)");
    expect_in_line("grandchild", "(unbounded, 0 buffered)");
    expect_in_line("yielder", " ready ");
    expect_in_line("newborn", " fresh ");
    expect_in_line("newborn", " 0 - ");
    weir_yield();
    dump();
    expect_in_line("receiver", " parked ");
    expect_in_line("receiver", "recv on channel ");
    expect_in_line("receiver", "(capacity 4, 0 buffered)");
    EXPECT_STR(line_of("newborn"), "");
    a32_store(&stop, 1);
    close_ends(a);
    close_ends(b);
    close_ends(c);
    close_ends(d);
    return 0;
}

static void states(void)
{
    EXPECT_RC(weir_run(one_of_each, NULL, &one_worker), 0);
    EXPECT(strncmp(dump(), "weir: 0 actors\n", 15) == 0);
    EXPECT_RC(weir_dump(NULL), WEIR_EINVAL);
}

static int sleeps(void *unused)
{
    (void)unused;
    return weir_sleep(3600 * WEIR_S);
}

static int awaits(void *arg)
{
    return weir_task_wait(*(weir_task *)arg);
}

static int selects(void *unused)
{
    struct ends e = open_ends(0), f = open_ends(0);
    uint64_t item;
    weir_case cases[] = {weir_on_recv(e.rx, &item), weir_on_recv(f.rx, &item)};
    (void)unused;
    return weir_select(cases, 2, WEIR_FAIR);
}

static int other_waits(void *unused)
{
    weir_group g = weir_group_begin();
    weir_task task;
    (void)unused;
    EXPECT_RC(weir_spawn(g, sleeps, NULL, .name = "sleeper", .task = &task), 0);
    EXPECT_RC(weir_spawn(g, awaits, &task, .name = "waiter"), 0);
    EXPECT_RC(weir_spawn(g, selects, NULL, .name = "selector"), 0);
    weir_yield();
    weir_yield();
    dump();
    expect_in_line("sleeper", " sleep");
    expect_in_line("sleeper", " parked ");
    expect_in_line("waiter", " a task");
    expect_in_line("selector", " select");
    EXPECT_RC(weir_group_cancel(g, "enough"), 0);
    weir_group_end(g);
    return 0;
}

static void sleep_and_tasks(void)
{
    EXPECT_RC(weir_run(other_waits, NULL, &one_worker), 0);
}

/* ---- who woke it ---------------------------------------------------------------------- */

static struct seen see(uint32_t id)
{
    struct snapshot s;
    struct seen found = {.id = 0};
    REQUIRE_RC(weir__snapshot_take(&s, SEE_ENDS | SEE_STACKS), 0);
    uint32_t i = weir__seen_by_id(&s, id);
    if (i != NO_ONE)
        found = s.actors[i];
    weir__snapshot_free(&s);
    return found;
}

struct woken {
    struct ends by_actor, by_thread;
    uint32_t id;
    pthread_t thread;
};

static int is_woken(void *arg)
{
    struct woken *w = *(struct woken **)arg;
    uint64_t item;
    w->id = actor_self()->party.id;
    EXPECT_RC(weir_recv(w->by_actor.rx, &item), 1);
    EXPECT_RC(weir_recv(w->by_thread.rx, &item), 1);
    EXPECT(!((uint32_t)see(w->id).woken & 1));
    dump();
    expect_in_line("woken", " a thread ");
    EXPECT_RC(weir_recv_by(w->by_thread.rx, &item, weir_after(WEIR_MS)), WEIR_ETIMEDOUT);
    EXPECT_EQ((uint32_t)see(w->id).woken, 0);
    dump();
    expect_in_line("woken", " a deadline ");
    return 0;
}

static void *send_from_thread(void *arg)
{
    struct woken *w = arg;
    uint64_t item = 1;
    EXPECT_RC(weir_send(w->by_thread.tx, &item), 0);
    return NULL;
}

static int wakes(void *arg)
{
    struct woken *w = arg;
    uint64_t item = 1;
    EXPECT_RC(weir_spawn(WEIR_RUN, is_woken, &w, .name = "woken"), 0);
    weir_yield();
    struct seen before = see(w->id);
    EXPECT(before.parked && before.woken == 0 && before.kind == IN_RECV);
    EXPECT_EQ(before.parent, actor_self()->party.id);
    EXPECT_EQ(before.moved, 2);
    EXPECT_RC(weir_send(w->by_actor.tx, &item), 0);
    weir_yield();
    struct seen after = see(w->id);
    EXPECT(after.parked && (uint32_t)after.woken == actor_self()->party.id);
    EXPECT_EQ(after.moved, 4);
    dump();
    expect_in_line("woken", " main ");
    EXPECT_EQ(pthread_create(&w->thread, NULL, send_from_thread, w), 0);
    return 0;
}

static void wakers(void)
{
    struct woken w = {.by_actor = open_ends(0), .by_thread = open_ends(0)};
    EXPECT_RC(weir_run(wakes, &w, &one_worker), 0);
    pthread_join(w.thread, NULL);
    close_ends(w.by_actor);
    close_ends(w.by_thread);
}

/* ---- stacks --------------------------------------------------------------------------- */

struct deep {
    weir_receiver rx;
    uint32_t *id;
    unsigned depth;
};

static never_inline int go_down(struct deep *d, unsigned depth)
{
    volatile char frame[1024];
    frame[depth] = 1;
    uint64_t item;
    int rc = depth > 0 ? go_down(d, depth - 1) : weir_recv(d->rx, &item);
    return rc + frame[depth] - 1;
}

/* First as deep as it is told, then not deep. */
static int goes_down(void *arg)
{
    struct deep *d = arg;
    *d->id = actor_self()->party.id;
    EXPECT_RC(go_down(d, d->depth), 1);
    EXPECT_RC(go_down(d, 0), 1);
    return 0;
}

/* qemu-user's mincore() fails where guards are. */
static bool mincore_sees_guards(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char in[2];
    char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED && mprotect(memory, page, PROT_NONE) == 0);
    bool sees = mincore(memory, 2 * page, in) == 0;
    munmap(memory, 2 * page);
    return sees;
}

static int measures_stacks(void *unused)
{
    struct ends e = open_ends(0);
    uint64_t item = 0;
    uint32_t id;
    struct deep d = {e.rx, &id, 16};
    (void)unused;
    EXPECT_RC(weir_spawn(WEIR_RUN, goes_down, &d), 0);
    weir_yield();
    struct seen deep = see(id);
    bool touched = mincore_sees_guards();
    EXPECT(deep.stack >= 17 * 1024);
    EXPECT(deep.touched >= deep.stack || !touched);
    EXPECT(deep.touched < 64 * 1024);
    EXPECT_RC(weir_send(e.tx, &item), 0);
    weir_yield();
    struct seen flat = see(id);
    EXPECT(flat.stack >= 1024 && flat.stack + 15 * 1024 < deep.stack);
    EXPECT(flat.touched >= deep.stack || !touched);
    EXPECT_RC(weir_send(e.tx, &item), 0);
    close_ends(e);
    return 0;
}

static void stacks(void)
{
    for (int guard = WEIR_GUARD_BEST; guard <= WEIR_GUARD_CANARY; guard++) {
        const weir_options o = {.guard = (weir_guard)guard, .stack_size = 128 * 1024, .workers = 1};
        EXPECT_RC(weir_run(measures_stacks, NULL, &o), 0);
    }
    const weir_options large = {.stack_size = 8 << 20,
                                .workers = 1}; /* more than one question of mincore() */
    EXPECT_RC(weir_run(measures_stacks, NULL, &large), 0);
}

/* ---- while everything runs ------------------------------------------------------------ */

enum { DUMPERS = 2, ROUNDS = 300 };
static a32 stop_dumping, dumps;

static void *dump_often(void *arg)
{
    FILE *out = fopen("/dev/null", "w");
    (void)arg;
    if (!out)
        return NULL;
    while (!a32_load(&stop_dumping)) {
        EXPECT_RC(weir_dump(out), 0);
        EXPECT(weir_deadlocked(out) >= 0);
        a32_add(&dumps, 1);
    }
    fclose(out);
    return NULL;
}

static int short_life(void *arg)
{
    struct ends *e = arg;
    struct ends mine = open_ends(1 + (size_t)(e->rx.h & 15)); /* narrow ones and wide ones */
    uint64_t item = 1;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, receives, &mine, .name = "r", .give = WEIR_GIVE(struct ends, rx)), 0);
    EXPECT_RC(weir_send(mine.tx, &item), 0);
    EXPECT_RC(weir_send(e->tx, &item), 0);
    weir_yield();
    weir_close(mine.tx);
    return weir_group_end(g);
}

static int many_lives(void *unused)
{
    struct ends e = open_ends(3);
    uint64_t item;
    (void)unused;
    for (int i = 0; i < ROUNDS || a32_load(&dumps) < 20; i++) {
        EXPECT_RC(weir_spawn(WEIR_RUN, short_life, &e, .own = WEIR_OWN(struct ends, tx, rx)), 0);
        EXPECT_RC(weir_recv_by(e.rx, &item, weir_after(60 * WEIR_S)), 1);
    }
    close_ends(e);
    return 0;
}

/* Actors, channels, groups, stacks and whole runs come and go under those who look. */
static void while_all_runs(void)
{
    pthread_t threads[DUMPERS];
    a32_store(&stop_dumping, 0);
    a32_store(&dumps, 0);
    for (int i = 0; i < DUMPERS; i++)
        REQUIRE_EQ(pthread_create(&threads[i], NULL, dump_often, NULL), 0);
    for (unsigned workers = 1; workers <= 4; workers *= 2)
        EXPECT_RC(weir_run(many_lives, NULL, &(weir_options){.workers = workers}), 0);
    a32_store(&stop_dumping, 1);
    for (int i = 0; i < DUMPERS; i++)
        pthread_join(threads[i], NULL);
    EXPECT(a32_load(&dumps) >= 20);
}

TEST_SUITE(dump, "actors: dump", {"dump: states, and what is waited for", states},
           {"dump: sleep, tasks and select", sleep_and_tasks}, {"dump: who woke it", wakers},
           {"dump: stacks", stacks}, {"dump: while everything runs", while_all_runs});

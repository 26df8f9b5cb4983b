/* SPDX-License-Identifier: MIT */
/* test_log.c - the log hook: what reaches it, from where, and what it may do. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <weir/weir.h>

#include "../channels/child.h"
#include "actor.h"
#include "log.h"

static struct {
    unsigned count;
    weir_log_record last;
    char actor[32], text[300];
    void *context;
} got;

static void keep(const weir_log_record *record, void *context)
{
    if (strstr(record->text, "MADV_GUARD_INSTALL")) /* an old kernel, or an emulator */
        return;
    got.count++;
    got.last = *record;
    got.context = context;
    snprintf(got.actor, sizeof got.actor, "%s", record->actor);
    snprintf(got.text, sizeof got.text, "%s", record->text);
    errno = EILSEQ;
}

static void begin(void (*hook)(const weir_log_record *, void *), void *context)
{
    memset(&got, 0, sizeof got);
    weir_set_log(hook, context);
}

static void nowhere(void)
{
    begin(NULL, &got);
    EXPECT(!weir__log_wanted());
    weir__log(WEIR_LOG_MISUSE, NULL, "here.c", 3, "nobody hears");
    weir_set_log(keep, NULL);
    EXPECT(weir__log_wanted());
    weir_set_log(NULL, NULL);
    EXPECT(!weir__log_wanted());
    weir__log_of(WEIR_LOG_DEADLOCK, "x", 1, "nobody hears");
    EXPECT_EQ(got.count, 0);
}

static void from_a_thread(void)
{
    int context;
    begin(keep, &context);
    errno = EDOM;
    weir__log(WEIR_LOG_MISUSE, NULL, "here.c", 17, "%d of %s", 2, "three");
    EXPECT_EQ(errno, EDOM);
    EXPECT_EQ(got.count, 1);
    EXPECT_EQ(got.last.kind, WEIR_LOG_MISUSE);
    EXPECT_STR(got.actor, "");
    EXPECT_EQ(got.last.id, 0);
    EXPECT_STR(got.text, "2 of three");
    EXPECT_STR(got.last.file, "here.c");
    EXPECT_EQ(got.last.line, 17);
    EXPECT(got.context == &context);
    weir__log_of(WEIR_LOG_HOG, "busy", 7, "%0400d", 1);
    EXPECT_EQ(got.count, 2);
    EXPECT_STR(got.actor, "busy");
    EXPECT_EQ(got.last.id, 7);
    EXPECT_EQ(strlen(got.text), 255);
    EXPECT(got.last.file == NULL);
    weir_set_log(NULL, NULL);
}

/* ---- what the hook may do ----------------------------------------------------------- */

struct ends {
    weir_sender tx;
    weir_receiver rx;
};

static unsigned dropped;

static void count_drop(void *item, void *context)
{
    (void)context;
    dropped += *(unsigned *)item;
}

/* Three operations that would wait, one that need not, and the close of an end with items. */
static void use_weir(const weir_log_record *record, void *context)
{
    struct ends *e = context, inner;
    unsigned item = 5;
    const weir_channel_options o = {.drop = count_drop};
    keep(record, NULL);
    EXPECT_RC(weir_try_send(e->tx, &item), 0);
    EXPECT_RC(weir_send(e->tx, &item), WEIR_EPERM);
    EXPECT_RC(weir_yield(), WEIR_EPERM);
    EXPECT_RC(weir_channel_open(&inner.tx, &inner.rx, sizeof item, 2, &o), 0);
    EXPECT_RC(weir_recv(inner.rx, &item), WEIR_EPERM);
    EXPECT_RC(weir_try_send(inner.tx, &item), 0);
    weir_close(inner.rx);
    weir_close(inner.tx);
    weir__log(WEIR_LOG_MISUSE, NULL, NULL, 0, "from the hook itself");
}

static void report_and_receive(void)
{
    struct ends e;
    unsigned item = 0;
    EXPECT_RC(weir_channel_open(&e.tx, &e.rx, sizeof item, 1, NULL), 0);
    begin(use_weir, &e);
    dropped = 0;
    weir__log(WEIR_LOG_GUARD, NULL, NULL, 0, "to be sent");
    EXPECT_EQ(got.count, 1);
    EXPECT_STR(got.text, "to be sent");
    EXPECT_EQ(dropped, 5);
    EXPECT_RC(weir_recv(e.rx, &item), 1);
    EXPECT_EQ(item, 5);
    weir_set_log(NULL, NULL);
    EXPECT_RC(weir_send(e.tx, &item), 0); /* waiting is allowed again, it only need not */
    EXPECT_RC(weir_recv(e.rx, &item), 1);
    weir_close(e.tx);
    weir_close(e.rx);
}

static int in_actor(void *unused)
{
    (void)unused;
    report_and_receive();
    return weir_yield();
}

static void hook_uses_weir(void)
{
    report_and_receive();
    EXPECT_RC(weir_run(in_actor, NULL, NULL), 0);
}

/* A drop function that reports: it is still one when the hook has returned. */
static void drop_reports(void *item, void *context)
{
    struct ends *e = context;
    unsigned value;
    count_drop(item, NULL);
    weir__log(WEIR_LOG_MISUSE, NULL, NULL, 0, "dropped");
    EXPECT_RC(weir_recv(e->rx, &value), WEIR_EPERM);
}

static void from_a_drop_function(void)
{
    struct ends dead, other;
    unsigned item = 3;
    const weir_channel_options o = {.drop = drop_reports, .drop_context = &other};
    EXPECT_RC(weir_channel_open(&other.tx, &other.rx, sizeof item, 1, NULL), 0);
    EXPECT_RC(weir_channel_open(&dead.tx, &dead.rx, sizeof item, 2, &o), 0);
    EXPECT_RC(weir_send(dead.tx, &item), 0);
    EXPECT_RC(weir_send(dead.tx, &item), 0);
    begin(keep, NULL);
    dropped = 0;
    weir_close(dead.rx);
    EXPECT_EQ(got.count, 2);
    EXPECT_EQ(dropped, 6);
    weir_close(dead.tx);
    weir_close(other.tx);
    weir_close(other.rx);
    weir_set_log(NULL, NULL);
}

static int reports_itself(void *unused)
{
    (void)unused;
    weir__log(WEIR_LOG_HOG, actor_self(), NULL, 0, "it is me");
    EXPECT_STR(got.actor, "main");
    EXPECT_EQ(got.last.id, actor_self()->party.id);
    return 0;
}

static void about_an_actor(void)
{
    begin(keep, NULL);
    EXPECT_RC(weir_run(reports_itself, NULL, NULL), 0);
    EXPECT_EQ(got.count, 1);
    weir_set_log(NULL, NULL);
}

static unsigned line_of_begin;

static int leaves_it_open(void *unused)
{
    (void)unused;
    line_of_begin = __LINE__ + 1;
    weir_scope scope = weir_scope_begin();
    return weir_check(scope);
}

static void misuse(void)
{
    begin(keep, NULL);
    EXPECT_RC(weir_run(leaves_it_open, NULL, NULL), 0);
    weir_set_log(NULL, NULL);
    EXPECT_EQ(got.count, 1);
    EXPECT_EQ(got.last.kind, WEIR_LOG_MISUSE);
    EXPECT_STR(got.actor, "main");
    EXPECT_EQ(got.last.line, line_of_begin);
    EXPECT(strstr(got.last.file, "test_log.c") != NULL);
    EXPECT(strstr(got.text, "with this scope open") != NULL);
}

/* ---- several threads ---------------------------------------------------------------- */

enum { REPORTS = 2000 };
static int context_a, context_b;
static a32 mixed_up, heard;

static void hook_a(const weir_log_record *record, void *context)
{
    a32_add(context == &context_a && record->id == 1 ? &heard : &mixed_up, 1);
}

static void hook_b(const weir_log_record *record, void *context)
{
    a32_add(context == &context_b && record->id == 1 ? &heard : &mixed_up, 1);
}

static void *report_often(void *unused)
{
    (void)unused;
    for (int i = 0; i < REPORTS; i++)
        weir__log_of(WEIR_LOG_HOG, "x", 1, "number %d", i);
    return NULL;
}

static void while_others_report(void)
{
    pthread_t threads[2];
    weir_set_log(hook_a, &context_a);
    for (int i = 0; i < 2; i++)
        REQUIRE_EQ(pthread_create(&threads[i], NULL, report_often, NULL), 0);
    for (int i = 0; i < REPORTS; i++) {
        weir_set_log(hook_b, &context_b);
        weir_set_log(hook_a, &context_a);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    weir_set_log(NULL, NULL);
    EXPECT_EQ(a32_load(&mixed_up), 0);
    EXPECT_EQ(a32_load(&heard), 2 * REPORTS);
}

/* ---- standard error ----------------------------------------------------------------- */

static int prints(void)
{
    weir_set_log(weir_log_stderr, NULL);
    weir__log(WEIR_LOG_MISUSE, NULL, "here.c", 17, "a group was left open");
    weir__log_of(WEIR_LOG_DEADLOCK, "worker", 9, "waits for nobody");
    weir__log_of(WEIR_LOG_HOG, "", 0, "%s", "");
    return 0;
}

static int prints_long(void)
{
    char name[100] = "", file[600] = "";
    memset(name, 'n', sizeof name - 1);
    memset(file, 'f', sizeof file - 1);
    const weir_log_record long_one = {.kind = WEIR_LOG_GUARD, .actor = name, .id = 1, .text = file};
    const weir_log_record long_file = {
        .kind = WEIR_LOG_GUARD, .actor = "", .text = "short", .file = file, .line = 1};
    weir_log_stderr(&long_one, NULL);
    weir_log_stderr(&long_file, NULL);
    return 0;
}

static int prints_to_nobody(void)
{
    const weir_log_record record = {.kind = WEIR_LOG_HOG, .actor = "", .text = "unheard"};
    close(STDERR_FILENO);
    weir_log_stderr(&record, NULL);
    return 0;
}

static void standard_error(void)
{
    struct child_end end = child_run(prints);
    EXPECT_EQ(end.status, 0);
    EXPECT_STR(end.said, "weir: misuse: a group was left open (here.c:17)\n"
                         "weir: deadlock: actor 'worker' (#9): waits for nobody\n"
                         "weir: hog: \n");
    end = child_run(prints_long);
    EXPECT_EQ(end.status, 0);
    EXPECT_EQ(strlen(end.said), 2 * 511);
    EXPECT(end.said[510] == '\n' && end.said[1021] == '\n');
    EXPECT_EQ(child_run(prints_to_nobody).status, 0);
}

static void kinds_have_names(void)
{
    EXPECT_STR(weir_log_name(WEIR_LOG_MISUSE), "misuse");
    EXPECT_STR(weir_log_name(WEIR_LOG_GUARD), "guard");
    EXPECT_STR(weir_log_name((weir_log_kind)0), "");
    EXPECT_STR(weir_log_name(WEIR_LOG_PROCESS), "process");
    EXPECT_STR(weir_log_name(WEIR_LOG_SERVER), "server");
    EXPECT_STR(weir_log_name((weir_log_kind)(WEIR_LOG_SERVER + 1)), "");
}

/* ---- guards ------------------------------------------------------------------------- */

static char told[4][300];
static unsigned tellings;

static void note_guard(const weir_log_record *r, void *unused)
{
    (void)unused;
    if (r->kind == WEIR_LOG_GUARD && tellings < 4)
        snprintf(told[tellings++], sizeof told[0], "%s", r->text);
}

static int yields(void *unused)
{
    (void)unused;
    return weir_yield();
}

static int crowd(void *unused)
{
    (void)unused;
    for (int i = 0; i < 40; i++)
        if (weir_spawn(WEIR_RUN, yields, NULL) < 0)
            return -1;
    return weir_yield();
}

/* A sanitizer build starts one rung lower. */
static int falls_to_protect(void)
{
    if (!child_refuse_guards(false))
        return CHILD_SKIPS;
    weir_set_log(note_guard, NULL);
    CHECK(weir_run(crowd, NULL, NULL) == 0);
#if !defined(WEIR_ASAN)
    CHECK(tellings == 1 && strstr(told[0], "MADV_GUARD_INSTALL"));
#endif
    return 0;
}

static int falls_to_canary(void)
{
    if (!child_refuse_guards(true))
        return CHILD_SKIPS;
    weir_set_log(note_guard, NULL);
    CHECK(weir_run(crowd, NULL, NULL) == 0);
    CHECK(tellings == 1 && strstr(told[0], "canary") && strstr(told[0], "vm.max_map_count"));
    CHECK(weir_run(crowd, NULL, &(weir_options){.guard = WEIR_GUARD_CANARY}) == 0);
    CHECK(tellings == 1); /* as asked for: nothing fell */
    return 0;
}

static void guards_fall(void)
{
    int (*const children[])(void) = {falls_to_protect, falls_to_canary};
    for (int i = 0; i < 2; i++) {
        struct child_end end = child_run(children[i]);
        if (!EXPECT(end.status == 0 || end.status == CHILD_SKIPS))
            printf("\n    ... %s", end.said);
    }
}

/* ---- without memory ----------------------------------------------------------------- */

static void *refuse(size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    return NULL;
}

static void free_nothing(void *memory, size_t bytes, void *context)
{
    (void)memory;
    (void)bytes;
    (void)context;
}

/* This process has used nothing of weir before: its thread has no record. */
static int without_memory(void)
{
    const weir_allocator none = {refuse, free_nothing, NULL};
    weir_set_allocator(&none);
    begin(keep, NULL);
    weir__log(WEIR_LOG_MISUSE, NULL, NULL, 0, "still heard");
    CHECK(got.count == 1);
    return 0;
}

static void *child_of_thread(void *unused)
{
    (void)unused;
    EXPECT_CHILD(without_memory);
    return NULL;
}

static void memory_is_not_needed(void)
{
    pthread_t thread;
    REQUIRE_EQ(pthread_create(&thread, NULL, child_of_thread, NULL), 0);
    pthread_join(thread, NULL);
}

TEST_SUITE(log, "actors: log hook", {"log: without a hook nothing is reported", nowhere},
           {"log: what a record says", from_a_thread},
           {"log: the hook sends without waiting, closes and drops", hook_uses_weir},
           {"log: from a drop function", from_a_drop_function},
           {"log: about an actor", about_an_actor}, {"log: misuse, with file and line", misuse},
           {"log: the hook is changed while others report", while_others_report},
           {"log: lines on standard error", standard_error}, {"log: guards fall back", guards_fall},
           {"log: names of kinds", kinds_have_names},
           {"log: without memory", memory_is_not_needed});

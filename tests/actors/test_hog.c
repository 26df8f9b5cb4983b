/* SPDX-License-Identifier: MIT */
/* test_hog.c - the hog report: when, once, and about whom. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <weir/weir.h>

#include "expect.h"
#include "harness.h"
#include "hog.h"

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint reports, of_hog, of_nobody; /* how many; by name */
static char name[32], text[100];
static weir_log_kind kind;

static void keep(const weir_log_record *r, void *unused)
{
    (void)unused;
    if (r->kind == WEIR_LOG_GUARD) /* an old kernel, or an emulator */
        return;
    pthread_mutex_lock(&one_at_a_time);
    kind = r->kind;
    strncpy(name, r->actor, sizeof name - 1);
    strncpy(text, r->text, sizeof text - 1);
    atomic_fetch_add(&of_hog, strcmp(name, "hog") == 0);
    atomic_fetch_add(&of_nobody, name[0] == 0);
    pthread_mutex_unlock(&one_at_a_time);
    atomic_fetch_add(&reports, 1);
}

static void begin(void)
{
    atomic_store(&reports, 0);
    atomic_store(&of_hog, 0);
    atomic_store(&of_nobody, 0);
    weir_set_log(keep, NULL);
}

/* ---- whoever watches -------------------------------------------------------------------- */

static int is_watched(void *unused)
{
    struct hog h = {.since = 0};
    struct actor *me = actor_self();
    aptr current;
    (void)unused;
    aptr_store(&current, me);
    EXPECT(!weir__hog_check(&h, &current, 1 * WEIR_S)); /* the first look */
    EXPECT(!weir__hog_check(&h, &current, 1 * WEIR_S + 100 * WEIR_MS));
    EXPECT_EQ(reports, 0);
    EXPECT(weir__hog_check(&h, &current, 1 * WEIR_S + 101 * WEIR_MS));
    EXPECT_EQ(reports, 1);
    EXPECT_EQ(kind, WEIR_LOG_HOG);
    EXPECT_STR(name, "main");
    EXPECT_STR(text, "has kept its worker for 101 ms");
    EXPECT(!weir__hog_check(&h, &current, 9 * WEIR_S)); /* once */
    EXPECT_RC(weir_yield(), 0);
    EXPECT(!weir__hog_check(&h, &current, 10 * WEIR_S)); /* it switched: from the start */
    EXPECT(!weir__hog_check(&h, &current, 10 * WEIR_S + 100 * WEIR_MS));
    EXPECT(weir__hog_check(&h, &current, 11 * WEIR_S));
    EXPECT_EQ(reports, 2);
    return 0;
}

static void reported_once(void)
{
    begin();
    EXPECT_RC(weir_run(is_watched, NULL, &(weir_options){.workers = 1}), 0);
    weir_set_log(NULL, NULL);
}

/* A worker that is in its loop, or asleep, is no hog however long. */
static void nobody_runs(void)
{
    struct hog h = {.since = 0};
    aptr current;
    begin();
    aptr_store(&current, NULL);
    for (int i = 1; i < 5; i++)
        EXPECT(!weir__hog_check(&h, &current, i * WEIR_S));
    struct actor *free_record = pool_at(&weir__actors, 0); /* never handed out */
    aptr_store(&current, free_record);
    EXPECT(!weir__hog_check(&h, &current, 5 * WEIR_S));
    EXPECT(!weir__hog_check(&h, &current, 6 * WEIR_S));
    weir_set_log(NULL, NULL);
    EXPECT_EQ(reports, 0);
}

/* ---- a worker by itself --------------------------------------------------------------------- */

static void by_itself(void)
{
    static struct actor a = {.name = "slow"};
    struct hog_self h = {.id = 0};
    a.party.id = 77;
    begin();
    weir__hog_note(&h, &a);
    weir__hog_self(&h, 1, 100 * WEIR_MS, 0);
    EXPECT_EQ(reports, 0);
    EXPECT_EQ(h.closer, 0);
    weir__hog_self(&h, 5, 200 * WEIR_MS, 0); /* one of five: it looks closer */
    EXPECT_EQ(reports, 1);
    EXPECT_STR(name, "");
    EXPECT_STR(text, "only 5 actors had a turn in 200 ms");
    EXPECT(h.closer > 100);
    weir__hog_self(&h, 5, 200 * WEIR_MS, 0);
    EXPECT_EQ(reports, 1);
    weir__hog_self(&h, 1, 300 * WEIR_MS, 0);
    EXPECT_EQ(reports, 2);
    EXPECT_STR(name, "slow");
    EXPECT_STR(text, "has kept its worker for 300 ms");
    weir__hog_self(&h, 1, 300 * WEIR_MS, 0); /* once */
    EXPECT_EQ(reports, 2);
    for (uint32_t passes = h.closer; passes > 0; passes--)
        weir__hog_self(&h, 1, 1 * WEIR_MS, 0);
    EXPECT_EQ(h.closer, 0);
    weir_set_log(NULL, NULL);
}

static void told_by_others(void)
{
    static struct actor a = {.name = "slow"};
    struct hog_self h = {.id = 0};
    a.party.id = 77;
    begin();
    weir__hog_note(&h, &a);
    weir__hog_self(&h, 1, 300 * WEIR_MS, 77);
    weir__hog_self(&h, 2, 300 * WEIR_MS, 77);
    EXPECT_EQ(reports, 0);
    weir_set_log(NULL, NULL);
    weir__hog_self(&h, 1, 300 * WEIR_MS, 0);
    EXPECT_EQ(reports, 0);
}

/* ---- runs ------------------------------------------------------------------------------------ */

/*
 * Does not end before it was reported. Others are reported, too, where the machine has made them
 * wait for so long in the middle of their turn.
 */
static int computes(void *unused)
{
    (void)unused;
    while (atomic_load(&of_hog) == 0)
        ;
    return 0;
}

static int has_a_hog(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, computes, unused, .name = "hog"), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(kind, WEIR_LOG_HOG);
    return 0;
}

static void run_watched(void)
{
    static const unsigned workers[] = {2, 8};
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) {
        begin();
        EXPECT_RC(weir_run(has_a_hog, NULL, &(weir_options){.workers = workers[i]}), 0);
        weir_set_log(NULL, NULL);
        EXPECT_EQ(of_hog, 1);
    }
}

static int computes_long(void *unused)
{
    weir_time until = weir_after((HOG_AFTER + 1) * WEIR_MS);
    (void)unused;
    while (weir_now() < until)
        ;
    return 0;
}

/* The first is one of two that ran; the second is known, as the worker has begun to look. */
static int alone(void *unused)
{
    (void)unused;
    for (unsigned i = 1; i <= 2; i++) {
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, computes_long, unused, .name = "hog"), 0);
        EXPECT_RC(weir_group_end(g), 0);
        EXPECT_RC(weir_sleep(WEIR_MS), 0); /* not before the loop came by */
        EXPECT(atomic_load(i == 1 ? &of_nobody : &of_hog) >= 1);
    }
    return 0;
}

static void run_alone(void)
{
    begin();
    EXPECT_RC(weir_run(alone, NULL, &(weir_options){.workers = 1}), 0);
    weir_set_log(NULL, NULL);
}

TEST_SUITE(hog, "actors: hog report", {"hog: reported once per occurrence", reported_once},
           {"hog: nobody runs", nobody_runs}, {"hog: a worker notices by itself", by_itself},
           {"hog: not what others have reported", told_by_others},
           {"hog: reported while it computes", run_watched},
           {"hog: one worker reports after the fact", run_alone});

/* SPDX-License-Identifier: MIT */
/* test_hog.c - the hog report: when, once, and about whom. */
#include <string.h>

#include <weir/weir.h>

#include "harness.h"
#include "hog.h"

static unsigned reports;
static char name[32];
static weir_log_kind kind;

static void keep(const weir_log_record *r, void *unused)
{
    (void)unused;
    reports++;
    kind = r->kind;
    strncpy(name, r->actor, sizeof name - 1);
}

static int is_watched(void *unused)
{
    struct hog h = {0};
    aptr current;
    (void)unused;
    aptr_store(&current, actor_self());
    EXPECT(!weir__hog_check(&h, &current, 7, 1 * WEIR_S)); /* the first look */
    EXPECT(!weir__hog_check(&h, &current, 7, 1 * WEIR_S + 100 * WEIR_MS));
    EXPECT_EQ(reports, 0);
    EXPECT(weir__hog_check(&h, &current, 7, 1 * WEIR_S + 101 * WEIR_MS));
    EXPECT_EQ(reports, 1);
    EXPECT_EQ(kind, WEIR_LOG_HOG);
    EXPECT_STR(name, "main");
    EXPECT(!weir__hog_check(&h, &current, 7, 9 * WEIR_S));  /* once */
    EXPECT(!weir__hog_check(&h, &current, 8, 10 * WEIR_S)); /* it switched: from the start */
    EXPECT(!weir__hog_check(&h, &current, 8, 10 * WEIR_S + 100 * WEIR_MS));
    EXPECT(weir__hog_check(&h, &current, 8, 11 * WEIR_S));
    EXPECT_EQ(reports, 2);
    return 0;
}

static void reported_once(void)
{
    reports = 0;
    weir_set_log(keep, NULL);
    EXPECT_RC(weir_run(is_watched, NULL, NULL), 0);
    weir_set_log(NULL, NULL);
}

/* A worker that is in its loop, or asleep, is no hog however long. */
static void nobody_runs(void)
{
    struct hog h = {0};
    aptr current;
    reports = 0;
    weir_set_log(keep, NULL);
    aptr_store(&current, NULL);
    for (int i = 1; i < 5; i++)
        EXPECT(!weir__hog_check(&h, &current, 3, i * WEIR_S));
    struct actor *free_record = pool_at(&weir__actors, 0); /* never handed out */
    aptr_store(&current, free_record);
    EXPECT(!weir__hog_check(&h, &current, 3, 5 * WEIR_S));
    EXPECT(!weir__hog_check(&h, &current, 3, 6 * WEIR_S));
    weir_set_log(NULL, NULL);
    EXPECT_EQ(reports, 0);
}

TEST_SUITE(hog, "actors: hog report", {"hog: reported once per occurrence", reported_once},
           {"hog: nobody runs", nobody_runs});

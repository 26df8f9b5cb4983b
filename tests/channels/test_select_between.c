/* SPDX-License-Identifier: MIT */
/* test_select_between.c - scenario_select_between.h with plain threads, and without memory. */
#include "scenario_select_between.h"

#include "child.h"
#include "fed.h"

static void call_party(struct call *c)
{
    call_body(c);
}

static atomic_bool no_memory;

static void *scarce_allocate(size_t bytes, void *context)
{
    (void)context;
    return atomic_load(&no_memory) ? NULL : malloc(bytes ? bytes : 1);
}

static void scarce_release(void *memory, size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    free(memory);
}

/* A first item needs cells; without a source a select tries to send it without locks. */
static int no_memory_below_a_source(void)
{
    static const weir_allocator scarce = {scarce_allocate, scarce_release, NULL};
    struct pair p;
    uint64_t item = 6;
    weir_set_allocator(&scarce);
    pair_open(&p, 4);
    struct passer o = {.below = weir_on_send(p.tx, &item), .rc = WEIR_EAGAIN};
    weir_case cases[] = {weir_on_source(&passer, &o, NULL)};
    atomic_store(&no_memory, true);
    CHECK(weir_select(cases, 1, WEIR_FAIR) == 0);
    CHECK(cases[0].rc == WEIR_ENOMEM && o.armed == 0);
    atomic_store(&no_memory, false);
    o.rc = WEIR_EAGAIN;
    CHECK(weir_select(cases, 1, WEIR_FAIR) == 0);
    CHECK(cases[0].rc == 0 && o.armed == 0);
    item = 0;
    CHECK(weir_try_recv(p.rx, &item) == 1 && item == 6);
    return 0;
}

static void select_without_memory(void)
{
    EXPECT_CHILD(no_memory_below_a_source);
}

/* What is waited for below was closed between the look and the wait. */
static void closed_below_a_source(void)
{
    struct pair p;
    pair_open(&p, 4);
    EXPECT_RC(weir_close(p.rx), 0);
    struct passer o = {.below = weir__on_fed(p.rx.h, NULL, false), .rc = WEIR_EAGAIN};
    weir_case cases[] = {weir_on_source(&passer, &o, NULL)};
    EXPECT_EQ(weir_select(cases, 1, WEIR_FAIR), 0);
    EXPECT_RC(cases[0].rc, WEIR_ECLOSED);
    EXPECT_EQ(o.armed, 0);
    EXPECT_RC(weir_close(p.tx), 0);
}

TEST_SUITE(select_between, "channels: between two steps of a wait",
           SELECT_BETWEEN_CASES{"F054 select: there is no memory for a source's item",
                                select_without_memory},
           {"F054 F060 select: what a source waits for is closed", closed_below_a_source});

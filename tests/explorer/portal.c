/* SPDX-License-Identifier: MIT */
/* portal.c - threads enter a run while it is stopped, and ends: docs/protocol.md, "Portals". */
#include "sync_model.h"

static weir_portal portal;
static a32 opened, entered, got, stopped;

static int enters(void *unused)
{
    (void)unused;
    a32_add(&entered, 1);
    return 7;
}

static int fails(void *unused)
{
    (void)unused;
    a32_add(&entered, 1);
    return WEIR_EPIPE;
}

static int serves(void *unused)
{
    (void)unused;
    portal = weir_portal_open();
    a32_store_release(&opened, 1);
    EXPLORE_EQ(weir_portal_wait(portal), 0);
    EXPLORE_EQ(weir_portal_end(portal), 0);
    return 0;
}

static void runs(void *unused)
{
    (void)unused;
    sync_run(serves);
}

static void await_portal(void)
{
    while (!a32_load_acquire(&opened))
        a_relax();
}

/* Who was refused has not entered, and who has entered has got what he came for. */
static void calls_body(weir_body body, int wants)
{
    await_portal();
    bool late = a32_load_acquire(&stopped);
    int rc = weir_portal_call(portal, body, (void *)NULL);
    EXPLORE_ASSERT(rc == WEIR_ECLOSED || (rc == wants && !late));
    if (rc == wants)
        a32_add(&got, 1);
}

static void calls(void *unused)
{
    (void)unused;
    calls_body(enters, 7);
}

static void calls_failing(void *unused)
{
    (void)unused;
    calls_body(fails, WEIR_EPIPE);
}

static void stops(void *unused)
{
    (void)unused;
    await_portal();
    EXPLORE_EQ(weir_portal_stop(portal, false), 0);
    a32_store_release(&stopped, 1);
}

static void calls_then_stops(void *unused)
{
    calls_failing(unused);
    stops(unused);
}

static void stops_then_calls(void *unused)
{
    stops(unused);
    calls(unused);
}

static void all_got(void)
{
    EXPLORE_EQ(a32_load(&got), a32_load(&entered));
}

#define PORTAL(ident, text, ...)                                                                   \
    SYNC_MODEL(ident, text, .check = all_got, .max_steps = 60000, __VA_ARGS__)
#define PORTAL_BROKEN(ident, text, defect, ...)                                                    \
    SYNC_BROKEN(ident, text, defect, .check = all_got, .max_steps = 60000, __VA_ARGS__)

PORTAL(portal_stop, "F131 a portal is stopped while threads call",
       .threads = {{"worker", runs, NULL}, {"a", calls, NULL}, {"stopper", stops, NULL}});
PORTAL(portal_fails, "F131 a failure is its caller's alone",
       .threads = {
           {"worker", runs, NULL}, {"a", calls_failing, NULL}, {"b", calls_then_stops, NULL}});
PORTAL(portal_late, "F131 after the stop nobody enters, whoever calls",
       .threads = {{"worker", runs, NULL}, {"a", stops_then_calls, NULL}, {"b", calls, NULL}});

PORTAL_BROKEN(portal_not_looked_at, "a call enters a portal that was stopped",
              "portal: stopped or not",
              .threads = {{"worker", runs, NULL}, {"a", stops_then_calls, NULL}});
PORTAL_BROKEN(portal_fails_group, "a caller's failure ends the portal for all",
              "portal: a failure of the group",
              .threads = {{"worker", runs, NULL}, {"b", calls_then_stops, NULL}});

/* ---- a run that threads share ---------------------------------------------------------------- */

static a32 unshared;

/* The other one, if there is one, may need a thread yet. */
static void unshares(weir_portal p, uint32_t users)
{
    EXPLORE_EQ(weir_portal_unshare(p), 0);
    if (a32_add(&unshared, 1) + 1 == users)
        explore_no_more_hired();
}

/* While it has the portal nobody ends the run. */
static void shares(void *unused)
{
    (void)unused;
    weir_portal p = weir_portal_share(NULL);
    EXPLORE_EQ(weir_check(p), 0);
    EXPLORE_EQ(weir_portal_call(p, enters, (void *)NULL), 7);
    a32_add(&got, 1);
    unshares(p, 2);
}

/* What entered was waited for, whoever was the last. */
static int stays(void *unused)
{
    EXPLORE_EQ(weir_yield(), 0); /* nobody cancels it */
    return enters(unused);
}

static void starts_only(void *users)
{
    weir_portal p = weir_portal_share(NULL);
    EXPLORE_EQ(weir_portal_start(p, stays, (void *)NULL), 0);
    a32_add(&got, 1);
    unshares(p, (uint32_t)(uintptr_t)users);
}

static void none_left(void)
{
    all_got();
    EXPLORE_EQ(weir_stop(NULL), WEIR_EPERM);
}

#define SHARE(ident, text, ...)                                                                    \
    SYNC_MODEL(ident, text, .check = none_left, .max_steps = 60000, __VA_ARGS__)
#define SHARE_BROKEN(ident, text, defect, ...)                                                     \
    SYNC_BROKEN(ident, text, defect, .check = none_left, .max_steps = 60000, __VA_ARGS__)
#define TWO_RUNS                                                                                   \
    {"weir", explore_hired, (void *)0},                                                            \
    {                                                                                              \
        "weir again", explore_hired, (void *)1                                                     \
    }

SHARE(portal_share, "F131 two threads share a run: the first begins, the last ends it",
      .threads = {{"a", shares, NULL}, {"b", shares, NULL}, TWO_RUNS});
SHARE(portal_share_starts, "F131 what has entered a shared run is waited for",
      .threads = {{"a", starts_only, (void *)2}, {"b", shares, NULL}, TWO_RUNS});

SHARE_BROKEN(portal_share_ended, "a shared run is ended while somebody has it",
             "share: ended by who is not the last",
             .threads = {{"a", shares, NULL}, {"b", shares, NULL}, TWO_RUNS});
SHARE_BROKEN(portal_share_not_awaited, "a shared run is stopped before what has entered has ended",
             "share: its end not awaited", .threads = {{"a", starts_only, (void *)1}, TWO_RUNS});

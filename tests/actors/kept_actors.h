/* SPDX-License-Identifier: MIT */
/* kept_actors.h - the scenarios of oneshot, watch and broadcast as actors; what cancels a wait. */
#ifndef WEIR_TESTS_KEPT_ACTORS_H
#define WEIR_TESTS_KEPT_ACTORS_H

#include "flow_actors.h"

#include "../channels/kept_flows.h"

static inline int kept_scenario(void *arg)
{
    void (*scenario)(void) = *(void (**)(void))arg;
    scenario();
    return 0;
}

static inline void run_kept(void (*scenario)(void), bool mixed)
{
    flows_mixed = mixed;
    EXPECT_RC(weir_run(kept_scenario, &scenario, NULL), 0);
}

#define KEPT_FUNCTIONS(title, test)                                                                \
    static void alone_##test(void)                                                                 \
    {                                                                                              \
        run_kept(test, false);                                                                     \
    }                                                                                              \
    static void mixed_##test(void)                                                                 \
    {                                                                                              \
        run_kept(test, true);                                                                      \
    }
#define KEPT_CASES(title, test)                                                                    \
    {title " (actors)", alone_##test}, {title " (actors and threads)", mixed_##test},

/* An actor in a receive, and in a select, that is ended by a cancellation. */
struct to_cancel {
    weir_receiver rx;
    int *results;
};

static inline int recv_until_cancelled(void *arg)
{
    struct to_cancel *c = arg;
    uint64_t item = 7;
    weir_case select[] = {weir_on_recv(c->rx, &item)};
    c->results[0] = weir_recv(c->rx, &item);
    c->results[1] = weir_recv_by(c->rx, &item, weir_after(FAR));
    c->results[2] = weir_select(select, 1, WEIR_FAIR);
    c->results[3] = weir_try_recv(c->rx, &item);
    EXPECT_EQ(item, 7);
    return 0;
}

static inline int select_until_cancelled(void *arg)
{
    struct to_cancel *c = arg;
    uint64_t item = 7;
    weir_case select[] = {weir_on_recv(c->rx, &item), weir_on_recv(c->rx, &item)};
    c->results[0] = weir_select(select, 2, WEIR_FAIR);
    c->results[1] = c->results[2] = weir_recv(c->rx, &item);
    c->results[3] = weir_try_recv(c->rx, &item);
    EXPECT_EQ(item, 7);
    return 0;
}

/* rx has nothing to receive. */
static inline void expect_cancelled(weir_receiver rx)
{
    for (int selects = 0; selects < 2; selects++) {
        int results[4] = {0};
        struct to_cancel c = {rx, results};
        weir_group g = weir_group_begin();
        EXPECT_RC(weir_spawn(g, selects ? select_until_cancelled : recv_until_cancelled, &c), 0);
        while (stats_of(rx.h).waiting_receivers != (selects ? 2 : 1))
            weir_yield();
        EXPECT_RC(weir_group_cancel(g, "enough"), 0);
        weir_group_end(g);
        for (unsigned i = 0; i < 3; i++)
            EXPECT_RC(results[i], WEIR_ECANCELED);
        EXPECT_RC(results[3], WEIR_EAGAIN);
        EXPECT_EQ(stats_of(rx.h).waiting_receivers, 0);
    }
}

#endif

/* SPDX-License-Identifier: MIT */
/* ../channels/scenario_between.h: it is an actor that is stopped, and threads that meddle. */
#include <weir/weir.h>

#include "../channels/scenario_between.h"
#include "one_worker.h"

static void call_party(struct call *c)
{
    EXPECT_RC(weir_run(call_body, c, &one_worker), 0);
}

struct gift {
    weir_sender tx;
};

static int keep(void *arg)
{
    (void)arg;
    return 0;
}

static int give(struct call *c)
{
    struct gift gift = {c->tx};
    return weir_spawn(WEIR_RUN, keep, &gift, .give = WEIR_GIVE(struct gift, tx));
}

/* The handle was good when the spawn began. */
static void closed_before_it_is_given(void)
{
    struct ends e;
    stops_begin();
    open_ends(&e, sizeof(uint64_t), 4, 0);
    struct call c = {.op = CALL_OTHER, .other = give, .tx = e.tx};
    call_begin(&c);
    stop_at(0, e.ch);
    call_start(&c);
    stop_reached(0);
    EXPECT_RC(weir_close(e.tx), 0);
    stop_leave(0);
    EXPECT_RC(call_join(&c), WEIR_ECLOSED);
    EXPECT_EQ(stats_of(e.rx.h).open_senders, 0); /* closed once */
    EXPECT_RC(try_recv_number(e.rx), 0);
    EXPECT_RC(weir_close(e.rx), 0);
    call_end(&c);
    stops_end();
}

TEST_SUITE(between, "actors: between two steps of a call",
           BETWEEN_CASES(BETWEEN_CASE){"F041 a handle is closed while it is given",
                                       closed_before_it_is_given});

/* SPDX-License-Identifier: MIT */
/*
 * idle.c - streams that wait while no actor does: docs/protocol.md, "Idle streams".
 *
 * A stream of the model is above a FED channel that counts what has come. Its waiter stands there;
 * a device tells of bytes as a poller does.
 */
#include "idle.h"
#include "model.h"

/* ---- the stream --------------------------------------------------------------------------------
 */

static a32 there;
static struct feeder source;
static weir_receiver below;
static weir_stream stream;

static bool source_ready(struct feeder *f)
{
    (void)f;
    return a32_load_acquire(&there) > 0;
}

static int source_pop(struct feeder *f, struct waiter *w)
{
    EXPLORE_EQ(w->count, 0); /* nobody else receives */
    return source_ready(f);
}

static void source_deserted(struct feeder *f, struct thread *t)
{
    (void)f, (void)t;
}

static const struct feed feed = {
    .pop = source_pop, .ready = source_ready, .deserted = source_deserted};

static ssize_t try_recv(void *self, const struct iovec *to, int n)
{
    (void)self, (void)to, (void)n;
    return WEIR_EAGAIN;
}

static int arm_recv(void *self, weir_case *c)
{
    (void)self;
    *c = weir__on_fed(below.h, source.chan, false);
    return 0;
}

static void disarm(void *self, bool sends, int rc)
{
    (void)self, (void)sends, (void)rc;
}

static void shut(void *self, bool abort)
{
    (void)self, (void)abort;
}

static const weir_stream_ops ops = {
    .try_recv = try_recv, .arm_recv = arm_recv, .disarm = disarm, .shut = shut};

/* ---- who waits ---------------------------------------------------------------------------------
 */

static struct line line;
static struct idle idle;
static weir_receiver arrivals;
static bool owned; /* by us: nobody else touches it */

static void set_up(void)
{
    struct party *self = party_enter();
    struct slot *slot = weir__slot_reserve(self);
    EXPLORE_EQ(weir__fed_open(&source, &feed, self->thread, 1, 0, true), 0);
    below.h = weir__slot_publish(self, slot, RECEIVER, source.chan);
    arrivals = weir__line_open(&line, self);
    party_leave(self);
    stream = weir_stream_make(&ops, &there);
    EXPLORE_EQ(weir_check(stream), 0);
    weir__idle_init(&idle, &line);
    idle.stream = stream;
    owned = true;
}

/* False: it is still ours. */
static bool begins(void)
{
    struct party *self = party_enter();
    owned = false;
    int rc = weir__idle_wait(&idle, self);
    party_leave(self);
    owned = rc != 0;
    EXPLORE_ASSERT(rc == 0 || rc == 1 || rc == WEIR_ECLOSED);
    return rc == 0;
}

/* The next of the line is ours again. */
static void comes(void)
{
    struct idle *i;
    EXPLORE_EQ(weir_recv(arrivals, &i), 1);
    EXPLORE_ASSERT(i == &idle);
    weir__idle_done(i);
    owned = true;
}

static void waits(void *unused)
{
    (void)unused;
    if (begins())
        comes();
}

/* Twice in line, for two bytes. */
static void waits_again(void *unused)
{
    waits(unused);
    a32_store(&there, 0);
    a32_store_release(&there, 2);
    waits(unused);
}

/* Once it has been stopped it is in nobody's hands: it may wait elsewhere, or go. */
static void stops(void *unused)
{
    struct party *self = party_enter();
    (void)unused;
    if (begins()) {
        if (weir__idle_stop(&idle)) {
            weir__idle_done(&idle);
            idle.line = NULL;
            owned = true;
        } else {
            comes();
        }
    }
    party_leave(self);
}

static void device(void *unused)
{
    (void)unused;
    struct party *self = party_enter();
    a32_add(&there, 1);
    a_after_rmw();
    if (weir_check(below) == 0 && fed_is_waited_on(source.chan, RECEIVER))
        weir__fed_serve(source.chan);
    party_leave(self);
}

static void closes(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_close(below), 0);
}

static void pokes(void *unused)
{
    (void)unused;
    struct party *self = party_enter();
    weir__line_poke(&line);
    party_leave(self);
}

/* One poke is told, apart from what is in line. */
static void waits_and_is_poked(void *unused)
{
    struct idle *i;
    bool poked = false;
    (void)unused;
    bool waiting = begins();
    while (waiting || !poked) {
        EXPLORE_EQ(weir_recv(arrivals, &i), 1);
        EXPLORE_ASSERT(i ? waiting : !poked);
        if (i)
            waiting = false;
        else
            poked = true;
    }
    weir__idle_done(&idle);
    owned = true;
}

/* ---- what has to hold --------------------------------------------------------------------------
 */

static void once(void)
{
    EXPLORE_ASSERT(owned);
    EXPLORE_ASSERT(!line.first && !line.poked);
    EXPLORE_ASSERT(weir_check(below) < 0 || !source.chan->recvq.first);
}

#define COMMON .setup = set_up, .check = once, .thread_exit = weir__thread_detach
#define TOLD COMMON, .threads = {{"waits", waits, NULL}, {"device", device, NULL}}
#define STOPPED COMMON, .threads = {{"stops", stops, NULL}, {"device", device, NULL}}

EXPLORE_MODEL(idle_told, "F067 something comes while it begins to wait", TOLD);
EXPLORE_MODEL(idle_again, "F067 twice", COMMON,
              .threads = {{"waits", waits_again, NULL},
                          {"device", device, NULL},
                          {"device 2", device, NULL}});
EXPLORE_MODEL(idle_stopped, "F067 stopped while something comes", STOPPED);
EXPLORE_MODEL(idle_closed, "F067 F089 closed while it waits, and something comes", COMMON,
              .threads = {
                  {"waits", waits, NULL}, {"device", device, NULL}, {"closes", closes, NULL}});
EXPLORE_MODEL(idle_poked, "F067 poked while something comes", COMMON,
              .threads = {{"waits", waits_and_is_poked, NULL},
                          {"device", device, NULL},
                          {"pokes", pokes, NULL}});
EXPLORE_MODEL(idle_no_second_look, "it does not look under the lock", TOLD,
              .mutation = "idle: no second look", .expect = "deadlock");
EXPLORE_MODEL(idle_not_verified, "it is taken for stopped, though it is in line", STOPPED,
              .mutation = "idle: not verified");

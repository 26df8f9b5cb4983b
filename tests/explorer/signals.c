/* SPDX-License-Identifier: MIT */
/* signals.c - from the handler to who receives: docs/protocol.md, "Signals". The ring has 2 places.
 */
#include <weir/signals.h>

#include "model.h"
#include "os_signal.h"

enum { NUMBER = 10, FEEDERS = 3 };

/* ---- the kernel's side ---------------------------------------------------------------------- */

static a32 is_ours, sent, received, by_default, ready;
static unsigned begun; /* threads of weir's */

bool os_signal_is_for_us(int number)
{
    return number == NUMBER;
}

int os_signal_take(int number)
{
    EXPLORE_EQ(number, NUMBER);
    EXPLORE_EQ(a32_xchg(&is_ours, 1), 0);
    return 0;
}

void os_signal_give_back(int number)
{
    EXPLORE_EQ(number, NUMBER);
    EXPLORE_EQ(a32_xchg(&is_ours, 0), 1);
}

/* The disposition is looked at, then the handler begins; what it gives back comes again. */
void os_signal_pass_on(const weir_signal *signal)
{
    do {
        if (!a32_load(&is_ours)) {
            a32_add(&by_default, signal->count);
            return;
        }
        explore_yield();
    } while (!weir__signal_caught(signal));
}

void os_signal_thread_begins(void)
{
    begun++;
}

void os_signal_let_in(uint64_t wanted)
{
    EXPLORE_ASSERT(wanted == 0 || wanted == signal_bit(NUMBER));
}

static void await_ready(void)
{
    while (!a32_load_acquire(&ready))
        a_relax();
}

static void arrives(void *times)
{
    await_ready();
    for (uintptr_t n = (uintptr_t)times; n > 0; n--) {
        a32_add(&sent, 1);
        os_signal_pass_on(&(weir_signal){.number = NUMBER, .count = 1});
    }
}

/* ---- what receivers do ---------------------------------------------------------------------- */

static weir_receiver opened(size_t queue)
{
    weir_receiver rx;
    const int number = NUMBER;
    EXPLORE_EQ(weir_signals_open(&rx, &number, 1, &(weir_signal_options){queue}), 0);
    return rx;
}

static void closes(weir_receiver rx)
{
    EXPLORE_EQ(weir_close(rx), 0);
}

static void takes(const weir_signal *s)
{
    EXPLORE_EQ(s->number, NUMBER);
    a32_add(&received, s->count);
}

/* Until so many were told. */
static void receives_from(weir_receiver rx, uintptr_t all)
{
    weir_signal s;
    a32_store_release(&ready, 1);
    while (a32_load(&received) < all) {
        EXPLORE_EQ(weir_recv(rx, &s), 1);
        takes(&s);
    }
    closes(rx);
}

static void receives(void *all)
{
    receives_from(opened(0), (uintptr_t)all);
}

static void receives_items(void *all)
{
    receives_from(opened(2), (uintptr_t)all);
}

/* Perhaps one, and goes. */
static void looks(void *unused)
{
    weir_signal s;
    weir_receiver rx = opened(0);
    (void)unused;
    a32_store_release(&ready, 1);
    if (weir_try_recv(rx, &s) == 1)
        takes(&s);
    closes(rx);
}

static void comes_and_goes(void *second)
{
    if (second)
        await_ready();
    weir_receiver rx = opened(0), clone = weir_receiver_clone(rx);
    a32_store_release(&ready, 1);
    closes(rx);
    EXPLORE_EQ(a32_load(&is_ours), 1);
    closes(clone);
}

/* ---- what has to hold ----------------------------------------------------------------------- */

/* The threads of a model come first, those for weir last. */
static void nobody_sleeps(unsigned threads)
{
    for (unsigned i = 0; i < threads; i++)
        EXPLORE_ASSERT(!explore_asleep(i));
    for (unsigned i = 0; i < FEEDERS; i++)
        EXPLORE_EQ(explore_asleep(threads + i), i >= begun);
}

static void nothing_lost(unsigned threads)
{
    nobody_sleeps(threads);
    EXPLORE_EQ(a32_load(&is_ours), 0);
    EXPLORE_EQ(a32_load(&received) + a32_load(&by_default), a32_load(&sent));
}

static void two_end(void)
{
    nothing_lost(2);
}

static void three_end(void)
{
    nothing_lost(3);
}

#define WEIRS                                                                                      \
    {"weir 1", explore_hired, (void *)0}, {"weir 2", explore_hired, (void *)1},                    \
    {                                                                                              \
        "weir 3", explore_hired, (void *)2                                                         \
    }
#define COMMON .thread_exit = weir__thread_detach, .flags = EXPLORE_MAY_BLOCK

/* ---- models --------------------------------------------------------------------------------- */

/* More than the ring has places for, to one who waits. */
#define STORM(receives)                                                                            \
    .check = three_end, COMMON,                                                                    \
    .threads = {{"receives", receives, (void *)5},                                                 \
                {"kernel", arrives, (void *)3},                                                    \
                {"other", arrives, (void *)2},                                                     \
                WEIRS}
EXPLORE_MODEL(signals_storm, "F125 none is lost, though they come too fast", STORM(receives));
EXPLORE_MODEL(signals_queued, "F125 none is lost, some are items", STORM(receives_items));
EXPLORE_MODEL(signals_full, "those that found the ring full are lost",
              .mutation = "signals: full is lost", STORM(receives));
EXPLORE_MODEL(signals_late_bell, "the thread sleeps beside a signal",
              .mutation = "signals: bell read late", STORM(receives));
EXPLORE_MODEL(signals_for_ever, "one that was received stands for later ones",
              .mutation = "signals: received is as good", STORM(receives));

/* Others go on after the last receiver. */
#define CLOSE                                                                                      \
    .check = two_end, COMMON,                                                                      \
    .threads = {{"looks", looks, NULL}, {"kernel", arrives, (void *)2}, WEIRS}
EXPLORE_MODEL(signals_close, "F125 what nobody has received goes to the former disposition", CLOSE);
EXPLORE_MODEL(signals_dropped, "what is in the receiver goes with it",
              .mutation = "signals: what is left is dropped", CLOSE);
EXPLORE_MODEL(signals_goes, "the thread goes while a handler is inside",
              .mutation = "signals: goes while one is inside", CLOSE);
EXPLORE_MODEL(signals_kept, "the last receiver leaves our handler there",
              .mutation = "signals: not given back", CLOSE);

/* Who was there before gets each; who comes and goes takes nothing from him. */
#define NESTED                                                                                     \
    .check = three_end, COMMON,                                                                    \
    .threads = {{"receives", receives, (void *)2},                                                 \
                {"other", comes_and_goes, &ready},                                                 \
                {"kernel", arrives, (void *)2},                                                    \
                WEIRS}

/* Another one that is there as long. */
static void outlives(void *unused)
{
    (void)unused;
    await_ready();
    weir_receiver rx = opened(0);
    while (a32_load(&received) < 2)
        a_relax();
    closes(rx);
}

EXPLORE_MODEL(signals_nested, "F125 receivers come and go while signals arrive", NESTED);
#define KNOWN                                                                                      \
    .check = three_end, COMMON,                                                                    \
    .threads = {{"receives", receives, (void *)2},                                                 \
                {"other", outlives, NULL},                                                         \
                {"kernel", arrives, (void *)2},                                                    \
                WEIRS}
EXPLORE_MODEL(signals_known, "F125 what one has received, the other one need not", KNOWN);
EXPLORE_MODEL(signals_twice, "what was received goes to the former disposition as well",
              .mutation = "signals: passed on, though received", KNOWN);

/* The thread goes, and is needed again. */
EXPLORE_MODEL(signals_again, "F125 one goes, another one comes, signals arrive", .check = three_end,
              COMMON,
              .threads = {{"one", comes_and_goes, NULL},
                          {"two", comes_and_goes, NULL},
                          {"kernel", arrives, (void *)2},
                          WEIRS});

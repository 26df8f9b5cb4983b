/* SPDX-License-Identifier: MIT */
/* name.c - senders by name: docs/protocol.md, "Names". */
#include "supervision/name.h"

#include "model.h"
#include "party.h"

static weir_sender tx[2];
static weir_receiver rx[2];
static a32 registered, found;

static void open_two(void)
{
    for (int i = 0; i < 2; i++)
        EXPLORE_EQ(weir_channel_open(&tx[i], &rx[i], sizeof(uint32_t), 2, NULL), 0);
}

static void begin(void)
{
    weir__names_begin();
    open_two();
}

static weir_name mine(uintptr_t i)
{
    return weir_name_register("mine", tx[i]);
}

/* ---- registered, taken back, awaited -----------------------------------------------------------
 */

static void registers(void *i)
{
    EXPLORE_EQ(weir_check(mine((uintptr_t)i)), 0);
}

/* It is there, gone, and there again: who awaits it is to get one of the two. */
static void registers_twice(void *unused)
{
    (void)unused;
    weir_name first = mine(0);
    EXPLORE_EQ(weir_check(first), 0);
    EXPLORE_EQ(weir_close(first), 0);
    EXPLORE_EQ(weir_check(mine(1)), 0);
}

static void awaits(void *unused)
{
    weir_sender it;
    uint32_t item = 7;
    (void)unused;
    EXPLORE_EQ(weir_name_await("mine", &it, uint32_t, WEIR_NEVER), 0);
    EXPLORE_EQ(weir_send(it, &item), 0);
    EXPLORE_EQ(weir_close(it), 0);
    a32_add(&found, 1);
}

static void one_each(void)
{
    weir_statistics s[2];
    weir__names_end();
    for (int i = 0; i < 2; i++) {
        EXPLORE_EQ(weir_channel_statistics(rx[i], &s[i]), 0);
        EXPLORE_EQ(s[i].open_senders, 1); /* no clone was left */
    }
    EXPLORE_EQ(s[0].buffered + s[1].buffered, a32_load(&found));
}

/* ---- both want it ------------------------------------------------------------------------------
 */

static void tries(void *i)
{
    int rc = weir_check(mine((uintptr_t)i));
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_EALREADY);
    a32_add(&registered, rc == 0);
}

static void one_has_it(void)
{
    EXPLORE_EQ(a32_load(&registered), 1);
    one_each();
}

/* ---- the first one leads nowhere, and is closed while it is replaced
 * ------------------------------ */

static weir_name dead;

static void begin_dead(void)
{
    begin();
    dead = mine(0);
    EXPLORE_EQ(weir_close(rx[0]), 0);
}

static void closes(void *unused)
{
    (void)unused;
    EXPLORE_EQ(weir_close(dead), 0);
}

static void looks(void *unused)
{
    weir_sender it;
    (void)unused;
    int rc = weir_name_find("mine", &it, uint32_t);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ENOENT);
    if (rc == 0)
        EXPLORE_EQ(weir_close(it), 0);
}

static void the_second_has_it(void)
{
    weir_statistics s;
    weir_sender it;
    EXPLORE_EQ(weir_channel_statistics(tx[0], &s), 0);
    EXPLORE_EQ(s.open_senders, 1);
    EXPLORE_EQ(weir_name_find("mine", &it, uint32_t), 0);
    weir__names_end();
    EXPLORE_EQ(weir_channel_statistics(rx[1], &s), 0);
    EXPLORE_EQ(s.open_senders, 2);
}

/* ---- the run ends ------------------------------------------------------------------------------
 */

static void ends(void *unused)
{
    struct party *self = party_enter(); /* as the thread of a run */
    (void)unused;
    weir__names_end();
    party_leave(self);
}

static void is_left(void *unused)
{
    weir_sender it;
    (void)unused;
    int rc = weir_name_await("mine", &it, uint32_t, WEIR_NEVER);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_EPERM);
    EXPLORE_EQ(weir_close(it), rc);
}

static void registers_late(void *unused)
{
    (void)unused;
    int rc = weir_check(mine(0));
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_EPERM || rc == WEIR_ECLOSED); /* it went with the run */
}

static void nothing_left(void)
{
    weir_statistics s;
    EXPLORE_EQ(weir_channel_statistics(rx[0], &s), 0);
    EXPLORE_EQ(s.open_senders, 1);
}

/* ---- an actor that is cancelled
 * ------------------------------------------------------------------ */

static int gives_up(void *unused)
{
    weir_sender it;
    (void)unused;
    open_two();
    weir_scope s = m_scope_begin();
    int rc = weir_name_await("mine", &it, uint32_t, WEIR_NEVER);
    EXPLORE_EQ(rc, WEIR_ECANCELED);
    EXPLORE_EQ(weir_scope_end(s), 1);
    EXPLORE_EQ(weir_check(mine(0)), 0); /* and the name is this actor's */
    EXPLORE_EQ(weir_name_await("mine", &it, uint32_t, WEIR_NEVER), 0);
    return 0;
}

static void runs(void *unused)
{
    EXPLORE_EQ(weir_run(gives_up, unused, NULL), 0);
}

#define NAME(ident, text, ...)                                                                     \
    EXPLORE_MODEL(ident, text, .thread_exit = weir__thread_detach, .max_steps = 60000, __VA_ARGS__)
#define TWICE                                                                                      \
    .setup = begin, .check = one_each,                                                             \
    .threads = {{"registers", registers_twice, NULL}, {"a", awaits, NULL}, {"b", awaits, NULL}}
#define BOTH                                                                                       \
    .setup = begin, .check = one_has_it,                                                           \
    .threads = {{"a", tries, (void *)0}, {"b", tries, (void *)1}, {"c", awaits, NULL}}
#define REPLACED                                                                                   \
    .setup = begin_dead, .check = the_second_has_it,                                               \
    .threads = {{"registers", registers, (void *)1}, {"closes", closes, NULL}, {"c", looks, NULL}}
#define THE_END                                                                                    \
    .setup = begin, .check = nothing_left,                                                         \
    .threads = {{"ends", ends, NULL}, {"awaits", is_left, NULL}, {"c", registers_late, NULL}}

NAME(name_awaited, "a name is registered, taken back and registered again; two await it", TWICE);
NAME(name_both, "two register one name", BOTH);
NAME(name_replaced, "a name that leads nowhere is replaced while it is closed", REPLACED);
NAME(name_run_ends, "a run ends while threads await and register a name", THE_END);
NAME(name_cancelled, "who awaits a name is cancelled",
     .threads = {{"worker", runs, NULL}, {"canceller", m_cancels, NULL}});
NAME(name_not_looked_at, "a wait for what was registered before", .mutation = "name: not looked at",
     TWICE);
NAME(name_gone_is_gone, "a name that goes just then is an error", .mutation = "name: gone is gone",
     TWICE);
NAME(name_twice, "two have one name", .mutation = "name: taken and given", BOTH);
NAME(name_no_grace, "a name is used after it was released", .mutation = "name: without grace",
     REPLACED);
NAME(name_end_not_told, "a thread waits for a run that has ended",
     .mutation = "name: the end is not told", THE_END);

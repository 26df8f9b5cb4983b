/* SPDX-License-Identifier: MIT */
/* test_refused.c - kernels without membarrier(), processes without a pthread key left. */
#include <limits.h>
#include <pthread.h>

#include "chan.h"
#include "refused.h"

/* ---- membarrier ------------------------------------------------------------------------- */

/* Declared single ends are what they were for their users, and claim like all others. */
static int without_membarrier(void)
{
    const weir_channel_options options = {.single_sender = true, .single_receiver = true};
    weir_sender tx;
    weir_receiver rx;
    uint64_t item = 7;
    CHECK(!os_membarrier_works());
    errno = EDOM;
    os_membarrier();
    CHECK(errno == EDOM);
    CHECK(weir_channel_open(&tx, &rx, sizeof item, 4, &options) == 0);
    const struct chan *ch = handle_slot(tx.h)->object;
    CHECK(a32_load(&weir__fence_readers) == 1);
    CHECK((ch->flags & (SINGLE_SENDER | SINGLE_RECEIVER)) == 0);
    CHECK((ch->flags & DECLARED_SENDER) && (ch->flags & DECLARED_RECEIVER));
    CHECK(weir_check(weir_sender_clone(tx)) == WEIR_EBUSY);
    CHECK(weir_check(weir_receiver_clone(rx)) == WEIR_EBUSY);
    CHECK(weir_try_send(tx, &item) == 0 && weir_close(tx) == 0);
    CHECK(weir_try_recv(rx, &item) == 1 && item == 7 && weir_try_recv(rx, &item) == 0);
    CHECK(weir_close(rx) == 0);
    return 0;
}

/* ---- keys ----------------------------------------------------------------------------------- */

struct uses {
    weir_sender tx;
    weir_receiver rx;
    int failed;
};

/* Every operation finds no memory, time after time. */
static int nothing_goes(weir_sender tx, weir_receiver rx)
{
    weir_statistics statistics;
    uint64_t item = 1;
    for (int i = 0; i < 3; i++) {
        weir_sender new_tx;
        weir_receiver new_rx;
        CHECK(weir_channel_open(&new_tx, &new_rx, sizeof item, 1, NULL) == WEIR_ENOMEM);
        CHECK(weir_check(new_tx) == WEIR_ENOMEM && weir_check(new_rx) == WEIR_ENOMEM);
        CHECK(weir_send(tx, &item) == WEIR_ENOMEM);
        CHECK(weir_try_send(tx, &item) == WEIR_ENOMEM);
        CHECK(weir_send_many(tx, &item, 1) == WEIR_ENOMEM);
        CHECK(weir_recv(rx, &item) == WEIR_ENOMEM);
        CHECK(weir_try_recv(rx, &item) == WEIR_ENOMEM);
        CHECK(weir_recv_many(rx, &item, 1) == WEIR_ENOMEM);
        CHECK(weir_check(weir_sender_clone(tx)) == WEIR_ENOMEM);
        CHECK(weir_check(weir_receiver_clone(rx)) == WEIR_ENOMEM);
        CHECK(weir_channel_statistics(tx, &statistics) == WEIR_ENOMEM);
    }
    return 0;
}

static unsigned records(void)
{
    unsigned n = 0;
    for (const struct thread *t = aptr_load(&weir__threads); t; t = t->next)
        n++;
    return n;
}

static int without_keys(void)
{
    const weir_sender forged_tx = {(weir_handle)(4 | SENDER) << 32 | 1};
    const weir_receiver forged_rx = {(weir_handle)(4 | RECEIVER) << 32 | 1};
    pthread_key_t key;
    unsigned n = 0;
    while (n < PTHREAD_KEYS_MAX && pthread_key_create(&key, NULL) == 0)
        n++;
    CHECK(pthread_key_create(&key, NULL) != 0);
    int failed = nothing_goes(forged_tx, forged_rx);
    if (failed)
        return failed;
    CHECK(records() == 1); /* it was given back each time */
    CHECK(weir_close(forged_tx) == WEIR_EBADF && weir_close(forged_rx) == WEIR_EBADF);
    return 0;
}

static void *use_without_key(void *arg)
{
    struct uses *u = arg;
    u->failed = nothing_goes(u->tx, u->rx);
    if (weir_close(u->tx) != 0)
        u->failed = 1;
    return NULL;
}

/* Weir's key, which is the lowest that was free, is taken away between two threads. */
static int without_the_key(void)
{
    struct uses u;
    pthread_key_t key;
    pthread_t thread;
    uint64_t item = 9;
    CHECK(pthread_key_create(&key, NULL) == 0 && pthread_key_delete(key) == 0);
    CHECK(weir_channel_open(&u.tx, &u.rx, sizeof item, 4, NULL) == 0);
    CHECK(pthread_getspecific(key) != NULL && pthread_key_delete(key) == 0);
    CHECK(weir_try_send(u.tx, &item) == 0);
    CHECK(pthread_create(&thread, NULL, use_without_key, &u) == 0);
    CHECK(pthread_join(thread, NULL) == 0 && u.failed == 0);
    CHECK(weir_check(u.tx) == WEIR_ECLOSED);
    CHECK(weir_try_recv(u.rx, &item) == 1 && item == 9 && weir_try_recv(u.rx, &item) == 0);
    CHECK(weir_close(u.rx) == 0);
    return 0;
}

static const struct refused list[] = {
    {"membarrier",
     child_refuse_membarrier,
     without_membarrier,
     true,
     {"channels: declared single ends", "last sender: ", "last receiver: ", "F049 ",
      "while an item is written", "F050 many to many: each item once and in order; waiting"}},
    {"keys", NULL, without_keys, false, {NULL}},
    {"the key", NULL, without_the_key, false, {NULL}},
};

__attribute__((constructor)) static void enter(void)
{
    refused_enter(list, sizeof list / sizeof list[0]);
}

static void refused_membarrier(void)
{
    refused_run(&list[0]);
}

static void refused_keys(void)
{
    refused_run(&list[1]);
}

static void refused_key(void)
{
    refused_run(&list[2]);
}

TEST_SUITE(refused, "channels: what the system refuses",
           {"F050 membarrier refused: single ends claim like others, scenarios hold",
            refused_membarrier},
           {"F054 no pthread key: every call is WEIR_ENOMEM", refused_keys},
           {"F042 no place for the pthread key: what is open can be closed", refused_key});

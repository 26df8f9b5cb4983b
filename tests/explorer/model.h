/* SPDX-License-Identifier: MIT */
/*
 * model.h - operations of weir with their history, for models of channels.
 *
 * Handles are numbered as the sequential specification numbers them: sender 0 and
 * receiver 0 are what weir_channel_open() gives, clones get the numbers after them.
 * Items are 32-bit numbers. Each m_ function does the operation and records it.
 */
#ifndef WEIR_MODEL_H
#define WEIR_MODEL_H

#include <weir/weir.h>

#include "explore.h"
#include "linear.h"

enum { M_HANDLES = 4 };

struct model {
    weir_sender tx[M_HANDLES];
    weir_receiver rx[M_HANDLES];
    linear_channel initial;
    linear_history history;
    bool single_sender, single_receiver;
    unsigned dropped[64]; /* how often each item was dropped */
};

extern struct model M;

/* Detaches the virtual thread from weir when it ends; see channels/thread.c. */
void weir__thread_detach(void);

void m_open(size_t capacity);
void m_open_with(size_t capacity, bool single_sender, bool single_receiver);
int m_send(unsigned handle, uint32_t item);
int m_send_by(unsigned handle, uint32_t item, weir_time deadline);
int m_try_send(unsigned handle, uint32_t item);
int m_recv(unsigned handle, uint32_t *item);
int m_recv_by(unsigned handle, uint32_t *item, weir_time deadline);
int m_try_recv(unsigned handle, uint32_t *item);
int m_send_many(unsigned handle, const uint32_t *items, unsigned n);
int m_recv_many(unsigned handle, uint32_t *items, unsigned n);
void m_close_sender(unsigned handle);
void m_close_receiver(unsigned handle);
void m_clone_sender(unsigned from, unsigned to);
void m_clone_receiver(unsigned from, unsigned to);

/* ---- what threads and setups of many models do ----------------------------------- */

/* The argument of the threads below: a handle, and n items or so many from `first` on. */
#define M_ARG(handle, first, n)                                                                    \
    ((void *)((uintptr_t)(handle) << 16 | (uintptr_t)(first) << 8 | (uintptr_t)(n)))

void m_open_0(void);
void m_open_1(void);
void m_open_2(void);
void m_open_unbounded(void);

/* Send until all are sent, or the send is refused: WEIR_EPIPE or WEIR_ECLOSED. */
void m_sends(void *arg);
void m_sends_and_closes(void *arg);
/* Receive until so many have come, or the end, which repeats, or WEIR_ECLOSED. */
void m_recvs(void *arg);
void m_recvs_and_closes(void *arg);
void m_closes_sender(void *arg);
void m_closes_receiver(void *arg);

/* An actor's scope, which m_cancels(), on another thread, cancels when it is known. */
weir_scope m_scope_begin(void);
void m_cancels(void *unused);

/* An actor that does one of these. */
void m_spawn(weir_group group, void (*does)(void *arg), void *arg);

/*
 * An actor of two workers waits so many times, and each time another one, of the worker on which
 * it is not, ends that as it is about to begin. So each time it goes on over there.
 */
typedef struct m_parking {
    void (*begins)(void); /* the actor; NULL: nothing */
    void (*waits)(void);
    void (*wakes)(void); /* the other one; and m_until_it_waits(), or a child of its worker does */
} m_parking;

void m_until_it_waits(void);
void m_runs_parking(void *parking);
void m_spawns_wakers(void *parking);

#define M_PARKING(parking)                                                                         \
    .thread_exit = weir__thread_detach, .max_steps = 60000,                                        \
    .threads = {{"worker 0", m_runs_parking, (parking)},                                           \
                {"worker 1", explore_hired, (void *)0},                                            \
                {"plain", m_spawns_wakers, (parking)}}

/* ---- checks ---------------------------------------------------------------------- */

/* The history is linearizable, nobody waits for what is there. */
void m_check(void);
/* And every item that was sent was received, or dropped, exactly once, when all is closed. */
void m_check_items(void);

#endif

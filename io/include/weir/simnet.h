/* SPDX-License-Identifier: MIT */
/*
 * weir/simnet.h - the network of a simulated run (weir/simulate.h).
 *
 * In a simulated run TCP and UNIX sockets are not the kernel's: weir_tcp_listen(),
 * weir_address_connect() and so on make sockets of a network in memory, which is the run's and gone
 * with it. Any address may be listened on and connected to, 10.1.2.3:80 as well as /run/app.sock;
 * nobody else sees it, and no descriptor, port or file is used. Bytes take virtual time, come in
 * pieces of any size, and connections break, all as the seed says: the same seed, the same run.
 *
 *     static int test(void *unused)
 *     {
 *         weir_simnet_set(&(weir_simnet_options){.delay_most = 50 * WEIR_MS, .reset = 100});
 *         ... servers and clients ...
 *         weir_simnet_cut(&server, true);     nothing comes through any more
 *         weir_sleep(10 * WEIR_S);
 *         weir_simnet_cut(&server, false);    what was on its way arrives
 *     }
 *
 *     for (uint64_t seed = 1; seed <= 1000; seed++)
 *         weir_run(test, NULL, &(weir_options){.simulate = true, .seed = seed});
 *
 * A run in which all wait for the network, and nothing is on its way, is a dead lock, and ends as
 * one: WEIR_EDEADLK. What is left: datagrams and descriptors in messages are WEIR_ENOTSUP; plain
 * threads may close simulated sockets and use their try forms, and not wait; a socket that was
 * made by the kernel and adopted stays the kernel's, and with it a run cannot be repeated.
 */
#ifndef WEIR_SIMNET_H
#define WEIR_SIMNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/address.h>
#include <weir/channel.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * How the network is, from now on. 0 everywhere is the default, which is drawn for each run: from
 * networks without a delay that pass on everything at once, to those that take up to 20 ms and tear
 * everything to pieces. Negative: none at all.
 */
typedef struct weir_simnet_options {
    weir_time delay_least; /* each piece is on its way for so long at least, */
    weir_time delay_most;  /* and at most; what was sent first comes first */
    int partial;           /* so many of 1,000 sends and receives move less than they could */
    int reset;             /* so many of 1,000,000 pieces break their connection; default: none */
    int refuse;            /* so many of 1,000 connects are refused; default: none */
    int64_t buffer;        /* bytes that a connection keeps in one direction */
} weir_simnet_options;

/*
 * weir_simnet_set - how the network of the calling actor's run is from now on; `buffer`: of
 *                   connections that are made from now on.
 * weir_simnet_cut - true: nothing gets to this address any more, or away from it; false: it does
 *                   again, and what was on its way meanwhile arrives. An IP address with port 0 is
 *                   the host with all its ports. As on a real network the two sides are told
 *                   nothing: a connection whose bytes are not acknowledged ends with
 *                   WEIR_ETIMEDOUT after its `user_timeout`, one that is silent after its
 *                   keepalive probes, and a connect after its timeout (weir/socket.h).
 *
 * Never suspend. 0; WEIR_EINVAL; WEIR_ENOMEM; WEIR_EPERM outside of simulated runs.
 */
WEIR_API int weir_simnet_set(const weir_simnet_options *options);
WEIR_API int weir_simnet_cut(const weir_address *address, bool cut);

/* What has happened in the calling actor's run so far. */
typedef struct weir_simnet_counters {
    uint64_t connections; /* made */
    uint64_t refused;     /* connects, for want of a listener too */
    uint64_t resets;      /* connections broken by chance */
    uint64_t pieces;      /* of bytes, arrived */
    uint64_t bytes;
    size_t sockets;  /* open now */
    size_t underway; /* on its way now: pieces, ends, acknowledgements */
} weir_simnet_counters;

/* Never suspends. 0; WEIR_EINVAL; WEIR_ENOMEM; WEIR_EPERM outside of simulated runs. */
WEIR_API int weir_simnet_count(weir_simnet_counters *out);

#ifdef __cplusplus
}
#endif
#endif

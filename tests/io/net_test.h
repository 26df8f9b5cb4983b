/* SPDX-License-Identifier: MIT */
/* net_test.h - what tests of sockets have in common: a listener on loopback, a pair, descriptors.
 */
#ifndef WEIR_TESTS_NET_TEST_H
#define WEIR_TESTS_NET_TEST_H

#include <weir/weir.h>

#include "expect.h"
#include "faults.h"
#include "harness.h"

/* On any free port of 127.0.0.1. */
weir_listener listen_here(weir_address *at);

/* On an abstract name that is not in use. */
weir_listener listen_unix(weir_address *at);

/* Of somebody who has connected: it waits only where faults say that nobody has. */
int accept_there(weir_listener l, weir_stream *out);

/* Two ends of one connection, TCP or UNIX, by the calling actor. */
void connected_pair(bool unix_socket, weir_stream *a, weir_stream *b);

/*
 * What was sent, in as many pieces as it comes in: under faults (faults.h) a piece may be a byte.
 * size, or the result that came before that.
 */
ssize_t receive_exactly(weir_stream s, void *to, size_t size);

/* So many bytes that the system does not keep them all; fewer where each of them is one transfer.
 */
size_t much_data(void);

/*
 * By the first thread, when no signal is received and no plain thread's socket is open: threads of
 * the library's have gone, and with them what they had.
 */
void await_no_thread(void);

/* Open descriptors of the process. */
int descriptors_open(void);

/* As many are open as before, or will be soon. */
void await_descriptors(int n);

/* Run `body` as the first actor; afterwards no descriptor is open that was not before. */
void run_and_count(weir_body body, void *arg);

#endif

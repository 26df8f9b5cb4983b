/* SPDX-License-Identifier: MIT */
/* connect.h - sockets that are made here: what tcp.c and unix.c have in common. */
#ifndef WEIR_IO_CONNECT_H
#define WEIR_IO_CONNECT_H

#include <weir/socket.h>

#include "attributes.h"

/* When a connect is to be over, from now. */
weir_time weir__connect_deadline(const weir_tcp_options *options);

/* weir_address_connect() with its deadline. */
weir_stream weir__address_connect(const weir_address *to, const weir_tcp_options *options,
                                  weir_time deadline);

/* Of a TCP socket; the first error. */
int weir__socket_set(const struct net *net, int fd, const weir_socket_options *options);

/* A socket that listens on this address: a descriptor or -errno. */
int weir__listen_on(const struct net *net, const weir_address *at,
                    const weir_listen_options *options, bool only_v6);

#endif

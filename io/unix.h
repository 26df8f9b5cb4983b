/* SPDX-License-Identifier: MIT */
/* unix.h - UNIX sockets by address: what weir_address_connect() and weir_address_listen() do. */
#ifndef WEIR_IO_UNIX_H
#define WEIR_IO_UNIX_H

#include <weir/unix.h>

weir_stream weir__unix_connect(const weir_address *to, const weir_unix_options *options);
weir_listener weir__unix_listen(const weir_address *at, const weir_unix_options *options);

#endif

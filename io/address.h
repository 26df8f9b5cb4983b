/* SPDX-License-Identifier: MIT */
/* address.h - addresses, for io/. */
#ifndef WEIR_IO_ADDRESS_H
#define WEIR_IO_ADDRESS_H

#include <weir/address.h>

/* "127.0.0.1" or "fe80::1%eth0", and nothing else: true; *rc is 0 or what weir_address_parse() says
 * of its scope. False: it is no IP address. */
bool weir__address_ip(weir_address *out, const char *text, uint16_t port, int *rc);

#endif

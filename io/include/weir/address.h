/* SPDX-License-Identifier: MIT */
/*
 * weir/address.h - where a socket is: IPv4, IPv6 with its scope, a UNIX path, an abstract name.
 *
 *     weir_address a;
 *     char text[WEIR_ADDRESS_TEXT];
 *     weir_address_parse(&a, "::1", 80);
 *     weir_address_parse(&a, "[fe80::1%eth0]:80", 0);
 *     weir_address_parse(&a, "/run/app.sock", 0);
 *     puts(weir_address_format(&a, text, sizeof text));
 *
 * An address is a value: it is copied by assignment, and two are the same if all their bytes are.
 * So it may be a key, or an item of a channel. Names of hosts are for weir/resolve.h.
 * Nothing here suspends; any actor or thread. Rows F093, F095, F119, F120, F121.
 */
#ifndef WEIR_ADDRESS_H
#define WEIR_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of <sys/socket.h>, as AF_INET and its kin: that one has names, listen, connect, which are yours.
 */
struct sockaddr;
struct sockaddr_storage;

#define WEIR_UNIX_MAX 108     /* bytes of a UNIX path, or of an abstract name and its first byte */
#define WEIR_ADDRESS_TEXT 448 /* room for each address as text */

/* To be read; made by the functions below. `port` may be written, of an IP address. */
typedef struct weir_address {
    uint8_t family; /* AF_INET, AF_INET6, AF_UNIX; 0: none */
    uint8_t size;   /* bytes of `name` that count: 4; 16; 0 to WEIR_UNIX_MAX */
    uint16_t port;  /* in the order of the machine; AF_UNIX: 0 */
    uint32_t scope; /* AF_INET6: the number of the interface, for an address that needs it, or 0 */
    /*
     * An IP address, most significant byte first. A path, without a zero at its end if it has
     * WEIR_UNIX_MAX bytes. An abstract name: its first byte is zero. All further bytes are zero.
     */
    uint8_t name[WEIR_UNIX_MAX];
} weir_address;

/*
 * weir_address_parse - an address of its text:
 *     127.0.0.1  ::1  fe80::1%eth0  fe80::1%2      with this port
 *     127.0.0.1:80  [::1]:80  [::1]                with its own, else with this port
 *     /run/app.sock  ./app.sock                    with a slash: a UNIX path
 *     @app                                         an abstract name
 * weir_address_unix  - a UNIX path, or with a zero as its first byte an abstract name: any bytes,
 *                      `size` of them, and no zero at the end that does not belong to it. Size 0:
 *                      a socket without a name.
 * weir_address_from  - of a system call's; of IPv6 without its flow label.
 *
 * 0; or WEIR_EINVAL, and *out is of family 0: weir_address_format() then says what was wrong;
 * WEIR_ENOENT: there is no interface of this name. Dots and digits are four decimal numbers, not
 * what inet_aton(3) makes of less. weir_address_from of a family that is not one of these three:
 * WEIR_EINVAL.
 */
WEIR_API int weir_address_parse(weir_address *out, const char *text, uint16_t port);
WEIR_API int weir_address_unix(weir_address *out, const void *name, size_t size);
WEIR_API int weir_address_from(weir_address *out, const struct sockaddr *from, unsigned size);

/* For a system call: *out is filled in, and its size returned; 0: it is no address. */
WEIR_API unsigned weir_address_to(const weir_address *address, struct sockaddr_storage *out);

/*
 * weir_address_format - "127.0.0.1:80", "[::1]:80", "[fe80::1%2]:80", "/run/app.sock", "@app",
 *                       "(unnamed)"; of no address what was wrong with it.
 * weir_address_host   - without the port: "127.0.0.1", "fe80::1%2" (row F120).
 *
 * For people, and to be parsed again: control characters of UNIX names are shown as \x0a, and then
 * `name` has the truth. Interfaces are shown by their numbers. What does not fit is cut off;
 * WEIR_ADDRESS_TEXT bytes are enough. Both return `to`.
 */
WEIR_API char *weir_address_format(const weir_address *address, char *to, size_t size);
WEIR_API char *weir_address_host(const weir_address *address, char *to, size_t size);

WEIR_API bool weir_address_equal(const weir_address *a, const weir_address *b);

#ifdef __cplusplus
}
#endif
#endif

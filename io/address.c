/* SPDX-License-Identifier: MIT */
/*
 * address.c - see weir/address.h. Each function that makes an address begins with all zeros, so
 * that equal ones are of equal bytes. One that fails leaves a sentence in `name` of family 0.
 */
#define _GNU_SOURCE
#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "os_names.h"

_Static_assert(sizeof(weir_address) == 8 + WEIR_UNIX_MAX, "no padding: compared by memcmp()");
_Static_assert(sizeof((struct sockaddr_un *)0)->sun_path == WEIR_UNIX_MAX, "Linux");

static int refuse(weir_address *out, int error, const char *why)
{
    memset(out, 0, sizeof *out);
    snprintf((char *)out->name, sizeof out->name, "%s", why);
    return error;
}

static void make(weir_address *out, int family, const void *name, size_t size, uint16_t port)
{
    memset(out, 0, sizeof *out);
    out->family = (uint8_t)family;
    out->size = (uint8_t)size;
    out->port = port;
    if (size > 0)
        memcpy(out->name, name, size);
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Decimal, all of the n bytes, at most `max`. */
static bool number(const char *text, size_t n, uint32_t max, uint32_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
        if (value > max)
            return false;
    }
    *out = (uint32_t)value;
    return n > 0;
}

static int set_scope(weir_address *out, const char *scope)
{
    if (number(scope, strlen(scope), UINT32_MAX, &out->scope))
        return 0;
    out->scope = weir__names->if_nametoindex(scope);
    return out->scope ? 0 : refuse(out, WEIR_ENOENT, "there is no interface of this name");
}

bool weir__address_ip(weir_address *out, const char *text, uint16_t port, int *rc)
{
    uint8_t name[16];
    char host[INET6_ADDRSTRLEN];
    const char *percent = strchr(text, '%');
    size_t length = percent ? (size_t)(percent - text) : strlen(text);
    *rc = 0;
    if (length >= sizeof host)
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    if (!percent && inet_pton(AF_INET, host, name) == 1) {
        make(out, AF_INET, name, 4, port);
        return true;
    }
    if (inet_pton(AF_INET6, host, name) != 1)
        return false;
    make(out, AF_INET6, name, 16, port);
    if (percent)
        *rc = set_scope(out, percent + 1);
    return true;
}

static const char not_ip[] = "not an IP address, a UNIX path with a slash, or an @name";

/* "host:port", or "[host]:port", where the host ends at `end`. */
static int with_port(weir_address *out, const char *host, const char *end, uint16_t port)
{
    char copy[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE];
    size_t length = (size_t)(end - host);
    uint32_t own = port;
    int rc;
    bool brackets = *end == ']';
    const char *rest = end + brackets;
    if (*rest != '\0' && (*rest != ':' || !number(rest + 1, strlen(rest + 1), 65535, &own)))
        return refuse(out, WEIR_EINVAL, "the port is not a number of 0 to 65535");
    if (length >= sizeof copy)
        return refuse(out, WEIR_EINVAL, not_ip);
    memcpy(copy, host, length);
    copy[length] = '\0';
    if (!weir__address_ip(out, copy, (uint16_t)own, &rc))
        return refuse(out, WEIR_EINVAL, not_ip);
    if (brackets && out->family == AF_INET)
        return refuse(out, WEIR_EINVAL, "only an IPv6 address is put in brackets");
    return rc;
}

static int parse_abstract(weir_address *out, const char *text)
{
    char name[WEIR_UNIX_MAX + 1] = {0};
    size_t size = strnlen(text, sizeof name);
    memcpy(name + 1, text + 1, size - 1);
    return weir_address_unix(out, name, size);
}

int weir_address_parse(weir_address *out, const char *text, uint16_t port)
{
    int rc;
    if (!text || *text == '\0')
        return refuse(out, WEIR_EINVAL, "the address is empty");
    if (*text == '@')
        return parse_abstract(out, text);
    if (weir__address_ip(out, text, port, &rc))
        return rc;
    if (strchr(text, '/'))
        return weir_address_unix(out, text, strlen(text));
    if (*text != '[')
        return with_port(out, text, text + strcspn(text, ":"), port);
    const char *end = strchr(text, ']');
    return end ? with_port(out, text + 1, end, port)
               : refuse(out, WEIR_EINVAL, "the bracket is not closed");
}

int weir_address_unix(weir_address *out, const void *name, size_t size)
{
    const char *bytes = name;
    if (size > 0 && !name)
        return refuse(out, WEIR_EINVAL, "the name is NULL");
    if (size > WEIR_UNIX_MAX)
        return refuse(out, WEIR_EINVAL,
                      *bytes == '\0' ? "the abstract name has more than 107 bytes"
                                     : "the UNIX path has more than 108 bytes");
    if (size > 0 && *bytes != '\0' && memchr(bytes, '\0', size))
        return refuse(out, WEIR_EINVAL, "the UNIX path has a zero inside");
    make(out, AF_UNIX, name, size, 0);
    return 0;
}

static char *format_ip(const weir_address *a, char *to, size_t size, bool port)
{
    char host[INET6_ADDRSTRLEN], scope[12] = "";
    bool brackets = port && a->family == AF_INET6;
    inet_ntop(a->family, a->name, host, sizeof host);
    if (a->family == AF_INET6 && a->scope)
        snprintf(scope, sizeof scope, "%%%u", a->scope);
    int n = snprintf(to, size, "%s%s%s%s", brackets ? "[" : "", host, scope, brackets ? "]" : "");
    if (port && (size_t)n < size)
        snprintf(to + n, size - (size_t)n, ":%u", a->port);
    return to;
}

static char *format_unix(const weir_address *a, char *to, size_t size)
{
    size_t i = 0, n = a->size < WEIR_UNIX_MAX ? a->size : WEIR_UNIX_MAX, at = 0;
    if (n == 0) {
        snprintf(to, size, "(unnamed)");
        return to;
    }
    if (a->name[0] == '\0' && size > 1) {
        to[at++] = '@';
        i++;
    }
    for (; i < n; i++) {
        uint8_t byte = a->name[i];
        bool plain = byte >= 0x20 && byte != 0x7f;
        if (size - at <= (plain ? 1 : 4))
            break;
        if (plain)
            to[at++] = (char)byte;
        else
            at += (size_t)snprintf(to + at, size - at, "\\x%02x", byte);
    }
    to[at] = '\0';
    return to;
}

static char *format(const weir_address *a, char *to, size_t size, bool port)
{
    if (size == 0)
        return to;
    if (a->family == AF_INET || a->family == AF_INET6)
        return format_ip(a, to, size, port);
    if (a->family == AF_UNIX)
        return format_unix(a, to, size);
    snprintf(to, size, "(%.*s)", WEIR_UNIX_MAX, a->name[0] ? (const char *)a->name : "no address");
    return to;
}

char *weir_address_format(const weir_address *address, char *to, size_t size)
{
    return format(address, to, size, true);
}

char *weir_address_host(const weir_address *address, char *to, size_t size)
{
    return format(address, to, size, false);
}

bool weir_address_equal(const weir_address *a, const weir_address *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- system calls ---------------------------------------------------------------------------- */

/* What the system tells of a path may, or may not, count the zero behind it. */
static int from_unix(weir_address *out, const struct sockaddr *from, unsigned size)
{
    const char *path = (const char *)from + offsetof(struct sockaddr_un, sun_path);
    size_t n = (size_t)size - offsetof(struct sockaddr_un, sun_path);
    if (n > 0 && *path != '\0')
        n = strnlen(path, n);
    return weir_address_unix(out, path, n);
}

int weir_address_from(weir_address *out, const struct sockaddr *from, unsigned size)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    sa_family_t family = AF_UNSPEC;
    if (from && size >= sizeof family)
        memcpy(&family, from, sizeof family);
    if (family == AF_UNIX)
        return from_unix(out, from, size);
    if (family == AF_INET && size >= sizeof in) {
        memcpy(&in, from, sizeof in);
        make(out, AF_INET, &in.sin_addr, 4, ntohs(in.sin_port));
        return 0;
    }
    if (family == AF_INET6 && size >= sizeof in6) {
        memcpy(&in6, from, sizeof in6);
        make(out, AF_INET6, &in6.sin6_addr, 16, ntohs(in6.sin6_port));
        out->scope = in6.sin6_scope_id;
        return 0;
    }
    return refuse(out, WEIR_EINVAL, "not an address of IPv4, IPv6 or UNIX");
}

static socklen_t to_unix(const weir_address *a, struct sockaddr_un *un)
{
    size_t size = a->size < WEIR_UNIX_MAX ? a->size : WEIR_UNIX_MAX;
    bool zero = size > 0 && size < WEIR_UNIX_MAX && a->name[0] != '\0';
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, a->name, size);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + zero);
}

unsigned weir_address_to(const weir_address *address, struct sockaddr_storage *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    switch (address->family) {
    case AF_INET:
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        memcpy(&in->sin_addr, address->name, 4);
        return sizeof *in;
    case AF_INET6:
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(address->port);
        in6->sin6_scope_id = address->scope;
        memcpy(&in6->sin6_addr, address->name, 16);
        return sizeof *in6;
    case AF_UNIX:
        return to_unix(address, (struct sockaddr_un *)out);
    default:
        return 0;
    }
}

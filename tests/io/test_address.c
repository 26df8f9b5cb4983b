/* SPDX-License-Identifier: MIT */
/* F093, F095, F119-F121: addresses as values, as text, as the system's. */
#define _GNU_SOURCE
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness.h"
#include <weir/weir.h>

static const char *text_of(const weir_address *a)
{
    static char text[WEIR_ADDRESS_TEXT];
    return weir_address_format(a, text, sizeof text);
}

static const char *host_of(const weir_address *a)
{
    static char text[WEIR_ADDRESS_TEXT];
    return weir_address_host(a, text, sizeof text);
}

static const struct {
    const char *text;
    uint16_t port;
    const char *formatted, *host;
    int family;
    uint16_t its_port;
    uint32_t scope;
} good[] = {
    {"127.0.0.1", 80, "127.0.0.1:80", "127.0.0.1", AF_INET, 80, 0},
    {"127.0.0.1:1", 80, "127.0.0.1:1", "127.0.0.1", AF_INET, 1, 0},
    {"0.0.0.0", 0, "0.0.0.0:0", "0.0.0.0", AF_INET, 0, 0},
    {"255.255.255.255:65535", 0, "255.255.255.255:65535", "255.255.255.255", AF_INET, 65535, 0},
    {"::1", 443, "[::1]:443", "::1", AF_INET6, 443, 0},
    {"::", 443, "[::]:443", "::", AF_INET6, 443, 0},
    {"[::1]", 443, "[::1]:443", "::1", AF_INET6, 443, 0},
    {"[::1]:0", 443, "[::1]:0", "::1", AF_INET6, 0, 0},
    {"2001:DB8:0:0:0:0:0:1", 5, "[2001:db8::1]:5", "2001:db8::1", AF_INET6, 5, 0},
    {"::ffff:1.2.3.4", 5, "[::ffff:1.2.3.4]:5", "::ffff:1.2.3.4", AF_INET6, 5, 0},
    {"fe80::1%7", 5, "[fe80::1%7]:5", "fe80::1%7", AF_INET6, 5, 7},
    {"fe80::1%0", 5, "[fe80::1]:5", "fe80::1", AF_INET6, 5, 0},
    {"[fe80::1%4294967295]:6", 5, "[fe80::1%4294967295]:6", "fe80::1%4294967295", AF_INET6, 6,
     4294967295},
    {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 5,
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:5", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     AF_INET6, 5, 0},
    {"/run/app.sock", 5, "/run/app.sock", "/run/app.sock", AF_UNIX, 0, 0},
    {"./app:80", 5, "./app:80", "./app:80", AF_UNIX, 0, 0},
    {"/\xff\xfe", 5, "/\xff\xfe", "/\xff\xfe", AF_UNIX, 0, 0},
    {"@app", 5, "@app", "@app", AF_UNIX, 0, 0},
    {"@", 5, "@", "@", AF_UNIX, 0, 0},
    {"@/a", 5, "@/a", "@/a", AF_UNIX, 0, 0},
};

/* What is formatted parses to the same bytes again. */
static void parses(void)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        weir_address a, b;
        memset(&a, 0xaa, sizeof a);
        memset(&b, 0x55, sizeof b);
        EXPECT_RC(weir_address_parse(&a, good[i].text, good[i].port), 0);
        EXPECT_STR(text_of(&a), good[i].formatted);
        EXPECT_STR(host_of(&a), good[i].host);
        EXPECT_EQ(a.family, good[i].family);
        EXPECT_EQ(a.port, good[i].its_port);
        EXPECT_EQ(a.scope, good[i].scope);
        EXPECT_RC(weir_address_parse(&b, text_of(&a), 9), 0);
        EXPECT(weir_address_equal(&a, &b));
        EXPECT_EQ(memcmp(&a, &b, sizeof a), 0);
    }
}

static const struct {
    const char *text, *why;
} bad[] = {
    {NULL, "(the address is empty)"},
    {"", "(the address is empty)"},
    {"example.org", "(not an IP address, a UNIX path with a slash, or an @name)"},
    {"127.1", "(not an IP address, a UNIX path with a slash, or an @name)"},
    {"0x7f.0.0.1", "(not an IP address, a UNIX path with a slash, or an @name)"},
    {"127.0.0.1 ", "(not an IP address, a UNIX path with a slash, or an @name)"},
    {"127.0.0.1%1", "(not an IP address, a UNIX path with a slash, or an @name)"},
    {"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25.26:5",
     "(not an IP address, a UNIX path with a slash, or an @name)"},
    {"127.0.0.1:", "(the port is not a number of 0 to 65535)"},
    {"127.0.0.1:65536", "(the port is not a number of 0 to 65535)"},
    {"127.0.0.1:99999999999999999999999999", "(the port is not a number of 0 to 65535)"},
    {"127.0.0.1:+1", "(the port is not a number of 0 to 65535)"},
    {"127.0.0.1:http", "(the port is not a number of 0 to 65535)"},
    {"[::1]80", "(the port is not a number of 0 to 65535)"},
    {"[::1]:", "(the port is not a number of 0 to 65535)"},
    {"[::1", "(the bracket is not closed)"},
    {"[127.0.0.1]:80", "(only an IPv6 address is put in brackets)"},
    {"[]:80", "(not an IP address, a UNIX path with a slash, or an @name)"},
};

static void says_what_is_wrong(void)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        weir_address a;
        struct sockaddr_storage to;
        EXPECT_RC(weir_address_parse(&a, bad[i].text, 1), WEIR_EINVAL);
        EXPECT_STR(text_of(&a), bad[i].why);
        EXPECT_STR(host_of(&a), bad[i].why);
        EXPECT_EQ(a.family, 0);
        EXPECT_EQ(weir_address_to(&a, &to), 0);
    }
    weir_address zero = {0};
    EXPECT_STR(text_of(&zero), "(no address)");
}

static void interfaces(void)
{
    weir_address a, b;
    unsigned lo = if_nametoindex("lo");
    if (lo) { /* a machine without it has no name to try */
        EXPECT_RC(weir_address_parse(&a, "::1%lo", 5), 0);
        EXPECT_EQ(a.scope, lo);
        EXPECT_RC(weir_address_parse(&b, "[::1%lo]:5", 6), 0);
        EXPECT(weir_address_equal(&a, &b));
        b.scope++;
        EXPECT(!weir_address_equal(&a, &b));
    }
    EXPECT_RC(weir_address_parse(&a, "fe80::1%no such one", 5), WEIR_ENOENT);
    EXPECT_STR(text_of(&a), "(there is no interface of this name)");
    EXPECT_RC(weir_address_parse(&a, "fe80::1%", 5), WEIR_ENOENT);
    EXPECT_RC(weir_address_parse(&a, "[fe80::1%no]:80", 5), WEIR_ENOENT);
}

static void differ(void)
{
    static const char *const all[] = {"127.0.0.1:1", "127.0.0.2:1", "127.0.0.1:2", "[::1]:1",
                                      "[::1%1]:1",   "/a",          "@a",          "@/a",
                                      "/ab",         "[::7f00:1]:1"};
    enum { ALL = sizeof all / sizeof *all };
    weir_address a[ALL];
    for (int i = 0; i < ALL; i++)
        EXPECT_RC(weir_address_parse(&a[i], all[i], 9), 0);
    for (int i = 0; i < ALL; i++)
        for (int j = 0; j < ALL; j++)
            EXPECT_EQ(weir_address_equal(&a[i], &a[j]), i == j);
    weir_address copy = a[3];
    EXPECT(weir_address_equal(&copy, &a[3]));
}

/* ---- UNIX ------------------------------------------------------------------------------------ */

static void unix_names(void)
{
    weir_address a, b;
    char longest[WEIR_UNIX_MAX + 2];
    memset(longest, 'x', sizeof longest);
    EXPECT_RC(weir_address_unix(&a, "sock", 4), 0);
    EXPECT_STR(text_of(&a), "sock");
    EXPECT_RC(weir_address_unix(&a, longest, WEIR_UNIX_MAX), 0);
    EXPECT_EQ(strlen(text_of(&a)), WEIR_UNIX_MAX);
    EXPECT_RC(weir_address_unix(&a, longest, WEIR_UNIX_MAX + 1), WEIR_EINVAL);
    EXPECT_STR(text_of(&a), "(the UNIX path has more than 108 bytes)");
    EXPECT_RC(weir_address_unix(&a, "a\0b", 3), WEIR_EINVAL);
    EXPECT_STR(text_of(&a), "(the UNIX path has a zero inside)");
    EXPECT_RC(weir_address_unix(&a, NULL, 3), WEIR_EINVAL);
    EXPECT_STR(text_of(&a), "(the name is NULL)");
    EXPECT_RC(weir_address_unix(&a, NULL, 0), 0);
    EXPECT_STR(text_of(&a), "(unnamed)");
    EXPECT_STR(host_of(&a), "(unnamed)");
    longest[0] = '\0';
    EXPECT_RC(weir_address_unix(&a, longest, WEIR_UNIX_MAX), 0);
    EXPECT_EQ(strlen(text_of(&a)), WEIR_UNIX_MAX);
    EXPECT_RC(weir_address_parse(&b, text_of(&a), 0), 0);
    EXPECT(weir_address_equal(&a, &b));
    EXPECT_RC(weir_address_unix(&a, longest, WEIR_UNIX_MAX + 1), WEIR_EINVAL);
    EXPECT_STR(text_of(&a), "(the abstract name has more than 107 bytes)");
    longest[0] = '@';
    longest[WEIR_UNIX_MAX + 1] = '\0';
    EXPECT_RC(weir_address_parse(&a, longest, 0), WEIR_EINVAL);
    EXPECT_STR(text_of(&a), "(the abstract name has more than 107 bytes)");
}

static void any_bytes(void)
{
    weir_address a, b;
    char longest[WEIR_UNIX_MAX] = "";
    EXPECT_RC(weir_address_unix(&a, "\0a\0\n\xff\x7f", 6), 0);
    EXPECT_EQ(a.size, 6);
    EXPECT_EQ(memcmp(a.name, "\0a\0\n\xff\x7f", 6), 0);
    EXPECT_STR(text_of(&a), "@a\\x00\\x0a\xff\\x7f");
    EXPECT_RC(weir_address_unix(&b, "\0a\0\n\xff\x7f\0", 7), 0);
    EXPECT(!weir_address_equal(&a, &b));
    EXPECT_RC(weir_address_unix(&a, longest, sizeof longest), 0);
    EXPECT_EQ(strlen(text_of(&a)), 1 + 4 * (WEIR_UNIX_MAX - 1));
    memset(longest, '\n', sizeof longest);
    EXPECT_RC(weir_address_unix(&a, longest, sizeof longest), 0);
    EXPECT_EQ(strlen(text_of(&a)), 4 * WEIR_UNIX_MAX);
}

/* Each size of the room, with a guard behind it. */
static void cut_off(void)
{
    static const char *const all[] = {"127.0.0.1:80", "[fe80::1%12]:65535", "/a/path", "@name",
                                      "/\n\n",        "no address"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        weir_address a;
        (void)weir_address_parse(&a, all[i], 1);
        const char *whole = text_of(&a);
        size_t length = strlen(whole);
        for (size_t size = 0; size <= length + 1; size++) {
            char room[128];
            memset(room, 'x', sizeof room);
            EXPECT(weir_address_format(&a, room, size) == room);
            EXPECT_EQ(room[size], 'x');
            if (size > 0) {
                EXPECT(memchr(room, '\0', size) != NULL);
                EXPECT_EQ(strncmp(room, whole, strlen(room)), 0);
                EXPECT(strlen(room) + 4 >= size); /* \x0a is shown or not */
            }
            if (size > length)
                EXPECT_STR(room, whole);
        }
    }
}

/* ---- the system's ---------------------------------------------------------------------------- */

static void there_and_back(void)
{
    static const char *const all[] = {"127.0.0.1:80", "[fe80::1%12]:65535", "/a/path", "@name",
                                      "@"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        weir_address a, b;
        struct sockaddr_storage s;
        EXPECT_RC(weir_address_parse(&a, all[i], 1), 0);
        socklen_t size = weir_address_to(&a, &s);
        EXPECT(size > 0);
        EXPECT_EQ(s.ss_family, a.family);
        memset(&b, 0xaa, sizeof b);
        EXPECT_RC(weir_address_from(&b, (struct sockaddr *)&s, size), 0);
        EXPECT(weir_address_equal(&a, &b));
    }
}

static void system_fields(void)
{
    weir_address a;
    struct sockaddr_storage s;
    struct sockaddr_in6 in6;
    struct sockaddr_in in;
    EXPECT_RC(weir_address_parse(&a, "[fe80::1%12]:258", 1), 0);
    EXPECT_EQ(weir_address_to(&a, &s), sizeof in6);
    memcpy(&in6, &s, sizeof in6);
    EXPECT_EQ(in6.sin6_port, htons(258));
    EXPECT_EQ(in6.sin6_scope_id, 12);
    EXPECT_EQ(in6.sin6_addr.s6_addr[0], 0xfe);
    in6.sin6_flowinfo = 5;
    weir_address b;
    EXPECT_RC(weir_address_from(&b, (struct sockaddr *)&in6, sizeof in6), 0);
    EXPECT(weir_address_equal(&a, &b));
    EXPECT_RC(weir_address_parse(&a, "1.2.3.4", 258), 0);
    EXPECT_EQ(weir_address_to(&a, &s), sizeof in);
    memcpy(&in, &s, sizeof in);
    EXPECT_EQ(in.sin_addr.s_addr, htonl(0x01020304));
    EXPECT_EQ(in.sin_port, htons(258));
    EXPECT_RC(weir_address_from(&a, (struct sockaddr *)&in, sizeof in - 1), WEIR_EINVAL);
    EXPECT_STR(text_of(&a), "(not an address of IPv4, IPv6 or UNIX)");
    EXPECT_RC(weir_address_from(&a, (struct sockaddr *)&in6, sizeof in6 - 1), WEIR_EINVAL);
    EXPECT_RC(weir_address_from(&a, (struct sockaddr *)&in6, 1), WEIR_EINVAL);
    EXPECT_RC(weir_address_from(&a, NULL, 0), WEIR_EINVAL);
    in.sin_family = AF_NETLINK;
    EXPECT_RC(weir_address_from(&a, (struct sockaddr *)&in, sizeof in), WEIR_EINVAL);
}

/* What the kernel has of it: bound with it, and asked. */
static weir_address bound(const weir_address *a, int type)
{
    weir_address b = {0};
    struct sockaddr_storage s;
    int fd = socket(a->family, type, 0);
    socklen_t size = weir_address_to(a, &s);
    EXPECT_EQ(bind(fd, (struct sockaddr *)&s, size), 0);
    size = sizeof s;
    EXPECT_EQ(getsockname(fd, (struct sockaddr *)&s, &size), 0);
    EXPECT_RC(weir_address_from(&b, (struct sockaddr *)&s, size), 0);
    close(fd);
    return b;
}

static void kernel_agrees(void)
{
    weir_address a, b;
    char name[WEIR_UNIX_MAX] = "";
    int n = snprintf(name + 1, sizeof name - 1, "weir test %d", (int)getpid());
    EXPECT_RC(weir_address_parse(&a, "127.0.0.1", 0), 0);
    b = bound(&a, SOCK_STREAM);
    EXPECT(b.port > 0);
    a.port = b.port;
    EXPECT(weir_address_equal(&a, &b));
    EXPECT_RC(weir_address_unix(&a, name, (size_t)n + 1), 0);
    b = bound(&a, SOCK_STREAM);
    EXPECT(weir_address_equal(&a, &b));
    EXPECT_RC(weir_address_unix(&a, name, sizeof name), 0); /* as long as can be, with zeros */
    b = bound(&a, SOCK_STREAM);
    EXPECT(weir_address_equal(&a, &b));
    EXPECT_RC(weir_address_unix(&a, NULL, 0), 0); /* the kernel gives it an abstract name */
    b = bound(&a, SOCK_STREAM);
    EXPECT_EQ(b.name[0], 0);
    EXPECT(b.size > 1);
}

/* Also the longest path, whose zero the kernel counts though there is no room for it. */
static void paths(void)
{
    char directory[] = "/tmp/weir_address_XXXXXX", path[WEIR_UNIX_MAX + 1];
    REQUIRE(mkdtemp(directory) != NULL);
    for (size_t length = WEIR_UNIX_MAX - 2; length <= WEIR_UNIX_MAX; length++) {
        weir_address a, b;
        memset(path, 'x', sizeof path);
        memcpy(path, directory, strlen(directory));
        path[strlen(directory)] = '/';
        path[length] = '\0';
        EXPECT_RC(weir_address_parse(&a, path, 0), 0);
        b = bound(&a, SOCK_DGRAM);
        EXPECT(weir_address_equal(&a, &b));
        EXPECT_STR(text_of(&b), path);
        EXPECT_EQ(unlink(path), 0);
    }
    EXPECT_EQ(rmdir(directory), 0);
}

static void unnamed_peer(void)
{
    int fd[2];
    weir_address a;
    struct sockaddr_storage s;
    socklen_t size = sizeof s;
    REQUIRE_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    EXPECT_EQ(getpeername(fd[0], (struct sockaddr *)&s, &size), 0);
    EXPECT_RC(weir_address_from(&a, (struct sockaddr *)&s, size), 0);
    EXPECT_STR(text_of(&a), "(unnamed)");
    EXPECT_EQ(a.size, 0);
    close(fd[0]);
    close(fd[1]);
}

TEST_SUITE(address, "io: addresses", {"F120 address: as text and back", parses},
           {"F120 address: what is wrong is said", says_what_is_wrong},
           {"F093 address: interfaces by name and number", interfaces},
           {"F120 address: equal if all bytes are", differ},
           {"B7 F095 address: UNIX paths and abstract names, too long, empty", unix_names},
           {"F095 address: any bytes in a name", any_bytes},
           {"F120 address: text is cut off", cut_off},
           {"F119 address: the system's, there and back", there_and_back},
           {"F119 address: the system's fields", system_fields},
           {"F120 address: the kernel says the same", kernel_agrees},
           {"F095 address: the longest paths", paths},
           {"F121 address: a peer without a name", unnamed_peer});

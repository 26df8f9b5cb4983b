/* SPDX-License-Identifier: MIT */
/* TCP by name: connect, listen on all addresses of a host. */
#include <string.h>

#include "names_test.h"
#include "net_test.h"

static int says_hello(void *arg)
{
    weir_listener l = *(weir_listener *)arg;
    weir_stream s;
    int rc;
    while ((rc = weir_accept(l, &s)) > 0) {
        EXPECT_RC(weir_stream_send(s, "hello", 5, NULL), 0);
        weir_close(s);
    }
    return rc == WEIR_ECLOSED ? 0 : rc;
}

static void hear_hello(weir_stream s)
{
    char x[10];
    REQUIRE_RC(weir_check(s), 0);
    EXPECT_EQ(receive_exactly(s, x, 5), 5);
    EXPECT_EQ(weir_stream_recv(s, x, sizeof x), 0);
    weir_close(s);
}

/* By name, by address, all on one port. */
static int names(void *unused)
{
    (void)unused;
    weir_listener l = weir_tcp_listen("localhost", 0, NULL);
    REQUIRE_RC(weir_check(l), 0);
    int port = weir_listener_port(l);
    EXPECT(port > 0);
    weir_address at;
    for (unsigned i = 0; weir_listener_get(l, i, WEIR_SOCKET_LOCAL, &at) == 0; i++)
        EXPECT_EQ(at.port, port);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, says_hello, &l), 0);
    weir_connect_report how;
    hear_hello(weir_tcp_connect("localhost", (uint16_t)port, &(weir_tcp_options){.report = &how}));
    EXPECT_EQ(how.to.port, port);
    EXPECT(how.tried >= 1);
    hear_hello(weir_tcp_connect("127.0.0.1", (uint16_t)port, NULL));
    hear_hello(weir_tcp_connect("localhost", (uint16_t)port,
                                &(weir_tcp_options){.family = AF_INET, .local_host = "127.0.0.2"}));
    weir_close(l);
    EXPECT_RC(weir_group_end(g), 0);
    weir_stream s =
        weir_tcp_connect("localhost", (uint16_t)port, &(weir_tcp_options){.report = &how});
    EXPECT_RC(weir_check(s), WEIR_ECONNREFUSED);
    EXPECT_EQ(how.failed, how.tried);
    for (unsigned i = 0; i < how.failed; i++)
        EXPECT_RC(how.failures[i].error, WEIR_ECONNREFUSED);
    EXPECT_EQ(how.to.family, 0);
    return 0;
}

/* A look-up that was abandoned may ask a name server, and have a socket, for seconds. */
static void by_name(void)
{
    static const struct entry known[] = {
        {.name = "localhost", .addresses = {"127.0.0.1", "127.0.0.3"}}, {0}};
    names_are(known, false);
    weir_run(names, NULL, NULL); /* the look-ups' threads stay for a while, and nothing else */
    run_and_count(names, NULL);
    names_are(NULL, false);
}

static int everywhere(void *unused)
{
    (void)unused;
    weir_listener l = weir_tcp_listen(NULL, 0, NULL);
    REQUIRE_RC(weir_check(l), 0);
    uint16_t port = (uint16_t)weir_listener_port(l);
    EXPECT_RC(weir_check(weir_tcp_listen(NULL, port, NULL)), WEIR_EADDRINUSE);
    EXPECT_RC(weir_check(weir_tcp_listen("127.0.0.1", port, NULL)), WEIR_EADDRINUSE);
    weir_listener shared[2] = {{0}, {0}};
    const weir_listen_options reuse = {.reuse_port = true};
    shared[0] = weir_tcp_listen("127.0.0.1", 0, &reuse);
    shared[1] = weir_tcp_listen("127.0.0.1", (uint16_t)weir_listener_port(shared[0]), &reuse);
    EXPECT_RC(weir_check(shared[1]), 0);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, says_hello, &l), 0);
    hear_hello(weir_tcp_connect("127.0.0.1", port, NULL));
    weir_group_cancel(g, NULL); /* it accepts no more */
    EXPECT_RC(weir_group_end(g), 0);
    weir_stream mine = weir_tcp_connect("127.0.0.1", port, NULL), theirs;
    weir_address peer;
    char text[WEIR_ADDRESS_TEXT];
    REQUIRE_RC(weir_accept(l, &theirs), 1);
    EXPECT_RC(weir_stream_get(theirs, WEIR_SOCKET_REMOTE, &peer), 0);
    EXPECT(strcmp(weir_address_host(&peer, text, sizeof text), "127.0.0.1") == 0);
    weir_close(mine);
    weir_close(theirs);
    g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, says_hello, &l), 0);
    weir_stream v6 = weir_tcp_connect("::1", port, NULL);
    if (weir_check(v6) == 0)
        hear_hello(v6);
    weir_close(l);
    return weir_group_end(g);
}
/* Without a run: one address after the other. */
static void by_a_thread(void)
{
    weir_stream a, b;
    weir_connect_report how;
    int before = descriptors_open();
    weir_listener l = weir_tcp_listen("127.0.0.1", 0, NULL);
    int port = weir_listener_port(l);
    REQUIRE(port > 0);
    a = weir_tcp_connect("127.0.0.1", (uint16_t)port, &(weir_tcp_options){.report = &how});
    REQUIRE_RC(weir_check(a), 0);
    EXPECT_EQ(how.tried, 1);
    REQUIRE_EQ(weir_accept(l, &b), 1);
    EXPECT_RC(weir_stream_send(b, "hello", 5, NULL), 0);
    weir_close(b);
    hear_hello(a);
    weir_close(l);
    a = weir_tcp_connect("127.0.0.1", (uint16_t)port, &(weir_tcp_options){.report = &how});
    EXPECT_RC(weir_check(a), WEIR_ECONNREFUSED);
    EXPECT_EQ(how.failed, 1);
    await_descriptors(before); /* the library's thread goes with the last of them */
}

static void all_interfaces(void)
{
    run_and_count(everywhere, NULL);
}

static int wrong(void *unused)
{
    (void)unused;
    EXPECT_RC(weir_check(weir_tcp_connect(NULL, 1, NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_tcp_connect("localhost", 0, NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_tcp_connect("", 1, NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_address_connect(NULL, NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_address_connect(&(weir_address){0}, NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_address_listen(NULL, NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_address_listen(&(weir_address){0}, NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_tcp_listen("", 0, NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_accept((weir_listener){0}, NULL), WEIR_EINVAL);
    return 0;
}

static void misuse(void)
{
    run_and_count(wrong, NULL);
}

TEST_SUITE(tcp, "io: TCP by name",
           {"F082 F083 F085 tcp: a name, all on one port, what failed", by_name},
           {"F085 tcp: all interfaces, ports that are taken, shared", all_interfaces},
           {"F082 F085 tcp: by a plain thread", by_a_thread}, {"F082 F085 tcp: misuse", misuse});

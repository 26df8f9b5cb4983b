/* SPDX-License-Identifier: MIT */
/* Socket activation, a successor, and the service manager: weir/handover.h. Row F086. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../channels/child.h"
#include "net_test.h"

#define VARIABLE "WEIR_TEST_SUCCESSOR"

/* ---- the successor ------------------------------------------------------------------------- */

/* Each listener's first connection gets its number. */
static int succeeds(void *unused)
{
    weir_listener l[3];
    weir_stream s;
    (void)unused;
    if (weir_listeners_from_environment(l, 1) != WEIR_EINVAL ||
        weir_listeners_from_environment(l, 3) != 2 || weir_listeners_from_environment(l, 3) != 0)
        return 1;
    for (int i = 0; i < 2; i++) {
        const char number = (char)('0' + i);
        if (weir_accept(l[i], &s) != 1 || weir_stream_send(s, &number, 1, NULL) < 0 ||
            weir_close(s) < 0)
            return 2;
    }
    return 0;
}

static void become_successor(char **argv)
{
    (void)argv;
    if (getenv(VARIABLE))
        exit(weir_run(succeeds, NULL, NULL));
}

__attribute__((constructor)) static void enter(void)
{
    if (getenv(VARIABLE))
        test_first(become_successor);
}

/* ---- handing over -------------------------------------------------------------------------- */

static void connect_to(const weir_address *at, char number)
{
    char c = 0;
    weir_stream s = weir_address_connect(at, NULL);
    EXPECT_EQ(weir_stream_recv(s, &c, 1), 1);
    EXPECT_EQ(c, number);
    EXPECT_EQ(weir_stream_recv(s, &c, 1), 0);
    weir_close(s);
}

static int hands_over(void *unused)
{
    weir_address at[2];
    char dir[] = "/tmp/weir-test-XXXXXX", path[64];
    char *argv[] = {(char *)(uintptr_t) "/proc/self/exe", NULL};
    (void)unused;
    EXPECT(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/socket", dir);
    EXPECT_RC(weir_address_parse(&at[1], path, 0), 0);
    weir_listener l[] = {listen_here(&at[0]),
                         weir_unix_listen(path, &(weir_unix_options){.remove = true})};
    setenv(VARIABLE, "1", 1);
    setenv("LISTEN_FDS", "17", 1); /* not the successor's */
    pid_t pid = weir_hand_over(l, 2, argv);
    unsetenv(VARIABLE);
    unsetenv("LISTEN_FDS");
    EXPECT(pid > 0);
    EXPECT_RC(weir_close(l[0]), 0); /* nobody is refused */
    EXPECT_RC(weir_close(l[1]), 0);
    connect_to(&at[0], '0');
    connect_to(&at[1], '1');
    EXPECT_EQ(status_of(pid), 0);
    EXPECT_EQ(unlink(path), 0); /* it is the successor's, who does not know */
    EXPECT_EQ(rmdir(dir), 0);
    return 0;
}

static void successor(void)
{
#if defined(EMULATED)
    return; /* /proc/self/exe is the emulator itself */
#endif
    run_and_count(hands_over, NULL);
}

/* What the program sees, whatever is open below. */
static int is_seen(void *unused)
{
    weir_address at;
    weir_listener l = listen_here(&at);
    weir_listener l3[] = {l, weir_listener_clone(l), l};
    char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
                    (char *)(uintptr_t) "test $LISTEN_PID = $$ && test \"$LISTEN_FDS\" = 3 &&"
                                        " test -S /dev/fd/3 && test -S /dev/fd/4 &&"
                                        " test -S /dev/fd/5 && ! test -S /dev/fd/6",
                    NULL};
    (void)unused;
    pid_t pid = weir_hand_over(l3, 3, argv);
    EXPECT(pid > 0);
    EXPECT_EQ(status_of(pid), 0);
    EXPECT(!getenv("LISTEN_FDS"));
    return 0;
}

static void seen(void)
{
    run_and_count(is_seen, NULL);
}

static int is_refused(void *unused)
{
    weir_address at;
    weir_listener l = listen_here(&at), many[WEIR_HAND_OVER_MAX + 1];
    char *nothing[] = {NULL};
    char *nobody[] = {(char *)(uintptr_t) "/nowhere/at all", NULL};
    (void)unused;
    EXPECT_RC((int)weir_hand_over(&l, 1, NULL), WEIR_EINVAL);
    EXPECT_RC((int)weir_hand_over(&l, 1, nothing), WEIR_EINVAL);
    EXPECT_RC((int)weir_hand_over(NULL, 1, nobody), WEIR_EINVAL);
    EXPECT_RC((int)weir_hand_over(&l, 1, nobody), WEIR_ENOENT);
    for (int i = 0; i <= WEIR_HAND_OVER_MAX; i++)
        many[i] = l;
    EXPECT_RC((int)weir_hand_over(many, WEIR_HAND_OVER_MAX + 1, nobody), WEIR_EINVAL);
    EXPECT_RC((int)weir_hand_over(many, WEIR_HAND_OVER_MAX, nobody), WEIR_ENOENT);
    weir_close(l);
    EXPECT_RC((int)weir_hand_over(&l, 1, nobody), WEIR_ECLOSED);
    EXPECT_EQ(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    return 0;
}

static void refused(void)
{
    run_and_count(is_refused, NULL);
}

/* A program that is not there, while signals come all the time: its process is waited for. */
static atomic_bool enough;

static void *interrupts(void *thread)
{
    while (!atomic_load(&enough))
        pthread_kill(*(pthread_t *)thread, SIGURG);
    return NULL;
}

static void hears(int number)
{
    (void)number;
}

static void interrupted(void)
{
    struct sigaction action = {.sa_handler = hears}, before;
    char *nobody[] = {(char *)(uintptr_t) "/nowhere/at all", NULL};
    pthread_t thread, me = pthread_self();
    size_t size = 16 << 20; /* with it a process takes a while to end */
    char *much = malloc(size);
    REQUIRE(much != NULL);
    memset(much, 1, size);
    atomic_store(&enough, false);
    EXPECT_EQ(sigaction(SIGURG, &action, &before), 0);
    REQUIRE(pthread_create(&thread, NULL, interrupts, &me) == 0);
    for (int i = 0; i < 100; i++) {
        EXPECT_RC((int)weir_hand_over(NULL, 0, nobody), WEIR_ENOENT);
        EXPECT_EQ(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    }
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
    EXPECT_EQ(sigaction(SIGURG, &before, NULL), 0);
    free(much);
}

/* ---- the environment ----------------------------------------------------------------------- */

static int found(const char *pid, const char *fds)
{
    char ours[24];
    weir_listener l[4];
    snprintf(ours, sizeof ours, "%d", (int)getpid());
    setenv("LISTEN_PID", pid ? pid : ours, 1);
    setenv("LISTEN_FDS", fds, 1);
    int n = weir_listeners_from_environment(l, 4);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    return n;
}

static void environment(void)
{
    weir_listener l[1];
    EXPECT_RC(weir_listeners_from_environment(l, 1), 0);
    EXPECT_RC(found("1", "1"), 0);
    EXPECT_RC(found("", "1"), 0);
    EXPECT_RC(found(NULL, "0"), 0);
    EXPECT_RC(found(NULL, ""), WEIR_EINVAL);
    EXPECT_RC(found(NULL, "-1"), WEIR_EINVAL);
    EXPECT_RC(found(NULL, "1x"), WEIR_EINVAL);
    EXPECT_RC(found(NULL, "5"), WEIR_EINVAL);
    EXPECT_RC(found(NULL, "99999999999999999999"), WEIR_EINVAL);
    EXPECT_RC(found(NULL, "4"), WEIR_EINVAL); /* these descriptors do not listen */
}

/* ---- the service manager ------------------------------------------------------------------- */

static void is_told(const char *name, const char *variable)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char text[40] = "";
    size_t size = strlen(variable);
    memcpy(at.sun_path, name, size);
    if (*variable == '@')
        at.sun_path[0] = '\0';
    socklen_t whole = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    EXPECT_EQ(bind(fd, (struct sockaddr *)&at, whole), 0);
    setenv("NOTIFY_SOCKET", variable, 1);
    EXPECT_RC(weir_notify("READY=1\nSTATUS=well"), 1);
    EXPECT_EQ(recv(fd, text, sizeof text, 0), 19);
    EXPECT(strcmp(text, "READY=1\nSTATUS=well") == 0);
    EXPECT_RC(weir_notify(""), WEIR_EINVAL);
    EXPECT_RC(weir_notify(NULL), WEIR_EINVAL);
    close(fd);
    EXPECT_RC(weir_notify("STOPPING=1"), WEIR_ECONNREFUSED);
}

static int reads_all(void *manager)
{
    char text[40];
    while (recv(*(int *)manager, text, sizeof text, MSG_DONTWAIT) > 0)
        ;
    return 0;
}

/* It gives the manager a second, for which all may stand still here. */
static int notify_ready(void)
{
    int rc;
    while ((rc = weir_notify("READY=1")) == WEIR_EAGAIN)
        ;
    return rc;
}

/* It has no room until somebody else has had his turn. */
static int waits_for_room(void *unused)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t size = sizeof at;
    char name[sizeof at.sun_path] = "@";
    (void)unused;
    int manager = socket(AF_UNIX, SOCK_DGRAM, 0), full = socket(AF_UNIX, SOCK_DGRAM, 0);
    EXPECT_EQ(bind(manager, (struct sockaddr *)&at, sizeof(sa_family_t)), 0);
    EXPECT_EQ(getsockname(manager, (struct sockaddr *)&at, &size), 0);
    memcpy(name + 1, at.sun_path + 1, size - sizeof(sa_family_t) - 1);
    while (sendto(full, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&at, size) == 1)
        ;
    EXPECT_EQ(errno, EAGAIN);
    setenv("NOTIFY_SOCKET", name, 1);
    weir_scope s = weir_move_on_after(0);
    EXPECT_RC(notify_ready(), WEIR_ECANCELED);
    weir_scope_end(s);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, reads_all, &manager), 0);
    EXPECT_RC(notify_ready(), 1);
    EXPECT_RC(weir_group_end(g), 0);
    close(manager);
    close(full);
    unsetenv("NOTIFY_SOCKET");
    return 0;
}

static void no_room(void)
{
    run_and_count(waits_for_room, NULL);
}

static void notify(void)
{
    char name[64], path[] = "/tmp/weir-test-XXXXXX", file[64];
    snprintf(name, sizeof name, "@weir-test-notify-%d", (int)getpid());
    is_told(name, name);
    EXPECT(mkdtemp(path) != NULL);
    snprintf(file, sizeof file, "%s/socket", path);
    is_told(file, file);
    unlink(file);
    rmdir(path);
    EXPECT_RC(weir_notify("READY=1"), WEIR_ENOENT);
    setenv("NOTIFY_SOCKET", "relative", 1);
    EXPECT_RC(weir_notify("READY=1"), WEIR_EINVAL);
    unsetenv("NOTIFY_SOCKET");
    EXPECT_RC(weir_notify("READY=1"), 0);
}

TEST_SUITE(handover, "hand-over", {"F086 hand-over: nobody is refused meanwhile", successor},
           {"F086 hand-over: what the program sees", seen}, {"F086 hand-over: errors", refused},
           {"F2 F086 hand-over: signals meanwhile", interrupted},
           {"F086 activation: an environment that is not for us, or wrong", environment},
           {"F086 notify: the service manager is told", notify},
           {"F086 notify: the service manager has no room", no_room});

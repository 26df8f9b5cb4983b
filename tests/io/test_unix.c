/* SPDX-License-Identifier: MIT */
/* UNIX sockets: paths, abstract names, who may have them, and who the peer is. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net_test.h"
#include "os_net.h"

static char root[] = P_tmpdir "/weir-unix-XXXXXX";

static const char *in_root(const char *name)
{
    static __thread char path[sizeof root + 128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static int in_directory(const char *name)
{
    return unlink(in_root(name));
}

/* In a directory of its own, in which nothing is left but what the body removes. */
static void run_in_root(weir_body body, void *arg)
{
    memcpy(root + sizeof root - 7, "XXXXXX", 6);
    REQUIRE(mkdtemp(root) != NULL);
    run_and_count(body, arg);
    EXPECT_EQ(rmdir(root), 0);
}

static bool exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static void expect_talk(weir_listener l, weir_stream client)
{
    weir_stream server;
    char c[4];
    EXPECT_RC(weir_check(client), 0);
    EXPECT_EQ(weir_accept(l, &server), 1);
    EXPECT_RC(weir_stream_send(client, "abc", 3, NULL), 0);
    EXPECT_EQ(receive_exactly(server, c, 3), 3);
    EXPECT_RC(weir_close(client), 0);
    EXPECT_EQ(weir_stream_recv(server, c, 4), 0);
    EXPECT_RC(weir_close(server), 0);
}

/* ---- paths --------------------------------------------------------------------------------- */

static int uses_path(void *name)
{
    const char *path = in_root(name);
    weir_address at;
    weir_unix_options removed = {.remove = true};
    EXPECT_RC(weir_check(weir_unix_connect(path, NULL)), WEIR_ENOENT);
    weir_listener l = weir_unix_listen(path, NULL);
    EXPECT_RC(weir_check(l), 0);
    EXPECT_RC(weir_listener_get(l, 0, WEIR_SOCKET_LOCAL, &at), 0);
    EXPECT(at.size == strlen(path) && memcmp(at.name, path, at.size) == 0);
    EXPECT_EQ(weir_listener_port(l), 0);
    expect_talk(l, weir_unix_connect(path, NULL));
    expect_talk(l, weir_address_connect(&at, NULL));
    EXPECT_RC(weir_close(l), 0);
    EXPECT(exists(path));
    EXPECT_RC(weir_check(weir_unix_connect(path, NULL)), WEIR_ECONNREFUSED);
    l = weir_unix_listen(path, &(weir_unix_options){.keep_stale = true});
    EXPECT_RC(weir_check(l), WEIR_EADDRINUSE);
    l = weir_address_listen(&at, NULL); /* in the place of the dead one */
    expect_talk(l, weir_unix_connect(path, NULL));
    EXPECT_RC(weir_close(l), 0);
    l = weir_unix_listen(path, &removed);
    expect_talk(l, weir_unix_connect(path, NULL));
    EXPECT_RC(weir_close(l), 0);
    EXPECT(!exists(path));
    return 0;
}

static void paths(void)
{
    run_in_root(uses_path, "socket");
    run_in_root(uses_path, "\xff\xfe \n\x80"); /* no UTF-8 */
}

static void expect_size(size_t size, int error)
{
    char path[200];
    size_t n = strlen(root);
    memset(path, 'x', sizeof path);
    memcpy(path, root, n);
    path[n] = '/';
    path[size] = 0;
    weir_listener l = weir_unix_listen(path, NULL);
    EXPECT_RC(weir_check(l), error);
    weir_stream s = weir_unix_connect(path, NULL);
    EXPECT_RC(weir_check(s), error);
    weir_close(s);
    weir_close(l);
    l = weir_unix_listen(path, &(weir_unix_options){.remove = true});
    EXPECT_RC(weir_check(l), error);
    weir_close(l);
    EXPECT(!exists(path));
}

static int long_names(void *unused)
{
    (void)unused;
    expect_size(107, 0);
    expect_size(108, 0);
    expect_size(109, WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_unix_connect("", NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_unix_connect(NULL, NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_unix_listen("", NULL)), WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_unix_listen(in_root("no/where"), NULL)), WEIR_ENOENT);
    return 0;
}

static void sizes(void)
{
    run_in_root(long_names, NULL);
}

/* ---- what is another's --------------------------------------------------------------------- */

static int bound(const char *path, int type)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    strncpy(at.sun_path, path, sizeof at.sun_path - 1);
    REQUIRE(bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
    return fd;
}

static ino_t inode(const char *path)
{
    struct stat st;
    REQUIRE(lstat(path, &st) == 0);
    return st.st_ino;
}

/* It stays what it is. */
static void expect_taken(const char *name, int connect_error)
{
    const char *path = in_root(name);
    ino_t was = inode(path);
    weir_listener l = weir_unix_listen(path, NULL);
    EXPECT_RC(weir_check(l), WEIR_EADDRINUSE);
    EXPECT_EQ(inode(path), was);
    if (connect_error)
        EXPECT_RC(weir_check(weir_unix_connect(path, NULL)), connect_error);
}

static int finds_others(void *unused)
{
    (void)unused;
    weir_stream none;
    int file = open(in_root("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    expect_taken("file", WEIR_ECONNREFUSED);
    close(file);
    EXPECT_EQ(mkdir(in_root("directory"), 0700), 0);
    expect_taken("directory", WEIR_ECONNREFUSED);
    EXPECT_EQ(mkfifo(in_root("fifo"), 0600), 0);
    expect_taken("fifo", WEIR_ECONNREFUSED);
    close(bound(in_root("dead"), SOCK_STREAM));
    EXPECT_EQ(symlink("dead", in_root("link")), 0);
    expect_taken("link", WEIR_ECONNREFUSED);
    int other = bound(in_root("datagrams"), SOCK_DGRAM);
    expect_taken("datagrams", -EPROTOTYPE);
    int silent = bound(in_root("silent"), SOCK_STREAM); /* it will listen in a moment */
    expect_taken("silent", WEIR_ECONNREFUSED);
    weir_listener l = weir_unix_listen(in_root("served"), NULL);
    expect_taken("served", 0);
    EXPECT_RC(weir_try_accept(l, &none), WEIR_EAGAIN); /* and is not disturbed */
    close(other);
    close(silent);
    EXPECT_EQ(rmdir(in_root("directory")), 0);
    static const char *const names[] = {"file",      "fifo",   "dead",  "link",
                                        "datagrams", "silent", "served"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        EXPECT_EQ(in_directory(names[i]), 0);
    return 0;
}

static void others(void)
{
    run_in_root(finds_others, NULL);
}

static int removes_its_own_only(void *unused)
{
    (void)unused;
    weir_unix_options o = {.remove = true};
    weir_listener l = weir_unix_listen(in_root("a"), &o);
    weir_listener clone = weir_listener_clone(l);
    EXPECT_RC(weir_close(l), 0);
    EXPECT(exists(in_root("a")));
    EXPECT_EQ(in_directory("a"), 0);
    int other = bound(in_root("a"), SOCK_STREAM);
    EXPECT_RC(weir_close(clone), 0);
    EXPECT(exists(in_root("a")));
    close(other);
    EXPECT_EQ(in_directory("a"), 0);
    l = weir_unix_listen(in_root("a"), &o);
    EXPECT_EQ(in_directory("a"), 0);
    EXPECT_RC(weir_close(l), 0);
    return 0;
}

static void removes(void)
{
    run_in_root(removes_its_own_only, NULL);
}

/* ---- permissions --------------------------------------------------------------------------- */

static unsigned mode_after(unsigned mode, mode_t mask)
{
    struct stat st;
    mode_t before = umask(mask);
    weir_listener l =
        weir_unix_listen(in_root("a"), &(weir_unix_options){.mode = mode, .remove = true});
    EXPECT_EQ(umask(before), mask);
    EXPECT_RC(weir_check(l), 0);
    EXPECT_EQ(stat(in_root("a"), &st), 0);
    weir_close(l);
    return st.st_mode & 07777;
}

static int has_mode(void *unused)
{
    (void)unused;
    static const mode_t masks[] = {0, 022, 077, 0777};
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        EXPECT_EQ(mode_after(0, masks[i]), 0777 & ~masks[i]);
        EXPECT_EQ(mode_after(0600, masks[i]), 0600);
        EXPECT_EQ(mode_after(0666, masks[i]), 0666);
        EXPECT_EQ(mode_after(0720, masks[i]), 0720);
    }
    return 0;
}

static void modes(void)
{
    run_in_root(has_mode, NULL);
}

/* In a table of our own: what the path's permissions are just when the socket listens. */
static unsigned when_listening;

static int listens(int fd, int backlog)
{
    struct stat st;
    EXPECT_EQ(stat(in_root("a"), &st), 0);
    when_listening = st.st_mode & 07777;
    return os_net_kernel.listen(fd, backlog);
}

/* And when it is bound: no more than at last. */
static unsigned when_bound;

static int binds(int fd, const struct sockaddr *at, socklen_t size)
{
    struct stat st;
    int rc = os_net_kernel.bind(fd, at, size);
    if (rc == 0 && stat(in_root("a"), &st) == 0)
        when_bound = st.st_mode & 07777;
    return rc;
}

static int has_it_in_time(void *unused)
{
    (void)unused;
    mode_after(0606, 022);
    EXPECT_EQ(when_bound, 0604);
    EXPECT_EQ(when_listening, 0606);
    return 0;
}

static void no_window(void)
{
    struct net net = os_net_kernel;
    net.listen = listens;
    net.bind = binds;
    faults_own_table(&net);
    run_in_root(has_it_in_time, NULL);
    faults_as_before();
}

/* ---- two servers at once ------------------------------------------------------------------- */

enum { SERVERS = 4, ROUNDS = 50 };

static pthread_barrier_t barrier;
static int won;

static void *serves(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&barrier);
        weir_listener l = weir_unix_listen(in_root("a"), NULL);
        int rc = weir_check(l);
        if (rc == 0)
            __atomic_add_fetch(&won, 1, __ATOMIC_RELAXED);
        else if (rc != WEIR_EBUSY) /* who has the lock stands still for a second */
            EXPECT_RC(rc, WEIR_EADDRINUSE);
        pthread_barrier_wait(&barrier);
        if (rc == 0) { /* whoever has it is there for clients */
            weir_stream s;
            weir_stream client = weir_unix_connect(in_root("a"), NULL);
            EXPECT_RC(weir_check(client), 0);
            EXPECT_EQ(accept_there(l, &s), 1);
            EXPECT_RC(weir_close(s), 0);
            EXPECT_RC(weir_close(client), 0);
        }
        pthread_barrier_wait(&barrier);
        weir_close(l); /* and leaves a dead socket behind */
    }
    return NULL;
}

static int serve_at_once(void *unused)
{
    pthread_t threads[SERVERS];
    (void)unused;
    won = 0;
    pthread_barrier_init(&barrier, NULL, SERVERS);
    for (int i = 0; i < SERVERS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, serves, NULL) == 0);
    for (int i = 0; i < SERVERS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
    EXPECT_EQ(won, ROUNDS);
    EXPECT_EQ(in_directory("a"), 0);
    return 0;
}

static void at_once(void)
{
    run_in_root(serve_at_once, NULL);
}

/* Nobody else can get between the removal and the bind. */
static int removed_at, bound_at; /* seen with the lock held */

static bool is_locked(void)
{
    int lock = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is = flock(lock, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    close(lock);
    return is;
}

static int removes_locked(const char *path)
{
    removed_at += is_locked();
    return os_net_kernel.path_remove(path);
}

static int binds_locked(int fd, const struct sockaddr *at, socklen_t size)
{
    bound_at += is_locked();
    return os_net_kernel.bind(fd, at, size);
}

static int replaces_one(void *unused)
{
    (void)unused;
    close(bound(in_root("a"), SOCK_STREAM));
    EXPECT_RC(weir_check(weir_unix_listen(in_root("a"), NULL)), 0);
    EXPECT_EQ(removed_at, 1);
    EXPECT_EQ(bound_at, 1);
    EXPECT(!is_locked());
    EXPECT_EQ(in_directory("a"), 0);
    return 0;
}

static void under_lock(void)
{
    struct net net = os_net_kernel;
    net.path_remove = removes_locked;
    net.bind = binds_locked;
    removed_at = bound_at = 0;
    faults_own_table(&net);
    run_in_root(replaces_one, NULL);
    faults_as_before();
}

/* Interrupted, it is asked for again; and without a descriptor for it nothing is removed. */
static int asks_for_the_lock(void *unused)
{
    (void)unused;
    close(bound(in_root("a"), SOCK_STREAM));
    faults_inject(CALL_PATH_LOCK, 1, 1, EMFILE);
    EXPECT_RC(weir_check(weir_unix_listen(in_root("a"), NULL)), -EMFILE);
    faults_inject(CALL_PATH_LOCK, 1, 2, EINTR);
    EXPECT_RC(weir_check(weir_unix_listen(in_root("a"), NULL)), 0);
    EXPECT_EQ(faults_calls(CALL_PATH_LOCK), 3);
    EXPECT_EQ(in_directory("a"), 0);
    return 0;
}

static void no_lock(void)
{
    faults_only_injected();
    run_in_root(asks_for_the_lock, NULL);
    faults_as_before();
}

/* For spawn, which copies it. */
struct path {
    char text[sizeof root + 64];
};

static int listens_rc(void *arg)
{
    const struct path *p = arg;
    weir_listener l = weir_unix_listen(p->text, &(weir_unix_options){.remove = true});
    int rc = weir_check(l);
    weir_close(l);
    return rc;
}

static int listens_again(void *arg)
{
    int rc;
    while ((rc = listens_rc(arg)) == WEIR_EBUSY)
        ; /* it was released more than a second later */
    return rc;
}

static int waits_for_the_lock(void *unused)
{
    (void)unused;
    struct path path;
    weir_task t;
    int result;
    snprintf(path.text, sizeof path.text, "%s/a", root);
    close(bound(path.text, SOCK_STREAM));
    int lock = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    EXPECT_EQ(flock(lock, LOCK_EX), 0);
    do { /* who is cancelled so late that the second is over is told that instead */
        weir_scope s = weir_move_on_after(5 * WEIR_MS);
        result = listens_rc(&path);
        weir_scope_end(s);
    } while (result == WEIR_EBUSY);
    EXPECT_RC(result, WEIR_ECANCELED);
    EXPECT(exists(path.text));
    EXPECT_EQ(listens_rc(&path), WEIR_EBUSY); /* after a second */
    EXPECT(exists(path.text));
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, listens_again, &path, .task = &t, .isolated = true), 0);
    weir_yield();
    close(lock);
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &result), 0);
    EXPECT_RC(result, 0);
    EXPECT(!exists(path.text));
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void locked(void)
{
    run_in_root(waits_for_the_lock, NULL);
}

/* ---- abstract names ------------------------------------------------------------------------ */

static int uses_name(void *unused)
{
    (void)unused;
    char name[64], zeros[32] = "\0weir";
    weir_address at;
    snprintf(name, sizeof name, "@weir-test-unix-%d", (int)getpid());
    EXPECT_RC(weir_check(weir_unix_connect(name, NULL)), WEIR_ECONNREFUSED);
    weir_unix_options o = {.mode = 0600, .remove = true};
    weir_listener l = weir_unix_listen(name, &o);
    EXPECT_RC(weir_check(l), 0);
    EXPECT_RC(weir_check(weir_unix_listen(name, NULL)), WEIR_EADDRINUSE);
    EXPECT_RC(weir_listener_get(l, 0, WEIR_SOCKET_LOCAL, &at), 0);
    EXPECT(at.name[0] == 0 && memcmp(at.name + 1, name + 1, strlen(name) - 1) == 0);
    EXPECT_EQ(at.size, strlen(name));
    expect_talk(l, weir_unix_connect(name, NULL));
    EXPECT_RC(weir_close(l), 0);
    EXPECT_RC(weir_check(weir_unix_connect(name, NULL)), WEIR_ECONNREFUSED);
    int size = 6 + snprintf(zeros + 6, sizeof zeros - 6, "%d", (int)getpid());
    EXPECT_RC(weir_address_unix(&at, zeros, (size_t)size + 1), 0);
    l = weir_address_listen(&at, NULL);
    EXPECT_RC(weir_check(l), 0);
    expect_talk(l, weir_address_connect(&at, NULL));
    char longest[WEIR_UNIX_MAX + 2];
    memset(longest, 'y', sizeof longest);
    memcpy(longest, name, strlen(name));
    longest[WEIR_UNIX_MAX] = 0;
    EXPECT_RC(weir_check(weir_unix_listen(longest, NULL)), 0);
    longest[WEIR_UNIX_MAX] = 'y';
    longest[WEIR_UNIX_MAX + 1] = 0;
    EXPECT_RC(weir_check(weir_unix_listen(longest, NULL)), WEIR_EINVAL);
    return 0;
}

static void names(void)
{
    run_and_count(uses_name, NULL);
}

/* ---- a full queue -------------------------------------------------------------------------- */

static int connects_rc(void *arg)
{
    const struct path *p = arg;
    weir_stream s = weir_unix_connect(p->text, NULL);
    int rc = weir_check(s);
    weir_close(s);
    return rc;
}

static int waits_for_room(void *unused)
{
    (void)unused;
    struct path name;
    weir_stream clients[10], s;
    weir_task t;
    int n = 0, result;
    snprintf(name.text, sizeof name.text, "@weir-test-full-%d", (int)getpid());
    weir_unix_options small = {.backlog = 1}, soon = {.timeout = WEIR_MS};
    weir_listener l = weir_unix_listen(name.text, &small);
    while (n < 10 && weir_check(clients[n] = weir_unix_connect(name.text, &soon)) == 0)
        n++;
    EXPECT(n > 0 && n < 10);
    EXPECT_RC(weir_check(clients[n]), WEIR_ETIMEDOUT);
    weir_scope scope = weir_move_on_after(WEIR_MS);
    EXPECT_RC(connects_rc(&name), WEIR_ECANCELED);
    EXPECT_RC(connects_rc(&name), WEIR_ECANCELED);
    EXPECT_EQ(weir_scope_end(scope), 1);
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_spawn(g, connects_rc, &name, .task = &t, .isolated = true), 0);
    weir_yield();
    EXPECT_EQ(weir_accept(l, &s), 1);
    EXPECT_RC(weir_task_wait(t), 0);
    EXPECT_RC(weir_task_result(t, &result), 0);
    EXPECT_RC(result, 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void full(void)
{
    run_and_count(waits_for_room, NULL);
}

/* ---- the peer ------------------------------------------------------------------------------ */

static int asks_for_the_peer(void *unused)
{
    (void)unused;
    weir_stream a, b, tcp, other;
    weir_peer peer = {0};
    weir_address at;
    int pidfd = -1;
    connected_pair(true, &a, &b);
    weir_stream *const both[] = {&a, &b};
    for (int i = 0; i < 2; i++) {
        EXPECT_RC(weir_stream_get(*both[i], WEIR_UNIX_PEER, &peer), 0);
        EXPECT(peer.pid == getpid() && peer.uid == geteuid() && peer.gid == getegid());
    }
    int rc = weir_stream_get(a, WEIR_UNIX_PIDFD, &pidfd);
    if (rc == 0) {
        EXPECT(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
        close(pidfd);
    } else {
        EXPECT_RC(rc, WEIR_ENOENT); /* before Linux 6.5 */
    }
    EXPECT_RC(weir_stream_get(b, WEIR_SOCKET_REMOTE, &at), 0);
    EXPECT_EQ(at.size, 0); /* it has no name */
    EXPECT_RC(weir_stream_get(b, WEIR_SOCKET_LOCAL, &at), 0);
    EXPECT(at.size > 1);
    EXPECT_RC(weir_stream_get(b, WEIR_SOCKET_FAMILY, &rc), 0);
    EXPECT_EQ(rc, AF_UNIX);
    connected_pair(false, &tcp, &other);
    EXPECT_RC(weir_stream_get(tcp, WEIR_UNIX_PEER, &peer), WEIR_ENOENT);
    EXPECT_RC(weir_stream_get(tcp, WEIR_UNIX_PIDFD, &pidfd), WEIR_ENOENT);
    return 0;
}

static void peer(void)
{
    run_and_count(asks_for_the_peer, NULL);
}

TEST_SUITE(unix_sockets, "io: UNIX sockets",
           {"B7 F095 paths, of any bytes: a dead socket is replaced", paths},
           {"B7 F095 paths: the longest, too long, none", sizes},
           {"B7 F095 listen: what is another's stays", others},
           {"B7 F095 close: its own path goes, if that is wanted", removes},
           {"F095 mode: exactly, whatever the umask", modes},
           {"F095 mode: before it listens", no_window},
           {"F095 listen: several servers at once", at_once},
           {"B7 F095 listen: a dead socket is replaced under a lock", under_lock},
           {"F2 F095 listen: the lock cannot be asked for", no_lock},
           {"F095 listen: somebody else is replacing a dead socket", locked},
           {"B7 F095 abstract names", names}, {"F095 connect: the listener's queue is full", full},
           {"F119 F120 F121 the peer's credentials, names", peer});

/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { START_MS = 10000, REST_NS = 2000000, RESTS_MAX = 100 };

static struct {
    pid_t pid;
    int input, output;
    clockid_t cpu;
    char folder[64]; /* of the UNIX socket */
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_in tcp;
        struct sockaddr_un local;
    } address;
} server;

/* Whatever happens, nothing is left over: the server ends when its input does. */
static void clean_up(void)
{
    if (server.input > 0)
        close(server.input);
    if (server.folder[0]) {
        unlink(server.address.local.sun_path);
        rmdir(server.folder);
    }
}

/* ---- processors ---------------------------------------------------------------------------- */

/* The first of the processors that we have or the second one, if there are two. */
static bool processor(int which, cpu_set_t *one)
{
    cpu_set_t all;

    if (sched_getaffinity(0, sizeof all, &all) || CPU_COUNT(&all) < 2)
        return false;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &all) || which-- > 0)
            continue;
        CPU_ZERO(one);
        CPU_SET(cpu, one);
        return true;
    }
    return false;
}

/* ---- start and end --------------------------------------------------------------------------- */

static void run_server(char **program, const load_options *o, int in, int out,
                       const cpu_set_t *mine)
{
    char workers[16], buffer[16], *address = "tcp", path[sizeof server.address.local.sun_path + 8];

    snprintf(workers, sizeof workers, "%d", o->workers);
    snprintf(buffer, sizeof buffer, "%d", o->buffer);
    if (o->local) {
        snprintf(path, sizeof path, "unix:%s", server.address.local.sun_path);
        address = path;
    }
    char *arguments[] = {program[0], program[1], address, workers, o->buffer ? buffer : NULL, NULL};

    if (mine && sched_setaffinity(0, sizeof *mine, mine))
        _exit(126);
    dup2(in, 0);
    dup2(out, 1);
    execv(program[0], arguments);
    fprintf(stderr, "load: %s: %s\n", program[0], strerror(errno));
    _exit(127);
}

/* What follows LISTEN on the server's output. */
static const char *read_address(char *line, size_t size)
{
    struct pollfd out = {.fd = server.output, .events = POLLIN};
    size_t length = 0;

    while (length < size - 1 && (length == 0 || line[length - 1] != '\n')) {
        if (poll(&out, 1, START_MS) <= 0 || read(server.output, line + length, 1) != 1)
            load_fail("the server did not begin to listen");
        length++;
    }
    line[length - 1] = 0;
    if (strncmp(line, "LISTEN ", 7) != 0)
        load_fail("the server said: %s", line);
    return line + 7;
}

static void set_address(const load_options *o)
{
    char line[256];
    const char *where = read_address(line, sizeof line);

    if (o->local) {
        server.length = sizeof server.address.local;
        return;
    }
    server.address.tcp = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(where, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    server.length = sizeof server.address.tcp;
}

static void choose_path(void)
{
    const char *folder = getenv("TMPDIR");

    snprintf(server.folder, sizeof server.folder, "%.40s/load-XXXXXX", folder ? folder : "/tmp");
    if (!mkdtemp(server.folder)) {
        server.folder[0] = 0;
        load_fail("no folder for a UNIX socket: %s", strerror(errno));
    }
    server.address.local.sun_family = AF_UNIX;
    snprintf(server.address.local.sun_path, sizeof server.address.local.sun_path, "%.60s/socket",
             server.folder);
}

void server_start(char **program, const load_options *o)
{
    int in[2], out[2];
    cpu_set_t first, second;
    bool pin = o->pin && processor(0, &first) && processor(1, &second);

    atexit(clean_up);
    if (o->local)
        choose_path();
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
        load_fail("no pipe: %s", strerror(errno));
    server.pid = fork();
    if (server.pid < 0)
        load_fail("no process: %s", strerror(errno));
    if (server.pid == 0)
        run_server(program, o, in[0], out[1], pin ? &first : NULL);
    close(in[0]);
    close(out[1]);
    server.input = in[1];
    server.output = out[0];
    if (pin && sched_setaffinity(0, sizeof second, &second))
        load_fail("cannot pin the generator: %s", strerror(errno));
    set_address(o);
    if (clock_getcpuclockid(server.pid, &server.cpu))
        load_fail("the server's clock cannot be read");
}

void server_stop(const load_options *o)
{
    uint64_t until = bench_now() + o->patience;
    int status = 0;
    pid_t ended;

    close(server.input);
    server.input = -1;
    while ((ended = waitpid(server.pid, &status, WNOHANG)) == 0 && bench_now() < until)
        bench_pause(1000000);
    if (ended == 0) {
        kill(server.pid, SIGKILL);
        waitpid(server.pid, &status, 0);
        load_fail("the server did not end when its input did");
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        load_fail("the server ended with %s %d", WIFEXITED(status) ? "exit status" : "signal",
                  WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

int server_dial(void)
{
    int fd = socket(server.address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0 || connect(fd, &server.address.any, server.length))
        load_fail("connect: %s", strerror(errno));
    if (server.address.any.sa_family == AF_INET)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* ---- clocks and memory --------------------------------------------------------------------- */

static uint64_t clock_of(clockid_t clock)
{
    struct timespec t = {0, 0};

    if (clock_gettime(clock, &t))
        load_fail("the server has gone");
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

uint64_t own_cpu(void)
{
    return clock_of(CLOCK_PROCESS_CPUTIME_ID);
}

/* A server that never sleeps is measured all the same, after a while. */
uint64_t server_cpu_at_rest(void)
{
    uint64_t before = 0, now = clock_of(server.cpu);

    for (int i = 0; i < RESTS_MAX && now != before; i++) {
        before = now;
        bench_pause(REST_NS);
        now = clock_of(server.cpu);
    }
    return now;
}

double server_memory(void)
{
    char path[64], line[256];
    long kib = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)server.pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "VmRSS:", 6) || !strncmp(line, "VmPTE:", 6))
            kib += strtol(line + 6, NULL, 10);
    if (f)
        fclose(f);
    return (double)kib * 1024;
}

int server_descriptors(void)
{
    char path[64];
    int count = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)server.pid);
    DIR *d = opendir(path);
    while (d && readdir(d))
        count++;
    if (d)
        closedir(d);
    return count;
}

/* SPDX-License-Identifier: MIT */
/*
 * os_worker.c - weir_process_main(), and what a worker process does.
 *
 * It ends when its socket does. If its parent is killed while it computes, the kernel kills it: the
 * signal is that of the death of the thread that has started it, which lives as long as it does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"
#include "wire.h"

/* The parent's id, if this is a worker process; else 0. */
static long parent_of(void)
{
    const char *mark = secure_getenv(WIRE_VARIABLE);
    unsigned long long inode;
    struct stat s;
    int parent;
    if (!mark || sscanf(mark, "%d:%llu", &parent, &inode) != 2)
        return 0;
    bool ours = fstat(WIRE_SOCKET, &s) == 0 && S_ISSOCK(s.st_mode) && s.st_ino == inode;
    return ours ? parent : 0;
}

/* What it starts itself is no worker process, and does not have its socket. */
static void take_over(long parent)
{
    unsetenv(WIRE_VARIABLE);
    fcntl(WIRE_SOCKET, F_SETFD, FD_CLOEXEC);
    prctl(PR_SET_NAME, "weir-worker");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it has died before that */
        exit(EXIT_FAILURE);
}

static bool receive(void *to, size_t size)
{
    while (size > 0) {
        ssize_t n = recv(WIRE_SOCKET, to, size, 0);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        to = (char *)to + (n > 0 ? n : 0);
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool send_all(const void *from, size_t size)
{
    while (size > 0) {
        ssize_t n = send(WIRE_SOCKET, from, size, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return false;
        from = (const char *)from + (n > 0 ? n : 0);
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool skip(uint64_t size)
{
    char bytes[4096];
    for (; size > sizeof bytes; size -= sizeof bytes)
        if (!receive(bytes, sizeof bytes))
            return false;
    return receive(bytes, size);
}

static bool answer(const struct wire *request, int rc, const void *reply)
{
    if (rc > 0 && (uint64_t)rc > request->room)
        rc = WEIR_EMSGSIZE;
    struct wire w = {.magic = WIRE_REPLY,
                     .number = request->number,
                     .rc = rc,
                     .size = rc > 0 ? (uint64_t)rc : 0};
    return send_all(&w, sizeof w) && send_all(reply, w.size);
}

static bool run(const weir_process_entry *e, const struct wire *w, void *request, void *reply)
{
    if (!receive(request, w->size))
        return false;
    return answer(w, e->function(request, w->size, reply, w->room), reply);
}

static bool serve(const struct wire *w, const weir_process_entry *e)
{
    void *request = w->size > 0 && e ? malloc(w->size) : NULL;
    void *reply = w->room > 0 && e ? calloc(1, w->room) : NULL;
    bool memory = (request || w->size == 0) && (reply || w->room == 0), goes_on;
    if (e && memory)
        goes_on = run(e, w, request, reply);
    else
        goes_on = skip(w->size) && answer(w, e ? WEIR_ENOMEM : WEIR_EINVAL, NULL);
    free(request);
    free(reply);
    return goes_on;
}

/* Without an end but that of the socket. */
static void work(void)
{
    const struct wire ready = {.magic = WIRE_READY};
    struct wire w;
    char name[256];
    if (!send_all(&ready, sizeof ready))
        return;
    while (receive(&w, sizeof w) && w.magic == WIRE_REQUEST && w.name < sizeof name &&
           receive(name, w.name))
        if (!serve(&w, weir__process_entry_named(name, w.name)))
            return;
}

void weir_process_main(char **argv)
{
    long parent = parent_of();
    weir__process_allow(argv);
    if (parent == 0)
        return;
    take_over(parent);
    work();
    exit(EXIT_SUCCESS);
}

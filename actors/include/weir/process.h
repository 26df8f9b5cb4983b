/* SPDX-License-Identifier: MIT */
/*
 * weir/process.h - functions that run in processes of their own: one that crashes, hangs, leaks or
 * changes what is global harms its caller no more than an error does.
 *
 *     static int render(const void *request, size_t size, void *reply, size_t room)
 *     {
 *         const struct page *page = request;               bytes, not pointers
 *         ...
 *         return n;                                        bytes of the reply
 *     }
 *     WEIR_PROCESS(render)
 *
 *     int main(int argc, char **argv)
 *     {
 *         weir_process_main(argv);                         first
 *         ...
 *     }
 *
 *     rc = weir_process_call(render, &image, &page, .deadline = weir_after(WEIR_S));
 *
 * A worker process is this program, started once more, and taken over by weir_process_main(). It
 * runs one call at a time. Processes are started as they are wanted, up to the limit of the calls'
 * class (weir/blocking.h). One that has nothing to do is used again, the most recently used one
 * first; it ends after 300 s, and at the latest at the end of the run. None outlives its parent.
 * Row F137.
 */
#ifndef WEIR_PROCESS_H
#define WEIR_PROCESS_H

#include <weir/blocking.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A request has no more bytes than that, and a reply has no more room: 64 MiB. */
#define WEIR_PROCESS_MAX ((size_t)1 << 26)

/*
 * What is called, in a worker process. The request is a copy, and NULL if it is of no bytes; so is
 * `reply` if there is no room. Both are aligned for any type, the reply is all zero at first. The
 * number of bytes of the reply, at most `room`: its caller gets these, and no more is copied; or a
 * negative error, for the caller. More than `room` is WEIR_EMSGSIZE for him.
 *
 * It runs on the process's main and only thread, with its large stack; in no run, but it may have
 * one. Standard input, output and error are /dev/null, all other descriptors of the program are
 * closed, signals are as after exec, and its process group is its own: what a terminal sends to
 * the program does not reach it. What it leaves behind in memory, the next call finds.
 */
typedef int (*weir_process_function)(const void *request, size_t size, void *reply, size_t room);

/*
 * WEIR_PROCESS(f) - outside of functions: f may be called. Its name must be unique among those of
 *                   the program.
 */
#define WEIR_PROCESS(f)                                                                            \
    static weir_process_entry f##_entry = {#f, f, 0};                                              \
    __attribute__((constructor(1000))) static void f##_enter(void)                                 \
    {                                                                                              \
        (void)weir_process_register(&f##_entry);                                                   \
    }                                                                                              \
    struct weir_process_entry /* takes the semicolon */

typedef struct weir_process_entry {
    const char *name;
    weir_process_function function;
    struct weir_process_entry *next;
} weir_process_entry;

/*
 * weir_process_register - the same for an entry that the program has made: `next` is weir's. It and
 *                         the name must stay. Before weir_process_main(), as worker processes do.
 *                         0; WEIR_EPERM: afterwards; WEIR_EINVAL: without a function, or a name of
 *                         1 to 255 bytes that is not registered yet.
 * weir_process_main     - in a worker process: work, and never return. Else: from now on there may
 *                         be some. First in main(): what stands before it is done by each worker
 *                         process, too, with the same arguments. `argv` is main()'s, and stays.
 *
 * Never suspend; by the thread that runs main(), before it starts others. During a run
 * weir_process_main() does nothing. Without it no process is ever started.
 */
WEIR_API int weir_process_register(weir_process_entry *entry);
WEIR_API void weir_process_main(char **argv);

typedef struct weir_process_options {
    const void *request; /* what it points to are the bytes; NULL: of none */
    weir_blocking in;    /* the class; none: weir_process_default() */
    weir_time deadline;  /* 0 or WEIR_NEVER: none */
    int reserved;        /* 0 */
} weir_process_options;

/*
 * weir_process_call(function, reply, request, ...) - function(request, reply) in a worker process;
 *     what it returned: the bytes of the reply, or its error.
 *
 * reply    where to; as large as what it points to. (void *)NULL: none
 * request  and ...: fields of weir_process_options
 *
 * Suspends; by actors. If the caller is cancelled, or the deadline passes, the process is killed,
 * and when it is gone WEIR_ECANCELED or WEIR_ETIMEDOUT is returned; before the function has begun
 * it never runs. After an error *reply may have been written to. As long as the caller is in here
 * it takes one place in its class, and `request` is read: leave it alone.
 *
 * weir_process_call_sized - the same with sizes that are not those of types.
 *
 * WEIR_ECRASHED: the process has ended without an answer, by a signal or by exit(); or it has
 * answered nonsense, or did not come up within 20 s, and was killed. The log hook is told which
 * (WEIR_LOG_PROCESS). The next call gets a fresh process. WEIR_EMSGSIZE: the reply is larger than
 * `room`. WEIR_ENOMEM: no memory here or there, no thread or no process to be had; WEIR_EMFILE: no
 * descriptor; then it has not run. WEIR_EINVAL: a function that is not registered, or whose name is
 * another one's too; sizes above WEIR_PROCESS_MAX; a pointer without a size, or a size without a
 * pointer. WEIR_EPERM: outside of actors, in drop functions, weir_process_main() was not called,
 * and in programs that run with another's rights (setuid). WEIR_ECLOSED, WEIR_EBADF: the class;
 * WEIR_ENFILE: no handle for the default one.
 *
 * In a simulated run the function is run at once, in the program itself: what would make it crash
 * ends the program.
 */
#define weir_process_call(function, reply, ...)                                                    \
    weir_process_call_sized((function), (reply), WEIR_ARG_SIZE(reply),                             \
                            WEIR_ARG_SIZE(WEIR_FIRST(__VA_ARGS__, 0)),                             \
                            &(weir_process_options){__VA_ARGS__, .reserved = 0})
WEIR_API int weir_process_call_sized(weir_process_function function, void *reply, size_t room,
                                     size_t request_size, const weir_process_options *options);

/*
 * weir_process_default - the class of calls that name none: of the run, with as many places as
 *                        there are processors; weir_blocking_resize() changes that. WEIR_EPERM
 *                        outside of actors, and when it is closed; WEIR_ENOMEM, WEIR_ENFILE. Never
 *                        suspends.
 */
WEIR_API weir_blocking weir_process_default(void);

/*
 * weir_process_statistics_get(&out) - worker processes, of all classes. Never suspends; any actor
 * or thread. 0, WEIR_EINVAL (a null `out`).
 */
typedef struct weir_process_statistics {
    uint32_t processes, idle;          /* now */
    uint64_t started, crashed, killed; /* since the run began; killed: those of who was cancelled */
} weir_process_statistics;

WEIR_API int weir_process_statistics_get(weir_process_statistics *out);

#ifdef __cplusplus
}
#endif
#endif

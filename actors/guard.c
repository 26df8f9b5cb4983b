/* SPDX-License-Identifier: MIT */
/* guard.c - see guard.h. */
#define _GNU_SOURCE
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#if !defined(MADV_GUARD_INSTALL)
#define MADV_GUARD_INSTALL 102
#endif

/*
 * Compilers probe large frames at every 4 KiB on x86-64, and at every 64 KiB on aarch64,
 * where a smaller guard could be jumped over; a small stack there gets what it can.
 */
#if defined(__aarch64__)
enum { GUARD_FULL = 64 * 1024 };
#else
enum { GUARD_FULL = 4 * 1024 };
#endif

static size_t guard_size(size_t stack_size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), guard = GUARD_FULL;
    if (guard > stack_size / 2)
        guard = stack_size / 4;
    return guard < page ? page : guard;
}

/*
 * An mprotect()ed guard splits the mapping: two more of them each. When the process has
 * no mapping left, it cannot even grow its heap, so an eighth of them is left to it.
 */
static size_t protections_affordable(void)
{
    unsigned long most = 65530;
    char text[32];
    int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = read(fd, text, sizeof text - 1);
        if (n > 0) {
            text[n] = 0;
            most = strtoul(text, NULL, 10);
        }
        close(fd);
    }
    return most / 16 * 7;
}

void weir__guards_init(struct guards *g, size_t stack_size, weir_guard wanted, bool strict)
{
    int e = errno;
    *g = (struct guards){.size = guard_size(stack_size),
                         .rung = wanted,
                         .strict = strict,
                         .protections = protections_affordable()};
#if defined(WEIR_ASAN)
    /* LeakSanitizer reads what is mapped as readable, and would fault on such a guard. */
    if (wanted == WEIR_GUARD_BEST)
        g->rung = WEIR_GUARD_PROTECT;
#endif
    errno = e;
}

/*
 * Emulators accept any advice and ignore it. So the first guard is proven, by a system
 * call that has to read there, and would read: sleep no time.
 */
bool weir__guard_install(struct guards *g, char *slot)
{
    if (madvise(slot, g->size, MADV_GUARD_INSTALL) < 0)
        return false;
    if (!g->proven)
        g->proven = nanosleep((struct timespec *)(void *)slot, NULL) < 0 && errno == EFAULT;
    return g->proven;
}

bool weir__guard_make(struct guards *g, char *slot)
{
    if (g->rung == WEIR_GUARD_BEST) {
        if (weir__guard_install(g, slot))
            return true;
        g->rung = WEIR_GUARD_PROTECT;
        a32_store(&g->fell, WEIR_GUARD_PROTECT);
    }
    if (g->rung == WEIR_GUARD_PROTECT) {
        if (g->protections > 0 && mprotect(slot, g->size, PROT_NONE) == 0) {
            g->protections--;
            return true;
        }
        if (!g->strict) {
            g->rung = WEIR_GUARD_CANARY;
            a32_store(&g->fell, WEIR_GUARD_CANARY);
        }
    }
    return false;
}

void weir__guards_report(struct guards *g)
{
    uint32_t rung = a32_load(&g->fell) ? a32_xchg(&g->fell, 0) : 0;
    if (rung == WEIR_GUARD_CANARY)
        weir__log(WEIR_LOG_GUARD, NULL, NULL, 0,
                  "new stacks have a canary instead of a guard page: no more mappings "
                  "(vm.max_map_count)");
    else if (rung == WEIR_GUARD_PROTECT)
        weir__log(WEIR_LOG_GUARD, NULL, NULL, 0,
                  "the kernel has no MADV_GUARD_INSTALL: guard pages by mprotect()");
}

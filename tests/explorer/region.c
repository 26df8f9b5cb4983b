/* SPDX-License-Identifier: MIT */
/*
 * region.c - the memory of an execution.
 *
 * Heap: carved off upwards and never given out twice, so that whoever touches released
 * memory is noticed: atomic operations by a shadow byte per 16 bytes, plain ones by
 * AddressSanitizer or by the filling. Reservations follow behind it; all is mapped anew
 * for the next execution. The static variables of the program are copied before the
 * first execution of a model and put back before each.
 */
#define _GNU_SOURCE
#include "engine.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(WEIR_ASAN)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, bytes) ((void)(memory), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(memory, bytes) ((void)(memory), (void)(bytes))
#endif

#define HEAP ((size_t)32 << 20)
#define REGION ((size_t)1 << 30)
#define LARGEST_RESERVATION ((size_t)64 << 20)
enum { GRAIN = 16, GAP = 32, PAGE = 4096, MARKS = 8192, SEGMENTS = 4 };

struct range {
    char *from;
    size_t bytes;
};

/* In one mapping, apart from the static variables. */
static struct region {
    char *base;
    uint8_t *shadow;
    size_t heap_used, reserved;
    struct range marks[MARKS];
    unsigned n_marks;
    struct range segments[SEGMENTS];
    char *copies[SEGMENTS];
    unsigned n_segments;
    bool copied;
} * R;

static void *map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("explorer: memory");
        exit(EXIT_FAILURE);
    }
    return memory;
}

/* ---- static variables ------------------------------------------------------------------------ */

static bool is_inside(uintptr_t address, uintptr_t from, size_t bytes)
{
    return address - from < bytes;
}

static void add_segment(uintptr_t from, uintptr_t to)
{
    if (from >= to || R->n_segments == SEGMENTS)
        return;
    unsigned i = R->n_segments++;
    R->segments[i] = (struct range){(char *)from, to - from}; /* NOLINT: an address is meant */
    R->copies[i] = map(to - from);
}

/* The writable segments of the module that holds the explorer, but for what RELRO protects. */
static int find_segments(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    bool mine = false;
    uintptr_t relro = 0, relro_end = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_LOAD && is_inside((uintptr_t)&E, from, p->p_memsz))
            mine = true;
        if (p->p_type == PT_GNU_RELRO) {
            relro = from;
            relro_end = (from + p->p_memsz) & ~(uintptr_t)(PAGE - 1);
        }
    }
    for (int i = 0; mine && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + p->p_vaddr, to = from + p->p_memsz;
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_W))
            continue;
        if (relro >= from && relro < to) {
            add_segment(from, relro);
            from = relro_end;
        }
        add_segment(from, to);
    }
    return mine;
}

/* Not memcpy(): AddressSanitizer watches it and keeps red zones between variables. */
__attribute__((no_sanitize_address)) static void copy(char *to, const char *from, size_t bytes)
{
#if defined(__x86_64__)
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
#else
    for (size_t i = 0; i < bytes; i++)
        ((volatile char *)to)[i] = from[i];
#endif
}

void region_snapshot(void)
{
    for (unsigned i = 0; i < R->n_segments; i++)
        copy(R->copies[i], R->segments[i].from, R->segments[i].bytes);
    R->copied = true;
}

void region_restore(void)
{
    for (unsigned i = 0; i < R->n_segments; i++)
        copy(R->segments[i].from, R->copies[i], R->segments[i].bytes);
}

/* ---- heap ------------------------------------------------------------------------------------ */

void region_init(void)
{
    R = map(sizeof *R);
    R->base = map(REGION);
    R->shadow = map(REGION / GRAIN);
    ASAN_POISON_MEMORY_REGION(R->base, HEAP);
    dl_iterate_phdr(find_segments, NULL);
}

static void mark(char *from, size_t bytes, int dead)
{
    size_t first = (size_t)(from - R->base + GRAIN - 1) / GRAIN;
    size_t end = (size_t)(from - R->base + (ptrdiff_t)bytes) / GRAIN;
    if (end > first)
        memset(R->shadow + first, dead, end - first);
}

void explore_dead(void *memory, size_t bytes)
{
    if (!is_inside((uintptr_t)memory, (uintptr_t)R->base, REGION))
        return;
    if (R->n_marks == MARKS)
        explore_fail(NULL, "explorer: too many releases");
    R->marks[R->n_marks++] = (struct range){memory, bytes};
    mark(memory, bytes, 1);
    buffer_forget(memory, bytes);
}

void explore_alive(void *memory, size_t bytes)
{
    if (is_inside((uintptr_t)memory, (uintptr_t)R->base, REGION))
        mark(memory, bytes, 0);
}

bool region_is_dead(const void *memory)
{
    size_t at = (size_t)((const char *)memory - R->base);
    return at < REGION && R->shadow[at / GRAIN];
}

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) & ~(to - 1);
}

/* In the gap before it: it is to be released with the size that was asked for. */
__attribute__((no_sanitize_address)) static void note_size(void *memory, size_t bytes)
{
    ((size_t *)memory)[-1] = bytes;
}

__attribute__((no_sanitize_address)) static size_t noted_size(const void *memory)
{
    return ((const size_t *)memory)[-1];
}

void *region_alloc(size_t bytes, size_t align)
{
    size_t at = round_up(R->heap_used + GAP, align < GRAIN ? GRAIN : align);
    if (bytes > HEAP || at + bytes > HEAP)
        explore_fail(NULL, "explorer: the heap is used up");
    R->heap_used = round_up(at + bytes, GRAIN);
    ASAN_UNPOISON_MEMORY_REGION(R->base + at, bytes);
    note_size(R->base + at, bytes);
    return R->base + at;
}

void region_free(void *memory, size_t bytes)
{
    if (region_is_dead(memory))
        explore_fail(NULL, "%p is released twice", memory);
    if (noted_size(memory) != bytes)
        explore_fail(NULL, "%p has %zu bytes and is released as %zu", memory, noted_size(memory),
                     bytes);
    explore_dead(memory, round_up(bytes ? bytes : 1, GRAIN));
    memset(memory, 0xdd, bytes < 256 ? bytes : 256);
    ASAN_POISON_MEMORY_REGION(memory, bytes);
}

void *region_reserve(size_t bytes)
{
    bytes = round_up(bytes, 2 * (size_t)1 << 20); /* as the kernel aligns what is large */
    if (bytes > LARGEST_RESERVATION || bytes > REGION - HEAP - R->reserved)
        return NULL;
    void *memory = R->base + HEAP + R->reserved;
    R->reserved += bytes;
    return memory;
}

void region_reset(void)
{
    for (unsigned i = 0; i < R->n_marks; i++)
        mark(R->marks[i].from, R->marks[i].bytes, 0);
    R->n_marks = 0;
    ASAN_POISON_MEMORY_REGION(R->base, R->heap_used);
    R->heap_used = 0;
    if (R->reserved == 0)
        return;
    char *from = R->base + HEAP;
    if (E->failed || E->asleep) /* stacks were left as they were */
        ASAN_UNPOISON_MEMORY_REGION(from, R->reserved);
    if (mmap(from, R->reserved, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != from) {
        perror("explorer: memory");
        exit(EXIT_FAILURE);
    }
    R->reserved = 0;
}

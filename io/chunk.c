/* SPDX-License-Identifier: MIT */
/* chunk.c - bytes that are counted, and shared. */
#include <weir/chunk.h>

#include <string.h>

#include "atomic.h"
#include "compiler.h"
#include "os.h"

struct weir_chunk_memory {
    a32 shared; /* by so many chunks besides the first */
    uint32_t size;
    char bytes[];
};

/* A slice of less than this is a copy, if what it was cut from is at least twice as large. */
enum { SMALL = 1024 };

static a64 allocated, limit = {(uint64_t)1 << 30};

static size_t bytes_of(size_t size)
{
    return sizeof(struct weir_chunk_memory) + size;
}

static bool account(size_t bytes)
{
    if (a64_add(&allocated, bytes) + bytes <= a64_load(&limit))
        return true;
    a64_add(&allocated, 0 - (uint64_t)bytes);
    return false;
}

static int allocate(struct weir_chunk_memory **out, size_t size)
{
    if (!account(bytes_of(size)))
        return WEIR_ENOBUFS;
    struct weir_chunk_memory *m = os_alloc(bytes_of(size));
    if (!m) {
        a64_add(&allocated, 0 - (uint64_t)bytes_of(size));
        return WEIR_ENOMEM;
    }
    a32_store(&m->shared, 0);
    m->size = (uint32_t)size;
    *out = m;
    return 0;
}

int weir_chunk_new(weir_chunk *out, size_t size, void **data)
{
    if (!out)
        return WEIR_EINVAL;
    *out = (weir_chunk){NULL, 0, 0};
    if (size > WEIR_CHUNK_MAX || !data)
        return WEIR_EINVAL;
    *data = NULL;
    int rc = size > 0 ? allocate(&out->memory, size) : 0;
    if (out->memory) {
        out->size = (uint32_t)size;
        *data = out->memory->bytes;
    }
    return rc;
}

int weir_chunk_copy(weir_chunk *out, const void *from, size_t size)
{
    void *data;
    int rc = weir_chunk_new(out, from || size == 0 ? size : SIZE_MAX, &data);
    if (rc == 0 && size > 0)
        memcpy(data, from, size);
    return rc;
}

weir_chunk weir_chunk_share(weir_chunk c)
{
    if (c.memory)
        a32_add(&c.memory->shared, 1);
    return c;
}

int weir_chunk_slice(weir_chunk *out, weir_chunk c, size_t at, size_t size)
{
    if (!out)
        return WEIR_EINVAL;
    *out = (weir_chunk){NULL, 0, 0};
    if (at > c.size || size > c.size - at)
        return WEIR_EINVAL;
    if (size == 0)
        return 0;
    if (size < SMALL && c.memory->size >= 2 * size)
        return weir_chunk_copy(out, (const char *)weir_chunk_data(c) + at, size);
    *out = weir_chunk_share(c);
    out->offset += (uint32_t)at;
    out->size = (uint32_t)size;
    return 0;
}

const void *weir_chunk_data(weir_chunk c)
{
    return c.memory ? c.memory->bytes + c.offset : NULL;
}

void weir_chunk_free(weir_chunk *c)
{
    struct weir_chunk_memory *m = c->memory;
    *c = (weir_chunk){NULL, 0, 0};
    if (!m)
        return;
    /* Whoever reads that he has it alone is ordered after those who have left it. */
    if (a32_load_acquire(&m->shared) > 0 && a32_add(&m->shared, (uint32_t)-1) > 0)
        return;
    a_after_rmw();
    size_t bytes = bytes_of(m->size);
    os_free(m, bytes);
    a64_add(&allocated, 0 - (uint64_t)bytes);
}

size_t weir_chunk_bytes(void)
{
    return a64_load(&allocated);
}

size_t weir_chunk_limit(size_t bytes)
{
    return a64_xchg(&limit, bytes);
}

static void drop(void *item, void *unused)
{
    (void)unused;
    weir_chunk_free(item);
}

int weir_chunk_channel(weir_chunk_sender *tx, weir_chunk_receiver *rx, size_t capacity)
{
    const weir_channel_options options = {.drop = drop};
    WEIR_TYPE_OPEN(weir_channel_open, sizeof(weir_chunk), capacity, &options);
}

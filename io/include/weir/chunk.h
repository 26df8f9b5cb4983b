/* SPDX-License-Identifier: MIT */
/*
 * weir/chunk.h - bytes as an item: a value of 16 bytes that refers to memory which is counted.
 *
 *     weir_chunk c;
 *     rc = weir_chunk_copy(&c, "hello", 5);
 *     if (rc == 0 && weir_chunk_send(tx, c) < 0)
 *         weir_chunk_free(&c);
 *
 * The bytes do not change any more as soon as another one may see them: they are shared, not
 * copied, by whoever has a chunk of them. Each chunk is owned: it is freed, sent (then who receives
 * it owns it), or kept. A copy of the struct is not another chunk: weir_chunk_share() makes one.
 *
 * { 0 } is the empty chunk, of no memory.
 */
#ifndef WEIR_CHUNK_H
#define WEIR_CHUNK_H

#include <weir/type.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_chunk_memory;

typedef struct weir_chunk {
    struct weir_chunk_memory *memory; /* not yours */
    uint32_t offset;                  /* not yours */
    uint32_t size;                    /* bytes; yours to read */
} weir_chunk;

#define WEIR_CHUNK_MAX ((size_t)1 << 30) /* bytes of the largest */

/*
 * weir_chunk_new  - one of `size` bytes at *data, to be written until it is sent or shared.
 * weir_chunk_copy - one with a copy of these bytes.
 *
 * Never suspend; any thread. 0; WEIR_ENOBUFS: weir_chunk_limit() is reached; WEIR_ENOMEM;
 * WEIR_EINVAL: more than WEIR_CHUNK_MAX, or a null pointer. On an error *out is the empty chunk. So
 * it is for size 0.
 */
WEIR_API int weir_chunk_new(weir_chunk *out, size_t size, void **data);
WEIR_API int weir_chunk_copy(weir_chunk *out, const void *from, size_t size);

/*
 * weir_chunk_share - another chunk of the same bytes.
 * weir_chunk_slice - another chunk of `size` of them, from `at` on. A small one, which would keep
 *                    much more memory than it shows, is a copy.
 *
 * Never suspend; any thread. share cannot fail; slice: 0, or as weir_chunk_copy(); WEIR_EINVAL also
 * for what is not within.
 */
WEIR_API weir_chunk weir_chunk_share(weir_chunk c);
WEIR_API int weir_chunk_slice(weir_chunk *out, weir_chunk c, size_t at, size_t size);

/* The bytes, c.size of them, as long as somebody has this chunk; NULL of the empty one. */
WEIR_API const void *weir_chunk_data(weir_chunk c);

/* It is the empty chunk from then on; who has the last one of some bytes frees them. */
WEIR_API void weir_chunk_free(weir_chunk *c);

/* weir_auto(weir_chunk): see weir/scope.h. */
static inline WEIR_UNUSED void weir_chunk_cleanup(weir_chunk *c)
{
    weir_chunk_free(c);
}

/*
 * weir_chunk_bytes - the memory of all chunks of the process, as allocated: a chunk of one byte
 *                    keeps as much as it was cut from.
 * weir_chunk_limit - so much it may become; the limit before. At first 1 GiB.
 *
 * Never suspend; any thread.
 */
WEIR_API size_t weir_chunk_bytes(void);
WEIR_API size_t weir_chunk_limit(size_t bytes);

/* ---- channels of chunks -------------------------------------------------------------------- */

/*
 * weir_chunk_sender, weir_chunk_receiver, weir_chunk_send(), ...: as of WEIR_TYPE (weir/type.h),
 * but for the kinds whose items several receive: each would own the same.
 */
WEIR_TYPE_ENDS(weir_chunk, weir_chunk)

/* As weir_channel_open(); chunks that nobody can receive any more are freed. */
WEIR_API int weir_chunk_channel(weir_chunk_sender *tx, weir_chunk_receiver *rx, size_t capacity);

#ifdef __cplusplus
}
#endif
#endif

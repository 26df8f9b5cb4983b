/* SPDX-License-Identifier: MIT */
/* aggregate.c - has the sum of all that was counted, and answers questions about it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wordserver.h"

enum { COUNT_MAX = 21 }; /* bytes of a count and what follows it */

/* Every counter hands over what it has counted since the last time. */
static int collect_all(const struct aggregate *a, struct table *sum)
{
    struct table *words;
    int rc = collect_send(a->collect, 1);
    for (unsigned i = 0; rc >= 0 && i < a->counters; i++) {
        if ((rc = table_recv(a->tables, &words)) <= 0)
            return rc < 0 ? rc : WEIR_EPIPE;
        if (words && !table_merge(sum, words))
            rc = WEIR_ENOMEM;
        table_free(words);
    }
    return rc < 0 ? rc : 0;
}

static int say_words(const struct entry **first, size_t n, weir_chunk *out)
{
    size_t size = 3 + COUNT_MAX;
    void *data;
    for (size_t i = 0; i < n; i++)
        size += COUNT_MAX + first[i]->length + 1;
    weir_chunk text;
    int rc = weir_chunk_new(&text, size, &data);
    if (rc < 0)
        return rc;
    char *end = data;
    end += sprintf(end, "OK %zu\n", n);
    for (size_t i = 0; i < n; i++) {
        end += sprintf(end, "%" PRIu64 " ", first[i]->count);
        end = memcpy(end, entry_word(first[i]), first[i]->length);
        end += first[i]->length;
        *end++ = '\n';
    }
    rc = weir_chunk_slice(out, text, 0, (size_t)(end - (char *)data));
    weir_chunk_free(&text);
    return rc;
}

static int say_top(const struct table *sum, size_t top, weir_chunk *out)
{
    size_t n;
    const struct entry **first = table_top(sum, top, &n);
    int rc = first ? say_words(first, n, out) : WEIR_ENOMEM;
    free(first);
    return rc;
}

/* An answer too large for the memory is the asker's failure; one that is not wanted, nobody's. */
static int answer(const struct aggregate *a, struct table *sum, const struct question *q)
{
    int rc = collect_all(a, sum);
    if (rc < 0)
        return rc;
    struct reply reply = {.words = sum->total, .different = sum->used};
    if (q->top > 0 && say_top(sum, q->top, &reply.top) < 0)
        weir_close(q->answer);
    else if (weir_answer_send(q->answer, &reply) < 0)
        weir_chunk_free(&reply.top);
    return 0;
}

int aggregate(void *aggregate)
{
    const struct aggregate *a = aggregate;
    struct table *sum = table_new();
    struct question q;
    int rc = sum ? 1 : WEIR_ENOMEM;
    while (rc > 0 && (rc = weir_request_recv(a->questions, &q)) > 0)
        if ((rc = answer(a, sum, &q)) == 0)
            rc = 1;
    table_free(sum);
    return rc;
}

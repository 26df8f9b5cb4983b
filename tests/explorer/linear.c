/* SPDX-License-Identifier: MIT */
/* linear.c - see linear.h. */
#include "linear.h"

#include <stdlib.h>
#include <string.h>

unsigned linear_invoke(linear_history *h, unsigned thread, int kind, uint64_t arg)
{
    if (h->n == LINEAR_OPS)
        abort();
    unsigned i = h->n++;
    h->ops[i] = (linear_op){
        .thread = thread, .kind = kind, .arg = arg, .invoked = ++h->stamp, .after = LINEAR_NO_OP};
    return i;
}

void linear_return(linear_history *h, unsigned op, int result, uint64_t value)
{
    h->ops[op].result = result;
    h->ops[op].value = value;
    h->ops[op].returned = ++h->stamp;
}

/* ---- the memo: hashes of (done, state) that lead nowhere ------------------------------------- */

struct search {
    const linear_spec *spec;
    const linear_history *h;
    uint64_t completed; /* operations that returned */
    uint64_t *memo;
    size_t size, n;
};

static uint64_t hash(uint64_t done, const void *state, size_t size)
{
    uint64_t v = done * UINT64_C(0x9e3779b97f4a7c15);
    const unsigned char *bytes = state;
    for (size_t i = 0; i < size; i++) {
        v = (v ^ bytes[i]) * UINT64_C(0x100000001b3);
        v ^= v >> 31;
    }
    return v | 1;
}

static bool put(uint64_t *memo, size_t size, uint64_t v)
{
    size_t i = (v >> 1) & (size - 1);
    for (; memo[i]; i = (i + 1) & (size - 1))
        if (memo[i] == v)
            return false;
    memo[i] = v;
    return true;
}

/* True when it was not there yet. */
static bool memo_add(struct search *s, uint64_t v)
{
    if (2 * s->n >= s->size) {
        size_t size = s->size ? 4 * s->size : 256;
        uint64_t *memo = calloc(size, sizeof *memo);
        if (!memo)
            abort();
        for (size_t i = 0; i < s->size; i++)
            if (s->memo[i])
                put(memo, size, s->memo[i]);
        free(s->memo);
        s->memo = memo;
        s->size = size;
    }
    bool new = put(s->memo, s->size, v);
    s->n += new;
    return new;
}

/* ---- the search ------------------------------------------------------------------------------ */

static uint64_t bit(unsigned i)
{
    return UINT64_C(1) << i;
}

/*
 * The operations that may be next: nothing that is not done returned before they began.
 * At the end of all, what did not return still waits and has not happened.
 */
static uint64_t candidates(const struct search *s, uint64_t done)
{
    const linear_history *h = s->h;
    uint64_t first_return = UINT64_MAX, found = 0;
    for (unsigned i = 0; i < h->n; i++)
        if (!(done & bit(i)) && h->ops[i].returned && h->ops[i].returned < first_return)
            first_return = h->ops[i].returned;
    for (unsigned i = 0; i < h->n; i++)
        if (!(done & bit(i)) && h->ops[i].invoked < first_return &&
            (h->ops[i].returned || !s->spec->final) &&
            (h->ops[i].after == LINEAR_NO_OP || done & bit((unsigned)h->ops[i].after)))
            found |= bit(i);
    return found;
}

static bool search(struct search *s, uint64_t done, const void *state);

static bool try_step(struct search *s, uint64_t done, const void *state, unsigned i, unsigned k)
{
    _Alignas(16) char next[LINEAR_STATE];
    memcpy(next, state, s->spec->state_size);
    return s->spec->step(next, &s->h->ops[i], k == i ? NULL : &s->h->ops[k]) &&
           search(s, done | bit(i) | bit(k), next);
}

static bool search(struct search *s, uint64_t done, const void *state)
{
    const linear_spec *spec = s->spec;
    if ((done & s->completed) == s->completed && (!spec->final || spec->final(state, s->h, done)))
        return true;
    if (!memo_add(s, hash(done, state, spec->state_size)))
        return false;
    uint64_t next = candidates(s, done);
    for (unsigned i = 0; i < s->h->n; i++) {
        if (!(next & bit(i)))
            continue;
        if (try_step(s, done, state, i, i))
            return true;
        for (unsigned k = 0; spec->partners && k < s->h->n; k++)
            if (next & bit(k) && k != i && spec->partners(&s->h->ops[i], &s->h->ops[k]) &&
                try_step(s, done, state, i, k))
                return true;
    }
    return false;
}

bool linear_check(const linear_spec *spec, const void *initial, const linear_history *h)
{
    struct search s = {.spec = spec, .h = h};
    for (unsigned i = 0; i < h->n; i++)
        if (h->ops[i].returned)
            s.completed |= bit(i);
    bool found = search(&s, 0, initial);
    free(s.memo);
    return found;
}

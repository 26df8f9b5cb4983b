/* SPDX-License-Identifier: MIT */
#include "load.h"

/* Prime, so that no power of two of bytes too many or too few comes out even. */
enum { PERIOD = 65521 };

static char pattern[PERIOD + PATTERN_CHUNK];

void pattern_make(void)
{
    uint64_t state = 88172645463325252U;

    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = i < PERIOD ? (char)(bench_random(&state) >> 32) : pattern[i - PERIOD];
}

uint64_t pattern_begin(int connection)
{
    return (uint64_t)connection * 4099;
}

const char *pattern_at(uint64_t position)
{
    return pattern + position % PERIOD;
}

void pattern_check(const char *bytes, size_t size, uint64_t position)
{
    const char *expected = pattern_at(position);

    if (!memcmp(bytes, expected, size))
        return;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != expected[i])
            load_fail("byte %llu of a connection came back as %02x, not as %02x",
                      (unsigned long long)(position + i), bytes[i] & 0xff, expected[i] & 0xff);
}

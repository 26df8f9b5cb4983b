/* SPDX-License-Identifier: MIT */
/* utf8.h - what is UTF-8 (RFC 3629, table 3-7 of the Unicode Standard). */
#ifndef WEIR_IO_UTF8_H
#define WEIR_IO_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { UTF8_MAX = 4 };

/*
 * The first character of n bytes, 1 or more: its size; 0: the bytes are its beginning, and it goes
 * on behind them; or -k: it is none, and the first k bytes are to be taken for one wrong character.
 */
static inline int utf8_char(const char *text, size_t n)
{
    const uint8_t *p = (const uint8_t *)text;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return -1;
    int size = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    uint8_t low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    for (int i = 1; i < size; i++) {
        if ((size_t)i == n)
            return 0;
        if (p[i] < low || p[i] > high)
            return -i;
        low = 0x80;
        high = 0xbf;
    }
    return size;
}

/* How many of n bytes, from the first on, are whole characters. */
static inline size_t utf8_span(const char *text, size_t n)
{
    size_t i = 0;
    while (i < n) {
        uint64_t eight;
        if (n - i >= sizeof eight) {
            memcpy(&eight, text + i, sizeof eight);
            if (!(eight & 0x8080808080808080)) {
                i += sizeof eight;
                continue;
            }
        }
        int size = utf8_char(text + i, n - i);
        if (size <= 0)
            break;
        i += (size_t)size;
    }
    return i;
}

#endif

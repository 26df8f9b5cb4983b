/* SPDX-License-Identifier: MIT */
#include "protocol.h"

#include <string.h>

static int is(const char *command, const char *line, size_t length)
{
    return length == strlen(command) && memcmp(line, command, length) == 0;
}

/* More digits than a number has are as many as there are. */
static int parse_count(const char *digits, size_t length, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < length; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return 0;
        size_t digit = (size_t)(digits[i] - '0');
        *n = *n > ((size_t)-1 - digit) / 10 ? (size_t)-1 : *n * 10 + digit;
    }
    return length > 0;
}

enum command command_of(const char *line, size_t length, size_t *n)
{
    if (length == 0 || (*line != 'T' && *line != 'S' && *line != 'Q'))
        return TEXT;
    if (line[length - 1] == '\r')
        length--;
    if (length > 4 && memcmp(line, "TOP ", 4) == 0 && parse_count(line + 4, length - 4, n))
        return TOP;
    if (is("TOTAL", line, length))
        return TOTAL;
    if (is("SYNC", line, length))
        return SYNC;
    return is("QUIT", line, length) ? QUIT : TEXT;
}

/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* strerrorname_np */
#include <limits.h>
#include <string.h>

#include <weir/error.h>

static const struct {
    int value;
    const char *name;
    const char *text;
} table[] = {
#define ROW(name, value, text) {value, #name, text},
    WEIR_ERRORS(ROW)
#undef ROW
};

/* Bodies return -errno too. Unlike strerror()'s these strings are static. */
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 32)
#define ERRNO_NAME(code) ((code) > INT_MIN ? strerrorname_np(-(code)) : NULL)
#define ERRNO_TEXT(code) ((code) > INT_MIN ? strerrordesc_np(-(code)) : NULL)
#else
#define ERRNO_NAME(code) ((void)(code), NULL)
#define ERRNO_TEXT(code) ((void)(code), NULL)
#endif

const char *weir_error_name(int code)
{
    if (code >= 0)
        return "OK";
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].value == code)
            return table[i].name;
    const char *name = ERRNO_NAME(code);
    return name ? name : "EUNKNOWN";
}

const char *weir_error_text(int code)
{
    if (code >= 0)
        return "success";
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].value == code)
            return table[i].text;
    const char *text = ERRNO_TEXT(code);
    return text ? text : "an error code that weir does not know";
}

/* SPDX-License-Identifier: MIT */
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

const char *weir_error_name(int code)
{
    if (code >= 0)
        return "OK";
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].value == code)
            return table[i].name;
    return "EUNKNOWN";
}

const char *weir_error_text(int code)
{
    if (code >= 0)
        return "success";
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].value == code)
            return table[i].text;
    return "an error code that weir does not know";
}

/* SPDX-License-Identifier: MIT */
/* use.c - what only C can use of the headers, each macro in each form, in plain C11. */
#include <weir/weir.h>

struct ends {
    weir_sender a, b, c, d, e, f, g, h;
};

static int body(void *arg)
{
    return arg ? 0 : WEIR_EINVAL;
}

static int first(void *arg)
{
    struct ends ends = {.a = *(weir_sender *)arg};
    const struct ends *view = &ends;
    weir_group group = weir_group_begin();
    int rc = weir_spawn(group, body, NULL) + weir_spawn(group, body, (void *)&ends) +
             weir_spawn(group, body, &ends) + weir_spawn(WEIR_RUN, body, view, .name = "view");
    rc += weir_spawn(group, body, &ends, .own = WEIR_OWN(struct ends, a));
    rc += weir_spawn(group, body, &ends, .own = WEIR_OWN(struct ends, a, b));
    rc += weir_spawn(group, body, &ends, .own = WEIR_OWN(struct ends, a, b, c));
    rc += weir_spawn(group, body, &ends, .own = WEIR_OWN(struct ends, a, b, c, d));
    rc += weir_spawn(group, body, &ends, .give = WEIR_GIVE(struct ends, a, b, c, d, e));
    rc += weir_spawn(group, body, &ends, .give = WEIR_GIVE(struct ends, a, b, c, d, e, f));
    rc += weir_spawn(group, body, &ends, .give = WEIR_GIVE(struct ends, a, b, c, d, e, f, g));
    rc += weir_spawn(group, body, &ends, .name = "all",
                     .own = WEIR_OWN(struct ends, a, b, c, d, e, f, g, h));
    return rc + weir_group_end(group);
}

int main(void)
{
    weir_sender tx;
    weir_receiver rx;
    int rc = weir_channel_open(&tx, &rx, sizeof(int), 0, NULL);
    return rc < 0 ? rc : weir_run(first, &tx, &(weir_options){.guard = WEIR_GUARD_PROTECT});
}

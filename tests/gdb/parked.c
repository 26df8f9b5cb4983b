/* SPDX-License-Identifier: MIT */
/* parked.c - a program to be looked at: its actors are parked in known places. */
#include <stdio.h>
#include <sys/resource.h>

#include <weir/weir.h>

struct ends {
    weir_sender tx;
    weir_receiver rx;
};

static int wait_deep(const struct ends *e, int depth)
{
    int item = 0;
    if (depth > 0)
        return wait_deep(e, depth - 1) + 1;
    return weir_recv(e->rx, &item) > 0 ? item : -1000;
}

static int receiver(void *arg)
{
    int sum = wait_deep(arg, 3);
    printf("received %d\n", sum);
    return 0;
}

static int sender(void *arg)
{
    struct ends *e = arg;
    int item = 39;
    weir_send(e->tx, &item);
    return 0;
}

static int waits_by(void *arg)
{
    struct ends *e = arg;
    int item;
    return weir_recv_by(e->rx, &item, weir_after(3600 * WEIR_S)) > 0 ? 0 : -1;
}

static int parent(void *arg)
{
    weir_group g = weir_group_begin();
    weir_spawn(g, waits_by, (struct ends *)arg, .name = "child");
    return weir_group_end(g);
}

/* The debugger stops here. */
static void everybody_is_parked(void)
{
    fflush(stdout);
}

static int first(void *arg)
{
    struct ends a, b, c;
    int item = 0;
    (void)arg;
    weir_channel_open(&a.tx, &a.rx, sizeof(int), 0, NULL);
    weir_channel_open(&b.tx, &b.rx, sizeof(int), 0, NULL);
    weir_channel_open(&c.tx, &c.rx, sizeof(int), 1, NULL);
    weir_spawn(WEIR_RUN, receiver, &a, .name = "receiver");
    weir_spawn(WEIR_RUN, sender, &b, .name = "sender");
    weir_spawn(WEIR_RUN, parent, &c, .name = "parent");
    for (int i = 0; i < 3; i++)
        weir_yield();
    weir_spawn(WEIR_RUN, sender, &a, .name = "newborn");
    everybody_is_parked();
    weir_recv(b.rx, &item);
    weir_send(c.tx, &item);
    for (int i = 0; i < 4; i++)
        weir_yield();
    return 0;
}

/*
 * Small tables: older gdbs write all that is mapped into a core file. And guards through
 * which gdb can read: it leaves out a mapping with a page that it cannot.
 */
int main(void)
{
    const weir_options options = {.guard = WEIR_GUARD_PROTECT, .workers = 1};
    const struct rlimit little = {256 << 20, 256 << 20};
    if (setrlimit(RLIMIT_AS, &little) != 0)
        return 2;
    return weir_run(first, NULL, &options) == 0 ? 0 : 1;
}

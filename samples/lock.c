/* SPDX-License-Identifier: MIT */
/* lock.c - a lock that is held across a wait, which a mutex must not be in an actor. */
#include <stdio.h>

#include <weir/weir.h>

struct account {
    weir_lock lock;
    long *balance; /* under the lock */
};

static int deposit(void *arg)
{
    const struct account *a = arg;
    weir_auto(weir_held) held = weir_lock_hold(a->lock);
    if (held.rc < 0)
        return held.rc;
    long before = *a->balance;
    int rc = weir_sleep(WEIR_MS); /* the others wait for the lock meanwhile */
    if (rc == 0)
        *a->balance = before + 100;
    return rc; /* and whatever happens it is released */
}

static int app(void *unused)
{
    long balance = 0;
    int rc = 0;
    (void)unused;
    weir_auto(weir_lock) lock = weir_lock_open();
    weir_auto(weir_group) g = weir_group_begin();
    struct account account = {lock, &balance};
    for (int i = 0; i < 4 && rc == 0; i++)
        rc = weir_spawn(g, deposit, &account);
    if (rc < 0 || (rc = weir_group_end(g)) < 0)
        return rc;
    printf("the balance is %ld\n", balance);
    return 0;
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}

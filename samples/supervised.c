/* SPDX-License-Identifier: MIT */
/*
 * supervised.c - a counter with a mailbox, which crashes and is started again: who calls it goes
 * on with the same mailbox, and finds the new one there.
 */
#include <stdio.h>

#include <weir/weir.h>

struct msg {
    weir_answer answer;
    int add; /* 0 is more than it can bear */
};
WEIR_TYPE(msg, struct msg)

struct counter {
    msg_receiver inbox;
    int from; /* each start begins here */
};

static int counter(void *arg)
{
    const struct counter *c = arg;
    struct msg m;
    int rc, sum = c->from;
    while ((rc = weir_request_recv(c->inbox, &m)) > 0) {
        if (m.add == 0)
            return WEIR_EINVAL; /* the caller gets WEIR_EPIPE */
        sum += m.add;
        weir_answer_send(m.answer, &sum);
    }
    return rc;
}

static void add(msg_sender box, int n)
{
    int sum;
    int rc = weir_call(box, &(struct msg){.add = n}, &sum, weir_after(WEIR_S));
    if (rc < 0)
        printf("add %d: %s\n", n, weir_error_name(rc));
    else
        printf("add %d: %d\n", n, sum);
}

static int app(void *unused)
{
    (void)unused;
    msg_sender box;
    weir_auto(weir_group) g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(
        g, &(weir_supervisor_options){.restarts = 2, .within = WEIR_S, .backoff = WEIR_MS});
    int rc = weir_supervise_mailbox(
        sup, counter, &box, WEIR_REQUESTS(struct counter, inbox, struct msg, 64),
        &(struct counter){.from = 100}, .name = "counter", .restart = WEIR_ON_FAILURE);
    if (rc < 0)
        return rc;
    add(box, 1);
    add(box, 2);
    add(box, 0);
    add(box, 5);
    if ((rc = weir_supervisor_stop(sup)) < 0)
        return rc;
    add(box, 1);
    return weir_group_end(g);
}

int main(void)
{
    int rc = weir_run(app, NULL, NULL);
    if (rc < 0)
        fprintf(stderr, "supervised: %s\n", weir_error_text(rc));
    return rc < 0;
}

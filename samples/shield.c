/* SPDX-License-Identifier: MIT */
/* shield.c - clean-up that has to wait, in an actor that was cancelled and so cannot. */
#include <stdio.h>

#include <weir/weir.h>

WEIR_TYPE(report, int)

static int clean_up(report_sender log, int done)
{
    weir_auto(weir_scope) s = weir_move_on_after(10 * WEIR_S); /* has a deadline of its own */
    weir_scope_shield(s, true);
    return report_send(log, done); /* waits for the receiver */
}

static int work(void *arg)
{
    const report_sender *log = arg;
    int rc, done = 0;
    while ((rc = weir_sleep(WEIR_MS)) == 0)
        done = 1;
    printf("work: %s\n", weir_error_name(rc));
    printf("without a shield: %s\n", weir_error_name(report_send(*log, done)));
    printf("with one: %s\n", weir_error_name(clean_up(*log, done)));
    return rc; /* not forgotten: what it was told */
}

static int app(void *unused)
{
    report_sender log;
    report_receiver reports;
    weir_task worker = {0};
    int rc, done;
    (void)unused;
    weir_auto(weir_group) g = weir_group_begin();
    if ((rc = report_channel(&log, &reports, 0)) < 0 ||
        (rc = weir_spawn(g, work, &log, .task = &worker)) < 0 ||
        (rc = weir_sleep(20 * WEIR_MS)) < 0 || (rc = weir_task_cancel(worker, "enough")) < 0 ||
        (rc = report_recv(reports, &done)) < 0)
        return rc;
    printf("the last words have arrived\n");
    return weir_group_end(g);
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}

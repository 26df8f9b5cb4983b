/* SPDX-License-Identifier: MIT */
/* completed.c - of several that are asked the first good answer counts; the others are cancelled.
 */
#include <stdio.h>

#include <weir/weir.h>

struct mirror {
    int answer;
    weir_time delay;
};

static int ask(void *arg)
{
    const struct mirror *m = arg;
    int rc = weir_sleep(m->delay);
    if (rc < 0)
        printf("%s: %s\n", weir_actor_name(), weir_error_text(rc));
    return rc < 0 ? rc : m->answer;
}

static int app(void *unused)
{
    size_t i;
    int rc;
    (void)unused;
    weir_job jobs[] = {
        WEIR_JOB(ask, &((struct mirror){1, 3600 * WEIR_S}), .name = "far"),
        WEIR_JOB(ask, &((struct mirror){0, 0}), .name = "empty"),
        WEIR_JOB(ask, &((struct mirror){42, 20 * WEIR_MS}), .name = "near"),
    };
    weir_auto(weir_completed) c = weir_completed_begin(jobs, 3);
    while ((rc = weir_recv(c.rx, &i)) > 0) /* jobs[i] has finished */
        if (jobs[i].result > 0) {
            printf("%s: %d\n", jobs[i].name, jobs[i].result);
            break;
        }
    return rc < 0 ? rc : weir_completed_end(c); /* cancels the rest and waits for it */
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}

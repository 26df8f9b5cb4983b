/* SPDX-License-Identifier: MIT */
/*
 * sighup_reload.c - a program that reads its settings again at SIGHUP, while its workers go on, and
 * ends at SIGTERM. What cannot be read changes nothing.
 *
 *     sighup_reload FILE        the first line of FILE is the setting
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

struct settings {
    char text[80];
};
WEIR_TYPE(settings, struct settings)

enum { WORKERS = 2 };

struct worker {
    settings_receiver settings;
    int number;
};

/* Works each millisecond, with the settings as they are then. Until there are no more of them. */
static int work(void *arg)
{
    struct worker *w = arg;
    struct settings now = {""};
    weir_receiver clock = weir_ticker_open(WEIR_MS);
    weir_time tick;
    long jobs = 0;
    int rc;
    do {
        weir_case c[] = {settings_on_recv(w->settings, &now), weir_on_tick(clock, &tick)};
        if ((rc = weir_select(c, 2, WEIR_FAIR)) < 0)
            return rc;
        jobs += rc == 1;
        if (rc == 0 && c[0].rc == 1 && printf("worker %d: %s\n", w->number, now.text) > 0)
            fflush(stdout);
        rc = c[rc].rc;
    } while (rc > 0);
    printf("worker %d has done %s\n", w->number, jobs > 0 ? "many jobs" : "nothing");
    return rc;
}

static int load(const char *file, struct settings *to)
{
    struct settings s = {""};
    FILE *f = fopen(file, "r");
    int rc = f && fgets(s.text, sizeof s.text, f) ? 0 : -1;
    if (f)
        fclose(f);
    s.text[strcspn(s.text, "\n")] = 0;
    if (rc == 0)
        *to = s;
    else
        fprintf(stderr, "sighup_reload: %s cannot be read: all stays as it is\n", file);
    return rc;
}

/* At SIGHUP read and tell; 0 at SIGTERM. */
static int serve(weir_receiver signals, settings_sender to, const char *file)
{
    weir_signal sig;
    struct settings s;
    int rc;
    while ((rc = weir_recv(signals, &sig)) > 0 && sig.number != SIGTERM)
        if (load(file, &s) == 0 && (rc = settings_send(to, s)) < 0)
            break;
    return rc < 0 ? rc : 0;
}

static int app(void *file)
{
    weir_receiver signals;
    settings_sender to;
    struct settings first = {""};
    struct worker w;
    int rc = weir_signals(&signals, SIGHUP, SIGTERM, 0); /* before the file is read: a change */
    if (rc < 0)                                          /* after that is told */
        return rc;
    if (load(file, &first) < 0)
        return -1;
    if ((rc = settings_watch(&to, &w.settings, &first)) < 0)
        return rc;
    for (w.number = 1; w.number <= WORKERS && rc == 0; w.number++)
        rc = weir_spawn(WEIR_RUN, work, &w, .own = WEIR_OWN(struct worker, settings));
    weir_close(w.settings);
    return rc < 0 ? rc : serve(signals, to, file); /* what it owns is closed: the workers end */
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: sighup_reload FILE\n");
        return 2;
    }
    return weir_run(app, (void *)argv[1], NULL) < 0;
}

/* SPDX-License-Identifier: MIT */
/* test_supervisor.c - strategies, intensity, back-off, orderly shutdown, trees. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#include "../channels/kinds.h"

struct msg {
    weir_answer answer;
    int what;
};
WEIR_TYPE(msg, struct msg)

enum { ADD = 1, CRASH, LEAVE };

/* ---- a diary of who started and who ended, in order ------------------------------------------ */

static struct {
    atomic_uint n;
    char of[256];
} diary;

static void note(char what)
{
    unsigned i = atomic_fetch_add(&diary.n, 1);
    if (i < sizeof diary.of - 1)
        diary.of[i] = what;
}

static void diary_begin(void)
{
    memset(&diary, 0, sizeof diary);
}

struct server {
    msg_receiver inbox;
    char name; /* noted when it starts; the small letter when it ends */
};

static int serve(void *arg)
{
    const struct server *s = arg;
    struct msg m;
    int rc, sum = 0;
    note(s->name);
    while ((rc = weir_request_recv(s->inbox, &m)) > 0) {
        if (m.what == CRASH) {
            rc = WEIR_EITEM;
            break;
        }
        if (m.what == LEAVE) {
            rc = 0;
            break;
        }
        sum++;
        weir_answer_send(m.answer, &sum);
    }
    note((char)(s->name + 'a' - 'A'));
    return rc;
}

static msg_sender supervised(weir_supervisor sup, char name, weir_restart restart)
{
    msg_sender box;
    REQUIRE_RC(weir_supervise_mailbox(
                   sup, serve, &box, WEIR_REQUESTS(struct server, inbox, struct msg, 8),
                   &(struct server){.name = name}, .restart = restart, .name = "server"),
               0);
    return box;
}

/* What the counter of the present incarnation says. */
static int ask(msg_sender box)
{
    int sum = 0;
    int rc = weir_call(box, &(struct msg){.what = ADD}, &sum, WEIR_NEVER);
    return rc < 0 ? rc : sum;
}

static int tell(msg_sender box, int what)
{
    int sum;
    return weir_call(box, &(struct msg){.what = what}, &sum, WEIR_NEVER);
}

static void forget(msg_sender box)
{
    EXPECT_RC(tell(box, CRASH), WEIR_EPIPE);
}

static bool sorted_is(unsigned from, unsigned n, const char *text)
{
    char part[sizeof diary.of] = "";
    memcpy(part, diary.of + from, n);
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = i + 1; j < n; j++)
            if (part[j] < part[i]) {
                char c = part[i];
                part[i] = part[j];
                part[j] = c;
            }
    return strcmp(part, text) == 0;
}

/* Three servers, each of which has run; the second one crashes and is there again. */
static weir_supervisor crash_b(weir_group g, weir_strategy strategy, msg_sender box[3])
{
    diary_begin();
    weir_supervisor sup =
        weir_supervisor_begin(g, &(weir_supervisor_options){.strategy = strategy});
    for (int i = 0; i < 3; i++) {
        box[i] = supervised(sup, (char)('A' + i), WEIR_ON_FAILURE);
        EXPECT_EQ(ask(box[i]), 1);
    }
    forget(box[1]);
    EXPECT_EQ(ask(box[1]), 1); /* waits in the mailbox until the next one is there */
    return sup;
}

static int one_for_one(void *unused)
{
    msg_sender box[3];
    (void)unused;
    weir_group g = weir_group_begin();
    weir_supervisor sup = crash_b(g, WEIR_ONE_FOR_ONE, box);
    EXPECT_EQ(ask(box[0]), 2);
    EXPECT_EQ(ask(box[2]), 2);
    EXPECT_EQ(strcmp(diary.of, "ABCbB"), 0);
    EXPECT_RC(weir_supervisor_stop(sup), 0);
    EXPECT_STR(diary.of, "ABCbBcba");
    EXPECT_RC(ask(box[0]), WEIR_EPIPE);
    EXPECT_RC(weir_supervisor_stop(sup), WEIR_EPIPE);
    return weir_group_end(g);
}

static int one_for_all(void *unused)
{
    msg_sender box[3];
    (void)unused;
    weir_group g = weir_group_begin();
    weir_supervisor sup = crash_b(g, WEIR_ONE_FOR_ALL, box);
    EXPECT_EQ(ask(box[0]), 1);
    EXPECT_EQ(ask(box[2]), 1);
    EXPECT_EQ(strncmp(diary.of, "ABCbca", 6), 0); /* the others stop, the last one first */
    EXPECT(sorted_is(6, 3, "ABC"));
    EXPECT_RC(weir_supervisor_stop(sup), 0);
    EXPECT_STR(diary.of + 9, "cba");
    return weir_group_end(g);
}

static int rest_for_one(void *unused)
{
    msg_sender box[3];
    (void)unused;
    weir_group g = weir_group_begin();
    weir_supervisor sup = crash_b(g, WEIR_REST_FOR_ONE, box);
    EXPECT_EQ(ask(box[0]), 2);
    EXPECT_EQ(ask(box[2]), 1);
    EXPECT_EQ(strncmp(diary.of, "ABCbc", 5), 0);
    EXPECT(sorted_is(5, 2, "BC"));
    EXPECT_RC(weir_supervisor_stop(sup), 0);
    return weir_group_end(g);
}

static void in_run(weir_body body)
{
    EXPECT_RC(weir_run(body, NULL, NULL), 0);
}

static void strategies(void)
{
    in_run(one_for_one);
    in_run(one_for_all);
    in_run(rest_for_one);
}

/* ---- who is started again ------------------------------------------------------------------- */

static int restarts(void *unused)
{
    (void)unused;
    diary_begin();
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(g, NULL);
    msg_sender always = supervised(sup, 'A', WEIR_ALWAYS);
    EXPECT_RC(tell(always, LEAVE), WEIR_EPIPE);
    EXPECT_EQ(ask(always), 1);
    forget(always);
    EXPECT_EQ(ask(always), 1);
    msg_sender fails = supervised(sup, 'B', WEIR_ON_FAILURE);
    EXPECT_RC(tell(fails, LEAVE), WEIR_EPIPE);
    EXPECT_RC(ask(fails), WEIR_EPIPE); /* its mailbox goes with it */
    msg_sender once = supervised(sup, 'C', WEIR_ONCE);
    forget(once);
    EXPECT_RC(ask(once), WEIR_EPIPE);
    EXPECT_EQ(ask(always), 2);
    EXPECT_RC(weir_supervisor_stop(sup), 0);
    EXPECT_STR(diary.of, "AaAaABbCca");
    return weir_group_end(g);
}

static void kinds_of_restart(void)
{
    in_run(restarts);
}

/* A supervisor that nobody can tell anything ends with its last child. */
static int runs_out(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(g, NULL);
    msg_sender box = supervised(sup, 'A', WEIR_ON_FAILURE);
    EXPECT_RC(weir_close(sup), 0);
    forget(box);
    EXPECT_EQ(ask(box), 1);
    EXPECT_RC(tell(box, LEAVE), WEIR_EPIPE);
    return weir_group_end(g);
}

static void without_handles(void)
{
    in_run(runs_out);
}

/* ---- intensity ------------------------------------------------------------------------------- */

static int too_often(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(
        g, &(weir_supervisor_options){.restarts = 2, .within = 1000 * WEIR_S});
    msg_sender other = supervised(sup, 'A', WEIR_ON_FAILURE);
    msg_sender box = supervised(sup, 'B', WEIR_ON_FAILURE);
    weir_scope shield = weir_scope_begin(); /* the group's failure cancels its owner */
    weir_scope_shield(shield, true);
    for (int i = 0; i < 3; i++)
        forget(box);
    EXPECT_RC(ask(box), WEIR_EPIPE);
    EXPECT_RC(ask(other), WEIR_EPIPE);
    weir_scope_end(shield);
    EXPECT_RC(weir_group_end(g), WEIR_ERESTARTS);
    return 0;
}

static int fails(void *unused)
{
    (void)unused;
    return WEIR_EITEM;
}

static int at_once(void *unused)
{
    (void)unused;
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(g, NULL);
    EXPECT_RC(weir_supervise(sup, fails, NULL), 0);
    EXPECT_RC(weir_group_end(g), WEIR_ERESTARTS);
    return 0;
}

static void intensity(void)
{
    in_run(too_often);
    in_run(at_once);
}

/* Old restarts do not count, and each one waits longer than the one before. In virtual time. */
static int slower_and_slower(void *unused)
{
    static const int seconds[] = {1, 2, 4, 5, 5};
    (void)unused;
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(
        g,
        &(weir_supervisor_options){
            .restarts = 5, .within = 100 * WEIR_S, .backoff = WEIR_S, .backoff_most = 5 * WEIR_S});
    msg_sender box = supervised(sup, 'A', WEIR_ON_FAILURE);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5; i++) {
            weir_time then = weir_now();
            forget(box);
            EXPECT_EQ(ask(box), 1);
            EXPECT_EQ((weir_now() - then) / WEIR_S, seconds[i]);
        }
        EXPECT_RC(weir_sleep(100 * WEIR_S), 0);
    }
    EXPECT_RC(weir_supervisor_stop(sup), 0);
    return weir_group_end(g);
}

static void back_off(void)
{
    diary_begin();
    for (uint64_t seed = 1; seed < 20; seed++)
        EXPECT_RC(
            weir_run(slower_and_slower, NULL, &(weir_options){.simulate = true, .seed = seed}), 0);
}

/* More than two restarts within ten seconds: the third one after nine is, after ten it is not. */
static int at_the_edge(void *seconds)
{
    weir_time last = (weir_time)(intptr_t)seconds * WEIR_S;
    weir_group g = weir_group_begin();
    weir_supervisor sup =
        weir_supervisor_begin(g, &(weir_supervisor_options){.restarts = 2, .within = 10 * WEIR_S});
    msg_sender box = supervised(sup, 'A', WEIR_ON_FAILURE);
    weir_scope shield = weir_scope_begin(); /* the group's failure cancels its owner */
    weir_scope_shield(shield, true);
    EXPECT_EQ(ask(box), 1);
    weir_time then = weir_now();
    forget(box);
    EXPECT_EQ(ask(box), 1);
    EXPECT_RC(weir_sleep(WEIR_S), 0);
    forget(box);
    EXPECT_EQ(ask(box), 1);
    EXPECT_RC(weir_sleep_until(then + last), 0);
    forget(box);
    EXPECT_RC(ask(box), last < 10 * WEIR_S ? WEIR_EPIPE : 1);
    weir_close(box);
    if (last >= 10 * WEIR_S)
        EXPECT_RC(weir_supervisor_stop(sup), 0);
    weir_scope_end(shield);
    EXPECT_RC(weir_group_end(g), last < 10 * WEIR_S ? WEIR_ERESTARTS : 0);
    return 0;
}

/* While nobody runs, a supervisor can be stopped, cancelled, and given a child. */
static int in_back_off(void *how)
{
    int sum;
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(
        g, &(weir_supervisor_options){.backoff = WEIR_NEVER, .backoff_most = WEIR_NEVER});
    msg_sender box = supervised(sup, 'A', WEIR_ON_FAILURE);
    forget(box);
    EXPECT_RC(weir_call(box, &(struct msg){.what = ADD}, &sum, weir_after(1000 * WEIR_S)),
              WEIR_ETIMEDOUT);
    EXPECT_EQ(ask(supervised(sup, 'B', WEIR_ON_FAILURE)), 1);
    if (how)
        EXPECT_RC(weir_supervisor_stop(sup), 0);
    else
        EXPECT_RC(weir_group_cancel(g, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    return 0;
}

static void windows(void)
{
    static const intptr_t seconds[] = {2, 9, 10, 11};
    for (uint64_t seed = 1; seed < 10; seed++) {
        weir_options o = {.simulate = true, .seed = seed};
        for (int i = 0; i < 4; i++)
            EXPECT_RC(weir_run(at_the_edge, (void *)seconds[i], &o), 0);
        EXPECT_RC(weir_run(in_back_off, NULL, &o), 0);
        EXPECT_RC(weir_run(in_back_off, &o, &o), 0);
    }
}

struct reporter {
    weir_sender tx;
    int number;
};

/* ---- shutdown -------------------------------------------------------------------------------- */

struct polite {
    weir_receiver stop;
    char name;
    bool listens;
};

static int polite(void *arg)
{
    const struct polite *p = arg;
    char item;
    int rc = p->listens ? weir_recv(p->stop, &item) : weir_sleep(WEIR_NEVER);
    note(rc == 0 ? p->name : '!');
    return rc;
}

static int stops(void *unused)
{
    struct polite p = {.listens = true, .name = 'a'};
    (void)unused;
    diary_begin();
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(g, NULL);
    EXPECT_RC(weir_supervise(sup, polite, &p, .stop = WEIR_STOP(struct polite, stop)), 0);
    p.listens = false;
    EXPECT_RC(weir_supervise(sup, polite, &p, .stop = WEIR_STOP(struct polite, stop),
                             .grace = 7 * WEIR_S),
              0);
    p.listens = true;
    p.name = 'c';
    EXPECT_RC(weir_supervise(sup, polite, &p, .stop = WEIR_STOP(struct polite, stop)), 0);
    EXPECT_RC(weir_settle(), 0);
    weir_time then = weir_now();
    EXPECT_RC(weir_supervisor_stop(sup), 0);
    EXPECT_EQ((weir_now() - then) / WEIR_S, 7);
    EXPECT_STR(diary.of, "c!a"); /* the one that did not listen was cancelled */
    return weir_group_end(g);
}

static int cancelled(void *unused)
{
    msg_sender box[3];
    (void)unused;
    weir_group g = weir_group_begin();
    crash_b(g, WEIR_ONE_FOR_ONE, box);
    EXPECT_RC(weir_group_cancel(g, "enough"), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_STR(diary.of, "ABCbBcba");
    return 0;
}

/* Does not heed a cancellation, nor how its supervisor fares, until it is told. */
static int stubborn(void *arg)
{
    const struct reporter *r = arg;
    weir_scope shield = weir_scope_begin();
    weir_scope_shield(shield, true);
    note('S');
    int rc = weir_send(r->tx, &r->number);
    if (rc == 0)
        rc = weir_send(r->tx, &r->number);
    weir_scope_end(shield);
    note('s');
    return rc < 0 ? rc : WEIR_EITEM; /* a failure that nobody counts: it was stopped */
}

/* It and those after it are stopped, though one will not, and one dies meanwhile. */
static int stops_the_stubborn(void *unused)
{
    struct reporter r = {.number = 1};
    weir_receiver rx;
    int n;
    (void)unused;
    diary_begin();
    REQUIRE_RC(weir_channel_open(&r.tx, &rx, sizeof(int), 0, NULL), 0);
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(
        g, &(weir_supervisor_options){.strategy = WEIR_ONE_FOR_ALL, .restarts = 1});
    msg_sender a = supervised(sup, 'A', WEIR_ON_FAILURE);
    EXPECT_EQ(ask(a), 1);
    msg_sender b = supervised(sup, 'B', WEIR_ON_FAILURE);
    EXPECT_EQ(ask(b), 1);
    EXPECT_RC(weir_supervise(sup, stubborn, &r, .own = WEIR_OWN(struct reporter, tx)), 0);
    EXPECT_EQ(weir_recv(rx, &n), 1);
    forget(a);
    forget(b); /* its supervisor waits for the stubborn one */
    EXPECT_EQ(weir_recv(rx, &n), 1);
    EXPECT_EQ(ask(a), 1);
    EXPECT_EQ(ask(b), 1);
    EXPECT_EQ(weir_recv(rx, &n), 1);
    EXPECT_EQ(strncmp(diary.of, "ABSabs", 6), 0);
    EXPECT(sorted_is(6, 3, "ABS"));
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    weir_scope shield = weir_scope_begin();
    weir_scope_shield(shield, true);
    EXPECT_EQ(weir_recv(rx, &n), 1); /* it is waited for */
    weir_scope_end(shield);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_STR(diary.of + 9, "sba");
    return 0;
}

/* What cancels the supervisor is not the child's: it goes on until it is told. */
static int looks_at_its_deadline(void *arg)
{
    const struct polite *p = arg;
    char item;
    EXPECT_EQ(weir_effective_deadline(), WEIR_NEVER);
    note('D');
    EXPECT_EQ(weir_recv(p->stop, &item), 0);
    EXPECT(!weir_cancelled());
    EXPECT_EQ(weir_effective_deadline(), WEIR_NEVER);
    return weir_yield();
}

static int deadlines(void *unused)
{
    struct polite p = {.name = 'a'};
    (void)unused;
    diary_begin();
    weir_scope s = weir_move_on_after(1000 * WEIR_S);
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(g, NULL);
    EXPECT_RC(weir_supervise(sup, looks_at_its_deadline, &p, .stop = WEIR_STOP(struct polite, stop),
                             .grace = WEIR_NEVER),
              0);
    weir_settle();
    EXPECT_STR(diary.of, "D");
    EXPECT_RC(weir_group_cancel(g, NULL), 0);
    EXPECT_RC(weir_group_end(g), 0);
    EXPECT_EQ(weir_scope_end(s), 0);
    return 0;
}

static void shuts_down(void)
{
    in_run(stops_the_stubborn);
    in_run(deadlines);

    EXPECT_RC(weir_run(stops, NULL, &(weir_options){.simulate = true, .seed = 3}), 0);
    in_run(cancelled);
}

/* ---- arguments ------------------------------------------------------------------------------- */

static int reports(void *arg)
{
    struct reporter *r = arg;
    int rc = weir_send(r->tx, &r->number);
    r->number = -1; /* its own copy */
    return rc < 0 ? rc : WEIR_EITEM;
}

static int same_argument(void *unused)
{
    struct reporter r = {.number = 42};
    weir_receiver rx;
    int n;
    (void)unused;
    REQUIRE_RC(weir_channel_open(&r.tx, &rx, sizeof(int), 0, NULL), 0);
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(g, &(weir_supervisor_options){.restarts = 9});
    EXPECT_RC(weir_supervise(sup, reports, &r, .own = WEIR_OWN(struct reporter, tx)), 0);
    weir_close(r.tx);
    for (int i = 0; i < 9; i++) {
        EXPECT_EQ(weir_recv(rx, &n), 1);
        EXPECT_EQ(n, 42);
    }
    EXPECT_RC(weir_supervisor_stop(sup), 0);
    EXPECT_EQ(weir_recv(rx, &n), 0); /* nobody has a sender any more */
    return weir_group_end(g);
}

static void arguments(void)
{
    in_run(same_argument);
}

static int refused(void *unused)
{
    struct reporter r = {.number = 1};
    weir_receiver rx;
    msg_sender box;
    (void)unused;
    weir_group g = weir_group_begin();
    EXPECT_RC(weir_check(weir_supervisor_begin(
                  g, &(weir_supervisor_options){.strategy = (weir_strategy)3})),
              WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_supervisor_begin(
                  g, &(weir_supervisor_options){.restarts = WEIR_RESTARTS_MAX + 1})),
              WEIR_EINVAL);
    EXPECT_RC(weir_check(weir_supervisor_begin((weir_group){77}, NULL)), WEIR_EBADF);
    weir_supervisor sup = weir_supervisor_begin(g, NULL), other = weir_supervisor_clone(sup);
    EXPECT_RC(weir_supervise(sup, NULL, NULL), WEIR_EINVAL);
    EXPECT_RC(weir_supervise(sup, fails, NULL, .own = WEIR_OWN(struct reporter, tx)), WEIR_EINVAL);
    EXPECT_RC(weir_supervise(sup, fails, &r, .own = WEIR_OWN(struct reporter, tx)), WEIR_EBADF);
    EXPECT_RC(weir_supervise(sup, fails, &r, .restart = (weir_restart)7), WEIR_EINVAL);
    EXPECT_RC(weir_supervise(sup, fails, &r, .grace = -1), WEIR_EINVAL);
    EXPECT_RC(weir_supervise_mailbox(sup, serve, &box,
                                     WEIR_REQUESTS(struct server, inbox, struct msg, 8), NULL),
              WEIR_EINVAL);
    EXPECT_RC(weir_check(box), WEIR_EINVAL);
    weir_channel_options single = {.single_sender = true};
    REQUIRE_RC(weir_channel_open(&r.tx, &rx, sizeof(int), 4, &single), 0);
    EXPECT_RC(weir_supervise(sup, fails, &r, .own = WEIR_OWN(struct reporter, tx)), WEIR_EBUSY);
    EXPECT_RC(weir_close(sup), 0);
    EXPECT_RC(weir_supervise(sup, fails, NULL), WEIR_ECLOSED);
    EXPECT_RC(weir_supervisor_stop(sup), WEIR_ECLOSED);
    EXPECT_RC(weir_supervisor_stop(other), 0);
    EXPECT_RC(weir_supervise(other, fails, &r), WEIR_EPIPE);
    return weir_group_end(g);
}

/* Each field has one handle: named twice it is one all the same, or it cannot be. */
static int named_twice(void *unused)
{
    struct both {
        weir_sender tx;
        msg_receiver inbox;
    } both;
    weir_receiver rx;
    msg_sender box;
    int n;
    (void)unused;
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(g, NULL);
    REQUIRE_RC(weir_channel_open(&both.tx, &rx, sizeof(int), 0, NULL), 0);
    both.inbox.h = both.tx.h;
    const weir_mailbox *m = WEIR_REQUESTS(struct both, inbox, struct msg, 8);
    EXPECT_RC(
        weir_supervise_mailbox(sup, fails, &box, m, &both, .own = WEIR_OWN(struct both, tx, inbox)),
        WEIR_EINVAL);
    EXPECT_RC(
        weir_supervise_mailbox(sup, fails, &box, m, &both, .stop = WEIR_STOP(struct both, inbox)),
        WEIR_EINVAL);
    EXPECT_RC(weir_supervise(sup, fails, &both, .own = WEIR_OWN(struct both, tx),
                             .stop = WEIR_STOP(struct both, tx)),
              WEIR_EINVAL);
    EXPECT_RC(weir_supervise(sup, fails, &both, .own = WEIR_OWN(struct both, tx, tx),
                             .restart = WEIR_ONCE),
              0);
    EXPECT_RC(weir_close(both.tx), 0);
    EXPECT_EQ(weir_recv(rx, &n), 0); /* no clone is left */
    EXPECT_RC(weir_supervisor_stop(sup), 0);
    return weir_group_end(g);
}

static void errors(void)
{
    in_run(refused);
    in_run(named_twice);
}

/* ---- trees ----------------------------------------------------------------------------------- */

static int branch(void *arg)
{
    const struct server *s = arg;
    weir_group g = weir_group_begin();
    weir_supervisor sup =
        weir_supervisor_begin(g, &(weir_supervisor_options){.restarts = 1, .name = "lower"});
    int rc = weir_supervise(sup, serve, s, .own = WEIR_OWN(struct server, inbox), .name = "leaf");
    weir_close(sup);
    return rc < 0 ? rc : weir_group_end(g);
}

/* "#5 branch, parked" -> "branch", with its indentation. */
static void expect_dump(const char *wanted, const char *or_this)
{
    char *text = NULL, shown[512] = "";
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    REQUIRE(out != NULL);
    EXPECT_RC(weir_dump(out), 0);
    fclose(out);
    char *at = strstr(text, "supervisors:\n");
    for (char *line = at ? strtok(at, "\n") : NULL; line; line = strtok(NULL, "\n")) {
        char *name = strchr(line, '#');
        if (!name)
            continue;
        int indent = (int)(name - line);
        char *from = strchr(name, ' ') + 1;
        snprintf(shown + strlen(shown), sizeof shown - strlen(shown), "%d %.*s\n", indent,
                 (int)strcspn(from, ","), from);
    }
    EXPECT_STR(shown, strcmp(shown, or_this) == 0 ? or_this : wanted);
    free(text);
}

static int tree(void *unused)
{
    msg_sender box;
    (void)unused;
    diary_begin();
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(g, &(weir_supervisor_options){.name = "upper"});
    REQUIRE_RC(weir_supervise_mailbox(sup, branch, &box,
                                      WEIR_REQUESTS(struct server, inbox, struct msg, 8),
                                      &(struct server){.name = 'A'}, .name = "branch"),
               0);
    forget(box); /* the lower one starts it again */
    EXPECT_EQ(ask(box), 1);
    forget(box); /* that is too often for the lower one, so the upper one builds it anew */
    EXPECT_EQ(ask(box), 1);
    EXPECT_EQ(ask(box), 2);
    expect_dump("2 upper\n4 branch\n6 lower\n8 leaf\n", "");
    EXPECT_RC(weir_supervisor_stop(sup), 0);
    EXPECT_STR(diary.of, "AaAaAa");
    return weir_group_end(g);
}

/* Begins a supervisor two generations below the one that supervises it. */
static int helps(void *arg)
{
    return branch(arg);
}

static int has_a_helper(void *arg)
{
    const struct server *s = arg;
    weir_group g = weir_group_begin();
    int rc = weir_spawn(g, helps, s, .own = WEIR_OWN(struct server, inbox), .name = "helper");
    return rc < 0 ? rc : weir_group_end(g);
}

static int deep_tree(void *unused)
{
    msg_sender box[2];
    (void)unused;
    diary_begin();
    weir_group g = weir_group_begin();
    weir_supervisor sup = weir_supervisor_begin(g, &(weir_supervisor_options){.name = "upper"});
    for (int i = 0; i < 2; i++) {
        REQUIRE_RC(weir_supervise_mailbox(sup, i == 0 ? has_a_helper : serve, &box[i],
                                          WEIR_REQUESTS(struct server, inbox, struct msg, 8),
                                          &(struct server){.name = 'A'},
                                          .name = i == 0 ? "branch" : "second"),
                   0);
        EXPECT_EQ(ask(box[i]), 1);
    }
    expect_dump("2 upper\n4 branch\n6 lower\n8 leaf\n4 second\n",
                "2 upper\n4 second\n4 branch\n6 lower\n8 leaf\n"); /* in no order */
    EXPECT_RC(weir_supervisor_stop(sup), 0);
    return weir_group_end(g);
}

static void trees(void)
{
    in_run(tree);
    in_run(deep_tree);
}

TEST_SUITE(supervisor, "supervisors", {"one for one, one for all, rest for one", strategies},
           {"restart on failure, always, once", kinds_of_restart},
           {"a supervisor ends with its last child", without_handles},
           {"too many restarts end it", intensity}, {"back-off doubles, in a window", back_off},
           {"the edges of the window, and of back-off", windows},
           {"shutdown in reverse order, stop and grace", shuts_down},
           {"each start has the same argument", arguments}, {"supervisors: errors", errors},
           {"a tree of supervisors", trees});

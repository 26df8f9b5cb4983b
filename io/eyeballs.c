/* SPDX-License-Identifier: MIT */
/*
 * eyeballs.c - see eyeballs.h.
 *
 * The caller decides; look-ups and attempts are its children, in a group. Each has a place in the
 * race where it leaves its result, says that it is there, and only then gives a permit of `news`,
 * for which the caller waits, with the next point of the clock as a deadline. So nothing that a
 * child brings can get lost on the way: when the group has ended, what is in the places and is
 * not the winner's is discarded - also what came when the race was over, by whatever it ended.
 */
#include "eyeballs.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <weir/sync.h>

#include "atomic.h"
#include "os.h"
#include "scheduler.h"

enum { V6, V4, FAMILIES };
enum { ATTEMPTS = FAMILIES * EYEBALLS_ADDRESSES };

static const int family_of[FAMILIES] = {AF_INET6, AF_INET};

struct race;

struct answer {
    struct race *race;
    int family;
    a32 there;     /* the two below are written: release; pairs with is_there() */
    int rc;        /* of the look-up */
    unsigned n;    /* addresses */
    bool seen;     /* these by the caller only */
    unsigned next; /* to be tried */
    weir_address addresses[EYEBALLS_ADDRESSES];
};

struct attempt {
    struct race *race;
    const weir_address *to;
    a32 there; /* `result` is written: release; pairs with is_there() */
    int result;
    bool seen;
};

struct race {
    struct eyeballs *e;
    weir_semaphore news;
    weir_group group;
    weir_time next_at; /* when the next attempt may begin */
    struct answer answers[FAMILIES];
    struct attempt attempts[ATTEMPTS]; /* e->tried of them */
};

static weir_time later(weir_time from, weir_time delay)
{
    return delay < WEIR_NEVER - from ? from + delay : WEIR_NEVER;
}

static bool is_there(const a32 *there)
{
    return a32_load_acquire(there);
}

/* ---- the children ---------------------------------------------------------------------------- */

static void tell(struct race *r, a32 *there)
{
    a32_store_release(there, 1);
    (void)weir_semaphore_release(r->news);
}

static void ask(struct answer *a)
{
    const struct eyeballs *e = a->race->e;
    a->rc = e->ops->look_up(a->family, a->addresses, EYEBALLS_ADDRESSES, e->context);
    a->n = a->rc < 0 ? 0 : a->rc < EYEBALLS_ADDRESSES ? (unsigned)a->rc : EYEBALLS_ADDRESSES;
}

static int look_up(void *answer)
{
    struct answer *a = answer;
    ask(a);
    tell(a->race, &a->there);
    return 0;
}

static int attempt(void *arg)
{
    struct attempt *a = arg;
    const struct eyeballs *e = a->race->e;
    a->result = e->ops->attempt(a->to, e->context);
    tell(a->race, &a->there);
    return 0;
}

static int spawn(struct race *r, weir_body body, const void *place, const char *name)
{
    return weir_spawn_sized(r->group, body, 0, &(weir_spawn_options){.arg = place, .name = name});
}

/* ---- what has come --------------------------------------------------------------------------- */

static void see_answer(struct race *r, int family, weir_time now)
{
    struct answer *a = &r->answers[family];
    if (a->seen || !is_there(&a->there))
        return;
    a->seen = true;
    r->e->look_up_error[family] = a->n > 0 ? 0 : a->rc < 0 ? a->rc : WEIR_ENONAME;
    if (family == V4 && a->n > 0 && r->e->tried == 0)
        r->next_at = later(now, r->e->resolution_delay);
}

static void fail(struct eyeballs *e, const weir_address *to, int error)
{
    if (e->failed < EYEBALLS_FAILURES)
        e->failures[e->failed] = (struct eyeballs_failure){*to, error};
    e->failed++;
}

/* The attempt that has succeeded, or NULL. */
static struct attempt *see_attempts(struct race *r, weir_time now)
{
    for (unsigned i = 0; i < r->e->tried; i++) {
        struct attempt *a = &r->attempts[i];
        if (a->seen || !is_there(&a->there))
            continue;
        if (a->result >= 0)
            return a;
        a->seen = true;
        fail(r->e, a->to, a->result);
        r->next_at = now;
    }
    return NULL;
}

/* ---- what to do next ------------------------------------------------------------------------- */

static bool was_tried(const struct race *r, const weir_address *to)
{
    for (unsigned i = 0; i < r->e->tried; i++)
        if (weir_address_equal(r->attempts[i].to, to))
            return true;
    return false;
}

/* The next address of a family, or NULL. */
static const weir_address *first_of(struct race *r, int family)
{
    struct answer *a = &r->answers[family];
    while (a->seen && a->next < a->n && was_tried(r, &a->addresses[a->next]))
        a->next++;
    return a->seen && a->next < a->n ? &a->addresses[a->next] : NULL;
}

/* The families take turns, IPv6 begins. */
static const weir_address *pick(struct race *r)
{
    unsigned tried = r->e->tried;
    bool v4 = tried > 0 && r->attempts[tried - 1].to->family == AF_INET6;
    const weir_address *to = first_of(r, v4 ? V4 : V6);
    return to ? to : first_of(r, v4 ? V6 : V4);
}

/* The first attempt waits for AAAA, unless A has waited for long. */
static bool may_begin(const struct race *r, weir_time now)
{
    return now >= r->next_at || (r->e->tried == 0 && r->answers[V6].seen);
}

static struct attempt *enter(struct race *r, const weir_address *to)
{
    struct attempt *a = &r->attempts[r->e->tried++];
    a->race = r;
    a->to = to;
    return a;
}

static int begin(struct race *r, const weir_address *to, weir_time now)
{
    r->next_at = later(now, r->e->attempt_delay);
    return spawn(r, attempt, enter(r, to), "connect");
}

/* All has failed: what is said of it. */
static int verdict(const struct eyeballs *e)
{
    unsigned kept = e->failed < EYEBALLS_FAILURES ? e->failed : EYEBALLS_FAILURES;
    for (unsigned i = 0; i < kept; i++) {
        int error = e->failures[i].error;
        if (error != -ENETUNREACH && error != -EHOSTUNREACH && error != -EADDRNOTAVAIL &&
            error != -EAFNOSUPPORT)
            return error;
    }
    if (kept > 0)
        return e->failures[0].error;
    int v6 = e->look_up_error[V6], v4 = e->look_up_error[V4];
    return v6 == 0 || (v6 == WEIR_ENONAME && v4 < 0) ? v4 : v6;
}

static bool is_over(const struct race *r)
{
    return r->e->failed == r->e->tried && r->answers[V6].seen && r->answers[V4].seen;
}

/* 0: *winner has won; or an error. */
static int decide(struct race *r, struct attempt **winner)
{
    const struct eyeballs *e = r->e;
    for (;;) {
        weir_time now = weir_now();
        if ((*winner = see_attempts(r, now)))
            return 0;
        see_answer(r, V4, now);
        see_answer(r, V6, now);
        const weir_address *to = pick(r);
        int rc = to && may_begin(r, now) ? begin(r, to, now) : 0;
        if (rc < 0)
            return rc;
        if (!(to = pick(r)) && is_over(r))
            return verdict(e);
        weir_time until = to && r->next_at < e->deadline ? r->next_at : e->deadline;
        rc = weir_semaphore_acquire_by(r->news, until);
        if (rc < 0 && (rc != WEIR_ETIMEDOUT || until == e->deadline))
            return rc;
    }
}

/* ---- around it ------------------------------------------------------------------------------- */

static bool is_wanted(const struct eyeballs *e, int family)
{
    return e->family == 0 || e->family == family_of[family];
}

static int ask_for_all(struct race *r)
{
    int rc = 0;
    for (int f = V6; f < FAMILIES && rc == 0; f++) {
        r->answers[f].seen = !is_wanted(r->e, f);
        if (is_wanted(r->e, f))
            rc = spawn(r, look_up, &r->answers[f], "look up");
    }
    return rc;
}

static void discard_others(struct race *r, const struct attempt *winner)
{
    for (unsigned i = 0; i < r->e->tried; i++) {
        struct attempt *a = &r->attempts[i];
        if (a != winner && is_there(&a->there) && a->result >= 0)
            r->e->ops->discard(a->result, r->e->context);
    }
}

static int run_race(struct race *r)
{
    struct attempt *winner = NULL;
    if (weir_check(r->news) < 0 || weir_check(r->group) < 0)
        return weir_check(r->news) < 0 ? weir_check(r->news) : weir_check(r->group);
    int rc = ask_for_all(r);
    if (rc == 0)
        rc = decide(r, &winner);
    (void)weir_group_cancel(r->group, "connected, or given up");
    int ended = weir_group_end(r->group);
    discard_others(r, winner);
    if (winner) {
        r->e->to = *winner->to;
        return winner->result;
    }
    return rc == WEIR_ECANCELED && ended < 0 ? ended : rc; /* by a child that had no stack */
}

/* Without an actor there are no children. */
static int one_by_one(struct race *r)
{
    const weir_address *to;
    for (int f = V6; f < FAMILIES; f++) {
        if (is_wanted(r->e, f))
            ask(&r->answers[f]);
        a32_store(&r->answers[f].there, 1);
        if (is_wanted(r->e, f))
            see_answer(r, f, 0);
    }
    while ((to = pick(r))) {
        if (weir_now() >= r->e->deadline)
            return WEIR_ETIMEDOUT;
        int rc = r->e->ops->attempt(enter(r, to)->to, r->e->context);
        if (rc >= 0) {
            r->e->to = *to;
            return rc;
        }
        fail(r->e, to, rc);
    }
    return verdict(r->e);
}

static void set_up(struct race *r, struct eyeballs *e)
{
    memset(r, 0, sizeof *r);
    r->e = e;
    for (int f = V6; f < FAMILIES; f++) {
        r->answers[f].race = r;
        r->answers[f].family = family_of[f];
    }
    e->resolution_delay = e->resolution_delay ? e->resolution_delay : EYEBALLS_RESOLUTION_DELAY;
    e->attempt_delay = e->attempt_delay ? e->attempt_delay : EYEBALLS_ATTEMPT_DELAY;
    e->deadline = e->deadline ? e->deadline : WEIR_NEVER;
    e->tried = e->failed = 0;
    memset(&e->to, 0, sizeof e->to);
    memset(e->look_up_error, 0, sizeof e->look_up_error);
}

int weir__eyeballs(struct eyeballs *e)
{
    int rc;
    struct race *r = os_alloc(sizeof *r);
    if (!r)
        return WEIR_ENOMEM;
    set_up(r, e);
    if (actor_self()) {
        r->news = weir_semaphore_open(0, WEIR_UNBOUNDED);
        r->group = weir_group_begin();
        rc = run_race(r);
        (void)weir_close(r->news);
    } else {
        rc = one_by_one(r);
    }
    os_free(r, sizeof *r);
    return rc;
}

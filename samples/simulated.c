/* SPDX-License-Identifier: MIT */
/*
 * simulated.c - a test of a protocol that never flakes: payments over a slow line. A client
 * that gets no answer in time asks again, and nobody may pay twice.
 *
 * Each seed is another run: another order of the actors, and other delays. Time is virtual, so
 * a thousand of them take a moment. `simulated flawed` is a bank that forgets whom it has
 * charged. It prints the first seed that shows it, which does so each time:
 * WEIR_SEED=THAT simulated flawed
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

enum { CLIENTS = 3, PRICE = 10, TRIES = 20, SEEDS = 1000 };

WEIR_TYPE(answer, int)

struct request {
    int client;
    answer_sender reply;
};

WEIR_TYPE(request, struct request)

/* ---- the protocol ---------------------------------------------------------------------- */

struct bank {
    request_receiver requests;
    bool flawed;
    uint64_t random; /* a test's own chance comes from the seed as well */
    int *charged;
};

static int delay(struct bank *b)
{
    b->random = b->random * 6364136223846793005u + 1442695040888963407u;
    return weir_sleep((weir_time)((b->random >> 32) % 50) * WEIR_MS);
}

static int bank(void *arg)
{
    struct bank *b = arg;
    bool paid[CLIENTS] = {false};
    struct request r;
    int rc;

    while ((rc = request_recv(b->requests, &r)) > 0) {
        if ((rc = delay(b)) < 0)
            return rc;
        if (!paid[r.client] || b->flawed)
            *b->charged += PRICE;
        paid[r.client] = true;
        if ((rc = delay(b)) < 0)
            return rc;
        (void)answer_try_send(r.reply, PRICE); /* perhaps nobody waits for it any more */
    }
    return rc;
}

struct client {
    request_sender bank;
    int number;
};

/* 1: paid; 0: no answer in time. */
static int ask(const struct client *c)
{
    struct request r = {.client = c->number};
    answer_receiver answers;
    int answer, rc = answer_channel(&r.reply, &answers, 1);

    if (rc == 0 && (rc = request_send(c->bank, r)) == 0)
        rc = answer_recv_by(answers, &answer, weir_after(200 * WEIR_MS));
    weir_close(r.reply);
    weir_close(answers);
    return rc == WEIR_ETIMEDOUT ? 0 : rc;
}

static int client(void *arg)
{
    int rc = 0;

    for (int i = 0; i < TRIES && rc == 0; i++)
        rc = ask(arg);
    return rc == 0 ? WEIR_ETIMEDOUT : rc;
}

/* ---- the test -------------------------------------------------------------------------- */

struct plan {
    bool flawed;
    int charged;
};

static int test(void *arg)
{
    struct plan *plan = arg;
    weir_auto(weir_group) g = weir_group_begin();
    struct bank b = {
        .flawed = plan->flawed, .random = weir_simulated_seed(), .charged = &plan->charged};
    struct client c;
    int rc = request_channel(&c.bank, &b.requests, 4);

    plan->charged = 0;
    if (rc == 0)
        rc = weir_spawn(g, bank, &b, .name = "bank", .give = WEIR_GIVE(struct bank, requests));
    for (c.number = 0; c.number < CLIENTS && rc == 0; c.number++)
        rc = weir_spawn(g, client, &c, .name = "client", .own = WEIR_OWN(struct client, bank));
    weir_close(c.bank);
    return weir_group_end_with(g, rc);
}

/* 0 if all is well. */
static int fails(struct plan *plan, uint64_t seed)
{
    int rc = weir_run(test, plan, &(weir_options){.simulate = true, .seed = seed});

    if (rc == 0 && plan->charged == CLIENTS * PRICE)
        return 0;
    printf("WEIR_SEED=%" PRIu64 ": %s, charged %d instead of %d\n", weir_simulated_seed(),
           weir_error_name(rc), plan->charged, CLIENTS * PRICE);
    return 1;
}

int main(int argc, char **argv)
{
    struct plan plan = {.flawed = argc > 1 && strcmp(argv[1], "flawed") == 0};

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        if (fails(&plan, seed))
            return 1;
        if (weir_simulated_seed() != seed) { /* the environment wants one of its own */
            printf("nothing wrong with WEIR_SEED=%" PRIu64 "\n", weir_simulated_seed());
            return 0;
        }
    }
    printf("%d runs, nothing wrong\n", SEEDS);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* run.c - many executions of a model, what is said about them, and replay of one. */
#define _GNU_SOURCE
#include "engine.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#if defined(WEIR_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif

enum { DEFAULT_SEEDS = 2000, MAX_DFS = 2000000 };

static explore_model *models;

void explore_register(explore_model *model)
{
    model->next = models;
    models = model;
}

/* ---- crashes --------------------------------------------------------------------------------- */

static void on_crash(int signal_number)
{
    if (!E->model || !E->running) {
        signal(signal_number, SIG_DFL);
        raise(signal_number);
        return;
    }
    snprintf(E->message, sizeof E->message, "crash: %s in %s after %s at %s:%d",
             strsignal(signal_number), E->running->what->name, op_name(E->running->op),
             E->running->where.file ? E->running->where.file : "os.h", E->running->where.line);
    E->failed = true;
    siglongjmp(E->escape, 1);
}

#if defined(WEIR_ASAN)
static void on_report(void)
{
    if (E->model)
        fprintf(stderr, "\nexplorer: in model %s, seed %llu\n", E->model->name,
                (unsigned long long)E->seed);
}
#endif

static void watch_crashes(void)
{
#if defined(WEIR_ASAN)
    __sanitizer_set_death_callback(on_report);
    (void)on_crash;
#else
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    stack_t stack = {.ss_size = 64 * 1024};
    stack.ss_sp = malloc(stack.ss_size);
    if (!stack.ss_sp || sigaltstack(&stack, NULL) != 0)
        exit(EXIT_FAILURE);
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_NODEFER};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
#endif
}

void engine_init(void)
{
    if (E)
        return;
    void *memory =
        mmap(NULL, sizeof *E, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("explorer");
        exit(EXIT_FAILURE);
    }
    E = memory;
    region_init();
    watch_crashes();
}

/* ---- one execution --------------------------------------------------------------------------- */

static bool is_pct(const explore_model *m, uint64_t seed)
{
    if (m->flags & (EXPLORE_ONLY_PCT | EXPLORE_ONLY_RANDOM))
        return m->flags & EXPLORE_ONLY_PCT;
    return seed & 1;
}

static void execute(const explore_model *m, enum chooser_kind kind, uint64_t seed)
{
    struct chooser *c = &E->chooser;
    chooser_begin(c, kind, seed);
    if (kind == DFS || kind == REPLAY) {
        c->spurious = m->flags & EXPLORE_SPURIOUS;
        c->early = false;
    }
    if (m->flags & EXPLORE_LAZY_CLOCK)
        c->early = false;
    E->seed = seed;
    engine_execute(m);
}

/* How long the executions are that PCT shall disturb: as the first random one. */
static void calibrate(const explore_model *m)
{
    E->expected_steps = 0;
    execute(m, RANDOM, 0);
    E->expected_steps = E->steps;
}

static void execute_seed(const explore_model *m, uint64_t seed)
{
    execute(m, is_pct(m, seed) ? PCT : RANDOM, seed);
}

explore_result explore_once(const explore_model *m, uint64_t seed)
{
    engine_init();
    region_snapshot();
    calibrate(m);
    execute_seed(m, seed);
    explore_result r = {E->failed, "", E->trace, E->steps};
    if (r.failed)
        memcpy(r.message, E->message, sizeof r.message);
    region_restore();
    E->model = NULL;
    return r;
}

/* ---- report ---------------------------------------------------------------------------------- */

static void print_thread(const struct vthread *t)
{
    printf("      %-12s ", t->what->name);
    if (t->done) {
        printf("has returned\n");
        return;
    }
    printf("%s", E->asleep & BIT(t->index) ? "sleeps: " : "is at: ");
    printf("%s %p, %s:%d %s()", op_name(t->op), t->address, t->where.file ? t->where.file : "os.h",
           t->where.line, t->where.function ? t->where.function : "");
    if (E->asleep & BIT(t->index) && t->deadline != WEIR_NEVER)
        printf(", until %lld", (long long)t->deadline);
    if (t->stores)
        printf(", %u stores pending", t->stores);
    printf("\n");
}

static void print_failure(const explore_model *m, enum chooser_kind kind, uint64_t seed)
{
    static const char *const kinds[] = {"random", "PCT", "DFS", "replay"};
    printf("\n    %s: %s\n    %s, seed %llu, step %lu%s\n", m->name, E->message, kinds[kind],
           (unsigned long long)seed, E->steps, E->phase == CHECKING ? ", in check()" : "");
    for (unsigned i = 0; i < E->n; i++)
        print_thread(&E->threads[i]);
    if (kind == DFS && E->chooser.recorded <= 200) {
        printf("    again: test_explorer %s --trace --choices ", m->name);
        for (size_t i = 0; i < E->chooser.recorded; i++)
            printf("%s%u", i ? "," : "", E->chooser.record[i]);
        printf("\n");
    } else if (kind != DFS && kind != REPLAY) {
        printf("    again: test_explorer %s --trace --seed %llu\n", m->name,
               (unsigned long long)seed);
    }
}

/* ---- the set of traces seen ------------------------------------------------------------------ */

struct traces {
    uint64_t *table;
    size_t size, n;
};

static void traces_put(struct traces *s, uint64_t trace)
{
    trace |= trace == 0;
    for (size_t i = trace & (s->size - 1);; i = (i + 1) & (s->size - 1)) {
        if (s->table[i] == trace)
            return;
        if (s->table[i] == 0) {
            s->table[i] = trace;
            s->n++;
            return;
        }
    }
}

static void traces_add(struct traces *s, uint64_t trace)
{
    if (2 * s->n >= s->size) {
        struct traces larger = {NULL, s->size ? 2 * s->size : 1024, 0};
        larger.table = calloc(larger.size, sizeof *larger.table);
        if (!larger.table)
            exit(EXIT_FAILURE);
        for (size_t i = 0; i < s->size; i++)
            if (s->table[i])
                traces_put(&larger, s->table[i]);
        free(s->table);
        *s = larger;
    }
    traces_put(s, trace);
}

/* ---- many executions ------------------------------------------------------------------------- */

struct exploration {
    const explore_model *model;
    bool wanted; /* a failure is */
    unsigned long executions, steps;
    bool found, wrong;
    enum chooser_kind kind;
    uint64_t seed;
    struct traces traces;
    struct timespec began;
};

static unsigned long seeds_wanted(void)
{
    const char *text = getenv("WEIR_SEEDS");
    unsigned long n = text ? strtoul(text, NULL, 10) : 0;
    return n ? n : DEFAULT_SEEDS;
}

/* False: no more executions are needed. */
static bool take_result(struct exploration *x, enum chooser_kind kind, uint64_t seed)
{
    const explore_model *m = x->model;
    x->executions++;
    x->steps += E->steps;
    traces_add(&x->traces, E->trace);
    if (!E->failed)
        return true;
    x->found = true;
    x->kind = kind;
    x->seed = seed;
    x->wrong = !x->wanted || (m->expect && !strstr(E->message, m->expect)) ||
               strstr(E->message, "explorer: ") != NULL;
    return false;
}

static void explore_seeds(struct exploration *x)
{
    unsigned long n = seeds_wanted();
    calibrate(x->model);
    for (uint64_t seed = 0; seed < n; seed++) {
        test_goes_on(); /* a slow machine is no hang */
        execute_seed(x->model, seed);
        if (!take_result(x, is_pct(x->model, seed) ? PCT : RANDOM, seed))
            return;
    }
}

static void explore_all(struct exploration *x)
{
    E->chooser.length = 0;
    do {
        test_goes_on();
        execute(x->model, DFS, 0);
        if (!take_result(x, DFS, x->executions))
            return;
    } while (chooser_next_path(&E->chooser) && x->executions < MAX_DFS);
}

/* The same seed has to give the same execution, or something is not put back in between. */
static bool repeats(const explore_model *m)
{
    uint64_t traces[2];
    for (int i = 0; i < 2; i++) {
        execute_seed(m, 1);
        traces[i] = E->trace;
    }
    return traces[0] == traces[1];
}

static void summary(const struct exploration *x)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds =
        (double)(now.tv_sec - x->began.tv_sec) + (double)(now.tv_nsec - x->began.tv_nsec) / 1e9;
    printf("\n    %lu %s, %lu steps, %zu distinct, %.0f/s ", x->executions,
           x->model->flags & EXPLORE_DFS ? "executions" : "seeds", x->steps, x->traces.n,
           (double)x->executions / seconds);
}

static void expect(const explore_model *m, bool holds, const char *what)
{
    test_true((test_place){m->file, m->line}, holds, what, false);
}

void explore_test(const explore_model *m)
{
    struct exploration x = {.model = m, .wanted = m->mutation || m->expect};
#if defined(WEIR_ASAN)
    if (m->mutation) { /* what it does to memory would end the program */
        printf("skipped under AddressSanitizer ");
        return;
    }
#endif
    engine_init();
    region_snapshot();
    clock_gettime(CLOCK_MONOTONIC, &x.began);
    if (m->flags & EXPLORE_DFS)
        explore_all(&x);
    else
        explore_seeds(&x);
    if (x.found && x.wrong) {
        print_failure(m, x.kind, x.seed);
    } else {
        summary(&x);
        if (x.found)
            printf("\n    found: %s (%s %llu) ", E->message, x.kind == DFS ? "execution" : "seed",
                   (unsigned long long)x.seed);
    }
    bool same = m->flags & EXPLORE_DFS || repeats(m);
    region_restore();
    E->model = NULL;
    free(x.traces.table);
    expect(m, same, "the same seed gives the same execution");
    expect(m, !(x.found && x.wrong), "no failure but the expected one");
    expect(m, x.found || !x.wanted, "the explorer finds the failure");
    if (m->executions)
        test_equal((test_place){m->file, m->line}, "executions", test_unsigned(x.executions),
                   test_unsigned(m->executions), false);
}

/* ---- replay ---------------------------------------------------------------------------------- */

static void read_choices(const char *text)
{
    struct chooser *c = &E->chooser;
    chooser_begin(c, DFS, 0);
    while (*text && c->recorded < RECORDED) {
        char *end;
        c->record[c->recorded++] = (uint8_t)strtoul(text, &end, 10);
        if (end == text)
            break;
        text = *end == ',' ? end + 1 : end;
    }
}

static const explore_model *model_named(const char *name)
{
    for (const explore_model *m = models; m; m = m->next)
        if (strcmp(m->name, name) == 0)
            return m;
    fprintf(stderr, "no model is named %s\n", name);
    return NULL;
}

int explore_replay(int argc, char **argv)
{
    const char *name = NULL, *choices = NULL, *seed = NULL;
    bool tracing = false, asked = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            asked = (seed = argv[++i]) != NULL;
        else if (strcmp(argv[i], "--choices") == 0 && i + 1 < argc)
            asked = (choices = argv[++i]) != NULL;
        else if (strcmp(argv[i], "--trace") == 0)
            asked = tracing = true;
        else
            name = argv[i];
    }
    if (!asked)
        return -1;
    const explore_model *m = name ? model_named(name) : NULL;
    if (!m)
        return 2;
    engine_init();
    region_snapshot();
    enum chooser_kind kind = REPLAY;
    uint64_t number = seed ? strtoull(seed, NULL, 10) : 0;
    if (choices) {
        read_choices(choices);
        E->tracing = tracing;
        execute(m, REPLAY, 0);
    } else {
        kind = is_pct(m, number) ? PCT : RANDOM;
        calibrate(m);
        E->tracing = tracing;
        execute_seed(m, number);
    }
    if (E->failed)
        print_failure(m, kind, number);
    else
        printf("%s: %lu steps, no failure\n", m->name, E->steps);
    return E->failed;
}

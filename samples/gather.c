/* SPDX-License-Identifier: MIT */
/* gather.c - several bodies at once, on all processors: results in the order of the jobs. */
#include <stdio.h>

#include <weir/weir.h>

/* How many primes there are below *limit. It computes, and never waits. */
static int count_primes(void *arg)
{
    const int *limit = arg;
    int count = 0;
    for (int n = 2; n < *limit; n++) {
        int d = 2;
        while (d <= n / d && n % d)
            d++;
        count += d > n / d;
    }
    return count;
}

struct square {
    int of, is;
};

static int square(void *arg)
{
    struct square *s = arg; /* the item of the array itself */
    s->is = s->of * s->of;
    return 0;
}

static int app(void *unused)
{
    int ten = 10, hundred = 100, thousand = 1000, rc;
    (void)unused;
    weir_job jobs[] = {WEIR_JOB(count_primes, &thousand, .name = "long"),
                       WEIR_JOB(count_primes, &ten), WEIR_JOB(count_primes, &hundred)};
    if ((rc = weir_gather(jobs, 3)) < 0)
        return rc; /* of the first that failed; the others were cancelled */
    printf("below 1000, 10, 100: %d, %d, %d primes\n", jobs[0].result, jobs[1].result,
           jobs[2].result);

    struct square squares[] = {{.of = 3}, {.of = 4}, {.of = 5}};
    if ((rc = weir_map(square, squares, 3)) < 0)
        return rc;
    printf("%d + %d = %d\n", squares[0].is, squares[1].is, squares[2].is);
    return 0;
}

int main(void)
{
    return weir_run(app, NULL, NULL) < 0;
}

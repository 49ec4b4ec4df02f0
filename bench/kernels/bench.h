/* What every program of the bench shares: work is timed inside the guest, and its result printed.

   usage: program SCALE REPEATS; prints the result, then the nanoseconds of each repetition. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOINLINE __attribute__((noinline))

/* defined by the program: does the work and returns what all builds must agree on */
static double work(long scale);

static uint64_t bench_seed = 88172645463325252u;

/* xorshift64: the same numbers everywhere */
static inline uint64_t bench_random(void)
{
    uint64_t x = bench_seed;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return bench_seed = x;
}

static int64_t bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(int argc, char **argv)
{
    double (*volatile run)(long) = work;
    long scale = argc > 1 ? atol(argv[1]) : 1;
    int repeats = argc > 2 ? atoi(argv[2]) : 1;
    for (int i = 0; i < repeats; i++) {
        bench_seed = 88172645463325252u;
        int64_t start = bench_now();
        double result = run(scale);
        int64_t end = bench_now();
        if (i == 0)
            printf("%.10g", result);
        printf(" %lld", (long long)(end - start));
    }
    printf("\n");
    return 0;
}

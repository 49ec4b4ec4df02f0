/* Counts primes by trial division: integer division and a short inner loop. */
#include "bench.h"

static NOINLINE int is_prime(unsigned n)
{
    if (n < 2)
        return 0;
    for (unsigned d = 2; d * d <= n; d++)
        if (n % d == 0)
            return 0;
    return 1;
}

static double work(long scale)
{
    unsigned count = 0;
    for (unsigned n = 0; n < (unsigned)scale * 1000; n++)
        count += is_prime(n);
    return count;
}

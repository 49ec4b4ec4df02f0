/* The sieve of Eratosthenes: byte stores at a stride, then a counting loop. */
#include "bench.h"

static NOINLINE unsigned sieve(unsigned char *composite, unsigned n)
{
    unsigned count = 0;
    memset(composite, 0, n);
    for (unsigned i = 2; i * i < n; i++)
        if (!composite[i])
            for (unsigned j = i * i; j < n; j += i)
                composite[j] = 1;
    for (unsigned i = 2; i < n; i++)
        count += !composite[i];
    return count;
}

static double work(long scale)
{
    const unsigned n = 200000;
    unsigned char *composite = malloc(n);
    double total = 0;
    for (long i = 0; i < scale; i++)
        total += sieve(composite, n - (unsigned)i);
    free(composite);
    return total;
}

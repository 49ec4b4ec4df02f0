/* Fibonacci numbers by plain recursion: nothing but calls. */
#include "bench.h"

static NOINLINE unsigned fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static double work(long scale)
{
    return fib((unsigned)scale);
}

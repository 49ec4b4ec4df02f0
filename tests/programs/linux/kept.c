/* Registers that calls preserve, however the calls end: values live over calls, in functions that
   save few registers, many or none; recursive ones, deeper than any Wasm stack; left by longjmp, by
   a handler, at a system call; reached by tail calls and through pointers. */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
typedef uint64_t u64;

static volatile unsigned deep = 3; /* how deep, and when to do something unusual */
static jmp_buf out;
static volatile sig_atomic_t caught;

static NOINLINE u64 mix(u64 a, u64 b)
{
    a = (a ^ b) * 0x9e3779b97f4a7c15u;
    return a ^ a >> 29;
}

static void handler(int number)
{
    caught += number;
}

/* keeps nothing itself: whatever its callee leaves is what its caller finds */
static NOINLINE u64 few(u64 a);
static NOINLINE u64 many(u64 a, u64 b, u64 c, u64 d, unsigned n);
static NOINLINE u64 tail(u64 a, unsigned n);

static NOINLINE u64 through(u64 (*f)(u64), u64 a)
{
    return f(a) + 1;
}

static NOINLINE u64 few(u64 a)
{
    return mix(a, 11) + 3;
}

static NOINLINE u64 one(u64 a, unsigned n)
{
    u64 keep = mix(a, n);
    if (n == 0)
        return keep;
    u64 got = one(a + 1, n - 1);
    if (n % 1000 == 7) {
        raise(SIGUSR1);
        got += (u64)caught;
    }
    return mix(keep, got);
}

static NOINLINE u64 many(u64 a, u64 b, u64 c, u64 d, unsigned n)
{
    u64 e = mix(a, b), f = mix(c, d), g = mix(a, d), h = mix(b, c), i = e ^ n, j = f + n;
    for (unsigned k = 0; k < n % 3 + 1; k++) {
        if (n > 0) {
            u64 got = k & 1 ? tail(a + k, n - 1) : many(b, c, d, a, n / 2);
            e = mix(e, got);
            a += few(f);
        }
        i = mix(i, through(few, g));
    }
    if (n == 5 && deep == 77)
        longjmp(out, 1);
    return mix(mix(mix(e, f), mix(g, h)), mix(mix(i, j), mix(a, mix(b, mix(c, d)))));
}

static NOINLINE u64 tail(u64 a, unsigned n)
{
    if (n & 1)
        return one(a, n);
    return many(a, a + 1, a + 2, a + 3, n / 2);
}

/* saves registers on one way only */
static NOINLINE u64 sometimes(u64 a, unsigned n)
{
    if (n < 4)
        return a;
    u64 b = mix(a, 1), c = mix(a, 2);
    u64 d = sometimes(b, n - 1), e = sometimes(c, n - 2);
    return mix(d ^ b, e ^ c) + (getpid() > 0);
}

static NOINLINE u64 even(u64 a, unsigned n);

static NOINLINE u64 odd(u64 a, unsigned n)
{
    u64 b = a * 3;
    return n ? mix(b, even(a + 1, n - 1)) : b;
}

static NOINLINE u64 even(u64 a, unsigned n)
{
    u64 b = a * 5, c = a ^ 77;
    return n ? mix(b, odd(a + 1, n - 1)) ^ c : c;
}

static NOINLINE double floats(double a, unsigned n)
{
    double b = a * 1.25, c = a - 3;
    if (n)
        b += floats(c, n - 1) * 0.5;
    return n % 50 == 49 ? b / (c - c) * 0 + a : b + c; /* NaNs: some blocks begin anew */
}

static NOINLINE u64 jumps(unsigned n)
{
    volatile u64 sum = 0;
    for (volatile unsigned i = 0; i < n; i++) {
        deep = i % 3 == 2 ? 3 : 77;
        if (setjmp(out))
            sum += i * 1000;
        else
            sum = mix(sum, many(i, 2, 3, 4, 40 + i));
    }
    deep = 3;
    return sum;
}

int main(void)
{
    signal(SIGUSR1, handler);
    u64 keep = deep, more = deep * 7;
    for (unsigned n = 0; n < 60; n += 7) {
        keep = mix(keep, many(n, keep, more, 9, n));
        more += few(keep) ^ tail(more, n);
    }
    printf("many %llx %llx\n", (unsigned long long)keep, (unsigned long long)more);
    printf("sometimes %llx\n", (unsigned long long)sometimes(keep, 18 + deep));
    printf("one %llx\n", (unsigned long long)(one(more, 30000) ^ one(keep, 1000)));
    printf("even %llx\n", (unsigned long long)even(more, 40001));
    printf("jumps %llx\n", (unsigned long long)jumps(12));
    double f = floats(deep * 1.5, 2000);
    u64 bits;
    memcpy(&bits, &f, sizeof bits);
    printf("floats %llx, %d\n", (unsigned long long)bits, (int)caught);
    printf("end %llx %llx\n", (unsigned long long)keep, (unsigned long long)more);
    return 0;
}

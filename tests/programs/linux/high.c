/* High halves of products: umulh and smulh of edges, of random numbers and with constants. */
#include <stdint.h>
#include <stdio.h>

typedef uint64_t u64;

static inline u64 umulh(u64 a, u64 b)
{
    u64 r;
    __asm__ volatile("umulh %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

static inline u64 smulh(u64 a, u64 b)
{
    u64 r;
    __asm__ volatile("smulh %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* the constant is in the block, so that it is known to be one */
#define BY(how, to, value, number)                                                                 \
    __asm__ volatile("mov x9, #" number "\n\t" how " %0, %1, x9" : "=r"(to) : "r"(value) : "x9")

static const u64 EDGES[] = {
    0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
    0x8000000000000000, 0xffffffff00000000, 0xffffffff00000001, 0x80000000ffffffff,
    0xffffffffffffffff, 0xfffffffffffffffe, 0x8000000000000001, 0x123456789abcdef,
};

static u64 constants(u64 x)
{
    u64 h = 0, r;
    BY("smulh", r, x, "-1"); h = h * 31 + r;
    BY("smulh", r, x, "0x7fff000000000000"); h = h * 31 + r;
    BY("smulh", r, x, "-0x100000000"); h = h * 31 + r;
    BY("smulh", r, x, "0xffff0000"); h = h * 31 + r;
    BY("umulh", r, x, "-1"); h = h * 31 + r;
    BY("umulh", r, x, "0x8000000000000000"); h = h * 31 + r;
    BY("umulh", r, x, "0xffff0000"); h = h * 31 + r;
    BY("umulh", r, x, "-0x100000000"); h = h * 31 + r;
    return h;
}

int main(void)
{
    u64 h = 0, x = 88172645463325252u;
    for (unsigned i = 0; i < 16; i++) {
        for (unsigned j = 0; j < 16; j++)
            h = h * 31 + umulh(EDGES[i], EDGES[j]) * 7 + smulh(EDGES[i], EDGES[j]);
        printf("%llx %llx\n", (unsigned long long)h, (unsigned long long)constants(EDGES[i]));
    }
    for (unsigned i = 0; i < 100000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        u64 y = x * 0x9e3779b97f4a7c15u >> (i & 63), z = x >> (i * 7 & 63);
        h = h * 31 + umulh(y, z);
        h = h * 31 + smulh(y, z) + smulh(~y, z) + umulh(y, ~z) + umulh(y, y) + smulh(z, z);
        h = h * 31 + y / 10 + (u64)((int64_t)y / 7) + y % 1000003 + constants(z);
    }
    printf("%llx\n", (unsigned long long)h);
    return 0;
}

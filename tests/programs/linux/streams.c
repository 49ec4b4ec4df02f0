/* Loops that make an array of others (rule wide-stream): every distance between the arrays, every
   length, what is in registers afterwards, NaNs anywhere, and how far one comes that runs into a page
   it may not read or write. */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define ROOM 1024
static unsigned char buffer[ROOM] __attribute__((aligned(64)));
static unsigned char pattern[ROOM];

struct left { uint64_t to, a, b, count, flags, loaded[2]; };
typedef void loop(struct left *left, uint64_t factor);

/* x9: where to; x10, x11: where from; x12: how many, or an end or an index; x14, x15: free;
   x16: a number, as d4 and in w16; q0 is looked at afterwards */
#define LOOP(name, before, body)                                                                   \
    static __attribute__((noinline)) void name(struct left *left, uint64_t factor)                 \
    {                                                                                              \
        register uint64_t x9 __asm__("x9") = left->to, x10 __asm__("x10") = left->a;               \
        register uint64_t x11 __asm__("x11") = left->b, x12 __asm__("x12") = left->count;          \
        register uint64_t x13 __asm__("x13"), x16 __asm__("x16") = factor;                         \
        register uint64_t *x17 __asm__("x17") = left->loaded;                                      \
        __asm__ volatile("fmov d4, x16\n movi v0.2d, #0\n" before "\n1:\n" body                    \
                         "\n\tmrs x13, nzcv\n str q0, [x17]\n"                                     \
                         : "+r"(x9), "+r"(x10), "+r"(x11), "+r"(x12), "=r"(x13)                    \
                         : "r"(x16), "r"(x17)                                                      \
                         : "x14", "x15", "v0", "v1", "v2", "v4", "cc", "memory");                  \
        *left = (struct left){x9, x10, x11, x12, x13, {left->loaded[0], left->loaded[1]}};         \
    }
#define DOWN "\n subs x12, x12, #1\n b.ne 1b"

LOOP(copy_bytes, "", "ldrb w14, [x10], #1\n strb w14, [x9], #1" DOWN)
LOOP(copy_halves, "", "ldrh w14, [x10], #2\n strh w14, [x9], #2" DOWN)
LOOP(copy_words, "", "ldr w14, [x10], #4\n str w14, [x9], #4" DOWN)
LOOP(copy_longs, "", "ldr x14, [x10], #8\n str x14, [x9], #8" DOWN)
LOOP(copy_doubles, "", "ldr d0, [x10], #8\n str d0, [x9], #8" DOWN)
LOOP(copy_singles, "", "ldr s0, [x10], #4\n str s0, [x9], #4" DOWN)
LOOP(add_bytes, "", "ldrb w14, [x10], #1\n ldrb w15, [x11], #1\n add w14, w14, w15, lsl #2\n"
     " strb w14, [x9], #1" DOWN)
LOOP(signed_bytes, "", "ldrsb x14, [x10], #1\n sub x14, x14, x16\n eor x14, x14, #0x80\n"
     " strb w14, [x9], #1" DOWN)
LOOP(mul_halves, "", "ldrsh w14, [x10], #2\n ldrh w15, [x11], #2\n madd w14, w14, w15, w16\n"
     " strh w14, [x9], #2" DOWN)
LOOP(shift_words, "", "ldr w14, [x10], #4\n lsr w15, w14, #7\n eor w15, w15, w14, asr #30\n"
     " str w15, [x9], #4" DOWN)
LOOP(mul_longs, "", "ldr x14, [x10], #8\n ldrsw x15, [x11], #8\n asr x15, x14, #63\n"
     " madd x14, x14, x16, x15\n str x14, [x9], #8" DOWN)
LOOP(shift_longs, "", "ldr x14, [x10], #8\n asr x15, x14, #63\n madd x14, x14, x16, x15\n"
     " orr x14, x14, x16, lsl #9\n str x14, [x9], #8" DOWN)
LOOP(low_words, "", "ldrsw x14, [x10], #4\n ldr w15, [x11], #4\n mul x14, x14, x15\n"
     " sub x14, x14, x16\n str w14, [x9], #4" DOWN)
LOOP(fused, "", "ldr d0, [x10], #8\n ldr d1, [x9]\n fmadd d0, d4, d0, d1\n str d0, [x9], #8" DOWN)
LOOP(fused_off, "mov x14, #0\n", "ldr d1, [x10, x14, lsl #3]\n ldr d2, [x9, x14, lsl #3]\n"
     " fmsub d0, d4, d1, d2\n str d0, [x9, x14, lsl #3]\n add x14, x14, #1\n cmp x14, x12\n b.lt 1b")
LOOP(several, "mov x14, #0\n", "ldr d0, [x10, x14]\n ldr d1, [x11, x14]\n fmul d2, d0, d1\n"
     " fadd d0, d0, d4\n fdiv d0, d2, d0\n fsqrt d1, d1\n fsub d0, d0, d1\n fneg d0, d0\n"
     " str d0, [x9, x14]\n add x14, x14, #8\n cmp x14, x12, lsl #3\n b.lo 1b")
LOOP(singles, "fcvt s4, d4\n", "ldr s0, [x10], #4\n ldr s1, [x11], #4\n fmul s0, s0, s4\n fabs s1, s1\n"
     " fadd s0, s0, s1\n str s0, [x9], #4" DOWN)
LOOP(halved, "fmov d1, #0.5\n", "ldr d0, [x10], #8\n fmul d0, d0, d1\n str d0, [x9], #8" DOWN)
LOOP(at_least, "", "ldr d0, [x10], #8\n fadd d0, d0, d4\n str d0, [x9], #8\n subs x12, x12, #1\n"
     " b.gt 1b")
LOOP(short_count, "", "ldr w14, [x10], #4\n add w14, w14, w16\n str w14, [x9], #4\n"
     " subs w12, w12, #1\n b.hs 2f\n2: cbnz w12, 1b")
LOOP(negative, "neg x12, x12\n", "ldr d0, [x10], #8\n fadd d0, d0, d4\n str d0, [x9], #8\n"
     " adds x12, x12, #1\n b.mi 1b")
LOOP(negated, "mov x14, #0\n neg x12, x12\n", "ldr d0, [x10, x14, lsl #3]\n fmul d0, d0, d4\n"
     " str d0, [x9, x14, lsl #3]\n add x14, x14, #1\n cmn x12, x14\n b.ne 1b")
LOOP(unsigned_end, "add x12, x10, x12, lsl #3\n", "ldr x14, [x10], #8\n eor x14, x14, x16\n"
     " str x14, [x9], #8\n cmp x12, x10\n b.hi 1b")
LOOP(or_same, "add x12, x10, x12, lsl #2\n sub x12, x12, #4\n", "ldr w14, [x10], #4\n add w14, w14, #9\n"
     " str w14, [x9], #4\n cmp x10, x12\n b.ls 1b")
/* not such loops, though nearly */
LOOP(backwards, "", "ldrb w14, [x10], #-1\n strb w14, [x9], #-1" DOWN)
LOOP(reversed, "", "ldrb w14, [x10], #-1\n strb w14, [x9], #1" DOWN)
LOOP(other_strides, "", "ldrb w14, [x10], #2\n strb w14, [x9], #1" DOWN)
LOOP(summed, "", "ldr x14, [x10], #8\n add x11, x11, x14\n str x11, [x9], #8" DOWN)
LOOP(chained, "fmov d1, d4\n", "ldr d0, [x10], #8\n fadd d1, d1, d0\n str d1, [x9], #8" DOWN)
LOOP(next_one, "", "ldr d0, [x9]\n fadd d0, d0, d4\n str d0, [x9, #8]!" DOWN)
LOOP(counting, "", "ldrb w14, [x10], #1\n add w14, w14, w12\n strb w14, [x9], #1" DOWN)
LOOP(narrowing, "", "ldr w14, [x10], #4\n lsr w14, w14, #16\n strh w14, [x9], #4" DOWN)
LOOP(until_zero, "", "ldrb w14, [x10], #1\n strb w14, [x9], #1\n subs x12, x12, #1\n"
     " ccmp w14, #7, #4, ne\n b.ne 1b")

static const struct { const char *name; loop *run; int size; } LOOPS[] = {
#define ROW(name, size) {#name, name, size}
    ROW(copy_bytes, 1), ROW(copy_halves, 2), ROW(copy_words, 4), ROW(copy_longs, 8),
    ROW(copy_doubles, 8), ROW(copy_singles, 4), ROW(add_bytes, 1), ROW(signed_bytes, 1),
    ROW(mul_halves, 2), ROW(shift_words, 4), ROW(mul_longs, 8), ROW(shift_longs, 8),
    ROW(low_words, 4), ROW(fused, 8), ROW(fused_off, 8), ROW(several, 8), ROW(singles, 4),
    ROW(halved, 8), ROW(at_least, 8), ROW(short_count, 4), ROW(negative, 8), ROW(negated, 8),
    ROW(unsigned_end, 8), ROW(or_same, 4), ROW(backwards, 1), ROW(reversed, 1),
    ROW(other_strides, 1), ROW(summed, 8), ROW(chained, 8), ROW(next_one, 8), ROW(counting, 1),
    ROW(narrowing, 4), ROW(until_zero, 1),
};
#define LOOP_COUNT (sizeof LOOPS / sizeof *LOOPS)

static uint64_t hash;

static void take(uint64_t value)
{
    hash = (hash ^ value) * 1099511628211u;
    hash ^= hash >> 29;
}

static void run(loop *of, unsigned to, unsigned a, unsigned b, unsigned count, double factor)
{
    struct left left = {.to = (uint64_t)buffer + to, .a = (uint64_t)buffer + a,
                        .b = (uint64_t)buffer + b, .count = count};
    uint64_t bits;
    memcpy(&bits, &factor, 8);
    memcpy(buffer, pattern, ROOM);
    of(&left, bits);
    uint64_t found[] = {left.to, left.a, left.b, left.count};
    for (int i = 0; i < 4; i++)
        take(found[i] - (uint64_t)buffer < ROOM ? found[i] - (uint64_t)buffer : found[i] & 0xfff);
    take(left.flags);
    take(left.loaded[0]);
    take(left.loaded[1]);
    for (unsigned at = 0; at < ROOM; at += 8) {
        memcpy(&bits, buffer + at, 8);
        take(bits);
    }
}

static void fill(unsigned kind)
{
    uint64_t state = 88172645463325252u + kind;
    for (unsigned at = 0; at < ROOM; at += 8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        double number = (double)(int64_t)state / (1ll << 40);
        if (kind == 1)
            memcpy(pattern + at, &state, 8);
        else
            memcpy(pattern + at, &number, 8);
    }
}

static void special(unsigned at, unsigned which, int size)
{
    static const uint64_t WIDE[] = {0x7ff8000000000123, 0xfff0000000000456, 0x7ff0000000000000,
                                    0xfff0000000000000, 0x8000000000000000};
    static const uint32_t NARROW[] = {0x7fc00123, 0xff800456, 0x7f800000, 0xff800000, 0x80000000};
    if (size == 8)
        memcpy(pattern + at, &WIDE[which], 8);
    else
        memcpy(pattern + at, &NARROW[which], 4);
}

static sigjmp_buf back;
static unsigned char *volatile where;

static void caught(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    where = info->si_addr;
    siglongjmp(back, 1);
}

static void faults(void)
{
    enum { SIZE = 0x30000, EDGE = 0x20000 };
    struct sigaction act = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &act, 0);
    unsigned char *pages = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (unsigned which = 0; which < 24; which++) {
        unsigned size = (unsigned)LOOPS[which].size;
        for (unsigned skew = 0; skew < 40 * size; skew += 3 * size) {
            for (int reading = 0; reading < 2; reading++) {
                mprotect(pages, SIZE, PROT_READ | PROT_WRITE);
                memset(pages, 0x55, SIZE);
                mprotect(pages + EDGE, SIZE - EDGE, PROT_NONE);
                uint64_t edge = (uint64_t)pages + EDGE - 40 * size - skew;
                uint64_t other = (uint64_t)pages + 0x1000 + 8 * (skew % 5);
                struct left left = {.to = reading ? other : edge, .a = reading ? edge : other,
                                    .b = other + 0x4000, .count = 0x200};
                where = 0;
                if (!sigsetjmp(back, 1))
                    LOOPS[which].run(&left, 0x3ff8000000000000);
                take((uint64_t)(where - (pages + EDGE)));
                for (unsigned at = 0; at < EDGE; at += 8) {
                    uint64_t bits;
                    memcpy(&bits, pages + at, 8);
                    if (bits != 0x5555555555555555)
                        take(bits ^ at);
                }
            }
        }
        printf("%s at the edge %016llx\n", LOOPS[which].name, (unsigned long long)hash);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "faults")) {
        faults();
        return 0;
    }
    for (unsigned i = 0; i < LOOP_COUNT; i++) {
        unsigned size = (unsigned)LOOPS[i].size;
        hash = 0;
        for (unsigned kind = 0; kind < 2; kind++) {
            fill(kind);
            for (int apart = -72; apart <= 72; apart++)
                run(LOOPS[i].run, (unsigned)(320 + apart), 320, 250, 2 + (unsigned)(apart & 15), 1.5);
            for (unsigned count = 1; count < 40; count++)
                run(LOOPS[i].run, 600, 130 + count, 160, count, -0.25);
        }
        if (size >= 4) {
            for (unsigned which = 0; which < 5; which++) {
                for (unsigned at = 0; at < 20; at++) {
                    fill(0);
                    special(200 + at * size, which, (int)size);
                    run(LOOPS[i].run, 600, 200, 400, 21, 3);
                    special(600 + (at + 1) % 20 * size, (which + at) % 5, (int)size);
                    special(400 + at / 2 * size, (which + 1) % 5, (int)size);
                    run(LOOPS[i].run, 600, 200, 400, 21, -3);
                }
            }
        }
        printf("%s %016llx\n", LOOPS[i].name, (unsigned long long)hash);
    }
    return 0;
}

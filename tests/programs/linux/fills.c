/* Loops that fill memory with one value (rule wide-fill): every shape, length and alignment, what is
   in the registers afterwards, and how far one comes that runs into a page it may not write. */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define ROOM 512
static unsigned char buffer[ROOM + 64] __attribute__((aligned(64)));

struct left { uint64_t at, count, other, flags; };
typedef struct left loop(unsigned char *at, uint64_t count, uint64_t value);

/* ADDRESS in x9, COUNT or end in x10, VALUE in x11; x12 is whatever else the loop computes */
#define LOOP(name, before, body)                                                                   \
    static __attribute__((noinline)) struct left name(unsigned char *at, uint64_t count,           \
                                                      uint64_t value)                              \
    {                                                                                              \
        register uint64_t x9 __asm__("x9") = (uint64_t)at, x10 __asm__("x10") = count;             \
        register uint64_t x11 __asm__("x11") = value, x12 __asm__("x12") = 77, x13 __asm__("x13"); \
        __asm__ volatile(before "\n1:\n" body "\n\tmrs x13, nzcv\n"                                \
                         : "+r"(x9), "+r"(x10), "+r"(x11), "+r"(x12), "=r"(x13)                    \
                         :                                                                         \
                         : "x14", "cc", "memory");                                                 \
        return (struct left){x9, x10, x12, x13};                                                   \
    }

LOOP(bytes_down, "", "strb w11, [x9], #1\n subs x10, x10, #1\n b.ne 1b")
LOOP(bytes_first, "", "subs x10, x10, #1\n strb w11, [x9], #1\n b.ne 1b")
LOOP(bytes_short, "", "strb w11, [x9], #1\n subs w10, w10, #1\n b.ne 1b")
LOOP(bytes_cbnz, "", "sub w10, w10, #1\n strb wzr, [x9], #1\n cbnz w10, 1b")
LOOP(bytes_end, "add x10, x9, x10\n", "strb w11, [x9], #1\n cmp x9, x10\n b.ne 1b")
LOOP(bytes_eq, "add x10, x9, x10\n", "strb w11, [x9], #1\n cmp x10, x9\n b.eq 2f\n b 1b\n2:")
LOOP(bytes_index, "mov x12, #0\n", "strb w11, [x9, x12]\n add x12, x12, #1\n cmp x12, x10\n b.ne 1b")
LOOP(bytes_offset, "", "strb w11, [x9, #5]\n add x9, x9, #1\n sub x10, x10, #1\n cbnz x10, 1b")
LOOP(bytes_before, "", "sturb w11, [x9, #-3]\n add x9, x9, #1\n sub x10, x10, #1\n cbnz x10, 1b")
LOOP(bytes_by_three, "add x14, x10, x10, lsl #1\n",
     "strb w11, [x9], #1\n add x12, x12, #5\n subs x14, x14, #3\n b.ne 1b")
LOOP(halves, "", "strh w11, [x9], #2\n subs x10, x10, #1\n b.ne 1b")
LOOP(words, "", "str w11, [x9], #4\n subs x10, x10, #1\n b.ne 1b")
LOOP(words_end, "add x10, x9, x10, lsl #2\n", "str w11, [x9], #4\n cmp x9, x10\n b.ne 1b")
LOOP(doubles, "", "str x11, [x9], #8\n mov x12, x9\n subs x10, x10, #1\n b.ne 1b")
/* not such loops, though nearly */
LOOP(changing, "", "strb w11, [x9], #1\n add w11, w11, #1\n subs x10, x10, #1\n b.ne 1b")
LOOP(counter, "", "strb w10, [x9], #1\n subs x10, x10, #1\n b.ne 1b")
LOOP(striding, "", "strb w11, [x9], #2\n subs x10, x10, #1\n b.ne 1b")
LOOP(backwards, "add x9, x9, x10\n", "strb w11, [x9, #-1]!\n subs x10, x10, #1\n b.ne 1b")
LOOP(doubling, "", "strb w11, [x9], #1\n add x12, x12, x12\n subs x10, x10, #1\n b.ne 1b")
LOOP(signed_end, "", "strb w11, [x9], #1\n subs x10, x10, #1\n b.gt 1b")

static const struct { const char *name; loop *run; int size; } LOOPS[] = {
    {"bytes_down", bytes_down, 1},     {"bytes_first", bytes_first, 1},
    {"bytes_short", bytes_short, 1},   {"bytes_cbnz", bytes_cbnz, 1},
    {"bytes_end", bytes_end, 1},       {"bytes_eq", bytes_eq, 1},
    {"bytes_index", bytes_index, 1},   {"bytes_offset", bytes_offset, 1},
    {"bytes_before", bytes_before, 1}, {"bytes_by_three", bytes_by_three, 1},
    {"halves", halves, 2},             {"words", words, 4},
    {"words_end", words_end, 4},       {"doubles", doubles, 8},
    {"changing", changing, 1},         {"counter", counter, 1},
    {"striding", striding, 2},         {"backwards", backwards, 1},
    {"doubling", doubling, 1},         {"signed_end", signed_end, 1},
};

static uint64_t hash;

static void take(uint64_t value)
{
    hash = (hash ^ value) * 1099511628211u;
    hash ^= hash >> 29;
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

int main(int argc, char **argv)
{
    for (unsigned i = 0; i < sizeof LOOPS / sizeof *LOOPS; i++) {
        hash = 0;
        for (unsigned skew = 0; skew < 20; skew++) {
            for (unsigned count = 1; count < 80; count++) {
                if (count * (unsigned)LOOPS[i].size + skew > ROOM)
                    break;
                memset(buffer, 0x55, sizeof buffer);
                unsigned char *at = buffer + 8 + skew;
                struct left left = LOOPS[i].run(at, count, 0x0123456789abcdef + count);
                take(left.at - (uint64_t)buffer);
                take(left.count > ROOM ? left.count - (uint64_t)buffer : left.count);
                take(left.other > ROOM && i == 13 ? left.other - (uint64_t)buffer : left.other);
                take(left.flags);
                for (unsigned b = 0; b < sizeof buffer; b++)
                    take(buffer[b]);
            }
        }
        printf("%s %016llx\n", LOOPS[i].name, (unsigned long long)hash);
    }
    if (argc < 2 || strcmp(argv[1], "faults"))
        return 0;
    struct sigaction act = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &act, 0);
    unsigned char *pages =
        mmap(0, 0x20000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (unsigned skew = 0; skew < 40; skew += 3) {
        mprotect(pages + 0x10000, 0x10000, PROT_READ | PROT_WRITE);
        memset(pages, 0x55, 0x20000);
        mprotect(pages + 0x10000, 0x10000, PROT_NONE);
        if (!sigsetjmp(back, 1))
            bytes_down(pages + 0x10000 - 50 - skew, 0x1000, 7);
        unsigned filled = 0;
        while (filled < 0x10000 && pages[0xffff - filled] == 7)
            filled++;
        printf("%u: %u bytes, %d beyond\n", skew, filled, (int)(where - (pages + 0x10000)));
    }
    return 0;
}

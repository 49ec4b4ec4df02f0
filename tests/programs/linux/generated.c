// Code that is written at run time: trampolines of known forms, which run, and all else, which is refused.
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static sigjmp_buf back;
static void caught(int s) { siglongjmp(back, s); }

__attribute__((noinline, aligned(4096))) static int five(void) { return 5; }
__attribute__((noinline, aligned(4096))) static int six(void) { return 6; }
static int (*volatile call)(void) = five;

// what a nested function would be: its frame comes in the static chain
__attribute__((naked)) static long chain_x18(void) { __asm__("mov x0, x18\n ret"); }
__attribute__((naked)) static long chain_x9(void) { __asm__("mov x0, x9\n ret"); }
__attribute__((naked)) static long closure(void) { __asm__("ldr x0, [x17, #24]\n ret"); }

static void trampolines(uint32_t *at, const char *where) {
  static const struct { const char *name; uint32_t words[6]; int bytes, target, data; } known[] = {
    {"gcc", {0xd503245f, 0x580000b1, 0x580000d2, 0xd61f0220, 0xd5033f9f, 0xd5033fdf}, 24, 0, 32},
    {"older gcc", {0x58000091, 0x580000b2, 0xd61f0220}, 16, 0, 24},
    {"newer gcc", {0xd503245f, 0x580000b1, 0x580000c9, 0xd61f0220, 0xd503201f, 0xd503201f}, 24, 1, 32},
    {"libffi", {0x58000090, 0x10fffff1, 0xd61f0200}, 16, 2, 24},
  };
  long (*const targets[])(void) = {chain_x18, chain_x9, closure};
  for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
    memcpy(at, known[i].words, sizeof known[i].words);
    *(uint64_t *)((char *)at + known[i].bytes) = (uint64_t)targets[known[i].target];
    *(uint64_t *)((char *)at + known[i].data) = 4200 + i;
    __builtin___clear_cache((char *)at, (char *)(at + 16));
    long sum = 0;
    for (int n = 0; n < 100; n++) sum += ((long (*volatile)(void))(uintptr_t)at)();
    printf("%s, %s: %ld\n", where, known[i].name, sum);
  }
}

static uint32_t *page(int protection) {
  return mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void put_code(uint32_t *at) {
  at[0] = 0x52800540, at[1] = 0xd65f03c0;               // mov w0, #42; ret
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  const char *what = argc > 1 ? argv[1] : "";
  if (strstr(what, "-caught")) {
    signal(SIGILL, caught);
    if (sigsetjmp(back, 1)) return puts("SIGILL"), 0;
  }
  if (!*what) {
    uint32_t *open = page(7);
    trampolines(open, "page");
    uint32_t room[2048], *on_stack = (uint32_t *)(((uintptr_t)room + 4095) & ~4095ul);
    mprotect(on_stack, 4096, 7);
    trampolines(on_stack, "stack");
    // text that is opened and closed again as it was
    mprotect((void *)five, 4096, PROT_READ | PROT_WRITE);
    ((volatile uint32_t *)five)[0] = ((volatile uint32_t *)five)[0];
    mprotect((void *)five, 4096, PROT_READ | PROT_EXEC);
    __builtin___clear_cache((char *)five, (char *)five + 64);
    printf("%d %d\n", call(), six());
  } else if (!strncmp(what, "page", 4)) {
    uint32_t *open = page(7);
    put_code(open);
    __builtin___clear_cache((char *)open, (char *)(open + 2));
    puts("calling");
    printf("%d\n", ((int (*volatile)(void))(uintptr_t)open)());
  } else if (!strncmp(what, "closed", 6)) {
    uint32_t *writable = page(3);
    put_code(writable);
    mprotect(writable, 4096, PROT_READ | PROT_EXEC);
    printf("%d\n", ((int (*volatile)(void))(uintptr_t)writable)());
  } else if (!strncmp(what, "patch", 5)) {
    mprotect((void *)five, 4096, 7);
    put_code((uint32_t *)five);
    __builtin___clear_cache((char *)five, (char *)five + 8);
    printf("%d\n", call());
  } else if (!strncmp(what, "protect", 7)) {            // as a processor may not: nothing is invalidated
    mprotect((void *)five, 4096, PROT_READ | PROT_WRITE);
    put_code((uint32_t *)five);
    mprotect((void *)five, 4096, PROT_READ | PROT_EXEC);
    printf("%d\n", call());
  } else if (!strncmp(what, "over", 4)) {
    mmap((void *)five, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    put_code((uint32_t *)five);
    mprotect((void *)five, 4096, PROT_READ | PROT_EXEC);
    printf("%d\n", call());
  } else if (!strncmp(what, "middle", 6)) {             // where no jump that is translated leads
    printf("%d\n", ((int (*volatile)(void))((uintptr_t)call + 4))());
  }
  puts("went on");
  return 0;
}

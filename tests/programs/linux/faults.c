// What no program should do: bad addresses, bad code, a smashed stack; caught, and not.
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sigjmp_buf back;
static void caught(int s, siginfo_t *info, void *context) {
  char text[128];
  snprintf(text, sizeof text, "signal %d address %p", s, s == SIGILL ? NULL : info->si_addr);
  puts(text);
  (void)context;
  siglongjmp(back, s);
}
static volatile long zero;
__attribute__((noinline)) static int load(const int *p) { return *p; }
__attribute__((noinline)) static void store(char *p) { *p = 1; }
__attribute__((noinline)) static double deep(int n, const double *p) {
  volatile double room[20];
  room[n % 20] = n;
  return n ? deep(n - 1, p) + room[n % 20] : *p;
}
static unsigned char code[] = {0xc0, 0x03, 0x5f, 0xd6};
__attribute__((noinline)) static void jump(uintptr_t to) { ((void (*)(void))to)(); }
__attribute__((noinline)) static void illegal(void) { __asm__ volatile("udf #7"); }
__attribute__((noinline)) static int smash(long with) {
  volatile long *frame = __builtin_frame_address(0);
  frame[1] = with;
  return (int)frame[0];
}
static char other[32768];

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  const char *what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "null")) return load((int *)zero);
  if (!strcmp(what, "store")) return store((char *)0xfffffff0ul), 0;
  if (!strcmp(what, "call")) return jump((uintptr_t)zero), 0;
  if (!strcmp(what, "wild")) return jump(0x12345678), 0;
  if (!strcmp(what, "data")) return jump((uintptr_t)code), 0;
  if (!strcmp(what, "odd")) return jump((uintptr_t)load + 2), 0;
  if (!strcmp(what, "illegal")) return illegal(), 0;
  if (!strcmp(what, "trap")) __builtin_trap();
  if (!strcmp(what, "smash")) return smash(0x4141414141414140);
  if (!strcmp(what, "ignored")) return signal(SIGSEGV, SIG_IGN), load((int *)zero);
  if (!strcmp(what, "blocked")) {
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return load((int *)zero);
  }
  struct sigaction a = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &a, NULL);
  sigaction(SIGBUS, &a, NULL);
  sigaction(SIGILL, &a, NULL);
  int kept[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  volatile double sum = 0.5;
  for (volatile int i = 0; i < 8; i++) {
    int s = sigsetjmp(back, 1);
    if (!s) {
      if (i < 3) kept[i] += load((int *)(zero + i * 8));
      else if (i < 5) store((char *)(0xfff00000ul + (unsigned)i));
      else if (i < 7) sum += deep(i * 10, (double *)zero);
      else illegal();
      printf("never\n");
    }
    printf("%d: %d kept %d\n", i, s, kept[i]);
    sum += kept[i];
  }
  if (!sigsetjmp(back, 1)) jump(0x12345678);
  if (!sigsetjmp(back, 1)) jump((uintptr_t)zero);
  stack_t set = {.ss_sp = other, .ss_size = sizeof other};
  sigaltstack(&set, NULL);
  a.sa_flags |= SA_ONSTACK;
  sigaction(SIGSEGV, &a, NULL);
  for (volatile int i = 0; i < 100; i++)
    if (!sigsetjmp(back, 1)) deep(i, (double *)(zero + 16));
  printf("sum %g\n", sum);
  return 5;
}

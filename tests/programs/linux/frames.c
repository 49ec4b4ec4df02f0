// Frames and stacks that a hostile program forges: what rt_sigreturn, a jump and a handler make of each.
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { PAGE = 4096 };
static int which;
static char data[8192] __attribute__((aligned(16)));
struct fp { uint32_t magic, size, fpsr, fpcr; };
static void say(const char *s) { write(1, s, strlen(s)); }
static void landed(void) { say("landed\n"), _exit(7); }
__attribute__((naked, noinline)) static void stackless(void) { __asm__("mov x0, #9\n mov x8, #94\n svc #0"); }
static void forge(int s, siginfo_t *i, void *c) {
  ucontext_t *u = c;
  mcontext_t *m = &u->uc_mcontext;
  struct fp *f = (struct fp *)m->__reserved;
  switch (which) {
  case 3: m->pc = (uintptr_t)landed; break;
  case 4: m->pc = (uintptr_t)landed + 2; break;
  case 5: m->pc = (uintptr_t)data; break;
  case 6: m->pstate |= 0x5; break;
  case 7: m->sp = 8, m->pc = (uintptr_t)stackless; break;
  case 8: f->magic = 0x12345678; break;
  case 9: f->size = 0xffffffff; break;
  case 10: memset(&u->uc_sigmask, 0xff, sizeof u->uc_sigmask); break;
  case 11: u->uc_stack = (stack_t){.ss_sp = data, .ss_size = 16}; break;
  case 12: m->regs[19] = 0x1234567890, f->fpcr = 0, ((uint64_t *)(f + 1))[16] = 77; break;
  case 13: m->pc = ~0ull; break;
  case 14: m->pc = 0x123456780000; break;
  case 15: m->sp += 8, m->pc = (uintptr_t)stackless; break;
  case 16: f->magic = 0, f->size = 0; break;
  case 17: m->pstate = 0xf0000000; break;
  case 18: m->pstate |= 0x10; break;  // a 32-bit process
  case 19: f->size = 16; break;
  case 20: f->size = 0; break;
  }
}
static void bus(int s, siginfo_t *i, void *c) {
  char line[80];
  snprintf(line, sizeof line, "signal %d code %d offset %ld\n", s, i->si_code, s == SIGUSR1 ? 0 : (long)((uintptr_t)i->si_addr & (PAGE - 1)));
  say(line), _exit(8);
}
static void when(int s, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
  sigaction(s, &a, NULL);
}
static void with_stack(void *sp) { __asm__ volatile("mov sp, %0\n mov x8, #139\n svc #0\n brk #1" ::"r"(sp) : "memory", "x8"); }
__attribute__((noinline)) static int deep(int n) {
  volatile char a[2000];
  a[0] = (char)n, a[1999] = 1;
  return n ? deep(n - 1) + a[1999] : a[0];
}
static char *short_file(void) {
  int fd = open("short", O_RDWR | O_CREAT | O_TRUNC, 0600);
  write(fd, "abc", 3);
  char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, which % 2 ? MAP_SHARED : MAP_PRIVATE, fd, 0);
  close(fd), unlink("short");
  return p;
}
int main(int argc, char **argv) {
  which = argc > 1 ? atoi(argv[1]) : 0;
  char *page = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (which == 0) with_stack(page);                      // a frame of zeros
  if (which == 1) with_stack(page + 8);                  // not aligned
  if (which == 2) with_stack((void *)64);                // in no page
  if (which <= 20) {
    register uint64_t kept __asm__("x19") = 1;
    sigset_t now;
    when(SIGUSR1, forge, 0);
    __asm__ volatile("movi v8.2d, #0\n mov x8, #129\n mov x0, %1\n mov x1, #10\n svc #0" : "+r"(kept) : "r"((long)getpid()) : "x0", "x1", "x8", "v8", "memory");
    sigprocmask(SIG_SETMASK, NULL, &now);
    stack_t s;
    sigaltstack(NULL, &s);
    printf("went on: x19 %lx, blocked %d, stack %zu\n", kept, sigismember(&now, SIGTERM), s.ss_size);
    return 0;
  }
  static char other[32768];
  stack_t s = {.ss_sp = other, .ss_size = sizeof other};
  if (which & 1) sigaltstack(&s, NULL);
  when(SIGSEGV, bus, SA_ONSTACK), when(SIGBUS, bus, SA_ONSTACK);
  char *volatile p;
  switch (which) {
  case 22: case 23:                                      // the stack becomes read-only under the program
    p = (char *)((uintptr_t)&s & ~(uintptr_t)(PAGE - 1));
    mprotect(p - 8 * PAGE, 8 * PAGE, PROT_READ);
    return deep(40);
  case 24: case 25:                                      // a signal while the stack pointer is wild
    when(SIGUSR1, bus, SA_ONSTACK);
    __asm__ volatile("mov x8, #129\n mov x0, %0\n mov x1, #10\n mov sp, %1\n svc #0\n brk #1" ::"r"((long)getpid()), "r"(16l) : "x0", "x1", "x8", "memory");
    break;
  case 26: case 27: p = short_file(); say(p), p[100] = 1, say("\nwithin the page\n"), p[PAGE + 5] = 1; break;
  case 28: case 29: p = short_file(); printf("%d\n", p[2 * PAGE + 7]); break;
  case 30: case 31: {                                    // as a system call sees it
    int to[2];
    p = short_file(), pipe(to);
    printf("%zd %zd\n", write(to[1], p, 10), write(to[1], p + PAGE, 10));
    break;
  }
  case 32: case 33: {                                    // a jump buffer that was written over
    jmp_buf b;
    if (!setjmp(b)) memset(b, 0x41, 22 * 8), longjmp(b, 1);
    break;
  }
  }
  say("went on\n");
  return 0;
}

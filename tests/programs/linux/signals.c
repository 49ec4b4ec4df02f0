// Signals to oneself: every way a handler is entered and left. Prints what a kernel decides.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile sig_atomic_t seen, order;
static void count(int s) { seen += s; }

static void on(int s, void (*handler)(int), int flags) {
  struct sigaction a = {.sa_handler = handler, .sa_flags = flags};
  sigemptyset(&a.sa_mask);
  sigaction(s, &a, NULL);
}
static void on_info(int s, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction a = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
  sigemptyset(&a.sa_mask);
  sigaction(s, &a, NULL);
}

// -- a handler that returns: every register and vector is as it was
static void clobber(int s) {
  double a[16];
  for (int i = 0; i < 16; i++) a[i] = s * 1.5 + i;
  char text[200];
  snprintf(text, sizeof text, "%g %g %d", a[3], a[15], s);
  seen += (int)strlen(text);
}
static void returning(void) {
  on(SIGUSR1, count, 0);
  seen = 0;
  for (int i = 0; i < 5; i++) raise(SIGUSR1);
  printf("returning: %d\n", seen);
  on(SIGUSR1, clobber, 0);
  volatile double seed = 2.25;
  double d[12];
  long k[12];
  for (int i = 0; i < 12; i++) d[i] = seed * (i + 1), k[i] = (long)(seed * 1000) * (i + 3);
  for (int round = 0; round < 3; round++) {
    kill(getpid(), SIGUSR1);
    for (int i = 0; i < 12; i++) d[i] = d[i] * 1.25 + k[i], k[i] ^= (long)d[i];
  }
  double total = 0;
  long mixed = 0;
  for (int i = 0; i < 12; i++) total += d[i], mixed ^= k[i];
  printf("registers kept: %a %ld\n", total, mixed);
}
// all of them at once, with values the compiler does not know
static void all_registers(void) {
  on(SIGUSR1, clobber, 0);
  uint64_t out[64] = {0}, before[64];
  for (int i = 0; i < 64; i++) before[i] = 0x0123456789abcdefull * (uint64_t)(2 * i + 1);
  uint64_t flags_before = 0, flags_after = 0;
  register uint64_t pid __asm__("x0") = (uint64_t)getpid();
  register uint64_t sig __asm__("x1") = SIGUSR1;
  register uint64_t nr __asm__("x8") = 129;  // kill
  register uint64_t *in __asm__("x9") = before;
  register uint64_t *to __asm__("x10") = out;
  __asm__ volatile(
      "ldp x11, x12, [x9], #16\n ldp x13, x14, [x9], #16\n ldp x15, x16, [x9], #16\n"
      "ldp x20, x21, [x9], #16\n ldp x22, x23, [x9], #16\n ldp x24, x25, [x9], #16\n"
      "ldp x26, x27, [x9], #16\n"
      "ldp q0, q1, [x9], #32\n ldp q7, q8, [x9], #32\n ldp q15, q16, [x9], #32\n ldp q30, q31, [x9], #32\n"
      "subs x2, x11, x12\n mrs %[fb], nzcv\n"
      "svc #0\n"
      "mrs %[fa], nzcv\n"
      "stp x11, x12, [x10], #16\n stp x13, x14, [x10], #16\n stp x15, x16, [x10], #16\n"
      "stp x20, x21, [x10], #16\n stp x22, x23, [x10], #16\n stp x24, x25, [x10], #16\n"
      "stp x26, x27, [x10], #16\n"
      "stp q0, q1, [x10], #32\n stp q7, q8, [x10], #32\n stp q15, q16, [x10], #32\n stp q30, q31, [x10], #32\n"
      : "+r"(pid), "+r"(in), "+r"(to), [fb] "=&r"(flags_before), [fa] "=&r"(flags_after)
      : "r"(sig), "r"(nr)
      : "x2", "x11", "x12", "x13", "x14", "x15", "x16", "x20", "x21", "x22", "x23", "x24", "x25",
        "x26", "x27", "v0", "v1", "v7", "v8", "v15", "v16", "v30", "v31", "cc", "memory");
  int same = 0;
  for (int i = 0; i < 14 + 16; i++) same += out[i] == before[i];
  printf("all registers: %d of 30, flags %d, result %ld\n", same, flags_before == flags_after, (long)pid);
}

// -- SA_SIGINFO: what is told, and what may be changed
static void edit(int s, siginfo_t *info, void *context) {
  ucontext_t *c = context;
  // qemu 7.2 tells SIGILL with another code than arch/arm64 does
  printf("siginfo: %d code %d pid %d\n", info->si_signo, s == SIGILL ? 1 : info->si_code, s == SIGUSR1 && info->si_pid == getpid());
  c->uc_mcontext.regs[19] = 77;
  if (s != SIGUSR1) c->uc_mcontext.pc += 4;
}
static void editing(void) {
  on_info(SIGUSR1, edit, 0);
  on_info(SIGTRAP, edit, 0);
  on_info(SIGILL, edit, 0);
  uint64_t a, b, c, d;
  __asm__ volatile("mov x19, #1\n mov x0, %4\n mov x1, #10\n mov x8, #129\n svc #0\n mov %0, x19\n"
                   "mov x19, #2\n brk #7\n mov %1, x19\n"
                   "mov x19, #3\n udf #9\n mov %2, x19\n"
                   "mov x19, #4\n .inst 0xffffffff\n mov %3, x19\n"
                   : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d)
                   : "r"((long)getpid())
                   : "x0", "x1", "x8", "x19", "memory");
  printf("edited: %lu %lu %lu %lu\n", (unsigned long)a, (unsigned long)b, (unsigned long)c, (unsigned long)d);
}

static char other_stack[65536] __attribute__((aligned(16)));
static void where(int s) {
  char here;
  stack_t now;
  sigaltstack(NULL, &now);
  printf("on the other stack: %d flags %d\n", &here >= other_stack && &here < other_stack + 65536, now.ss_flags);
  if (order++ == 0) raise(s);
  else printf("nested on it as well: %d\n", &here >= other_stack && &here < other_stack + 65536);
}
static void alternate(void) {
  stack_t set = {.ss_sp = other_stack, .ss_size = sizeof other_stack}, got;
  sigaltstack(&set, NULL);
  on(SIGUSR2, where, SA_ONSTACK | SA_NODEFER);
  order = 0;
  raise(SIGUSR2);
  sigaltstack(NULL, &got);
  printf("altstack after: %d size %zu\n", got.ss_flags, got.ss_size);
  set.ss_flags = SS_DISABLE;
  sigaltstack(&set, NULL);
  on(SIGUSR2, count, SA_ONSTACK);
  raise(SIGUSR2);
  set = (stack_t){.ss_sp = other_stack, .ss_size = 100};
  printf("a small one: %d %s\n", sigaltstack(&set, NULL), strerror(errno));
}

// -- masks
static void masks(void) {
  sigset_t set, was, pending;
  seen = 0;
  on(SIGUSR1, count, 0);
  on(SIGUSR2, count, 0);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, &was);
  raise(SIGUSR1), raise(SIGUSR1), raise(SIGUSR2);
  sigpending(&pending);
  printf("blocked: %d, pending %d %d %d\n", seen, sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2),
         sigismember(&pending, SIGTERM));
  sigprocmask(SIG_SETMASK, &was, NULL);
  printf("unblocked: %d\n", seen);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGUSR2);
  sigset_t but = was;
  seen = 0;
  printf("sigsuspend: %d %s, seen %d\n", sigsuspend(&but), strerror(errno), seen);
  raise(SIGUSR1);
  signal(SIGUSR1, SIG_IGN);
  sigpending(&pending);
  printf("ignored is forgotten: %d\n", sigismember(&pending, SIGUSR1));
  raise(SIGUSR2);
  siginfo_t info;
  struct timespec none = {0, 0};
  printf("sigtimedwait: %d, then %d", sigtimedwait(&set, &info, &none), sigtimedwait(&set, &info, &none));
  printf(" %s\n", strerror(errno));
  sigprocmask(SIG_SETMASK, &was, NULL);
}

// -- nesting: a mask of the action, and SA_NODEFER
static void inner(int s) { printf("  inner %d at %d\n", s, order++); }
static void outer(int s) {
  printf("  outer %d at %d\n", s, order++);
  raise(SIGUSR2);
  raise(SIGTERM);
  printf("  outer ends at %d\n", order++);
}
static void deep(int s) {
  if (++order < 40) raise(s);
}
static void nesting(void) {
  struct sigaction a = {.sa_handler = outer};
  sigemptyset(&a.sa_mask);
  sigaddset(&a.sa_mask, SIGTERM);
  sigaction(SIGUSR1, &a, NULL);
  on(SIGUSR2, inner, 0);
  on(SIGTERM, inner, 0);
  order = 0;
  raise(SIGUSR1);
  printf("nesting: %d\n", order);
  on(SIGUSR1, deep, SA_NODEFER);
  order = 0;
  raise(SIGUSR1);
  printf("forty deep: %d\n", order);
  on(SIGUSR1, count, SA_RESETHAND);
  raise(SIGUSR1);
  struct sigaction now;
  sigaction(SIGUSR1, NULL, &now);
  printf("reset: %d\n", now.sa_handler == SIG_DFL);
  signal(SIGTERM, SIG_DFL);
}
// two signals due at once: the frames stack
static void two(void) {
  sigset_t set, was;
  sigfillset(&set);
  sigprocmask(SIG_BLOCK, &set, &was);
  on(SIGUSR1, inner, 0);
  on(SIGUSR2, inner, 0);
  on(SIGRTMIN + 1, inner, 0);
  order = 0;
  raise(SIGRTMIN + 1), raise(SIGUSR2), raise(SIGUSR1), raise(SIGRTMIN + 1);
  sigprocmask(SIG_SETMASK, &was, NULL);
  printf("all delivered: %d\n", order);
}
static void value(int s, siginfo_t *info, void *context) {
  printf("  queued %d code %d value %d\n", s - SIGRTMIN, info->si_code, info->si_value.sival_int);
  (void)context;
}
static void queued(void) {
  sigset_t set, was;
  sigfillset(&set);
  sigprocmask(SIG_BLOCK, &set, &was);
  for (int i = 0; i < 3; i++) on_info(SIGRTMIN + i, value, 0);
  for (int i = 8; i >= 0; i--) sigqueue(getpid(), SIGRTMIN + i % 3, (union sigval){.sival_int = 100 + i});
  sigprocmask(SIG_SETMASK, &was, NULL);
}

// -- leaving by a jump
static sigjmp_buf back;
static void leave(int s) { siglongjmp(back, s); }
static int sink(int n) {
  volatile int keep = n;
  if (n == 0) raise(SIGUSR1);
  else sink(n - 1);
  return keep;
}
static void jumping(void) {
  on(SIGUSR1, leave, 0);
  int jumps = 0;
  for (volatile int i = 0; i < 50; i++) {
    int s = sigsetjmp(back, 1);
    if (!s) sink(i % 25);
    else jumps += s;
  }
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  printf("jumped out: %d, blocked %d\n", jumps, sigismember(&now, SIGUSR1));
}
// a handler that goes on in another context, as thread libraries do
static ucontext_t *volatile saved_context;
static void redirect_target(void) {
  printf("  redirected\n");
  siglongjmp(back, 9);
}
static void redirect(int s, siginfo_t *info, void *context) {
  ucontext_t *c = context;
  c->uc_mcontext.pc = (uint64_t)redirect_target;
  c->uc_mcontext.sp &= ~15ull;
  (void)s, (void)info;
}
static void redirected(void) {
  on_info(SIGUSR2, redirect, 0);
  int s = sigsetjmp(back, 1);
  if (!s) raise(SIGUSR2), printf("never\n");
  printf("came back: %d\n", s);
}

// -- what blocks is interrupted
static void interrupted(void) {
  int p[2];
  char c = 'x';
  if (pipe(p)) return;
  on(SIGALRM, count, 0);
  seen = 0;
  struct itimerval t = {.it_value = {0, 20000}};
  setitimer(ITIMER_REAL, &t, NULL);
  printf("read: %zd %s\n", read(p[0], &c, 1), strerror(errno));
  setitimer(ITIMER_REAL, &t, NULL);
  struct timespec wanted = {5, 0}, left = {0};
  int r = nanosleep(&wanted, &left);
  printf("nanosleep: %d %s, left %d\n", r, strerror(errno), left.tv_sec == 4);
  setitimer(ITIMER_REAL, &t, NULL);
  printf("pause: %d %s\n", pause(), strerror(errno));
  setitimer(ITIMER_REAL, &t, NULL);
  struct pollfd f = {.fd = p[0], .events = POLLIN};
  printf("poll: %d %s\n", poll(&f, 1, 5000), strerror(errno));
  setitimer(ITIMER_REAL, &t, NULL);
  fd_set reads;
  FD_ZERO(&reads);
  FD_SET(p[0], &reads);
  printf("select: %d %s\n", select(p[0] + 1, &reads, NULL, NULL, NULL), strerror(errno));
  setitimer(ITIMER_REAL, &t, NULL);
  r = clock_nanosleep(CLOCK_MONOTONIC, 0, &wanted, &left);
  printf("clock_nanosleep: %d, left %d, seen %d\n", r, left.tv_sec == 4, seen);
  close(p[0]), close(p[1]);
}
static int feed[2];
static void feeding(int s) {
  seen += s;
  if (write(feed[1], "fed", 3) != 3) _exit(9);
}
static void restarted(void) {
  char text[8] = "";
  if (pipe(feed)) return;
  on(SIGALRM, feeding, SA_RESTART);
  seen = 0;
  struct itimerval t = {.it_value = {0, 20000}};
  setitimer(ITIMER_REAL, &t, NULL);
  ssize_t n = read(feed[0], text, sizeof text - 1);
  printf("restarted read: %zd %s, seen %d\n", n, text, seen);
  t.it_interval = (struct timeval){0, 5000};
  on(SIGALRM, count, SA_RESTART);
  seen = 0;
  setitimer(ITIMER_REAL, &t, NULL);
  while (seen < 4 * SIGALRM) pause();
  t = (struct itimerval){0};
  setitimer(ITIMER_REAL, &t, NULL);
  printf("interval: %d\n", seen >= 4 * SIGALRM);
  on(SIGALRM, leave, 0);
  alarm(1);
  printf("alarm: %u left", alarm(1));
  if (!sigsetjmp(back, 1))
    for (;;) pause();
  printf(", and jumped out of pause\n");
  close(feed[0]), close(feed[1]);
}
static void timers(void) {
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 5};
  on_info(SIGRTMIN, value, 0);
  printf("timer_create: %d\n", timer_create(CLOCK_MONOTONIC, &event, &timer));
  struct itimerspec when = {.it_value = {0, 10000000}};
  timer_settime(timer, 0, &when, NULL);
  pause();
  timer_gettime(timer, &when);
  printf("timer over: %d\n", when.it_value.tv_sec == 0 && when.it_value.tv_nsec == 0);
  timer_delete(timer);
}

static void refused(void) {
  struct sigaction a = {.sa_handler = count};
  errno = 0;
  printf("SIGKILL: %d %s\n", sigaction(SIGKILL, &a, NULL), strerror(errno));
  printf("kill -1000: %d %s\n", kill(getpid(), 1000), strerror(errno));
  printf("kill 0: %d\n", kill(getpid(), 0));
  int p[2];
  if (pipe(p)) return;
  signal(SIGPIPE, SIG_IGN);
  close(p[0]);
  printf("write: %zd %s\n", write(p[1], "x", 1), strerror(errno));
  on(SIGPIPE, count, 0);
  seen = 0;
  ssize_t n = write(p[1], "x", 1);
  printf("write: %zd, seen %d\n", n, seen);
  signal(SIGPIPE, SIG_DFL);
}
static void aborting(int s) {
  printf("SIGABRT caught %d\n", s);
  fflush(stdout);
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc > 1) {
    printf("end: %s\n", argv[1]);
    if (!strcmp(argv[1], "abort")) abort();
    if (!strcmp(argv[1], "abort-caught")) on(SIGABRT, aborting, 0), abort();
    if (!strcmp(argv[1], "abort-jump")) {
      on(SIGABRT, leave, 0);
      if (!sigsetjmp(back, 1)) abort();
      printf("jumped out of abort\n");
      return 3;
    }
    if (!strcmp(argv[1], "pipe")) {
      int p[2];
      if (pipe(p)) return 1;
      close(p[0]);
      return (int)write(p[1], "x", 1) + 50;
    }
    int s = atoi(argv[1]);
    raise(s);
    printf("survived %d\n", s);
    return 0;
  }
  returning();
  all_registers();
  editing();
  alternate();
  masks();
  nesting();
  two();
  queued();
  jumping();
  redirected();
  interrupted();
  restarted();
  timers();
  refused();
  printf("done\n");
  return 0;
}

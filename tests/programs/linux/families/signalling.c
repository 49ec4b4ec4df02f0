// Signals to oneself: actions, masks, stacks, queues, waits and signalfd: results, errors and what handlers see.
#include "report.h"
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile int order[32], count_of;
static void note(int s) { order[count_of++ & 31] = s; }
static volatile siginfo_t last;
static void informed(int s, siginfo_t *i, void *c) {
  note(s);
  memcpy((void *)&last, i, sizeof last);
}
static void show(const char *what) {
  printf("  %s:", what);
  for (int i = 0; i < count_of; i++) printf(" %d", order[i] < 30 ? order[i] : order[i] - SIGRTMIN + 100);
  printf("\n");
  count_of = 0;
}
static void when(int s, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction a = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
  sigaction(s, &a, NULL);
}
static uint64_t mask_of(int s) { return 1ull << (s - 1); }
static void actions(void) {
  uint64_t k[8] = {1};
  R(SYS(rt_sigaction, 0, k, NULL, 8));
  R(SYS(rt_sigaction, 65, k, NULL, 8));
  R(SYS(rt_sigaction, -1, NULL, k, 8));
  R(SYS(rt_sigaction, SIGKILL, k, NULL, 8));
  R(SYS(rt_sigaction, SIGSTOP, k, NULL, 8));
  R(SYS(rt_sigaction, SIGKILL, NULL, k, 8));
  R(SYS(rt_sigaction, SIGUSR1, k, NULL, 4));
  R(SYS(rt_sigaction, SIGUSR1, BAD, NULL, 8));
  R(SYS(rt_sigaction, SIGUSR1, NULL, BAD, 8));
  R(SYS(rt_sigaction, SIGUSR1, NULL, NULL, 8));
  struct sigaction a = {.sa_handler = note, .sa_flags = SA_RESTART | SA_NODEFER}, was;
  sigfillset(&a.sa_mask);
  R(sigaction(SIGUSR1, &a, NULL));
  R(sigaction(SIGUSR1, NULL, &was));
  printf("  %d %x %d %d\n", was.sa_handler == note, was.sa_flags & (SA_RESTART | SA_NODEFER | SA_SIGINFO | SA_ONSTACK),
         sigismember(&was.sa_mask, SIGTERM), sigismember(&was.sa_mask, SIGKILL));
  a.sa_flags = SA_RESETHAND;
  sigemptyset(&a.sa_mask);
  R(sigaction(SIGUSR2, &a, NULL));
  R(raise(SIGUSR2));
  R(sigaction(SIGUSR2, NULL, &was));
  R(was.sa_handler == SIG_DFL);
  show("reset");
  // what is ignored is discarded; what becomes ignored while pending, too
  signal(SIGUSR2, SIG_IGN);
  R(raise(SIGUSR2));
  sigset_t block;
  sigemptyset(&block), sigaddset(&block, SIGUSR1), sigaddset(&block, SIGCHLD);
  sigprocmask(SIG_BLOCK, &block, NULL);
  R(raise(SIGUSR1));
  signal(SIGUSR1, SIG_IGN);
  signal(SIGUSR1, note);
  sigset_t pending;
  R(sigpending(&pending));
  R(sigismember(&pending, SIGUSR1));
  R(raise(SIGCHLD));
  R(sigpending(&pending));
  R(sigismember(&pending, SIGCHLD));
  sigprocmask(SIG_UNBLOCK, &block, NULL);
  show("discarded");
}
static void masks(void) {
  uint64_t set = ~0ull, was = 0;
  R(SYS(rt_sigprocmask, SIG_SETMASK, &set, &was, 8));
  R(SYS(rt_sigprocmask, 9, NULL, &was, 8));
  printf("  %d %d %d\n", was & mask_of(SIGKILL) ? 1 : 0, was & mask_of(SIGSTOP) ? 1 : 0, was & mask_of(SIGTERM) ? 1 : 0);
  R(SYS(rt_sigprocmask, 9, &set, NULL, 8));
  R(SYS(rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8));
  R(SYS(rt_sigprocmask, SIG_BLOCK, NULL, BAD, 8));
  R(SYS(rt_sigprocmask, SIG_BLOCK, &set, NULL, 4));
  R(SYS(rt_sigprocmask, SIG_BLOCK, &set, NULL, 16));
  set = 0;
  R(SYS(rt_sigprocmask, SIG_SETMASK, &set, NULL, 8));
  R(SYS(rt_sigpending, &set, 16));
  R(SYS(rt_sigpending, BAD, 8));
  R(SYS(rt_sigpending, &set, 4));
  R(SYS(rt_sigsuspend, BAD, 8));
  R(SYS(rt_sigsuspend, &set, 4));
}
static void queues(void) {
  int low = SIGRTMIN, high = SIGRTMIN + 3;
  when(low, informed, 0), when(high, informed, 0), when(SIGUSR1, informed, 0), when(SIGTERM, informed, 0);
  sigset_t all, none;
  sigemptyset(&none), sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  for (int i = 0; i < 3; i++) sigqueue(getpid(), high, (union sigval){.sival_int = i});
  sigqueue(getpid(), low, (union sigval){.sival_int = 7});
  kill(getpid(), SIGTERM), kill(getpid(), SIGUSR1), kill(getpid(), SIGUSR1);
  siginfo_t i;
  sigset_t one;
  sigemptyset(&one), sigaddset(&one, high);
  R(sigwaitinfo(&one, &i) == high);
  printf("  value %d code %d pid %d\n", i.si_value.sival_int, i.si_code == SI_QUEUE, i.si_pid == getpid());
  sigprocmask(SIG_SETMASK, &none, NULL);
  // the kernel makes a frame for each, the lowest first: the last frame's handler runs first
  show("delivered");
  printf("  last: value %d code %d\n", last.si_value.sival_int, last.si_code);
  memset(&i, 0, sizeof i);
  i.si_code = SI_QUEUE, i.si_value.sival_int = 99;
  R(SYS(rt_sigqueueinfo, getpid(), SIGUSR1, &i));
  printf("  value %d code %d signo %d\n", last.si_value.sival_int, last.si_code == SI_QUEUE, last.si_signo);
  R(SYS(rt_sigqueueinfo, getpid(), 0, &i));
  R(SYS(rt_sigqueueinfo, getpid(), 65, &i));
  R(SYS(rt_sigqueueinfo, getpid(), -1, &i));
  R(SYS(rt_sigqueueinfo, 0x3ffffff, SIGUSR1, &i));
  R(SYS(rt_sigqueueinfo, getpid(), SIGUSR1, BAD));
  R(SYS(rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, &i));
  R(SYS(rt_tgsigqueueinfo, 0, getpid(), SIGUSR1, &i));
  R(SYS(rt_tgsigqueueinfo, getpid(), 0x3ffffff, SIGUSR1, &i));
  show("queued");
  R(kill(getpid(), 0));
  R(kill(getpid(), 65));
  R(kill(getpid(), -1));
  R(kill(0x3ffffff, 0));
  R(SYS(tkill, getpid(), 0));
  R(SYS(tkill, 0, 0));
  R(SYS(tkill, -1, SIGUSR1));
  R(SYS(tkill, 0x3ffffff, SIGUSR1));
  R(SYS(tgkill, getpid(), getpid(), SIGUSR1));
  printf("  code %d pid %d\n", last.si_code == SI_TKILL, last.si_pid == getpid());
  R(SYS(tgkill, 0, getpid(), SIGUSR1));
  R(SYS(tgkill, getpid(), getpid(), 65));
  R(SYS(tgkill, 0x3ffffff, getpid(), SIGUSR1));
  R(kill(getpid(), SIGUSR1));
  printf("  code %d\n", last.si_code == SI_USER);
  show("sent");
}
static void waits(void) {
  sigset_t one, old;
  sigemptyset(&one), sigaddset(&one, SIGUSR2), sigaddset(&one, SIGALRM);
  sigprocmask(SIG_BLOCK, &one, &old);
  siginfo_t i;
  struct timespec t = {0, 10000000};
  R(sigtimedwait(&one, &i, &t));
  t = (struct timespec){0, 0};
  R(sigtimedwait(&one, &i, &t));
  t.tv_nsec = 1000000000;
  R(SYS(rt_sigtimedwait, &one, &i, &t, 8));
  t.tv_nsec = -1;
  R(SYS(rt_sigtimedwait, &one, &i, &t, 8));
  R(SYS(rt_sigtimedwait, BAD, &i, NULL, 8));
  R(SYS(rt_sigtimedwait, &one, &i, BAD, 8));
  R(SYS(rt_sigtimedwait, &one, &i, NULL, 4));
  raise(SIGUSR2);
  R(SYS(rt_sigtimedwait, &one, BAD, NULL, 8));
  raise(SIGUSR2);
  R(SYS(rt_sigtimedwait, &one, NULL, NULL, 8));
  struct itimerval soon = {{0, 0}, {0, 10000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  t = (struct timespec){5, 0};
  R(sigtimedwait(&one, &i, &t));
  printf("  signo %d code %d\n", i.si_signo, i.si_code == SI_KERNEL);
  // another signal's handler ends the wait
  when(SIGALRM, informed, SA_RESTART);
  sigset_t other;
  sigemptyset(&other), sigaddset(&other, SIGALRM);
  sigprocmask(SIG_UNBLOCK, &other, NULL);
  sigdelset(&one, SIGALRM);
  setitimer(ITIMER_REAL, &soon, NULL);
  R(sigtimedwait(&one, &i, &t));
  show("interrupted");
  int s;
  raise(SIGUSR2);
  R(sigwait(&one, &s));
  R(s);
  sigset_t suspended = old;
  setitimer(ITIMER_REAL, &soon, NULL);
  R(sigsuspend(&suspended));
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  R(sigismember(&now, SIGUSR2));
  show("suspended");
  sigprocmask(SIG_SETMASK, &old, NULL);
}
static char *stack;
static volatile int on_stack;
static void stacked(int s, siginfo_t *i, void *c) {
  char here;
  stack_t now;
  on_stack = &here >= stack && &here < stack + 65536;
  R(sigaltstack(NULL, &now));
  printf("  inside: on %d flags %d size %zu\n", on_stack, now.ss_flags, now.ss_size);
  stack_t new = {.ss_sp = stack, .ss_size = 65536};
  R(sigaltstack(&new, NULL));
  ucontext_t *u = c;
  printf("  context: flags %d size %zu\n", u->uc_stack.ss_flags, u->uc_stack.ss_size);
}
static void stacks(void) {
  stack = malloc(65536);
  stack_t s = {.ss_sp = stack, .ss_size = 65536}, was = {.ss_flags = 77};
  R(sigaltstack(NULL, &was));
  printf("  flags %d\n", was.ss_flags);
  R(SYS(sigaltstack, BAD, NULL));
  R(SYS(sigaltstack, NULL, BAD));
  s.ss_size = 100;
  R(SYS(sigaltstack, &s, NULL));
  s.ss_size = 65536, s.ss_flags = 77;
  R(SYS(sigaltstack, &s, NULL));
  s.ss_flags = SS_ONSTACK;
  R(SYS(sigaltstack, &s, NULL));
  s.ss_flags = 0;
  R(SYS(sigaltstack, &s, &was));
  printf("  flags %d size %zu\n", was.ss_flags, was.ss_size);
  when(SIGUSR1, stacked, SA_ONSTACK);
  raise(SIGUSR1);
  when(SIGUSR1, stacked, 0);
  raise(SIGUSR1);
  s = (stack_t){.ss_flags = SS_DISABLE};
  R(sigaltstack(&s, &was));
  printf("  flags %d size %zu\n", was.ss_flags, was.ss_size);
  R(sigaltstack(NULL, &was));
  printf("  flags %d size %zu\n", was.ss_flags, was.ss_size);
}
static void descriptors(void) {
  sigset_t one;
  sigemptyset(&one), sigaddset(&one, SIGUSR2), sigaddset(&one, SIGRTMIN + 1), sigaddset(&one, SIGKILL);
  sigprocmask(SIG_BLOCK, &one, NULL);
  int fd = signalfd(-1, &one, SFD_NONBLOCK | SFD_CLOEXEC);
  R(fcntl(fd, F_GETFD));
  R(fcntl(fd, F_GETFL));
  struct signalfd_siginfo got[4];
  R(read(fd, got, sizeof got));
  sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 5});
  kill(getpid(), SIGUSR2);
  sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 6});
  R(read(fd, got, 100));
  R(read(fd, got, sizeof got) / sizeof *got);
  for (int i = 0; i < 3; i++)
    printf("  %d %d %d %d\n", got[i].ssi_signo == SIGUSR2, got[i].ssi_code, got[i].ssi_int, got[i].ssi_pid == (unsigned)getpid());
  R(write(fd, got, 8));
  R(lseek(fd, 0, SEEK_SET));
  sigset_t other;
  sigemptyset(&other), sigaddset(&other, SIGHUP);
  R(signalfd(fd, &other, 0) == fd);
  kill(getpid(), SIGUSR2);
  R(read(fd, got, sizeof got));
  R(signalfd(fd, &one, 0) == fd);
  R(read(fd, got, sizeof got) / sizeof *got);
  R(signalfd(0, &one, 0));
  R(signalfd(99, &one, 0));
  R(SYS(signalfd4, -1, &one, 8, 0x10));
  R(SYS(signalfd4, -1, BAD, 8, 0));
  struct stat st;
  R(fstat(fd, &st));
  R(st.st_size);
  R(close(fd));
}
int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  actions();
  masks();
  queues();
  waits();
  stacks();
  descriptors();
}

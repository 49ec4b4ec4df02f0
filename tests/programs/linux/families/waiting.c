// poll, ppoll, select, pselect6, epoll, timerfd, signalfd: what is ready, and what is refused.
#include "report.h"
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

static volatile int seen;
static void count(int s) { seen += s; }
static long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
static int between(long from, long least, long most) {
  long passed = now_ms() - from;
  return passed >= least && passed < most;
}
static void polls(void) {
  int p[2], q[2], f, e = eventfd(0, 0);
  pipe(p), pipe(q);
  f = opened("f", O_RDWR | O_CREAT, 0600);
  struct pollfd v[] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {f, POLLIN | POLLOUT | POLLPRI, 0},
                       {-1, POLLIN, 77}, {99, POLLIN, 0}, {e, POLLIN | POLLOUT, 0}, {-7, -1, 5}};
  R(poll(v, 7, 0));
  for (int i = 0; i < 7; i++) printf(" %d", v[i].revents);
  printf("\n");
  write(p[1], "x", 1);
  uint64_t one = 1;
  write(e, &one, 8);
  R(poll(v, 7, -1));
  for (int i = 0; i < 7; i++) printf(" %d", v[i].revents);
  printf("\n");
  close(q[1]), close(p[0]);
  struct pollfd w[] = {{q[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {q[0], 0, 0}, {p[1], POLLERR | POLLHUP, 0}};
  R(poll(w, 4, 1000));
  for (int i = 0; i < 4; i++) printf(" %d", w[i].revents);
  printf("\n");
  close(q[0]), close(p[1]);
  pipe(p);
  struct pollfd x = {p[0], POLLIN, 0};
  long from = now_ms();
  R(poll(&x, 1, 30));
  R(between(from, 29, 2000));
  R(poll(NULL, 0, 0));
  from = now_ms();
  R(poll(NULL, 0, 20));
  R(between(from, 19, 2000));
  struct timespec t = {0, 20000000};
  R(SYS(ppoll, BAD, 1, &t, NULL, 8));
  R(SYS(ppoll, &x, 1, BAD, NULL, 8));
  R(SYS(ppoll, &x, 1, &t, BAD, 8));
  R(SYS(ppoll, &x, 1, &t, &t, 4));
  R(SYS(ppoll, &x, 1 << 30, &t, NULL, 8));
  t.tv_nsec = -1;
  R(SYS(ppoll, &x, 1, &t, NULL, 8));
  t = (struct timespec){-1, 0};
  R(SYS(ppoll, &x, 1, &t, NULL, 8));
  // a signal ends a wait, also with SA_RESTART; a mask puts it off
  struct sigaction a = {.sa_handler = count, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &a, NULL);
  struct itimerval soon = {{0, 0}, {0, 20000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  R(poll(&x, 1, 5000));
  R(seen);
  sigset_t block, none;
  sigemptyset(&none), sigemptyset(&block), sigaddset(&block, SIGALRM);
  sigprocmask(SIG_BLOCK, &block, NULL);
  raise(SIGALRM);
  R(poll(&x, 1, 0));
  R(ppoll(&x, 1, NULL, &none));
  R(seen);
  write(p[1], "x", 1);
  raise(SIGALRM);
  R(ppoll(&x, 1, NULL, &none));
  R(seen);
  sigprocmask(SIG_SETMASK, &none, NULL);
  R(seen);
  close(p[0]), close(p[1]), close(e), close(f);
}
static void selects(void) {
  int p[2];
  pipe(p);
  fd_set r, w, x;
  struct timeval t = {0, 10000};
  FD_ZERO(&r); FD_ZERO(&w); FD_ZERO(&x);
  FD_SET(p[0], &r); FD_SET(p[1], &w); FD_SET(p[0], &x);
  R(select(p[1] + 1, &r, &w, &x, &t));
  printf("  %d %d %d\n", FD_ISSET(p[0], &r) != 0, FD_ISSET(p[1], &w) != 0, FD_ISSET(p[0], &x) != 0);
  FD_SET(p[0], &r);
  t = (struct timeval){0, 10000};
  R(select(p[0] + 1, &r, NULL, NULL, &t));
  printf("  %d\n", FD_ISSET(p[0], &r) != 0);
  write(p[1], "x", 1);
  FD_SET(p[0], &r);
  R(select(p[0] + 1, &r, NULL, NULL, NULL));
  R(select(p[0], &r, NULL, NULL, &(struct timeval){0, 0}));
  FD_ZERO(&r); FD_SET(50, &r);  // the kernel looks no further than its table, of 64 at least
  R(select(51, &r, NULL, NULL, NULL));
  R(select(-1, NULL, NULL, NULL, NULL));
  t = (struct timeval){-1, 0};
  R(select(0, NULL, NULL, NULL, &t));
  R(SYS(pselect6, 0, NULL, NULL, NULL, BAD, NULL));
  R(SYS(pselect6, 5, BAD, NULL, NULL, NULL, NULL));
  struct timespec bad = {0, 2000000000}, zero = {0, 0};
  R(SYS(pselect6, 0, NULL, NULL, NULL, &bad, NULL));
  R(SYS(pselect6, 0, NULL, NULL, NULL, &zero, NULL));
  FD_ZERO(&r); FD_SET(p[0], &r); FD_SET(p[0], &x);
  close(p[1]);
  read(p[0], &t, 1);
  R(select(p[0] + 1, &r, NULL, &x, NULL));
  close(p[0]);
}
static void show(int n, struct epoll_event *v) {
  printf("  %d:", n);
  long data = 0;
  unsigned events = 0;
  for (int i = 0; i < n; i++) data += (long)v[i].data.u64, events |= v[i].events;
  printf(" data %ld events %x\n", data, events);
}
static void epolls(void) {
  int p[2], ep = epoll_create1(EPOLL_CLOEXEC), f = opened("f", O_RDWR | O_CREAT, 0600);
  struct epoll_event e = {EPOLLIN, {.u64 = 10}}, got[8];
  pipe(p);
  R(fcntl(ep, F_GETFD));
  R(epoll_create1(77));
  R(epoll_create(0));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, f, &e));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, 99, &e));
  R(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e));
  R(epoll_ctl(f, EPOLL_CTL_ADD, p[0], &e));
  R(epoll_ctl(99, EPOLL_CTL_ADD, p[0], &e));
  R(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &e));
  R(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], NULL));
  R(epoll_ctl(ep, 9, p[0], &e));
  R(SYS(epoll_ctl, ep, EPOLL_CTL_ADD, p[1], BAD));
  e = (struct epoll_event){EPOLLOUT | EPOLLONESHOT, {.u64 = 200}};
  R(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], &e));
  int n;
  R(n = epoll_wait(ep, got, 8, 0));
  show(n, got);
  R(n = epoll_wait(ep, got, 8, 0));
  R(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &e));
  write(p[1], "abc", 3);
  R(n = epoll_wait(ep, got, 8, -1));
  show(n, got);
  R(n = epoll_wait(ep, got, 8, -1));
  show(n, got);
  e = (struct epoll_event){EPOLLIN | EPOLLET, {.u64 = 3000}};
  R(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
  R(n = epoll_wait(ep, got, 8, 0));
  show(n, got);
  R(n = epoll_wait(ep, got, 8, 0));
  write(p[1], "d", 1);
  R(n = epoll_wait(ep, got, 8, 0));
  show(n, got);
  R(epoll_wait(ep, got, 0, 0));
  R(epoll_wait(ep, got, -1, 0));
  R(epoll_wait(99, got, 8, 0));
  R(epoll_wait(f, got, 8, 0));
  e = (struct epoll_event){EPOLLIN, {.u64 = 1}};
  R(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
  R(SYS(epoll_pwait, ep, BAD, 8, 0, NULL, 8));
  long from = now_ms();
  int p2[2], ep2 = epoll_create(1);
  pipe(p2);
  R(epoll_ctl(ep2, EPOLL_CTL_ADD, p2[0], &e));
  R(epoll_wait(ep2, got, 8, 25));
  R(between(from, 24, 2000));
  // an epoll in an epoll; a copy of the descriptor keeps the entry alive
  e = (struct epoll_event){EPOLLIN, {.u64 = 7}};
  R(epoll_ctl(ep2, EPOLL_CTL_ADD, ep, &e));
  R(n = epoll_wait(ep2, got, 8, 0));
  show(n, got);
  R(epoll_ctl(ep, EPOLL_CTL_ADD, ep2, &e));
  int copy = dup(p[0]);
  close(p[0]);
  R(n = epoll_wait(ep, got, 8, 0));
  show(n, got);
  close(copy);
  R(n = epoll_wait(ep, got, 8, 0));
  close(p[1]), close(p2[1]);
  R(n = epoll_wait(ep2, got, 8, 0));
  show(n, got);
  close(p2[0]), close(ep), close(ep2), close(f);
}
static void timers(void) {
  int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  uint64_t times = 0;
  struct itimerspec s = {{0, 0}, {0, 20000000}}, was;
  R(fcntl(t, F_GETFL) & O_NONBLOCK);
  R(timerfd_gettime(t, &was));
  printf("  %ld %ld\n", (long)was.it_value.tv_sec, was.it_value.tv_nsec);
  R(read(t, &times, 8));
  R(timerfd_settime(t, 0, &s, &was));
  R(read(t, &times, 8));
  struct pollfd v = {t, POLLIN, 0};
  R(poll(&v, 1, 2000));
  R(v.revents);
  R(read(t, &times, 8));
  R(times);
  R(read(t, &times, 8));
  s = (struct itimerspec){{0, 5000000}, {0, 5000000}};
  R(timerfd_settime(t, 0, &s, NULL));
  usleep(60000);
  R(read(t, &times, 8));
  R(times >= 10 && times < 400);
  R(timerfd_gettime(t, &was));
  R(was.it_interval.tv_nsec);
  R(was.it_value.tv_nsec > 0 && was.it_value.tv_nsec <= 5000000);
  R(read(t, &times, 4));
  R(write(t, &times, 8));
  s = (struct itimerspec){{0, 0}, {0, 0}};
  R(timerfd_settime(t, 0, &s, &was));
  R(timerfd_settime(t, 0, &s, &was));
  R(was.it_value.tv_nsec);
  R(timerfd_settime(t, 0x10, &s, NULL));
  s.it_value.tv_nsec = 1000000000;
  R(timerfd_settime(t, 0, &s, NULL));
  R(SYS(timerfd_settime, t, 0, BAD, NULL));
  R(timerfd_settime(99, 0, &s, NULL));
  R(timerfd_settime(0, 0, &s, NULL));
  R(timerfd_create(77, 0));
  R(timerfd_create(CLOCK_REALTIME, 0x40));
  clock_gettime(CLOCK_MONOTONIC, &s.it_value);
  s.it_interval = (struct timespec){0, 0};
  R(timerfd_settime(t, TFD_TIMER_ABSTIME, &s, NULL));
  R(read(t, &times, 8));
  R(times);
  struct stat st;
  R(fstat(t, &st));
  close(t);
}
static void signals(void) {
  sigset_t set;
  sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int s = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  struct signalfd_siginfo info[3];
  R(read(s, info, sizeof info));
  raise(SIGUSR1);
  sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 42});
  sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 43});
  struct pollfd v = {s, POLLIN, 0};
  R(poll(&v, 1, 0));
  R(read(s, info, sizeof info) / (long)sizeof *info);
  printf("  %d %d %d, %d %d %d\n", info[0].ssi_signo == SIGUSR1, info[0].ssi_code, info[0].ssi_pid == getpid(),
         info[1].ssi_int, info[2].ssi_int, info[2].ssi_code);
  R(read(s, info, sizeof info));
  R(read(s, info, 10));
  sigaddset(&set, SIGUSR2);
  R(signalfd(s, &set, 0) == s);
  R(signalfd(99, &set, 0));
  R(signalfd(0, &set, 0));
  R(signalfd(-1, &set, 0x40));
  R(SYS(signalfd4, -1, BAD, 8, 0));
  R(SYS(signalfd4, -1, &set, 4, 0));
  R(write(s, info, 8));
  close(s);
}
int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  polls();
  selects();
  epolls();
  timers();
  signals();
}

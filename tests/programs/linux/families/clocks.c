// Clocks, sleeping and timers: clock_*, nanosleep, setitimer, alarm, timer_create, timerfd: what each answers.
#include "report.h"
#include <signal.h>
#include <sys/time.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <time.h>

#define EVENT(notify, sign, word) {.sigev_notify = notify, .sigev_signo = sign, .sigev_value = {.sival_int = word}}
static volatile int seen, code, value;
static void note(int s, siginfo_t *i, void *c) { seen++, code = i->si_code, value = i->si_value.sival_int; }
static long long ns(int clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static int between(long long from, long least, long most) {
  long long passed = (ns(CLOCK_MONOTONIC) - from) / 1000000;
  return passed >= least && passed < most;
}
static void clocks(void) {
  static const int all[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, -1, -2, -6, -5, -7, 1 << 20};
  struct timespec t;
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
    printf(" %d:", all[i]);
    R(SYS(clock_gettime, all[i], &t));
    R(SYS(clock_getres, all[i], NULL));
    if (t.tv_nsec < 0 || t.tv_nsec > 999999999) printf("  nanoseconds\n");
  }
  R(SYS(clock_gettime, CLOCK_REALTIME, BAD));
  R(SYS(clock_gettime, 99, BAD));
  R(SYS(clock_getres, CLOCK_REALTIME, BAD));
  R(SYS(clock_getres, CLOCK_MONOTONIC, &t));
  printf("  %ld %ld\n", (long)t.tv_sec, t.tv_nsec);
  long long a = ns(CLOCK_MONOTONIC), b = ns(CLOCK_MONOTONIC), c = ns(CLOCK_BOOTTIME), d = ns(CLOCK_MONOTONIC_RAW);
  R(b >= a && c >= b && d > 0);
  R(ns(CLOCK_REALTIME) / 1000000000 - time(NULL) <= 1);
  a = ns(CLOCK_PROCESS_CPUTIME_ID);
  for (volatile int i = 0; i < 20000000; i++) {}
  R(ns(CLOCK_PROCESS_CPUTIME_ID) > a);
  struct timeval v;
  struct timezone z = {7, 7};
  R(SYS(gettimeofday, &v, &z));
  R(SYS(gettimeofday, NULL, NULL));
  R(SYS(gettimeofday, BAD, NULL));
  R(SYS(gettimeofday, NULL, BAD));
  struct tms m;
  OK(times(&m));
  OK(SYS(times, NULL));
  R(SYS(times, BAD));
  t = (struct timespec){0, 1000000000};
  R(SYS(clock_settime, CLOCK_REALTIME, &t));
  R(SYS(clock_settime, CLOCK_MONOTONIC, &t));
  R(SYS(clock_settime, 99, &t));
  R(SYS(clock_settime, CLOCK_REALTIME, BAD));
}
static void sleeps(void) {
  struct timespec t = {0, 10000000}, left = {77, 77};
  long long from = ns(CLOCK_MONOTONIC);
  R(nanosleep(&t, &left));
  R(between(from, 10, 2000));
  R(left.tv_sec == 77);
  R(SYS(nanosleep, NULL, NULL));
  R(SYS(nanosleep, BAD, NULL));
  t.tv_nsec = 1000000000;
  R(SYS(nanosleep, &t, NULL));
  t.tv_nsec = -1;
  R(SYS(nanosleep, &t, NULL));
  t = (struct timespec){-1, 0};
  R(SYS(nanosleep, &t, NULL));
  t = (struct timespec){0, 0};
  R(SYS(nanosleep, &t, BAD));
  t = (struct timespec){0, 5000000};
  R(SYS(clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL));
  R(SYS(clock_nanosleep, CLOCK_REALTIME, 0, &t, BAD));
  R(SYS(clock_nanosleep, CLOCK_BOOTTIME, 0, &t, NULL));
  R(SYS(clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL));
  R(SYS(clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &t, NULL));
  R(SYS(clock_nanosleep, CLOCK_REALTIME_COARSE, 0, &t, NULL));
  R(SYS(clock_nanosleep, 99, 0, &t, NULL));
  R(SYS(clock_nanosleep, CLOCK_MONOTONIC, 0, BAD, NULL));
  R(SYS(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_sec -= t.tv_sec > 2 ? 2 : 0;
  R(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
  from = ns(CLOCK_MONOTONIC);
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_nsec += 15000000;
  if (t.tv_nsec > 999999999) t.tv_sec++, t.tv_nsec -= 1000000000;
  R(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL));
  R(between(from, 14, 2000));
  struct sigaction a = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGALRM, &a, NULL);
  struct itimerval soon = {{0, 0}, {0, 15000}};
  t = (struct timespec){30, 0};
  setitimer(ITIMER_REAL, &soon, NULL);
  R(nanosleep(&t, &left));
  R(left.tv_sec == 29 && left.tv_nsec > 0);
  printf("  %d %d\n", seen, code == SI_KERNEL);
  setitimer(ITIMER_REAL, &soon, NULL);
  left = (struct timespec){77, 77};
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_sec += 30;
  R(SYS(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &t, &left));
  R(left.tv_sec);
}
static void intervals(void) {
  struct itimerval v = {{0, 0}, {100, 500000}}, was = {{7, 7}, {7, 7}};
  R(setitimer(ITIMER_REAL, &v, &was));
  printf("  %ld %ld %ld %ld\n", (long)was.it_interval.tv_sec, (long)was.it_interval.tv_usec, (long)was.it_value.tv_sec, (long)was.it_value.tv_usec);
  R(getitimer(ITIMER_REAL, &was));
  R(was.it_value.tv_sec == 100 && was.it_value.tv_usec <= 500000);
  R(alarm(50));
  R(alarm(0));
  R(alarm(0));
  R(SYS(setitimer, ITIMER_REAL, NULL, &was));
  R(SYS(setitimer, 3, &v, NULL));
  R(SYS(setitimer, -1, &v, NULL));
  R(SYS(setitimer, 0, BAD, NULL));
  R(SYS(setitimer, 0, &v, BAD));
  v.it_value.tv_usec = 1000000;
  R(SYS(setitimer, 0, &v, NULL));
  v.it_value.tv_usec = -1;
  R(SYS(setitimer, 0, &v, NULL));
  v = (struct itimerval){{0, -1}, {0, 0}};
  R(SYS(setitimer, 0, &v, NULL));
  R(SYS(getitimer, 3, &was));
  R(SYS(getitimer, 0, BAD));
  seen = 0;
  v = (struct itimerval){{0, 4000}, {0, 4000}};
  R(setitimer(ITIMER_REAL, &v, NULL));
  while (seen < 3) pause();
  v = (struct itimerval){{0, 0}, {0, 0}};
  R(setitimer(ITIMER_REAL, &v, &was));
  R(was.it_interval.tv_usec);
  // interval without a value: nothing is armed
  v = (struct itimerval){{5, 0}, {0, 0}};
  R(setitimer(ITIMER_REAL, &v, NULL));
  R(getitimer(ITIMER_REAL, &was));
  printf("  %ld %ld\n", (long)was.it_interval.tv_sec, (long)was.it_value.tv_sec);
}
static void timers(void) {
  struct sigaction a = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
  sigaction(SIGRTMIN, &a, NULL), sigaction(SIGUSR1, &a, NULL);
  struct sigevent e = EVENT(SIGEV_SIGNAL, SIGUSR1, 4711), none = EVENT(SIGEV_NONE, 0, 0);
  int id = -1, second = -1, third = -1;
  R(SYS(timer_create, CLOCK_MONOTONIC, &e, &id));
  R(SYS(timer_create, CLOCK_REALTIME, NULL, &second));
  R(SYS(timer_create, CLOCK_MONOTONIC, &none, &third));
  R(id != second && second != third);
  int x;
  R(SYS(timer_create, 99, &e, &x));
  R(SYS(timer_create, CLOCK_MONOTONIC_RAW, &e, &x));
  R(SYS(timer_create, CLOCK_REALTIME_COARSE, &e, &x));
  R(SYS(timer_create, CLOCK_MONOTONIC, BAD, &x));
  R(SYS(timer_create, CLOCK_MONOTONIC, &e, BAD));
  e.sigev_signo = 65;
  R(SYS(timer_create, CLOCK_MONOTONIC, &e, &x));
  e.sigev_signo = 0;
  R(SYS(timer_create, CLOCK_MONOTONIC, &e, &x));
  e.sigev_signo = SIGUSR1, e.sigev_notify = 77;
  R(SYS(timer_create, CLOCK_MONOTONIC, &e, &x));
  struct itimerspec s = {{0, 0}, {0, 5000000}}, was = {{7, 7}, {7, 7}};
  seen = 0;
  R(SYS(timer_settime, id, 0, &s, &was));
  printf("  %ld %ld\n", (long)was.it_value.tv_sec, was.it_interval.tv_nsec);
  while (!seen) pause();
  printf("  code %d value %d\n", code == SI_TIMER, value);
  R(SYS(timer_gettime, id, &was));
  printf("  %ld %ld\n", (long)was.it_value.tv_sec, was.it_value.tv_nsec);
  R(SYS(timer_getoverrun, id));
  s = (struct itimerspec){{50, 3}, {100, 0}};
  R(SYS(timer_settime, third, 0, &s, NULL));
  R(SYS(timer_gettime, third, &was));
  printf("  %d %ld %ld\n", was.it_value.tv_sec == 99, (long)was.it_interval.tv_sec, was.it_interval.tv_nsec);
  R(SYS(timer_gettime, 99, &was));
  R(SYS(timer_gettime, -1, &was));
  R(SYS(timer_gettime, id, BAD));
  R(SYS(timer_settime, 99, 0, &s, NULL));
  R(SYS(timer_settime, id, 0, NULL, NULL));
  R(SYS(timer_settime, id, 0, BAD, NULL));
  s.it_value.tv_nsec = 1000000000;
  R(SYS(timer_settime, id, 0, &s, NULL));
  s = (struct itimerspec){{0, 0}, {-1, 0}};
  R(SYS(timer_settime, id, 0, &s, NULL));
  R(SYS(timer_getoverrun, 99));
  // overruns while the signal is blocked; an absolute time that has passed
  sigset_t block;
  sigemptyset(&block), sigaddset(&block, SIGUSR1);
  sigprocmask(SIG_BLOCK, &block, NULL);
  s = (struct itimerspec){{0, 2000000}, {0, 2000000}};
  R(SYS(timer_settime, id, 0, &s, NULL));
  usleep(30000);
  seen = 0;
  sigprocmask(SIG_UNBLOCK, &block, NULL);
  R(seen >= 1);
  R(SYS(timer_getoverrun, id) >= 3);
  s = (struct itimerspec){{0, 0}, {1, 0}};
  seen = 0;
  R(SYS(timer_settime, id, TIMER_ABSTIME, &s, NULL));
  while (!seen) usleep(1000);
  R(seen);
  R(SYS(timer_delete, id));
  R(SYS(timer_delete, id));
  R(SYS(timer_delete, second));
  R(SYS(timer_delete, -1));
}
static void descriptors(void) {
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  R(fcntl(fd, F_GETFD));
  R(fcntl(fd, F_GETFL));
  R(timerfd_create(CLOCK_THREAD_CPUTIME_ID, 0));
  R(timerfd_create(99, 0));
  R(timerfd_create(CLOCK_MONOTONIC, 0x10));
  OK(timerfd_create(CLOCK_BOOTTIME, 0));
  uint64_t n = 77;
  R(read(fd, &n, 8));
  struct itimerspec s = {{0, 0}, {0, 5000000}}, was = {{7, 7}, {7, 7}};
  R(timerfd_settime(fd, 0, &s, &was));
  usleep(20000);
  R(read(fd, &n, 4));
  R(read(fd, &n, 8));
  R(n);
  R(read(fd, &n, 8));
  R(write(fd, &n, 8));
  R(lseek(fd, 0, SEEK_SET));
  R(pread(fd, &n, 8, 0));
  s = (struct itimerspec){{0, 2000000}, {0, 1}};
  R(timerfd_settime(fd, 0, &s, &was));
  printf("  %ld %ld\n", (long)was.it_value.tv_sec, was.it_interval.tv_nsec);
  usleep(20000);
  R(read(fd, &n, 100));
  R(n >= 4);
  R(timerfd_gettime(fd, &was));
  R(was.it_interval.tv_nsec);
  s = (struct itimerspec){{0, 0}, {1, 0}};
  R(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL));
  usleep(1000);
  R(read(fd, &n, 8));
  R(timerfd_settime(fd, 0x80, &s, NULL));
  R(timerfd_settime(0, 0, &s, NULL));
  R(timerfd_settime(99, 0, &s, NULL));
  R(SYS(timerfd_settime, fd, 0, NULL, NULL));
  R(SYS(timerfd_settime, fd, 0, BAD, NULL));
  R(SYS(timerfd_settime, fd, 0, &s, BAD));
  s.it_value.tv_nsec = 1000000000;
  R(timerfd_settime(fd, 0, &s, NULL));
  s = (struct itimerspec){{-1, 0}, {0, 0}};
  R(timerfd_settime(fd, 0, &s, NULL));
  R(timerfd_gettime(1, &was));
  R(SYS(timerfd_gettime, fd, BAD));
  s = (struct itimerspec){{0, 0}, {0, 0}};
  R(timerfd_settime(fd, 0, &s, NULL));
  R(timerfd_gettime(fd, &was));
  R(was.it_value.tv_nsec);
  fcntl(fd, F_SETFL, 0);
  s = (struct itimerspec){{0, 0}, {0, 8000000}};
  long long from = ns(CLOCK_MONOTONIC);
  R(timerfd_settime(fd, 0, &s, NULL));
  R(read(fd, &n, 8));
  R(between(from, 8, 2000));
  struct stat t;
  R(fstat(fd, &t));
  printf("  mode %o size %ld\n", t.st_mode, (long)t.st_size);
  R(ftruncate(fd, 0));
  R(ioctl(fd, 0x5411));
}
int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  clocks();
  sleeps();
  intervals();
  timers();
  descriptors();
}

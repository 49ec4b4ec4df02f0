// Signals from outside, typed at a terminal or sent: handlers, blocking calls, masks, defaults.
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static volatile int got;
static sigjmp_buf back;
static void note(int s) { got = s; }
static void jump(int s) { siglongjmp(back, s); }
static void when(int s, void (*handler)(int), int flags) {
  struct sigaction a = {.sa_handler = handler, .sa_flags = flags};
  sigaction(s, &a, NULL);
}
static void say(const char *what) {
  printf("%s: got %d\n", what, got);
  fflush(stdout);
  got = 0;
}
static void ready(void) {
  puts("ready");
  fflush(stdout);
}
int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  char line[64] = "";
  setvbuf(stdin, NULL, _IONBF, 0);
  if (!strcmp(what, "default")) {
    ready();
    for (;;) pause();
  }
  if (!strcmp(what, "loop")) {  // a handler, and no system call to be told at
    when(SIGINT, note, 0);
    ready();
    for (;;) __asm__ volatile("");
  }
  if (!strcmp(what, "default loop")) {
    ready();
    for (;;) __asm__ volatile("");
  }
  if (!strcmp(what, "ignored")) {
    signal(SIGINT, SIG_IGN);
    ready();
    ssize_t n = read(0, line, sizeof line);
    printf("read %zd %.5s\n", n, line);
    return 0;
  }
  when(SIGINT, note, 0);
  ready();
  ssize_t n = read(0, line, sizeof line);
  printf("read %zd %s\n", n, n < 0 && errno == EINTR ? "EINTR" : "");
  say("a read interrupted");
  when(SIGINT, note, SA_RESTART);
  ready();
  n = read(0, line, sizeof line);
  printf("read %zd %.5s\n", n, line);
  say("a read begun again");
  when(SIGINT, note, 0);
  ready();
  pause();
  say("pause");
  struct timespec t = {60, 0};
  ready();
  int r = nanosleep(&t, &t);
  printf("nanosleep %d %s, %d\n", r, errno == EINTR ? "EINTR" : "", t.tv_sec >= 30);
  say("sleep");
  struct pollfd p = {0, POLLIN, 0};
  ready();
  r = poll(&p, 1, -1);
  printf("poll %d %s\n", r, errno == EINTR ? "EINTR" : "");
  say("poll");
  sigset_t set, old, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, &old);
  ready();
  do {
    nanosleep(&(struct timespec){0, 5000000}, NULL);
    sigpending(&pending);
  } while (!sigismember(&pending, SIGINT));
  say("blocked");
  sigprocmask(SIG_SETMASK, &old, NULL);
  say("let in");
  sigprocmask(SIG_BLOCK, &set, &old);
  ready();
  siginfo_t info;
  printf("waited for %d", sigwaitinfo(&set, &info));
  printf(" code %d\n", info.si_code == SI_KERNEL);
  sigprocmask(SIG_SETMASK, &old, NULL);
  when(SIGINT, jump, 0);
  if (!(r = sigsetjmp(back, 1))) {
    ready();
    for (;;) read(0, line, sizeof line);
  }
  printf("jumped with %d\n", r);
  when(SIGQUIT, note, 0);
  ready();
  pause();
  say("quit");
  when(SIGWINCH, note, 0);
  ready();
  pause();
  struct winsize w = {0};
  ioctl(0, TIOCGWINSZ, &w);
  printf("%d by %d\n", w.ws_row, w.ws_col);
  say("resized");
  signal(SIGINT, SIG_DFL);
  ready();
  for (;;) pause();
}

// Pointers at every edge, for each call that takes one: which answer EFAULT, and what comes before it.
#include "report.h"
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

enum { PAGE = 4096 };
static char *room, *readable, *closed, *brink;  // a page to write, to read, neither; the last 4 bytes before a hole
static int file, directory, pipes[2], epoll, event;
static const char *const names[] = {"NULL", "low", "closed", "brink", "read-only", "2^32", "2^32-4", "2^47", "2^48", "2^63", "-1", "-4096"};
enum { EDGES = sizeof names / sizeof *names };
static char *edge(int i) {
  char *const all[] = {NULL, BAD, closed, brink, readable, (char *)(1ull << 32), (char *)((1ull << 32) - 4), (char *)(1ull << 47),
                       (char *)(1ull << 48), (char *)(1ull << 63), (char *)-1, (char *)-4096};
  return all[i];
}
// one line for a call: the edges that are answered alike stand together
static void told(const char *what, const long *results, const int *errors) {
  printf("%s:", what);
  for (int i = 0; i < EDGES; i++) {
    int before = 0;
    for (int k = 0; k < i; k++) before |= results[k] == results[i] && errors[k] == errors[i];
    if (before) continue;
    for (int k = i; k < EDGES; k++)
      if (results[k] == results[i] && errors[k] == errors[i]) printf(" %s", names[k]);
    if (results[i] == -1) printf(" %s;", errno_name(errors[i]));
    else printf(" %ld;", results[i]);
  }
  printf("\n");
}
#define P(call)                                                                         \
  do {                                                                                  \
    long results[EDGES];                                                                \
    int errors[EDGES];                                                                  \
    for (int i = 0; i < EDGES; i++) {                                                   \
      char *p = edge(i);                                                                \
      errno = 0, lseek(file, 0, SEEK_SET), lseek(directory, 0, SEEK_SET);               \
      memset(room, 0, PAGE), memset(brink, 0, 4);                                       \
      results[i] = (call), errors[i] = results[i] == -1 ? errno : 0;                    \
    }                                                                                   \
    told(#call, results, errors);                                                       \
  } while (0)

static void paths(void) {
  P(SYS(openat, AT_FDCWD, p, O_RDONLY, 0));
  P(SYS(mkdirat, AT_FDCWD, p, 0700));
  P(SYS(unlinkat, AT_FDCWD, p, 0));
  P(SYS(symlinkat, p, AT_FDCWD, "made"));
  P(SYS(symlinkat, "target", AT_FDCWD, p));
  P(SYS(linkat, AT_FDCWD, p, AT_FDCWD, "made", 0));
  P(SYS(linkat, AT_FDCWD, "f", AT_FDCWD, p, 0));
  P(SYS(renameat2, AT_FDCWD, p, AT_FDCWD, "made", 0));
  P(SYS(renameat2, AT_FDCWD, "f", AT_FDCWD, p, 0));
  P(SYS(readlinkat, AT_FDCWD, p, room, 10));
  P(SYS(readlinkat, AT_FDCWD, "s", p, 10));
  P(SYS(chdir, p));
  P(SYS(faccessat, AT_FDCWD, p, 0));
  P(SYS(fchmodat, AT_FDCWD, p, 0600));
  P(SYS(fchownat, AT_FDCWD, p, -1, -1, 0));
  P(SYS(truncate, p, 0));
  P(SYS(statfs, p, room));
  P(SYS(statfs, ".", p));
  P(SYS(fstatfs, file, p));
  P(SYS(newfstatat, AT_FDCWD, p, room, 0));
  P(SYS(newfstatat, AT_FDCWD, "f", p, 0));
  P(SYS(fstat, file, p));
  P(SYS(statx, AT_FDCWD, p, 0, 0x7ff, room));
  P(SYS(statx, AT_FDCWD, "f", 0, 0x7ff, p));
  P(SYS(utimensat, AT_FDCWD, p, NULL, 0));
  P(SYS(utimensat, AT_FDCWD, "f", p, 0));
  P(SYS(getcwd, p, 100));
  P(SYS(getdents64, directory, p, 400) > 0);
  P(SYS(memfd_create, p, 0) >= 0 ? 0 : -1);
  P(SYS(getxattr, p, "user.x", room, 10));
}
static void transfers(void) {
  struct iovec v[2] = {{room, 4}, {0, 8}};
  P(SYS(read, file, p, 8));
  P(SYS(read, file, p, 0));
  P(SYS(read, directory, p, 8));
  P(SYS(read, event, p, 8));
  P(SYS(read, pipes[0], p, 8));
  P(SYS(write, file, p, 8));
  P(SYS(write, file, p, 0));
  P(SYS(write, event, p, 8));
  P(SYS(pread64, file, p, 8, 0));
  P(SYS(pwrite64, file, p, 8, 0));
  P(SYS(readv, file, p, 1));
  P((v[1].iov_base = p, SYS(readv, file, v, 2)));
  P((v[1].iov_base = p, SYS(writev, file, v, 2)));
  P((v[1].iov_base = p, v[1].iov_len = 0, SYS(writev, file, v, 2)));
  P(SYS(preadv, file, p, 1, 0, 0));
  P(SYS(sendfile, file, file, p, 0));
  P(SYS(copy_file_range, file, p, file, NULL, 0, 0));
  P(SYS(getrandom, p, 8, 0));
  P(SYS(pipe2, p, 0));
  static const long sizes[] = {-1, LONG_MIN, LONG_MAX, 1l << 32, (1l << 32) + 4, 1l << 31, (1l << 31) - 1};
  for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    printf(" size %lx\n", sizes[i]);
    lseek(file, 0, SEEK_SET);
    R(SYS(read, file, BAD, sizes[i]));
    R(SYS(write, pipes[1], BAD, sizes[i]));
    R(SYS(pread64, file, BAD, sizes[i], 0));
    R(SYS(pread64, file, room, 4, sizes[i]));
    R(SYS(getcwd, BAD, sizes[i]));
    R(SYS(readlinkat, AT_FDCWD, "s", room, sizes[i]));
    R(SYS(readv, file, room, sizes[i]));
    struct iovec w = {BAD, (size_t)sizes[i]};
    R(SYS(writev, pipes[1], &w, 1));
  }
}
static void others(void) {
  struct timespec zero = {0, 0};
  P(SYS(clock_gettime, 0, p));
  P(SYS(gettimeofday, p, NULL));
  P(SYS(setitimer, 0, NULL, p));
  P(SYS(getitimer, 0, p));
  P(SYS(times, p) < 0 ? -1 : 0);
  P(SYS(ppoll, p, 1, &zero, NULL, 8));
  P(SYS(ppoll, p, 0, &zero, NULL, 8));
  P(SYS(ppoll, NULL, 0, &zero, p, 8));
  P(SYS(pselect6, 8, p, NULL, NULL, &zero, NULL));
  P(SYS(pselect6, 0, p, NULL, NULL, &zero, NULL));
  P(SYS(epoll_ctl, epoll, EPOLL_CTL_MOD, pipes[1], p));
  P(SYS(epoll_pwait, epoll, p, 1, 0, NULL, 8));
  P(SYS(uname, p));
  P(SYS(sysinfo, p));
  P(SYS(getrusage, 0, p));
  P(SYS(prlimit64, 0, RLIMIT_CORE, NULL, p));
  P(SYS(sched_getaffinity, 0, 8, p) > 0);
  P(SYS(getresuid, p, p, p));
  P(SYS(getcpu, p, NULL, NULL));
  P(SYS(rt_sigprocmask, SIG_BLOCK, NULL, p, 8));
  P(SYS(rt_sigpending, p, 8));
  P(SYS(rt_sigtimedwait, p, NULL, &zero, 8));
  P(SYS(timer_create, 0, NULL, p));
  P(SYS(mincore, room, PAGE, p));
  P(SYS(ioctl, pipes[0], 0x541b, p));
  P(SYS(fcntl, file, F_GETLK, p));
  P(SYS(prctl, 16, p));
  P(SYS(set_robust_list, p, 24));
  P(SYS(set_tid_address, p) > 0);
}
int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  char *at = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  room = at, brink = at + 2 * PAGE - 4, readable = at + 4 * PAGE, closed = at + 6 * PAGE;
  munmap(at + 2 * PAGE, PAGE);
  mprotect(readable, PAGE, PROT_READ);
  mprotect(closed, PAGE, PROT_NONE);
  filled("f", "what a file holds");
  file = opened("f", O_RDWR, 0), directory = opened(".", O_RDONLY | O_DIRECTORY, 0);
  symlink("f", "s");
  pipe2(pipes, O_NONBLOCK);
  write(pipes[1], "what a pipe holds", 17);
  event = (int)SYS(eventfd2, 1, O_NONBLOCK);
  epoll = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLOUT};
  epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[1], &e);
  paths();
  transfers();
  others();
}

// brk, mmap, munmap, mprotect, mremap, madvise, msync, mincore, mlock: results, contents, errors.
#include "report.h"
#include <sys/mman.h>

enum { PAGE = 4096 };
static char *page_of(void *p) { return (char *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1)); }
static const char *holds(const char *p) { static char t[24]; snprintf(t, sizeof t, "%.20s", p); return t; }
static char *map(size_t n, int protection, int flags, int fd, off_t at) {
  char *p = mmap(NULL, n, protection, flags, fd, at);
  if (p == MAP_FAILED) printf("  mmap: %s\n", errno_name(errno));
  return p == MAP_FAILED ? NULL : p;
}
// what the kernel says about a page: may a system call read it, write it?
static void seen(const char *what, char *p) {
  static int pipes[2], ready;
  if (!ready++) pipe(pipes);
  int r = write(pipes[1], p, 1) == 1, w = 0;
  if (r) {
    char c;
    w = read(pipes[0], p, 1) == 1;
    if (!w) read(pipes[0], &c, 1);
  } else {
    write(pipes[1], "", 1);
    w = read(pipes[0], p, 1) == 1;
    if (!w) { char c; read(pipes[0], &c, 1); }
  }
  printf("  %s: %s%s\n", what, r ? "r" : "-", w ? "w" : "-");
}
static void breaks(void) {
  char *start = (char *)SYS(brk, 0);
  R((char *)SYS(brk, start + 100000) == start + 100000);
  R(start[50000] == 0 && start[99999] == 0);
  memset(start, 'x', 100000);
  R((char *)SYS(brk, start + 10) == start + 10);
  R((char *)SYS(brk, start + 100000) == start + 100000);
  R(start[9] == 'x' && start[PAGE * 3] == 0);
  R((char *)SYS(brk, 8) == start + 100000);
  R((char *)SYS(brk, start) == start);
}
static void anonymous(void) {
  char *p = map(PAGE * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  R(p == page_of(p));
  R(p[0] | p[PAGE * 8 - 1]);
  strcpy(p + PAGE, "second"), strcpy(p + 5 * PAGE, "sixth");
  R(munmap(p + 2 * PAGE, 2 * PAGE));
  R(munmap(p + 2 * PAGE, 2 * PAGE));
  seen("unmapped", p + 2 * PAGE), seen("before it", p + PAGE * 2 - 1), seen("after it", p + 4 * PAGE);
  R(munmap(p + 1, PAGE));
  R(munmap(p, 0));
  R(munmap(p, -1));
  char *again = mmap(p + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  R(again == p + 2 * PAGE);
  seen("read-only", again);
  again = mmap(p + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  R(again[0]);
  R(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED ? -1 : 0);
  R(mmap(p + 3 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == p + 3 * PAGE);
  OK(mmap(p + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  OK(mmap(p + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  OK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  OK(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
  OK(mmap(NULL, (size_t)1 << 50, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  OK(SYS(mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 5));
  R(munmap(p, 8 * PAGE));
  char *s = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  strcpy(s, "shared");
  printf("  %s\n", holds(s));
  R(munmap(s, 1));
  // many maps and holes: the lowest ones serve again
  char *many[64];
  for (int i = 0; i < 64; i++) many[i] = map(PAGE * (1 + i % 3), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 64; i++) many[i][0] = (char)i;
  for (int i = 0; i < 64; i += 2) munmap(many[i], (size_t)PAGE * (1 + i % 3));
  int good = 0;
  for (int i = 1; i < 64; i += 2) good += many[i][0] == (char)i;
  R(good);
  for (int i = 1; i < 64; i += 2) munmap(many[i], (size_t)PAGE * (1 + i % 3));
}
static void files(void) {
  char text[PAGE + 100];
  memset(text, 'a', sizeof text);
  memcpy(text + PAGE, "second page", 11);
  int fd = opened("f", O_RDWR | O_CREAT | O_TRUNC, 0600), ro = opened("f", O_RDONLY, 0), wo = opened("f", O_WRONLY, 0);
  write(fd, text, sizeof text);
  char *p = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  printf("  %s, then %d\n", holds(p + PAGE), p[PAGE + 100]);
  memcpy(p + PAGE, "CHANGED", 7);
  char now[8] = "";
  pread(fd, now, 7, PAGE);
  printf("  private: %s\n", now);
  char *second = map(PAGE, PROT_READ, MAP_PRIVATE, ro, PAGE);
  printf("  %s\n", holds(second));
  seen("a read-only map", second);
  char *s = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  memcpy(s + PAGE, "SHARED!", 7);
  R(msync(s, 2 * PAGE, MS_SYNC));
  pread(fd, now, 7, PAGE);
  printf("  shared: %s\n", now);
  memcpy(s, "FIRST", 5);
  R(munmap(s, 2 * PAGE));
  pread(fd, now, 5, 0);
  printf("  after munmap: %.5s\n", now);
  OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0));
  OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0));
  OK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, wo, 0));
  OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0));
  OK(SYS(mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 10));
  OK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0));
  OK(mmap(NULL, PAGE, PROT_READ, 0, fd, 0));
  int d = opened(".", O_RDONLY, 0), pipes[2];
  pipe(pipes);
  OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, d, 0));
  OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, pipes[0], 0));
  int zero = opened("/dev/zero", O_RDWR, 0);
  char *z = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
  R(z[0] | z[PAGE - 1]);
  // the map outlives the descriptor and the name
  char *kept = map(PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd), close(ro), close(wo), unlink("f");
  printf("  kept: %.5s\n", kept);
  int m = memfd_create("m", 0);
  ftruncate(m, PAGE);
  char *x = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, m, 0);
  strcpy(x, "through memfd");
  msync(x, PAGE, MS_SYNC);
  char back[14] = "";
  pread(m, back, 13, 0);
  printf("  %s\n", back);
}
static void protection(void) {
  char *p = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  strcpy(p, "kept");
  R(mprotect(p, PAGE, PROT_READ));
  seen("made read-only", p);
  R(mprotect(p + PAGE, PAGE, PROT_NONE));
  seen("made PROT_NONE", p + PAGE);
  R(mprotect(p, 4 * PAGE, PROT_READ | PROT_WRITE));
  seen("made writable", p + PAGE);
  printf("  %d\n", p[1] == 'e');
  R(mprotect(p + 1, PAGE, PROT_READ));
  R(mprotect(p, 0, PROT_READ));
  R(mprotect(p, PAGE, 0x40));
  munmap(p + PAGE, PAGE);
  R(mprotect(p, 4 * PAGE, PROT_READ));
  seen("up to the hole", p);
  seen("after the hole", p + 2 * PAGE);
  munmap(p, 4 * PAGE);
}
static void moving(void) {
  char *p = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;
  strcpy(p, "start"), strcpy(p + 3 * PAGE, "end");
  R((q = mremap(p, 4 * PAGE, 2 * PAGE, 0)) == p);
  seen("cut off", p + 3 * PAGE);
  q = mremap(p, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
  printf("  %s %d\n", holds(q), q[63 * PAGE]);
  strcpy(q + 63 * PAGE, "far");
  char *room = map(16 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *r = mremap(q + 60 * PAGE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room + 2 * PAGE);
  R(r == room + 2 * PAGE);
  printf("  %s\n", holds(r + 3 * PAGE));
  seen("moved away", q + 61 * PAGE), seen("moved here", r), seen("beside it", room);
  OK(mremap(q + 1, PAGE, 2 * PAGE, 0));
  OK(mremap(q, PAGE, 0, 0));
  OK(mremap(q, PAGE, 2 * PAGE, 0x40));
  OK(mremap(q, PAGE, PAGE, MREMAP_FIXED, room));
  OK(mremap(q, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, room + 1));
  OK(mremap(q, 2 * PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, q));
  OK(mremap(q + 61 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
  OK(mremap(q, PAGE, 10 * PAGE, 0));
}
static void advice(void) {
  char *p = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(p, 'x', 4 * PAGE);
  R(madvise(p + PAGE, PAGE, MADV_DONTNEED));
  printf("  %d %d %d\n", p[PAGE - 1], p[PAGE], p[2 * PAGE]);
  R(madvise(p, PAGE, MADV_WILLNEED));
  R(madvise(p, PAGE, MADV_SEQUENTIAL));
  R(madvise(p, PAGE, MADV_FREE));
  R(madvise(p, PAGE, 12345));
  R(madvise(p + 1, PAGE, MADV_NORMAL));
  R(madvise(p, 0, MADV_NORMAL));
  munmap(p + 3 * PAGE, PAGE);
  R(madvise(p, 4 * PAGE, MADV_NORMAL));
  unsigned char in[4];
  R(mincore(p, 2 * PAGE, in));
  R(in[0] & 1);
  R(mincore(p + 1, PAGE, in));
  R(mincore(p, 4 * PAGE, in));
  R(SYS(mincore, p, PAGE, BAD));
  R(msync(p, PAGE, MS_SYNC));
  R(msync(p + 1, PAGE, MS_SYNC));
  R(msync(p, PAGE, MS_SYNC | MS_ASYNC));
  R(msync(p, PAGE, 0x40));
  R(msync(p, 4 * PAGE, MS_SYNC));
  R(mlock(p, PAGE));
  R(munlock(p, PAGE));
  R(mlock(p, 4 * PAGE));
  R(mlock2(p, PAGE, 0x40));
  R(munlockall());
}
int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  breaks();
  anonymous();
  files();
  protection();
  moving();
  advice();
}

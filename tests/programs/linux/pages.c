// Pages that may not be touched: read-only, protected, unmapped, beyond the heap and the stack.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int signo, code;
static volatile uintptr_t at;
static void caught(int s, siginfo_t *info, void *context) {
  signo = s;
  code = info->si_code;
  at = (uintptr_t)info->si_addr;
  (void)context;
  siglongjmp(back, 1);
}
__attribute__((noinline)) static int load(volatile char *p) { return *p; }
__attribute__((noinline)) static void store(volatile char *p) { *p = 1; }
static void try(const char *name, volatile char *p, int write, uintptr_t from) {
  signo = code = 0;
  at = 0;
  if (!sigsetjmp(back, 1)) {
    if (write) store(p);
    else load(p);
  }
  printf("%s %s: signal %d code %d", name, write ? "store" : "load", signo, code);
  if (signo) printf(" at %+ld", (long)(at - from));
  puts("");
}
static void both(const char *name, volatile char *p) {
  try(name, p, 0, (uintptr_t)p);
  try(name, p, 1, (uintptr_t)p);
}
// loads of which nobody uses anything
__attribute__((noinline)) static void dropped(volatile char *p) { *p; }
#define DROPS(name, code) \
  __attribute__((noinline)) static void name(volatile char *p) { \
    __asm__ volatile(code : : "r"(p) : "x9", "x10", "v9", "memory"); \
  }
DROPS(to_zero, "ldrb wzr, [%0]")
DROPS(overwritten, "ldr x9, [%0]\n mov x9, 0")
DROPS(pair, "ldp x9, x10, [%0]")
DROPS(vector, "ldr q9, [%0]\n movi v9.16b, 0")
DROPS(structure, "ld1 {v9.s}[1], [%0]\n movi v9.16b, 0")
DROPS(chained, "add x10, %0, 8\n ldur x9, [x10, -8]\n eor x9, x9, x9\n ldr x10, [sp, x9]")
DROPS(moved_on, "mov x10, %0\n ldr x9, [x10], 8")
DROPS(acquired, "ldarb wzr, [%0]")
DROPS(swapped, ".arch_extension lse\n swpb wzr, wzr, [%0]")
DROPS(below_the_stack, "sub x9, sp, %0\n ldr xzr, [x9]")
static void (*const drops[])(volatile char *) = {
    dropped, to_zero, overwritten, pair, vector, structure, chained, moved_on, acquired, swapped};
static void no_drop(volatile char *p) {
  for (unsigned i = 0; i < sizeof drops / sizeof *drops; i++) {
    signo = code = 0;
    if (!sigsetjmp(back, 1)) drops[i](p);
    printf("dropped %u: signal %d code %d at %+ld\n", i, signo, code, (long)(at - (uintptr_t)p));
  }
}
static const char constant[] = "constant";
static char data[3 * 4096] __attribute__((aligned(4096)));
struct wide { long a, b, c, d; };

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  const char *what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "constant")) return store((char *)constant), puts("stored"), 0;
  if (!strcmp(what, "text")) return store((char *)(uintptr_t)main), puts("stored"), 0;
  struct sigaction a = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSEGV, &a, NULL);
  sigaction(SIGBUS, &a, NULL);
  both("null", (char *)0);
  try("constant", (char *)constant, 1, (uintptr_t)constant);
  try("text", (char *)(uintptr_t)load, 1, (uintptr_t)load);
  try("literal", (char *)"literal", 1, (uintptr_t)"literal");

  char *p = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  both("mapped", p);
  mprotect(p + 4096, 4096, PROT_READ);
  both("read-only", p + 4096 + 7);
  mprotect(p + 2 * 4096, 4096, PROT_NONE);
  both("none", p + 2 * 4096 + 4095);
  munmap(p + 3 * 4096, 4096);
  both("unmapped", p + 3 * 4096);
  both("after", p + 4 * 4096);
  mprotect(p + 4096, 2 * 4096, PROT_READ | PROT_WRITE);
  both("writable again", p + 4096);
  both("readable again", p + 2 * 4096);
  printf("kept %d %d\n", p[0], p[4 * 4096]);
  char *q = mmap(p + 3 * 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  both("mapped read-only", q);

  mprotect(data + 4096, 4096, PROT_READ);
  both("data read-only", data + 4096);
  both("data", data + 8192);
  mprotect(data + 4096, 4096, PROT_READ | PROT_WRITE);
  data[4096] = 7;

  mprotect(data + 4096, 4096, PROT_NONE);
  no_drop(data + 4096);
  mprotect(data + 4096, 4096, PROT_READ | PROT_WRITE);
  signo = 0;
  if (!sigsetjmp(back, 1)) below_the_stack((volatile char *)(64ul << 20));
  printf("below the stack: signal %d\n", signo);

  // reads and writes of the kernel's say EFAULT where the program would fault
  mprotect(data, 4096, PROT_READ);
  int ends[2];
  if (pipe(ends)) return 1;
  printf("write %zd\n", write(ends[1], data, 100));
  printf("read %zd\n", read(ends[0], data, 100));
  printf("read %zd\n", read(ends[0], data + 4096, 100));
  mprotect(data, 4096, PROT_NONE);
  printf("write %zd\n", write(ends[1], data, 100));
  mprotect(data, 4096, PROT_READ | PROT_WRITE);

  // a page of a file, read-only and private; grown, shrunk and moved
  FILE *f = tmpfile();
  for (int i = 0; i < 4096; i++) fputc('a' + i % 26, f);
  fflush(f);
  char *m = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fileno(f), 0);
  printf("file %.5s\n", m);
  try("file", m, 1, (uintptr_t)m);
  char *moved = mremap(m, 4096, 3 * 4096, MREMAP_MAYMOVE);
  printf("moved %.5s\n", moved);
  try("moved", moved, 1, (uintptr_t)moved);
  moved = mremap(moved, 3 * 4096, 4096, 0);
  both("shrunk", moved + 4096);
  madvise(moved, 4096, MADV_DONTNEED);
  printf("again %.5s\n", moved);
  try("again", moved, 1, (uintptr_t)moved);

  // pages beyond the end of a file, which grows and shrinks
  for (int shared = 0; shared < 2; shared++) {
    int fd = fileno(f), flags = shared ? MAP_SHARED : MAP_PRIVATE;
    if (ftruncate(fd, 4096 + 10)) return 1;
    m = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, flags, fd, 0);
    both("last page", m + 2 * 4096 - 1);
    both("beyond", m + 2 * 4096);
    mprotect(m + 2 * 4096, 2 * 4096, PROT_READ);
    try("beyond, read-only", m + 3 * 4096 + 5, 0, (uintptr_t)m);
    mprotect(m + 2 * 4096, 2 * 4096, PROT_READ | PROT_WRITE);
    both("beyond, writable", m + 3 * 4096 + 5);
    printf("write %zd\n", write(ends[1], m + 2 * 4096, 10));
    m = mremap(m, 5 * 4096, 7 * 4096, MREMAP_MAYMOVE);
    if (m == MAP_FAILED) return 2;
    both("last page, moved", m + 2 * 4096 - 1);
    both("beyond, moved", m + 2 * 4096);
    if (pwrite(fd, "grown", 5, 2 * 4096 + 10) != 5) return 1;
    printf("grown: %s\n", m + 2 * 4096 + 10);
    both("beyond the grown", m + 3 * 4096);
    if (ftruncate(fd, 6 * 4096)) return 1;
    both("grown again", m + 6 * 4096 - 1);
    both("beyond all", m + 6 * 4096);
    if (ftruncate(fd, 1)) return 1;
    both("shrunk", m + 4096);
    if (ftruncate(fd, 4096 + 1)) return 1;
    printf("grown: %d\n", m[4096]);
    madvise(m, 7 * 4096, MADV_DONTNEED);
    both("beyond again", m + 2 * 4096);
    munmap(m, 7 * 4096);
  }

  char *top = (char *)syscall(SYS_brk, 0), *page = (char *)(((uintptr_t)top + 4095) & ~4095ul);
  both("beyond the heap", page);
  if ((char *)syscall(SYS_brk, page + 4096) != page + 4096) return 1;
  both("heap", page);

  // an access over the end of a page faults at the page that is not there
  p = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(p + 4096, 4096);
  signo = 0;
  if (!sigsetjmp(back, 1)) {
    struct wide *w = (struct wide *)(p + 4096 - 16), v = {1, 2, 3, 4};
    *(volatile struct wide *)w = v;
  }
  printf("over the end: signal %d at page %d\n", signo, (char *)(at & ~4095ul) == p + 4096);
  return 0;
}

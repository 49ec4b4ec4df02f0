// NaNs that arise at any depth of calls: every bit of what comes of them, and of what callers kept.
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APART __attribute__((noinline))
typedef double one(double, double);

static double bits(uint64_t b) {
  double d;
  memcpy(&d, &b, 8);
  return d;
}
static void show(const char *what, double d) {
  uint64_t b;
  memcpy(&b, &d, 8);
  printf("%s %016llx\n", what, (unsigned long long)b);
}
static volatile uint64_t source[] = {
    0x3ff8000000000000, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000001234,
    0xfff8000000000777, 0x7ff0000000000042, 0x0000000000000000, 0xc000000000000000,
};
static double at(unsigned i) { return bits(source[i & 7]); }

// calls nothing
APART static double leaf(double a, double b) {
  double s = a;
  for (int i = 0; i < 3; i++) s = s * b + a - b;
  return s;
}
// calls nothing, and saves registers below its own stack pointer
APART static double saver(double a, double b) {
  double s = a * b;
  __asm__ volatile("" : "+w"(s)::"d8", "d9", "d10", "x19", "x20", "x21", "x22");
  s = s * b + a;
  __asm__ volatile("" : "+w"(s)::"d8", "d9", "x19", "x28");
  return s - b;
}
// has a frame of its own, so its callees' stack pointer is not its caller's
APART static double framed(double a, double b) {
  volatile double here[21];
  here[3] = a;
  double r = leaf(here[3], b);
  here[4] = r;
  return here[4] + saver(r, b) + leaf(b, here[3]);
}
// ends by a tail call
APART static double tail(double a, double b) {
  double t = a * b + a;
  return framed(t - b, b);
}
// ends by a tail call through a pointer
static one *volatile through = tail;
APART static double tail_through(double a, double b) {
  double t = a / b;
  return through(t + a, b);
}
// may come back twice; what it calls leaves by longjmp where the result is a NaN
static jmp_buf back;
APART static double jumps(double a, double b) {
  double r = a - b;
  r = r * a + leaf(a, b);
  if (r != r) longjmp(back, 3);
  return r;
}
APART static double caught(double a, double b) {
  volatile double kept = a + b;
  double r = a * b;
  int how = setjmp(back);
  if (how == 0) r += jumps(a, b);
  return r + kept * how;
}
// recursive; every level may begin anew, before and after it calls itself
APART static double deep(int n, double a, double b) {
  volatile char room[48];
  room[n & 31] = (char)n;
  double here = a * b + n;
  if (n > 0) here = deep(n - 1, b - here, a) + here * b;
  return here - room[n & 31];
}
// a handler that does arithmetic of its own, in the middle of a block's
static volatile double handled;
static void handler(int s) {
  double a = at((unsigned)s), b = at((unsigned)s + 1);
  handled = a * b + leaf(b, a) - tail(a, b);
}
APART static double signalled(double a, double b) {
  double r = a * b - a;
  raise(SIGUSR1);
  r = r * b + a;
  return r + handled;
}
// arguments and results of every kind, kept over calls
struct pair {
  double d;
  float f;
};
APART static struct pair mixed(float f, double d, int i, struct pair p) {
  struct pair r = {d * p.d + i, f * p.f - (float)i};
  double inner = framed(r.d, d);
  r.f = r.f * f + (float)inner;
  r.d = r.d - inner * p.d;
  return r;
}
static one *const rows[] = {leaf, saver, framed, tail, tail_through, caught, signalled};
static const char *const names[] = {"leaf", "saver", "framed", "tail", "through", "caught", "signalled"};
enum { ROWS = sizeof rows / sizeof *rows };

// the caller begins anew as well, with much kept over its calls
APART static double caller(unsigned k, double a, double b) {
  double r0 = a - b, r1 = a * b, r2 = b * b + a;
  uint64_t i0 = source[k & 7] * 3, i1 = i0 ^ k;
  double s = rows[k % ROWS](a, b);
  double t = rows[(k + 1) % ROWS](r0, r2);
  printf("%016llx ", (unsigned long long)(i0 + i1));
  return (s + r0) * r1 - (t - r2);
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  double d = x - y;
  return d < 0 ? -1 : d > 0 ? 1 : (d != d) - (leaf(x, y) != 0);
}

int main(void) {
  signal(SIGUSR1, handler);
  for (unsigned i = 0; i < 64; i++)
    for (unsigned k = 0; k < ROWS; k++) show(names[k], caller(k, at(i), at(i / 8)));
  for (unsigned i = 0; i < 64; i += 3) {
    struct pair p = mixed((float)at(i), at(i / 8), (int)i, (struct pair){at(i + 1), (float)at(i + 2)});
    show("mixed", p.d), show("mixed", p.f);
    show("deep", deep((int)i, at(i), at(i / 8)));
    // far beyond one Wasm stack
    if (i % 9 == 0) show("deeper", deep(20000, at(i), at(i / 8)));
  }
  double some[24];
  for (unsigned i = 0; i < 24; i++) some[i] = at(i * 5) * (i % 5);
  qsort(some, 24, sizeof *some, compare);
  for (unsigned i = 0; i < 24; i++) show("sorted", some[i]);
  double a = at(3), b = at(0);
  for (unsigned i = 0; i < 20; i++) {
    a = a * b + (double)i;
    b = tail(b, a) - a;
    show("main", a), show("main", b);
  }
  return 0;
}

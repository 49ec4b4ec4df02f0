// Control flow that translation finds hard: switches, function pointers, recursion, setjmp, signals.
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static unsigned interpret(const unsigned char *code, unsigned n) {
  unsigned acc = 1, i = 0, steps = 0;
  for (;;) {
    if (++steps > 100000) return acc;
    switch (code[i++ % n] % 12) {
      case 0: acc += 7; break;
      case 1: acc *= 3; break;
      case 2: acc ^= acc >> 5; break;
      case 3: acc -= i; break;
      case 4: acc = (acc << 3) | (acc >> 29); break;
      case 5: if (acc & 1) i += 2; break;
      case 6: acc = ~acc; break;
      case 7: acc += acc >> 3; break;
      case 8: acc |= 16; break;
      case 9: acc *= acc | 1; break;
      case 10: if (acc % 5 == 0) i++; break;
      case 11: acc += 0x9e3779b9; break;
    }
  }
}

static jmp_buf env;
static int depth(int n) {
  volatile int keep = n;
  if (n == 0) longjmp(env, 42);
  int r = depth(n - 1);
  return r + keep;
}

static volatile sig_atomic_t seen;
static void on_signal(int s) { seen += s; }
static sigjmp_buf back;
static void jump_out(int s) { siglongjmp(back, s); }

static int add(int a, int b) { return a + b; }
static int sub(int a, int b) { return a - b; }
static int mul(int a, int b) { return a * b; }
static int (*volatile table[3])(int, int) = {add, sub, mul};

static double average(int count, ...) {
  __builtin_va_list ap;
  __builtin_va_start(ap, count);
  double s = 0;
  for (int i = 0; i < count; i++) s += __builtin_va_arg(ap, double);
  __builtin_va_end(ap);
  return s / count;
}

static int irreducible(int n, int a) {
  int x = 0;
  if (a) goto second;
first:
  x += 3;
  if (--n < 0) return x;
second:
  x *= 2;
  x &= 0xffff;
  if (x % 7 == 3) goto first;
  if (n-- > 0) goto first;
  return x;
}

int main(int argc, char **argv) {
  int v[100];
  unsigned seed = 12345;
  for (int i = 0; i < 100; i++) v[i] = (int)((seed = seed * 1103515245 + 12345) >> 16) % 1000;
  qsort(v, 100, sizeof *v, compare);
  for (int i = 1; i < 100; i++)
    if (v[i - 1] > v[i]) puts("not sorted");
  printf("sorted %d %d %d\n", v[0], v[50], v[99]);
  unsigned char code[64];
  for (int i = 0; i < 64; i++) code[i] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 16);
  printf("interpreter %u\n", interpret(code, 64));
  int r = setjmp(env);
  if (r == 0) depth(20);
  printf("longjmp %d\n", r);
  signal(SIGUSR1, on_signal);
  raise(SIGUSR1);
  raise(SIGUSR1);
  printf("signals %d\n", (int)seen);
  signal(SIGUSR2, jump_out);
  int s = sigsetjmp(back, 1);
  if (s == 0) raise(SIGUSR2);
  printf("siglongjmp %d\n", s);
  for (int i = 0; i < 3; i++) printf("pointer %d\n", table[i](20 + argc - 1, 7));
  printf("average %.6f %g %e %a\n", average(4, 1.5, 2.5, 3.25, -8.0), 1e100 / 3, -0.0, 1.0 / 3);
  printf("irreducible %d %d\n", irreducible(50, 0), irreducible(33, 1));
  char text[64];
  snprintf(text, sizeof text, "%08x|%-6s|%+ld|%c", 0xdeadbeef, "ab", 123456789012L, 'z');
  puts(text);
  printf("%.17g %.3f %d\n", strtod("3.14159265358979", 0), strtod("-1e-3", 0), atoi("-77"));
  uint64_t h = 1469598103934665603u;
  for (const char *p = "hash me"; *p; p++) h = (h ^ (unsigned char)*p) * 1099511628211u;
  printf("%llx %llu\n", (unsigned long long)h, (unsigned long long)(((__uint128_t)h * h) >> 64));
  return (int)strlen(argv[0]) > 0 ? 7 : 8;
}

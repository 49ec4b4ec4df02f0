// Recursion as deep as Linux's own stack allows, of every shape; and without end.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long state = 7;
static unsigned long next(void) { return state = state * 6364136223846793005ul + 1442695040888963407ul; }

static __attribute__((noinline)) long narrow(long n) { return n ? narrow(n - 1) + (n & 3) : 0; }
static __attribute__((noinline)) long odd(long n);
static __attribute__((noinline)) long even(long n) { return n ? odd(n - 1) + 1 : 0; }
static __attribute__((noinline)) long odd(long n) { return n ? even(n - 1) + 2 : 0; }
// many values live across the call, integers and floating point
static __attribute__((noinline)) double wide(int n, double a, double b, double c, double d, long e, long f, long g, long h) {
  if (!n) return a + b + c + d + e + f + g + h;
  double p = a * 1.0001 + b, q = b * 0.5 - c, r = c + d * 0.25, s = d - a;
  long t = e + f, u = f ^ g, v = g * 3 + h, w = h - e;
  double below = wide(n - 1, p * 0.5, q * 0.5, r * 0.5, s * 0.5, t & 1023, u & 1023, v & 1023, w & 1023);
  return below * 0.5 + p + q + r + s + t + u + v + w + a + b + c + d + e + f + g + h;
}
typedef long (*visitor)(long, void *);
static long by_pointer(long n, void *self) { return n ? ((visitor)self)(n - 1, self) + 1 : 0; }
static visitor volatile pointer = by_pointer;
struct tree { struct tree *left, *right; long key; };
static struct tree *insert(struct tree *t, long key) {
  if (!t) {
    t = calloc(1, sizeof *t);
    t->key = key;
  } else if (key < t->key) {
    t->left = insert(t->left, key);
  } else {
    t->right = insert(t->right, key);
  }
  return t;
}
static long total(const struct tree *t) { return t ? total(t->left) * 3 + t->key + total(t->right) : 0; }
static void quicksort(int *a, int low, int high) {
  if (low >= high) return;
  int pivot = a[high], at = low;  // sorted input: as deep as it is long
  for (int i = low; i < high; i++)
    if (a[i] <= pivot) {
      int t = a[i];
      a[i] = a[at], a[at++] = t;
    }
  int t = a[high];
  a[high] = a[at], a[at] = t;
  quicksort(a, low, at - 1);
  quicksort(a, at + 1, high);
}
static int nested(const void *a, const void *b) {
  static int depth;
  if (depth < 6) {
    int more[3] = {3, 1, 2};
    depth++;
    qsort(more, 3, sizeof *more, nested);
    depth--;
  }
  return *(const int *)a - *(const int *)b;
}
static int ackermann(int m, int n) { return !m ? n + 1 : !n ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1)); }
// a buffer in every frame, and what is printed from the bottom
static __attribute__((noinline)) int roomy(int n) {
  char text[400];
  snprintf(text, sizeof text, "%d levels", n);
  if (n == 15000) puts(text);
  int r = n == 15000 ? 0 : roomy(n + 1);
  return r + text[0];
}
static jmp_buf out;
static __attribute__((noinline)) long far(long n, char *room) {
  char more[24];
  more[0] = room[0];
  if (!n) longjmp(out, 5);
  return far(n - 1, more) + more[0];
}
// signals at every depth, handled by what recurses itself; and one left from the bottom
static volatile long told;
static __attribute__((noinline)) long twice(long n) { return n < 2 ? n : twice(n - 1) + 2 * twice(n - 2); }
static void tell(int s) { told += twice(9) + s; }
static __attribute__((noinline)) long raising(long n, unsigned long seed) {
  if (!n) return 1;
  unsigned long now = seed * 6364136223846793005ul + 1;
  long r = raising(n - 1, now);
  if (now >> 56 == 9) raise(SIGUSR1);
  return r * 3 + (long)(now & 255);
}
static __attribute__((noinline)) long falling(long n, volatile long *p) {
  if (n) return falling(n - 1, p) * 3 + n;
  if (!p) raise(SIGSEGV);
  return *p;
}

static char other[65536];
static sigjmp_buf back;
static void caught(int s) { siglongjmp(back, s); }
static __attribute__((noinline)) int endless(int n, int *p) {
  volatile int a[8];
  a[n & 7] = n + *p;
  return endless(n + 1, (int *)a) + a[(n + 1) & 7];
}
static __attribute__((noinline)) int endless_pages(int n) {
  volatile char room[10000];
  room[n % 10000] = (char)n;
  return endless_pages(n + 1) + room[n % 10000];
}

int main(int argc, char **argv) {
  int zero = 0;
  if (argc > 1 && !strcmp(argv[1], "endless")) return endless(0, &zero);
  if (argc > 1 && !strcmp(argv[1], "pages")) return endless_pages(0);
  if (argc > 1 && !strcmp(argv[1], "caught")) {
    stack_t set = {.ss_sp = other, .ss_size = sizeof other};
    sigaltstack(&set, NULL);
    struct sigaction a = {.sa_handler = caught, .sa_flags = SA_ONSTACK};
    sigaction(SIGSEGV, &a, NULL);
    for (int i = 0; i < 3; i++) {
      int s = sigsetjmp(back, 1);
      if (s) printf("caught %d\n", s);
      else zero = i ? endless(0, &zero) : endless_pages(0);
    }
    for (volatile int i = 0; i < 6; i++) {
      long one = 1;
      if (sigsetjmp(back, 1)) printf("fell %d\n", i);
      else printf("falling %ld\n", falling(i * i * i * 300, i & 1 ? NULL : &one));
    }
    return 0;
  }
  printf("narrow %ld\n", narrow(150000));
  printf("even %ld\n", even(120001));
  printf("wide %a\n", wide(20000, 1, 2, 3, 4, 5, 6, 7, 8));
  printf("pointer %ld\n", pointer(100000, (void *)by_pointer));
  struct tree *t = NULL;
  for (int i = 0; i < 300; i++) t = insert(t, (long)(next() >> 40));
  for (int i = 0; i < 1500; i++) t = insert(t, (1l << 30) + i);  // a list, in truth
  printf("tree %ld\n", total(t));
  static int numbers[8000];
  for (int i = 0; i < 8000; i++) numbers[i] = i * 2;
  quicksort(numbers, 0, 7999);
  printf("quicksort %d\n", numbers[4321]);
  int three[3] = {9, 7, 8};
  qsort(three, 3, sizeof *three, nested);
  printf("nested qsort %d\n", three[0]);
  printf("ackermann %d\n", ackermann(2, 2000) + ackermann(3, 6));
  printf("roomy %d\n", roomy(0));
  char first[24] = "x";
  for (volatile int i = 0; i < 3; i++)
    if (!setjmp(out)) far(50000, first);
  printf("far\n");
  signal(SIGUSR1, tell);
  printf("raising %ld\n", raising(30000, 5));
  printf("told %ld\n", told);
  return 0;
}

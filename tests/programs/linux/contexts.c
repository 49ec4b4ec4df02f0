// Stacks of one's own: makecontext and swapcontext, generators and a scheduler, with signals among them.
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What a call preserves, by the procedure call standard: x19-x30, sp, d8-d15.
struct context { uint64_t x[12], sp; double d[8]; };
__attribute__((naked, noinline)) static void swap(struct context *from, const struct context *to) {
  __asm__("stp x19, x20, [x0, #0]\n stp x21, x22, [x0, #16]\n stp x23, x24, [x0, #32]\n"
          "stp x25, x26, [x0, #48]\n stp x27, x28, [x0, #64]\n stp x29, x30, [x0, #80]\n"
          "mov x2, sp\n str x2, [x0, #96]\n"
          "stp d8, d9, [x0, #104]\n stp d10, d11, [x0, #120]\n stp d12, d13, [x0, #136]\n stp d14, d15, [x0, #152]\n"
          "ldp x19, x20, [x1, #0]\n ldp x21, x22, [x1, #16]\n ldp x23, x24, [x1, #32]\n"
          "ldp x25, x26, [x1, #48]\n ldp x27, x28, [x1, #64]\n ldp x29, x30, [x1, #80]\n"
          "ldr x2, [x1, #96]\n mov sp, x2\n"
          "ldp d8, d9, [x1, #104]\n ldp d10, d11, [x1, #120]\n ldp d12, d13, [x1, #136]\n ldp d14, d15, [x1, #152]\n"
          "ret");
}
__attribute__((naked)) static void trampoline(void) {
  __asm__("mov x0, x19\n blr x20\n mov x0, #1\n b finished");
}
#define COUNT 20
static struct context scheduler, contexts[COUNT];
static int current, done[COUNT];
static char *stacks[COUNT];
static void yield(void) { swap(&contexts[current], &scheduler); }
__attribute__((used)) void finished(int s) {
  done[current] = s;
  yield();
  printf("never\n");
}
static void make(int n, void (*body)(void *), void *argument) {
  enum { SIZE = 65536 };
  stacks[n] = malloc(SIZE);
  memset(&contexts[n], 0, sizeof contexts[n]);
  contexts[n].x[0] = (uint64_t)argument;
  contexts[n].x[1] = (uint64_t)body;
  contexts[n].x[11] = (uint64_t)trampoline;
  contexts[n].sp = (uint64_t)(stacks[n] + SIZE) & ~15ull;
  done[n] = 0;
}
static long log_;
static int recurse(int n, int self) {
  volatile int keep = n * self;
  if (n == 0) {
    yield();
    return keep;
  }
  int r = recurse(n - 1, self);
  if (n % 7 == 0) yield();
  return r + keep;
}
static void worker(void *argument) {
  int self = (int)(intptr_t)argument;
  double d = self * 1.5;
  for (int i = 0; i < self + 3; i++) {
    d = d * 1.25 + recurse(i * 3, self);
    log_ = log_ * 31 + self + i;
  }
  printf("worker %d: %.17g\n", self, d);
}
static jmp_buf inside[COUNT];
static void jumper(void *argument) {
  int self = (int)(intptr_t)argument;
  volatile int n = 0;
  int r = setjmp(inside[self]);
  yield();
  if (n++ < 5) longjmp(inside[self], n);
  printf("jumper %d: %d %d\n", self, n, r);
}
static volatile int ticks;
static void tick(int s) { ticks += s; }
static void raiser(void *argument) {
  for (int i = 0; i < 4; i++) {
    raise(SIGUSR1);
    yield();
  }
  printf("raiser %d\n", ticks);
  (void)argument;
}
// a handler that switches away and back before it returns, as a preemptive scheduler does
static struct context preempted;
static void preempt(int s) {
  ticks += s;
  swap(&preempted, &scheduler);
}
static int primes(int n) {
  int found = 0;
  for (int i = 2; i < n; i++) {
    int j = 2;
    while (j * j <= i && i % j) j++;
    found += j * j > i;
    if (i % 100 == 0) raise(SIGUSR2);
  }
  return found;
}
static void counter(void *argument) { printf("primes: %d\n", primes(1000 + (int)(intptr_t)argument)); }

int main(void) {
  signal(SIGUSR1, tick);
  int n = 0;
  for (; n < 12; n++) make(n, worker, (void *)(intptr_t)n);
  for (; n < 16; n++) make(n, jumper, (void *)(intptr_t)n);
  for (; n < 18; n++) make(n, raiser, NULL);
  int left = n, switches = 0;
  while (left) {
    for (current = 0; current < n; current++) {
      if (done[current]) continue;
      swap(&scheduler, &contexts[current]);
      switches++;
      left -= done[current];
    }
  }
  printf("switches %d, log %ld\n", switches, log_);
  struct sigaction a = {.sa_handler = preempt, .sa_flags = SA_NODEFER};
  sigaction(SIGUSR2, &a, NULL);
  make(18, counter, (void *)7);
  current = 18;
  swap(&scheduler, &contexts[18]);
  int preemptions = 0;
  while (!done[18]) {
    preemptions++;
    struct context resume = preempted;
    swap(&scheduler, &resume);
  }
  printf("preempted %d times, ticks %d\n", preemptions, ticks);
  return 0;
}

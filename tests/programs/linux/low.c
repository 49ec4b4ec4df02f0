// Linked below where the personality usually lies: the whole of it, and all around, is the program's.
#include <errno.h>
#include <signal.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static sigjmp_buf back;
static void caught(int s, siginfo_t *info, void *context) {
  (void)context;
  siglongjmp(back, s << 4 | info->si_code);
}
static char room[1 << 20];
static void try(const char *what, volatile char *at, int write) {
  int got = sigsetjmp(back, 1);
  if (!got && write) *at = 1;
  else if (!got) (void)*at;
  printf("%s: %d\n", what, got);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  memset(room, 7, sizeof room);
  printf("%d %d\n", (unsigned long)main < 0x200000, (unsigned long)room < 0x300000);
  try("null", NULL, 1);
  try("text", (char *)main, 1);
  try("after the image", (char *)0x2000000, 1);
  printf("%d\n", mmap((void *)0x1000000, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)0x1000000);
  memset((void *)0x1000000, 1, 4096);
  char *heap = malloc(30 << 20);
  memset(heap, 3, 30 << 20);
  printf("%d %d\n", heap[12345], room[54321]);
  return 0;
}

/* Owns the devices of /dev: null(4), zero(4), full(4), random(4), tty(4). */
#include "wasi.h"

enum { NULL_ = 0x103, ZERO = 0x105, FULL = 0x107, RANDOM = 0x108, URANDOM = 0x109, TTY = 0x500 };

static void link_to(struct tree *dev, const char *name, const char *target) {
  struct tree *t = tree_new(dev, name, TREE_LINK, 0777);
  if (!t) return;
  t->fixed = 1;
  t->data = (u8 *)copy_string(target);
  t->size = strlen(target);
}
void devices_start(struct tree *dev) {
  static const struct { const char *name; u32 number; } all[] = {
    {"null", NULL_}, {"zero", ZERO}, {"full", FULL}, {"random", RANDOM}, {"urandom", URANDOM}, {"tty", TTY},
  };
  for (u32 i = 0; i < COUNT(all); i++) {
    struct tree *t = tree_new(dev, all[i].name, TREE_DEVICE, 0666);
    if (!t) return;
    t->number = all[i].number;
    t->fixed = 1;
  }
  link_to(dev, "fd", "/proc/self/fd");
  link_to(dev, "stdin", "/proc/self/fd/0");
  link_to(dev, "stdout", "/proc/self/fd/1");
  link_to(dev, "stderr", "/proc/self/fd/2");
  tree_new(dev, "shm", TREE_DIRECTORY, 01777);
  dev->fixed = 1;
}
static s64 random_bytes(void *to, u64 n) {
  for (u64 done = 0; done < n;) {
    u32 part = (u32)MIN(n - done, 65536);
    u32 error = wasi_random_get((u8 *)to + done, part);
    if (error) return done ? (s64)done : from_wasi(error);
    done += part;
  }
  return (s64)n;
}
s64 device_read(u32 number, void *to, u64 n) {
  switch (number) {
  case NULL_: return 0;
  case RANDOM: case URANDOM: return random_bytes(to, n);
  default: memset(to, 0, (size_t)n); return (s64)n;
  }
}
s64 device_write(u32 number, const void *from, u64 n) {
  if (number == FULL) return -ENOSPC;
  return (s64)n;
}
s64 sys_getrandom(u64 out, u64 size, u32 flags) {
  if (flags & ~7u || (flags & 6) == 6) return -EINVAL;
  size = MIN(size, 0x1ffffff);
  void *to = guest(out, size, PROT_WRITE);
  return to ? random_bytes(to, size) : -EFAULT;
}

int device_maps(const struct tree *t) { return t->number == ZERO; }

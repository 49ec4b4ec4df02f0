/* Owns the descriptor of a symbolic link itself: open(2), O_PATH with O_NOFOLLOW. It is its path. */
#include "linux.h"

static int at(struct file *f, struct place *p) { return walk(AT_FDCWD, f->path, WALK_NOFOLLOW | WALK_SLOW, p); }

static int link_stat(struct file *f, struct host_stat *s) {
  static struct place p;
  int r = at(f, &p);
  return r ? r : place_stat(&p, s);
}
static int link_chown(struct file *f, u32 uid, u32 gid) {
  static struct place p;
  int r = at(f, &p);
  return r ? r : place_chown(&p, uid, gid);
}
static int link_utimens(struct file *f, const struct timespec *times) {
  static struct place p;
  int r = at(f, &p);
  return r ? r : place_utimens(&p, times);
}
static const struct file_ops link_ops = {.stat = link_stat, .chown = link_chown, .utimens = link_utimens};

struct file *link_file(const char *path, u32 flags) {
  struct file *f = file_new(&link_ops, flags);
  if (f && !(f->path = copy_string(path))) file_drop(f), f = NULL;
  return f;
}

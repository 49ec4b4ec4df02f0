/* Owns the table of descriptors and what they share, the open file descriptions: dup(2), fcntl(2). */
#include "linux.h"

static struct { struct file *file; u32 flags; } table[NOFILE_MAX];
static u32 top;                                         /* one past the highest ever used */

struct file *file_new(const struct file_ops *ops, u32 flags) {
  struct file *f = kalloc(sizeof *f);
  if (!f) return NULL;
  f->ops = ops;
  f->flags = flags & ~(u32)O_CLOEXEC;
  f->references = 1;
  return f;
}
void file_hold(struct file *f) { f->references++; }
void file_drop(struct file *f) {
  if (--f->references) return;
  if (f->ops->close) f->ops->close(f);
  kfree(f->path);
  kfree(f);
}

struct file *fd_get(int fd) { return fd < 0 || fd >= NOFILE_MAX ? NULL : table[fd].file; }
u32 fd_flags(int fd) { return table[fd].flags; }
int fd_highest(void) { return (int)top; }

int fd_install(struct file *f, int lowest, u32 flags) {
  int limit = (int)MIN(rlimits[RLIMIT_NOFILE].rlim_cur, NOFILE_MAX);
  for (int fd = lowest; fd < limit; fd++)
    if (!table[fd].file) {
      table[fd].file = f;
      table[fd].flags = flags & O_CLOEXEC ? 1 : 0;
      if ((u32)fd >= top) top = (u32)fd + 1;
      return fd;
    }
  file_drop(f);
  return -EMFILE;
}
int fd_room(void) {
  u64 limit = MIN(rlimits[RLIMIT_NOFILE].rlim_cur, NOFILE_MAX);
  for (u64 fd = 0; fd < limit; fd++)
    if (!table[fd].file) return 0;
  return -EMFILE;
}

int fd_close(int fd) {
  struct file *f = fd_get(fd);
  if (!f) return -EBADF;
  table[fd].file = NULL;
  if (f->references == 1) fd_closing(f);
  file_drop(f);
  return 0;
}
s64 sys_close(int fd) { return fd_close(fd); }
s64 sys_close_range(int first, int last, u32 flags) {
  enum { UNSHARE = 2, CLOEXEC = 4 };
  if ((u32)first > (u32)last || flags & ~6u) return -EINVAL;
  for (u32 fd = (u32)first; fd <= (u32)last && fd < top; fd++)
    if (flags & CLOEXEC) table[fd].flags |= 1;
    else fd_close((int)fd);
  return 0;
}

static s64 duplicate(int fd, int lowest, u32 flags) {
  struct file *f = fd_get(fd);
  if (!f) return -EBADF;
  if (lowest < 0 || (u64)lowest >= rlimits[RLIMIT_NOFILE].rlim_cur || lowest >= NOFILE_MAX)
    return -EINVAL;
  file_hold(f);
  return fd_install(f, lowest, flags);
}
s64 sys_dup(int fd) { return duplicate(fd, 0, 0); }
s64 sys_dup3(int fd, int to, u32 flags) {
  struct file *f = fd_get(fd);
  if (flags & ~(u32)O_CLOEXEC || fd == to) return -EINVAL;
  if (to < 0 || to >= NOFILE_MAX || (u64)to >= rlimits[RLIMIT_NOFILE].rlim_cur || !f) return -EBADF;
  file_hold(f);
  if (table[to].file) fd_close(to);
  return fd_install(f, to, flags);
}

/* Record locks of one process never conflict with themselves. */
static s64 lock(struct file *f, u32 command, u64 address) {
  struct flock l;
  if (copy_in(&l, address, sizeof l)) return -EFAULT;
  if (l.l_whence < SEEK_SET || l.l_whence > SEEK_END) return -EINVAL;
  if (command >= F_OFD_GETLK && l.l_pid) return -EINVAL;
  if (l.l_whence == SEEK_SET && (l.l_start < 0 || l.l_start + l.l_len < 0)) return -EINVAL;
  if (command == F_GETLK || command == F_OFD_GETLK) {
    if (l.l_type != F_RDLCK && l.l_type != F_WRLCK) return -EINVAL;
    l.l_type = F_UNLCK;
    return copy_out(address, &l, sizeof l);
  }
  if (l.l_type < F_RDLCK || l.l_type > F_UNLCK) return -EINVAL;
  u32 access = f->flags & O_ACCMODE;
  if ((l.l_type == F_RDLCK && access == O_WRONLY) || (l.l_type == F_WRLCK && access == O_RDONLY))
    return -EBADF;

  return 0;
}

s64 sys_fcntl(int fd, int command, u64 argument) {
  const u32 settable = O_APPEND | O_NONBLOCK | O_NOATIME | O_DIRECT | O_ASYNC;
  struct file *f = fd_get(fd);
  if (!f) return -EBADF;
  if (f->flags & O_PATH && command != F_DUPFD && command != F_DUPFD_CLOEXEC && command != F_GETFD &&
      command != F_SETFD && command != F_GETFL)
    return -EBADF;
  switch (command) {
  case F_DUPFD: return duplicate(fd, (int)argument, 0);
  case F_DUPFD_CLOEXEC: return duplicate(fd, (int)argument, O_CLOEXEC);
  case F_GETFD: return table[fd].flags;
  case F_SETFD: table[fd].flags = argument & 1; return 0;
  case F_GETFL: return f->flags & ~(u32)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
  case F_SETFL:
    f->flags = (f->flags & ~settable) | ((u32)argument & settable);
    host_flags(f);
    return 0;
  case F_GETLK: case F_SETLK: case F_SETLKW: case F_OFD_GETLK: case F_OFD_SETLK: case F_OFD_SETLKW:
    return lock(f, (u32)command, argument);
  case F_GETOWN: case F_GETSIG: case F_SETOWN: case F_SETSIG: return 0;
  case F_GETPIPE_SZ: return f->ops == &pipe_ops ? 65536 : -EBADF;
  case F_SETPIPE_SZ: return f->ops == &pipe_ops ? (argument <= 65536 ? 65536 : -EPERM) : -EBADF;
  default: return -EINVAL;
  }
}

/* A lock is of an open file description: two of one process do meet. */
static int flock_conflict(struct file *f, u32 wanted) {
  struct host_stat s, other;
  if (f->ops->stat(f, &s)) return 0;
  for (u32 fd = 0; fd < top; fd++) {
    struct file *g = table[fd].file;
    if (!g || g == f || !g->locked || (wanted == LOCK_SH && g->locked == LOCK_SH)) continue;
    if (!g->ops->stat(g, &other) && other.ino == s.ino && other.dev == s.dev) return 1;
  }
  return 0;
}
s64 sys_flock(int fd, u32 operation) {
  struct file *f = fd_get(fd);
  u32 wanted = operation & ~(u32)LOCK_NB;
  if (!f || f->flags & O_PATH) return -EBADF;
  if (operation & LOCK_MAND) return 0;
  if (wanted != LOCK_SH && wanted != LOCK_EX && wanted != LOCK_UN) return -EINVAL;
  while (wanted != LOCK_UN && flock_conflict(f, wanted)) {
    if (operation & LOCK_NB) return -EAGAIN;
    if (wait_until(FOREVER) < 0) return -ERESTART;      /* nobody else could give it up */
  }
  f->locked = wanted == LOCK_UN ? 0 : wanted;
  return 0;
}

/* Owns names, links and directories: mkdir(2), rename(2), link(2), getdents(2), chdir(2). */
#include "linux.h"

int place_mknod(struct place *p, u32 mode);

s64 sys_mkdirat(int dirfd, u64 path, u32 mode) {
  static struct place p;
  int r = walk_guest(dirfd, path, WALK_NOFOLLOW, &p);
  return r < 0 ? r : place_mkdir(&p, mode);
}
s64 sys_mknodat(int dirfd, u64 path, u32 mode, u32 device) {
  static struct place p;
  u32 type = mode & S_IFMT;
  int r = walk_guest(dirfd, path, WALK_NOFOLLOW, &p);
  if (r < 0) return r;
  if (type == S_IFDIR) return -EPERM;
  if (type && type != S_IFREG && type != S_IFIFO && type != S_IFCHR && type != S_IFBLK && type != S_IFSOCK)
    return -EINVAL;
  if (!type || type == S_IFREG) return place_mknod(&p, mode);
  r = place_vacant(&p);
  return r ? r : -EPERM;                                /* nothing is made that others could wait at */
}
/* The last component as the guest wrote it. */
static int ends_in(u64 path, const char *end) {
  static char copy[PATH_MAX];
  s64 n = guest_path(path, copy);
  if (n < 0) return 0;
  while (n > 1 && copy[n - 1] == '/') copy[--n] = 0;
  const char *slash = strrchr(copy, '/');
  return !strcmp(slash ? slash + 1 : copy, end);
}
s64 sys_unlinkat(int dirfd, u64 path, int flags) {
  static struct place p;
  if (flags & ~AT_REMOVEDIR) return -EINVAL;
  int r = walk_guest(dirfd, path, WALK_NOFOLLOW, &p);
  if (r < 0) return r;
  if (flags & AT_REMOVEDIR && ends_in(path, ".")) return -EINVAL;
  if (ends_in(path, "..")) return flags & AT_REMOVEDIR ? -ENOTEMPTY : -EISDIR;
  return place_unlink(&p, flags & AT_REMOVEDIR);
}
s64 sys_symlinkat(u64 target, int dirfd, u64 path) {
  static struct place p;
  static char text[PATH_MAX];
  s64 n = guest_path(target, text);
  if (n < 0) return n;
  if (!n) return -ENOENT;
  int r = walk_guest(dirfd, path, WALK_NOFOLLOW, &p);
  return r < 0 ? r : place_symlink(&p, text);
}
s64 sys_linkat(int from_fd, u64 from, int to_fd, u64 to, int flags) {
  static struct place a, b;
  if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  int r = walk_guest(from_fd, from, (flags & AT_SYMLINK_FOLLOW ? WALK_SLOW : WALK_NOFOLLOW) |
                                        (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &a);
  if (!r) r = walk_guest(to_fd, to, WALK_NOFOLLOW, &b);
  return r < 0 ? r : place_link(&a, &b);
}
s64 sys_renameat2(int from_fd, u64 from, int to_fd, u64 to, u32 flags) {
  static struct place a, b;
  struct host_stat s;
  if (flags & ~1u) return -EINVAL;
  int r = walk_guest(from_fd, from, WALK_NOFOLLOW, &a);
  if (!r) r = walk_guest(to_fd, to, WALK_NOFOLLOW, &b);
  if (r < 0) return r;
  if (ends_in(from, ".") || ends_in(from, "..") || ends_in(to, ".") || ends_in(to, "..")) return -EBUSY;
  if (flags & 1 && !place_stat(&a, &s) && !place_stat(&b, &s)) return -EEXIST;
  return place_rename(&a, &b);
}
s64 sys_renameat(int from_fd, u64 from, int to_fd, u64 to) {
  return sys_renameat2(from_fd, from, to_fd, to, 0);
}
s64 sys_readlinkat(int dirfd, u64 path, u64 out, u64 size) {
  static struct place p;
  if ((int)size <= 0) return -EINVAL;
  int r = walk_guest(dirfd, path, WALK_NOFOLLOW | (dirfd == AT_FDCWD ? 0 : WALK_EMPTY), &p);
  if (r < 0) return r;
  static char text[PATH_MAX];
  s64 n = place_readlink(&p, text, MIN(size, PATH_MAX));
  if (n == -EINVAL && p.beyond) return -ENOENT;         /* an empty path, of what is no link */
  if (n < 0) return n;
  return copy_out(out, text, (u64)n) ? -EFAULT : n;
}
s64 sys_getdents64(int fd, u64 out, u64 size) {
  struct file *f = fd_get(fd);
  if (!f || f->flags & O_PATH) return -EBADF;
  if (!IS_DIRECTORY(f)) return -ENOTDIR;
  size = MIN(size, 1 << 20);
  u8 *to = guest(out, size, PROT_WRITE);
  return to ? f->ops->list(f, to, size) : -EFAULT;
}
s64 sys_getcwd(u64 out, u64 size) {
  static struct place p;
  struct host_stat s;
  u64 n = strlen(cwd) + 1;
  if (!walk(AT_FDCWD, cwd, WALK_SLOW, &p) && place_stat(&p, &s) == -ENOENT) return -ENOENT;   /* removed */
  if (n > size) return -ERANGE;
  return copy_out(out, cwd, n) ? -EFAULT : (s64)n;
}
s64 sys_chdir(u64 path) {
  static struct place p;
  struct host_stat s;
  static char text[PATH_MAX];
  s64 n = guest_path(path, text);
  if (n < 0) return n;
  int r = walk(AT_FDCWD, text, WALK_SLOW, &p);
  if (!r) r = place_stat(&p, &s);
  if (r) return r == -EESCAPE ? -EACCES : r;
  if ((s.mode & S_IFMT) != S_IFDIR) return -ENOTDIR;
  if (may_access(&s, 1)) return -EACCES;
  memcpy(cwd, p.path, strlen(p.path) + 1);
  return 0;
}
enum { CHROOT = 51 };
s64 sys_chroot(u64 path) {
  static struct place p;
  struct host_stat s;
  int r = walk_guest(AT_FDCWD, path, 0, &p);
  if (!r) r = place_stat(&p, &s);
  if (r) return r;
  if ((s.mode & S_IFMT) != S_IFDIR) return -ENOTDIR;
  return credentials[2] ? -EPERM : absent(CHROOT);
}
s64 sys_fchdir(int fd) {
  static struct place p;
  struct file *f = fd_get(fd);
  if (!f) return -EBADF;
  if (!IS_DIRECTORY(f) || !f->path) return -ENOTDIR;
  int r = walk(AT_FDCWD, f->path, WALK_SLOW, &p);
  if (r) return r;
  memcpy(cwd, p.path, strlen(p.path) + 1);
  return 0;
}
s64 sys_mount(u64 source, u64 target, u64 type, u32 flags, u64 data) { return -EPERM; }
s64 sys_umount2(u64 target, u32 flags) { return -EPERM; }

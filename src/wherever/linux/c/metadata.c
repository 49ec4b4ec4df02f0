/* Owns modes, owners, sizes and times: stat(2), statx(2), access(2), chmod(2), chown(2), utimensat(2). */
#include "linux.h"

u32 file_mask = 022;

static s64 give_stat(const struct host_stat *h, u64 out) {
  struct stat s = {
    .st_dev = h->dev, .st_ino = h->ino, .st_mode = h->mode, .st_nlink = h->nlink, .st_uid = h->uid,
    .st_gid = h->gid, .st_rdev = h->rdev, .st_size = h->size, .st_blksize = (s32)h->blksize,
    .st_blocks = (s64)h->blocks, .st_atime = h->atime, .st_atime_nsec = h->atime_nsec,
    .st_mtime = h->mtime, .st_mtime_nsec = h->mtime_nsec, .st_ctime = h->ctime,
    .st_ctime_nsec = h->ctime_nsec,
  };
  return copy_out(out, &s, sizeof s);
}
static int stat_at(int dirfd, u64 path, int flags, struct host_stat *s) {
  static struct place p;
  char first = 1;
  if (flags & AT_EMPTY_PATH && (!path || (!copy_in(&first, path, 1) && !first)) && dirfd != AT_FDCWD) {
    struct file *f = fd_get(dirfd);
    return f ? f->ops->stat(f, s) : -EBADF;
  }
  int r = walk_guest(dirfd, path, (flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0) |
                                      (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &p);
  return r < 0 ? r : place_stat(&p, s);
}
s64 sys_newfstatat(int dirfd, u64 path, u64 out, int flags) {
  struct host_stat s;
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH)) return -EINVAL;
  int r = stat_at(dirfd, path, flags, &s);
  return r < 0 ? r : give_stat(&s, out);
}
s64 sys_fstat(int fd, u64 out) {
  struct host_stat s;
  struct file *f = fd_get(fd);
  if (!f) return -EBADF;
  int r = f->ops->stat(f, &s);
  return r < 0 ? r : give_stat(&s, out);
}
static u32 major(u64 device) { return (u32)(device >> 8 & 0xfff); }
static u32 minor(u64 device) { return (u32)((device & 0xff) | (device >> 12 & 0xffffff00)); }
s64 sys_statx(int dirfd, u64 path, int flags, u32 wanted, u64 out) {
  struct host_stat h;
  if (wanted & 0x80000000 || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE) return -EINVAL;
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) return -EINVAL;
  int r = stat_at(dirfd, path, flags, &h);
  if (r < 0) return r;
  struct statx s = {
    .stx_mask = 0x7ff, .stx_blksize = h.blksize, .stx_nlink = h.nlink, .stx_uid = h.uid,
    .stx_gid = h.gid, .stx_mode = (u16)h.mode, .stx_ino = h.ino, .stx_size = (u64)h.size,
    .stx_blocks = h.blocks, .stx_atime = {h.atime, h.atime_nsec, 0},
    .stx_ctime = {h.ctime, h.ctime_nsec, 0}, .stx_mtime = {h.mtime, h.mtime_nsec, 0},
    .stx_rdev_major = major(h.rdev), .stx_rdev_minor = minor(h.rdev),
    .stx_dev_major = major(h.dev), .stx_dev_minor = minor(h.dev),
  };
  return copy_out(out, &s, sizeof s);
}
s64 sys_faccessat2(int dirfd, u64 path, int mode, int flags) {
  struct host_stat s;
  if (mode & ~7 || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  int r = stat_at(dirfd, path, flags & ~AT_EACCESS, &s);
  return r < 0 ? r : may_access(&s, mode);
}
s64 sys_faccessat(int dirfd, u64 path, int mode) { return sys_faccessat2(dirfd, path, mode, 0); }

s64 sys_fchmod(int fd, u32 mode) {
  struct file *f = fd_get(fd);
  if (!f || f->flags & O_PATH) return -EBADF;
  return f->ops->chmod ? f->ops->chmod(f, mode) : 0;
}
s64 sys_fchmodat2(int dirfd, u64 path, u32 mode, int flags) {
  static struct place p;
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  int r = walk_guest(dirfd, path, (flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0) |
                                      (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &p);
  return r < 0 ? r : place_chmod(&p, mode);
}
s64 sys_fchmodat(int dirfd, u64 path, u32 mode) { return sys_fchmodat2(dirfd, path, mode, 0); }
s64 sys_fchown(int fd, u32 uid, u32 gid) {
  struct file *f = fd_get(fd);
  if (!f || f->flags & O_PATH) return -EBADF;
  return f->ops->chown ? f->ops->chown(f, uid, gid) : 0;
}
s64 sys_fchownat(int dirfd, u64 path, u32 uid, u32 gid, int flags) {
  static struct place p;
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  int r = walk_guest(dirfd, path, (flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0) |
                                      (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &p);
  return r < 0 ? r : place_chown(&p, uid, gid);
}
s64 sys_utimensat(int dirfd, u64 path, u64 times, int flags) {
  static struct place p;
  struct timespec t[2];
  if (times && copy_in(t, times, sizeof t)) return -EFAULT;
  for (int i = 0; times && i < 2; i++)
    if (t[i].tv_nsec != UTIME_NOW && t[i].tv_nsec != UTIME_OMIT && (t[i].tv_nsec < 0 || t[i].tv_nsec > 999999999))
      return -EINVAL;
  if (times && t[0].tv_nsec == UTIME_OMIT && t[1].tv_nsec == UTIME_OMIT) return 0;
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  if (!path) {                                          /* futimens(3) */
    struct file *f = fd_get(dirfd);
    if (dirfd == AT_FDCWD) return -EFAULT;
    if (!f || f->flags & O_PATH) return -EBADF;
    return f->ops->utimens ? f->ops->utimens(f, times ? t : NULL) : 0;
  }
  int r = walk_guest(dirfd, path, (flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0) |
                                      (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &p);
  return r < 0 ? r : place_utimens(&p, times ? t : NULL);
}
s64 sys_umask(u32 mask) {
  u32 was = file_mask;
  file_mask = mask & 0777;
  return was;
}
s64 sys_statfs(u64 path, u64 out) {
  static struct place p;
  struct statfs s;
  int r = walk_guest(AT_FDCWD, path, 0, &p);
  if (!r) r = place_statfs(&p, &s);
  return r < 0 ? r : copy_out(out, &s, sizeof s);
}
s64 sys_fstatfs(int fd, u64 out) {
  struct statfs s;
  struct file *f = fd_get(fd);
  if (!f) return -EBADF;
  if (f->ops->statfs) f->ops->statfs(f, &s);
  else s = (struct statfs){.f_type = 0x50495045, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = 255};
  return copy_out(out, &s, sizeof s);
}

/* Extended attributes: no filesystem of ours has them; the path must still exist. */
static s64 no_attributes(u64 path, int nofollow) {
  struct host_stat s;
  int r = stat_at(AT_FDCWD, path, nofollow, &s);
  return r < 0 ? r : -ENOTSUP;
}
s64 sys_setxattr(u64 p, u64 n, u64 v, u64 s, u32 f) { return no_attributes(p, 0); }
s64 sys_lsetxattr(u64 p, u64 n, u64 v, u64 s, u32 f) { return no_attributes(p, AT_SYMLINK_NOFOLLOW); }
s64 sys_fsetxattr(int fd, u64 n, u64 v, u64 s, u32 f) { return fd_get(fd) ? -ENOTSUP : -EBADF; }
s64 sys_getxattr(u64 p, u64 n, u64 v, u64 s) { return no_attributes(p, 0); }
s64 sys_lgetxattr(u64 p, u64 n, u64 v, u64 s) { return no_attributes(p, AT_SYMLINK_NOFOLLOW); }
s64 sys_fgetxattr(int fd, u64 n, u64 v, u64 s) { return fd_get(fd) ? -ENOTSUP : -EBADF; }
s64 sys_listxattr(u64 p, u64 v, u64 s) { return no_attributes(p, 0); }
s64 sys_llistxattr(u64 p, u64 v, u64 s) { return no_attributes(p, AT_SYMLINK_NOFOLLOW); }
s64 sys_flistxattr(int fd, u64 v, u64 s) { return fd_get(fd) ? -ENOTSUP : -EBADF; }
s64 sys_removexattr(u64 p, u64 n) { return no_attributes(p, 0); }
s64 sys_lremovexattr(u64 p, u64 n) { return no_attributes(p, AT_SYMLINK_NOFOLLOW); }
s64 sys_fremovexattr(int fd, u64 n) { return fd_get(fd) ? -ENOTSUP : -EBADF; }

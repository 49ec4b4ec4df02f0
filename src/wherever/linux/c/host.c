/* Owns files and directories of the host: preview 1, and our own imports where it falls short. */
#include "wasi.h"

/* wasi errno -> Linux errno, in the order of the specification's enum. */
int from_wasi(u32 error) {
  static const u16 table[] = {
    0, E2BIG, EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EALREADY, EBADF, EBADMSG,
    EBUSY, ECANCELED, ECHILD, ECONNABORTED, ECONNREFUSED, ECONNRESET, EDEADLK, EDESTADDRREQ, EDOM,
    EDQUOT, EEXIST, EFAULT, EFBIG, EHOSTUNREACH, EIDRM, EILSEQ, EINPROGRESS, EINTR, EINVAL, EIO,
    EISCONN, EISDIR, ELOOP, EMFILE, EMLINK, EMSGSIZE, EMULTIHOP, ENAMETOOLONG, ENETDOWN, ENETRESET,
    ENETUNREACH, ENFILE, ENOBUFS, ENODEV, ENOENT, ENOEXEC, ENOLCK, ENOLINK, ENOMEM, ENOMSG,
    ENOPROTOOPT, ENOSPC, ENOSYS, ENOTCONN, ENOTDIR, ENOTEMPTY, ENOTRECOVERABLE, ENOTSOCK, ENOTSUP,
    ENOTTY, ENXIO, EOVERFLOW, EOWNERDEAD, EPERM, EPIPE, EPROTO, EPROTONOSUPPORT, EPROTOTYPE, ERANGE,
    EROFS, ESPIPE, ESRCH, ESTALE, ETIMEDOUT, ETXTBSY, EXDEV, EESCAPE,
  };
  return error < COUNT(table) ? -(int)table[error] : -EIO;
}

/* An operation that asks for a right the grant does not carry is, to Linux, a read-only filesystem. */
[[maybe_unused]] static int change(u32 error) {
  int e = from_wasi(error);
  return e == -EESCAPE ? -EROFS : e;
}

static const u32 type_modes[] = {
  S_IFCHR | 0600, S_IFBLK | 0600, S_IFCHR | 0620, S_IFDIR | 0755, S_IFREG | 0644, S_IFSOCK | 0755,
  S_IFSOCK | 0755, S_IFLNK | 0777,
};

/* ---- modes and owners that preview 1 cannot keep: remembered for the length of the run */
struct attribute { struct attribute *next; u64 dev, ino; u32 mode, uid, gid; };
static struct attribute *attributes[256];

static struct attribute *attribute(u64 dev, u64 ino, int make) {
  struct attribute **head = &attributes[(ino ^ ino >> 8 ^ dev) & 255], *a = *head;
  for (; a; a = a->next)
    if (a->dev == dev && a->ino == ino) return a;
  if (!make || !ino || !(a = kalloc(sizeof *a))) return NULL;
  *a = (struct attribute){*head, dev, ino, ~0u, ~0u, ~0u};
  return *head = a;
}

static void split_time(u64 ns, s64 *seconds, u32 *rest) {
  *seconds = (s64)(ns / 1000000000);
  *rest = (u32)(ns % 1000000000);
}

static void convert(const struct wasi_stat *w, struct host_stat *s) {
  memset(s, 0, sizeof *s);
  s->dev = w->dev;
  s->ino = w->ino;
  s->mode = w->type < COUNT(type_modes) ? type_modes[w->type] : S_IFREG | 0644;
  s->nlink = w->nlink || w->type == WASI_FILE ? (u32)w->nlink : 1;
  s->uid = credentials[0];
  s->gid = credentials[1];
  s->size = (s64)w->size;
  s->blksize = 4096;
  s->blocks = (w->size + 4095) / 4096 * 8;
  if ((s->mode & S_IFMT) == S_IFCHR) s->rdev = 0x8800, s->blksize = 1024, s->blocks = 0;
  split_time(w->atime, &s->atime, &s->atime_nsec);
  split_time(w->mtime, &s->mtime, &s->mtime_nsec);
  split_time(w->ctime, &s->ctime, &s->ctime_nsec);
  const struct attribute *a = attribute(s->dev, s->ino, 0);
  if (a && a->mode != ~0u) s->mode = (s->mode & S_IFMT) | a->mode;
  if (a && a->uid != ~0u) s->uid = a->uid;
  if (a && a->gid != ~0u) s->gid = a->gid;
}

[[maybe_unused]] static void remember(const struct host_stat *s, u32 mode, u32 uid, u32 gid) {
  struct attribute *a = attribute(s->dev, s->ino, 1);
  if (!a) return;
  if (mode != ~0u) a->mode = mode & 07777;
  if (uid != ~0u) a->uid = uid;
  if (gid != ~0u) a->gid = gid;
}

int host_stat_at(u32 fd, const char *path, int follow, struct host_stat *s) {
#ifdef WHEREVER_HOST
  s32 r = ours_path_stat(fd, path, (u32)strlen(path), (u32)follow, s);
  if (r != -ENOSYS) return r;
#endif
  struct wasi_stat w;
  u32 error = wasi_path_filestat_get(fd, (u32)follow, path, (u32)strlen(path), &w);
  if (!error) convert(&w, s);
  return from_wasi(error);
}

static int fd_stat(struct file *f, struct host_stat *s) {
#ifdef WHEREVER_HOST
  s32 r = ours_fd_stat(f->host, s);
  if (r != -ENOSYS) return r;
#endif
  struct wasi_stat w;
  u32 error = wasi_fd_filestat_get(f->host, &w);
  if (!error) {
    if (!w.type) w.type = (u8)f->kind;                  /* a pipe or a terminal that the host does not name */
    convert(&w, s);
    if (!w.type) s->mode = S_IFIFO | 0600, s->rdev = 0;
  }
  return from_wasi(error);
}

struct file *host_file(u32 fd, u32 flags) {
  struct file *f = file_new(&host_ops, flags);
  if (!f) return NULL;
  f->host = fd;
  struct wasi_fdstat stat;
  if (!wasi_fd_fdstat_get(fd, &stat)) f->kind = stat.type;
  return f;
}

/* Without our imports the host never appends: `host_write` goes to the end itself. */
void host_flags(struct file *f) {
#ifdef WHEREVER_HOST
  if (f->ops != &host_ops || f->kind != WASI_FILE) return;
  wasi_fd_fdstat_set_flags(f->host, (f->flags & O_APPEND ? 1 : 0) | (f->flags & O_DSYNC ? 2 : 0) |
                                        ((f->flags & O_SYNC) == O_SYNC ? 16 : 0));
#endif
}

#define RIGHT_READ (1ull << 1)
#define RIGHT_WRITE (1ull << 6)
#define RIGHTS_FILE 0x08e001ffull                       /* what a file may do, less read and write */
#define RIGHTS_DIRECTORY 0x0fbffe90ull

int host_open(u32 fd, const char *path, int follow, u32 flags, u32 mode, struct file **out) {
  u32 opened;
#ifdef WHEREVER_HOST
  s32 r = ours_path_open(fd, path, (u32)strlen(path), follow ? flags & ~(u32)O_NOFOLLOW : flags | O_NOFOLLOW,
                         mode & ~file_mask & 07777, &opened);
  if (r < 0) return r;
#else
  u32 oflags = (flags & O_CREAT ? 1 : 0) | (flags & O_DIRECTORY ? 2 : 0) | (flags & O_EXCL ? 4 : 0) |
               (flags & O_TRUNC ? 8 : 0);
  u32 access = flags & O_ACCMODE;
  int created = 0;
  struct wasi_stat before;
  if (flags & O_PATH) access = O_RDONLY, oflags &= 2;
  if (flags & O_CREAT)                                  /* is it new? then its mode is the guest's */
    created = wasi_path_filestat_get(fd, (u32)follow, path, (u32)strlen(path), &before) != 0;
  u64 rights = (RIGHTS_FILE | RIGHTS_DIRECTORY) & ~(RIGHT_READ | RIGHT_WRITE);   /* it may be either */
  if (access != O_WRONLY) rights |= RIGHT_READ;
  if (access != O_RDONLY) rights |= RIGHT_WRITE;
  else rights &= ~((1ull << 8) | (1ull << 22));         /* fd_allocate, fd_filestat_set_size */
  u32 error = wasi_path_open(fd, (u32)follow, path, (u32)strlen(path), oflags, rights,
                             RIGHTS_DIRECTORY | RIGHTS_FILE,
                             (flags & O_NONBLOCK ? 4u : 0u), &opened);
  if (error && (from_wasi(error) == -EISDIR || from_wasi(error) == -EESCAPE) && access == O_RDONLY) {
    u32 as_directory = wasi_path_open(fd, (u32)follow, path, (u32)strlen(path), oflags | 2,
                                      RIGHTS_DIRECTORY, RIGHTS_DIRECTORY | RIGHTS_FILE, 0, &opened);
    if (!as_directory || error == 31) error = as_directory;
  }
  if (error) {                                          /* hosts differ about what is no file: ask what it is */
    int r = from_wasi(error);
    int type = wasi_path_filestat_get(fd, (u32)follow, path, (u32)strlen(path), &before) ? -1 : before.type;
    if (type == WASI_LINK && flags & O_DIRECTORY) return -ENOTDIR;
    return type == WASI_DIRECTORY && r == -EINVAL && flags & (O_CREAT | O_TRUNC) ? -EISDIR : r;
  }
#endif
  struct file *f = host_file(opened, flags);
  if (!f) {
    wasi_fd_close(opened);
    return -ENOMEM;
  }
#ifndef WHEREVER_HOST
  struct host_stat s;
  if (f->kind == WASI_DIRECTORY && access != O_RDONLY) {
    file_drop(f);
    return -EISDIR;
  }
  if (created && (mode & ~file_mask & 07777) != 0644 && !fd_stat(f, &s))
    remember(&s, mode & ~file_mask, ~0u, ~0u);
#endif
  *out = f;
  return 0;
}

s64 host_readlink(u32 fd, const char *path, char *to, u64 n) {
  u32 done, error = wasi_path_readlink(fd, path, (u32)strlen(path), to, (u32)n, &done);
  return error ? from_wasi(error) : (s64)done;
}

int host_mkdir(u32 fd, const char *path, u32 mode) {
  mode &= ~file_mask & 01777;
#ifdef WHEREVER_HOST
  return ours_path_mkdir(fd, path, (u32)strlen(path), mode);
#else
  int r = change(wasi_path_create_directory(fd, path, (u32)strlen(path)));
  struct host_stat s;
  if (!r && mode != 0755 && !host_stat_at(fd, path, 0, &s)) remember(&s, mode, ~0u, ~0u);
  return r;
#endif
}
int host_unlink(u32 fd, const char *path, int directory) {
  u32 n = (u32)strlen(path);
  struct host_stat s;
  if (directory) return change(wasi_path_remove_directory(fd, path, n));
  int known = !host_stat_at(fd, path, 0, &s);
  if (known && (s.mode & S_IFMT) == S_IFDIR) return -EISDIR;
  int r = change(wasi_path_unlink_file(fd, path, n));
  if (!r && known && s.nlink == 1) {
    struct attribute *a = attribute(s.dev, s.ino, 0);
    if (a) a->mode = a->uid = a->gid = ~0u;             /* the number may serve another file */
  }
  return r;
}
int host_symlink(u32 fd, const char *path, const char *target) {
  int r = from_wasi(wasi_path_symlink(target, (u32)strlen(target), fd, path, (u32)strlen(path)));
  return r == -EESCAPE ? -EPERM : r;
}
int host_link(u32 fd, const char *path, int follow, u32 to_fd, const char *to) {
  return change(wasi_path_link(fd, (u32)follow, path, (u32)strlen(path), to_fd, to, (u32)strlen(to)));
}
int host_rename(u32 fd, const char *path, u32 to_fd, const char *to) {
  return change(wasi_path_rename(fd, path, (u32)strlen(path), to_fd, to, (u32)strlen(to)));
}

int host_chmod(u32 fd, const char *path, int follow, u32 mode) {
#ifdef WHEREVER_HOST
  return ours_path_chmod(fd, path, (u32)strlen(path), (u32)follow, mode & 07777);
#else
  struct host_stat s;
  int r = host_stat_at(fd, path, follow, &s);
  if (!r) remember(&s, mode, ~0u, ~0u);
  return r;
#endif
}
int host_chown(u32 fd, const char *path, int follow, u32 uid, u32 gid) {
#ifdef WHEREVER_HOST
  return ours_path_chown(fd, path, (u32)strlen(path), (u32)follow, uid, gid);
#else
  struct host_stat s;
  int r = host_stat_at(fd, path, follow, &s);
  if (r) return r;
  if ((uid != ~0u && uid != s.uid) || (gid != ~0u && gid != s.gid)) return -EPERM;
  return 0;
#endif
}

/* Linux' two timespecs -> preview 1's two times and flags. */
static u32 times(const struct timespec *t, u64 *a, u64 *m) {
  u32 which = 0;
  *a = *m = 0;
  if (!t) return 2 | 8;
  if (t[0].tv_nsec == UTIME_NOW) which |= 2;
  else if (t[0].tv_nsec != UTIME_OMIT) which |= 1, *a = (u64)(t[0].tv_sec * 1000000000 + t[0].tv_nsec);
  if (t[1].tv_nsec == UTIME_NOW) which |= 8;
  else if (t[1].tv_nsec != UTIME_OMIT) which |= 4, *m = (u64)(t[1].tv_sec * 1000000000 + t[1].tv_nsec);
  return which;
}
int host_utimens(u32 fd, const char *path, int follow, const struct timespec *t) {
  u64 a, m;
  u32 which = times(t, &a, &m);
  return change(wasi_path_filestat_set_times(fd, (u32)follow, path, (u32)strlen(path), a, m, which));
}

int host_statfs(u32 fd, struct statfs *s) {
#ifdef WHEREVER_HOST
  s32 r = ours_fd_statfs(fd, s);
  if (r != -ENOSYS) return r;
#endif
  *s = (struct statfs){.f_type = 0x01021997, .f_bsize = 4096, .f_frsize = 4096, .f_blocks = 1 << 20,
                       .f_bfree = 1 << 19, .f_bavail = 1 << 19, .f_files = 1 << 20,
                       .f_ffree = 1 << 19, .f_namelen = 255};
  return 0;
}

int host_is_terminal(struct file *f) {
#ifdef WHEREVER_HOST
  struct termios t;
  if (f->ops == &host_ops) return ours_tty_get(f->host, &t) == 0;
#endif
  return f->ops == &host_ops && f->kind == WASI_CHARACTER;
}

/* ---- open host files */
static u32 fd_poll(struct file *f);
static s64 host_read(struct file *f, void *to, u64 n) {
  struct wasi_iovec v = {(u32)to, (u32)MIN(n, 0x7ffff000)};
  u32 done, error;
  if (f->kind == WASI_DIRECTORY) return -EISDIR;
  if (f->kind != WASI_FILE && f->flags & O_NONBLOCK && !(fd_poll(f) & POLLIN)) return -EAGAIN;
  if (f->kind != WASI_FILE && attention) {              /* a timer may end the wait: do not block in the host */
    u32 wanted = POLLIN, ready;
    if (wait_for(&f, &wanted, &ready, 1, FOREVER) < 0) return -ERESTART;
  }
  do {
    if (f->kind != WASI_FILE) {
      host_signals_take();
      if (signal_due()) return -ERESTART;
    }
    error = wasi_fd_read(f->host, &v, 1, &done);
  } while (error && from_wasi(error) == -EINTR);
  return error ? from_wasi(error) : (s64)done;
}
static s64 host_write(struct file *f, const void *from, u64 n) {
  struct wasi_iovec v = {(u32)from, (u32)MIN(n, 0x7ffff000)};
  u32 done, error;
  if (f->flags & O_APPEND && f->kind == WASI_FILE) {
    u64 end;
    if ((error = wasi_fd_seek(f->host, 0, 2, &end))) return from_wasi(error);
  }
  error = wasi_fd_write(f->aux ? f->aux - 1 : f->host, &v, 1, &done);
  return error ? from_wasi(error) : (s64)done;
}
static s64 host_pread(struct file *f, void *to, u64 n, s64 offset) {
  struct wasi_iovec v = {(u32)to, (u32)MIN(n, 0x7ffff000)};
  u32 done, error;
  if (f->kind == WASI_DIRECTORY) return -EISDIR;
  if (f->kind != WASI_FILE) return -ESPIPE;
  error = wasi_fd_pread(f->host, &v, 1, (u64)offset, &done);
  return error ? from_wasi(error) : (s64)done;
}
static s64 host_pwrite(struct file *f, const void *from, u64 n, s64 offset) {
  struct wasi_iovec v = {(u32)from, (u32)MIN(n, 0x7ffff000)};
  u32 done, error;
  if (f->kind != WASI_FILE) return -ESPIPE;
  if (f->flags & O_APPEND) {                            /* Linux appends, whatever the offset: pwrite(2), BUGS */
    u64 was, end;
    if ((error = wasi_fd_seek(f->host, 0, 1, &was)) || (error = wasi_fd_seek(f->host, 0, 2, &end)))
      return from_wasi(error);
    offset = (s64)end;
  }
  error = wasi_fd_pwrite(f->host, &v, 1, (u64)offset, &done);
  return error ? from_wasi(error) : (s64)done;
}
static s64 host_seek(struct file *f, s64 offset, int whence) {
  struct host_stat s;
  u64 position;
  if (f->kind == WASI_DIRECTORY) {
    if (whence == SEEK_CUR) offset += f->position;
    else if (whence != SEEK_SET) return -EINVAL;
    return offset < 0 ? -EINVAL : (f->position = offset);
  }
  if (f->kind != WASI_FILE) return -ESPIPE;
  if (whence == SEEK_DATA || whence == SEEK_HOLE) {
    int r = fd_stat(f, &s);
    if (r) return r;
    if (offset < 0 || offset >= s.size) return -ENXIO;
    if (whence == SEEK_HOLE) offset = s.size;
    whence = SEEK_SET;
  }
  u32 error = wasi_fd_seek(f->host, offset, (u32)whence, &position);
  return error ? from_wasi(error) : (s64)position;
}

static const u8 entry_types[] = {0, 6, 2, 4, 8, 12, 12, 10};
struct dirent64 { u64 ino; s64 next; u16 length; u8 type; char name[]; } __attribute__((packed));

static u32 entry(u8 *to, u64 room, u64 ino, s64 next, u8 type, const char *name, u32 n) {
  u32 length = (19 + n + 1 + 7) & ~7u;
  if (length > room) return 0;
  struct dirent64 *d = (void *)to;
  memset(d, 0, length);
  d->ino = ino;
  d->next = next;
  d->length = (u16)length;
  d->type = type;
  memcpy(d->name, name, n);
  return length;
}

/* Positions 0 and 1 are "." and ".."; from 2 on they are the host's cookies plus 2. */
static s64 host_list(struct file *f, u8 *to, u64 room) {
  if (f->kind != WASI_DIRECTORY) return -ENOTDIR;
  static u8 buffer[16384];
  struct host_stat s;
  u64 done = 0;
  u64 own = fd_stat(f, &s) ? 1 : s.ino;
  if (own == s.ino && !s.nlink) return -ENOENT;         /* it was removed while it was open */
  for (; f->position < 2; f->position++) {
    u32 n = entry(to + done, room - done, own, f->position + 1, 4, "..", (u32)f->position + 1);
    if (!n) return done ? (s64)done : -EINVAL;
    done += n;
  }
  for (;;) {
    u32 used, error = wasi_fd_readdir(f->host, buffer, sizeof buffer, (u64)f->position - 2, &used);
    if (error) return done ? (s64)done : from_wasi(error);
    u32 at = 0, complete = 0;
    while (at + 24 <= used) {
      struct wasi_dirent d;
      memcpy(&d, buffer + at, 24);
      if (d.length > used - at - 24) break;
      const char *name = (const char *)buffer + at + 24;
      at += 24 + d.length;
      complete++;
      if ((d.length == 1 && name[0] == '.') || (d.length == 2 && name[0] == '.' && name[1] == '.')) {
        f->position = (s64)d.next + 2;
        continue;
      }
      u8 type = d.type < COUNT(entry_types) ? entry_types[d.type] : 0;
      u32 n = entry(to + done, room - done, d.inode, (s64)d.next + 2, type, name, d.length);
      if (!n) return done ? (s64)done : -EINVAL;
      done += n;
      f->position = (s64)d.next + 2;
    }
    if (used < sizeof buffer || !complete) return (s64)done;
  }
}

static int host_truncate(struct file *f, s64 size) {
  if (f->kind != WASI_FILE) return -EINVAL;
  return change(wasi_fd_filestat_set_size(f->host, (u64)size));
}
static int host_allocate(struct file *f, s64 offset, s64 size) {
  if (f->kind != WASI_FILE) return -ENODEV;
  int r = from_wasi(wasi_fd_allocate(f->host, (u64)offset, (u64)size));
  if (r != -ENOTSUP && r != -ENOSYS && r != -EESCAPE) return r;
  struct host_stat s;                                   /* a host without it: the size is what can be seen */
  if ((r = fd_stat(f, &s))) return r;
  return offset + size > s.size ? host_truncate(f, offset + size) : 0;
}
static int fd_chmod(struct file *f, u32 mode) {
#ifdef WHEREVER_HOST
  return ours_fd_chmod(f->host, mode & 07777);
#else
  struct host_stat s;
  int r = fd_stat(f, &s);
  if (!r) remember(&s, mode, ~0u, ~0u);
  return r;
#endif
}
static int fd_chown(struct file *f, u32 uid, u32 gid) {
  if (f->kind != WASI_FILE && f->kind != WASI_DIRECTORY && uid == ~0u && gid == ~0u) return 0;
#ifdef WHEREVER_HOST
  return ours_fd_chown(f->host, uid, gid);
#else
  struct host_stat s;
  int r = fd_stat(f, &s);
  if (r) return r;
  return (uid != ~0u && uid != s.uid) || (gid != ~0u && gid != s.gid) ? -EPERM : 0;
#endif
}
static int fd_utimens(struct file *f, const struct timespec *t) {
  u64 a, m;
  u32 which = times(t, &a, &m);
  return change(wasi_fd_filestat_set_times(f->host, a, m, which));
}
static int fd_sync(struct file *f, int data_only) {
  if (f->kind != WASI_FILE && f->kind != WASI_DIRECTORY) return -EINVAL;
  int r = from_wasi(data_only ? wasi_fd_datasync(f->host) : wasi_fd_sync(f->host));
  return r == -EBADF || r == -EESCAPE ? 0 : r;          /* some hosts sync no directories */
}
static int fd_statfs(struct file *f, struct statfs *s) { return host_statfs(f->host, s); }
static u32 fd_poll(struct file *f) {
  if (f->kind == WASI_FILE || f->kind == WASI_DIRECTORY) return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
  struct wasi_subscription in[2] = {{.user = 1, .tag = 1, .id = f->host},
                                    {.user = 2, .tag = 0, .id = 1, .timeout = 0}};
  struct wasi_event out[2];
  u32 done = 0, ready = 0;
  if ((f->flags & O_ACCMODE) != O_RDONLY) ready |= POLLOUT | POLLWRNORM;
  if ((f->flags & O_ACCMODE) != O_WRONLY && !wasi_poll_oneoff(in, out, 2, &done))
    for (u32 i = 0; i < done; i++)
      if (out[i].user == 1) {
        ready |= POLLIN | POLLRDNORM;
        if (out[i].flags & 1) ready |= POLLHUP;
      }
  return ready;
}
static void fd_drop(struct file *f) {
  if (!f->aux) wasi_fd_close(f->host);
}

const struct file_ops host_ops = {
  .read = host_read, .write = host_write, .pread = host_pread, .pwrite = host_pwrite,
  .seek = host_seek, .list = host_list, .stat = fd_stat, .truncate = host_truncate,
  .allocate = host_allocate, .chmod = fd_chmod, .chown = fd_chown, .utimens = fd_utimens,
  .sync = fd_sync, .statfs = fd_statfs, .poll = fd_poll, .close = fd_drop,
};

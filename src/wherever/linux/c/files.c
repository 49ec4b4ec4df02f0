/* Owns opening, reading, writing and positioning: open(2), read(2), lseek(2), sendfile(2). */
#include "linux.h"

#define LONGEST 0x7ffff000ull                           /* MAX_RW_COUNT */
#define VECTORS 1024

int file_is_directory(struct file *f) {
  if (f->ops == &host_ops) return f->kind == 3;
  return f->ops == &tree_ops && (tree_of(f)->type == TREE_DIRECTORY || tree_of(f)->type == TREE_FDS);
}
static struct file *readable(int fd) {
  struct file *f = fd_get(fd);
  return f && !(f->flags & O_PATH) && !(f->flags & O_WRONLY) ? f : NULL;
}
static struct file *writable(int fd) {
  struct file *f = fd_get(fd);
  u32 access = f ? f->flags & O_ACCMODE : 0;            /* 3 is neither: open(2), "access mode 3" */
  return f && !(f->flags & O_PATH) && (access == O_WRONLY || access == O_RDWR) ? f : NULL;
}

static int is_regular(struct file *f) {
  struct host_stat s;
  return !f->ops->stat(f, &s) && (s.mode & S_IFMT) == S_IFREG;
}
/* How much of `size` may be written at `offset` (-1: the file's own place): setrlimit(2), RLIMIT_FSIZE. */
static s64 within_limit(struct file *f, s64 offset, u64 size) {
  struct host_stat s;
  u64 most = rlimits[RLIMIT_FSIZE].rlim_cur;
  if (most == ~0ull || !size || !is_regular(f)) return (s64)size;
  if (f->flags & O_APPEND) offset = f->ops->stat(f, &s) ? 0 : s.size;
  else if (offset < 0) offset = f->ops->seek(f, 0, SEEK_CUR);
  if ((u64)offset < most) return (s64)MIN(size, most - (u64)offset);
  signal_raise(SIGXFSZ, SI_USER, 0);
  return -EFBIG;
}
int size_allowed(s64 size) {
  if ((u64)size <= rlimits[RLIMIT_FSIZE].rlim_cur) return 0;
  signal_raise(SIGXFSZ, SI_USER, 0);
  return -EFBIG;
}

s64 file_read(struct file *f, void *to, u64 n) {
  return f->ops->read ? f->ops->read(f, to, n) : -EINVAL;
}
s64 file_write(struct file *f, const void *from, u64 n) {
  if (!f->ops->write) return -EINVAL;
  s64 room = within_limit(f, -1, n), done = room < 0 ? room : f->ops->write(f, from, (u64)room);
  if (done == -EPIPE) signal_raise(SIGPIPE, SI_USER, 0);
  return done;
}

static s64 open_place(struct place *p, u32 flags, u32 mode) {
  struct file *f;
  int r = place_open(p, flags, mode, &f);
  if (r < 0) return r;
  if (flags & O_TRUNC) map_fit(1);
  return fd_install(f, 0, flags);
}
s64 sys_openat(int dirfd, u64 path, u32 flags, u32 mode) {
  static struct place p;
  if ((flags & O_TMPFILE) == O_TMPFILE) return (flags & O_ACCMODE) == O_RDONLY ? -EINVAL : -EOPNOTSUPP;
  if (flags & O_CREAT && flags & O_DIRECTORY) return -EINVAL;
  u32 how = flags & O_NOFOLLOW || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) ? WALK_NOFOLLOW : 0;
  static char text[PATH_MAX];                           /* the name, the table, the path: in Linux's order */
  s64 n = guest_path(path, text);
  int r = n < 0 ? (int)n : fd_room();
  if (!r) r = walk(dirfd, text, how, &p);
  return r < 0 ? (r == -EESCAPE ? -EACCES : r) : open_place(&p, flags, mode);
}
s64 sys_openat2(int dirfd, u64 path, u64 how, u64 size) {
  struct open_how h;
  if (size < sizeof h) return -EINVAL;
  if (size > PAGE) return -E2BIG;
  const u8 *more = guest(how, size, PROT_READ);
  if (!more || copy_in(&h, how, sizeof h)) return -EFAULT;
  for (u64 i = sizeof h; i < size; i++)
    if (more[i]) return -E2BIG;                         /* a field that we do not know is asked for */
  if (h.resolve & ~63ull || (h.resolve & (BENEATH | IN_ROOT)) == (BENEATH | IN_ROOT) || h.flags >> 32 || h.mode & ~07777ull ||
      (h.mode && !(h.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))))
    return -EINVAL;
  if (h.resolve & CACHED) return h.flags & (O_TRUNC | O_CREAT) ? -EINVAL : -EAGAIN;
  walk_resolve = (u32)h.resolve;
  s64 fd = sys_openat(dirfd, path, (u32)h.flags, (u32)h.mode);
  walk_resolve = 0;
  return fd;
}

s64 sys_read(int fd, u64 out, u64 size) {
  struct file *f = readable(fd);
  if (!f) return -EBADF;
  if (IS_DIRECTORY(f)) return -EISDIR;
  size = MIN(size, LONGEST);
  void *to = guest(out, size, PROT_WRITE);
  return to ? file_read(f, to, size) : -EFAULT;
}
s64 sys_write(int fd, u64 in, u64 size) {
  struct file *f = writable(fd);
  if (!f) return -EBADF;
  size = MIN(size, LONGEST);
  void *from = guest(in, size, PROT_READ);
  return from ? file_write(f, from, size) : -EFAULT;
}
static s64 at(struct file *f, int write, u64 address, u64 size, s64 offset) {
  if (offset < 0) return -EINVAL;
  if (write ? !f->ops->pwrite : !f->ops->pread) return -ESPIPE;
  if (!write && IS_DIRECTORY(f)) return -EISDIR;
  size = MIN(size, LONGEST);
  void *p = guest(address, size, write ? PROT_READ : PROT_WRITE);
  if (!p) return -EFAULT;
  if (!write) return f->ops->pread(f, p, size, offset);
  s64 room = within_limit(f, offset, size);
  return room < 0 ? room : f->ops->pwrite(f, p, (u64)room, offset);
}
s64 sys_pread64(int fd, u64 out, u64 size, s64 offset) {
  struct file *f = readable(fd);
  return offset < 0 ? -EINVAL : f ? at(f, 0, out, size, offset) : -EBADF;
}
s64 sys_pwrite64(int fd, u64 in, u64 size, s64 offset) {
  struct file *f = writable(fd);
  return offset < 0 ? -EINVAL : f ? at(f, 1, in, size, offset) : -EBADF;
}

/* One pass over the vectors; offset < 0: at the file's own position. */
static s64 vectors(struct file *f, int write, u64 address, int n, s64 offset) {
  if (n < 0 || n > VECTORS) return -EINVAL;
  const struct iovec *v = guest(address, (u64)n * sizeof *v, PROT_READ);
  if (!v) return -EFAULT;
  u64 total = 0;
  for (int i = 0; i < n; i++) {
    if ((s64)v[i].iov_len < 0 || (total += v[i].iov_len) > 0x7fffffffffffffff) return -EINVAL;
    if (!guest(v[i].iov_base, v[i].iov_len, write ? PROT_READ : PROT_WRITE) && i == 0) return -EFAULT;
  }
  if (!write && IS_DIRECTORY(f)) return -EISDIR;
  s64 done = 0;
  if (write && offset < 0 && n > 1 && total <= 65536 && f->ops != &tree_ops) {
    static u8 joined[65536];                            /* one write, as atomic as the guest asked for */
    for (int i = 0; i < n; i++) {
      if (copy_in(joined + done, v[i].iov_base, v[i].iov_len)) return done ? file_write(f, joined, (u64)done) : -EFAULT;
      done += (s64)v[i].iov_len;
    }
    return file_write(f, joined, (u64)done);
  }
  for (int i = 0; i < n; i++) {
    u64 size = MIN(v[i].iov_len, LONGEST - (u64)done);
    if (!size) continue;
    void *p = guest(v[i].iov_base, size, write ? PROT_READ : PROT_WRITE);
    s64 part = !p              ? -EFAULT
               : offset >= 0   ? at(f, write, v[i].iov_base, size, offset + done)
               : write         ? file_write(f, p, size)
                               : file_read(f, p, size);
    if (part < 0) return done ? done : part;
    done += part;
    if ((u64)part < size) break;
    if (write || offset >= 0 || !f->ops->poll || (f->ops == &host_ops && f->kind == 4)) continue;
    int pipe = f->ops == &pipe_ops || (f->ops == &host_ops && f->kind != 2);
    if (!pipe || !(file_poll(f) & POLLIN)) break;       /* a further read might block, or begin a new line */
  }
  return done;
}
s64 sys_readv(int fd, u64 v, int n) {
  struct file *f = readable(fd);
  return f ? vectors(f, 0, v, n, -1) : -EBADF;
}
s64 sys_writev(int fd, u64 v, int n) {
  struct file *f = writable(fd);
  return f ? vectors(f, 1, v, n, -1) : -EBADF;
}
s64 sys_preadv(int fd, u64 v, int n, s64 offset, u32 high) {
  struct file *f = readable(fd);
  if (offset < 0) return -EINVAL;
  return !f ? -EBADF : !f->ops->pread || (f->ops == &host_ops && f->kind != 4) ? -ESPIPE : vectors(f, 0, v, n, offset);
}
s64 sys_pwritev(int fd, u64 v, int n, s64 offset, u32 high) {
  struct file *f = writable(fd);
  if (offset < 0) return -EINVAL;
  return !f ? -EBADF : !f->ops->pwrite || (f->ops == &host_ops && f->kind != 4) ? -ESPIPE : vectors(f, 1, v, n, offset);
}
s64 sys_preadv2(int fd, u64 v, int n, s64 offset, u32 high, u32 flags) {
  if (flags & ~0x1fu) return -EOPNOTSUPP;
  return offset == -1 ? sys_readv(fd, v, n) : sys_preadv(fd, v, n, offset, high);
}
s64 sys_pwritev2(int fd, u64 v, int n, s64 offset, u32 high, u32 flags) {
  if (flags & ~0x1fu) return -EOPNOTSUPP;
  if (flags & 16) {
    s64 end = sys_lseek(fd, 0, SEEK_END);
    return end < 0 ? end : sys_pwritev(fd, v, n, end, 0);
  }
  return offset == -1 ? sys_writev(fd, v, n) : sys_pwritev(fd, v, n, offset, high);
}

s64 sys_lseek(int fd, s64 offset, int whence) {
  struct file *f = fd_get(fd);
  if (!f || f->flags & O_PATH) return -EBADF;
  if (whence < 0 || whence > SEEK_HOLE) return -EINVAL;
  if (f->ops->seek) return f->ops->seek(f, offset, whence);
  return f->ops == &event_ops || f->ops == &timer_ops || f->ops == &signal_ops || f->ops == &epoll_ops ? 0 : -ESPIPE;
}

/* The inside of sendfile, copy_file_range and splice: offsets < 0 mean the file's own position. */
static s64 copy(struct file *in, s64 *from, struct file *out, s64 *to, u64 size) {
  static u8 buffer[65536];
  s64 done = 0;
  while (size) {
    u64 part = MIN(size, sizeof buffer);
    s64 got = *from >= 0 ? in->ops->pread(in, buffer, part, *from) : file_read(in, buffer, part);
    if (got <= 0) return done ? done : got;
    s64 put = *to >= 0 ? out->ops->pwrite(out, buffer, (u64)got, *to) : file_write(out, buffer, (u64)got);
    if (put < got && *from < 0 && in->ops->seek) in->ops->seek(in, (put < 0 ? 0 : put) - got, SEEK_CUR);
    if (put < 0) return done ? done : put;
    if (*from >= 0) *from += put;
    if (*to >= 0) *to += put;
    done += put;
    size -= (u64)put;
    if (put < got || ((u64)got < part && in->ops->poll)) break;
  }
  return done;
}
static int offset_in(u64 address, s64 *offset) {
  *offset = -1;
  if (!address) return 0;
  if (copy_in(offset, address, 8)) return -EFAULT;
  return *offset < 0 ? -EINVAL : 0;
}
s64 sys_sendfile(int out, int in, u64 offset, u64 size) {
  struct file *from = readable(in), *to = writable(out);
  s64 at_in, at_out = -1;
  if (!from || !to) return -EBADF;
  int error = offset_in(offset, &at_in);
  if (error) return error;
  if (offset && (!from->ops->pread || !from->ops->seek)) return -ESPIPE;
  if (IS_DIRECTORY(from) || !from->ops->pread || to->flags & O_APPEND) return -EINVAL;
  s64 done = copy(from, &at_in, to, &at_out, MIN(size, LONGEST));
  return offset && done >= 0 && copy_out(offset, &at_in, 8) ? -EFAULT : done;
}
static int overlap(struct file *from, s64 from_at, struct file *to, s64 to_at, u64 size) {
  struct host_stat a, b;
  if (from->ops->stat(from, &a) || to->ops->stat(to, &b) || a.ino != b.ino || a.dev != b.dev) return 0;
  if (from_at < 0) from_at = from->ops->seek(from, 0, SEEK_CUR);
  if (to_at < 0) to_at = to->ops->seek(to, 0, SEEK_CUR);
  size = MIN(size, (u64)(from_at < a.size ? a.size - from_at : 0));
  return (u64)from_at < (u64)to_at + size && (u64)to_at < (u64)from_at + size;
}
s64 sys_copy_file_range(int in, u64 in_at, int out, u64 out_at, u64 size, u32 flags) {
  struct file *from = fd_get(in), *to = fd_get(out);
  s64 at_in, at_out;
  if (!from || !to) return -EBADF;
  int error = offset_in(in_at, &at_in), other = error == -EFAULT ? error : offset_in(out_at, &at_out);
  if (!error || other == -EFAULT) error = other;
  if (error == -EINVAL && ((u64)at_in + size < (u64)at_in || (u64)at_out + size < (u64)at_out)) error = -EOVERFLOW;
  if (error) return error;
  if (flags) return -EINVAL;
  if (IS_DIRECTORY(from) || IS_DIRECTORY(to)) return -EISDIR;
  if (!is_regular(from) || !is_regular(to)) return -EINVAL;
  if (!readable(in) || !writable(out) || to->flags & O_APPEND) return -EBADF;
  if (overlap(from, at_in, to, at_out, size)) return -EINVAL;
  s64 done = copy(from, &at_in, to, &at_out, MIN(size, LONGEST));
  if (done >= 0 && in_at) copy_out(in_at, &at_in, 8);
  if (done >= 0 && out_at) copy_out(out_at, &at_out, 8);
  return done;
}
s64 sys_splice(int in, u64 in_at, int out, u64 out_at, u64 size, u32 flags) {
  struct file *from = readable(in), *to = writable(out);
  s64 at_in, at_out;
  if (flags & ~15u) return -EINVAL;
  if (!size) return 0;
  if (!from || !to) return -EBADF;
  if (from->ops != &pipe_ops && to->ops != &pipe_ops) return -EINVAL;
  if ((in_at && from->ops == &pipe_ops) || (out_at && to->ops == &pipe_ops)) return -ESPIPE;
  int error = offset_in(in_at, &at_in);
  if (!error) error = offset_in(out_at, &at_out);
  if (error) return error;
  s64 done = copy(from, &at_in, to, &at_out, MIN(size, 65536));
  if (done >= 0 && in_at) copy_out(in_at, &at_in, 8);
  if (done >= 0 && out_at) copy_out(out_at, &at_out, 8);
  return done;
}

s64 sys_truncate(u64 path, s64 size) {
  static struct place p;
  if (size < 0) return -EINVAL;
  int r = walk_guest(AT_FDCWD, path, 0, &p);
  if (r >= 0 && (r = place_truncate(&p, size)) >= 0) map_fit(1);
  return r;
}
s64 sys_ftruncate(int fd, s64 size) {
  struct file *f = fd_get(fd);
  if (size < 0) return -EINVAL;
  if (!f || f->flags & O_PATH) return -EBADF;
  if ((f->flags & O_ACCMODE) == O_RDONLY || !f->ops->truncate) return -EINVAL;
  int r = size_allowed(size);
  if (!r && !(r = f->ops->truncate(f, size))) map_fit(1);
  return r;
}
s64 sys_fallocate(int fd, u32 mode, s64 offset, s64 size) {
  struct file *f = fd_get(fd);
  struct host_stat s;
  if (!f || f->flags & O_PATH) return -EBADF;
  if (offset < 0 || size <= 0) return -EINVAL;
  if (mode & ~1u) return -EOPNOTSUPP;
  if ((f->flags & O_ACCMODE) == O_RDONLY) return -EBADF;
  if (f->ops == &pipe_ops) return -ESPIPE;
  if (!f->ops->allocate) return -ENODEV;
  if (offset + size < 0) return -EFBIG;
  if (!(mode & 1)) {
    int r = size_allowed(offset + size);
    if (r) return r;
  }
  if (mode & 1 && (f->ops->stat(f, &s) || offset + size > s.size)) return 0;
  return f->ops->allocate(f, offset, size);
}
static s64 sync_file(int fd, int data_only) {
  struct file *f = fd_get(fd);
  if (!f || f->flags & O_PATH) return -EBADF;
  return f->ops->sync ? f->ops->sync(f, data_only) : -EINVAL;
}
s64 sys_fsync(int fd) { return sync_file(fd, 0); }
s64 sys_fdatasync(int fd) { return sync_file(fd, 1); }
s64 sys_sync(void) { return 0; }
s64 sys_syncfs(int fd) { return fd_get(fd) ? 0 : -EBADF; }
s64 sys_sync_file_range(int fd, s64 offset, s64 size, u32 flags) {
  if (offset < 0 || size < 0 || flags & ~7u) return fd_get(fd) ? -EINVAL : -EBADF;
  s64 r = sync_file(fd, 1);
  return r == -EINVAL ? -ESPIPE : r;
}
s64 sys_fadvise64(int fd, s64 offset, s64 size, int advice) {
  struct file *f = fd_get(fd);
  if (!f || f->flags & O_PATH) return -EBADF;
  if (!f->ops->seek || (f->ops == &host_ops && f->kind != 4 && f->kind != 3)) return -ESPIPE;
  return advice < 0 || advice > 5 || size < 0 ? -EINVAL : 0;
}
s64 sys_readahead(int fd, s64 offset, u64 size) {
  struct file *f = readable(fd);
  return !f ? -EBADF : is_regular(f) ? 0 : -EINVAL;
}
s64 sys_memfd_create(u64 name, u32 flags) {
  static char copy_of[PATH_MAX];
  s64 n = guest_path(name, copy_of);
  if (flags & ~0x1fu) return -EINVAL;
  if (n < 0) return n == -ENAMETOOLONG ? -EINVAL : n;
  if (n > 249) return -EINVAL;
  struct file *f = tree_anonymous(copy_of);
  return f ? fd_install(f, 0, flags & 1 ? O_CLOEXEC : 0) : -ENOMEM;
}

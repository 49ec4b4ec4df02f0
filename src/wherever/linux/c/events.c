/* Owns pipes and event descriptors: pipe(2), eventfd(2), timerfd_create(2), signalfd(2). */
#include "linux.h"

#define PIPE_SIZE 65536u
struct pipe { u8 *data; u32 start, used, readers, writers, writes; struct timespec made; };

static int wait_one(struct file *f, u32 events) {
  u32 ready;
  int r = wait_for(&f, &events, &ready, 1, FOREVER);
  return r < 0 ? -ERESTART : 0;
}
static s64 pipe_read(struct file *f, void *to, u64 n) {
  struct pipe *p = f->node;
  if (!n) return 0;
  while (!p->used) {
    if (!p->writers) return 0;
    if (f->flags & O_NONBLOCK) return -EAGAIN;
    int r = wait_one(f, POLLIN);
    if (r) return r;
  }
  n = MIN(n, p->used);
  u32 first = (u32)MIN(n, PIPE_SIZE - p->start);
  memcpy(to, p->data + p->start, first);
  memcpy((u8 *)to + first, p->data, (size_t)n - first);
  p->start = (p->start + (u32)n) % PIPE_SIZE;
  p->used -= (u32)n;
  return (s64)n;
}
static s64 pipe_write(struct file *f, const void *from, u64 n) {
  struct pipe *p = f->node;
  u64 done = 0;
  while (done < n) {
    if (!p->readers) return done ? (s64)done : -EPIPE;
    u32 room = PIPE_SIZE - p->used, wanted = (u32)MIN(n - done, PIPE_SIZE);
    if (!room || (n <= 4096 && room < n)) {             /* PIPE_BUF bytes go whole or not at all */
      if (f->flags & O_NONBLOCK) return done ? (s64)done : -EAGAIN;
      int r = wait_one(f, POLLOUT);
      if (r) return done ? (s64)done : r;
      continue;
    }
    wanted = MIN(wanted, room);
    u32 end = (p->start + p->used) % PIPE_SIZE, first = MIN(wanted, PIPE_SIZE - end);
    memcpy(p->data + end, (const u8 *)from + done, first);
    memcpy(p->data, (const u8 *)from + done + first, wanted - first);
    p->used += wanted;
    p->writes++;
    done += wanted;
  }
  return (s64)done;
}
static u32 pipe_poll(struct file *f) {
  struct pipe *p = f->node;
  if ((f->flags & O_ACCMODE) == O_RDONLY)
    return (p->used ? POLLIN | POLLRDNORM : 0u) | (p->writers ? 0u : (u32)POLLHUP);
  return (PIPE_SIZE - p->used >= 4096 ? POLLOUT | POLLWRNORM : 0u) | (p->readers ? 0u : (u32)POLLERR);
}
static int anonymous_stat(struct host_stat *s, u32 mode, u64 inode) {
  memset(s, 0, sizeof *s);
  s->dev = 0xd;
  s->ino = inode;
  s->mode = mode;
  s->nlink = 1;
  s->uid = credentials[2];
  s->gid = credentials[3];
  s->blksize = 4096;
  return 0;
}
static int pipe_stat(struct file *f, struct host_stat *s) {
  struct pipe *p = f->node;
  anonymous_stat(s, S_IFIFO | 0600, (u64)(u32)p);
  s->atime = s->mtime = s->ctime = p->made.tv_sec;
  s->atime_nsec = s->mtime_nsec = s->ctime_nsec = (u32)p->made.tv_nsec;
  return 0;
}
static s64 pipe_ioctl(struct file *f, u32 request, u64 address) {
  int n = (int)((struct pipe *)f->node)->used;
  return request == FIONREAD ? copy_out(address, &n, sizeof n) : -ENOTTY;
}
static void pipe_close(struct file *f) {
  struct pipe *p = f->node;
  if ((f->flags & O_ACCMODE) == O_RDONLY) p->readers--;
  else p->writers--;
  if (p->readers + p->writers) return;
  kfree(p->data);
  kfree(p);
}
const struct file_ops pipe_ops = {.read = pipe_read, .write = pipe_write, .poll = pipe_poll,
                                  .stat = pipe_stat, .ioctl = pipe_ioctl, .close = pipe_close};

s64 sys_pipe2(u64 out, u32 flags) {
  if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) return -EINVAL;
  int *fds = guest(out, 8, PROT_WRITE);
  if (!fds) return -EFAULT;
  struct pipe *p = kalloc(sizeof *p);
  struct file *r = file_new(&pipe_ops, O_RDONLY | (flags & O_NONBLOCK));
  struct file *w = file_new(&pipe_ops, O_WRONLY | (flags & O_NONBLOCK));
  if (!p || !r || !w || !(p->data = kalloc(PIPE_SIZE))) return -ENOMEM;
  p->made = timespec_of(now(CLOCK_REALTIME));
  p->readers = p->writers = 1;
  r->node = w->node = p;
  int a = fd_install(r, 0, flags);
  int b = a < 0 ? (file_drop(w), a) : fd_install(w, 0, flags);
  if (b < 0) {
    if (a >= 0) fd_close(a);
    return b;
  }
  fds[0] = a;
  fds[1] = b;
  return 0;
}

/* ---- eventfd */
struct event { u64 count; u32 semaphore, writes; };
static s64 event_read(struct file *f, void *to, u64 n) {
  struct event *e = f->node;
  if (n < 8) return -EINVAL;
  while (!e->count) {
    if (f->flags & O_NONBLOCK) return -EAGAIN;
    int r = wait_one(f, POLLIN);
    if (r) return r;
  }
  u64 taken = e->semaphore ? 1 : e->count;
  e->count -= taken;
  memcpy(to, &taken, 8);
  return 8;
}
static s64 event_write(struct file *f, const void *from, u64 n) {
  struct event *e = f->node;
  u64 added;
  if (n < 8) return -EINVAL;
  memcpy(&added, from, 8);
  if (added == ~0ull) return -EINVAL;
  while (e->count + added < added || e->count + added == ~0ull) {
    if (f->flags & O_NONBLOCK) return -EAGAIN;
    int r = wait_one(f, POLLOUT);
    if (r) return r;
  }
  e->count += added;
  e->writes++;
  return 8;
}
static u32 event_poll(struct file *f) {
  struct event *e = f->node;
  return (e->count ? POLLIN : 0u) | (e->count < ~0ull - 1 ? (u32)POLLOUT : 0u);
}
static int node_stat(struct file *f, struct host_stat *s) { return anonymous_stat(s, 0600, 3); }
static void node_free(struct file *f) { kfree(f->node); }
const struct file_ops event_ops = {.read = event_read, .write = event_write, .poll = event_poll,
                                   .stat = node_stat, .close = node_free};

/* How often something came: to EPOLLET that is an edge, though it was readable before. */
u32 file_arrivals(struct file *f) {
  if (f->ops == &pipe_ops) return ((struct pipe *)f->node)->writes;
  return f->ops == &event_ops ? ((struct event *)f->node)->writes : 0;
}

static s64 install(const struct file_ops *ops, void *node, u32 flags) {
  struct file *f = node ? file_new(ops, O_RDWR | (flags & O_NONBLOCK)) : NULL;
  if (!f) return -ENOMEM;
  f->node = node;
  return fd_install(f, 0, flags);
}
s64 sys_eventfd2(u32 count, u32 flags) {
  if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | 1)) return -EINVAL;
  struct event *e = kalloc(sizeof *e);
  if (e) *e = (struct event){count, flags & 1, 0};
  return install(&event_ops, e, flags);
}

/* ---- timerfd: times are kept in nanoseconds of its clock */
struct timer { int clock; s64 next, interval; u64 missed; };
static void timer_count(struct timer *t) {
  s64 at = now(t->clock);
  if (!t->next || at < t->next) return;
  if (!t->interval) {
    t->missed++;
    t->next = 0;
    return;
  }
  u64 n = (u64)(at - t->next) / (u64)t->interval + 1;
  t->missed += n;
  t->next += (s64)n * t->interval;
}
static u32 timer_poll(struct file *f) {
  timer_count(f->node);
  return ((struct timer *)f->node)->missed ? POLLIN : 0;
}
s64 timer_file_next(struct file *f) {                   /* monotonic, for who waits */
  struct timer *t = f->node;
  if (f->ops != &timer_ops || !t->next) return FOREVER;
  return now(CLOCK_MONOTONIC) + t->next - now(t->clock);
}
static s64 timer_read(struct file *f, void *to, u64 n) {
  struct timer *t = f->node;
  if (n < 8) return -EINVAL;
  for (timer_count(t); !t->missed; timer_count(t)) {
    if (f->flags & O_NONBLOCK) return -EAGAIN;
    int r = wait_one(f, POLLIN);
    if (r) return r;
  }
  memcpy(to, &t->missed, 8);
  t->missed = 0;
  return 8;
}
const struct file_ops timer_ops = {.read = timer_read, .poll = timer_poll, .stat = node_stat,
                                   .close = node_free};
s64 sys_timerfd_create(int clock, u32 flags) {
  if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK)) return -EINVAL;
  if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && (clock < 7 || clock > 9)) return -EINVAL;
  struct timer *t = kalloc(sizeof *t);
  if (t) t->clock = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM ? CLOCK_REALTIME : CLOCK_MONOTONIC;
  return install(&timer_ops, t, flags);
}
static struct itimerspec setting(struct timer *t) {
  timer_count(t);
  s64 left = t->next ? t->next - now(t->clock) : 0;
  if (t->next && left < 1) left = 1;
  return (struct itimerspec){timespec_of(t->interval), timespec_of(left)};
}
static struct timer *timer_of(int fd, int *error) {
  struct file *f = fd_get(fd);
  *error = f ? -EINVAL : -EBADF;
  return f && f->ops == &timer_ops ? f->node : NULL;
}
static int bad(const struct timespec *t) { return t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec > 999999999; }
static s64 nanoseconds(const struct timespec *t) {
  return t->tv_sec > 9000000000 ? FOREVER / 2 : t->tv_sec * 1000000000 + t->tv_nsec;
}
s64 sys_timerfd_settime(int fd, u32 flags, u64 in, u64 out) {
  struct itimerspec new, old;
  int error;
  if (copy_in(&new, in, sizeof new)) return -EFAULT;
  if (flags & ~3u || bad(&new.it_value) || bad(&new.it_interval)) return -EINVAL;
  struct timer *t = timer_of(fd, &error);
  if (!t) return error;
  old = setting(t);
  s64 value = nanoseconds(&new.it_value);
  t->next = !value ? 0 : flags & 1 ? value : now(t->clock) + value;
  t->interval = nanoseconds(&new.it_interval);
  t->missed = 0;
  return out ? copy_out(out, &old, sizeof old) : 0;
}
s64 sys_timerfd_gettime(int fd, u64 out) {
  int error;
  struct timer *t = timer_of(fd, &error);
  if (!t) return error;
  struct itimerspec s = setting(t);
  return copy_out(out, &s, sizeof s);
}

/* ---- signalfd */
static u32 signal_poll(struct file *f) { return signal_pending & *(u64 *)f->node ? POLLIN : 0; }
static s64 signal_read(struct file *f, void *to, u64 n) {
  struct siginfo info;
  u64 done = 0;
  if (n < sizeof(struct signalfd_siginfo)) return -EINVAL;
  while (done + sizeof(struct signalfd_siginfo) <= n) {
    int number = signal_take(*(u64 *)f->node, &info);
    if (number) {
      struct signalfd_siginfo s = {
        .ssi_signo = (u32)number, .ssi_code = info.si_code, .ssi_pid = (u32)info.si_pid,
        .ssi_uid = info.si_uid, .ssi_int = (s32)info.si_value, .ssi_ptr = info.si_value};
      memcpy((u8 *)to + done, &s, sizeof s);
      done += sizeof s;
      continue;
    }
    if (done) break;
    if (f->flags & O_NONBLOCK) return -EAGAIN;
    int r = wait_one(f, POLLIN);
    if (r) return r;
  }
  return (s64)done;
}
const struct file_ops signal_ops = {.read = signal_read, .poll = signal_poll, .stat = node_stat,
                                    .close = node_free};
s64 sys_signalfd4(int fd, u64 set, u64 size, u32 flags) {
  u64 mask;
  if (size != 8 || flags & ~(u32)(O_CLOEXEC | O_NONBLOCK)) return -EINVAL;
  if (copy_in(&mask, set, 8)) return -EFAULT;
  mask &= ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1));
  if (fd != -1) {
    struct file *f = fd_get(fd);
    if (!f) return -EBADF;
    if (f->ops != &signal_ops) return -EINVAL;
    *(u64 *)f->node = mask;
    return fd;
  }
  u64 *node = kalloc(8);
  if (node) *node = mask;
  return install(&signal_ops, node, flags);
}

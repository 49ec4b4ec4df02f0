/* Owns waiting: the one place that blocks, and poll(2), select(2), epoll(7) on it. */
#include "wasi.h"

s64 timer_file_next(struct file *f);

u32 file_poll(struct file *f) {
  return f->ops->poll ? f->ops->poll(f) : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}
static int sleeps(struct file *f) {
  return f && f->ops == &host_ops && f->kind != WASI_FILE && f->kind != WASI_DIRECTORY;
}

/* Until one of the files has one of its events, a signal is due, or the deadline (monotonic): how many
 * files are ready, or -EINTR. POLLERR, POLLHUP are always events. A NULL file is never ready. */
int wait_for(struct file **files, const u32 *events, u32 *ready, u32 n, s64 deadline) {
  static struct wasi_subscription in[65];
  static struct wasi_event out[65];
  for (;;) {
    int count = 0;
    if (attention) timers_run();
    for (u32 i = 0; i < n; i++) {
      ready[i] = files[i] ? file_poll(files[i]) & (events[i] | POLLERR | POLLHUP) : 0;
      count += ready[i] != 0;
    }
    if (count) return count;
    host_signals_take();
    if (signal_due()) return -EINTR;
    s64 at = now(CLOCK_MONOTONIC), until = MIN(deadline, timers_next());
    if (at >= deadline) return 0;
    u32 subscriptions = 0, done;
    for (u32 i = 0; i < n; i++) {
      if (!files[i]) continue;
      s64 next = timer_file_next(files[i]);
      until = MIN(until, next);
      if (sleeps(files[i]) && events[i] & POLLIN && subscriptions < 64)
        in[subscriptions++] = (struct wasi_subscription){.user = i, .tag = 1, .id = files[i]->host};
    }
    /* What only a clock ends sleeps by the clock; what nothing ends sleeps in long naps, as Linux would. */
    u64 nap = until == FOREVER ? 3600000000000ull : until > at ? (u64)(until - at) : 0;
    if (until != FOREVER || !subscriptions)
      in[subscriptions++] = (struct wasi_subscription){.user = ~0ull, .tag = 0, .id = 1, .timeout = nap};
    u32 error = wasi_poll_oneoff(in, out, subscriptions, &done);
    if (error && from_wasi(error) != -EINTR) return 0;
  }
}
int wait_until(s64 deadline) { return wait_for(NULL, NULL, NULL, 0, deadline); }

static s64 deadline_of(s64 nanoseconds) {
  if (nanoseconds == FOREVER) return FOREVER;
  s64 at = now(CLOCK_MONOTONIC);
  return nanoseconds > FOREVER - at ? FOREVER : at + nanoseconds;
}

/* Run a wait under another signal mask: the mask comes back with the handler's return. */
static s64 mask_in(u64 address, u64 size, u64 *was) {
  u64 mask;
  *was = signal_blocked;
  if (!address) return 0;
  if (size != 8) return -EINVAL;
  if (copy_in(&mask, address, 8)) return -EFAULT;
  signal_blocked = mask & ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1));
  return 0;
}
static void mask_out(s64 result, u64 was) {
  if (result == -EINTR) signal_saved_mask(was);
  else signal_blocked = was;
}

static s64 poll_files(u64 fds, u32 n, s64 deadline) {
  static struct file *files[NOFILE_MAX];
  static u32 events[NOFILE_MAX], ready[NOFILE_MAX];
  if (n > rlimits[RLIMIT_NOFILE].rlim_cur || n > NOFILE_MAX) return -EINVAL;
  struct pollfd *p = guest(fds, (u64)n * sizeof *p, PROT_READ | PROT_WRITE);
  if (!p) return -EFAULT;
  int bad = 0;
  for (u32 i = 0; i < n; i++) {
    files[i] = p[i].fd < 0 ? NULL : fd_get(p[i].fd);
    events[i] = (u16)p[i].events;
    bad += p[i].fd >= 0 && !files[i];
  }
  s64 count = wait_for(files, events, ready, n, bad ? 0 : deadline);
  if (count == -EINTR && !bad) return count;
  if (count < 0) count = 0;
  for (u32 i = 0; i < n; i++) {
    p[i].revents = (s16)ready[i];
    if (p[i].fd >= 0 && !files[i]) p[i].revents = POLLNVAL, count++;
  }
  return count;
}
s64 poll(u64 fds, u32 n, int milliseconds) {
  return poll_files(fds, n, milliseconds < 0 ? FOREVER : deadline_of((s64)milliseconds * 1000000));
}
static void time_left(u64 address, s64 deadline) {
  if (!address || deadline == FOREVER) return;
  s64 left = deadline - now(CLOCK_MONOTONIC);
  struct timespec t = timespec_of(left < 0 ? 0 : left);
  copy_out(address, &t, sizeof t);
}
s64 sys_ppoll(u64 fds, u32 n, u64 timeout, u64 mask, u64 size) {
  s64 wait;
  u64 was;
  int error = duration(timeout, &wait);
  if (error) return error;
  s64 r = mask_in(mask, size, &was);
  if (r) return r;
  s64 deadline = deadline_of(wait);
  r = poll_files(fds, n, deadline);
  mask_out(r, was);
  time_left(timeout, deadline);
  return r;
}

static s64 select(int n, u64 in, u64 out, u64 except, s64 deadline) {
  static struct file *files[1024];
  static u32 events[1024], ready[1024];
  static const u32 wanted[3] = {POLLIN, POLLOUT, POLLPRI};
  static const u32 means[3] = {POLLIN | POLLRDNORM | POLLHUP | POLLERR, POLLOUT | POLLWRNORM | POLLERR, POLLPRI};
  u64 addresses[3] = {in, out, except};
  u64 *sets[3];
  u64 copy[3][16];
  if (n < 0) return -EINVAL;
  if (n > 1024) n = 1024;
  u64 words = ((u64)n + 63) / 64;
  for (int i = 0; i < 3; i++) {
    sets[i] = addresses[i] && n ? guest(addresses[i], words * 8, PROT_READ | PROT_WRITE) : NULL;
    if (addresses[i] && n && !sets[i]) return -EFAULT;
    for (u64 w = 0; w < words; w++) copy[i][w] = sets[i] ? sets[i][w] : 0;
  }
  u32 count = 0;
  u16 numbers[1024];
  for (int fd = 0; fd < n; fd++) {
    u32 e = 0;
    for (int i = 0; i < 3; i++)
      if (copy[i][fd / 64] >> (fd % 64) & 1) e |= wanted[i];
    if (!e) continue;
    struct file *f = fd_get(fd);
    if (!f) return -EBADF;
    files[count] = f;
    events[count] = e;
    numbers[count++] = (u16)fd;
  }
  int r = wait_for(files, events, ready, count, deadline);
  if (r < 0) return r;
  for (int i = 0; i < 3; i++)
    for (u64 w = 0; sets[i] && w < words; w++) sets[i][w] = 0;
  s64 total = 0;
  for (u32 k = 0; k < count; k++)
    for (int i = 0; i < 3; i++)
      if (copy[i][numbers[k] / 64] >> (numbers[k] % 64) & 1 && ready[k] & means[i]) {
        sets[i][numbers[k] / 64] |= 1ull << (numbers[k] % 64);
        total++;
      }
  return total;
}
s64 sys_pselect6(int n, u64 in, u64 out, u64 except, u64 timeout, u64 masked) {
  s64 wait;
  u64 was, pair[2] = {0, 8};
  int error = duration(timeout, &wait);
  if (error) return error;
  if (masked && copy_in(pair, masked, 16)) return -EFAULT;
  s64 r = mask_in(pair[0], pair[1], &was);
  if (r) return r;
  s64 deadline = deadline_of(wait);
  r = select(n, in, out, except, deadline);
  mask_out(r, was);
  time_left(timeout, deadline);
  return r;
}

/* ---- epoll: a list of what is watched, asked anew at every wait */
struct watch { struct watch *next; struct file *file; int fd; u32 events, seen, arrivals; u64 data; };
struct epoll { struct watch *first; };
enum { EPOLLONESHOT = 1 << 30, EPOLLET = 1u << 31 };
#define EDGE 0x80000000u

static u32 epoll_poll(struct file *f) {
  for (struct watch *w = ((struct epoll *)f->node)->first; w; w = w->next)
    if (w->file->ops != &epoll_ops && file_poll(w->file) & (w->events | POLLERR | POLLHUP)) return POLLIN;
  return 0;
}
static void epoll_close(struct file *f) {
  struct watch *next;
  for (struct watch *w = ((struct epoll *)f->node)->first; w; w = next) next = w->next, kfree(w);
  kfree(f->node);
}
static int epoll_stat(struct file *f, struct host_stat *s) {
  memset(s, 0, sizeof *s);
  s->mode = 0600, s->ino = 3, s->dev = 0xd, s->nlink = 1, s->blksize = 4096;
  return 0;
}
const struct file_ops epoll_ops = {.poll = epoll_poll, .stat = epoll_stat, .close = epoll_close};

static u32 epolls;
void fd_closing(struct file *closing) {
  for (int fd = 0; epolls && fd < fd_highest(); fd++) {
    struct file *f = fd_get(fd);
    if (!f || f->ops != &epoll_ops) continue;
    for (struct watch **w = &((struct epoll *)f->node)->first; *w;)
      if ((*w)->file == closing) {
        struct watch *gone = *w;
        *w = gone->next;
        kfree(gone);
      } else {
        w = &(*w)->next;
      }
  }
}
s64 sys_epoll_create1(u32 flags) {
  if (flags & ~(u32)O_CLOEXEC) return -EINVAL;
  struct file *f = file_new(&epoll_ops, O_RDWR);
  if (!f || !(f->node = kalloc(sizeof(struct epoll)))) return -ENOMEM;
  epolls++;
  return fd_install(f, 0, flags);
}
/* An epoll that comes to watch itself, through others, would wait for ever: epoll_ctl(2), ELOOP. */
static int watches(struct file *f, struct file *target, u32 depth) {
  if (f->ops != &epoll_ops) return 0;
  if (f == target || depth > 4) return 1;
  for (struct watch *w = ((struct epoll *)f->node)->first; w; w = w->next)
    if (watches(w->file, target, depth + 1)) return 1;
  return 0;
}
s64 sys_epoll_ctl(int fd, int operation, int target, u64 in) {
  enum { ADD = 1, DELETE, MODIFY };
  struct epoll_event e = {0};
  struct file *f = fd_get(fd), *t = fd_get(target);
  if (operation != DELETE && copy_in(&e, in, sizeof e)) return -EFAULT;
  if (!f || !t) return -EBADF;
  if (!t->ops->poll || (t->ops == &host_ops && !sleeps(t))) return -EPERM;
  if (f == t || f->ops != &epoll_ops) return -EINVAL;
  struct watch **w = &((struct epoll *)f->node)->first;
  while (*w && ((*w)->fd != target || (*w)->file != t)) w = &(*w)->next;
  switch (operation) {
  case ADD:
    if (*w) return -EEXIST;
    if (watches(t, f, 0)) return -ELOOP;
    if (!(*w = kalloc(sizeof **w))) return -ENOMEM;
    **w = (struct watch){.file = t, .fd = target, .events = e.events, .data = e.data};
    return 0;
  case MODIFY:
    if (!*w) return -ENOENT;
    (*w)->events = e.events;
    (*w)->data = e.data;
    (*w)->seen = 0;
    return 0;
  case DELETE:
    if (!*w) return -ENOENT;
    struct watch *gone = *w;
    *w = gone->next;
    kfree(gone);
    return 0;
  default: return -EINVAL;
  }
}
static s64 epoll_wait(int fd, u64 out, int most, s64 deadline) {
  static struct file *files[NOFILE_MAX];
  static struct watch *watches[NOFILE_MAX];
  static u32 events[NOFILE_MAX], ready[NOFILE_MAX];
  struct file *f = fd_get(fd);
  if (most <= 0 || most > 0x7ffffff) return -EINVAL;
  struct epoll_event *to = guest(out, (u64)most * sizeof *to, PROT_WRITE);
  if (!to) return -EFAULT;
  if (!f) return -EBADF;
  if (f->ops != &epoll_ops) return -EINVAL;
  for (;;) {
    u32 n = 0;
    for (struct watch *w = ((struct epoll *)f->node)->first; w && n < NOFILE_MAX; w = w->next) {
      u32 wanted = w->events & 0xffff;
      if (!wanted && w->events & EPOLLONESHOT) continue;
      if (w->events & EDGE) {                           /* an edge is what was not so at the last look */
        u32 is = file_poll(w->file) & (wanted | POLLERR | POLLHUP);
        u32 arrivals = file_arrivals(w->file);
        w->seen = arrivals == w->arrivals ? w->seen & is : 0;
        w->arrivals = arrivals;
        if (is && is == w->seen) continue;
      }
      files[n] = w->file;
      watches[n] = w;
      events[n++] = wanted;
    }
    int r = wait_for(files, events, ready, n, deadline);
    if (r <= 0) return r;
    int count = 0;
    for (u32 i = 0; i < n && count < most; i++) {
      if (!ready[i]) continue;
      to[count++] = (struct epoll_event){.events = ready[i], .data = watches[i]->data};
      if (watches[i]->events & EDGE) watches[i]->seen = ready[i];
      if (watches[i]->events & EPOLLONESHOT) watches[i]->events = EPOLLONESHOT;
    }
    if (count) return count;
  }
}
s64 sys_epoll_pwait(int fd, u64 out, int most, int milliseconds, u64 mask, u64 size) {
  u64 was;
  s64 r = mask_in(mask, size, &was);
  if (r) return r;
  r = epoll_wait(fd, out, most, milliseconds < 0 ? FOREVER : deadline_of((s64)milliseconds * 1000000));
  mask_out(r, was);
  return r;
}
s64 sys_epoll_pwait2(int fd, u64 out, int most, u64 timeout, u64 mask, u64 size) {
  s64 wait;
  u64 was;
  int error = duration(timeout, &wait);
  if (error) return error;
  s64 r = mask_in(mask, size, &was);
  if (r) return r;
  r = epoll_wait(fd, out, most, deadline_of(wait));
  mask_out(r, was);
  return r;
}

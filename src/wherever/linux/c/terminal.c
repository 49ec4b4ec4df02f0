/* Owns ioctl(2): terminals (ioctl_tty(2)), and the few requests that every file takes. */
#include "wasi.h"

/* What a terminal starts as: tty_std_termios in drivers/tty/tty_io.c. */
static struct termios settings = {
  .c_iflag = 0x500, .c_oflag = 5, .c_cflag = 0xbf, .c_lflag = 0x8a3b,
  .c_cc = {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0},
};
static struct winsize size = {24, 80, 0, 0};
static int foreground = PID;

/* The controlling terminal stays open for /dev/tty, whatever becomes of descriptors 0, 1 and 2. */
static struct file *input, *output;
void terminal_start(void) {
  for (int fd = 0; fd < 3; fd++) {
    struct file *f = fd_get(fd);
    if (!f || !host_is_terminal(f)) continue;
    struct file **which = fd ? &output : &input;
    if (!*which) file_hold(*which = f);
  }
}
int terminal_open(const char *path, u32 flags, struct file **out) {
  const struct file *in = input ? input : output, *to = output ? output : input;
  if (!in) return -ENXIO;
  struct file *f = file_new(&host_ops, flags);
  if (!f) return -ENOMEM;
  f->host = in->host;
  f->aux = to->host + 1;
  f->kind = in->kind;
  if (path && !(f->path = copy_string(path))) {
    file_drop(f);
    return -ENOMEM;
  }
  *out = f;
  return 0;
}

#ifndef WHEREVER_HOST
static u16 from_environment(const char *name, u16 otherwise) {
  u32 n = (u32)strlen(name), value = 0;
  for (u32 at = 0; at < environment_size; at += (u32)strlen(environment + at) + 1) {
    if (strncmp(environment + at, name, n) || environment[at + n] != '=') continue;
    for (const char *p = environment + at + n + 1; *p >= '0' && *p <= '9'; p++) value = value * 10 + (u32)(*p - '0');
    return value && value < 10000 ? (u16)value : otherwise;
  }
  return otherwise;
}
#endif

static s64 terminal(struct file *f, u32 request, u64 address) {
  switch (request) {
  case TCGETS:
#ifdef WHEREVER_HOST
    if (ours_tty_get(f->host, &settings) < 0) return -ENOTTY;
#endif
    return copy_out(address, &settings, sizeof settings);
  case TCSETS: case TCSETSW: case TCSETSF: {
    struct termios new;
    if (copy_in(&new, address, sizeof new)) return -EFAULT;
#ifdef WHEREVER_HOST
    s32 r = ours_tty_set(f->host, request - TCSETS, &new);
    if (r < 0) return r;
#endif
    settings = new;
    return 0;
  }
  case TIOCGWINSZ:
#ifdef WHEREVER_HOST
    if (ours_tty_size(f->host, &size) < 0) return -ENOTTY;
#else
    size.ws_row = from_environment("LINES", size.ws_row);
    size.ws_col = from_environment("COLUMNS", size.ws_col);
#endif
    return copy_out(address, &size, sizeof size);
  case TIOCSWINSZ: return copy_in(&size, address, sizeof size);
  case TIOCGPGRP: case TIOCGSID: return copy_out(address, &foreground, 4);
  case TIOCSPGRP: {
    int to;
    if (copy_in(&to, address, 4)) return -EFAULT;
    if (to < 0) return -EINVAL;
    foreground = to;
    return 0;
  }
  case TIOCSCTTY: case TIOCNOTTY: case TCSBRK: case TCXONC: case TCFLSH: return 0;
  case FIONREAD: {
    int ready = file_poll(f) & POLLIN ? 1 : 0;
    return copy_out(address, &ready, 4);
  }
  default: return -ENOTTY;
  }
}

s64 sys_ioctl(int fd, u32 request, u64 address) {
  struct file *f = fd_get(fd);
  struct host_stat s;
  int on;
  if (!f || f->flags & O_PATH) return -EBADF;
  switch (request) {
  case FIOCLEX: case FIONCLEX: return sys_fcntl(fd, F_SETFD, request == FIOCLEX);
  case FIONBIO:
    if (copy_in(&on, address, 4)) return -EFAULT;
    f->flags = on ? f->flags | O_NONBLOCK : f->flags & ~(u32)O_NONBLOCK;
    return 0;
  case FIOASYNC: return -ENOTTY;
  default: break;
  }
  if (f->ops->ioctl) return f->ops->ioctl(f, request, address);
  if (host_is_terminal(f)) return terminal(f, request, address);
  if (request == FIONREAD && !f->ops->stat(f, &s) && (s.mode & S_IFMT) == S_IFREG) {
    s64 at = f->ops->seek(f, 0, SEEK_CUR), left = s.size - (at < 0 ? 0 : at);
    on = left > 0x7fffffff ? 0x7fffffff : left < 0 ? 0 : (int)left;
    return copy_out(address, &on, 4);
  }
  if (request == FIONREAD && f->ops == &host_ops && f->kind != WASI_DIRECTORY) {
    on = file_poll(f) & POLLIN ? 1 : 0;
    return copy_out(address, &on, 4);
  }
  return -ENOTTY;
}

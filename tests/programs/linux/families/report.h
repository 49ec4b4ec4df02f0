// What each program of system calls prints: every call as it is written, its result or its errno.
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BAD ((void *)8)  // in no page of any process
#define UNUSED __attribute__((unused))

static const char *errno_name(int e) {
  static char number[16];
#define CASE(name) case name: return #name;
  switch (e) {
    CASE(EPERM) CASE(ENOENT) CASE(ESRCH) CASE(EINTR) CASE(EIO) CASE(ENXIO) CASE(E2BIG) CASE(EBADF)
    CASE(ECHILD) CASE(EAGAIN) CASE(ENOMEM) CASE(EACCES) CASE(EFAULT) CASE(EBUSY) CASE(EEXIST)
    CASE(EXDEV) CASE(ENODEV) CASE(ENOTDIR) CASE(EISDIR) CASE(EINVAL) CASE(ENFILE) CASE(EMFILE)
    CASE(ENOTTY) CASE(ETXTBSY) CASE(EFBIG) CASE(ENOSPC) CASE(ESPIPE) CASE(EROFS) CASE(EMLINK)
    CASE(EPIPE) CASE(EDOM) CASE(ERANGE) CASE(ENAMETOOLONG) CASE(ENOSYS) CASE(ENOTEMPTY)
    CASE(ELOOP) CASE(ENODATA) CASE(EOVERFLOW) CASE(EOPNOTSUPP) CASE(ETIMEDOUT) CASE(ENOTSOCK)
  }
#undef CASE
  snprintf(number, sizeof number, "errno %d", e);
  return number;
}
static long report(const char *what, long result) {
  int e = errno;
  if (result == -1) printf("%s = -1 %s\n", what, errno_name(e));
  else printf("%s = %ld\n", what, result);
  return result;
}
#define R(call) (errno = 0, report(#call, (long)(call)))
// a result that is a descriptor, a pointer or a time: only whether it is one
#define OK(call) (errno = 0, report(#call, (long)(call) == -1 ? -1 : 0))
#define SYS(name, ...) syscall(SYS_##name, __VA_ARGS__)

UNUSED static int opened(const char *path, int flags, int mode) {
  int fd = open(path, flags, mode);
  if (fd < 0) printf("cannot open %s: %s\n", path, errno_name(errno)), exit(3);
  return fd;
}
UNUSED static void filled(const char *path, const char *text) {
  int fd = opened(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (write(fd, text, strlen(text)) != (ssize_t)strlen(text)) exit(4);
  close(fd);
}
UNUSED static void contents(const char *path) {
  char text[256];
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
  printf("  %s holds %zd:", path, n);
  for (ssize_t i = 0; i < n && i < 60; i++)
    printf(text[i] >= ' ' && text[i] < 127 ? "%c" : "\\%02x", (unsigned char)text[i]);
  printf("\n");
  if (fd >= 0) close(fd);
}
UNUSED static const char *kind_of(mode_t m) {
  return S_ISREG(m) ? "file" : S_ISDIR(m) ? "directory" : S_ISLNK(m) ? "link" : S_ISCHR(m) ? "character"
       : S_ISFIFO(m) ? "fifo" : S_ISBLK(m) ? "block" : S_ISSOCK(m) ? "socket" : "none";
}

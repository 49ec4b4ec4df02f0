// read, write, vectors, positions, sendfile, copy_file_range, splice: and every wrong argument.
#include "report.h"
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/mman.h>
#include <sys/uio.h>

static char buffer[64];
static void shown(const char *what, ssize_t n) { printf("  %s: %.*s\n", what, (int)(n > 0 ? n : 0), buffer); }
static void rewound(int fd) { lseek(fd, 0, SEEK_SET); }

static void plain(void) {
  filled("f", "0123456789");
  int fd = opened("f", O_RDWR, 0), r = opened("f", O_RDONLY, 0), w = opened("f", O_WRONLY, 0);
  int d = opened(".", O_RDONLY, 0);
  R(read(fd, buffer, 4));
  shown("first", 4);
  R(read(fd, buffer, 100));
  R(read(fd, buffer, 100));
  R(read(fd, buffer, 0));
  R(SYS(read, fd, BAD, 0));
  R(SYS(read, fd, BAD, 4));
  rewound(fd);
  R(SYS(read, fd, BAD, 4));
  R(lseek(fd, 0, SEEK_CUR));
  R(SYS(write, fd, BAD, 4));
  R(SYS(write, fd, BAD, 0));
  R(SYS(read, fd, buffer, -1) > 0);
  R(SYS(read, 99, BAD, 4));
  R(SYS(write, -1, buffer, 4));
  R(write(r, "x", 1));
  R(read(w, buffer, 1));
  R(read(d, buffer, 1));
  R(write(d, "x", 1));
  R(pread(d, buffer, 1, 0));
  R(pread(fd, buffer, 3, 8));
  shown("pread", 2);
  R(pread(fd, buffer, 3, 100));
  R(pread(fd, buffer, 3, -1));
  R(pwrite(fd, "x", 1, -1));
  R(pread(w, buffer, 3, 0));
  R(pwrite(r, "x", 1, 0));
  R(pwrite(fd, "AB", 2, 4));
  R(SYS(pread64, fd, BAD, 3, 0));
  R(SYS(pwrite64, fd, BAD, 3, 0));
  R(SYS(pread64, 99, buffer, 3, -1));
  R(lseek(fd, 0, SEEK_CUR));
  R(lseek(fd, 15, SEEK_SET));
  R(write(fd, "end", 3));
  contents("f");
  R(lseek(fd, -1, SEEK_SET));
  R(lseek(fd, -19, SEEK_END));
  R(lseek(fd, -18, SEEK_END));
  R(lseek(fd, LLONG_MAX, SEEK_SET) > 0);
  R(lseek(fd, 1, SEEK_CUR));
  R(lseek(fd, 0, 5));
  R(lseek(fd, 0, -1));
  R(lseek(99, 0, SEEK_SET));
  R(lseek(fd, 0, SEEK_HOLE));
  R(lseek(fd, 18, SEEK_DATA));
  R(lseek(fd, 0, SEEK_DATA));
  int pipes[2];
  R(pipe(pipes));
  R(lseek(pipes[0], 0, SEEK_SET));
  R(pread(pipes[0], buffer, 1, 0));
  R(pwrite(pipes[1], buffer, 1, 0));
  R(write(pipes[0], "x", 1));
  R(read(pipes[1], buffer, 1));
  close(fd), close(r), close(w), close(d), close(pipes[0]), close(pipes[1]);
}
static void vectors(void) {
  filled("v", "");
  int fd = opened("v", O_RDWR, 0);
  char a[8] = "", b[8] = "", c[8] = "";
  struct iovec v[] = {{"one", 3}, {NULL, 0}, {"two!", 4}, {"three", 5}}, many[1025];
  for (int i = 0; i < 1025; i++) many[i] = (struct iovec){"x", i < 20};
  R(writev(fd, v, 4));
  R(writev(fd, v, 0));
  R(SYS(writev, fd, v, -1));
  R(SYS(writev, fd, many, 1025));
  R(SYS(writev, fd, many, 1024));
  R(SYS(writev, fd, BAD, 1));
  R(SYS(writev, fd, BAD, 0));
  R(SYS(writev, fd, NULL, 0));
  R(SYS(writev, 99, BAD, -1));
  contents("v");
  struct iovec in[] = {{a, 2}, {b, 5}, {c, 4}};
  R(readv(fd, in, 3));
  rewound(fd);
  R(readv(fd, in, 3));
  printf("  %.2s %.5s %.4s\n", a, b, c);
  R(preadv(fd, in, 2, 3));
  printf("  %.2s %.5s\n", a, b);
  R(preadv(fd, in, 2, -1));
  R(pwritev(fd, v, 1, 100));
  R(pwritev(fd, v, 1, -1));
  R(lseek(fd, 0, SEEK_CUR));
  // a vector that is wrong after good ones
  struct iovec wrong[] = {{a, 2}, {BAD, 4}, {c, 4}};
  rewound(fd);
  R(readv(fd, wrong, 3));
  R(lseek(fd, 0, SEEK_CUR));
  R(lseek(fd, 0, SEEK_END));
  struct iovec wrong2[] = {{"ok", 2}, {BAD, 4}}, wrong3[] = {{BAD, 4}, {"ok", 2}};
  R(writev(fd, wrong2, 2));
  R(lseek(fd, 0, SEEK_END));
  R(writev(fd, wrong3, 2));
  struct iovec negative[] = {{a, 2}, {b, (size_t)-1}}, huge[] = {{a, SSIZE_MAX}, {b, SSIZE_MAX}};
  R(readv(fd, negative, 2));
  R(writev(fd, negative, 2));
  R(writev(fd, huge, 2));
  R(preadv(fd, negative, 2, 0));
  R(SYS(preadv2, fd, in, 2, 0, 0, 0));
  R(SYS(preadv2, fd, in, 2, -1, 0, 0));
  R(SYS(preadv2, fd, in, 2, 0, 0, 1 << 20));
  R(SYS(pwritev2, fd, v, 1, 0, 0, 16));
  R(lseek(fd, 0, SEEK_END));
  R(preadv(0, in, 2, 0) == -1);
  int pipes[2];
  pipe(pipes);
  R(writev(pipes[1], v, 4));
  R(readv(pipes[0], in, 3));
  printf("  %.2s %.5s %.4s\n", a, b, c);
  R(readv(pipes[0], in, 3));
  R(preadv(pipes[0], in, 1, 0));
  R(pwritev(pipes[1], v, 1, 0));
  close(fd), close(pipes[0]), close(pipes[1]);
}
static void between(void) {
  filled("src", "abcdefghijklmnopqrstuvwxyz"), filled("dst", "");
  int in = opened("src", O_RDWR, 0), out = opened("dst", O_RDWR, 0), d = opened(".", O_RDONLY, 0);
  int ro = opened("dst", O_RDONLY, 0), append = opened("dst", O_WRONLY | O_APPEND, 0), pipes[2];
  off_t at = 3;
  pipe(pipes);
  R(sendfile(out, in, NULL, 5));
  R(sendfile(out, in, &at, 4));
  R(at);
  R(lseek(in, 0, SEEK_CUR));
  R(sendfile(out, in, NULL, 1000));
  R(sendfile(out, in, NULL, 10));
  contents("dst");
  at = -1;
  R(sendfile(out, in, &at, 4));
  R(SYS(sendfile, out, in, BAD, 4));
  R(sendfile(ro, in, NULL, 4));
  R(sendfile(99, in, NULL, 4));
  R(sendfile(out, 99, NULL, 4));
  R(sendfile(out, d, NULL, 4));
  at = 0;
  R(sendfile(append, in, &at, 4));
  R(sendfile(pipes[1], in, &at, 4));
  R(read(pipes[0], buffer, 10));
  shown("through a pipe", 4);
  R(sendfile(out, in, &at, 0));
  at = 100;
  R(sendfile(out, in, &at, 4));
  ftruncate(out, 0), rewound(out), rewound(in);
  R(copy_file_range(in, NULL, out, NULL, 5, 0));
  off_t from = 10, to = 8;
  R(copy_file_range(in, &from, out, &to, 3, 0));
  printf("  %ld %ld\n", (long)from, (long)to);
  contents("dst");
  R(copy_file_range(in, NULL, out, NULL, 1000, 0));
  R(copy_file_range(in, NULL, out, NULL, 1000, 0));
  R(copy_file_range(in, NULL, out, NULL, 4, 1));
  R(copy_file_range(in, NULL, ro, NULL, 4, 0));
  R(copy_file_range(in, NULL, append, NULL, 4, 0));
  R(copy_file_range(in, NULL, d, NULL, 4, 0));
  R(copy_file_range(d, NULL, out, NULL, 4, 0));
  R(copy_file_range(in, NULL, pipes[1], NULL, 4, 0));
  R(copy_file_range(99, NULL, out, NULL, 4, 0));
  from = -1;
  R(copy_file_range(in, &from, out, NULL, 4, 0));
  R(SYS(copy_file_range, in, BAD, out, NULL, 4, 0));
  from = 0, to = 2;
  R(copy_file_range(in, &from, in, &to, 10, 0));
  from = 0, to = 26;
  R(copy_file_range(in, &from, in, &to, 4, 0));
  contents("src");
  rewound(in), rewound(out);
  R(splice(in, NULL, pipes[1], NULL, 6, 0));
  R(splice(pipes[0], NULL, out, NULL, 100, 0));
  contents("dst");
  R(splice(in, NULL, out, NULL, 6, 0));
  R(splice(in, NULL, pipes[1], &from, 6, 0));
  R(splice(99, NULL, pipes[1], NULL, 6, 0));
  R(splice(in, NULL, pipes[1], NULL, 0, 0));
  R(splice(in, NULL, pipes[1], NULL, 6, 0xff0));
  fcntl(pipes[0], F_SETFL, O_NONBLOCK);
  R(splice(pipes[0], NULL, out, NULL, 100, SPLICE_F_NONBLOCK));
  close(in), close(out), close(d), close(ro), close(append), close(pipes[0]), close(pipes[1]);
}
static void syncing(void) {
  int fd = opened("src", O_RDWR, 0), pipes[2];
  pipe(pipes);
  R(fsync(fd));
  R(fdatasync(fd));
  R(fsync(99));
  R(fsync(pipes[0]));
  R(SYS(syncfs, fd));
  R(SYS(syncfs, 99));
  R(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
  R(posix_fadvise(fd, 0, 0, 77));
  R(posix_fadvise(99, 0, 0, 0));
  R(posix_fadvise(pipes[0], 0, 0, 0));
  R(readahead(fd, 0, 10));
  R(readahead(99, 0, 10));
  R(readahead(pipes[0], 0, 10));
  R(sync_file_range(fd, 0, 10, SYNC_FILE_RANGE_WRITE));
  R(sync_file_range(fd, -1, 10, 0));
  R(sync_file_range(fd, 0, 10, 0x100));
  R(sync_file_range(99, 0, 10, 0));
  R(sync_file_range(pipes[0], 0, 10, 0));
}
static void in_memory(void) {
  int m = memfd_create("thing", 0);
  struct stat s;
  char target[64] = "", path[32];
  R(write(m, "in memory", 9));
  R(pread(m, buffer, 9, 0));
  shown("memfd", 9);
  R(ftruncate(m, 4));
  R(lseek(m, 0, SEEK_END));
  R(fstat(m, &s));
  printf("  %s %o %d\n", kind_of(s.st_mode), s.st_mode & 0777, (int)s.st_nlink);
  snprintf(path, sizeof path, "/proc/self/fd/%d", m);
  R(readlink(path, target, sizeof target));
  printf("  %s\n", target);
  int again = opened(path, O_RDONLY, 0);
  R(read(again, buffer, 64));
  R(memfd_create("x", 0x100));
  R(SYS(memfd_create, BAD, 0));
  char name[260];
  memset(name, 'n', 259), name[259] = 0;
  R(memfd_create(name, 0));
  name[249] = 0;
  OK(memfd_create(name, MFD_CLOEXEC));
}
static void limits(void) {
  // what may be written to a file has a limit, and past it there is a signal
  struct { long now, most; } limit = {10, -1};

  signal(SIGXFSZ, SIG_IGN);
  int fd = opened("limited", O_RDWR | O_CREAT | O_TRUNC, 0600);
  R(SYS(prlimit64, 0, 1, &limit, NULL));
  R(write(fd, "123456", 6));
  R(write(fd, "123456", 6));
  R(write(fd, "1", 1));
  R(pwrite(fd, "1", 1, 3));
  R(ftruncate(fd, 11));
  R(ftruncate(fd, 10));
  R(SYS(fallocate, fd, 0, 0, 20));
  R(truncate("limited", 20));
}
int main(void) {
  umask(022);
  plain();
  vectors();
  between();
  syncing();
  in_memory();
  fflush(stdout);
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  limits();
  struct { long now, most; } none = {-1, -1};
  SYS(prlimit64, 0, 1, &none, NULL);
}

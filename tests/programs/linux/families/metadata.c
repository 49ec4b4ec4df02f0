// stat family, access family, modes, owners, times, umask, truncate, statfs, extended attributes.
#include "report.h"
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <time.h>

static char longest[5000];

static void show(const char *path) {
  struct stat s;
  if (lstat(path, &s)) {
    printf("  %s: %s\n", path, errno_name(errno));
    return;
  }
  printf("  %s: %s links %d size %ld blksize %ld\n", path, kind_of(s.st_mode), (int)s.st_nlink,
         S_ISDIR(s.st_mode) ? 0 : (long)s.st_size, (long)s.st_blksize);
}
static void mode(const char *path) {
  struct stat s;
  if (stat(path, &s)) printf("  mode of %s: %s\n", path, errno_name(errno));
  else printf("  mode of %s: %04o\n", path, s.st_mode & 07777);
}
static void times_of(const char *path) {
  struct stat s;
  lstat(path, &s);
  printf("  times of %s: %ld.%09ld %ld.%09ld\n", path, (long)s.st_atim.tv_sec, s.st_atim.tv_nsec,
         (long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
}
static void looking(void) {
  struct stat s;
  struct statx x;
  filled("f", "hello"), mkdir("d", 0755), symlink("f", "s"), symlink("gone", "dangling"), symlink("l", "l");
  show("f"), show("s"), show("d"), show("dangling"), show("/dev/null");
  R(stat("s", &s));
  R(s.st_size);
  R(stat("dangling", &s));
  R(stat("l", &s));
  R(stat("f/", &s));
  R(stat("f/x", &s));
  R(stat("", &s));
  R(stat(longest, &s));
  R(SYS(newfstatat, AT_FDCWD, BAD, &s, 0));
  R(SYS(newfstatat, AT_FDCWD, "f", BAD, 0));
  R(SYS(newfstatat, AT_FDCWD, "missing", BAD, 0));
  R(SYS(newfstatat, 99, "f", &s, 0));
  R(SYS(newfstatat, AT_FDCWD, "", &s, AT_EMPTY_PATH));
  R(SYS(newfstatat, 0, "f", &s, 0));
  R(SYS(newfstatat, AT_FDCWD, "f", &s, 0x10));
  R(SYS(newfstatat, 0, "", &s, AT_EMPTY_PATH));
  R(SYS(newfstatat, 99, "", &s, AT_EMPTY_PATH));
  R(SYS(fstat, 99, &s));
  R(SYS(fstat, 0, BAD));
  R(SYS(statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x));
  printf("  %o %d %lld\n", x.stx_mode, (int)x.stx_nlink, (long long)x.stx_size);
  printf("  mask %d\n", (x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
  R(SYS(statx, AT_FDCWD, "s", AT_SYMLINK_NOFOLLOW, STATX_MODE, &x));
  printf("  %s\n", kind_of(x.stx_mode));
  R(SYS(statx, AT_FDCWD, "f", 0, 0x80000000u, &x));
  R(SYS(statx, AT_FDCWD, "f", 0x10, STATX_MODE, &x));
  R(SYS(statx, AT_FDCWD, "f", 0x6000, STATX_MODE, &x));
  R(SYS(statx, AT_FDCWD, "f", 0, STATX_MODE, BAD));
  R(SYS(statx, AT_FDCWD, "missing", 0, STATX_MODE, &x));
  R(SYS(statx, 0, "", AT_EMPTY_PATH, STATX_MODE, &x));
  struct stat a, b;
  stat("f", &a), link("f", "h"), stat("h", &b);
  R(a.st_ino == b.st_ino && a.st_dev == b.st_dev && b.st_nlink == 2);
  stat("d", &b);
  R(a.st_ino != b.st_ino && a.st_dev == b.st_dev);
  stat("/dev/null", &s);
  R(major(s.st_rdev) * 1000 + minor(s.st_rdev));
  stat("/dev/zero", &s);
  R(major(s.st_rdev) * 1000 + minor(s.st_rdev));
}
static void accessing(void) {
  R(access("f", F_OK));
  R(access("f", R_OK | W_OK));
  R(access("f", X_OK));
  R(access("d", R_OK | W_OK | X_OK));
  R(access("f", 8));
  R(access("f", -1));
  R(access("dangling", F_OK));
  R(faccessat(AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
  R(SYS(faccessat2, AT_FDCWD, "f", F_OK, AT_EACCESS));
  R(SYS(faccessat2, AT_FDCWD, "f", F_OK, 0x8000));
  R(SYS(faccessat2, 0, "", F_OK, AT_EMPTY_PATH));
  R(SYS(faccessat, AT_FDCWD, BAD, F_OK));
  R(SYS(faccessat, 99, "f", F_OK));
  R(access("f/", F_OK));
  R(access("f/x", F_OK));
}
static void modes(void) {
  R(chmod("f", 0600));
  mode("f");
  R(chmod("f", 0));
  mode("f");
  R(chmod("f", 0755));
  R(access("f", X_OK));
  R(chmod("s", 0640));
  mode("f");
  R(chmod("d", 0700));
  mode("d");
  R(chmod("missing", 0600));
  R(chmod("dangling", 0600));
  R(chmod("", 0600));
  R(chmod("f/", 0600));
  R(fchmod(99, 0600));
  R(SYS(fchmodat, AT_FDCWD, BAD, 0600));
  R(SYS(fchmodat, 99, "f", 0600));
  R(fchmodat(AT_FDCWD, "f", 0600, 0x4000));
  int fd = opened("f", O_RDONLY, 0);
  R(fchmod(fd, 0444));
  mode("f");
  close(fd);
  R(chmod("f", 0100644));
  mode("f");
  R(umask(0) & 0);
  R(umask(0777));
  close(opened("masked", O_CREAT | O_WRONLY, 0666));
  mode("masked");
  R(umask(027));
  close(opened("masked2", O_CREAT | O_WRONLY, 0666)), mkdir("masked3", 0777);
  mode("masked2"), mode("masked3");
  R(umask(0177777));
  R(umask(022));
  close(opened("ro", O_CREAT | O_RDWR, 0400));
  mode("ro");
}
static void owners(void) {
  R(chown("f", -1, -1));
  R(chown("f", getuid(), getgid()));
  R(lchown("s", getuid(), -1));
  R(lchown("dangling", -1, -1));
  R(chown("dangling", -1, -1));
  R(chown("missing", -1, -1));
  R(fchown(99, -1, -1));
  R(fchownat(AT_FDCWD, "f", -1, -1, 0x4000));
  R(fchownat(99, "f", -1, -1, 0));
  R(SYS(fchownat, AT_FDCWD, BAD, -1, -1, 0));
  R(fchownat(0, "", -1, -1, AT_EMPTY_PATH));
  R(fchownat(AT_FDCWD, "", -1, -1, 0));
}
static void times(void) {
  struct timespec t[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
  R(utimensat(AT_FDCWD, "f", t, 0));
  times_of("f");
  t[0].tv_nsec = UTIME_OMIT, t[1] = (struct timespec){7, 0};
  R(utimensat(AT_FDCWD, "f", t, 0));
  times_of("f");
  t[0] = (struct timespec){5, 6}, t[1].tv_nsec = UTIME_OMIT;
  R(utimensat(AT_FDCWD, "s", t, AT_SYMLINK_NOFOLLOW));
  struct stat s;
  lstat("s", &s);
  R(s.st_atime);
  t[0].tv_nsec = UTIME_OMIT;
  R(utimensat(AT_FDCWD, "f", t, 0));
  times_of("f");
  R(utimensat(AT_FDCWD, "missing", t, 0));
  R(utimensat(99, "missing", t, 0));
  t[0].tv_nsec = 1000000000;
  R(utimensat(AT_FDCWD, "f", t, 0));
  t[0].tv_nsec = -1;
  R(utimensat(AT_FDCWD, "f", t, 0));
  t[0] = t[1] = (struct timespec){1, 1};
  R(utimensat(AT_FDCWD, "missing", t, 0));
  R(utimensat(AT_FDCWD, "", t, 0));
  R(utimensat(AT_FDCWD, "f", t, 0x4000));
  R(SYS(utimensat, AT_FDCWD, BAD, t, 0));
  R(SYS(utimensat, AT_FDCWD, "f", BAD, 0));
  R(SYS(utimensat, 99, NULL, t, 0));
  R(SYS(utimensat, AT_FDCWD, NULL, t, 0));
  int fd = opened("f", O_RDONLY, 0);
  R(futimens(fd, t));
  times_of("f");
  t[0] = (struct timespec){-5, 0};
  R(futimens(fd, t));
  times_of("f");
  R(futimens(fd, NULL));
  stat("f", &s);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  R(now.tv_sec - s.st_mtime <= 1 && now.tv_sec - s.st_atime <= 1);
  t[0].tv_nsec = UTIME_NOW, t[1] = (struct timespec){3, 4};
  R(futimens(fd, t));
  stat("f", &s);
  R(s.st_mtime);
  R(now.tv_sec - s.st_atime <= 1);
  close(fd);
  // what moves the times: a write the mtime, a read-only open nothing
  t[0] = t[1] = (struct timespec){50, 0};
  utimensat(AT_FDCWD, "f", t, 0);
  close(opened("f", O_RDONLY, 0));
  stat("f", &s);
  R(s.st_mtime);
  fd = opened("f", O_WRONLY, 0);
  R(write(fd, "", 0));
  stat("f", &s);
  R(s.st_mtime);
  R(write(fd, "H", 1));
  stat("f", &s);
  R(s.st_mtime > 50);
  utimensat(AT_FDCWD, "d", t, 0);
  close(opened("d/new", O_CREAT | O_WRONLY, 0600));
  stat("d", &s);
  R(s.st_mtime > 50);
  close(fd);
}
static void sizes(void) {
  filled("t", "0123456789");
  R(truncate("t", 4));
  contents("t");
  R(truncate("t", 8));
  contents("t");
  R(truncate("t", -1));
  R(truncate("t", 0));
  R(truncate("missing", 0));
  R(truncate("d", 0));
  R(truncate("t/", 0));
  R(truncate("", 0));
  R(SYS(truncate, BAD, 0));
  R(truncate("/dev/null", 0));
  int r = opened("t", O_RDONLY, 0), w = opened("t", O_RDWR, 0);
  R(ftruncate(r, 1));
  R(ftruncate(w, -1));
  R(ftruncate(w, 1 << 20));
  R(ftruncate(99, 0));
  R(ftruncate(0, 0));
  R(write(w, "abc", 3));
  R(ftruncate(w, 1));
  R(write(w, "Z", 1));
  contents("t");
  R(SYS(fallocate, w, 0, 0, 20));
  struct stat s;
  fstat(w, &s);
  R(s.st_size);
  R(SYS(fallocate, w, 1, 0, 50));
  fstat(w, &s);
  R(s.st_size);
  R(SYS(fallocate, w, 0, -1, 5));
  R(SYS(fallocate, w, 0, 0, 0));
  R(SYS(fallocate, r, 0, 0, 5));
  R(SYS(fallocate, 99, 0, 0, 5));
  close(r), close(w);
  struct statfs f;
  R(statfs("f", &f));
  R(f.f_bsize > 0 && f.f_blocks > 0 && f.f_bfree <= f.f_blocks && f.f_namelen >= 255);
  R(statfs("missing", &f));
  R(statfs("f/x", &f));
  R(SYS(statfs, BAD, &f));
  R(SYS(statfs, "f", BAD));
  R(fstatfs(99, &f));
  R(fstatfs(0, &f));
  R(statfs("/proc", &f));
  R(f.f_type);
}
static void attributes(void) {
  char value[16];
  R(getxattr("f", "user.none", value, sizeof value) < 0);
  R(getxattr("missing", "user.none", value, sizeof value));
  R(listxattr("missing", value, sizeof value));
  R(setxattr("missing", "user.x", "v", 1, 0));
  R(removexattr("missing", "user.x"));
  R(fgetxattr(99, "user.x", value, sizeof value));
  R(flistxattr(99, value, sizeof value));
}
int main(void) {
  memset(longest, 'a', sizeof longest - 1);
  umask(022);
  looking();
  accessing();
  modes();
  owners();
  times();
  sizes();
  attributes();
}

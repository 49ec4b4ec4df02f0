// What a program is handed when it starts, tag by tag; the devices, and the ioctls of what is no terminal.
#include "report.h"
#include <elf.h>
#include <link.h>
#include <poll.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <termios.h>

extern const ElfW(Ehdr) __ehdr_start __attribute__((weak, visibility("hidden")));
static void vector(void) {
  static const unsigned long absent[] = {2, 10, 18, 19, 20, 21, 22, 24, 27, 28, 29, 30, 32, 50, 52, 100, 1000};
  for (unsigned i = 0; i < sizeof absent / sizeof *absent; i++) {
    errno = 0;
    unsigned long v = getauxval(absent[i]);
    printf("  %lu %lu %s\n", absent[i], v, errno_name(errno));
  }
  R(getauxval(AT_PAGESZ));
  R(getauxval(AT_CLKTCK));
  R(getauxval(AT_PHENT));
  const ElfW(Phdr) *p = (const void *)getauxval(AT_PHDR);
  R((uintptr_t)p - (uintptr_t)&__ehdr_start);
  R(getauxval(AT_PHNUM) == __ehdr_start.e_phnum);
  int loads = 0, tls = 0;
  for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) loads += p[i].p_type == PT_LOAD, tls += p[i].p_type == PT_TLS;
  R(loads > 0 && tls <= 1);
  R(getauxval(AT_ENTRY) == __ehdr_start.e_entry);
  R(getauxval(AT_BASE));
  R(getauxval(AT_FLAGS));
  R(getauxval(AT_SECURE));
  R(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid() && getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid());
  const unsigned char *random = (const void *)getauxval(AT_RANDOM);
  int any = 0;
  for (int i = 0; i < 16; i++) any |= random[i];
  R(any != 0);
  R(strlen((const char *)getauxval(AT_PLATFORM)) > 4);
  const char *name = (const char *)getauxval(AT_EXECFN);
  R(strstr(name, "handed") != NULL);
  R(getauxval(AT_HWCAP) != 0);
  errno = 0;
  getauxval(AT_HWCAP2);
  R(errno);
  R(getauxval(AT_MINSIGSTKSZ) >= 1000);
  static unsigned long words[200];
  int fd = open("/proc/self/auxv", O_RDONLY);
  ssize_t n = read(fd, words, sizeof words);
  close(fd);
  R(n > 0 && n % 16 == 0);
  int same = 0, other = 0;
  for (ssize_t i = 0; i * 8 < n && words[i]; i += 2)
    if (getauxval(words[i]) == words[i + 1]) same++;
    else other++;
  R(same >= 15);
  R(other);
  R(n > 0 && words[n / 8 - 2] == 0);
  extern char **environ;
  char **e = environ;
  while (*e) e++;
  R((uintptr_t)environ % 8);
  R(((unsigned long *)(e + 1))[0] != 0);
}
static void device(const char *path, int number) {
  char a[16] = "abcdefgh";
  struct stat s;
  printf("%s\n", path);
  int fd = open(path, O_RDWR);
  R(fd >= 0);
  if (fd < 0) return;
  R(fstat(fd, &s));
  printf("  %o %u %u %d\n", s.st_mode, major(s.st_rdev), minor(s.st_rdev), (int)s.st_size);
  R(read(fd, a, 8));
  printf("  %d\n", number && a[0] == 0 && a[7] == 0);
  R(read(fd, BAD, 8));
  R(read(fd, a, 0));
  R(write(fd, a, 8));
  R(write(fd, a, 0));
  R(write(fd, BAD, 8));
  R(pread(fd, a, 4, 100));
  R(pwrite(fd, a, 4, 100));
  R(lseek(fd, 0, SEEK_CUR));
  R(lseek(fd, 10, SEEK_SET));
  R(lseek(fd, 0, SEEK_END));
  R(ftruncate(fd, 0));
  R(fsync(fd));
  struct pollfd v = {fd, POLLIN | POLLOUT, 0};
  R(poll(&v, 1, 0));
  printf("  %d\n", v.revents);
  struct termios t;
  struct winsize w;
  int count = 7;
  R(ioctl(fd, TCGETS, &t));
  R(ioctl(fd, TIOCGWINSZ, &w));
  R(ioctl(fd, FIONREAD, &count));
  R(isatty(fd));
  char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  R(p != MAP_FAILED);
  if (p != MAP_FAILED) {
    p[5] = 1;
    R(p[0] + p[5]);
    munmap(p, 4096);
  }
  R(fcntl(fd, F_GETFL) & O_ACCMODE);
  close(fd);
  R((fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600)) >= 0);
  R(read(fd, a, 1));
  close(fd);
  R(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
  R(open(path, O_RDONLY | O_DIRECTORY));
  R(access(path, R_OK | W_OK));
  R(access(path, X_OK));
  R(truncate(path, 0));
}
static void ioctls(const char *what, int fd) {
  static const struct { const char *name; unsigned long request; } all[] = {
    {"TCGETS", TCGETS}, {"TCSETS", TCSETS}, {"TCSETSW", TCSETSW}, {"TCSETSF", TCSETSF}, {"TCSBRK", TCSBRK}, {"TCXONC", TCXONC},
    {"TCFLSH", TCFLSH}, {"TIOCGPGRP", TIOCGPGRP}, {"TIOCSPGRP", TIOCSPGRP}, {"TIOCGSID", TIOCGSID}, {"TIOCGWINSZ", TIOCGWINSZ},
    {"TIOCSWINSZ", TIOCSWINSZ}, {"TIOCOUTQ", TIOCOUTQ}, {"TIOCEXCL", TIOCEXCL}, {"TIOCNOTTY", TIOCNOTTY}, {"TIOCSCTTY", TIOCSCTTY},
    {"TIOCGPTN", TIOCGPTN}, {"TIOCSPTLCK", TIOCSPTLCK}, {"TIOCMGET", TIOCMGET}, {"TIOCGETD", TIOCGETD}, {"TIOCSTI", TIOCSTI}};
  static char room[256];
  printf("%s\n", what);
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
    errno = 0;
    long r = ioctl(fd, all[i].request, room);
    printf("  %s %ld %s\n", all[i].name, r, r < 0 ? errno_name(errno) : "");
  }
  int n = -1;
  R(ioctl(fd, FIONREAD, &n));
  printf("  %d\n", n);
  R(ioctl(fd, FIONREAD, BAD));
  n = 1;
  R(ioctl(fd, FIONBIO, &n));
  R((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  n = 0;
  R(ioctl(fd, FIONBIO, &n));
  R((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  R(ioctl(fd, FIONBIO, BAD));
  R(ioctl(fd, FIOCLEX));
  R(fcntl(fd, F_GETFD));
  R(ioctl(fd, FIONCLEX));
  R(fcntl(fd, F_GETFD));
  R(ioctl(fd, 0x12345678, room));
  R(ioctl(fd, 0, 0));
  R(tcgetpgrp(fd));
  R(tcgetattr(fd, (struct termios *)room));
  R(ttyname(fd) != NULL);
}
int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 17);
  vector();
  device("/dev/null", 0);
  device("/dev/zero", 1);
  device("/dev/full", 1);
  device("/dev/urandom", 0);
  R(open("/dev/tty", O_RDWR));
  R(open("/dev/nothing", O_RDWR));
  R(access("/dev/stdin", F_OK));
  R(access("/dev/fd/1", F_OK));
  R(access("/dev/shm", W_OK));
  struct stat s;
  R(stat("/dev", &s));
  R(S_ISDIR(s.st_mode));
  R(lstat("/dev/fd", &s));
  R(S_ISLNK(s.st_mode));
  int ends[2];
  if (pipe(ends)) return 1;
  if (write(ends[1], "abc", 3) != 3) return 1;
  filled("plain", "0123456789");
  int fd = opened("plain", O_RDWR, 0);
  lseek(fd, 4, SEEK_SET);
  ioctls("file", fd);
  ioctls("pipe", ends[0]);
  ioctls("its other end", ends[1]);
  ioctls("directory", opened(".", O_RDONLY | O_DIRECTORY, 0));
  ioctls("null", opened("/dev/null", O_RDWR, 0));
  R(ioctl(99, TCGETS, 0));
  R(ioctl(-1, FIONREAD, 0));
  R(ioctl(opened("plain", O_PATH, 0), TCGETS, 0));
}

// What /proc tells a program of itself and of the machine, field by field.
#include "report.h"
#include <dirent.h>
#include <sys/mman.h>
#include <sys/statfs.h>

static char text[1 << 16];
static ssize_t slurp(const char *path) {
  int fd = open(path, O_RDONLY);
  ssize_t n = 0, more = 1;
  if (fd < 0) return -1;
  while (more > 0 && n < (ssize_t)sizeof text - 1)
    if ((more = read(fd, text + n, sizeof text - 1 - (size_t)n)) > 0) n += more;
  text[n] = 0;
  close(fd);
  return n;
}
static int lines(void) {
  int n = 0;
  for (const char *p = text; *p; p++) n += *p == '\n';
  return n;
}
static const char *after(const char *key) {
  const char *at = strstr(text, key);
  return at ? at + strlen(key) : "";
}
static int says(const char *key) { return strncmp(text, key, strlen(key)) == 0 || strstr(text, key) != NULL; }

static void process_stat(const char *path) {
  printf("%s\n", path);
  R(slurp(path) > 0 && lines() == 1);
  R(atoi(text) == getpid());
  R(strncmp(strchr(text, ' '), " (processes", 11));
  char *field = strrchr(text, ')') + 2;
  R(*field == 'R');
  long value[60] = {0};
  int n = 0;
  for (char *p = strtok(field + 2, " \n"); p && n < 60; p = strtok(NULL, " \n")) value[n++] = (long)strtoul(p, NULL, 10);
  R(n + 3);
  R(value[0] > 0 && value[1] == getpgrp() && value[2] == getsid(0));
  R(value[16]);                                          // num_threads
  R(value[19] > 0);                                      // vsize
}
static void status(void) {
  static const char *const keys[] = {
    "Name:\tprocesses", "Umask:\t0022\n", "State:\tR (running)\n", "TracerPid:\t0\n", "Threads:\t1\n", "VmPeak:", "VmSize:",
    "VmRSS:", "VmData:", "VmStk:", "SigQ:", "SigPnd:\t0000000000000000\n", "CapEff:", "Seccomp:", "Cpus_allowed_list:", "FDSize:", "Groups:", "NoNewPrivs:"};
  R(slurp("/proc/self/status") > 0);
  for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) printf("  %u %d\n", i, says(keys[i]));
  R(atoi(after("\nPid:")) == getpid() && atoi(after("\nTgid:")) == getpid() && atoi(after("\nPPid:")) > 0);
  unsigned uid[4], gid[4];
  R(sscanf(after("\nUid:"), "%u %u %u %u", uid, uid + 1, uid + 2, uid + 3));
  R(sscanf(after("\nGid:"), "%u %u %u %u", gid, gid + 1, gid + 2, gid + 3));
  R(uid[0] == getuid() && uid[1] == geteuid() && uid[3] == geteuid() && gid[0] == getgid() && gid[3] == getegid());
}
static int initialised = 3;
static void maps(void) {
  int code = 0, data = 0, stack = 0, odd = 0, heap = 0, constant = 0;
  unsigned long from, to, offset, last = 0;
  char how[8], name[300];
  void *block = sbrk(0);
  block = sbrk(8192);
  char *mine = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  R(slurp("/proc/self/maps") > 0);
  for (char *p = strtok(text, "\n"); p; p = strtok(NULL, "\n")) {
    name[0] = 0;
    if (sscanf(p, "%lx-%lx %7s %lx %*s %*u %299s", &from, &to, how, &offset, name) < 4 || from >= to || from < last) odd++;
    last = to;
    code |= from <= (uintptr_t)maps && (uintptr_t)maps < to && !strcmp(how, "r-xp") && strstr(name, "processes");
    data |= from <= (uintptr_t)&initialised && (uintptr_t)&initialised < to && !strcmp(how, "rw-p");
    stack |= from <= (uintptr_t)&odd && (uintptr_t)&odd < to && !strncmp(how, "rw", 2) && !strcmp(name, "[stack]");
    heap |= from <= (uintptr_t)block && (uintptr_t)block < to && !strncmp(how, "rw", 2);
    constant |= from <= (uintptr_t)mine && (uintptr_t)mine < to && !strcmp(how, "r--p") && !name[0];
  }
  printf("  code %d data %d stack %d heap %d constant %d odd %d\n", code, data, stack, heap, constant, odd);
}
static void links(void) {
  char to[PATH_MAX], here[PATH_MAX], name[64];
  ssize_t n = readlink("/proc/self/exe", to, sizeof to);
  to[n > 0 ? n : 0] = 0;
  R(to[0] == '/' && strstr(to, "processes") != NULL);
  R(readlink("/proc/self/exe", to, 3));
  n = readlink("/proc/self/cwd", to, sizeof to - 1);
  to[n > 0 ? n : 0] = 0;
  R(!strcmp(to, getcwd(here, sizeof here)));
  R(readlink("/proc/self/root", to, sizeof to));
  n = readlink("/proc/self", to, sizeof to - 1);
  to[n > 0 ? n : 0] = 0;
  R(atoi(to) == getpid());
  n = readlink("/proc/thread-self", to, sizeof to - 1);
  to[n > 0 ? n : 0] = 0;
  snprintf(here, sizeof here, "%d/task/%d", getpid(), getpid());
  R(strcmp(to, here));
  filled("seen", "abcdef");
  int fd = opened("seen", O_RDWR, 0), again;
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  n = readlink(name, to, sizeof to - 1);
  to[n > 0 ? n : 0] = 0;
  R(strcmp(strrchr(to, '/'), "/seen"));
  R(lseek(fd, 3, SEEK_SET));
  R((again = open(name, O_RDONLY)) >= 0);
  R(read(again, to, 10));
  close(again);
  struct stat s;
  R(stat(name, &s));
  R(S_ISREG(s.st_mode) && s.st_size == 6);
  R(lstat(name, &s));
  R(S_ISLNK(s.st_mode));
  printf("  %o %ld\n", s.st_mode & 0777, (long)s.st_size);
  unlink("seen");
  n = readlink(name, to, sizeof to - 1);
  to[n > 0 ? n : 0] = 0;
  R(strcmp(strrchr(to, '/'), "/seen (deleted)"));
  close(fd);
  R(readlink(name, to, sizeof to));
  R(open(name, O_RDONLY));
  R(open("/proc/self/fd/1000", O_RDONLY));
  R(open("/proc/self/fd/x", O_RDONLY));
  R(open("/proc/self/fd/-1", O_RDONLY));
  R(access("/proc/self/fd/0", F_OK));
  R(open("/proc/self/fdinfo/0", O_RDONLY) >= 0);
}
static void directories(void) {
  DIR *d = opendir("/proc/self/fd");
  int numbers = 0, others = 0, own = 0;
  for (struct dirent *e; d && (e = readdir(d));) {
    if (e->d_name[0] == '.') continue;
    numbers += e->d_type == DT_LNK;
    others += e->d_name[0] < '0' || e->d_name[0] > '9';
    own |= atoi(e->d_name) == dirfd(d);
  }
  printf("  %d %d %d\n", numbers >= 4, others, own);
  if (d) closedir(d);
  d = opendir("/proc/self/task");
  numbers = others = 0;
  for (struct dirent *e; d && (e = readdir(d));) {
    if (e->d_name[0] == '.') continue;
    if (atoi(e->d_name) == getpid()) numbers++;
    else others++;
  }
  printf("  %d %d\n", numbers, others);
  if (d) closedir(d);
  static const char *const names[] = {
    "maps", "stat", "status", "cmdline", "environ", "comm", "statm", "limits", "mounts", "mountinfo", "auxv", "exe", "cwd",
    "root", "fd", "task", "io", "smaps", "smaps_rollup", "oom_score", "oom_score_adj", "cgroup", "ns", "sched", "wchan", "mem",
    "uid_map", "gid_map", "setgroups", "loginuid", "personality", "pagemap", "fdinfo", "net", "attr", "timerslack_ns", "nothing"};
  char path[64];
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "/proc/self/%s", names[i]);
    struct stat s;
    int r = lstat(path, &s);
    printf("  %s %d %o\n", names[i], r, r ? 0 : s.st_mode);
  }
}
static void files(void) {
  R(slurp("/proc/self/cmdline") == 10 && !strcmp(text, "processes"));
  R(slurp("/proc/self/comm") > 0 && lines() == 1);
  R(slurp("/proc/self/environ") > 0 && !memcmp(text, environ[0], strlen(environ[0]) + 1));
  R(slurp("/proc/self/statm") > 0);
  long v[7] = {0};
  R(sscanf(text, "%ld %ld %ld %ld %ld %ld %ld", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6));
  R(v[0] > 0 && v[1] > 0 && v[0] >= v[1]);
  R(slurp("/proc/self/limits") > 0);
  R(lines());
  R(says("Limit                     Soft Limit           Hard Limit           Units     \n"));
  R(says("\nMax open files ") && says("\nMax stack size ") && says("\nMax cpu time "));
  R(slurp("/proc/self/oom_score_adj") > 0);
  R(slurp("/proc/self/mounts") > 0 && says(" / "));
  R(slurp("/proc/self/mountinfo") > 0 && says(" / / ") && says(" - "));
  R(slurp("/proc/self/cgroup") > 0 && says("::/"));
  R(slurp("/proc/self/io") > 0 && says("rchar: "));
  R(slurp("/proc/uptime") > 0);
  double up = 0, idle = 0;
  R(sscanf(text, "%lf %lf", &up, &idle));
  R(up > 0);
  R(slurp("/proc/loadavg") > 0);
  R(sscanf(text, "%lf %lf %lf", &up, &idle, &idle));
  R(slurp("/proc/meminfo") > 0);
  R(says("MemTotal: ") && says("\nMemFree: ") && says("\nMemAvailable: ") && says("\nBuffers: ") && says("\nCached: ") && says("\nSwapTotal: "));
  R(says("\nActive: ") && says("\nHugePages_Total: ") && says("\nCommitLimit: ") && says("\nDirty: "));
  R(slurp("/proc/stat") > 0 && says("cpu  ") && says("\ncpu0 ") && says("\nbtime ") && says("\nintr ") && says("\nctxt "));
  R(slurp("/proc/version") > 0 && !strncmp(text, "Linux version ", 14));
  R(slurp("/proc/filesystems") > 0 && says("nodev\tproc\n") && says("nodev\ttmpfs\n"));
  R(slurp("/proc/cpuinfo") > 0 && says("processor\t: 0\n"));
  R(slurp("/proc/sys/kernel/ostype"));
  R(slurp("/proc/sys/kernel/osrelease") > 0 && lines() == 1);
  R(slurp("/proc/sys/kernel/hostname") > 0 && lines() == 1);
  R(slurp("/proc/sys/kernel/pid_max") > 0 && atoi(text) >= 32768);
  R(slurp("/proc/sys/kernel/random/uuid"));
  R(slurp("/proc/sys/kernel/random/boot_id"));
  R(slurp("/proc/sys/kernel/ngroups_max"));
  R(slurp("/proc/sys/kernel/cap_last_cap") > 0);
  R(slurp("/proc/sys/vm/overcommit_memory") > 0);
  R(slurp("/proc/sys/vm/max_map_count") > 0);
  R(slurp("/proc/sys/fs/pipe-max-size") > 0);
  R(slurp("/proc/sys/fs/file-max") > 0);
  R(slurp("/proc/sys/fs/nr_open") > 0);
  R(slurp("/proc/sys/net/core/somaxconn") > 0);
}
static void handling(void) {
  char a[16], b[16];
  int fd = opened("/proc/self/status", O_RDONLY, 0);
  struct stat s;
  struct statfs fs;
  R(fstat(fd, &s));
  printf("  %o %ld %d\n", s.st_mode, (long)s.st_size, s.st_uid == getuid());
  R(fstatfs(fd, &fs));
  R(fs.f_type == 0x9fa0);
  R(read(fd, a, 8));
  R(lseek(fd, 0, SEEK_CUR));
  R(pread(fd, b, 8, 0));
  R(memcmp(a, b, 8));
  R(lseek(fd, 0, SEEK_SET));
  R(lseek(fd, 1 << 20, SEEK_SET));
  R(read(fd, a, 8));
  R(lseek(fd, 0, SEEK_END));
  R(write(fd, a, 1));
  R(ftruncate(fd, 0));
  R(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
  close(fd);
  R(open("/proc/self/status", O_RDONLY | O_DIRECTORY));
  R(open("/proc/self/nothing", O_RDONLY));
  R(open("/proc/self/nothing", O_RDWR | O_CREAT, 0600));
  R(open("/proc/nothing/at/all", O_RDONLY));
  R(open("/proc/3999999/stat", O_RDONLY));
  R(open("/proc/self/status/x", O_RDONLY));
  R(mkdir("/proc/new", 0700));
  R(mkdir("/proc/self/new", 0700));
  R(unlink("/proc/self/status"));
  R(rmdir("/proc/self"));
  R(rename("/proc/self/status", "/proc/self/other"));
  R(symlink("a", "/proc/self/link"));
  R(link("/proc/self/status", "linked"));
  R(access("/proc/self/status", R_OK));
}
int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 17);
  process_stat("/proc/self/stat");
  status();
  maps();
  links();
  directories();
  files();
  handling();
}

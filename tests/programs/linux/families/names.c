// mkdirat, mknodat, linkat, symlinkat, renameat2, unlinkat, readlinkat, getdents64, chdir, getcwd.
#include "report.h"
#include <dirent.h>
#include <linux/fs.h>

struct entry { uint64_t inode; int64_t next; uint16_t size; uint8_t type; char name[]; };
static char longest[5000], component[300], buffer[4096];

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static void list(const char *path, unsigned size) {
  char *names[100];
  int n = 0, calls = 0;
  long got;
  int fd = opened(path, O_RDONLY | O_DIRECTORY, 0);
  while ((got = SYS(getdents64, fd, buffer, size)) > 0) {
    calls++;
    for (long at = 0; at < got;) {
      struct entry *e = (struct entry *)(buffer + at);
      if (asprintf(&names[n++], "%s:%d%s", e->name, e->type, e->size % 8 ? " odd" : "") < 0) exit(5);
      at += e->size;
    }
  }
  qsort(names, (size_t)n, sizeof *names, by_name);
  printf("%s in buffers of %u (%s) ends with %ld:", path, size, calls > 1 ? "several" : "one", got);
  for (int i = 0; i < n; i++) printf(" %s", names[i]), free(names[i]);
  printf("\n");
  close(fd);
}
static void making(void) {
  R(mkdir("d", 0755));
  R(mkdir("d", 0755));
  R(mkdir("d/", 0755));
  R(mkdir("e/", 0700));
  R(mkdir("d/.", 0755));
  R(mkdir("d/..", 0755));
  R(mkdir(".", 0755));
  R(mkdir("/", 0755));
  R(mkdir("", 0755));
  R(mkdir("no/where", 0755));
  R(mkdirat(99, "x", 0755));
  R(SYS(mkdirat, AT_FDCWD, BAD, 0755));
  R(mkdir(longest, 0755));
  R(mkdir(component, 0755));
  filled("f", "text");
  R(mkdir("f", 0755));
  R(mkdir("f/x", 0755));
  R(symlink("nowhere", "dangling"));
  R(mkdir("dangling", 0755));
  R(mknod("n", S_IFREG | 0644, 0));
  R(mknod("n", S_IFREG | 0644, 0));
  R(mknod("n2", 0600, 0));
  R(mknod("d/n/", S_IFREG | 0600, 0));
  R(mknod("x", S_IFDIR | 0644, 0));
  R(mknod("x", S_IFLNK | 0644, 0));
  R(mknod("x", 0170000, 0));
}
static void linking(void) {
  char target[32];
  R(symlink("", "empty"));
  R(symlink("f", ""));
  R(symlink("f", "f"));
  R(symlink("f", "s"));
  R(symlink("d", "sd"));
  R(symlink("f", "sd/inner"));
  R(symlink("f", "no/where"));
  R(symlink("f", "s2/"));
  R(SYS(symlinkat, BAD, AT_FDCWD, "x"));
  R(SYS(symlinkat, "f", AT_FDCWD, BAD));
  R(symlinkat("f", 99, "x"));
  memset(target, '-', sizeof target);
  R(readlink("s", target, sizeof target));
  printf("  %.4s\n", target);
  R(readlink("dangling", target, 3));
  printf("  %.4s\n", target);
  R(SYS(readlinkat, AT_FDCWD, "s", target, 0));
  R(SYS(readlinkat, AT_FDCWD, "s", target, -1));
  R(SYS(readlinkat, AT_FDCWD, "s", BAD, 8));
  R(SYS(readlinkat, AT_FDCWD, "f", target, 8));
  R(SYS(readlinkat, AT_FDCWD, "d", target, 8));
  R(SYS(readlinkat, AT_FDCWD, "s/", target, 8));
  R(SYS(readlinkat, AT_FDCWD, "sd/", target, 8));
  R(SYS(readlinkat, AT_FDCWD, "missing", target, 8));
  R(SYS(readlinkat, AT_FDCWD, "", target, 8));
  R(link("f", "h"));
  R(link("f", "h"));
  R(link("d", "hd"));
  R(link("missing", "h2"));
  R(link("f", "d/h/"));
  R(link("f/", "h3"));
  R(link("f", "no/where"));
  R(link("s", "hs"));
  struct stat st;
  R(lstat("hs", &st));
  printf("  %s\n", kind_of(st.st_mode));
  R(linkat(AT_FDCWD, "s", AT_FDCWD, "hs2", AT_SYMLINK_FOLLOW));
  R(lstat("hs2", &st));
  printf("  %s\n", kind_of(st.st_mode));
  R(linkat(AT_FDCWD, "s", AT_FDCWD, "hs3", 0x40000));
  R(linkat(AT_FDCWD, "dangling", AT_FDCWD, "hs4", AT_SYMLINK_FOLLOW));
  R(link("dangling", "hd2"));
  R(stat("f", &st));
  R(st.st_nlink);
  R(link("f", "dangling"));
  R(linkat(99, "f", AT_FDCWD, "x", 0));
  R(linkat(AT_FDCWD, "f", 99, "x", 0));
}
static void renaming(void) {
  filled("a", "a"), filled("b", "b");
  mkdir("p", 0755), mkdir("q", 0755), mkdir("p/in", 0755), filled("q/full", "");
  R(rename("a", "b"));
  contents("b");
  R(access("a", F_OK));
  R(rename("a", "c"));
  R(rename("b", "b"));
  R(rename("b", "p"));
  R(rename("p", "b"));
  R(rename("p", "q"));
  R(rename("p", "p/in/x"));
  R(rename("p", "p"));
  R(rename("p/in", "p"));
  R(rename("p/.", "z"));
  R(rename("p/..", "z"));
  R(rename(".", "z"));
  R(rename("p", "."));
  R(rename("p", ".."));
  R(rename("/", "z"));
  R(rename("b", "no/where"));
  R(rename("b", "c/"));
  R(rename("b/", "c"));
  R(rename("p/", "r/"));
  R(rename("r", "p"));
  R(rename("", "x"));
  R(rename("b", ""));
  R(SYS(renameat2, AT_FDCWD, BAD, AT_FDCWD, "x", 0));
  R(SYS(renameat2, AT_FDCWD, "b", AT_FDCWD, BAD, 0));
  R(renameat(99, "b", AT_FDCWD, "x"));
  R(renameat(AT_FDCWD, "b", 99, "x"));
  mkdir("empty1", 0755), mkdir("empty2", 0755);
  R(rename("empty1", "empty2"));
  R(access("empty1", F_OK));
  symlink("b", "sl");
  R(rename("sl", "sl2"));
  R(readlink("sl2", buffer, 10));
  R(rename("b", "sl2"));
  R(readlink("sl2", buffer, 10));
  link("sl2", "same");
  R(rename("sl2", "same"));
  R(access("sl2", F_OK));
  R(rename(component, "x"));
  R(rename("same", component));
  filled("one", "1"), filled("two", "2");
  R(SYS(renameat2, AT_FDCWD, "one", AT_FDCWD, "two", RENAME_NOREPLACE));
  R(SYS(renameat2, AT_FDCWD, "one", AT_FDCWD, "three", RENAME_NOREPLACE));
  R(SYS(renameat2, AT_FDCWD, "three", AT_FDCWD, "two", RENAME_EXCHANGE | RENAME_NOREPLACE));
  R(SYS(renameat2, AT_FDCWD, "three", AT_FDCWD, "two", 1 << 10));
  R(SYS(renameat2, AT_FDCWD, "three", AT_FDCWD, "missing", RENAME_EXCHANGE));
  R(SYS(renameat2, AT_FDCWD, "three", AT_FDCWD, "two", RENAME_EXCHANGE));
  contents("two");
  contents("three");
}
static void removing(void) {
  R(unlink("d"));
  R(rmdir("f"));
  R(rmdir("q"));
  R(rmdir("p/."));
  R(rmdir("p/.."));
  R(rmdir("."));
  R(rmdir("/"));
  R(unlink("/"));
  R(unlink("f/"));
  R(unlink("missing"));
  R(rmdir("missing"));
  R(unlink(""));
  R(rmdir(""));
  R(rmdir("sd"));
  R(rmdir("sd/"));
  R(unlink("sd/"));
  R(unlink("sd/inner"));
  R(unlinkat(AT_FDCWD, "d", 4));
  R(unlinkat(99, "d", AT_REMOVEDIR));
  R(SYS(unlinkat, AT_FDCWD, BAD, 0));
  R(unlink("dangling"));
  R(unlink("sd"));
  R(rmdir("d"));
  R(unlink(longest));
  R(unlink(component));
}
static void listing(void) {
  mkdir("ls", 0755);
  int fd = opened("ls", O_RDONLY | O_DIRECTORY, 0);
  list("ls", 4096);
  filled("ls/file", "x"), mkdir("ls/dir", 0755), symlink("x", "ls/link");
  for (int i = 0; i < 20; i++) {
    char name[40];
    snprintf(name, sizeof name, "ls/%.*s%d", i, "abcdefghijklmnopqrstuvwxyz", i);
    filled(name, "");
  }
  list("ls", 4096);
  list("ls", 100);
  R(SYS(getdents64, fd, buffer, 10));
  R(SYS(getdents64, fd, BAD, 4096));
  R(SYS(getdents64, 99, buffer, 4096));
  R(SYS(getdents64, 0, buffer, 4096));
  int f = opened("ls/file", O_RDONLY, 0);
  R(SYS(getdents64, f, buffer, 4096));
  R(read(fd, buffer, 10));
  R(lseek(fd, 0, SEEK_SET));
  R(SYS(getdents64, fd, buffer, sizeof buffer) > 0);
  R(SYS(getdents64, fd, buffer, sizeof buffer));
  R(lseek(fd, 0, SEEK_SET));
  R(SYS(getdents64, fd, buffer, sizeof buffer) > 0);
  // by the library: telldir and seekdir come back to the same entry
  DIR *dir = opendir("ls");
  struct dirent *e;
  for (int i = 0; i < 7; i++) readdir(dir);
  long at = telldir(dir);
  e = readdir(dir);
  char name[256];
  strcpy(name, e->d_name);
  while (readdir(dir)) {}
  seekdir(dir, at);
  e = readdir(dir);
  printf("seekdir: %d\n", e && !strcmp(e->d_name, name));
  // what is removed while it is listed is met at most once
  rewinddir(dir);
  int seen = 0;
  while ((e = readdir(dir)))
    if (e->d_name[0] != '.') {
      seen++;
      unlinkat(dirfd(dir), e->d_name, strcmp(e->d_name, "dir") ? 0 : AT_REMOVEDIR);
    }
  closedir(dir);
  printf("removed while listing: %d\n", seen);
  R(rmdir("ls"));
  R(SYS(getdents64, fd, buffer, sizeof buffer));
}
static void moving_about(const char *start) {
  mkdir("w", 0755), mkdir("w/x", 0755), symlink("w/x", "wl");
  R(chdir("wl"));
  R(getcwd(buffer, sizeof buffer) != NULL);
  printf("  %s\n", buffer + strlen(start));
  R(chdir(".."));
  R(getcwd(buffer, sizeof buffer) != NULL);
  printf("  %s\n", buffer + strlen(start));
  R(SYS(getcwd, buffer, 1));
  R(SYS(getcwd, buffer, 0));
  R(SYS(getcwd, BAD, 100));
  R(SYS(getcwd, buffer, 4096) - (long)strlen(start));
  R(chdir("missing"));
  R(chdir("../f"));
  R(chdir(""));
  R(SYS(chdir, BAD));
  R(chdir(longest));
  R(fchdir(99));
  R(fchdir(0));
  R(chdir("x"));
  R(rmdir("../x"));
  R(SYS(getcwd, buffer, 4096));
  R(open("y", O_RDWR | O_CREAT, 0600));
  R(mkdir("y", 0700));
  R(access(".", F_OK));
  R(chdir("."));
  R(chdir(".."));
  R(SYS(getcwd, buffer, 4096) - (long)strlen(start));
  R(rename("../w", "../v"));
  R(SYS(getcwd, buffer, 4096) > 0 && !strcmp(buffer + strlen(start), "/v"));
  R(chdir(start));
}
int main(void) {
  char *start = getcwd(NULL, 0);
  memset(longest, 'a', sizeof longest - 1);
  memset(component, 'b', sizeof component - 44);
  umask(022);
  making();
  linking();
  renaming();
  removing();
  listing();
  moving_about(start);
}

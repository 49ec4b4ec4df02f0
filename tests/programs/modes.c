/* Without a libc: makes a file and a directory with given modes, and exits with what stat says. */
typedef unsigned long word;
struct stat { word dev, ino; unsigned mode, nlink, uid, gid; word rest[13]; };

static long call(long nr, word a, word b, word c, word d) {
  register long x8 __asm__("x8") = nr;
  register word x0 __asm__("x0") = a;
  register word x1 __asm__("x1") = b;
  register word x2 __asm__("x2") = c;
  register word x3 __asm__("x3") = d;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return (long)x0;
}

static void octal(unsigned value) {
  char text[8];
  for (int i = 6; i >= 0; i--, value >>= 3) text[i] = (char)('0' + (value & 7));
  text[7] = '\n';
  call(64, 1, (word)text, 8, 0);
}

void _start(void) {
  struct stat found;
  call(166, 0, 0, 0, 0);                                 /* umask */
  call(34, (word)-100, (word) "/work/folder", 01751, 0); /* mkdirat */
  long fd = call(56, (word)-100, (word) "/work/file", 0102, 0640);
  call(80, (word)fd, (word)&found, 0, 0);
  octal(found.mode);
  call(79, (word)-100, (word) "/work/folder", (word)&found, 0);
  octal(found.mode);
  octal(found.uid == (unsigned)call(174, 0, 0, 0, 0));
  call(94, 7, 0, 0, 0);
}

/* The most frequent words of files: an ordinary C program that nobody wrote for a sandbox. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

struct word {
  char *text;
  unsigned count;
};

static struct word *words;
static size_t used, room;

static int by_text(const void *a, const void *b) {
  return strcmp(((const struct word *)a)->text, ((const struct word *)b)->text);
}

static int by_count(const void *a, const void *b) {
  const struct word *x = a, *y = b;
  return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->text, y->text);
}

static void add(const char *text) {
  if (used == room) words = realloc(words, (room = room ? 2 * room : 256) * sizeof *words);
  words[used++] = (struct word){strdup(text), 1};
}

static void read_words(FILE *file) {
  char text[64];
  size_t size = 0;
  for (int c; (c = getc(file)) != EOF;) {
    if (isalpha(c) && size < sizeof text - 1) {
      text[size++] = (char)tolower(c);
    } else if (size) {
      text[size] = 0;
      if (size > 3) add(text);
      size = 0;
    }
  }
}

int main(int count, char **names) {
  struct utsname system;
  uname(&system);
  printf("%s on %s, as user %d\n", names[0], system.machine, (int)getuid());
  int status = 0;
  for (int i = 1; i < count; i++) {
    struct stat about;
    FILE *file = fopen(names[i], "r");
    if (!file || fstat(fileno(file), &about)) {
      printf("%s: %s\n", names[i], strerror(errno));
      status = 1;
      continue;
    }
    printf("%s: mode %o, %lld bytes\n", names[i], about.st_mode & 07777, (long long)about.st_size);
    read_words(file);
    fclose(file);
  }
  qsort(words, used, sizeof *words, by_text);
  size_t kept = 0;
  for (size_t i = 0; i < used; i++) {
    if (kept && !strcmp(words[kept - 1].text, words[i].text)) words[kept - 1].count++;
    else words[kept++] = words[i];
  }
  qsort(words, kept, sizeof *words, by_count);
  for (size_t i = 0; i < kept && i < 5; i++) {
    printf("%8u  %5.2f %%  %s\n", words[i].count, 100.0 * words[i].count / (double)used, words[i].text);
  }
  return status;
}

/* Owns bytes and characters: what a C library would give, and a growing buffer of text. */
#include "linux.h"

/* With bulk memory LLVM makes each of these bodies one instruction, not a call of itself. */
void *memcpy(void *to, const void *from, size_t n) { return __builtin_memcpy(to, from, n); }
void *memmove(void *to, const void *from, size_t n) { return __builtin_memmove(to, from, n); }
void *memset(void *to, int byte, size_t n) { return __builtin_memset(to, byte, n); }
int memcmp(const void *a, const void *b, size_t n) {
  const u8 *p = a, *q = b;
  for (; n; n--, p++, q++)
    if (*p != *q) return *p - *q;
  return 0;
}
size_t strlen(const char *s) {
  const char *p = s;
  while (*p) p++;
  return (size_t)(p - s);
}
int strcmp(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return (u8)*a - (u8)*b;
}
int strncmp(const char *a, const char *b, size_t n) {
  for (; n && *a && *a == *b; n--) a++, b++;
  return n ? (u8)*a - (u8)*b : 0;
}
char *strchr(const char *s, int c) {
  for (;; s++) {
    if (*s == (char)c) return (char *)s;
    if (!*s) return NULL;
  }
}
char *strrchr(const char *s, int c) {
  const char *found = NULL;
  for (; *s; s++)
    if (*s == (char)c) found = s;
  return (char *)found;
}
char *copy_string(const char *s) {
  size_t n = strlen(s) + 1;
  char *copy = kalloc(n);
  if (copy) memcpy(copy, s, n);
  return copy;
}

void put_bytes(struct text *t, const char *s, u32 n) {
  if (t->length + n + 1 > t->capacity) {
    u32 capacity = (t->length + n + 1) * 2;
    char *larger = krealloc(t->at, t->length, capacity);
    if (!larger) return;
    t->at = larger;
    t->capacity = capacity;
  }
  memcpy(t->at + t->length, s, n);
  t->length += n;
  t->at[t->length] = 0;
}
void put(struct text *t, const char *s) { put_bytes(t, s, (u32)strlen(s)); }
void put_unsigned(struct text *t, u64 n, u32 base, u32 width, char fill) {
  char digits[32];
  u32 at = sizeof digits;
  do digits[--at] = "0123456789abcdef"[n % base];
  while ((n /= base) && at);
  while (sizeof digits - at < width && at) digits[--at] = fill;
  put_bytes(t, digits + at, sizeof digits - at);
}
void put_number(struct text *t, s64 n) {
  if (n < 0) put(t, "-");
  put_unsigned(t, n < 0 ? 0 - (u64)n : (u64)n, 10, 0, ' ');
}

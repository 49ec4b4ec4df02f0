// What the C library does, hard places first: formats, parsing, sorting, jumps, variable arguments.
#include <complex.h>
#include <ctype.h>
#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <regex.h>
#include <search.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

static uint64_t state = 88172645463325252ull;
static uint64_t next(void) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state;
}
static double bits_to_double(uint64_t b) {
  double d;
  memcpy(&d, &b, 8);
  return d;
}

static void formats(void) {
  static const double special[] = {0.0, -0.0, 1.0, -1.5, 1e308, 4.9e-324, 2.2250738585072014e-308, 1e21, 1e22, 123456789.123456789,
                                   0.1, 0.5, 1.5, 2.5, 9.995, 1e-5, 1e15, 1e16, 1e17, INFINITY, -INFINITY, 3.14159265358979};
  for (unsigned i = 0; i < sizeof special / sizeof *special; i++) {
    double d = special[i];
    printf("%e %f %g %a|%.0f %.1f %.17g|%+08.3f|% 12.4e|%-14g|%#.3g|%.3a\n", d, d > 1e100 ? 1.0 : d, d, d, d > 1e100 ? 1.0 : d,
           d > 1e100 ? 1.0 : d, d, d > 1e100 ? 1.0 : d, d, d, d, d);
  }
  for (int i = 0; i < 400; i++) {
    double d = bits_to_double(next());
    if (isnan(d)) continue;
    char text[64];
    snprintf(text, sizeof text, "%.17g", d);
    double back = strtod(text, NULL);
    if (back != d) printf("not the same: %s\n", text);
    if (i % 8 == 0) printf("%s %a %Lg\n", text, d, (long double)d * 3.0L);
  }
  printf("[%5d][%-5d][%05d][%+d][%x][%#X][%#o][%hhd][%hd][%ld][%lld][%zu][%jd][%td]\n", 42, 42, 42, 42, 255, 255, 8, (char)300,
         (short)70000, 1L << 40, 1LL << 62, (size_t)-1, (intmax_t)-5, (ptrdiff_t)7);
  printf("[%s][%10s][%-10s][%.2s][%c][%%][%*d][%-*d][%.*f][%p]\n", "text", "right", "left", "cut", 'c', 6, 12, 6, 12, 3, 2.0, (void *)0x1234);
  printf("%" PRIu64 " %" PRIx64 " %" PRId32 "\n", UINT64_MAX, UINT64_C(0xdeadbeefcafe), INT32_MIN);
  wchar_t wide[32];
  swprintf(wide, 32, L"%ls %d", L"wide", 7);
  printf("%ls %zu\n", wide, wcslen(wide));
}

static void parsing(void) {
  static const char *const numbers[] = {"1e400", "-1e-400", "0x1.8p3", "inf", "-nan", "1.7976931348623157e308", "2.2250738585072011e-308",
                                        "4.94065645841246544e-324", "123456789012345678901234567890", "0.1e", ".5", "5.", "abc", "  12rest",
                                        "9007199254740993", "1.00000000000000011102230246251565404236316680908203125",
                                        "1.00000000000000011102230246251565404236316680908203124",
                                        "1.00000000000000033306690738754696212708950042724609375"};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    char *end;
    double d = strtod(numbers[i], &end);
    float f = strtof(numbers[i], NULL);
    long double l = strtold(numbers[i], NULL);
    printf("%s: %a %a %La rest '%s'\n", numbers[i], d, (double)f, l, end);
  }
  static const char *const integers[] = {"0x7fffffffffffffff", "-9223372036854775809", "0777", "zz", "+15 ", "18446744073709551616", "-1"};
  for (unsigned i = 0; i < sizeof integers / sizeof *integers; i++)
    printf("%ld %lu %ld %d\n", strtol(integers[i], NULL, 0), strtoul(integers[i], NULL, 0), strtol(integers[i], NULL, 36), atoi(integers[i]));
  int a, b, n;
  float f;
  char word[16], set[16];
  int got = sscanf("12 0x1f 3.25 hello [abc]def%", "%d %i %f %15s [%15[a-c]]%n", &a, &b, &f, word, set, &n);
  printf("sscanf %d: %d %d %g %s %s %d\n", got, a, b, f, word, set, n);
}

typedef struct { int key, order; char pad[20]; } row;
static int by_key(const void *a, const void *b) {
  const row *x = a, *y = b;
  return x->key < y->key ? -1 : x->key > y->key ? 1 : x->order - y->order;
}
static int by_double(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}
static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static void visit(const void *node, VISIT which, int level) {
  if (which == postorder || which == leaf) printf("%s/%d ", *(char *const *)node, level > 20);
}
static void sorting(void) {
  enum { N = 3000 };
  static row rows[N];
  static double doubles[N];
  for (int i = 0; i < N; i++) rows[i].key = (int)(next() % 500), rows[i].order = i, doubles[i] = (double)(int64_t)next();
  qsort(rows, N, sizeof *rows, by_key);
  qsort(doubles, N, sizeof *doubles, by_double);
  unsigned sum = 0;
  for (int i = 1; i < N; i++) {
    if (by_key(&rows[i - 1], &rows[i]) > 0 || doubles[i - 1] > doubles[i]) printf("not sorted at %d\n", i);
    sum = sum * 31 + (unsigned)rows[i].order;
  }
  row wanted = rows[1234];
  printf("qsort %u, bsearch %d\n", sum, ((row *)bsearch(&wanted, rows, N, sizeof *rows, by_key))->order);
  void *tree = NULL;
  static char *words[] = {"pear", "apple", "fig", "quince", "cherry", "lemon"};
  for (int i = 0; i < 6; i++) tsearch(words[i], &tree, (int (*)(const void *, const void *))strcmp);
  twalk(tree, visit);
  qsort(words, 6, sizeof *words, by_text);
  printf("%s %s\n", words[0], words[5]);
}

static jmp_buf env[8];
static int across(int n, int which) {
  volatile char room[64];
  memset((char *)room, n, sizeof room);
  double kept = n * 1.5;
  if (!n) longjmp(env[which], which + 1);
  int r = across(n - 1, which);
  return r + room[3] + (int)kept;
}
static void jumps(void) {
  volatile int total = 0;
  for (volatile int i = 0; i < 40; i++) {
    double d = i * 0.25;
    long x = i * 7;
    int r = setjmp(env[i % 8]);
    if (!r) across(20, i % 8);
    total += r;
    total += (int)(d * 4) + (int)(x / 7);
  }
  printf("longjmp: %d\n", total);
  volatile int depth = 0;
  if (setjmp(env[0]) < 30) {  // the inner one jumps to the outer one, again and again
    depth++;
    if (!setjmp(env[1])) longjmp(env[1], 1);
    longjmp(env[0], depth);
  }
  printf("nested longjmp: %d\n", depth);
}

static double sum(const char *kinds, ...) {
  va_list list, again;
  va_start(list, kinds);
  va_copy(again, list);
  double total = 0;
  for (const char *k = kinds; *k; k++) switch (*k) {
      case 'i': total += va_arg(list, int); break;
      case 'l': total += (double)va_arg(list, long); break;
      case 'd': total += va_arg(list, double); break;
      case 'L': total += (double)va_arg(list, long double); break;
      case 's': total += (double)strlen(va_arg(list, char *)); break;
    }
  total += va_arg(again, int);
  va_end(list), va_end(again);
  return total;
}
struct big { long a[5]; };
struct floats { float a, b, c; };
struct small { int a; char b; };
static struct big make_big(struct small s, struct floats f, struct big in, int n) {
  for (int i = 0; i < 5; i++) in.a[i] += s.a * n + (long)(f.a + f.b * f.c);
  return in;
}
static struct floats make_floats(struct floats f) { return (struct floats){f.c, f.a, f.b}; }
static void arguments(void) {
  printf("varargs: %g\n", sum("iildLsiiiiiiiiddddddddddss", 1, 2, 3L, 4.5, 5.25L, "six", 7, 8, 9, 10, 11, 12, 13, 14, 1.0, 2.0, 3.0, 4.0,
                              5.0, 6.0, 7.0, 8.0, 9.0, 10.0, "a", "bb"));
  struct big b = make_big((struct small){3, 'x'}, make_floats((struct floats){1.5f, 2.5f, 3.5f}), (struct big){{1, 2, 3, 4, 5}}, 9);
  printf("structs: %ld %ld\n", b.a[0], b.a[4]);
  double complex z = csqrt(-3.0 + 4.0 * I), w = cexp(z) / z;
  printf("complex: %.15g %.15g %.15g %.15g\n", creal(z), cimag(z), creal(w), cimag(w));
  __int128 wide = (__int128)INT64_MAX * 12345678901234567ll;
  wide = wide / 98765432109ll - wide % 777;
  printf("int128: %016" PRIx64 "%016" PRIx64 "\n", (uint64_t)(wide >> 64), (uint64_t)wide);
}

static int computed_goto(const unsigned char *code) {
  static const void *const labels[] = {&&stop, &&add, &&mul, &&sub, &&jump};
  int acc = 1, left = 200;
  const unsigned char *pc = code;
#define NEXT goto *labels[*pc++]
  NEXT;
add: acc += *pc++; NEXT;
mul: acc *= *pc++; NEXT;
sub: acc -= *pc++; NEXT;
jump: if (left-- > 0) { pc = code; } else { pc++; } NEXT;
stop: return acc;
}
static _Thread_local int tls_zero;
static _Thread_local int tls_set = 41;
static _Thread_local char tls_text[32] = "thread";
static int vla(int n) {
  int a[n][n + 1];
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= n; j++) a[i][j] = i * j;
  char *p = __builtin_alloca((size_t)n * 10);
  memset(p, n, (size_t)n * 10);
  int t = p[n];
  for (int i = 0; i < n; i++) t += a[i][n - i];
  return t;
}
static int ackermann(int m, int n) { return !m ? n + 1 : !n ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1)); }
static int recursion(int n) {
  volatile char room[100];
  room[n % 100] = (char)n;
  return n ? recursion(n - 1) + room[n % 100] % 2 : 0;
}
static int even(unsigned n);
static int odd(unsigned n) { return n ? even(n - 1) : 0; }
static int even(unsigned n) { return n ? odd(n - 1) : 1; }
static void shapes(void) {
  static const unsigned char code[] = {2, 3, 1, 7, 3, 2, 4, 0, 1, 9, 0};
  printf("computed goto: %d\n", computed_goto(code));
  tls_zero += 5, tls_set++;
  tls_text[0] = 'T';
  printf("tls: %d %d %s\n", tls_zero, tls_set, tls_text);
  printf("vla: %d %d\n", vla(7), vla(30));
  printf("ackermann: %d, even %d\n", ackermann(2, 300), even(100001));
  printf("recursion: %d\n", recursion(50000));
}

static int constructed;
__attribute__((constructor(101))) static void first(void) { constructed = constructed * 10 + 1; }
__attribute__((constructor(102))) static void second(void) { constructed = constructed * 10 + 2; }
__attribute__((destructor)) static void last(void) { printf("destructor\n"); }
static void exit_one(void) { printf("atexit one\n"); }
static void exit_two(void) { printf("atexit two\n"); }

static void text(void) {
  regex_t r;
  regmatch_t m[4];
  printf("regcomp %d\n", regcomp(&r, "([a-z]+)([0-9]{2,4})(x|yy)*", REG_EXTENDED));
  const char *line = "...abc1234xyyx and more";
  printf("regexec %d", regexec(&r, line, 4, m, 0));
  for (int i = 0; i < 4; i++) printf(" %d-%d", (int)m[i].rm_so, (int)m[i].rm_eo);
  printf("\n");
  regfree(&r);
  char words[] = "a,b;;c d";
  for (char *save, *w = strtok_r(words, ",; ", &save); w; w = strtok_r(NULL, ",; ", &save)) printf("<%s>", w);
  char many[300];
  memset(many, 'a', sizeof many);
  many[299] = 0, many[150] = 'b';
  printf(" %zu %td %td %d %zu\n", strspn(many, "a"), strchr(many, 'b') - many, strrchr(many, 'a') - many, memcmp(many, many + 1, 100), strlen(many + 7));
  printf("%s %s\n", strstr("the needle in hay", "needle"), strpbrk("look for x", "xyz"));
  time_t when = 1700000000;
  struct tm *t = gmtime(&when);
  char date[64];
  strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S %a %j %U", t);
  printf("%s %ld\n", date, (long)mktime(t));
  uint32_t a = 0;
  for (int i = 0; i < 256; i++) a = a * 3 + (uint32_t)(isalpha(i) ? toupper(i) : isspace(i) ? 1 : ispunct(i));
  printf("ctype %u, rand %d", a, (srand(7), rand()));
  FILE *f = tmpfile();
  if (f) {
    for (int i = 0; i < 2000; i++) fprintf(f, "line %d\n", i);
    fseek(f, 6005, SEEK_SET);
    char got[40] = "";
    fgets(got, sizeof got, f);
    printf(", file %s", got);
    fclose(f);
  }
}

int main(void) {
  printf("constructors %d\n", constructed);
  atexit(exit_one), atexit(exit_two);
  formats(), parsing(), sorting(), jumps(), arguments(), shapes(), text();
  return 42;
}

// Every function of the mathematical library over random arguments: all bits of all results.
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 0x9e3779b97f4a7c15ull;
static uint64_t next(void) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state;
}
static uint64_t hash;
static void add(uint64_t bits) { hash = (hash ^ bits) * 0x100000001b3ull; }
static void put(double d) {
  uint64_t b;
  memcpy(&b, &d, 8);
  add(b);
}
static void putf(float f) {
  uint32_t b;
  memcpy(&b, &f, 4);
  add(b);
}
static void putl(long double l) {
  uint64_t b[2];
  memcpy(b, &l, 16);
  add(b[0]), add(b[1]);
}
static double argument(int i) {
  static const double special[] = {0.0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 4.9e-324, 1.7976931348623157e308, 0.5, 2, 3, 1e-300, -2.5, 1e10};
  uint64_t b = next();
  double d;
  switch (i % 4) {
    case 0: return special[b % (sizeof special / sizeof *special)];
    case 1: memcpy(&d, &b, 8); return d;
    case 2: return (double)(int64_t)b / (double)(1ull << 60);
    default: return (double)(int64_t)(b >> 20) / (double)(1ull << 36);
  }
}
typedef double one(double);
typedef float onef(float);
typedef long double onel(long double);
typedef double two(double, double);
typedef float twof(float, float);
#define ROW(g) {#g, g, g##f, g##l}
static const struct { const char *name; one *d; onef *f; onel *l; } ones[] = {
    ROW(sin), ROW(cos), ROW(tan), ROW(asin), ROW(acos), ROW(atan), ROW(sinh), ROW(cosh), ROW(tanh), ROW(asinh), ROW(acosh), ROW(atanh),
    ROW(exp), ROW(exp2), ROW(expm1), ROW(log), ROW(log2), ROW(log10), ROW(log1p), ROW(sqrt), ROW(cbrt), ROW(floor), ROW(ceil), ROW(trunc),
    ROW(round), ROW(rint), ROW(nearbyint), ROW(fabs), ROW(erf), ROW(erfc), ROW(tgamma), ROW(lgamma), ROW(logb)};
#define ROW2(g) {#g, g, g##f}
static const struct { const char *name; two *d; twof *f; } twos[] = {
    ROW2(pow), ROW2(atan2), ROW2(fmod), ROW2(remainder), ROW2(hypot), ROW2(fmax), ROW2(fmin), ROW2(fdim), ROW2(copysign), ROW2(nextafter)};

int main(void) {
  for (unsigned k = 0; k < sizeof ones / sizeof *ones; k++) {
    hash = 1;
    for (int i = 0; i < 1500; i++) {
      double x = argument(i);
      put(ones[k].d(x)), putf(ones[k].f((float)x));
      if (i % 8 == 0) putl(ones[k].l((long double)x * 1.0000001L));
    }
    printf("%s %016llx\n", ones[k].name, (unsigned long long)hash);
  }
  for (unsigned k = 0; k < sizeof twos / sizeof *twos; k++) {
    hash = 1;
    for (int i = 0; i < 1500; i++) {
      double x = argument(i), y = argument(i / 4);
      put(twos[k].d(x, y)), putf(twos[k].f((float)x, (float)y));
    }
    printf("%s %016llx\n", twos[k].name, (unsigned long long)hash);
  }
  hash = 1;
  for (int i = 0; i < 3000; i++) {
    double x = argument(i), y = argument(i + 1), z = argument(i / 3);
    float xf = (float)x, yf = (float)y, zf = (float)z;
    put(fma(x, y, z)), putf(fmaf(xf, yf, zf));
    put(x * y + z), put(x / y), put(x - y), putf(xf * yf - zf), putf(xf / yf);
    add((uint64_t)lrint(x)), add((uint64_t)llround(y)), add((uint64_t)ilogb(x));
    add((uint64_t)(int64_t)x), add((uint64_t)z), add((uint32_t)(int32_t)yf), add((uint32_t)xf);
    put((double)(int64_t)next()), putf((float)next()), put((double)xf), putf((float)y);
    int e;
    put(frexp(x, &e)), add((uint64_t)e), put(ldexp(y, (int)(next() % 200) - 100)), put(modf(z, &x)), put(x);
    add((uint64_t)(isless(x, y) | isgreater(y, z) << 1 | isunordered(x, z) << 2 | signbit(x) << 3 | fpclassify(y) << 4));
  }
  printf("arithmetic %016llx\n", (unsigned long long)hash);
  static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  static const double values[] = {-2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5};
  for (int m = 0; m < 4; m++) {
    printf("rint mode %d:", m);
    fesetround(modes[m]);
    // arithmetic itself rounds to nearest by default (ADR 0030); rint and friends follow the mode
    for (int i = -5; i < 6; i++) {
      volatile double v = values[i + 5];
      printf(" %g", rint(v));
    }
    fesetround(FE_TONEAREST);
    printf("\n");
  }
  return 0;
}

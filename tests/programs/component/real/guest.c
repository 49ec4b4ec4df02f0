// The guest in C: what `everything.wit` exports, with the canonical ABI written by hand.
//
// No libc, no bindings generator: each function has the flat parameters and the return area that
// CanonicalABI.md gives its type. What a call allocates is freed by its post-return.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;

#define VALUES "test:everything/values@1.0.0#"
#define COUNTERS "test:everything/counters@1.0.0#"
#define LOG "test:everything/log@1.0.0"
#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
// the function that frees what a call of `name` allocated
#define POST(name) \
  EXPORT("cabi_post_" name) void JOIN(post_, __LINE__)(u32 at) { (void)at; used = 0; }

extern u8 __heap_base;
static u32 used = 0;

static void *allocate(u32 align, u32 size) {
  u32 base = (u32)&__heap_base;
  u32 at = (base + used + align - 1) & ~(align - 1);
  u32 end = at + size;
  u32 have = __builtin_wasm_memory_size(0) << 16;
  if (end < at) __builtin_trap();
  if (end > have && __builtin_wasm_memory_grow(0, ((end - have) >> 16) + 1) == (unsigned long)-1)
    __builtin_trap();
  used = end - base;
  return (void *)at;
}

EXPORT("cabi_realloc") void *cabi_realloc(u8 *old, u32 old_size, u32 align, u32 size) {
  u8 *made = allocate(align, size);
  for (u32 i = 0; i < old_size && i < size; i++) made[i] = old[i];
  return made;
}

typedef struct { u32 ptr, len; } List;

static List *list(u32 ptr, u32 len) {
  List *at = allocate(4, sizeof(List));
  at->ptr = ptr;
  at->len = len;
  return at;
}

// -- values ------------------------------------------------------------------------------------

#define ECHO(name, type) \
  EXPORT(VALUES name) type JOIN(echo_, __LINE__)(type v) { return v; }
#define ECHO_LIST(name) \
  EXPORT(VALUES name) List *JOIN(echo_, __LINE__)(u32 ptr, u32 len) { return list(ptr, len); } \
  POST(VALUES name)

ECHO("echo-bool", u32)
ECHO("echo-u8", u32)
ECHO("echo-s8", s32)
ECHO("echo-u16", u32)
ECHO("echo-s16", s32)
ECHO("echo-u32", u32)
ECHO("echo-s32", s32)
ECHO("echo-u64", u64)
ECHO("echo-s64", s64)
ECHO("echo-f32", float)
ECHO("echo-f64", double)
ECHO("echo-char", u32)
ECHO("echo-colour", u32)
ECHO("echo-access", u32)
ECHO("echo-many", u32)
ECHO_LIST("echo-string")
ECHO_LIST("echo-bytes")
ECHO_LIST("echo-s16s")
ECHO_LIST("echo-u64s")
ECHO_LIST("echo-floats")
ECHO_LIST("echo-strings")
ECHO_LIST("echo-nested-strings")
ECHO_LIST("echo-shapes")
ECHO_LIST("echo-results")

typedef struct { s32 x, y; } Point;

EXPORT(VALUES "echo-point") Point *echo_point(s32 x, s32 y) {
  Point *at = allocate(4, sizeof(Point));
  at->x = x;
  at->y = y;
  return at;
}
POST(VALUES "echo-point")

typedef struct { List name; u8 has_age, age; List tags; Point home; List scores; } Person;

EXPORT(VALUES "echo-person")
Person *echo_person(u32 name, u32 name_len, u32 has_age, u32 age, u32 tags, u32 tags_len, s32 x,
                    s32 y, u32 scores, u32 scores_len) {
  Person *at = allocate(4, sizeof(Person));
  at->name = (List){name, name_len};
  at->has_age = has_age;
  at->age = age;
  at->tags = (List){tags, tags_len};
  at->home = (Point){x, y};
  at->scores = (List){scores, scores_len};
  return at;
}
POST(VALUES "echo-person")

typedef struct { u8 a; List b; s64 c; } Pair;

EXPORT(VALUES "echo-pair") Pair *echo_pair(u32 a, u32 b, u32 b_len, s64 c) {
  Pair *at = allocate(8, sizeof(Pair));
  at->a = a;
  at->b = (List){b, b_len};
  at->c = c;
  return at;
}
POST(VALUES "echo-pair")

// The payloads f64, list, string, u64 and f32 join to an i64 and an i32.
typedef struct { u8 tag; union { u64 bits; List list; } payload; } Shape;

EXPORT(VALUES "echo-shape") Shape *echo_shape(u32 tag, u64 bits, u32 len) {
  Shape *at = allocate(8, sizeof(Shape));
  at->tag = tag;
  at->payload.bits = bits;
  if (tag == 2 || tag == 3) at->payload.list = (List){(u32)bits, len};
  return at;
}
POST(VALUES "echo-shape")

typedef struct { u8 some; List value; } Option;

EXPORT(VALUES "echo-option") Option *echo_option(u32 some, u32 ptr, u32 len) {
  Option *at = allocate(4, sizeof(Option));
  at->some = some;
  at->value = (List){ptr, len};
  return at;
}
POST(VALUES "echo-option")

typedef struct { u8 some; struct { u8 some; u32 value; } inner; } OptionOption;

EXPORT(VALUES "echo-option-option")
OptionOption *echo_option_option(u32 some, u32 inner, u32 value) {
  OptionOption *at = allocate(4, sizeof(OptionOption));
  at->some = some;
  at->inner.some = inner;
  at->inner.value = value;
  return at;
}
POST(VALUES "echo-option-option")

// 17 flat values are more than 16: they lie in memory, as the result does.
EXPORT(VALUES "echo-wide") void *echo_wide(void *all) { return all; }
POST(VALUES "echo-wide")

static u32 decimal(u8 *to, u32 n) {
  u8 digits[10];
  u32 count = 0, len = 0;
  do digits[count++] = '0' + n % 10; while (n /= 10);
  while (count) to[len++] = digits[--count];
  return len;
}

typedef struct { u8 err; union { List ok; struct { u8 tag; List name; } failure; } value; } Both;

EXPORT(VALUES "both") Both *both(u32 n) {
  Both *at = allocate(4, sizeof(Both));
  u8 *text = allocate(1, 16);
  at->err = n & 1;
  if (!at->err) {
    at->value.ok = (List){(u32)text, decimal(text, n)};
  } else if (n == 1) {
    at->value.failure.tag = 1;
  } else {
    text[0] = 'n', text[1] = 'o', text[2] = ' ';
    at->value.failure.tag = 0;
    at->value.failure.name = (List){(u32)text, 3 + decimal(text + 3, n)};
  }
  return at;
}
POST(VALUES "both")

typedef struct { u8 err; u32 value; } OnlyOk;

EXPORT(VALUES "only-ok") OnlyOk *only_ok(u32 n) {
  static OnlyOk area;
  area.err = n & 1;
  area.value = n;
  return &area;
}

EXPORT(VALUES "only-error") u8 *only_error(u32 n) {
  static u8 area[2];
  area[0] = n & 1;
  area[1] = 2;
  return area;
}

EXPORT(VALUES "neither") u32 neither(u32 n) { return n & 1; }

// -- counters ----------------------------------------------------------------------------------

#define MOST 1000
static u32 at_of[MOST];
static u8 taken[MOST];
static u32 alive = 0;

IMPORT("[export]test:everything/counters@1.0.0", "[resource-new]counter") u32 counter_new(u32 rep);
IMPORT("[export]test:everything/counters@1.0.0", "[resource-rep]counter") u32 counter_rep(u32 handle);
IMPORT("[export]test:everything/counters@1.0.0", "[resource-drop]counter") void counter_drop(u32 handle);

EXPORT(COUNTERS "[constructor]counter") u32 counter(u32 start) {
  for (u32 rep = 0; rep < MOST; rep++)
    if (!taken[rep]) {
      taken[rep] = 1;
      at_of[rep] = start;
      alive += 1;
      return counter_new(rep);
    }
  __builtin_trap();
}

EXPORT(COUNTERS "[dtor]counter") void counter_dtor(u32 rep) {
  if (!taken[rep]) __builtin_trap();
  taken[rep] = 0;
  alive -= 1;
}

EXPORT(COUNTERS "[method]counter.next") u32 counter_next(u32 rep) { return ++at_of[rep]; }

EXPORT(COUNTERS "[method]counter.merge") u32 counter_merge(u32 rep, u32 other) {
  return at_of[rep] + at_of[other];
}

EXPORT(COUNTERS "[static]counter.take") u32 counter_take(u32 handle) {
  u32 at = at_of[counter_rep(handle)];
  counter_drop(handle);
  return at;
}

EXPORT(COUNTERS "make") u32 make(u32 start) { return counter(start); }

EXPORT(COUNTERS "alive") u32 how_many(void) { return alive; }

// -- the host's --------------------------------------------------------------------------------

IMPORT(LOG, "[constructor]sink") u32 sink_new(const char *name, u32 len);
IMPORT(LOG, "[method]sink.write") u32 sink_write(u32 sink, const void *line, u32 len);
IMPORT(LOG, "[static]sink.total") u32 sink_total(const u32 *sinks, u32 count);
IMPORT(LOG, "[resource-drop]sink") void sink_drop(u32 sink);

typedef struct { u8 err; union { u32 ok; List error; } value; } Transformed;

IMPORT(LOG, "transform") void transform(u32 value, Transformed *to);
IMPORT(LOG, "apply") void apply(u32 ptr, u32 len, List *to);

EXPORT("call-host") List *call_host(u32 n) {
  u32 sinks[2] = {sink_new("guest", 5), sink_new("other", 5)};
  u32 *counts = allocate(4, 4 * (n + 2)), count = 0;
  for (u32 i = 0; i < n; i++) {
    u8 line[16] = "line ";
    counts[count++] = sink_write(sinks[0], line, 5 + decimal(line + 5, i));
  }
  sink_write(sinks[1], "one", 3);
  counts[count++] = sink_total(sinks, 2);
  sink_drop(sinks[0]);
  sink_drop(sinks[1]);
  Transformed transformed;
  transform(n, &transformed);
  counts[count++] = transformed.err ? transformed.value.error.len : transformed.value.ok;
  return list((u32)counts, count);
}
POST("call-host")

EXPORT("through-host") List *through_host(u32 ptr, u32 len) {
  List *at = allocate(4, sizeof(List));
  apply(ptr, len, at);
  return at;
}
POST("through-host")

// A personality just large enough to test translation with: write, exit, brk, anonymous mmap.
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;
#define EXPORT(name) __attribute__((export_name(#name))) name
#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

WASI(fd_write) int wasi_fd_write(int fd, const void *iov, u32 count, u32 *written);
WASI(proc_exit) _Noreturn void wasi_proc_exit(int status);
WASI(args_sizes_get) int wasi_args_sizes_get(u32 *count, u32 *size);
WASI(args_get) int wasi_args_get(u32 *argv, u8 *data);

struct linux_image {
  u64 entry, base, phdr, phent, phnum, image_start, image_end, hwcap, hwcap2;
  u64 segments, segment_count, symbols, symbol_count, stack_size, flags;
};
__attribute__((used)) struct linux_image linux_image = {.flags = 1};
struct linux_state {
  u64 x[31], sp, pc, pstate, tpidr;
  u32 fpcr, fpsr;
  __attribute__((aligned(16))) u8 v[512];
};
__attribute__((used)) struct linux_state linux_state = {.pc = 1};
__attribute__((used)) u32 linux_pending = 0;
static u32 wanted;
__attribute__((used)) u32 linux_sigreturn[2] = {0xd2801168, 0xd4000001};

static u64 top, brk_now;
static u64 handler[65];

static void grow_to(u64 end) {
  u64 have = (u64)__builtin_wasm_memory_size(0) << 16;
  if (end > have) __builtin_wasm_memory_grow(0, (end - have + 65535) >> 16);
}
static u64 map(u64 size) {
  u64 at = top;
  top += (size + 65535) & ~65535ull;
  grow_to(top);
  return at;
}

void EXPORT(linux_trapped)(int signal, int code, u64 pc, u64 address) { wasi_proc_exit(125); }
void EXPORT(linux_code_written)(u64 address) {}
int EXPORT(linux_stack)(u64 sp) { return 0; }

u64 EXPORT(linux_start)(void) {
  brk_now = (linux_image.image_end + 65535) & ~65535ull;
  top = brk_now + (1 << 20);
  grow_to(top);
  u64 stack = map(1 << 20);
  u32 argc, size;
  wasi_args_sizes_get(&argc, &size);
  u64 strings = stack + (1 << 20) - ((size + 31) & ~15u) - 16;
  static u32 pointers[256];
  wasi_args_get(pointers, (u8 *)(u32)strings);
  u64 *sp = (u64 *)(u32)((strings - 8 * (argc + 20)) & ~15ull);
  u64 *at = sp;
  *at++ = argc;
  for (u32 i = 0; i < argc; i++) *at++ = pointers[i];
  *at++ = 0;
  *at++ = 0;
  u64 auxv[] = {3, linux_image.phdr, 4, linux_image.phent, 5, linux_image.phnum, 6, 4096,
                9, linux_image.entry, 16, linux_image.hwcap, 25, strings, 0, 0};
  for (u32 i = 0; i < sizeof auxv / 8; i++) *at++ = auxv[i];
  return (u64)(u32)sp;
}

i64 EXPORT(linux_syscall)(i64 nr, i64 a0, i64 a1, i64 a2, i64 a3, i64 a4, i64 a5) {
  switch (nr) {
    case 29: return -25;
    case 64: {
      u32 iov[2] = {(u32)a1, (u32)a2}, written = 0;
      return wasi_fd_write((int)a0, iov, 1, &written) ? -9 : written;
    }
    case 66: {
      i64 total = 0;
      for (i64 i = 0; i < a2; i++) {
        u64 *v = (u64 *)(u32)a1 + 2 * i;
        u32 iov[2] = {(u32)v[0], (u32)v[1]}, written = 0;
        if (wasi_fd_write((int)a0, iov, 1, &written)) return -9;
        total += written;
      }
      return total;
    }
    case 93:
    case 94: wasi_proc_exit((int)a0);
    case 96: return 1;
    case 129:
      wanted = (u32)a1, linux_pending = 1;
      return 0;
    case 130:
      wanted = (u32)a1, linux_pending = 1;
      return 0;
    case 131:
      wanted = (u32)a2, linux_pending = 1;
      return 0;
    case 134:
      if (a1) handler[a0] = *(u64 *)(u32)a1;
      return 0;
    case 135: return 0;
    case 139:
      wanted = 100, linux_pending = 1;
      return 0;
    case 172: case 178: return 1;
    case 214:
      if (a0 > (i64)brk_now && a0 < (i64)top) brk_now = a0;
      return brk_now;
    case 215: return 0;
    case 222: return a4 == -1 || (int)a4 == -1 ? (i64)map(a1) : -19;
    case 226: return 0;
  }
  return -38;
}

static struct linux_state interrupted;
int EXPORT(linux_registers)(void) {
  u32 what = wanted;
  wanted = 0;
  if (what == 100) {
    linux_state = interrupted;
    return 1;
  }
  if (what == 0 || !handler[what]) return 0;
  interrupted = linux_state;
  linux_state.x[0] = what;
  linux_state.x[30] = (u64)(u32)&linux_sigreturn;
  linux_state.sp = (linux_state.sp - 4096) & ~15ull;
  linux_state.pc = handler[what];
  return 1;
}

static void say(const char *text) {
  u32 size = 0, written;
  while (text[size]) size++;
  u32 iov[2] = {(u32)text, size};
  wasi_fd_write(2, iov, 1, &written);
}
void EXPORT(linux_fault)(u32 signo, u32 code, i64 pc, i64 address) {
  char text[] = "fault 00 at 0x00000000\n";
  text[6] += signo / 10;
  text[7] += signo % 10;
  for (int i = 0; i < 8; i++) text[21 - i] = "0123456789abcdef"[pc >> 4 * i & 15];
  say(text);
  wasi_proc_exit(128 + (int)signo);
}

/* Owns what the personality says to people: traces of calls, absent calls, the report of a fault. */
#include "wasi.h"

u8 tracing;
static const char *const error_names[] = {
  [EPERM] = "EPERM", [ENOENT] = "ENOENT", [ESRCH] = "ESRCH", [EINTR] = "EINTR", [EIO] = "EIO",
  [ENXIO] = "ENXIO", [E2BIG] = "E2BIG", [EBADF] = "EBADF", [ECHILD] = "ECHILD", [EAGAIN] = "EAGAIN",
  [ENOMEM] = "ENOMEM", [EACCES] = "EACCES", [EFAULT] = "EFAULT", [EBUSY] = "EBUSY", [EEXIST] = "EEXIST",
  [EXDEV] = "EXDEV", [ENODEV] = "ENODEV", [ENOTDIR] = "ENOTDIR", [EISDIR] = "EISDIR", [EINVAL] = "EINVAL",
  [EMFILE] = "EMFILE", [ENOTTY] = "ENOTTY", [EFBIG] = "EFBIG", [ENOSPC] = "ENOSPC", [ESPIPE] = "ESPIPE",
  [EROFS] = "EROFS", [EMLINK] = "EMLINK", [EPIPE] = "EPIPE", [ERANGE] = "ERANGE", [ENOSYS] = "ENOSYS",
  [ENAMETOOLONG] = "ENAMETOOLONG", [ENOTEMPTY] = "ENOTEMPTY", [ELOOP] = "ELOOP",
  [EOPNOTSUPP] = "EOPNOTSUPP", [ETIMEDOUT] = "ETIMEDOUT",
};

void say(const char *message) {
  struct wasi_iovec v = {(u32)message, (u32)strlen(message)};
  u32 done;
  wasi_fd_write(2, &v, 1, &done);
}
void trace_start(void) {
  for (u32 at = 0; at < environment_size; at += (u32)strlen(environment + at) + 1)
    if (!strcmp(environment + at, "WHEREVER_STRACE=1")) tracing = 1;
}

static void quoted(struct text *t, u64 address) {
  put(t, "\"");
  for (u32 i = 0; i < 64; i++) {
    u8 c;
    if (copy_in(&c, address + i, 1)) break;
    if (!c) {
      put(t, "\"");
      return;
    }
    if (c == '\n') put(t, "\\n");
    else if (c == '"' || c == '\\') put(t, "\\"), put_bytes(t, (char *)&c, 1);
    else if (c < 32 || c > 126) put(t, "\\x"), put_unsigned(t, c, 16, 2, '0');
    else put_bytes(t, (char *)&c, 1);
  }
  put(t, "\"...");
}

static void name_of(struct text *t, u64 nr, const char **letters) {
  const char *signature = nr < call_count ? call_signatures[nr] : NULL;
  *letters = "";
  if (!signature) {
    put(t, "syscall_"), put_unsigned(t, nr, 10, 0, ' ');
    return;
  }
  const char *space = strchr(signature, ' ');
  put_bytes(t, signature, (u32)(space - signature));
  *letters = space + 1;
}

void trace_call(u64 nr, const u64 *a, s64 result) {
  struct text t = {0};
  const char *letters;
  name_of(&t, nr, &letters);
  put(&t, "(");
  for (u32 i = 0; letters[i] && i < 6; i++) {
    if (i) put(&t, ", ");
    switch (letters[i]) {
    case 'd': put_number(&t, (int)a[i]); break;
    case 'D': if ((int)a[i] == AT_FDCWD) put(&t, "AT_FDCWD"); else put_number(&t, (int)a[i]); break;
    case 'u': put_unsigned(&t, (u32)a[i], 10, 0, ' '); break;
    case 'l': put_number(&t, (s64)a[i]); break;
    case 'o': put(&t, "0"), put_unsigned(&t, (u32)a[i], 8, 0, ' '); break;
    case 's': quoted(&t, a[i]); break;
    case 'p': if (!a[i]) { put(&t, "NULL"); break; } /* fall through */
    default: put(&t, "0x"), put_unsigned(&t, a[i], 16, 0, ' '); break;
    }
  }
  put(&t, ") = ");
  if (result < 0 && result > -4096) {
    put(&t, "-1 ");
    u32 e = (u32)-result;
    if (e < COUNT(error_names) && error_names[e]) put(&t, error_names[e]);
    else put(&t, "errno "), put_unsigned(&t, e, 10, 0, ' ');
  } else if ((u64)result > 0xffffff) {
    put(&t, "0x"), put_unsigned(&t, (u64)result, 16, 0, ' ');
  } else {
    put_number(&t, result);
  }
  put(&t, "\n");
  say(t.at);
  kfree(t.at);
}

s64 absent(u64 nr) {
  static u8 said[64];
  struct text t = {0};
  const char *letters;
  if (nr < 512 && said[nr / 8] >> (nr % 8) & 1) return -ENOSYS;
  if (nr < 512) said[nr / 8] |= (u8)(1 << (nr % 8));
  name_of(&t, nr, &letters);
#ifdef WHEREVER_HOST
  ours_absent((u32)nr, t.at, t.length);
#else
  if (linux_image.flags & 1) {
    say("wherever: absent system call: ");
    say(t.at);
    say("\n");
  }
#endif
  kfree(t.at);
  return -ENOSYS;
}

static void place_in(struct text *t, u64 pc) {
  const struct linux_symbol *s = (void *)(u32)linux_image.symbols;
  u32 low = 0, high = (u32)linux_image.symbol_count;
  put(t, "0x"), put_unsigned(t, pc, 16, 0, ' ');
  while (low < high) {
    u32 middle = (low + high) / 2;
    if (s[middle].address <= pc) low = middle + 1;
    else high = middle;
  }
  if (!low || !in_image(pc)) return;
  put(t, " ("), put(t, (const char *)s[low - 1].name);
  put(t, "+0x"), put_unsigned(t, pc - s[low - 1].address, 16, 0, ' '), put(t, ")");
}

static int unhandled(int signal) { return actions[signal].handler < 2 || signal_blocked >> (signal - 1) & 1; }

/* The engine caught a fault of guest code in the function at `pc`. The host adds the backtrace. */
EXPORT(linux_trapped) void linux_trapped(s32 signal, s32 code, u64 pc, u64 address) {
  if (signal == SIGSEGV && mapped_beyond(address)) signal = SIGBUS, code = 2;   /* BUS_ADRERR */
  else if (signal == SIGSEGV) code = mapped(address) ? 2 : 1;   /* SEGV_ACCERR, SEGV_MAPERR */
  linux_state.pc = pc;
  trap_sp = below_stack(linux_state.sp);
  if (unhandled(signal)) {
    struct text t = {0};
    put(&t, "wherever: the guest got "), put(&t, signal == SIGBUS ? "SIGBUS" : signal == SIGSEGV ? "SIGSEGV" : "SIGILL");
    put(&t, " in "), place_in(&t, pc);
    put(&t, ", address 0x"), put_unsigned(&t, address, 16, 0, ' '), put(&t, "\n");
    say(t.at);
  }
  signal_force(signal, code, address);
}

/* Whether a stack pointer has left the pages that it may be on: asked where the Wasm stack is used up. */
#ifdef WHEREVER_HOST
/* The translator asks for the module of resume bodies through this: it adds no import of its own. */
EXPORT(linux_bodies) void linux_bodies(void) { ours_resume_bodies(); }
#endif

EXPORT(linux_stack) s32 linux_stack(u64 sp) { return !guest((sp - 16) & ~15ull, 16, PROT_READ | PROT_WRITE); }

/* The group of an instruction in the top-level table (Arm ARM C4.1), by bits 28 to 25. */
static const char *group_of(u32 word) {
  switch (word >> 25 & 15) {
    case 0: return word >> 31 ? "SME" : "Reserved";
    case 2: return "SVE";
    case 8: case 9: return "Data Processing -- Immediate";
    case 10: case 11: return "Branches, Exception generating and System";
    case 4: case 6: case 12: case 14: return "Loads and Stores";
    case 5: case 13: return "Data Processing -- Register";
    case 7: case 15: return "Scalar Floating-Point and Advanced SIMD";
    default: return "Unallocated";
  }
}

#define UNSUPPORTED "; code that a program writes at run time (a just-in-time compiler, a packed program) is unsupported"

/* Control went where memory is executable, but nothing was translated: what lies there, and why not. */
static void say_untranslated(struct text *t, u64 pc) {
  struct text path = {0};
  map_path(pc, &path);
  if (in_image(pc))
    put(t, "\n  the program jumped to where wherever knew of no target of jumps: unsupported");
  else if (path.at && *path.at == '/')
    put(t, "\n  this is "), put(t, path.at), put(t, ", mapped at run time; code from there is unsupported");
  else if (path.at && !strcmp(path.at, "[stack]"))
    put(t, "\n  this is an executable stack, and no trampoline of GCC's form" UNSUPPORTED);
  else
    put(t, "\n  this is memory of the program's own, where nothing was translated" UNSUPPORTED);
  kfree(path.at);
}

void code_changed(u64 address) {
  static u8 said;
  struct siginfo info = {.si_signo = SIGILL, .si_code = 1};
  struct text t = {0};
  put(&t, "wherever: the guest got SIGILL: it changed its own code at "), place_in(&t, address);
  put(&t, ", which was translated before" UNSUPPORTED "\n");
  if (!said) say(t.at);
  said = 1;
  kfree(t.at);
  if (unhandled(SIGILL)) end_by_signal(SIGILL);
  memcpy(&info.si_pid, &address, 8);                    /* si_addr lies where si_pid does */
  signal_raise_info(SIGILL, &info);
}

EXPORT(linux_fault) void linux_fault(s32 signal, s32 code, u64 pc, u64 address) {
  static const char *const names[] = {[SIGILL] = "SIGILL", [SIGTRAP] = "SIGTRAP", [SIGBUS] = "SIGBUS",
                                      [SIGFPE] = "SIGFPE", [SIGSEGV] = "SIGSEGV"};
  linux_state.pc = pc;
  if (signal < 1 || signal > 64) signal = SIGSEGV;
  int untranslated = signal == SIGSEGV && address == pc && guest(pc, 4, PROT_EXEC);
  if (untranslated && linux_stack(linux_state.sp)) untranslated = 0, address = linux_state.sp - 16; /* its own stack */
  if (untranslated) {
    if (trampoline()) return;
    signal = SIGILL, code = 1;                          /* ILL_ILLOPC */
  }
  if (unhandled(signal)) {
    struct text t = {0};
    put(&t, "wherever: the guest got ");
    put(&t, (u32)signal < COUNT(names) && names[signal] ? names[signal] : "a signal");
    put(&t, " at "), place_in(&t, pc);
    if (untranslated) {
      say_untranslated(&t, pc);
    } else if (signal == SIGILL) {
      u32 word;
      if (!copy_in(&word, pc, 4)) {
        put(&t, ", word 0x"), put_unsigned(&t, word, 16, 8, '0');
        put(&t, ", group "), put(&t, group_of(word));
      }
    } else if (address != pc) {
      put(&t, ", address 0x"), put_unsigned(&t, address, 16, 0, ' ');
    }
    put(&t, "\n");
    u64 frame = linux_state.x[29], link = linux_state.x[30], record[2];
    for (int i = 0; i < 32 && link; i++) {              /* the frame records of AAPCS64, section 6.4.6 */
      put(&t, "  called from "), place_in(&t, link), put(&t, "\n");
      if (copy_in(record, frame, sizeof record) || record[0] <= frame) break;
      frame = record[0];
      link = record[1];
    }
    say(t.at);
  }
  signal_force(signal, code, address);
}

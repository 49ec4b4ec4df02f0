/* Owns the beginning: arguments, environment and auxiliary vector on the guest's first stack. */
#include "wasi.h"

__attribute__((used)) struct linux_image linux_image;
__attribute__((used)) u32 linux_pending;
u64 auxiliary[24][2];
char *program_path, *command_line, *environment;
u32 command_line_size, environment_size;

static void limits_start(void) {
  for (u32 i = 0; i < COUNT(rlimits); i++) rlimits[i] = (struct rlimit){~0ull, ~0ull};
  rlimits[RLIMIT_STACK].rlim_cur = 8 << 20;
  rlimits[RLIMIT_CORE].rlim_cur = 0;
  rlimits[RLIMIT_NPROC] = (struct rlimit){1024, 1024};
  rlimits[RLIMIT_NOFILE] = (struct rlimit){1024, NOFILE_MAX};
  rlimits[RLIMIT_MEMLOCK] = (struct rlimit){8 << 20, 8 << 20};
  rlimits[11] = (struct rlimit){1024, 1024};            /* RLIMIT_SIGPENDING */
  rlimits[12] = (struct rlimit){819200, 819200};        /* RLIMIT_MSGQUEUE */
  rlimits[13] = rlimits[14] = (struct rlimit){0, 0};    /* RLIMIT_NICE, RLIMIT_RTPRIO */
}

/* Descriptors 0, 1 and 2 are the host's. */
void files_start(void) {
  static const u32 flags[] = {O_RDONLY, O_WRONLY, O_WRONLY};
  for (u32 fd = 0; fd < 3; fd++) {
    struct wasi_fdstat s;
    if (wasi_fd_fdstat_get(fd, &s)) continue;
    u32 access = flags[fd];
    if (s.type == WASI_CHARACTER && (s.rights & 0x42) == 0x42) access = O_RDWR;   /* fd_read and fd_write */
    struct file *f = host_file(fd, access | (s.flags & 1 ? O_APPEND : 0u));
    int got = f ? fd_install(f, (int)fd, 0) : 0;
    (void)got;
  }
}

static u64 push(u64 *sp, const void *bytes, u64 n) {
  *sp -= n;
  memcpy((void *)(u32)*sp, bytes, (size_t)n);
  return *sp;
}

static char *strings(u32 (*sizes)(u32 *, u32 *), u32 (*get)(u32 *, char *), u32 *count, u32 *size) {
  if (sizes(count, size)) *count = *size = 0;
  u32 *pointers = kalloc((*count + 1) * 4ull);
  char *bytes = kalloc(*size + 1ull);
  if (!pointers || !bytes || (*count && get(pointers, bytes))) *count = *size = 0;
  kfree(pointers);
  return bytes;
}

EXPORT(linux_start) u64 linux_start(void) {
  u32 arguments, variables;
  limits_start();
  if (memory_start() < 0) goto no_memory;
#ifdef WHEREVER_HOST
  ours_identity(credentials);
#endif
  command_line = strings(wasi_args_sizes_get, wasi_args_get, &arguments, &command_line_size);
  environment = strings(wasi_environ_sizes_get, wasi_environ_get, &variables, &environment_size);
  u64 sp = map_stack(linux_image.stack_size ? linux_image.stack_size : 8 << 20);
  if (!sp || !command_line || !environment) goto no_memory;
  rlimits[RLIMIT_STACK].rlim_cur = linux_image.stack_size ? linux_image.stack_size : 8 << 20;
  mounts_start();
  files_start();
  terminal_start();
  trace_start();

  const char *name = arguments ? command_line : "guest", *base = strrchr(name, '/');
  u32 n = 0;
  for (base = base ? base + 1 : name; base[n] && n < 15; n++) process_name[n] = base[n];
  process_name[n] = 0;
  struct text path = {0};
  if (name[0] != '/') put(&path, cwd), put(&path, cwd[1] ? "/" : "");
  put(&path, name[0] == '.' && name[1] == '/' ? name + 2 : name);
  program_path = path.at;
  proc_program(program_path);

  /* arch/arm64: strings at the top, then the vector: auxv, envp, argv, argc. sp is 16-byte aligned. */
  u8 seed[16] = {0};
  wasi_random_get(seed, 16);
  u64 vector_size = (arguments + variables + 4ull) * 8 + 2 * 24 * 8;
  if (command_line_size + environment_size + vector_size + 65536 > rlimits[RLIMIT_STACK].rlim_cur) goto no_memory;
  sp -= 8;
  memset((void *)(u32)sp, 0, 8);
  u64 file_name = push(&sp, name, strlen(name) + 1);
  u64 environment_at = push(&sp, environment, environment_size);
  u64 arguments_at = push(&sp, command_line, command_line_size);
  sp &= ~15ull;
  u64 platform = push(&sp, "aarch64\0", 8);
  u64 random = push(&sp, seed, 16);
  const u64 auxv[][2] = {
    {51, 4720},                                         /* AT_MINSIGSTKSZ: the frame above, and its record */
    {16, linux_image.hwcap}, {6, PAGE}, {17, 100},      /* AT_HWCAP, AT_PAGESZ, AT_CLKTCK */
    {3, linux_image.phdr}, {4, linux_image.phent}, {5, linux_image.phnum},
    {7, 0}, {8, 0}, {9, linux_image.entry},             /* AT_BASE, AT_FLAGS, AT_ENTRY */
    {11, credentials[0]}, {12, credentials[2]}, {13, credentials[1]}, {14, credentials[3]},
    {23, 0}, {25, random}, {26, linux_image.hwcap2}, {31, file_name}, {15, platform}, {0, 0},
  };
  u64 words = 1 + arguments + 1 + variables + 1 + COUNT(auxv) * 2;
  sp = (sp - words * 8) & ~15ull;
  u64 *at = (u64 *)(u32)sp;
  *at++ = arguments;
  const char *text = command_line;
  for (u32 i = 0; i < arguments; i++, text += strlen(text) + 1) *at++ = arguments_at + (u64)(text - command_line);
  *at++ = 0;
  text = environment;
  for (u32 i = 0; i < variables; i++, text += strlen(text) + 1) *at++ = environment_at + (u64)(text - environment);
  *at++ = 0;
  memcpy(at, auxv, sizeof auxv);
  _Static_assert(sizeof auxv <= sizeof auxiliary, "room");
  memcpy(auxiliary, auxv, sizeof auxv);
  return sp;

no_memory:
  say("wherever: no memory for the guest's image, arguments and stack; grant more with --memory\n");
  end(137);
}

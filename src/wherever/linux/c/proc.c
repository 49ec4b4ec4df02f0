/* Owns what /proc says: proc(5), the files that programs really read. */
#include "wasi.h"

enum {
  MAPS, STAT, STATUS, CMDLINE, ENVIRON, COMM, STATM, LIMITS, CPUINFO, MEMINFO, MOUNTS, UPTIME,
  VERSION, LOADAVG, FILESYSTEMS, HOSTNAME, OSRELEASE, OSTYPE, PID_MAX, OVERCOMMIT, PROC_STAT, AUXV,
  OOM, MOUNTINFO, CGROUP, IO, PERSONA, WCHAN, LOGINUID, ID_MAP, SETGROUPS, UUID, BOOT_ID, NGROUPS, LAST_CAP,
  MAP_COUNT, PIPE_MAX, FILE_MAX, NR_OPEN, SOMAXCONN,
};

static struct tree *text(struct tree *at, const char *name, u32 which) {
  struct tree *t = tree_new(at, name, TREE_TEXT, 0444);
  if (t) t->number = which, t->fixed = 1;
  return t;
}
static struct tree *directory(struct tree *at, const char *name) {
  struct tree *t = tree_new(at, name, TREE_DIRECTORY, 0555);
  if (t) t->fixed = 1;
  return t;
}
static struct tree *exe;

static struct tree *link_to(struct tree *at, const char *name, const char *target) {
  struct tree *t = tree_new(at, name, TREE_LINK, 0777);
  if (!t) return NULL;
  t->fixed = 1;
  t->data = (u8 *)copy_string(target);
  t->size = strlen(target);
  return t;
}
void proc_program(const char *path) {
  if (!exe) return;
  exe->data = (u8 *)copy_string(path);
  exe->size = strlen(path);
}

void proc_start(struct tree *proc) {
  char number[16];
  struct text n = {0};
  put_number(&n, PID);
  memcpy(number, n.at, n.length + 1);
  proc->fixed = 1;
  proc->mode = 0555;
  struct tree *self = directory(proc, number);
  link_to(proc, "self", number);
  text(self, "maps", MAPS), text(self, "stat", STAT), text(self, "status", STATUS);
  text(self, "cmdline", CMDLINE), text(self, "comm", COMM);
  text(self, "statm", STATM), text(self, "limits", LIMITS), text(self, "mounts", MOUNTS);
  text(self, "mountinfo", MOUNTINFO), text(self, "oom_score_adj", OOM), text(self, "oom_score", OOM);
  text(self, "cgroup", CGROUP), text(self, "wchan", WCHAN), text(self, "loginuid", LOGINUID);
  text(self, "uid_map", ID_MAP), text(self, "gid_map", ID_MAP), text(self, "setgroups", SETGROUPS);
  static const struct { const char *name; u32 which; } private[] = {
    {"auxv", AUXV}, {"environ", ENVIRON}, {"io", IO}, {"personality", PERSONA}};
  for (u32 i = 0; i < COUNT(private); i++) {
    struct tree *t = text(self, private[i].name, private[i].which);
    if (t) t->mode = 0400;
  }
  exe = link_to(self, "exe", "/");
  link_to(self, "cwd", "/")->number = 1;                /* read from `cwd` each time: tree_target */
  link_to(self, "root", "/");
  struct tree *fd = tree_new(self, "fd", TREE_FDS, 0500);
  if (fd) fd->fixed = 1;
  struct tree *task = directory(self, "task"), *thread = directory(task, number);
  text(thread, "stat", STAT), text(thread, "status", STATUS), text(thread, "comm", COMM);
  text(thread, "maps", MAPS);
  struct text path = {0};
  put(&path, number), put(&path, "/task/"), put(&path, number);
  link_to(proc, "thread-self", path.at);
  text(proc, "cpuinfo", CPUINFO), text(proc, "meminfo", MEMINFO), text(proc, "uptime", UPTIME);
  link_to(proc, "mounts", "self/mounts");
  text(proc, "version", VERSION), text(proc, "loadavg", LOADAVG), text(proc, "stat", PROC_STAT);
  text(proc, "filesystems", FILESYSTEMS);
  struct tree *sys = directory(proc, "sys"), *kernel = directory(sys, "kernel");
  text(kernel, "hostname", HOSTNAME), text(kernel, "osrelease", OSRELEASE);
  text(kernel, "ostype", OSTYPE), text(kernel, "pid_max", PID_MAX);
  text(kernel, "ngroups_max", NGROUPS), text(kernel, "cap_last_cap", LAST_CAP);
  struct tree *random = directory(kernel, "random"), *vm = directory(sys, "vm"), *fs = directory(sys, "fs");
  text(random, "uuid", UUID), text(random, "boot_id", BOOT_ID);
  text(vm, "overcommit_memory", OVERCOMMIT), text(vm, "max_map_count", MAP_COUNT);
  text(fs, "pipe-max-size", PIPE_MAX), text(fs, "file-max", FILE_MAX), text(fs, "nr_open", NR_OPEN);
  text(directory(directory(sys, "net"), "core"), "somaxconn", SOMAXCONN);
}

static void line(struct text *t, const char *name, u64 kib) {
  put(t, name);
  put_unsigned(t, kib, 10, 8, ' ');
  put(t, " kB\n");
}
static void mask(struct text *t, const char *name, u64 bits) {
  put(t, name);
  put_unsigned(t, bits, 16, 16, '0');
  put(t, "\n");
}
static void numbers(struct text *t, const char *name, u32 n) {
  put(t, name);
  for (int i = 0; i < 4; i++) put(t, i ? "\t" : ""), put_unsigned(t, n, 10, 0, ' ');
  put(t, "\n");
}

static void status(struct text *t) {
  u64 ignored = 0, caught = 0;
  for (int i = 1; i < 65; i++)
    if (actions[i].handler == 1) ignored |= 1ull << (i - 1);
    else if (actions[i].handler) caught |= 1ull << (i - 1);
  put(t, "Name:\t"), put(t, process_name);
  put(t, "\nUmask:\t"), put_unsigned(t, file_mask, 8, 4, '0');
  put(t, "\nState:\tR (running)\nTgid:\t"), put_number(t, PID);
  put(t, "\nNgid:\t0\nPid:\t"), put_number(t, PID);
  put(t, "\nPPid:\t1\nTracerPid:\t0\n");
  numbers(t, "Uid:\t", credentials[0]);
  numbers(t, "Gid:\t", credentials[1]);
  put(t, "FDSize:\t64\nGroups:\t"), put_unsigned(t, credentials[1], 10, 0, ' '), put(t, " \n");
  line(t, "VmPeak:\t", mapped_bytes >> 10), line(t, "VmSize:\t", mapped_bytes >> 10);
  line(t, "VmRSS:\t", mapped_bytes >> 10), line(t, "VmData:\t", mapped_bytes >> 10);
  line(t, "VmStk:\t", 132), put(t, "Threads:\t1\n");
  put(t, "SigQ:\t0/1024\n");
  mask(t, "SigPnd:\t", 0), mask(t, "ShdPnd:\t", signal_pending), mask(t, "SigBlk:\t", signal_blocked);
  mask(t, "SigIgn:\t", ignored), mask(t, "SigCgt:\t", caught);
  mask(t, "CapInh:\t", 0), mask(t, "CapPrm:\t", 0), mask(t, "CapEff:\t", 0);
  put(t, "NoNewPrivs:\t1\nSeccomp:\t0\nCpus_allowed:\t1\nCpus_allowed_list:\t0\n");
}

static void process_stat(struct text *t) {
  s64 start = 100;
  put_number(t, PID), put(t, " ("), put(t, process_name), put(t, ") R 1 ");
  put_number(t, PID), put(t, " "), put_number(t, PID);
  put(t, " 0 -1 4194304 0 0 0 0 ");
  put_number(t, now(CLOCK_PROCESS_CPUTIME_ID) / 10000000);
  put(t, " 0 0 0 20 0 1 0 "), put_number(t, start), put(t, " ");
  put_unsigned(t, mapped_bytes, 10, 0, ' '), put(t, " "), put_unsigned(t, mapped_bytes >> 12, 10, 0, ' ');
  put(t, " 18446744073709551615 "), put_unsigned(t, linux_image.image_start, 10, 0, ' ');
  put(t, " "), put_unsigned(t, linux_image.image_end, 10, 0, ' ');
  put(t, " 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
}

static void seconds(struct text *t, s64 nanoseconds) {
  put_number(t, nanoseconds / 1000000000), put(t, ".");
  put_unsigned(t, (u64)(nanoseconds / 10000000 % 100), 10, 2, '0');
}

static void padded(struct text *t, u64 limit) {
  char number[24] = "unlimited";
  u32 n = 9;
  if (limit != ~0ull) {
    struct text made = {0};
    put_unsigned(&made, limit, 10, 0, ' ');
    n = (u32)MIN(made.length, 23);
    memcpy(number, made.at, n);
    kfree(made.at);
  }
  put_bytes(t, number, n);
  for (; n < 21; n++) put(t, " ");
}
static void limits(struct text *t) {
  static const struct { u32 which; const char *name, *unit; } all[] = {   /* asm-generic/resource.h */
    {0, "cpu time", "seconds"}, {1, "file size", "bytes"}, {2, "data size", "bytes"}, {3, "stack size", "bytes"},
    {4, "core file size", "bytes"}, {5, "resident set", "bytes"}, {6, "processes", "processes"}, {7, "open files", "files"},
    {8, "locked memory", "bytes"}, {9, "address space", "bytes"}, {10, "file locks", "locks"},
    {11, "pending signals", "signals"}, {12, "msgqueue size", "bytes"}, {13, "nice priority", ""},
    {14, "realtime priority", ""}, {15, "realtime timeout", "us"}};
  put(t, "Limit                     Soft Limit           Hard Limit           Units     \n");
  for (u32 i = 0; i < COUNT(all); i++) {
    put(t, "Max "), put(t, all[i].name);
    for (u64 n = strlen(all[i].name) + 4; n < 26; n++) put(t, " ");
    padded(t, rlimits[all[i].which].rlim_cur), padded(t, rlimits[all[i].which].rlim_max), put(t, all[i].unit);
    for (u64 n = strlen(all[i].unit); n < 10; n++) put(t, " ");
    put(t, "\n");
  }
}
static void uuid(struct text *t, int fixed) {
  static u8 boot[16];
  u8 now_[16], *at = fixed ? boot : now_;
  if (!fixed || !boot[6]) wasi_random_get(at, 16);      /* RFC 9562, version 4 */
  at[6] = (u8)((at[6] & 15) | 64), at[8] = (u8)((at[8] & 63) | 128);
  for (u32 i = 0; i < 16; i++) put(t, i == 4 || i == 6 || i == 8 || i == 10 ? "-" : ""), put_unsigned(t, at[i], 16, 2, '0');
  put(t, "\n");
}

void proc_text(u32 which, struct text *t) {
  u64 total = 1 << 20;                                  /* KiB: the nanoprocess sees one GiB */
  put(t, "");
  switch (which) {
  case MAPS: map_describe(t); return;
  case STAT: process_stat(t); return;
  case STATUS: status(t); return;
  case CMDLINE: put_bytes(t, command_line, command_line_size); return;
  case ENVIRON: put_bytes(t, environment, environment_size); return;
  case COMM: put(t, process_name), put(t, "\n"); return;
  case STATM:
    for (int i = 0; i < 7; i++) put(t, i ? " " : ""), put_unsigned(t, i < 2 ? mapped_bytes >> 12 : 0, 10, 0, ' ');
    put(t, "\n");
    return;
  case LIMITS:
    limits(t);
    return;
  case CPUINFO:
    put(t, "processor\t: 0\nBogoMIPS\t: 100.00\nFeatures\t: fp asimd");
    static const char *const features[] = {"evtstrm", "aes", "pmull", "sha1", "sha2", "crc32", "atomics"};
    for (u32 i = 0; i < COUNT(features); i++)
      if (linux_image.hwcap >> (i + 2) & 1) put(t, " "), put(t, features[i]);
    put(t, "\nCPU implementer\t: 0x00\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0x000\n"
           "CPU revision\t: 0\n\n");
    return;
  case MEMINFO:
    line(t, "MemTotal:       ", total);
    line(t, "MemFree:        ", total - MIN(total, mapped_bytes >> 10));
    line(t, "MemAvailable:   ", total - MIN(total, mapped_bytes >> 10));
    line(t, "Buffers:        ", 0), line(t, "Cached:         ", 0), line(t, "SwapCached:     ", 0);
    line(t, "SwapTotal:      ", 0), line(t, "SwapFree:       ", 0), line(t, "Shmem:          ", 0);
    line(t, "SReclaimable:   ", 0), line(t, "Active:         ", mapped_bytes >> 10), line(t, "Inactive:       ", 0);
    line(t, "Dirty:          ", 0), line(t, "Writeback:      ", 0), line(t, "AnonPages:      ", mapped_bytes >> 10);
    line(t, "Mapped:         ", 0), line(t, "Slab:           ", 0), line(t, "CommitLimit:    ", total);
    line(t, "Committed_AS:   ", mapped_bytes >> 10);
    put(t, "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\n");
    line(t, "Hugepagesize:   ", 2048);
    return;
  case AUXV:
    for (u32 i = 0; i < COUNT(auxiliary); i++) {
      put_bytes(t, (const char *)auxiliary[i], 16);
      if (!auxiliary[i][0]) return;
    }
    return;
  case MOUNTS: mounts_describe(t, 0); return;
  case MOUNTINFO: mounts_describe(t, 1); return;
  case CGROUP: put(t, "0::/\n"); return;
  case IO:
    put(t, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
    return;
  case PERSONA: put(t, "00000000\n"); return;
  case WCHAN: put(t, "0"); return;
  case LOGINUID: put(t, "4294967295"); return;
  case ID_MAP: put(t, "         0          0 4294967295\n"); return;
  case SETGROUPS: put(t, "allow\n"); return;
  case UUID: uuid(t, 0); return;
  case BOOT_ID: uuid(t, 1); return;
  case NGROUPS: put(t, "65536\n"); return;
  case LAST_CAP: put(t, "40\n"); return;
  case MAP_COUNT: put(t, "16384\n"); return;
  case PIPE_MAX: put(t, "65536\n"); return;
  case FILE_MAX: case NR_OPEN: put(t, "1048576\n"); return;
  case SOMAXCONN: put(t, "4096\n"); return;
  case UPTIME: seconds(t, now(CLOCK_MONOTONIC)), put(t, " "), seconds(t, 0), put(t, "\n"); return;
  case VERSION: put(t, "Linux version 6.1.0-wherever (wherever) #1 SMP\n"); return;
  case LOADAVG: put(t, "0.00 0.00 0.00 1/1 "), put_number(t, PID), put(t, "\n"); return;
  case FILESYSTEMS: put(t, "nodev\tproc\nnodev\ttmpfs\nnodev\tdevtmpfs\n\thostfs\n"); return;
  case HOSTNAME: put(t, "wherever\n"); return;
  case OSRELEASE: put(t, "6.1.0-wherever\n"); return;
  case OSTYPE: put(t, "Linux\n"); return;
  case PID_MAX: put(t, "32768\n"); return;
  case OVERCOMMIT: case OOM: put(t, "0\n"); return;
  case PROC_STAT: {
    s64 ticks = now(CLOCK_PROCESS_CPUTIME_ID) / 10000000;
    for (int i = 0; i < 2; i++) put(t, i ? "cpu0 " : "cpu  "), put_number(t, ticks), put(t, " 0 0 0 0 0 0 0 0 0\n");
    put(t, "intr 0\nctxt 0\nbtime "), put_number(t, now(CLOCK_REALTIME) / 1000000000 - now(CLOCK_MONOTONIC) / 1000000000);
    put(t, "\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n");
    return;
  }
  default: return;
  }
}

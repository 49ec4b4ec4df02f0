/* Owns what the machine says of itself and its limits: uname(2), sysinfo(2), getrlimit(2), sched(7). */
#include "linux.h"

s64 sys_uname(u64 out) {
  struct utsname u = {.sysname = "Linux", .nodename = "wherever", .release = "6.1.0-wherever",
                      .version = "#1 SMP", .machine = "aarch64", .domainname = "(none)"};
  return copy_out(out, &u, sizeof u);
}
s64 sys_sysinfo(u64 out) {
  u64 total = 1ull << 30;
  struct sysinfo s = {.uptime = now(CLOCK_MONOTONIC) / 1000000000, .totalram = total, .mem_unit = 1,
                      .freeram = total - MIN(total, mapped_bytes), .procs = 1};
  return copy_out(out, &s, sizeof s);
}

s64 sys_prlimit64(int pid, int which, u64 in, u64 out) {
  struct rlimit new;
  if ((u32)which >= COUNT(rlimits)) return -EINVAL;
  if (pid && pid != PID) return -ESRCH;
  if (in && copy_in(&new, in, sizeof new)) return -EFAULT;
  if (in && new.rlim_cur > new.rlim_max) return -EINVAL;
  if (in && new.rlim_max > rlimits[which].rlim_max) return -EPERM;
  if (out && copy_out(out, &rlimits[which], sizeof *rlimits)) return -EFAULT;
  if (in) rlimits[which] = new;
  return 0;
}
s64 sys_getrlimit(int which, u64 out) {
  if ((u32)which >= COUNT(rlimits)) return -EINVAL;
  return copy_out(out, &rlimits[which], sizeof *rlimits);
}
s64 sys_setrlimit(int which, u64 in) {
  struct rlimit r;
  if (copy_in(&r, in, sizeof r)) return -EFAULT;
  return sys_prlimit64(0, which, in, 0);
}
s64 sys_getrusage(int who, u64 out) {
  if (who < -1 || who > 1) return -EINVAL;
  s64 ns = who == -1 ? 0 : now(CLOCK_PROCESS_CPUTIME_ID);
  struct rusage r = {.ru_utime = {ns / 1000000000, ns % 1000000000 / 1000},
                     .ru_maxrss = who == -1 ? 0 : (s64)(mapped_bytes >> 10)};
  return copy_out(out, &r, sizeof r);
}
s64 sys_getcpu(u64 cpu, u64 node, u64 unused) {
  u32 zero = 0;
  return (cpu && copy_out(cpu, &zero, 4)) || (node && copy_out(node, &zero, 4)) ? -EFAULT : 0;
}
s64 sys_sethostname(u64 in, u64 size) { return -EPERM; }
s64 sys_setdomainname(u64 in, u64 size) { return -EPERM; }
s64 sys_syslog(int type, u64 out, int size) { return -EPERM; }
s64 sys_reboot(int a, int b, int c, u64 d) { return -EPERM; }
s64 sys_vhangup(void) { return -EPERM; }

/* ---- sched(7): one processor, one thread */
static int nice, policy;
static int self(int pid) { return pid == 0 || pid == PID; }
s64 sys_sched_yield(void) { return 0; }
s64 sys_sched_getaffinity(int pid, u64 size, u64 out) {
  u64 set = 1;
  if (size < 8 || size & 7) return -EINVAL;
  if (!self(pid)) return -ESRCH;
  return copy_out(out, &set, 8) ? -EFAULT : 8;
}
s64 sys_sched_setaffinity(int pid, u64 size, u64 in) {
  u64 set = 0;
  if (!self(pid)) return -ESRCH;
  if (copy_in(&set, in, MIN(size, 8))) return -EFAULT;
  return set & 1 ? 0 : -EINVAL;
}
s64 sys_sched_getscheduler(int pid) { return pid < 0 ? -EINVAL : self(pid) ? policy : -ESRCH; }
s64 sys_sched_getparam(int pid, u64 out) {
  int zero = 0;
  if (!out || pid < 0) return -EINVAL;
  return self(pid) ? copy_out(out, &zero, 4) : -ESRCH;
}
s64 sys_sched_setparam(int pid, u64 in) {
  int priority;
  if (!in || pid < 0) return -EINVAL;
  if (copy_in(&priority, in, 4)) return -EFAULT;
  return !self(pid) ? -ESRCH : priority ? -EINVAL : 0;
}
s64 sys_sched_setscheduler(int pid, int to, u64 in) {
  int priority;
  if (!in || pid < 0 || to < 0) return -EINVAL;
  if (copy_in(&priority, in, 4)) return -EFAULT;
  if (!self(pid)) return -ESRCH;
  int kind = to & ~0x40000000;                          /* SCHED_RESET_ON_FORK */
  if (kind == 1 || kind == 2) return priority < 1 || priority > 99 ? -EINVAL : -EPERM;
  if ((kind != 0 && kind != 3 && kind != 5) || priority) return -EINVAL;
  policy = to;
  return 0;
}
s64 sys_sched_get_priority_max(int policy) {
  return policy == 1 || policy == 2 ? 99 : policy == 0 || policy == 3 || policy == 5 || policy == 6 ? 0 : -EINVAL;
}
s64 sys_sched_get_priority_min(int policy) {
  return policy == 1 || policy == 2 ? 1 : policy == 0 || policy == 3 || policy == 5 || policy == 6 ? 0 : -EINVAL;
}
s64 sys_sched_rr_get_interval(int pid, u64 out) {
  struct timespec t = {0, 4000000};
  if (pid < 0) return -EINVAL;
  return self(pid) ? copy_out(out, &t, sizeof t) : -ESRCH;
}
s64 sys_getpriority(int which, int who) {
  if (which < 0 || which > 2) return -EINVAL;
  if (which < 2 && !self(who)) return -ESRCH;
  return 20 - nice;                                     /* the C library takes it from 20 again */
}
s64 sys_setpriority(int which, int who, int to) {
  if (which < 0 || which > 2) return -EINVAL;
  if (which < 2 && !self(who)) return -ESRCH;
  to = to > 19 ? 19 : to < -20 ? -20 : to;
  if (to < nice && credentials[2]) return -EACCES;
  nice = to;
  return 0;
}

/* Owns the process's own life: exit(2), futex(2), prctl(2), and what waits for processes to come. */
#include "wasi.h"

char process_name[16] = "guest";
static int ended_by;                                    /* the signal, if one ended the program */

/* Preview 1 passes a status on, but runtimes refuse those above 125 (ADR 0058): said, and made 125. */
static _Noreturn void leave(u32 status) {
#ifndef WHEREVER_HOST
  if (status > 125) {
    struct text t = {0};
    put(&t, "wherever: the program's status is "), put_unsigned(&t, status, 10, 0, ' ');
    if (ended_by) put(&t, " (signal "), put_unsigned(&t, (u32)ended_by, 10, 0, ' '), put(&t, ")");
    put(&t, ", given as 125: WASI passes on no more\n");
    say(t.at);
    status = 125;
  }
#endif
  wasi_proc_exit(status);
}
_Noreturn void end(int status) {
  map_flush_all();
  leave((u32)status & 0xff);
}
_Noreturn void end_by_signal(int signal) {
  map_flush_all();
#ifdef WHEREVER_HOST
  ours_killed((u32)signal);
#endif
  ended_by = signal;
  leave(128u + (u32)signal);
}
s64 sys_exit(int status) { end(status); }
s64 sys_exit_group(int status) { end(status); }

/* There is one program: another is looked for as Linux would, so that a shell says what it would say. */
enum { EXECVE = 221, EXECVEAT = 281 };
static s64 start_another(u64 nr, int dirfd, u64 path, int flags) {
  static struct place p;
  struct host_stat s;
  int r = walk_guest(dirfd, path, (flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0) |
                                      (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &p);
  if (!r) r = place_stat(&p, &s);
  if (r) return r;
  if ((s.mode & S_IFMT) == S_IFLNK) return -ELOOP;
  if ((s.mode & S_IFMT) != S_IFREG || may_access(&s, 1)) return -EACCES;
  return absent(nr);
}
s64 sys_execve(u64 path, u64 arguments, u64 variables) { return start_another(EXECVE, AT_FDCWD, path, 0); }
s64 sys_execveat(int dirfd, u64 path, u64 arguments, u64 variables, int flags) {
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  return start_another(EXECVEAT, dirfd, path, flags);
}

s64 sys_wait4(int pid, u64 out, u32 flags, u64 usage) {
  return flags & ~0xe000000bu ? -EINVAL : pid == (int)0x80000000 ? -ESRCH : -ECHILD;
}
s64 sys_waitid(int type, int id, u64 out, u32 flags, u64 usage) {
  if (flags & ~0xe100000fu || !(flags & 14) || type < 0 || type > 3) return -EINVAL;
  return type == 3 ? (fd_get(id) ? -EINVAL : -EBADF) : type == 1 && id <= 0 ? -EINVAL : -ECHILD;
}
s64 sys_set_tid_address(u64 address) { return PID; }
static u64 robust_list, robust_size = 24;
s64 sys_set_robust_list(u64 address, u64 size) {
  if (size != 24) return -EINVAL;
  robust_list = address;
  robust_size = size;
  return 0;
}
s64 sys_get_robust_list(int pid, u64 out, u64 size) {
  if (pid && pid != PID) return -ESRCH;
  return copy_out(size, &robust_size, 8) || copy_out(out, &robust_list, 8) ? -EFAULT : 0;
}

/* rseq(2): there is one processor, number 0, and nothing preempts, so no critical section ever aborts. */
s64 sys_rseq(u64 address, u32 size, u32 flags, u32 signature) {
  struct { u32 cpu_start, cpu; u64 section; u32 flags, node, id, padding; } area = {0};
  static u64 registered;
  static u32 registered_size, registered_signature;
  if (flags & ~1u) return -EINVAL;
  if (flags & 1 || registered) {
    if (!registered || address != registered || size != registered_size) return -EINVAL;
    if (signature != registered_signature) return -EPERM;
    if (!(flags & 1)) return -EBUSY;
    area.cpu = ~0u;                                     /* RSEQ_CPU_ID_UNINITIALIZED */
    if (copy_out(address, &area, sizeof area)) return -EFAULT;
    registered = 0;
    return 0;
  }
  if (size < sizeof area || address & 31) return -EINVAL;
  if (copy_out(address, &area, sizeof area)) return -EFAULT;
  registered = address;
  registered_size = size;
  registered_signature = signature;
  return 0;
}

/* One thread: nobody else can wake a waiter, so a wait ends by its timeout or by a signal. */
s64 sys_futex(u64 address, int operation, u32 value, u64 timeout, u64 other, u32 third) {
  enum { WAIT, WAKE, REQUEUE = 3, CMP_REQUEUE, WAKE_OP, LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_BITSET, WAKE_BITSET };
  u32 is;
  s64 wait;
  if (address & 3) return -EINVAL;
  switch (operation & 127) {
  case WAIT: case WAIT_BITSET: {
    if ((operation & 127) == WAIT_BITSET && !third) return -EINVAL;
    int error = duration(timeout, &wait);
    if (error) return error;
    if (copy_in(&is, address, 4)) return -EFAULT;
    if (is != value) return -EAGAIN;
    s64 at = now(CLOCK_MONOTONIC), deadline = wait == FOREVER ? FOREVER : at + wait;
    if ((operation & 127) == WAIT_BITSET && wait != FOREVER)
      deadline = operation & 256 ? at + wait - now(CLOCK_REALTIME) : wait;
    return wait_until(deadline) ? -ERESTART : -ETIMEDOUT;
  }
  case WAKE_BITSET: if (!third) return -EINVAL; /* fall through */
  case WAKE: return guest(address, 4, PROT_READ) ? 0 : -EFAULT;
  case CMP_REQUEUE:
    if (copy_in(&is, address, 4)) return -EFAULT;
    return is != third ? -EAGAIN : 0;
  case REQUEUE: case WAKE_OP: return 0;
  case LOCK_PI: case TRYLOCK_PI:
    if (copy_in(&is, address, 4)) return -EFAULT;
    if ((is & 0x3fffffff) == PID) return -EDEADLK;
    if (is & 0x3fffffff) return -ESRCH;
    is = PID;
    return copy_out(address, &is, 4);
  case UNLOCK_PI:
    if (copy_in(&is, address, 4)) return -EFAULT;
    if ((is & 0x3fffffff) != PID) return -EPERM;
    is = 0;
    return copy_out(address, &is, 4);
  default: return -ENOSYS;
  }
}

s64 sys_prctl(int option, u64 a, u64 b, u64 c, u64 d) {
  enum {
    SET_PDEATHSIG = 1, GET_PDEATHSIG, GET_DUMPABLE, SET_DUMPABLE, GET_KEEPCAPS = 7, SET_KEEPCAPS,
    SET_NAME = 15, GET_NAME, GET_SECCOMP = 21, CAPBSET_READ = 23, CAPBSET_DROP, GET_SECUREBITS = 27,
    SET_TIMERSLACK = 29, GET_TIMERSLACK, SET_CHILD_SUBREAPER = 36, GET_CHILD_SUBREAPER,
    SET_NO_NEW_PRIVS = 38, GET_NO_NEW_PRIVS, SET_THP_DISABLE = 41, GET_THP_DISABLE,
    SET_VMA = 0x53564d41, SET_PTRACER = 0x59616d61,
  };
  static int death, dumpable = 1, subreaper, no_new_privileges, huge;
  static u64 slack = 50000;
  switch (option) {
  case SET_PDEATHSIG: if (a > 64) return -EINVAL; death = (int)a; return 0;
  case GET_PDEATHSIG: return copy_out(a, &death, 4);
  case GET_DUMPABLE: return dumpable;
  case SET_DUMPABLE: if (a > 1) return -EINVAL; dumpable = (int)a; return 0;
  case GET_KEEPCAPS: case GET_SECCOMP: case GET_SECUREBITS: return 0;
  case SET_KEEPCAPS: return a > 1 ? -EINVAL : 0;
  case SET_NAME: {
    char name[16] = {0};
    for (int i = 0; i < 15; i++) {
      if (copy_in(&name[i], a + (u64)i, 1)) return -EFAULT;
      if (!name[i]) break;
    }
    memcpy(process_name, name, 16);
    return 0;
  }
  case GET_NAME: return copy_out(a, process_name, 16);
  case CAPBSET_READ: return a > 40 ? -EINVAL : 0;
  case CAPBSET_DROP: return -EPERM;
  case SET_TIMERSLACK: slack = a ? a : 50000; return 0;
  case GET_TIMERSLACK: return (s64)slack;
  case SET_CHILD_SUBREAPER: subreaper = a != 0; return 0;
  case GET_CHILD_SUBREAPER: return copy_out(a, &subreaper, 4);
  case SET_NO_NEW_PRIVS: if (a != 1 || b || c || d) return -EINVAL; no_new_privileges = 1; return 0;
  case GET_NO_NEW_PRIVS: return a || b || c || d ? -EINVAL : no_new_privileges;
  case SET_THP_DISABLE: huge = a != 0; return 0;
  case GET_THP_DISABLE: return huge;
  default: return -EINVAL;
  }
}
s64 sys_personality(u32 wanted) { return wanted == 0xffffffff || !wanted ? 0 : -EINVAL; }
s64 sys_unshare(u32 flags) { return flags ? -EPERM : 0; }
s64 sys_setns(int fd, int type) { return fd_get(fd) ? -EPERM : -EBADF; }
s64 sys_seccomp(u32 operation, u32 flags, u64 in) { return -EINVAL; }
s64 sys_acct(u64 path) { return -EPERM; }

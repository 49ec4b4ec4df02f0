/* Owns who the process is: credentials(7), process groups and sessions. */
#include "wasi.h"

#define NGROUPS 256                                     /* of Linux' 65536: what anyone has */

u32 credentials[4] = {1000, 1000, 1000, 1000};          /* uid, gid, euid, egid */
static int group = PID, session = PID;

s64 sys_getpid(void) { return PID; }
s64 sys_getppid(void) { return 1; }
s64 sys_gettid(void) { return PID; }
s64 sys_getuid(void) { return credentials[0]; }
s64 sys_getgid(void) { return credentials[1]; }
s64 sys_geteuid(void) { return credentials[2]; }
s64 sys_getegid(void) { return credentials[3]; }
static s64 three(u64 real, u64 effective, u64 saved, u32 i) {
  if (copy_out(real, &credentials[i], 4) || copy_out(effective, &credentials[i + 2], 4)) return -EFAULT;
  return copy_out(saved, &credentials[i + 2], 4);
}
s64 sys_getresuid(u64 a, u64 b, u64 c) { return three(a, b, c, 0); }
s64 sys_getresgid(u64 a, u64 b, u64 c) { return three(a, b, c, 1); }

/* An identity that one has already may be taken again; there is no other to change to. */
static s64 become(u32 id, u32 i) { return id == ~0u || id == credentials[i] || id == credentials[i + 2] ? 0 : -EPERM; }
s64 sys_setuid(u32 uid) { return uid == ~0u ? -EINVAL : become(uid, 0); }
s64 sys_setgid(u32 gid) { return gid == ~0u ? -EINVAL : become(gid, 1); }
s64 sys_setreuid(u32 a, u32 b) { return become(a, 0) | become(b, 0); }
s64 sys_setregid(u32 a, u32 b) { return become(a, 1) | become(b, 1); }
s64 sys_setresuid(u32 a, u32 b, u32 c) { return become(a, 0) | become(b, 0) | become(c, 0); }
s64 sys_setresgid(u32 a, u32 b, u32 c) { return become(a, 1) | become(b, 1) | become(c, 1); }
s64 sys_setfsuid(u32 uid) { return credentials[2]; }
s64 sys_setfsgid(u32 gid) { return credentials[3]; }
s64 sys_getgroups(int n, u64 out) {
  static u32 groups[NGROUPS];
  int have = 1;
  groups[0] = credentials[1];
#ifdef WHEREVER_HOST
  have = ours_groups(groups, NGROUPS);
  if (have < 0) return have;
  have = MIN(have, NGROUPS);
#endif
  if (n < 0 || (n && n < have)) return -EINVAL;
  return n && copy_out(out, groups, (u64)have * 4) ? -EFAULT : have;
}
s64 sys_setgroups(int n, u64 in) { return -EPERM; }
static int known(int pid) { return pid == 0 || pid == PID; }
s64 sys_getpgid(int pid) { return known(pid) ? group : -ESRCH; }
s64 sys_setpgid(int pid, int to) {
  if (to < 0 || (!to && pid < 0)) return -EINVAL;
  if (!known(pid)) return -ESRCH;
  if (session == PID) return -EPERM;                    /* a session's leader stays where it is */
  if (to && to != PID) return -EPERM;
  group = PID;
  return 0;
}
s64 sys_getsid(int pid) { return known(pid) ? session : -ESRCH; }
s64 sys_setsid(void) { return group == PID ? -EPERM : (session = group = PID); }
s64 sys_capget(u64 header, u64 out) {
  u32 h[2], sets[6] = {0};
  if (copy_in(h, header, 8)) return -EFAULT;
  if (h[0] != 0x20080522 && h[0] != 0x20071026 && h[0] != 0x19980330) {
    h[0] = 0x20080522;
    copy_out(header, h, 4);
    return out ? -EINVAL : 0;
  }
  if (h[1] && h[1] != PID) return -ESRCH;
  return out ? copy_out(out, sets, h[0] == 0x19980330 ? 12 : 24) : 0;
}
s64 sys_capset(u64 header, u64 in) { return -EPERM; }

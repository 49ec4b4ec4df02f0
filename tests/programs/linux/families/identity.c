// Who the process is and what it may use: ids, groups, sessions, rlimits, prctl, scheduling, uname.
#include "report.h"
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/utsname.h>

static void ids(void) {
  unsigned r = 1, e = 2, s = 3, uid = getuid(), gid = getgid();
  R(getresuid(&r, &e, &s));
  R(r == uid && e == uid && s == uid && geteuid() == uid);
  R(getresgid(&r, &e, &s));
  R(r == gid && e == gid && s == gid && getegid() == gid);
  R(SYS(getresuid, BAD, &e, &s));
  R(SYS(getresgid, &r, &e, BAD));
  R(SYS(setuid, uid));
  R(SYS(setgid, gid));
  R(SYS(setreuid, -1, -1));
  R(SYS(setregid, -1, gid));
  R(SYS(setresuid, -1, uid, -1));
  R(SYS(setresgid, gid, gid, gid));
  R(SYS(setuid, -1));
  R(SYS(setgid, -1));
  R(SYS(setfsuid, uid) == uid);
  R(SYS(setfsuid, -1) == uid);
  R(SYS(setfsgid, -1) == gid);
  R(SYS(getgroups, -1, NULL));
  R(SYS(getgroups, 0, NULL) == SYS(getgroups, 0, BAD));
  R(getpid() == gettid());
  R(getpid() > 1 && getppid() > 0);
  R(SYS(getpgid, -1));
  R(SYS(getsid, -1));
  R(SYS(getpgid, 0) == getpgrp());
  R(SYS(getsid, 0) == getsid(getpid()));
  R(SYS(setpgid, -1, 0));
  R(SYS(setpgid, 0, -1));
  R(SYS(setpgid, 0x3ffffff, 0));
}
static void limits(void) {
  static const int all[] = {RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC,
                            RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE,
                            RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME};
  struct rlimit l, old;
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
    R(SYS(prlimit64, 0, all[i], NULL, &l));
    R(l.rlim_cur <= l.rlim_max);
  }
  R(SYS(prlimit64, 0, 16, NULL, &l));
  R(SYS(prlimit64, 0, -1, NULL, &l));
  R(SYS(prlimit64, 0, RLIMIT_NOFILE, NULL, NULL));
  R(SYS(prlimit64, 0, RLIMIT_NOFILE, NULL, BAD));
  R(SYS(prlimit64, 0, RLIMIT_NOFILE, BAD, NULL));
  R(SYS(prlimit64, 0x3ffffff, RLIMIT_NOFILE, NULL, &l));
  R(SYS(prlimit64, -1, RLIMIT_NOFILE, NULL, &l));
  R(SYS(prlimit64, getpid(), RLIMIT_NOFILE, NULL, &l));
  l.rlim_cur = 20;
  R(setrlimit(RLIMIT_NOFILE, &l));
  R(getrlimit(RLIMIT_NOFILE, &l));
  R(l.rlim_cur);
  R(dup2(1, 19));
  R(dup2(1, 20));
  R(fcntl(1, F_DUPFD, 20));
  R(fcntl(1, F_DUPFD, 10));
  R(dup2(19, 19));
  l.rlim_cur = 15;
  R(setrlimit(RLIMIT_NOFILE, &l));
  R(write(19, "", 0));
  R(dup2(19, 19));
  R(dup(1));
  close(10), close(19);
  l = (struct rlimit){30, 25};
  R(setrlimit(RLIMIT_NOFILE, &l));
  R(getrlimit(RLIMIT_CORE, &l));
  l.rlim_cur = 0;
  R(SYS(prlimit64, 0, RLIMIT_CORE, &l, &old));
  R(getrlimit(RLIMIT_CORE, &l));
  R(l.rlim_cur);
  l = (struct rlimit){100, 100};
  R(setrlimit(RLIMIT_FSIZE, &l));
  R(getrlimit(RLIMIT_FSIZE, &l));
  R(l.rlim_cur == 100 && l.rlim_max == 100);
}
static void processes(void) {
  char name[20] = "";
  R(prctl(PR_GET_NAME, name));
  R(prctl(PR_SET_NAME, "a name that is too long"));
  R(prctl(PR_GET_NAME, name));
  printf("  %s\n", name);
  R(prctl(PR_SET_NAME, BAD));
  R(prctl(PR_GET_NAME, BAD));
  R(prctl(PR_GET_DUMPABLE));
  R(prctl(PR_SET_DUMPABLE, 0));
  R(prctl(PR_GET_DUMPABLE));
  R(prctl(PR_SET_DUMPABLE, 7));
  R(prctl(PR_SET_DUMPABLE, 1));
  int s = -1;
  R(prctl(PR_SET_PDEATHSIG, 9));
  R(prctl(PR_GET_PDEATHSIG, &s));
  R(s);
  R(prctl(PR_SET_PDEATHSIG, 65));
  R(prctl(PR_SET_PDEATHSIG, 0));
  R(prctl(PR_GET_KEEPCAPS));
  R(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  R(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  R(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  R(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
  R(prctl(PR_GET_TIMERSLACK) > 0);
  R(prctl(PR_SET_TIMERSLACK, 60000));
  R(prctl(PR_GET_TIMERSLACK));
  R(prctl(PR_GET_CHILD_SUBREAPER, &s));
  R(prctl(123456));
  R(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
}
static void machine(void) {
  struct utsname u;
  R(uname(&u));
  printf("  %s\n", u.sysname);
  R(SYS(uname, BAD));
  struct sysinfo i;
  R(sysinfo(&i));
  R(i.totalram > 0 && i.mem_unit > 0 && i.procs > 0);
  R(SYS(sysinfo, BAD));
  struct rusage r;
  R(getrusage(RUSAGE_SELF, &r));
  R(r.ru_maxrss > 0);
  R(getrusage(RUSAGE_CHILDREN, &r));
  R(r.ru_maxrss);
  R(getrusage(RUSAGE_THREAD, &r));
  R(getrusage(2, &r));
  R(getrusage(-2, &r));
  R(SYS(getrusage, 0, BAD));
  unsigned cpu = 99, node = 99;
  R(SYS(getcpu, &cpu, &node, NULL));
  R(cpu < 99 && node < 99);
  R(SYS(getcpu, BAD, NULL, NULL));
  R(SYS(getcpu, NULL, NULL, NULL));
  char some[16];
  R(SYS(getrandom, some, 16, 0));
  R(SYS(getrandom, some, 0, 0));
  R(SYS(getrandom, some, 16, 8));
  R(SYS(getrandom, BAD, 16, 0));
}
static void scheduling(void) {
  unsigned long set[16];
  R(SYS(sched_getaffinity, 0, sizeof set, set) > 0);
  R(SYS(sched_getaffinity, 0, 4, set));
  R(SYS(sched_getaffinity, 0, 9, set));
  R(SYS(sched_getaffinity, 0, 0, set));
  R(SYS(sched_getaffinity, 0x3ffffff, sizeof set, set));
  R(SYS(sched_getaffinity, 0, sizeof set, BAD));
  memset(set, 0, sizeof set);
  R(SYS(sched_setaffinity, 0, sizeof set, set));
  R(SYS(sched_setaffinity, 0, sizeof set, BAD));
  set[0] = 1;
  R(SYS(sched_setaffinity, 0, 8, set));
  R(SYS(sched_getscheduler, 0));
  R(SYS(sched_getscheduler, -1));
  R(SYS(sched_getscheduler, 0x3ffffff));
  struct sched_param p = {99};
  R(SYS(sched_getparam, 0, &p));
  R(p.sched_priority);
  R(SYS(sched_getparam, 0, NULL));
  R(SYS(sched_getparam, 0, BAD));
  R(SYS(sched_setscheduler, 0, SCHED_BATCH, &p));
  R(SYS(sched_getscheduler, 0));
  R(SYS(sched_setscheduler, 0, SCHED_OTHER, &p));
  p.sched_priority = 1;
  R(SYS(sched_setscheduler, 0, SCHED_OTHER, &p));
  R(SYS(sched_setscheduler, 0, 77, &p));
  R(SYS(sched_setscheduler, 0, -1, &p));
  R(SYS(sched_setparam, 0, &p));
  for (int i = -1; i < 7; i++) {
    R(SYS(sched_get_priority_max, i));
    R(SYS(sched_get_priority_min, i));
  }
  struct timespec t;
  R(SYS(sched_rr_get_interval, 0, &t));
  R(SYS(sched_rr_get_interval, -1, &t));
  R(SYS(sched_rr_get_interval, 0, BAD));
  R(sched_yield());
  int at = getpriority(PRIO_PROCESS, 0);
  R(setpriority(PRIO_PROCESS, 0, at + 1));
  R(getpriority(PRIO_PROCESS, 0) - at);
  R(setpriority(PRIO_PROCESS, 0, 100));
  R(getpriority(PRIO_PROCESS, getpid()));
  R(setpriority(3, 0, 0));
  R(getpriority(-1, 0));
  R(getpriority(PRIO_PROCESS, 0x3ffffff));
  R(setpriority(PRIO_PROCESS, 0x3ffffff, 0));
}
int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  ids();
  processes();
  machine();
  scheduling();
  limits();
}

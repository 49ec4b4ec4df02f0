/* Owns clocks, sleeping and timers that raise signals: clock_gettime(2), setitimer(2), timer_create(2). */
#include "wasi.h"

s64 now(int clock) {
  static s64 first;
  u64 t = 0;
  int process = clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
  int real = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_REALTIME_ALARM ||
             clock == CLOCK_TAI;
  if (wasi_clock_time_get(real ? 0 : 1, 1, &t)) return 0;
  if (process) {                                        /* preview 1 has none; the time since the first look */
    if (!first) first = (s64)t - 1000000;
    return (s64)t - first;
  }
  return (s64)t;
}
EXPORT(linux_counter) u64 linux_counter(void) { return (u64)now(CLOCK_MONOTONIC); } /* CNTVCT_EL0 */
struct timespec timespec_of(s64 ns) { return (struct timespec){ns / 1000000000, ns % 1000000000}; }
static struct timeval timeval_of(s64 ns) { return (struct timeval){ns / 1000000000, ns % 1000000000 / 1000}; }

/* Below 0: a process or thread, inverted, over three bits (clock_getcpuclockid(3)). */
static int valid_clock(int clock) {
  int pid = ~clock >> 3;
  return clock < 0 ? (clock & 3) != 3 && (pid == 0 || pid == PID) : clock <= 9 || clock == CLOCK_TAI;
}
static int canonical(int clock) { return clock < 0 ? CLOCK_PROCESS_CPUTIME_ID : clock; }
static int only_read(int clock) {
  return clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
}

int duration(u64 address, s64 *ns) {
  struct timespec t;
  *ns = FOREVER;
  if (!address) return 0;
  if (copy_in(&t, address, sizeof t)) return -EFAULT;
  if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec > 999999999) return -EINVAL;
  if (t.tv_sec < 9000000000) *ns = t.tv_sec * 1000000000 + t.tv_nsec;
  return 0;
}

s64 sys_clock_gettime(int clock, u64 out) {
  if (!valid_clock(clock)) return -EINVAL;
  struct timespec t = timespec_of(now(canonical(clock)));
  return copy_out(out, &t, sizeof t);
}
s64 sys_clock_getres(int clock, u64 out) {
  if (!valid_clock(clock)) return -EINVAL;
  int coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
  struct timespec t = {0, coarse ? 4000000 : 1};
  return out ? copy_out(out, &t, sizeof t) : 0;
}
s64 sys_clock_settime(int clock, u64 in) {
  s64 ns;
  if (clock != CLOCK_REALTIME) return -EINVAL;
  int error = duration(in, &ns);
  return error ? error : -EPERM;
}
s64 sys_clock_adjtime(int clock, u64 in) { return -EPERM; }
s64 sys_adjtimex(u64 in) { return -EPERM; }
s64 sys_settimeofday(u64 time, u64 zone) { return -EPERM; }
s64 sys_gettimeofday(u64 out, u64 zone) {
  struct timeval t = timeval_of(now(CLOCK_REALTIME));
  struct timezone z = {0, 0};
  if (out && copy_out(out, &t, sizeof t)) return -EFAULT;
  return zone ? copy_out(zone, &z, sizeof z) : 0;
}
s64 sys_times(u64 out) {
  struct tms t = {now(CLOCK_PROCESS_CPUTIME_ID) / 10000000, 0, 0, 0};
  if (out && copy_out(out, &t, sizeof t)) return -EFAULT;
  return now(CLOCK_MONOTONIC) / 10000000;
}
s64 sys_clock_nanosleep(int clock, u32 flags, u64 in, u64 out) {
  s64 ns;
  if (!valid_clock(clock)) return -EINVAL;
  if (clock == CLOCK_THREAD_CPUTIME_ID || only_read(clock)) return -EOPNOTSUPP;
  struct timespec t;
  if (copy_in(&t, in, sizeof t)) return -EFAULT;
  int error = duration(in, &ns);
  if (error) return error;
  s64 at = now(CLOCK_MONOTONIC), deadline = ns == FOREVER ? FOREVER : at + ns;
  if (flags & 1) deadline = ns == FOREVER ? FOREVER : at + (ns - now(canonical(clock)));
  if (wait_until(deadline) == 0) return 0;
  if (out && !(flags & 1)) {
    s64 left = deadline - now(CLOCK_MONOTONIC);
    t = timespec_of(left < 0 ? 0 : left);
    if (copy_out(out, &t, sizeof t)) return -EFAULT;
  }
  return -EINTR;
}
s64 sys_nanosleep(u64 in, u64 out) { return sys_clock_nanosleep(CLOCK_MONOTONIC, 0, in, out); }

/* ---- timers: 0…2 are setitimer's, the rest timer_create's */
static struct { s64 next, interval; int used, signal, overrun, clock; u64 value; } timers[35];
static u32 armed;
u8 attention;

static void arm(u32 i, s64 next, s64 interval) {
  armed += (next != 0) - (timers[i].next != 0);
  timers[i].next = next;
  timers[i].interval = interval;
  attention = armed || signal_pending;
}
s64 timers_next(void) {
  s64 first = FOREVER;
  for (u32 i = 0; armed && i < COUNT(timers); i++)
    if (timers[i].next) first = MIN(first, timers[i].next);
  return first;
}
void timers_run(void) {
  if (!armed) return;
  s64 at = now(CLOCK_MONOTONIC);
  for (u32 i = 0; i < COUNT(timers); i++) {
    if (!timers[i].next || timers[i].next > at) continue;
    s64 interval = timers[i].interval, n = interval ? (at - timers[i].next) / interval + 1 : 1;
    timers[i].overrun = (int)MIN(n - 1, 0x7fffffff);
    if (i < 3) signal_raise(timers[i].signal, SI_KERNEL, 0);
    else if (timers[i].signal) timers[i].overrun = signal_timer(timers[i].signal, (int)i - 3, timers[i].value, timers[i].overrun);
    arm(i, interval ? timers[i].next + n * interval : 0, interval);
  }
}
static s64 left(u32 i) {
  if (!timers[i].next) return 0;
  s64 ns = timers[i].next - now(CLOCK_MONOTONIC);
  return ns < 1000 ? 1000 : ns;
}
static struct itimerval interval_setting(u32 i) {
  return (struct itimerval){timeval_of(timers[i].interval), timeval_of(left(i))};
}
s64 sys_getitimer(int which, u64 out) {
  if (which < 0 || which > 2) return -EINVAL;
  struct itimerval v = interval_setting((u32)which);
  return copy_out(out, &v, sizeof v);
}
static int bad(const struct timeval *t) { return t->tv_sec < 0 || t->tv_usec < 0 || t->tv_usec > 999999; }
s64 sys_setitimer(int which, u64 in, u64 out) {
  static const int raises[] = {SIGALRM, SIGVTALRM, SIGPROF};
  struct itimerval new = {0};
  if (which < 0 || which > 2) return -EINVAL;
  if (in && copy_in(&new, in, sizeof new)) return -EFAULT;
  if (bad(&new.it_value) || bad(&new.it_interval)) return -EINVAL;
  struct itimerval old = interval_setting((u32)which);
  s64 value = new.it_value.tv_sec * 1000000000 + new.it_value.tv_usec * 1000;
  s64 interval = new.it_interval.tv_sec * 1000000000 + new.it_interval.tv_usec * 1000;
  timers[which].signal = raises[which];
  arm((u32)which, value ? now(CLOCK_MONOTONIC) + value : 0, value ? interval : 0);
  return out ? copy_out(out, &old, sizeof old) : 0;
}
static int slot(int id) { return id >= 0 && id < 32 && timers[id + 3].used ? id + 3 : -1; }
s64 sys_timer_create(int clock, u64 event, u64 out) {
  struct sigevent e = {.sigev_signo = SIGALRM, .sigev_notify = 0};
  if (!valid_clock(clock)) return -EINVAL;
  if (only_read(clock)) return -EOPNOTSUPP;
  if (event && copy_in(&e, event, sizeof e)) return -EFAULT;
  if (e.sigev_notify == 4) e.sigev_notify = e.sigev_tid == PID ? 0 : 9;
  if (e.sigev_notify != 0 && e.sigev_notify != 1) return -EINVAL;
  if (!e.sigev_notify && (e.sigev_signo < 1 || e.sigev_signo > 64)) return -EINVAL;
  for (int id = 0; id < 32; id++) {
    if (timers[id + 3].used) continue;
    if (copy_out(out, &id, sizeof id)) return -EFAULT;
    timers[id + 3].used = 1;
    timers[id + 3].clock = canonical(clock);
    timers[id + 3].signal = e.sigev_notify ? 0 : e.sigev_signo;
    timers[id + 3].value = event ? e.sigev_value : (u64)id;
    timers[id + 3].overrun = 0;
    return 0;
  }
  return -EAGAIN;
}
static struct itimerspec spec_setting(u32 i) {
  return (struct itimerspec){timespec_of(timers[i].interval), timespec_of(left(i))};
}
s64 sys_timer_settime(int id, u32 flags, u64 in, u64 out) {
  struct itimerspec new;
  int i = slot(id);
  if (!in) return -EINVAL;
  if (copy_in(&new, in, sizeof new)) return -EFAULT;
  if (new.it_value.tv_sec < 0 || (u64)new.it_value.tv_nsec > 999999999 || new.it_interval.tv_sec < 0 ||
      (u64)new.it_interval.tv_nsec > 999999999 || i < 0)
    return -EINVAL;
  struct itimerspec old = spec_setting((u32)i);
  s64 value = new.it_value.tv_sec * 1000000000 + new.it_value.tv_nsec, at = now(CLOCK_MONOTONIC);
  s64 next = !value ? 0 : flags & 1 ? at + value - now(timers[i].clock) : at + value;
  timers[i].overrun = 0;
  arm((u32)i, value && next < 1 ? 1 : next,
      value ? new.it_interval.tv_sec * 1000000000 + new.it_interval.tv_nsec : 0);
  return out ? copy_out(out, &old, sizeof old) : 0;
}
s64 sys_timer_gettime(int id, u64 out) {
  int i = slot(id);
  if (i < 0) return -EINVAL;
  struct itimerspec s = spec_setting((u32)i);
  return copy_out(out, &s, sizeof s);
}
s64 sys_timer_getoverrun(int id) {
  int i = slot(id);
  return i < 0 ? -EINVAL : timers[i].overrun;
}
s64 sys_timer_delete(int id) {
  int i = slot(id);
  if (i < 0) return -EINVAL;
  arm((u32)i, 0, 0);
  timers[i].used = 0;
  return 0;
}

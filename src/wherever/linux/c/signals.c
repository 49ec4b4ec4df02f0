/* Owns signals to oneself: their actions, masks and queues. signal(7), sigaction(2), kill(2). */
#include "wasi.h"

#define BIT(signal) (1ull << ((signal) - 1))
#define UNBLOCKABLE (BIT(SIGKILL) | BIT(SIGSTOP))
u64 signal_pending, signal_blocked;
struct sigaction actions[65];
struct stack alternate_stack = {.ss_flags = SS_DISABLE};
static u64 saved_mask;
static u8 has_saved_mask, returning;
static u8 restartable;
static u64 restart_argument;
static struct siginfo standard[65];                     /* one of each below 32; the others queue */
static struct siginfo queue[256];
static u32 queued;

enum action { TERMINATE, IGNORE, STOP };
static enum action default_action(int signal) {
  switch (signal) {
  case SIGCHLD: case SIGURG: case SIGWINCH: case SIGCONT: return IGNORE;
  case SIGSTOP: case SIGTSTP: case SIGTTIN: case SIGTTOU: return STOP;
  default: return TERMINATE;
  }
}
static int ignored(int signal) {
  u64 handler = actions[signal].handler;
  return handler == 1 || (handler == 0 && default_action(signal) != TERMINATE && signal != SIGSTOP);
}
int signal_due(void) {
  u64 due = signal_pending & ~signal_blocked;
  for (int s = 1; due && s < 65; s++)
    if (due & BIT(s) && !ignored(s)) return 1;
  return 0;
}

void signal_raise_info(int signal, const struct siginfo *info) {
  if (ignored(signal) && !(signal_blocked & BIT(signal))) return;
  if (signal < 32) {
    if (signal_pending & BIT(signal)) return;
    standard[signal] = *info;
  } else if (queued < COUNT(queue)) {
    queue[queued++] = *info;
  }
  signal_pending |= BIT(signal);
  attention = 1;
}
void signal_raise(int signal, int code, u64 value) {
  struct siginfo info = {.si_signo = signal, .si_code = code, .si_value = value};
  if (code == SI_USER || code == SI_TKILL) info.si_pid = PID, info.si_uid = credentials[0];
  signal_raise_info(signal, &info);
}
/* A timer has one signal under way at most; while that waits, what runs out is an overrun (timer_getoverrun(2)). */
int signal_timer(int signal, int timer, u64 value, int overrun) {
  struct siginfo info = {.si_signo = signal, .si_code = SI_TIMER, .si_pid = timer, .si_value = value};
  for (u32 i = 0; signal_pending & BIT(signal) && i < (signal < 32 ? 1 : queued); i++) {
    struct siginfo *waits = signal < 32 ? &standard[signal] : &queue[i];
    if (waits->si_signo == signal && waits->si_code == SI_TIMER && waits->si_pid == timer) {
      u32 total = waits->si_uid + (u32)overrun + 1;
      return (int)(waits->si_uid = MIN(total, 0x7fffffffu));
    }
  }
  info.si_uid = (u32)overrun;
  signal_raise_info(signal, &info);
  return overrun;
}

static int first_of(u64 set) {
  static const u64 synchronous = BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGFPE) | BIT(SIGSYS);
  u64 due = signal_pending & set;
  if (due & synchronous) due &= synchronous;
  return due ? __builtin_ctzll(due) + 1 : 0;
}
int signal_take(u64 set, struct siginfo *info) {
  int signal = first_of(set);
  if (!signal) return 0;
  if (signal < 32) {
    *info = standard[signal];
    signal_pending &= ~BIT(signal);
    return signal;
  }
  u32 found = queued, more = 0;
  for (u32 i = 0; i < queued; i++)
    if (queue[i].si_signo == signal) {
      if (found == queued) found = i;
      else more = 1;
    }
  if (found < queued) {
    *info = queue[found];
    memmove(&queue[found], &queue[found + 1], (--queued - found) * sizeof *queue);
  }
  if (!more) signal_pending &= ~BIT(signal);
  return signal;
}

#ifdef WHEREVER_HOST
/* What the host's own signals do: those that the guest handles or ignores must not end the worker. The
 * host writes a bit for each that has come while it serves a call of ours. */
static volatile u32 host_signals;
static void tell_host(void) {
  static u32 told_caught, told_ignored;
  u32 caught = 0, ignores = 0;
  for (int s = 1; s < 32; s++) {
    u64 handler = actions[s].handler;
    if (handler == 1 || (handler == 0 && default_action(s) == IGNORE)) ignores |= (u32)BIT(s);
    else if (handler || signal_blocked & BIT(s)) caught |= (u32)BIT(s);
  }
  static const u32 always = (u32)(BIT(SIGCHLD) | BIT(SIGURG) | BIT(SIGWINCH) | BIT(SIGCONT));
  if (caught == told_caught && (ignores | always) == (told_ignored | always)) return;
  told_caught = caught, told_ignored = ignores;
  ours_signal_actions((u32 *)&host_signals, caught, ignores);
}
void host_signals_take(void) {
  u32 come = host_signals;
  host_signals = 0;
  for (int s = 1; come && s < 32; s++)
    if (come & BIT(s)) signal_raise(s, SI_KERNEL, 0);
}
#else
static void tell_host(void) {}
void host_signals_take(void) {}
#endif

void signal_saved_mask(u64 mask) {
  saved_mask = mask;
  has_saved_mask = 1;
}

int frame_push(int signal, const struct siginfo *info, const struct sigaction *action, u64 mask);
int frame_pop(u64 *mask);

static int handle(int signal, const struct siginfo *info) {
  struct sigaction action = actions[signal];
  u64 mask = has_saved_mask ? saved_mask : signal_blocked;
  has_saved_mask = 0;
  if (restartable && action.flags & SA_RESTART) {
    linux_state.x[0] = restart_argument;
    linux_state.pc -= 4;
  }
  restartable = 0;
  if (frame_push(signal, info, &action, mask) < 0) end_by_signal(SIGSEGV);
  signal_blocked |= action.mask & ~UNBLOCKABLE;
  if (!(action.flags & SA_NODEFER)) signal_blocked |= BIT(signal);
  if (action.flags & SA_RESETHAND) actions[signal].handler = 0;
  return 1;
}

int signal_deliver(void) {
  struct siginfo info = {0};
  int signal, changed = 0;
  while ((signal = signal_take(~signal_blocked, &info))) {
    if (ignored(signal)) continue;
    if (signal == SIGSTOP) continue;                    /* nobody could continue the only process */
    if (actions[signal].handler == 0) end_by_signal(signal);
    changed = handle(signal, &info);
  }
  if (has_saved_mask) signal_blocked = saved_mask, has_saved_mask = 0;
  restartable = 0;
  return changed;
}

/* A fault of the instruction at linux_state.pc: the handler runs whatever is blocked, or the program ends. */
void signal_force(int signal, int code, u64 address) {
  struct siginfo info = {.si_signo = signal, .si_code = code};
  memcpy(&info.si_pid, &address, 8);                    /* si_addr lies where si_pid does */
  if (actions[signal].handler < 2 || signal_blocked & BIT(signal)) end_by_signal(signal);
  handle(signal, &info);
}

static s64 change_stack(u64 in, u64 out, int on_it);
static u64 asked[2];                                    /* sigaltstack(2), while registers are waited for */
static u8 asking;

EXPORT(linux_registers) s32 linux_registers(void) {
  int changed = 0;
  if (asking) {
    asking = 0;
    linux_state.x[0] = (u64)change_stack(asked[0], asked[1], on_alternate(linux_state.sp));
    changed = 1;
  }
  if (returning) {
    u64 mask;
    returning = 0;
    if (frame_pop(&mask) < 0) end_by_signal(SIGSEGV);
    signal_blocked = mask & ~UNBLOCKABLE;
    changed = 1;
  }
  return signal_deliver() | changed;
}

EXPORT(linux_syscall) s64 linux_syscall(u64 nr, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5) {
  const u64 a[6] = {a0, a1, a2, a3, a4, a5};
  s64 result = dispatch(nr, a);
  map_fit(0);
  host_signals_take();
  if (attention) {
    timers_run();
    if (signal_due()) linux_pending = 1;
    attention = signal_pending || timers_next() != FOREVER;
  }
  if (result == -ERESTART) {
    result = -EINTR;
    restartable = 1;
    restart_argument = a0;
  }
  if (has_saved_mask) linux_pending = 1;
  if (tracing) trace_call(nr, a, result);
  return result;
}

s64 sys_rt_sigreturn(void) {
  returning = 1;
  linux_pending = 1;
  return 0;
}
s64 sys_rt_sigaction(int signal, u64 in, u64 out, u64 size) {
  struct sigaction new;
  if (size != 8 || signal < 1 || signal > 64) return -EINVAL;
  if (in && (signal == SIGKILL || signal == SIGSTOP)) return -EINVAL;
  if (in && copy_in(&new, in, sizeof new)) return -EFAULT;
  if (out && copy_out(out, &actions[signal], sizeof *actions)) return -EFAULT;
  if (in) {
    new.mask &= ~UNBLOCKABLE;
    actions[signal] = new;
    struct siginfo gone;
    if (ignored(signal))
      while (signal_pending & BIT(signal)) signal_take(BIT(signal), &gone);
    tell_host();
  }
  return 0;
}
s64 sys_rt_sigprocmask(int how, u64 in, u64 out, u64 size) {
  u64 set, was = signal_blocked;
  if (size != 8) return -EINVAL;
  if (in) {
    if (copy_in(&set, in, 8)) return -EFAULT;
    set &= ~UNBLOCKABLE;
    switch (how) {
    case 0: signal_blocked |= set; break;
    case 1: signal_blocked &= ~set; break;
    case 2: signal_blocked = set; break;
    default: return -EINVAL;
    }
    if (signal_pending) attention = 1;
    tell_host();
  }
  return out ? copy_out(out, &was, 8) : 0;
}
s64 sys_rt_sigpending(u64 out, u64 size) {
  u64 set = signal_pending & signal_blocked;
  if (size > 8) return -EINVAL;
  return copy_out(out, &set, size);
}
static s64 suspend(u64 mask) {
  u64 was = signal_blocked;
  signal_blocked = mask & ~UNBLOCKABLE;
  while (wait_until(FOREVER) != -EINTR) {}
  signal_saved_mask(was);
  return -EINTR;
}
s64 sys_rt_sigsuspend(u64 in, u64 size) {
  u64 mask;
  if (size != 8) return -EINVAL;
  return copy_in(&mask, in, 8) ? -EFAULT : suspend(mask);
}
s64 sys_rt_sigtimedwait(u64 in, u64 out, u64 timeout, u64 size) {
  u64 set;
  s64 wait;
  struct siginfo info;
  if (size != 8) return -EINVAL;
  if (copy_in(&set, in, 8)) return -EFAULT;
  int error = duration(timeout, &wait);
  if (error) return error;
  set &= ~UNBLOCKABLE;
  s64 deadline = wait == FOREVER ? FOREVER : now(CLOCK_MONOTONIC) + wait;
  u64 was = signal_blocked;
  for (;;) {
    int signal = signal_take(set, &info);
    if (signal) {
      signal_blocked = was;
      if (out && copy_out(out, &info, sizeof info)) return -EFAULT;
      return signal;
    }
    if (now(CLOCK_MONOTONIC) >= deadline) return -EAGAIN;
    if (signal_due()) return -EINTR;
    signal_blocked = was & ~set;                        /* what is waited for ends the wait */
    wait_until(deadline);
    signal_blocked = was;
  }
}

static s64 send(int signal, int code) {
  if (signal < 0 || signal > 64) return -EINVAL;
  if (signal) signal_raise(signal, code, 0);
  if (signal == SIGKILL) end_by_signal(SIGKILL);
  return 0;
}
s64 sys_kill(int pid, int signal) {
  if (signal < 0 || signal > 64) return -EINVAL;
  if (pid == 1) return -EPERM;
  return pid == PID || pid == 0 || pid == -PID || pid == -1 ? send(signal, SI_USER) : -ESRCH;
}
s64 sys_tkill(int tid, int signal) {
  return tid <= 0 ? -EINVAL : tid == PID ? send(signal, SI_TKILL) : -ESRCH;
}
s64 sys_tgkill(int tgid, int tid, int signal) {
  return tgid <= 0 || tid <= 0 ? -EINVAL : tgid == PID && tid == PID ? send(signal, SI_TKILL) : -ESRCH;
}
s64 sys_rt_sigqueueinfo(int pid, int signal, u64 in) {
  struct siginfo info;
  if (copy_in(&info, in, sizeof info)) return -EFAULT;
  if (signal < 0 || signal > 64) return -EINVAL;
  if (pid != PID) return -ESRCH;
  info.si_signo = signal;
  if (signal) signal_raise_info(signal, &info);
  return 0;
}
s64 sys_rt_tgsigqueueinfo(int tgid, int tid, int signal, u64 in) {
  return tgid <= 0 || tid <= 0 ? -EINVAL : tgid != PID ? -ESRCH : sys_rt_sigqueueinfo(tid, signal, in);
}
s64 sys_restart_syscall(void) { return -EINTR; }

/* Whether the stack pointer is on the alternate stack decides; only linux_registers sees it (ADR 0051). */
int stack_take(const struct stack *new, int on_it) {
  if (on_it) return -EPERM;
  int mode = new->ss_flags & ~SS_AUTODISARM;
  if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK) return -EINVAL;
  if (mode != SS_DISABLE && new->ss_size < 5120) return -ENOMEM;    /* arm64's MINSIGSTKSZ */
  alternate_stack = *new;
  if (mode == SS_DISABLE) alternate_stack.ss_sp = alternate_stack.ss_size = 0;
  if (mode == SS_ONSTACK) alternate_stack.ss_flags = 0;
  alternate_stack.pad0 = 0;
  return 0;
}
static s64 change_stack(u64 in, u64 out, int on_it) {
  struct stack new, old = alternate_stack;
  old.ss_flags |= !old.ss_size ? SS_DISABLE : on_it ? SS_ONSTACK : 0;
  if (in && copy_in(&new, in, sizeof new)) return -EFAULT;
  int error = in ? stack_take(&new, on_it) : 0;
  if (error) return error;
  return out ? copy_out(out, &old, sizeof old) : 0;
}
s64 sys_sigaltstack(u64 in, u64 out) {
  if (!alternate_used) return change_stack(in, out, 0);
  asked[0] = in, asked[1] = out;
  asking = linux_pending = 1;
  return 0;
}

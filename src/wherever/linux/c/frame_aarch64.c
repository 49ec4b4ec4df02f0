/* Owns the signal frame of aarch64, as arch/arm64/kernel/signal.c lays it out on the guest's stack. */
#include "linux.h"

struct frame { struct siginfo info; struct ucontext_aarch64 context; };
struct record { u64 fp, lr; };
_Static_assert(sizeof(struct frame) == 4688, "rt_sigframe");
#define FPSIMD_MAGIC 0x46508001u
/* mov x8, #139; svc #0: where a handler without SA_RESTORER returns to. */
__attribute__((aligned(8), used)) u32 linux_sigreturn[2] = {0xd2801168, 0xd4000001};
struct linux_state linux_state __attribute__((aligned(16)));

u8 alternate_used;                                      /* a handler has been entered on it */
int on_alternate(u64 sp) {
  return alternate_stack.ss_size && sp > alternate_stack.ss_sp &&
         sp - alternate_stack.ss_sp <= alternate_stack.ss_size;
}

/* After a trap of the Wasm engine the registers are those of the last call: where the frame goes, not on
 * top of what the stack pointer says; and which frame that was, since its handler cannot return. */
u64 trap_sp;
static u64 trap_frame, trap_pc;

int frame_push(int signal, const struct siginfo *info, const struct sigaction *action, u64 mask) {
  struct linux_state *s = &linux_state;
  u64 sp = trap_sp ? trap_sp : s->sp;
  if (action->flags & SA_ONSTACK && alternate_stack.ss_size && !on_alternate(sp))
    sp = alternate_stack.ss_sp + alternate_stack.ss_size, alternate_used = 1;
  u64 record_at = (sp - sizeof(struct record)) & ~15ull, at = record_at - sizeof(struct frame);
  struct record *r = guest(record_at, sizeof *r, PROT_WRITE);
  struct frame *f = guest(at, sizeof *f, PROT_WRITE);
  if (!r || !f) return -EFAULT;
  if (trap_sp) trap_frame = at, trap_pc = s->pc;
  else if (trap_frame == at) trap_frame = 0;
  trap_sp = 0;
  memset(f, 0, sizeof *f);
  f->info = *info;
  f->context.uc_stack = alternate_stack;
  f->context.uc_stack.ss_flags = !alternate_stack.ss_size ? SS_DISABLE : on_alternate(s->sp) ? SS_ONSTACK : 0;
  f->context.uc_sigmask = mask;
  struct sigcontext_aarch64 *c = &f->context.uc_mcontext;
  if (signal == SIGSEGV || signal == SIGBUS) memcpy(&c->fault_address, &info->si_pid, 8);
  memcpy(c->regs, s->x, sizeof s->x);
  c->sp = s->sp;
  c->pc = s->pc;
  c->pstate = s->pstate;
  struct fpsimd_context *v = (struct fpsimd_context *)c->reserved;
  v->magic = FPSIMD_MAGIC;
  v->size = sizeof *v;
  v->fpsr = s->fpsr;
  v->fpcr = s->fpcr;
  memcpy(v->vregs, s->v, sizeof s->v);                  /* a zero word ends the list */
  *r = (struct record){s->x[29], s->x[30]};
  s->x[0] = (u64)signal;
  if (action->flags & SA_SIGINFO) {
    s->x[1] = at;
    s->x[2] = at + __builtin_offsetof(struct frame, context);
  }
  s->x[29] = record_at;
  s->x[30] = action->flags & SA_RESTORER ? action->restorer : (u64)(u32)linux_sigreturn;
  s->sp = at;
  s->pc = action->handler;
  if (alternate_stack.ss_flags & SS_AUTODISARM) alternate_stack = (struct stack){.ss_flags = SS_DISABLE};
  return 0;
}

int frame_pop(u64 *mask) {
  struct linux_state *s = &linux_state;
  struct frame *f = s->sp & 15 ? NULL : guest(s->sp, sizeof *f, PROT_READ);
  if (!f) return -EFAULT;
  struct sigcontext_aarch64 *c = &f->context.uc_mcontext;
  if (trap_frame == s->sp && c->pc == trap_pc) {
    say("wherever: the handler of a memory fault returned, but the access cannot be made again: only calls\n"
        "leave every register exact here. A handler may exit, jump (siglongjmp) or set another pc.\n");
    return -EFAULT;
  }
  *mask = f->context.uc_sigmask;
  memcpy(s->x, c->regs, sizeof s->x);
  s->sp = c->sp;
  s->pc = c->pc;
  s->pstate = c->pstate & 0xf0000000;
  struct fpsimd_context *v = (struct fpsimd_context *)c->reserved;
  if (v->magic == FPSIMD_MAGIC && v->size == sizeof *v) {
    s->fpsr = v->fpsr;
    s->fpcr = v->fpcr;
    memcpy(s->v, v->vregs, sizeof s->v);
  }
  alternate_stack = f->context.uc_stack;
  if (alternate_stack.ss_flags == SS_ONSTACK) alternate_stack.ss_flags = 0;
  return 0;
}

/* Owns the signal frame of aarch64, as arch/arm64/kernel/signal.c lays it out on the guest's stack. */
#include "linux.h"

struct frame { struct siginfo info; struct ucontext_aarch64 context; };
struct record { u64 fp, lr; };
_Static_assert(sizeof(struct frame) == 4688, "rt_sigframe");
#define FPSIMD_MAGIC 0x46508001u
#define ESR_MAGIC 0x45535201u
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

/* The records of a frame, as arch/arm64 parse_user_sigframe reads them: with no other, and never without the
 * floating-point one. The last is all zeros. */
static const struct fpsimd_context *records(const struct sigcontext_aarch64 *c) {
  const struct fpsimd_context *found = NULL;
  for (u64 at = 0; at + 16 <= sizeof c->reserved;) {
    const struct fpsimd_context *v = (const void *)(c->reserved + at);
    if (!v->magic) return v->size ? NULL : found;
    if (v->size < 16 || v->size & 15 || v->size > sizeof c->reserved - at) return NULL;
    if (v->magic == FPSIMD_MAGIC && !found && v->size == sizeof *v) found = v;
    else if (v->magic != ESR_MAGIC) return NULL;
    at += v->size;
  }
  return NULL;
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
  const struct fpsimd_context *v = records(c);
  if (!v) return -EFAULT;
  *mask = f->context.uc_sigmask;
  memcpy(s->x, c->regs, sizeof s->x);
  s->sp = c->sp;
  s->pc = c->pc;
  s->pstate = c->pstate & 0xf0000000;
  s->fpsr = v->fpsr;
  s->fpcr = v->fpcr;
  memcpy(s->v, v->vregs, sizeof s->v);
  stack_take(&f->context.uc_stack, on_alternate(s->sp)); /* what is refused is left as it is (restore_altstack) */
  return 0;
}

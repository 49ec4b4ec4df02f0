/* Owns code that nobody translated: trampolines are carried out, what is written at run time is named. */
#include "linux.h"

#define FLAG_EXECUTABLE_STACK 2u                        /* linux_image.flags, ABI.md */
#define FLAG_TEXT_RELOCATIONS 4u

/* What was translated, of each executable segment that became writable: to tell whether it changed. */
#define KEPT 8
static struct { u64 start, end; const u8 *as_translated; } kept[KEPT];
static u32 kept_count;

static const struct linux_segment *executable(u32 i) {
  const struct linux_segment *s = (void *)(u32)linux_image.segments;
  return s[i].protection & PROT_EXEC ? &s[i] : NULL;
}

int in_image(u64 pc) {
  for (u32 i = 0; i < linux_image.segment_count; i++) {
    const struct linux_segment *s = executable(i);
    if (s && pc >= s->start && pc < s->end) return 1;
  }
  return 0;
}

int stack_protection(void) {
  return PROT_READ | PROT_WRITE | (linux_image.flags & FLAG_EXECUTABLE_STACK ? PROT_EXEC : 0);
}

/* Pages [start, end) may change from now on. */
void code_keep(u64 start, u64 end) {
  for (u32 i = 0; i < linux_image.segment_count && kept_count < KEPT; i++) {
    const struct linux_segment *s = executable(i);
    if (!s || s->end <= start || s->start >= end) continue;
    u32 k = 0;
    while (k < kept_count && kept[k].start != s->start) k++;
    if (k < kept_count || !guest(s->start, s->end - s->start, PROT_READ)) continue;
    u8 *copy = kalloc(s->end - s->start);
    if (!copy) continue;                                /* then nothing is said of it */
    memcpy(copy, (void *)(u32)s->start, (size_t)(s->end - s->start));
    kept[kept_count].start = s->start, kept[kept_count].end = s->end;
    kept[kept_count++].as_translated = copy;
  }
}

void code_start(void) {
  for (u32 i = 0; i < linux_image.segment_count; i++) {
    const struct linux_segment *s = executable(i);
    if (s && s->protection & PROT_WRITE) code_keep(s->start, s->end);
  }
}

/* The guest says that pages [start, end) are code, as they are now. */
static void compare(u64 start, u64 end) {
  for (u32 k = 0; k < kept_count; k++) {
    u64 from = MAX(start, kept[k].start) & ~3ull, to = MIN(end, kept[k].end);
    if (from >= to || !guest(from, to - from, PROT_READ)) continue;
    const u32 *now = (u32 *)(u32)from, *then = (u32 *)(kept[k].as_translated + (from - kept[k].start));
    for (u64 at = from; at + 4 <= to; at += 4, now++, then++)
      if (*now != *then) code_changed(at);
  }
}

void code_granted(u64 start, u64 end) {
  if (!(linux_image.flags & FLAG_TEXT_RELOCATIONS)) compare(start, end);   /* its own loader writes words there */
}

/* `ic ivau`: what was stored in this line is code from now on (Arm ARM B2.7.4). 64 bytes, as CTR_EL0 says. */
EXPORT(linux_code_written) void linux_code_written(u64 address) {
  if (kept_count) compare(address & ~63ull, (address & ~63ull) + 64);
}

/* A trampoline loads registers from beside itself and branches: GCC's for nested functions (ldr x17, ldr
 * x18, br x17, with or without a landing pad), libffi's (adr x17, ldr x16, br x16). 1: it is done. */
#define LONGEST 8
int trampoline(void) {
  u64 pc = linux_state.pc, x[31];
  memcpy(x, linux_state.x, sizeof x);
  for (int i = 0; i < LONGEST; i++, pc += 4) {
    const u32 *code = guest(pc, 4, PROT_READ | PROT_EXEC);
    if (pc & 3 || !code) return 0;
    u32 word = *code, reg = word & 31;
    s64 offset = (s64)((u64)word << 40) >> 45;          /* imm19 in bits 23 to 5, its sign extended */
    if ((word & 0xfffff01f) == 0xd503201f) continue;    /* a hint */
    if ((word & 0xfffffc1f) == 0xd61f0000) {            /* br */
      u32 target = word >> 5 & 31;
      if (!i || target == 31) return 0;
      memcpy(linux_state.x, x, sizeof x);
      linux_state.pc = x[target];
      return 1;
    }
    if (reg == 31) return 0;
    if ((word & 0xff000000) == 0x58000000) {            /* ldr Xt, literal */
      if (copy_in(&x[reg], pc + (u64)(offset * 4), 8)) return 0;
    } else if ((word & 0x9f000000) == 0x10000000) {     /* adr */
      x[reg] = pc + (u64)(offset * 4 + (word >> 29 & 3));
    } else {
      return 0;
    }
  }
  return 0;
}

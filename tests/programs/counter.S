// CNTVCT_EL0 goes on, at the rate that CNTFRQ_EL0 says: exit status 0 after a loop of at least 2 ms.
    .globl _start
    .text
_start:
    mrs x0, cntvct_el0
    mrs x1, cntfrq_el0
    mov x2, #500
    udiv x1, x1, x2
1:  mrs x3, cntvct_el0
    subs x4, x3, x0
    b.lt 2f
    cmp x4, x1
    b.lo 1b
    mov x0, #0
    b 3f
2:  mov x0, #1
3:  mov x8, #94
    svc #0

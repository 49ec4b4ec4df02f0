// Directed rounding and the inexact flag, as `--exact` has them: exit status 17 where both are right.
    .globl _start
    .text
_start:
    fmov d0, #1.0
    fmov d1, #3.0
    msr fpsr, xzr
    fdiv d2, d0, d1             // to nearest: rounds down, and is inexact
    mrs x0, fpsr
    and x0, x0, #16             // IXC
    mov x1, #1 << 22            // RMode: towards plus infinity
    msr fpcr, x1
    fdiv d3, d0, d1
    msr fpcr, xzr
    fcmp d3, d2
    cset x1, gt
    orr x0, x0, x1
    mov x8, #94
    svc #0

// A function in the range of another one, as glibc's jump to main lies in that of _start: its
// address is handed on, nothing goes on at it.
    .text
    .globl _start
    .type _start, %function
_start:
    .cfi_startproc
    adrp x0, hidden
    add x0, x0, :lo12:hidden
    bl begin
    bl stop
hidden:
    nop
    b main
    .cfi_endproc
    .size _start, . - _start

    .type begin, %function
begin:
    .cfi_startproc
    stp x29, x30, [sp, #-16]!
    .cfi_def_cfa_offset 16
    mov x1, x0
    mov x0, #40
    blr x1
    mov x8, #93                 // exit
    svc #0
    .cfi_endproc
    .size begin, . - begin

    .type stop, %function
stop:
    .cfi_startproc
    mov x0, #99
    mov x8, #93
    svc #0
    b stop
    .cfi_endproc
    .size stop, . - stop

    .type main, %function
main:
    .cfi_startproc
    add x0, x0, #2
    ret
    .cfi_endproc
    .size main, . - main

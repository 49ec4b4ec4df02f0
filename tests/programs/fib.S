.globl _start
.type _start,%function
_start:
  mov x0, #10
  bl fib
  mov x19, x0
  mov x0,#1
  adrp x1, msg
  add x1,x1,:lo12:msg
  mov x2,#6
  mov x8,#64
  svc #0
  mov x0,x19
  mov x8,#94
  svc #0
.type fib,%function
fib:
  cmp x0,#2
  b.lo 1f
  stp x29,x30,[sp,#-32]!
  stp x19,x20,[sp,#16]
  mov x29,sp
  mov x19,x0
  sub x0,x0,#1
  bl fib
  mov x20,x0
  sub x0,x19,#2
  bl fib
  add x0,x0,x20
  ldp x19,x20,[sp,#16]
  ldp x29,x30,[sp],#32
1: ret
.data
msg: .ascii "hello\n"

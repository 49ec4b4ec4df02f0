// What no compiler does and the hardware allows: the flags, x16 and x17 carry values into calls and
// back out of them, directly, through functions that do not touch them, and by address; and a leaf's
// saved return address is overwritten. Each check adds a bit to the status where it fails.
	.text
	.globl _start
_start:
	mov	w28, #0

	mov	x16, #41		// into a callee
	bl	takes_x16
	cmp	x0, #42
	cset	w9, ne
	orr	w28, w28, w9

	mov	x9, #7
	cmp	x9, #7			// the flags into a callee
	bl	takes_flags
	cmp	x0, #1
	cset	w9, ne
	orr	w28, w28, w9, lsl #1

	mov	x17, #90		// through a function that does not touch it
	bl	hands_x17
	cmp	x0, #91
	cset	w9, ne
	orr	w28, w28, w9, lsl #2

	mov	x0, #5			// back out, with the flags
	bl	gives_both
	b.hi	1f
	orr	w28, w28, #8
1:	cmp	x16, #10
	cset	w9, ne
	orr	w28, w28, w9, lsl #3

	mov	x0, #30			// out of one call and into the next, unread
	bl	gives_x17
	bl	takes_x17
	cmp	x0, #32
	cset	w9, ne
	orr	w28, w28, w9, lsl #4

	adrp	x8, known
	add	x8, x8, :lo12:known
	ldr	x8, [x8]
	mov	x16, #60		// by address, through a function that does not touch it
	bl	calls_x8
	cmp	x0, #61
	cset	w9, ne
	adrp	x8, known
	add	x8, x8, :lo12:known
	ldr	x8, [x8, #8]
	mov	x10, #3
	cmp	x10, #4			// and the flags by address
	blr	x8
	cmp	x0, #0
	cset	w10, ne
	orr	w9, w9, w10
	adrp	x8, known
	add	x8, x8, :lo12:known
	ldr	x8, [x8, #16]
	mov	x0, #8			// out of a call by address
	blr	x8
	cmp	x17, #16
	cset	w10, ne
	orr	w9, w9, w10
	orr	w28, w28, w9, lsl #5

	bl	stub			// a stub that sets x17 and goes on by a jump
	cmp	x0, #72
	cset	w9, ne
	orr	w28, w28, w9, lsl #6

	mov	x19, #500		// a leaf that comes back elsewhere
	mov	x0, sp
	adr	x1, elsewhere
	bl	overwritten
	orr	w28, w28, #128
elsewhere:
	cmp	x19, #500
	cset	w9, ne
	mov	x10, sp			// which it took as an argument
	cmp	x10, x0
	cset	w10, ne
	orr	w9, w9, w10
	orr	w28, w28, w9, lsl #7
	mov	w0, w28
	mov	x8, #94
	svc	#0

	.type takes_x16, %function
takes_x16:
	add	x0, x16, #1
	ret
	.type takes_x17, %function
takes_x17:
	add	x0, x17, #1
	ret
	.type takes_flags, %function
takes_flags:
	cset	x0, eq
	ret
	.type hands_x17, %function
hands_x17:
	str	x30, [sp, #-16]!
	bl	takes_x17
	ldr	x30, [sp], #16
	ret
	.type gives_both, %function
gives_both:
	add	x16, x0, x0
	cmp	x16, x0
	ret
	.type gives_x17, %function
gives_x17:
	add	x17, x0, #1
	ret
	.type calls_x8, %function
calls_x8:
	str	x30, [sp, #-16]!
	blr	x8
	ldr	x30, [sp], #16
	ret
	.type pointed_x16, %function
pointed_x16:
	add	x0, x16, #1
	ret
	.type pointed_flags, %function
pointed_flags:
	cset	x0, eq
	ret
	.type pointed_gives, %function
pointed_gives:
	add	x17, x0, x0
	ret
	.type stub, %function
stub:
	mov	x17, #71
	b	takes_x17
	.type overwritten, %function
overwritten:
	stp	x30, x19, [sp, #-16]!
	mov	x19, #3
1:	sub	x19, x19, #1
	cbnz	x19, 1b
	str	x1, [x0, #-16]		// by another way than the stack pointer
	ldp	x30, x19, [sp], #16
	ret

	.data
	.balign 8
known:
	.xword pointed_x16, pointed_flags, pointed_gives

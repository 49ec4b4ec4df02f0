// Calls that are made in place: recursion deeper than the Wasm stack, left and returned from in every
// way, and small functions within loops. Each part adds its bit to the exit status if it is wrong.
	.text
	.globl _start
_start:
	mov	x28, #0
	bl	sums
	bl	leaves
	bl	elsewhere
	bl	unwound
	bl	pointed
	bl	aside
	mov	x0, x28
	mov	x8, #94
	svc	#0

// 1: x19-x21 live over calls of itself, 20000 deep, then twice at every level
sums:
	stp	x29, x30, [sp, #-16]!
	mov	x0, #20000
	bl	down
	ldr	x1, =200010000
	cmp	x0, x1
	b.ne	1f
	mov	x0, #15
	mov	x9, #77
	bl	fib
	cmp	x0, #610
	b.ne	1f
	cmp	x9, #78			// nothing keeps x9: it says how often the end was reached last
	b.eq	2f
1:	orr	x28, x28, #1
2:	ldp	x29, x30, [sp], #16
	ret
	.type down, %function
down:
	cbz	x0, 1f
	stp	x29, x30, [sp, #-48]!
	stp	x19, x20, [sp, #16]
	str	x21, [sp, #32]
	mov	x19, x0
	add	x20, x0, #1
	mov	x21, x20
	sub	x0, x0, #1
	bl	down
	add	x0, x0, x19
	sub	x21, x21, x20
	add	x0, x0, x21
	ldr	x21, [sp, #32]
	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp], #48
1:	ret
	.type fib, %function
fib:
	stp	x29, x30, [sp, #-32]!
	stp	x19, x20, [sp, #16]
	mov	x29, sp
	mov	x19, x0
	cmp	x0, #2
	b.lo	1f
	sub	x0, x0, #1
	bl	fib
	mov	x20, x0
	sub	x0, x19, #2
	bl	fib
	add	x0, x0, x20
	b	2f
1:	mov	x9, #78
2:	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret

// 2: small functions within a loop, one of which uses and gives back a saved register
leaves:
	stp	x29, x30, [sp, #-48]!
	stp	x19, x20, [sp, #16]
	str	x21, [sp, #32]
	mov	x19, #100
	mov	x20, #0
	mov	x21, #3
1:	mov	x0, x19
	bl	borrow
	add	x20, x20, x0
	mov	x0, x20
	bl	halve
	add	x20, x20, x0
	and	x20, x20, #0xffff
	add	x20, x20, x3
	bl	carried
	adc	x20, x20, xzr
	subs	x19, x19, #1
	b.ne	1b
	ldr	x0, =LEAVES
	cmp	x20, x0
	b.ne	2f
	cmp	x21, #3
	b.eq	3f
2:	orr	x28, x28, #2
3:	ldr	x21, [sp, #32]
	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp], #48
	ret
	.type borrow, %function
borrow:
	stp	x19, x21, [sp, #-16]!
	add	x19, x0, x21
	lsl	x21, x19, #1
	eor	x0, x21, x19
	ldp	x19, x21, [sp], #16
	ret
	.type halve, %function
halve:
	tbnz	x0, #0, 1f
	lsr	x0, x0, #1
	mov	x3, #1			// a second result
	ret
1:	add	x0, x0, x0, lsl #1
	mov	x3, #2
	ret
	.type carried, %function
carried:
	cmp	x20, #0x800		// its result is in the flags
	ret

// 3: the address that a return in a copy finds in the frame is another one
elsewhere:
	stp	x29, x30, [sp, #-16]!
	stp	x19, x20, [sp, #-16]!
	stp	x21, x22, [sp, #-16]!
	mov	x20, #55
	mov	x22, sp
	mov	x0, #5
	bl	bent
	add	x0, x0, x20		// never: the innermost return goes elsewhere
	orr	x28, x28, x0
	b	2f
.Llanded:
	cmp	x0, #123
	b.ne	2f
	cmp	x19, #1			// what the innermost but one had
	b.ne	2f
	sub	x1, x22, #5 * 32
	mov	x2, sp
	cmp	x1, x2
	b.ne	2f
	mov	sp, x22
	cmp	x20, #55
	b.eq	3f
2:	orr	x28, x28, #4
3:	mov	sp, x22
	ldp	x21, x22, [sp], #16
	ldp	x19, x20, [sp], #16
	ldp	x29, x30, [sp], #16
	ret
	.type bent, %function
bent:
	stp	x29, x30, [sp, #-32]!
	str	x19, [sp, #16]
	mov	x19, x0
	cbz	x0, 1f
	sub	x0, x0, #1
	bl	bent
	b	2f
1:	adrp	x9, place
	add	x9, x9, :lo12:place
	mov	x10, sp
	str	x10, [x9]
	ldr	x11, [x9]		// the frame, by an address that nobody can follow
	adr	x12, .Llanded
	str	x12, [x11, #8]
	mov	x0, #123
2:	ldr	x19, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret

// 4: what longjmp does, out of copies, at depths within one Wasm function and across many
unwound:
	stp	x29, x30, [sp, #-16]!
	stp	x19, x20, [sp, #-16]!
	mov	x20, #66
	mov	x19, #0
1:	adrp	x9, place
	add	x9, x9, :lo12:place
	adr	x10, 2f
	mov	x11, sp
	stp	x10, x11, [x9]
	stp	x19, x20, [x9, #16]
	mov	x0, x19
	bl	sinking
	b	3f			// never
2:	adrp	x9, place
	add	x9, x9, :lo12:place
	ldp	x19, x20, [x9, #16]
	cmp	x20, #66
	b.ne	3f
	cmp	x0, x19
	b.ne	3f
	add	x19, x19, x19, lsr #1
	add	x19, x19, #1
	mov	x1, #5000
	cmp	x19, x1
	b.lo	1b
	b	4f
3:	orr	x28, x28, #8
4:	ldp	x19, x20, [sp], #16
	ldp	x29, x30, [sp], #16
	ret
	.type sinking, %function
sinking:
	stp	x29, x30, [sp, #-32]!
	stp	x19, x20, [sp, #16]
	add	x19, x0, #1
	add	x20, x19, #1
	cbz	x0, 1f
	sub	x0, x0, #1
	bl	sinking
	add	x0, x0, #1
	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret
1:	adrp	x9, place
	add	x9, x9, :lo12:place
	ldr	x0, [x9, #16]
	bl	out
	.type out, %function
out:
	adrp	x9, place
	add	x9, x9, :lo12:place
	ldp	x10, x11, [x9]
	mov	sp, x11
	br	x10

// 5: called by its address as well, and an address that a call in a copy has not put there
pointed:
	stp	x29, x30, [sp, #-16]!
	stp	x19, x20, [sp, #-16]!
	adrp	x9, table
	add	x9, x9, :lo12:table
	ldr	x9, [x9]
	mov	x0, #3000
	blr	x9
	ldr	x1, =13504500
	cmp	x0, x1
	b.ne	1f
	mov	x0, #7
	bl	climb
	cmp	x0, #84
	b.eq	2f
1:	orr	x28, x28, #16
2:	ldp	x19, x20, [sp], #16
	ldp	x29, x30, [sp], #16
	ret
	.type climb, %function
climb:
	str	x30, [sp, #-32]!
	str	x23, [sp, #16]
	str	x0, [sp, #8]
	cbz	x0, 1f
	sub	x0, x0, #1
	bl	climb
	ldr	x23, [sp, #8]
	add	x0, x0, x23, lsl #1
	add	x0, x0, x23
1:	ldr	x23, [sp, #16]
	ldr	x30, [sp], #32
	ret

// 6: the same from a function that is called by its address, and so gives back all registers
aside:
	stp	x29, x30, [sp, #-16]!
	stp	x19, x20, [sp, #-16]!
	adrp	x9, table
	add	x9, x9, :lo12:table
	ldr	x9, [x9, #8]
	mov	x20, sp
	mov	x19, #44
	blr	x9
	add	x0, x19, x20		// never
	mov	x20, x0
.Laside:
	mov	x1, sp
	cmp	x1, x20
	b.ne	1f
	cmp	x19, #44
	b.eq	2f
1:	orr	x28, x28, #32
2:	mov	sp, x20
	ldp	x19, x20, [sp], #16
	ldp	x29, x30, [sp], #16
	ret
	.type crooked, %function
crooked:
	stp	x29, x30, [sp, #-32]!
	stp	x19, x20, [sp, #16]
	mov	x19, #1
	mov	x20, #2
	adrp	x9, place
	add	x9, x9, :lo12:place
	mov	x10, sp
	str	x10, [x9]
	ldr	x11, [x9]
	adr	x12, .Laside
	str	x12, [x11, #8]
	cbz	x19, 1f
	mov	x29, #3
1:	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret

	.equ	LEAVES, 53999
	.data
	.balign 8
place:	.quad 0, 0, 0, 0
table:	.quad climb, crooked

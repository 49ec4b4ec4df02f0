// A NaN in a function begins it anew in its resume body, and so does one in what it calls. Its
// return is one instruction for two ways, of which one has been through the frame.
	.text
	.globl _start
_start:
	mov	w0, #1
	ldr	d0, nan
	fmov	d1, #1.0
	adr	x9, outer		// their addresses are known: they have the uniform signature
	adr	x10, leaf
	blr	x9
	mov	x30, #0			// nobody wants what is left in it
	fmov	x1, d0
	ldr	x2, nan
	cmp	x1, x2
	cset	w0, ne
	cmp	x4, #84
	cset	w19, ne
	add	w19, w0, w19, lsl #1
	mov	w0, #0
	ldr	d0, nan
	adr	x9, outer
	blr	x9
	mov	x30, #0			// nobody wants what is left in it
	fmov	x1, d0
	ldr	x2, nan
	cmp	x1, x2
	cset	w0, ne
	add	w0, w19, w0, lsl #2
	mov	x8, #94
	svc	#0
nan:
	.quad	0x7ff8000000000123
	.type outer, %function
outer:
	cbz	w0, 1f
	stp	x29, x30, [sp, #-16]!
	mov	x3, #42			// of no concern to the leaf
	fadd	d0, d0, d1
	bl	leaf
	fmul	d0, d0, d1
	add	x4, x3, x3
	bl	leaf
	ldp	x29, x30, [sp], #16
1:	fsub	d0, d0, d1
	ret
	.type leaf, %function
leaf:
	fadd	d0, d0, d1
	ret
	.data
	.quad	outer, leaf

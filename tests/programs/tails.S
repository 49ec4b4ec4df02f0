// Recursion deeper than the Wasm stack, each frame of which ends by jumping to a leaf: frames that
// are resumed have to come back to their callers, though the leaf itself never looks at the link.
	.text
	.globl _start
_start:
	mov	x0, #-1
	bl	leaf
	mov	x1, #20000
	bl	down
	mov	x1, #20000
	sub	x0, x0, x1
	cmp	x0, #0
	cset	w0, ne
	mov	x8, #94
	svc	#0
	.type down, %function
down:
	cbz	x1, 1f
	str	x30, [sp, #-16]!
	sub	x1, x1, #1
	bl	down
	ldr	x30, [sp], #16
	b	leaf
1:	ret
	.type leaf, %function
leaf:
	add	x0, x0, #1
	ret

// Two switches that are hard to see: the first table's address waits in the frame, spilled; the
// second's first entry lies beyond an address that a word of data happens to equal. The status
// tells which cases were taken, in order.
	.text
	.globl _start
_start:
	sub	sp, sp, #32
	adrp	x0, first
	add	x0, x0, :lo12:first
	str	x0, [sp, #8]
	mov	w19, #0
	mov	w20, #0
	mov	w25, #0
	b	again
again:
	cmp	w19, #3
	b.hi	then
	cbnz	w25, count		// never taken, but now control is seen to get there
	ldr	x1, [sp, #8]
	ldrh	w0, [x1, w19, uxtw #1]
	adr	x1, anchor
	add	x0, x1, w0, sxth #2
	br	x0
anchor:
	mov	w2, #1
	b	count
case1:
	mov	w2, #2
	b	count
case2:
	mov	w2, #3
count:
	mov	w3, #3
	madd	w20, w20, w3, w2
	add	w19, w19, #1
	b	again
then:
	mov	w19, #0
next:
	cmp	w19, #2
	b.hi	done
	cbnz	w25, beyond
	adrp	x1, second
	add	x1, x1, :lo12:second
	ldrh	w0, [x1, w19, uxtw #1]
	adr	x1, other
	add	x0, x1, w0, sxth #2
	br	x0
other:
	add	w20, w20, #5
	b	step
	.globl	middle
middle:
	eor	w20, w20, #1
step:
	add	w19, w19, #1
	b	next
beyond:
	add	w20, w20, #20
	b	step
done:
	and	w0, w20, #127
	mov	x8, #93
	svc	#0

	.section .rodata
	.align	3
first:	.hword	(case2 - anchor) / 4, (anchor - anchor) / 4, (case1 - anchor) / 4, (count - anchor) / 4
	.align	3
second:	.hword	(beyond - other) / 4, (other - other) / 4, (middle - other) / 4
	.align	3
	.quad	middle

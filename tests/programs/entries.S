// Jumps through tables, by index where that cannot be wrong (rule table-index): `jump` has its table
// in a register that is the same on every way; `either` has one of two; `around` is also entered
// behind the compare, with an index that lies outside; `bytes` counts bytes, not entries; `over`
// keeps the table over a call; `written` has a table that changes. The status tells which cases
// were taken, in order.
	.macro	case number
	mov	w2, #\number
	b	1f
	.endm
	.text
	.globl	_start
_start:
	mov	w20, #0
	mov	w19, #0
loop:
	mov	w0, w19
	bl	jump
	mov	w0, w19
	mov	w1, w20
	bl	either
	mov	w0, w19
	bl	around
	mov	w0, w19
	bl	bytes
	mov	w0, w19
	bl	over
	mov	w0, w19
	bl	written
	add	w19, w19, #1
	cmp	w19, #5
	b.ne	loop
	lsr	w0, w20, #9
	eor	w0, w0, w20
	and	w0, w0, #127
	mov	x8, #93
	svc	#0

	.macro	note			// w20 = 7 * w20 + w2
1:	mov	w3, #7
	madd	w20, w20, w3, w2
	ret
	.endm

jump:	cmp	w0, #3
	b.hi	jump9
	adrp	x9, table
	add	x9, x9, :lo12:table
	ldrb	w0, [x9, w0, uxtw]
	adr	x1, anchor
	add	x0, x1, w0, uxtb #2
	br	x0
anchor:	case	1
jump2:	case	2
jump3:	case	3
jump9:	mov	w2, #9
	note

either:	adrp	x9, table
	add	x9, x9, :lo12:table
	tbz	w1, #0, 2f
	add	x9, x9, #4
2:	cmp	w0, #3
	b.hi	either9
	ldrb	w0, [x9, w0, uxtw]
	adr	x1, anchor2
	add	x0, x1, w0, uxtb #2
	br	x0
anchor2:
	case	4
	case	5
	case	6
either9:
	mov	w2, #10
	note

around:	adrp	x9, middle
	add	x9, x9, :lo12:middle
	mov	x1, #-3
	cmp	w0, #2
	b.eq	behind			// an entry before the table
	sub	w1, w0, #1
	cmp	w0, #4
	b.eq	behind			// one after it
	cmp	w1, #2
	b.hi	around9
behind:	ldrsw	x0, [x9, x1, lsl #2]
	adr	x1, anchor3
	add	x0, x1, x0
	br	x0
anchor3:
	case	1
	case	2
	case	3
	case	4
	case	5
around9:
	mov	w2, #11
	note

bytes:	adrp	x9, middle
	add	x9, x9, :lo12:middle
	ubfiz	x1, x0, #1, #2		// half an entry where it is odd
	cmp	w0, #4
	b.hi	bytes9
	ldrsw	x0, [x9, x1]
	and	x0, x0, #24		// whatever was read, a case
	adr	x1, anchor4
	add	x0, x1, x0
	br	x0
anchor4:
	case	3
	case	4
	case	5
	case	6
bytes9:	mov	w2, #12
	note

over:	stp	x30, x21, [sp, #-32]!
	str	w0, [sp, #16]
	adrp	x21, table
	add	x21, x21, :lo12:table
	tbz	w0, #1, 2f
	bl	change
2:	ldr	w0, [sp, #16]
	cmp	w0, #3
	b.hi	over9
	ldrb	w0, [x21, w0, uxtw]
	adr	x1, anchor5
	add	x0, x1, w0, uxtb #2
	br	x0
anchor5:
	case	2
	case	4
	case	6
over9:	mov	w2, #13
1:	mov	w3, #7
	madd	w20, w20, w3, w2
	ldp	x30, x21, [sp], #32
	ret

change:	add	x21, x21, #4		// no standard function
	ret

written:
	adrp	x9, changing
	add	x9, x9, :lo12:changing
	cmp	w0, #3
	b.hi	written9
	ldrb	w4, [x9, w0, uxtw]
	strb	wzr, [x9, #2]
	adr	x1, anchor6
	add	x4, x1, w4, uxtb #2
	br	x4
anchor6:
	case	1
	case	2
	case	3
written9:
	mov	w2, #14
	note

	.section .rodata
	.align	3
table:	.byte	2, 0, 4, 2, 4, 4, 0, 2
	.align	3
	.word	32, 24, 16
middle:	.word	0, 8, 16, 24, 32, 0, 8
	.data
changing:
	.byte	0, 2, 4, 2

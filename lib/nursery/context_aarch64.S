/* SPDX-License-Identifier: MIT */
/*
 * The context switch on aarch64 (AAPCS64).
 *
 * A context that is not running has, at its sp:
 *
 *	  0  x19 … x28
 *	 80  x29
 *	 88  x30, where to go on, signed
 *	 96  d8 … d15
 *	160  fpcr
 *	168  unused
 *
 * All contexts look alike there, so one description for unwinders holds before and after the line
 * that exchanges the stack pointers: a backtrace from a signal is right at every instruction. A context
 * that has not begun has nothing there: its first function is called in place of the way out.
 *
 * The pointer authentication instructions are written as hints, which older processors skip; paciasp
 * is a landing pad for calls (bti c) as well. x30 is signed with the sp of the caller, which is the
 * same when the context goes on.
 */

#define BTI_C      hint #34
#define PACIASP    hint #25
#define AUTIASP    hint #29

#define FRAME_SIZE 176

	.text

/* void nuri_context_swap(struct nuri_context *from, struct nuri_context *to) */
	.p2align 4
	.globl	nuri_context_swap
	.hidden	nuri_context_swap
	.type	nuri_context_swap, %function
nuri_context_swap:
	.cfi_startproc
	PACIASP
	.cfi_negate_ra_state
	sub	sp, sp, #FRAME_SIZE
	.cfi_def_cfa_offset FRAME_SIZE
	stp	x19, x20, [sp]
	.cfi_rel_offset x19, 0
	.cfi_rel_offset x20, 8
	stp	x21, x22, [sp, #16]
	.cfi_rel_offset x21, 16
	.cfi_rel_offset x22, 24
	stp	x23, x24, [sp, #32]
	.cfi_rel_offset x23, 32
	.cfi_rel_offset x24, 40
	stp	x25, x26, [sp, #48]
	.cfi_rel_offset x25, 48
	.cfi_rel_offset x26, 56
	stp	x27, x28, [sp, #64]
	.cfi_rel_offset x27, 64
	.cfi_rel_offset x28, 72
	stp	x29, x30, [sp, #80]
	.cfi_rel_offset x29, 80
	.cfi_rel_offset x30, 88
	stp	d8, d9, [sp, #96]
	.cfi_rel_offset d8, 96
	.cfi_rel_offset d9, 104
	stp	d10, d11, [sp, #112]
	.cfi_rel_offset d10, 112
	.cfi_rel_offset d11, 120
	stp	d12, d13, [sp, #128]
	.cfi_rel_offset d12, 128
	.cfi_rel_offset d13, 136
	stp	d14, d15, [sp, #144]
	.cfi_rel_offset d14, 144
	.cfi_rel_offset d15, 152
	mrs	x9, fpcr
	str	x9, [sp, #160]

	mov	x10, sp
	str	x10, [x0]
	ldr	x10, [x1]
	ldr	x11, [x1, #8]
	cbnz	x11, .Lbegin
	mov	sp, x10

.Lgo_on:
	/* Writing the register drains the pipeline, and nearly all contexts have the same modes. */
	ldr	x10, [sp, #160]
	cmp	x9, x10
	b.eq	1f
	msr	fpcr, x10
1:
	.cfi_remember_state
	ldp	d14, d15, [sp, #144]
	.cfi_restore d14
	.cfi_restore d15
	ldp	d12, d13, [sp, #128]
	.cfi_restore d12
	.cfi_restore d13
	ldp	d10, d11, [sp, #112]
	.cfi_restore d10
	.cfi_restore d11
	ldp	d8, d9, [sp, #96]
	.cfi_restore d8
	.cfi_restore d9
	ldp	x29, x30, [sp, #80]
	.cfi_restore x29
	.cfi_restore x30
	ldp	x27, x28, [sp, #64]
	.cfi_restore x27
	.cfi_restore x28
	ldp	x25, x26, [sp, #48]
	.cfi_restore x25
	.cfi_restore x26
	ldp	x23, x24, [sp, #32]
	.cfi_restore x23
	.cfi_restore x24
	ldp	x21, x22, [sp, #16]
	.cfi_restore x21
	.cfi_restore x22
	ldp	x19, x20, [sp]
	.cfi_restore x19
	.cfi_restore x20
	add	sp, sp, #FRAME_SIZE
	.cfi_def_cfa_offset 0
	AUTIASP
	.cfi_negate_ra_state
	ret

.Lbegin:
	.cfi_restore_state
	mov	sp, x10
	.cfi_undefined x30
	b	context_begin
	.cfi_endproc
	.size	nuri_context_swap, . - nuri_context_swap

/*
 * _Noreturn void nuri_context_jump(struct nuri_context *to)
 *
 * The second half of a swap. Its frame is the caller's until the stack pointer is loaded, and from
 * there on the same as above, x30 being signed there.
 */
	.p2align 4
	.globl	nuri_context_jump
	.hidden	nuri_context_jump
	.type	nuri_context_jump, %function
nuri_context_jump:
	.cfi_startproc
	BTI_C
	mrs	x9, fpcr
	ldr	x10, [x0]
	mov	sp, x10
	.cfi_negate_ra_state
	.cfi_def_cfa_offset FRAME_SIZE
	.cfi_rel_offset x19, 0
	.cfi_rel_offset x20, 8
	.cfi_rel_offset x21, 16
	.cfi_rel_offset x22, 24
	.cfi_rel_offset x23, 32
	.cfi_rel_offset x24, 40
	.cfi_rel_offset x25, 48
	.cfi_rel_offset x26, 56
	.cfi_rel_offset x27, 64
	.cfi_rel_offset x28, 72
	.cfi_rel_offset x29, 80
	.cfi_rel_offset x30, 88
	.cfi_rel_offset d8, 96
	.cfi_rel_offset d9, 104
	.cfi_rel_offset d10, 112
	.cfi_rel_offset d11, 120
	.cfi_rel_offset d12, 128
	.cfi_rel_offset d13, 136
	.cfi_rel_offset d14, 144
	.cfi_rel_offset d15, 152
	b	.Lgo_on
	.cfi_endproc
	.size	nuri_context_jump, . - nuri_context_jump

/*
 * Where the context in x1 begins, on its own stack, with its function in x11 and the modes that were saved
 * last in x9. No return address: this is the end of every backtrace.
 */
	.p2align 4
	.type	context_begin, %function
context_begin:
	.cfi_startproc
	.cfi_undefined x30
	cbz	x9, 1f
	msr	fpcr, xzr		/* round to nearest, no traps */
1:
	str	xzr, [x1, #8]
	mov	x0, x1
	mov	x29, xzr
	blr	x11
	brk	#1
	.cfi_endproc
	.size	context_begin, . - context_begin

	.section .note.GNU-stack, "", %progbits

	.section .note.gnu.property, "a", %note
	.p2align 3
	.word	4		/* length of the name */
	.word	16		/* length of the description */
	.word	5		/* NT_GNU_PROPERTY_TYPE_0 */
	.asciz	"GNU"
	.word	0xc0000000	/* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
	.word	4
	.word	3		/* BTI and PAC */
	.word	0

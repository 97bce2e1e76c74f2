/* SPDX-License-Identifier: MIT */
/*
 * The context switch on x86_64 (System V ABI).
 *
 * A context that is not running has, at its sp:
 *
 *	 0  mxcsr (4 bytes), x87 control word (2), unused (2)
 *	 8  r12
 *	16  r13
 *	24  r14
 *	32  r15
 *	40  rbx
 *	48  rbp
 *	56  where to go on
 *
 * All contexts look alike there, so one description for unwinders holds before and after the line
 * that exchanges the stack pointers: a backtrace from a signal is right at every instruction. A context
 * that has not begun has nothing there: its first function is called in place of the way out.
 *
 * The modes are loaded only where they differ: that takes 30 ns when the value is another one, and it would
 * be nearly always, as the flags of past exceptions lie beside the modes in mxcsr. Those do not belong to a
 * context.
 *
 * The way out is a jump, not a return: the processor predicts returns by the last call, which was
 * made on another stack, and would be wrong each time. "notrack", because no landing pad follows the
 * call of our caller. The file is marked for indirect branch tracking and not for shadow stacks,
 * which do not know of the exchange: the loader then leaves them off.
 */

#define MXCSR_FLAGS   0x3f
#define MXCSR_INITIAL 0x1f80	/* round to nearest, no traps */
#define X87_INITIAL   0x37f

	.text

/* void nuri_context_swap(struct nuri_context *from, struct nuri_context *to) */
	.p2align 4
	.globl	nuri_context_swap
	.hidden	nuri_context_swap
	.type	nuri_context_swap, @function
nuri_context_swap:
	.cfi_startproc
	endbr64
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r15, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r14, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r13, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	movl	(%rsp), %eax
	movzwl	4(%rsp), %ecx

	movq	%rsp, (%rdi)
	cmpq	$0, 8(%rsi)
	jne	.Lbegin
	movq	(%rsi), %rsp

.Lgo_on:
	xorl	(%rsp), %eax
	andl	$~MXCSR_FLAGS, %eax
	jne	.Lload_modes
	cmpw	4(%rsp), %cx
	jne	.Lload_modes
.Lrestore:
	.cfi_remember_state
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore r12
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore r13
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore r14
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore r15
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register rip, rcx
	notrack jmpq	*%rcx

.Lload_modes:
	.cfi_restore_state
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	jmp	.Lrestore

.Lbegin:
	movq	(%rsi), %rsp
	.cfi_undefined rip
	jmp	context_begin
	.cfi_endproc
	.size	nuri_context_swap, . - nuri_context_swap

/*
 * _Noreturn void nuri_context_jump(struct nuri_context *to)
 *
 * The second half of a swap. Its frame is the caller's until the stack pointer is loaded, and from
 * there on the same as above.
 */
	.p2align 4
	.globl	nuri_context_jump
	.hidden	nuri_context_jump
	.type	nuri_context_jump, @function
nuri_context_jump:
	.cfi_startproc
	endbr64
	stmxcsr	-8(%rsp)	/* the kernel keeps off the red zone */
	fnstcw	-4(%rsp)
	movl	-8(%rsp), %eax
	movzwl	-4(%rsp), %ecx
	movq	(%rdi), %rsp
	.cfi_def_cfa_offset 64
	.cfi_rel_offset r12, 8
	.cfi_rel_offset r13, 16
	.cfi_rel_offset r14, 24
	.cfi_rel_offset r15, 32
	.cfi_rel_offset rbx, 40
	.cfi_rel_offset rbp, 48
	jmp	.Lgo_on
	.cfi_endproc
	.size	nuri_context_jump, . - nuri_context_jump

/*
 * Where the context in rsi begins, on its own stack, with the modes that were saved last in eax and ecx. No
 * return address: this is the end of every backtrace.
 */
	.p2align 4
	.type	context_begin, @function
context_begin:
	.cfi_startproc
	.cfi_undefined rip
	xorl	$MXCSR_INITIAL, %eax
	andl	$~MXCSR_FLAGS, %eax
	jne	.Lload_initial_modes
	cmpl	$X87_INITIAL, %ecx
	jne	.Lload_initial_modes
.Lcall:
	movq	8(%rsi), %rax
	movq	$0, 8(%rsi)
	movq	%rsi, %rdi
	xorl	%ebp, %ebp
	callq	*%rax
	ud2

.Lload_initial_modes:
	movl	$MXCSR_INITIAL, -8(%rsp)
	movl	$X87_INITIAL, -4(%rsp)
	ldmxcsr	-8(%rsp)
	fldcw	-4(%rsp)
	jmp	.Lcall
	.cfi_endproc
	.size	context_begin, . - context_begin

	.section .note.GNU-stack, "", @progbits

	.section .note.gnu.property, "a", @note
	.p2align 3
	.long	4		/* length of the name */
	.long	16		/* length of the description */
	.long	5		/* NT_GNU_PROPERTY_TYPE_0 */
	.asciz	"GNU"
	.long	0xc0000002	/* GNU_PROPERTY_X86_FEATURE_1_AND */
	.long	4
	.long	1		/* IBT, and not SHSTK (2) */
	.long	0

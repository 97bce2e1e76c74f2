/* SPDX-License-Identifier: MIT */
/*
 * Contexts: places where execution goes on. The assembly of the architecture does the work
 * (nuri_context_swap() and _jump()); this file tells the sanitizers.
 *
 * A switch keeps what the ABI calls callee-saved, the rounding modes among it. A new context begins
 * with the modes of a new process.
 *
 * Nothing is written to the stack of a context before it begins: the first switch calls its function there,
 * in place of restoring registers that were put there for it (docs/decisions/beginning.md).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NURI_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define NURI_TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define NURI_ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define NURI_TSAN 1
#endif
#if defined(NURI_ASAN) || defined(NURI_TSAN)
#define NURI_CONTEXT_HOOKS 1
#endif

#ifdef NURI_UCONTEXT
#include <ucontext.h>
#endif

struct nuri_context;
typedef void (*nuri_context_fn)(struct nuri_context *context);

/*
 * struct nuri_context - zeroed is right for the context that is running now, on the stack of its thread:
 * it is filled in by the first switch away from it. The assembly knows the first two fields.
 *
 * sp     where its registers are; before it has begun, the top of its stack
 * entry  what it begins with; NULL: it has begun
 */
struct nuri_context {
	void *sp;
	nuri_context_fn entry;
#ifdef NURI_CONTEXT_HOOKS
	nuri_context_fn hooked_entry;
#endif
#ifdef NURI_ASAN
	const void *base;
	size_t size;
	void *fake_stack;
#endif
#ifdef NURI_TSAN
	void *fiber;
#endif
#ifdef NURI_UCONTEXT
	ucontext_t saved; /* points into itself: the context must not move */
#endif
};

/* nuri_context_swap() - save the running context in @from and go on in @to; nothing else */
void nuri_context_swap(struct nuri_context *from, struct nuri_context *to);

/* nuri_context_jump() - go on in @to, which has begun, and forget where we are */
_Noreturn void nuri_context_jump(struct nuri_context *to);

/* nuri_context_prepare() - what nuri_context_init() does without sanitizers */
#ifdef NURI_UCONTEXT
void nuri_context_prepare(
	struct nuri_context *context, void *base, void *top, nuri_context_fn entry);
#else
static inline void
nuri_context_prepare(struct nuri_context *context, void *base, void *top, nuri_context_fn entry)
{
	(void)base;
	context->sp = (void *)((uintptr_t)top & ~(uintptr_t)15); /* as both ABIs want it */
	context->entry = entry;
}
#endif

#ifdef NURI_CONTEXT_HOOKS

/* As below, and the sanitizers are told (context_hooks.c). */
void nuri_context_init(struct nuri_context *context, void *base, void *top, nuri_context_fn entry);
void nuri_context_switch(struct nuri_context *from, struct nuri_context *to);
_Noreturn void nuri_context_exit_to(struct nuri_context *from, struct nuri_context *to);
void nuri_context_drop(struct nuri_context *context);

#else

/*
 * nuri_context_init() - @entry(@context) will run on the memory from @base up to @top, at the first
 * switch to @context. It never returns: it ends by nuri_context_exit_to().
 */
static inline void
nuri_context_init(struct nuri_context *context, void *base, void *top, nuri_context_fn entry)
{
	nuri_context_prepare(context, base, top, entry);
}

/* nuri_context_switch() - from the running context @from to @to, until somebody switches back */
static inline void
nuri_context_switch(struct nuri_context *from, struct nuri_context *to)
{
	nuri_context_swap(from, to);
}

/*
 * nuri_context_exit_to() - the last switch away from @from, to @to, which has begun: the stack of @from
 * may be used again
 */
static inline _Noreturn void
nuri_context_exit_to(struct nuri_context *from, struct nuri_context *to)
{
	(void)from;
	nuri_context_jump(to);
}

/* nuri_context_drop() - @context is not running, and nobody will ever switch to it again */
static inline void
nuri_context_drop(struct nuri_context *context)
{
	(void)context;
}

#endif /* NURI_CONTEXT_HOOKS */

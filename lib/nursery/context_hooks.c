/* SPDX-License-Identifier: MIT */
/*
 * What the sanitizers have to know of a switch. Empty in other builds.
 *
 * AddressSanitizer wants to be told of the stack we go to before, and gives the bounds of the one
 * we came from after; that is how the bounds of a thread's own stack are learned. A context that
 * ends passes NULL in place of its fake stack, which frees it.
 *
 * ThreadSanitizer has a fiber for each context, made at its first switch and destroyed by whoever
 * runs after its last one. (Not kept for the next task: a fiber remembers which functions were
 * entered, and a task that has ended never left its outermost ones.)
 *
 * It also keeps a signal, with the fiber that was running, until that fiber comes out of a function
 * of libc. A task that waits does not, and one that has ended never will: the signal would be lost.
 * So each switch goes through such a function, and from there to its end no signal comes in.
 */
#include "lib/nursery/context.h"

#ifdef NURI_CONTEXT_HOOKS

#include <stdbool.h>

#ifdef NURI_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef NURI_TSAN
#include <pthread.h>
#include <sanitizer/tsan_interface.h>
#include <signal.h>
#include <string.h>
#endif

#define INLINE static inline __attribute__((always_inline))

/* The context that was left last on this thread, until the next one has arrived. */
static __thread struct nuri_context *context_left;
#ifdef NURI_TSAN
static __thread void *fiber_ended;
static __thread sigset_t mask_before;

/* A function that the sanitizer stands in front of; the compiler must not work it out by itself. */
static size_t (*volatile const pass_libc)(const char *text) = strlen;

INLINE void
signals_hold(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &mask_before); /* cannot fail */
	(void)pass_libc("");
}
#endif

INLINE void
leave(struct nuri_context *from, struct nuri_context *to, bool is_last)
{
	context_left = from;
#ifdef NURI_ASAN
	__sanitizer_start_switch_fiber(is_last ? NULL : &from->fake_stack, to->base, to->size);
#endif
#ifdef NURI_TSAN
	if (!from->fiber) {
		from->fiber = __tsan_get_current_fiber();
	}
	if (!to->fiber) {
		to->fiber = __tsan_create_fiber(0);
	}
	if (is_last) {
		fiber_ended = from->fiber;
		from->fiber = NULL;
	}
	signals_hold();
	__tsan_switch_to_fiber(to->fiber, 0);
#endif
}

INLINE void
arrive(struct nuri_context *context)
{
#ifdef NURI_ASAN
	__sanitizer_finish_switch_fiber(
		context->fake_stack, &context_left->base, &context_left->size);
#endif
#ifdef NURI_TSAN
	if (fiber_ended) {
		__tsan_destroy_fiber(fiber_ended);
		fiber_ended = NULL;
	}
	(void)pthread_sigmask(SIG_SETMASK, &mask_before, NULL); /* cannot fail */
#endif
}

static void
hooked_begin(struct nuri_context *context)
{
	arrive(context);
	context->hooked_entry(context);
}

void
nuri_context_init(struct nuri_context *context, void *base, void *top, nuri_context_fn entry)
{
	*context = (struct nuri_context){
		.hooked_entry = entry,
#ifdef NURI_ASAN
		.base = base,
		.size = (size_t)((char *)top - (char *)base),
#endif
	};
	nuri_context_prepare(context, base, top, hooked_begin);
}

void
nuri_context_switch(struct nuri_context *from, struct nuri_context *to)
{
	leave(from, to, false);
	nuri_context_swap(from, to);
	arrive(from);
}

_Noreturn void
nuri_context_exit_to(struct nuri_context *from, struct nuri_context *to)
{
	leave(from, to, true);
	nuri_context_jump(to);
}

void
nuri_context_drop(struct nuri_context *context)
{
#ifdef NURI_TSAN
	if (context->fiber) {
		__tsan_destroy_fiber(context->fiber);
		context->fiber = NULL;
	}
#endif
}

#endif

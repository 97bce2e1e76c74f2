/* SPDX-License-Identifier: MIT */
/*
 * The context switch of the C library, for machines without assembly here and for doubt. It keeps
 * the signal mask as well, which costs a system call each way.
 */
#include "lib/nursery/context.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"

/* makecontext() passes ints only; the context that is about to begin finds itself here. */
static __thread struct nuri_context *beginning;

static void
begin(void)
{
	nuri_context_fn entry = steal(&beginning->entry);

	entry(beginning);
}

void
nuri_context_prepare(struct nuri_context *context, void *base, void *top, nuri_context_fn entry)
{
	int r = getcontext(&context->saved);

	assert(r == 0); /* it has no way to fail */
	(void)r;
	context->entry = entry;
	context->saved.uc_stack.ss_sp = base;
	context->saved.uc_stack.ss_size = (size_t)((char *)top - (char *)base);
	context->saved.uc_link = NULL;
	makecontext(&context->saved, begin, 0);
}

void
nuri_context_swap(struct nuri_context *from, struct nuri_context *to)
{
	beginning = to;
	(void)swapcontext(&from->saved, &to->saved); /* fails only where makecontext() did */
}

_Noreturn void
nuri_context_jump(struct nuri_context *to)
{
	beginning = to;
	(void)setcontext(&to->saved); /* as above */
	abort();
}

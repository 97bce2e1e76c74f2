/* SPDX-License-Identifier: MIT */
/* Ownership in C: a local that owns something carries _cleanup_(); steal() moves it out at the end. */
#pragma once

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

/* Makes NAMEp(), the form _cleanup_() wants, from a destructor that accepts NULL. */
#define DEFINE_CLEANUP(type, destructor)                                                          \
	static inline void destructor##p(type *p)                                                  \
	{                                                                                          \
		destructor(*p);                                                                    \
	}                                                                                          \
	struct destructor##p_wants_a_semicolon

/* steal() - the value of *@p; *@p becomes NULL and owns nothing any more */
#define steal(p)                                                                                  \
	__extension__({                                                                            \
		__typeof__(*(p)) stolen_ = *(p);                                                   \
		*(p) = NULL;                                                                       \
		stolen_;                                                                           \
	})

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#define container_of(pointer, type, member)                                                       \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void
freep(void *p)
{
	free(*(void **)p);
}

static inline void
closep(int *fd)
{
	if (*fd >= 0) {
		(void)close(*fd); /* nothing is left to do about a failing close */
	}
}

static inline void
fclosep(FILE **file)
{
	if (*file) {
		(void)fclose(*file); /* readers only; writers close by hand and look */
	}
}

static inline int
steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

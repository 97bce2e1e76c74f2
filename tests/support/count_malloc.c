/* SPDX-License-Identifier: MIT */
/*
 * Counts a program's live allocations from outside: loaded into it by LD_PRELOAD, it stands in front of the C
 * library's allocator and keeps the number in a file that the test maps, too ($T_COUNT_MALLOC). See
 * tests/integration/test_sockets.c. Not for sanitizers, which have an allocator of their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The C library's own allocator, under the names it keeps for such purposes. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

static int64_t counted_before; /* what was allocated before the file was there */
static int64_t *n_live = &counted_before;

static void *
count(void *p)
{
	if (p) {
		(void)__atomic_add_fetch(n_live, 1, __ATOMIC_RELAXED);
	}
	return p;
}

static void __attribute__((constructor)) open_counter(void)
{
	const char *path = getenv("T_COUNT_MALLOC");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	int64_t *shared;

	if (fd < 0) {
		return;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (shared != MAP_FAILED) {
		*shared = counted_before;
		n_live = shared;
	}
}

void *
malloc(size_t size)
{
	return count(__libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
	return count(__libc_calloc(n, size));
}

void *
realloc(void *p, size_t size)
{
	void *moved = __libc_realloc(p, size);

	if (!p) {
		return count(moved);
	}
	if (!moved && size == 0) {
		(void)__atomic_sub_fetch(n_live, 1, __ATOMIC_RELAXED);
	}
	return moved;
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return count(__libc_memalign(alignment, size));
}

void *
memalign(size_t alignment, size_t size)
{
	return count(__libc_memalign(alignment, size));
}

int
posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *p = count(__libc_memalign(alignment, size));

	if (!p) {
		return ENOMEM;
	}
	*ret = p;
	return 0;
}

void
free(void *p)
{
	if (p) {
		(void)__atomic_sub_fetch(n_live, 1, __ATOMIC_RELAXED);
		__libc_free(p);
	}
}

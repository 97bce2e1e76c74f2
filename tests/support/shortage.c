/* SPDX-License-Identifier: MIT */
#include "tests/support/shortage.h"

#include <errno.h>
#include <event2/event.h>
#include <nursery/errors.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* The library's calls under their other names; nobody else makes these. */
void *t_malloc(size_t size);
void *t_calloc(size_t n, size_t size);
void *t_realloc(void *old, size_t size);
char *t_strdup(const char *text);
void t_free(void *block);
void *t_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset);
void *t_mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset);
int t_munmap(void *at, size_t len);
int t_mprotect(void *at, size_t len, int protection);
int t_madvise(void *at, size_t len, int advice);
int t_sigaltstack(const stack_t *stack, stack_t *old);
int t_epoll_create1(int flags);
int t_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int t_eventfd(unsigned int value, int flags);
int t_pipe2(int fds[2], int flags);
int t_timerfd_create(clockid_t clock, int flags);
int t_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);
void *t_tsearch(const void *key, void **root, int (*compare)(const void *one, const void *other));

/* Atomic: a program may have a run on each of several threads. */
static atomic_int n_left = -1; /* calls that still succeed; negative: all do */
static atomic_bool has_come;
static atomic_size_t n_calls;
static _Atomic int64_t n_held;

static bool
fails_now(int error)
{
	atomic_fetch_add(&n_calls, 1);
	if (atomic_load(&n_left) < 0 || atomic_fetch_sub(&n_left, 1) != 0) {
		return false;
	}
	atomic_store(&has_come, true);
	errno = error;
	return true;
}

static void *
held(void *block)
{
	if (block) {
		atomic_fetch_add(&n_held, 1);
	}
	return block;
}

void *
t_malloc(size_t size)
{
	return fails_now(ENOMEM) ? NULL : held(malloc(size));
}

void *
t_calloc(size_t n, size_t size)
{
	return fails_now(ENOMEM) ? NULL : held(calloc(n, size));
}

void *
t_realloc(void *old, size_t size)
{
	void *block;

	if (fails_now(ENOMEM)) {
		return NULL;
	}
	block = realloc(old, size);
	return old ? block : held(block);
}

char *
t_strdup(const char *text)
{
	return fails_now(ENOMEM) ? NULL : held(strdup(text));
}

void
t_free(void *block)
{
	if (block) {
		atomic_fetch_sub(&n_held, 1);
		free(block);
	}
}

void *
t_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
	void *mapping;

	if (fails_now(ENOMEM)) {
		return MAP_FAILED;
	}
	mapping = mmap(at, len, protection, flags, fd, offset);
	if (mapping != MAP_FAILED) {
		atomic_fetch_add(&n_held, 1);
	}
	return mapping;
}

/* What mmap() is called where off_t is made to have 64 bits. */
void *
t_mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
	return t_mmap(at, len, protection, flags, fd, offset);
}

int
t_munmap(void *at, size_t len)
{
	atomic_fetch_sub(&n_held, 1);
	return munmap(at, len);
}

int
t_mprotect(void *at, size_t len, int protection)
{
	return fails_now(ENOMEM) ? -1 : mprotect(at, len, protection);
}

int
t_madvise(void *at, size_t len, int advice)
{
	return fails_now(ENOMEM) ? -1 : madvise(at, len, advice);
}

/* To ask, and to give back, costs nothing: neither fails. */
int
t_sigaltstack(const stack_t *stack, stack_t *old)
{
	bool is_wish = stack && !(stack->ss_flags & SS_DISABLE);

	return is_wish && fails_now(ENOMEM) ? -1 : sigaltstack(stack, old);
}

int
t_epoll_create1(int flags)
{
	return fails_now(EMFILE) ? -1 : epoll_create1(flags);
}

int
t_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	bool is_wish = operation == EPOLL_CTL_ADD;

	return is_wish && fails_now(ENOMEM) ? -1 : epoll_ctl(epoll, operation, fd, event);
}

int
t_eventfd(unsigned int value, int flags)
{
	return fails_now(EMFILE) ? -1 : eventfd(value, flags);
}

int
t_pipe2(int fds[2], int flags)
{
	return fails_now(EMFILE) ? -1 : pipe2(fds, flags);
}

int
t_timerfd_create(clockid_t clock, int flags)
{
	return fails_now(EMFILE) ? -1 : timerfd_create(clock, flags);
}

int
t_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg)
{
	return fails_now(EAGAIN) ? EAGAIN : pthread_create(thread, attributes, fn, arg);
}

/* The node is the C library's own, and not counted as held. */
void *
t_tsearch(const void *key, void **root, int (*compare)(const void *one, const void *other))
{
	return fails_now(ENOMEM) ? NULL : tsearch(key, root, compare);
}

void
t_shortage_at(int n)
{
	atomic_store(&has_come, false);
	atomic_store(&n_calls, 0);
	atomic_store(&n_left, n);
}

bool
t_shortage_came(void)
{
	return atomic_load(&has_come);
}

size_t
t_shortage_n_calls(void)
{
	return atomic_load(&n_calls);
}

int64_t
t_shortage_n_held(void)
{
	return atomic_load(&n_held);
}

bool
t_is_shortage(int code)
{
	return code == -ENOMEM || code == -EMFILE || code == -EAGAIN || code == NUR_ENOSTACK;
}

static void
say_nothing(int severity, const char *text)
{
}

/* Before main(), for libevent's allocator cannot be changed once it was used. */
static void __attribute__((constructor)) lead_libevent_here(void)
{
	event_set_mem_functions(t_malloc, t_realloc, t_free);
	event_set_log_callback(say_nothing); /* it warns of what is asked for here */
}

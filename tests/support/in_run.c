/* SPDX-License-Identifier: MIT */
#include "tests/support/in_run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/buffer.h"

#ifdef T_HAVE_VALGRIND
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
enum {
	is_sanitized = true,
	scale = 1000
}; /* each task costs it milliseconds */
#elif defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum {
	is_sanitized = true,
	scale = 100
};
#else
enum {
	is_sanitized = false,
	scale = 100
};
#endif

static struct nur_mock_clock *present_clock;
static struct buffer notes;

static int
call_body(void *arg)
{
	void (*const *body)(void) = arg;

	(*body)();
	return 0;
}

int
t_run(nur_task_fn fn, void *arg, struct nur_errors *errors)
{
	struct nur_run_options options = { 0 };
	int r;

	t_forget_notes();
	ck_assert_int_eq(nur_mock_clock_create(0, 0, &present_clock), 0);
	options.clock = nur_mock_clock_clock(present_clock);

	r = nur_run(fn, arg, &options, errors);

	nur_mock_clock_destroy(present_clock);
	present_clock = NULL;
	return r;
}

void
t_in_run(void (*body)(void))
{
	ck_assert_int_eq(t_run(call_body, &body, NULL), 0);
	buffer_fini(&notes);
}

struct nur_mock_clock *
t_clock(void)
{
	return present_clock;
}

void
t_note(const char *format, ...)
{
	va_list ap;

	if (notes.len > 0) {
		buffer_putc(&notes, ' ');
	}
	va_start(ap, format);
	buffer_vprintf(&notes, format, ap);
	va_end(ap);
	ck_assert_int_eq(buffer_error(&notes), 0);
}

const char *
t_notes(void)
{
	return notes.data ? notes.data : "";
}

void
t_forget_notes(void)
{
	buffer_fini(&notes);
}

int
t_return(void *code)
{
	return (int)(intptr_t)code;
}

int
t_sleep_forever(void *unused)
{
	return nur_sleep_forever();
}

int
t_checkpoint(void *unused)
{
	return nur_checkpoint();
}

void
t_open(struct nur_nursery *nursery)
{
	ck_assert_int_eq(nur_nursery_open(nursery), 0);
}

void
t_settle(void)
{
	ck_assert_int_eq(nur_wait_all_tasks_blocked(0), 0);
}

void
t_enter(struct nur_cancel_scope *scope)
{
	ck_assert_int_eq(nur_cancel_scope_enter(scope), 0);
}

struct nur_statistics
t_statistics(void)
{
	struct nur_statistics statistics;

	ck_assert_int_eq(nur_current_statistics(&statistics), 0);
	return statistics;
}

bool
t_is_watched(void)
{
	return is_sanitized || RUNNING_ON_VALGRIND;
}

size_t
t_scaled(size_t n)
{
	return !t_is_watched() ? n : n > scale ? n / scale : 1;
}

int64_t
t_real_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail for this clock */
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

size_t
t_resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long size, resident;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%lu %lu", &size, &resident), 2);
	(void)fclose(file); /* only read */
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

size_t
t_mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	size_t n = 0;
	int c;

	ck_assert_ptr_nonnull(file);
	while ((c = getc(file)) != EOF) {
		n += c == '\n';
	}
	(void)fclose(file); /* only read */
	return n;
}

static void
read_all(int fd, char *text, size_t cap)
{
	char rest[256];
	size_t len = 0;
	ssize_t n;

	for (;;) {
		bool is_full = len + 1 >= cap;

		n = is_full ? read(fd, rest, sizeof(rest)) : read(fd, text + len, cap - 1 - len);
		if (n == 0 || (n < 0 && errno != EINTR)) {
			break;
		}
		len += n > 0 && !is_full ? (size_t)n : 0;
	}
	text[len] = '\0';
}

int
t_in_child(void (*fn)(void), char *text, size_t cap)
{
	int pipe_fds[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(pipe_fds), 0);
	(void)fflush(NULL); /* or the child would write it a second time */
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		const struct rlimit no_core = { 0, 0 };

		(void)setrlimit(RLIMIT_CORE, &no_core); /* a core file would only litter */
		(void)dup2(pipe_fds[1], STDERR_FILENO);
		(void)close(pipe_fds[0]);
		(void)close(pipe_fds[1]);
		fn();
		_exit(EXIT_SUCCESS);
	}
	(void)close(pipe_fds[1]);
	read_all(pipe_fds[0], text, cap);
	(void)close(pipe_fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

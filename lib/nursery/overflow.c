/* SPDX-License-Identifier: MIT */
/*
 * A task that runs off its stack meets the guard below it, and the kernel sends SIGSEGV to the thread
 * that did it. There is no stack left to run a handler on, so each watched thread has an alternate one;
 * the handler finds the thread's watches, one for each of its runs, in a thread-local list, prints the
 * name, and hands over to whatever handled the signal before.
 *
 * The handler is the process's, so it is counted: the first watch puts it in, the last one takes it out
 * if nobody has put another one over it. One that stays behind only hands over.
 */
#include "lib/nursery/overflow.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/uio.h>
#include <unistd.h>

/* what the handlers before us may need, beside the kernel's frame */
#define ALT_STACK_ROOM ((size_t)32 * 1024)

/* The thread's watches, and what the handler runs on while there are any; NULL: the thread had one. */
static __thread struct nuri_overflow *watching __attribute__((tls_model("initial-exec")));
static __thread void *alt_stack __attribute__((tls_model("initial-exec")));

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static size_t n_watches;
static struct sigaction previous;

static void
report(const char *name)
{
	static const char text[] = "libnursery: stack overflow in task ";
	struct iovec parts[] = {
		{ (void *)(uintptr_t)text, sizeof(text) - 1 },
		{ (void *)(uintptr_t)name, strlen(name) },
		{ (void *)(uintptr_t) "\n", 1 },
	};

	if (writev(STDERR_FILENO, parts, 3) < 0) {
		return; /* nobody left to tell */
	}
}

static void
hand_over(int signo, siginfo_t *info, void *machine)
{
	if (previous.sa_flags & SA_SIGINFO) {
		previous.sa_sigaction(signo, info, machine);
	} else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
		previous.sa_handler(signo);
	} else {
		/* The instruction is tried again, and the kernel ends the process there. */
		(void)signal(signo, SIG_DFL);
	}
}

static void
on_fault(int signo, siginfo_t *info, void *machine)
{
	const struct nuri_overflow *overflow = watching;
	const char *name = NULL;

	while (overflow && !name) {
		name = overflow->find(info->si_addr, overflow->arg);
		overflow = overflow->next;
	}
	if (name) {
		report(name);
	}
	hand_over(signo, info, machine);
}

static int
install(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct sigaction present;

	if (sigaction(SIGSEGV, NULL, &present) < 0) {
		return -errno;
	}
	if ((present.sa_flags & SA_SIGINFO) && present.sa_sigaction == on_fault) {
		return 0; /* stayed behind below a handler that is gone now */
	}
	previous = present;
	(void)sigemptyset(&action.sa_mask);
	return sigaction(SIGSEGV, &action, NULL) < 0 ? -errno : 0;
}

static void
uninstall(void)
{
	struct sigaction present;

	if (sigaction(SIGSEGV, NULL, &present) == 0 && (present.sa_flags & SA_SIGINFO) &&
		present.sa_sigaction == on_fault) {
		(void)sigaction(SIGSEGV, &previous, NULL); /* ours goes back where it came from */
	}
}

static int
add_watch(void)
{
	int r = 0;

	(void)pthread_mutex_lock(&mutex);
	if (n_watches == 0) {
		r = install();
	}
	n_watches += r == 0;
	(void)pthread_mutex_unlock(&mutex);
	return r;
}

static void
drop_watch(void)
{
	(void)pthread_mutex_lock(&mutex);
	if (--n_watches == 0) {
		uninstall();
	}
	(void)pthread_mutex_unlock(&mutex);
}

static int
set_alt_stack(void)
{
	size_t size = (size_t)getauxval(AT_MINSIGSTKSZ) + ALT_STACK_ROOM;
	stack_t stack = { .ss_size = size };
	stack_t present;

	if (sigaltstack(NULL, &present) < 0) {
		return -errno;
	}
	if (!(present.ss_flags & SS_DISABLE)) {
		return 0; /* the thread's own is as good */
	}
	stack.ss_sp = malloc(size);
	if (!stack.ss_sp) {
		return -ENOMEM;
	}
	if (sigaltstack(&stack, NULL) < 0) {
		int r = -errno;

		free(stack.ss_sp);
		return r;
	}
	alt_stack = stack.ss_sp;
	return 0;
}

static void
drop_alt_stack(void)
{
	stack_t none = { .ss_flags = SS_DISABLE };
	stack_t present;

	if (!alt_stack) {
		return;
	}
	if (sigaltstack(NULL, &present) == 0 && present.ss_sp == alt_stack) {
		(void)sigaltstack(&none, NULL); /* fails only on the alternate stack itself */
	}
	free(alt_stack);
	alt_stack = NULL;
}

int
nuri_overflow_begin(struct nuri_overflow *overflow,
	const char *(*find)(const void *address, void *arg), void *arg)
{
	int r;

	if (!watching) {
		r = set_alt_stack();
		if (r < 0) {
			return r;
		}
	}
	r = add_watch();
	if (r < 0) {
		if (!watching) {
			drop_alt_stack();
		}
		return r;
	}
	*overflow = (struct nuri_overflow){ .next = watching, .find = find, .arg = arg };
	watching = overflow;
	return 0;
}

void
nuri_overflow_end(struct nuri_overflow *overflow)
{
	struct nuri_overflow **place = &watching;

	while (*place != overflow) {
		assert(*place); /* it was begun on this thread */
		place = &(*place)->next;
	}
	*place = overflow->next;
	drop_watch();
	if (!watching) {
		drop_alt_stack();
	}
}

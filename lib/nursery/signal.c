/* SPDX-License-Identifier: MIT */
/*
 * Signals as something to wait for.
 *
 * A signal belongs to the process, so there is one table of who catches which, changed atomically. The
 * handler may run on any thread; it marks the signal as pending and, if it was not, writes its number
 * into the receiver's pipe: the pipe keeps the order and can never fill up. The task waits on the
 * pipe's other end.
 *
 * A receiver is freed only after it has left the table and no handler is at work: handlers are
 * counted, and take no longer than one write.
 */
#include <nursery/checkpoint.h>
#include <nursery/fd.h>
#include <nursery/signal.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/fork.h"

#define N_SIGNALS 65 /* numbers below; all of Linux's fit into the pipe and into one mask of bits */

/*
 * pending  a bit for each number that is in the pipe
 * caught   likewise, that this receiver catches
 * old      what handled them before
 */
struct nur_signal_receiver {
	_Atomic uint64_t pending;
	uint64_t caught;
	int pipe[2];
	bool is_busy;
	struct sigaction old[N_SIGNALS];
};

static struct nur_signal_receiver *_Atomic catchers[N_SIGNALS];
static atomic_uint n_handlers_at_work;

static uint64_t
bit_of(int signo)
{
	return UINT64_C(1) << (signo - 1);
}

static void
on_signal(int signo)
{
	int saved_errno = errno;
	struct nur_signal_receiver *receiver;

	atomic_fetch_add(&n_handlers_at_work, 1);
	receiver = atomic_load(&catchers[signo]);
	if (receiver && !(atomic_fetch_or(&receiver->pending, bit_of(signo)) & bit_of(signo))) {
		uint8_t number = (uint8_t)signo;

		(void)!write(receiver->pipe[1], &number, 1); /* has room for all of them */
	}
	atomic_fetch_sub(&n_handlers_at_work, 1);
	errno = saved_errno;
}

static int
catch_signal(struct nur_signal_receiver *receiver, int signo)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK };
	struct nur_signal_receiver *nobody = NULL;

	if (signo < 1 || signo >= N_SIGNALS) {
		return -EINVAL;
	}
	if (receiver->caught & bit_of(signo)) {
		return 0; /* named twice */
	}
	if (!atomic_compare_exchange_strong(&catchers[signo], &nobody, receiver)) {
		return NUR_EBUSY;
	}
	(void)sigemptyset(&action.sa_mask);
	if (sigaction(signo, &action, &receiver->old[signo]) < 0) {
		int r = -errno;

		atomic_store(&catchers[signo], NULL);
		return r;
	}
	receiver->caught |= bit_of(signo);
	return 0;
}

/* The old handlers are back, and no handler of ours will touch @receiver any more. */
static void
let_go(struct nur_signal_receiver *receiver)
{
	for (int signo = 1; signo < N_SIGNALS; signo++) {
		if (receiver->caught & bit_of(signo)) {
			(void)sigaction(signo, &receiver->old[signo], NULL); /* was good before */
			atomic_store(&catchers[signo], NULL);
		}
	}
	while (atomic_load(&n_handlers_at_work) > 0) {
		(void)sched_yield(); /* on other threads */
	}
}

void
nuri_signal_after_fork(void)
{
	for (int signo = 1; signo < N_SIGNALS; signo++) {
		struct nur_signal_receiver *receiver = atomic_load(&catchers[signo]);

		if (receiver) {
			(void)sigaction(signo, &receiver->old[signo], NULL); /* was good before */
			receiver->caught &= ~bit_of(signo);
			atomic_store(&catchers[signo], NULL);
		}
	}
	atomic_store(&n_handlers_at_work, 0); /* on threads that the child does not have */
}

/* 0 and the number that came first, or -EAGAIN. */
static int
take(struct nur_signal_receiver *receiver, int *ret_signal)
{
	uint8_t number;

	if (read(receiver->pipe[0], &number, 1) != 1) {
		return -EAGAIN;
	}
	atomic_fetch_and(&receiver->pending, ~bit_of(number));
	*ret_signal = number;
	return 0;
}

void
nur_signal_receiver_close(struct nur_signal_receiver *receiver)
{
	int signo;

	if (!receiver) {
		return;
	}
	assert(!receiver->is_busy);
	let_go(receiver);
	while (receiver->caught && take(receiver, &signo) == 0) {
		(void)raise(
			signo); /* for the old handler; in a forked child they are its parent's */
	}
	nur_notify_closing(receiver->pipe[0]);
	(void)close(receiver->pipe[0]);
	(void)close(receiver->pipe[1]);
	free(receiver);
}

DEFINE_CLEANUP(struct nur_signal_receiver *, nur_signal_receiver_close);

int
nur_signal_receiver_open(const int *signals, size_t n, struct nur_signal_receiver **ret_receiver)
{
	_cleanup_(nur_signal_receiver_closep) struct nur_signal_receiver *receiver = NULL;
	_cleanup_(freep) struct nur_signal_receiver *memory = NULL;

	if (!nur_in_run()) {
		return NUR_ENOTINTASK;
	}
	if (n == 0) {
		return -EINVAL;
	}
	memory = calloc(1, sizeof(*memory));
	if (!memory) {
		return -ENOMEM;
	}
	if (pipe2(memory->pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		return -errno;
	}
	receiver = steal(&memory);

	for (size_t i = 0; i < n; i++) {
		int r = catch_signal(receiver, signals[i]);

		if (r < 0) {
			return r;
		}
	}
	*ret_receiver = steal(&receiver);
	return 0;
}

static int
wait_for_signal(struct nur_signal_receiver *receiver, int *ret_signal)
{
	int r = atomic_load(&receiver->pending) ? nur_checkpoint()
						: nur_wait_readable(receiver->pipe[0]);

	while (r == 0 && take(receiver, ret_signal) < 0) {
		/* A handler on another thread has marked it, and not written it yet. */
		r = nur_wait_readable(receiver->pipe[0]);
	}
	return r;
}

int
nur_signal_receiver_next(struct nur_signal_receiver *receiver, int *ret_signal)
{
	int r;

	if (receiver->is_busy) {
		return NUR_EBUSY;
	}
	receiver->is_busy = true;
	r = wait_for_signal(receiver, ret_signal);
	receiver->is_busy = false;
	return r;
}

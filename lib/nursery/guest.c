/* SPDX-License-Identifier: MIT */
/*
 * A run on a host's base. docs/guest-mode.md has the reasons.
 *
 * The guest is the driver that nur_run() is for a run of its own: the loop calls its turn, the turn
 * makes one pass, and asks for the next one. Between the turns the thread is not in the run, which
 * waits for I/O as far as its instruments can tell. Whoever enters it in between (a callback of the
 * host, a watch of the run) counts as something that happened, and the next turn is thought over
 * when he leaves.
 *
 * The run may be on a stack other than last time: a host may drive its base from anywhere, even
 * from a task of another run.
 */
#include <nursery/guest.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/scheduler.h"

/*
 * n_entered  how often it was entered and not left; a turn counts as one
 * outer      what the thread's run was before the first of these
 * thread     the host's
 * timeout    how long it waits at most, real ns; negative: it does not wait
 * is_over    the run has been closed
 */
struct nur_guest {
	struct nuri_host host;
	struct nuri_run run;
	struct nuri_run *outer;
	unsigned n_entered;
	pthread_t thread;
	nur_time timeout;
	bool is_over;
	nur_guest_done_fn done;
	void *user;
};

static void
check_thread(const struct nur_guest *guest, const char *call)
{
	if (!pthread_equal(guest->thread, pthread_self())) {
		nuri_die("%s on another thread than the guest's", call);
	}
}

static void
enter(struct nur_guest *guest)
{
	struct nuri_run *outer = nuri_current_run();

	if (guest->n_entered++ > 0) {
		if (outer != &guest->run) {
			nuri_die("a guest was entered again from inside another run");
		}
		return;
	}
	guest->outer = outer;
	nuri_set_current_run(&guest->run);
	if (guest->timeout >= 0) {
		nuri_instruments_call_io(&guest->run, NURI_AFTER_IO_WAIT, guest->timeout);
		guest->timeout = -1;
	}
}

static void
leave(struct nur_guest *guest)
{
	if (--guest->n_entered == 0) {
		nuri_set_current_run(guest->outer);
	}
}

/* The next turn comes when the host has asked the kernel. */
static void
wait_for_turn(struct nur_guest *guest)
{
	guest->timeout = nuri_run_time_to_wait(&guest->run);
	nuri_loop_turn_within(
		&guest->run.loop, nuri_run_announce_wait(&guest->run, guest->timeout));
}

/* Somebody was inside: what he did may bring the next turn forward, or put it off. */
static void
leave_and_plan(struct nur_guest *guest)
{
	struct nuri_run *run = &guest->run;

	if (guest->n_entered == 0 || nuri_current_run() != run) {
		nuri_die("a guest was left that was not the last one entered");
	}
	if (guest->n_entered == 1) {
		run->idle_since = NUR_FOREVER;
		if (nuri_run_is_due(run)) {
			nuri_loop_turn_now(&run->loop);
		} else {
			wait_for_turn(guest);
		}
	}
	leave(guest);
}

static void
host_enter(struct nuri_host *host)
{
	enter(container_of(host, struct nur_guest, host));
}

static void
host_leave(struct nuri_host *host)
{
	leave_and_plan(container_of(host, struct nur_guest, host));
}

/* The last that happens in a guest: done may destroy it. */
static void
finish(struct nur_guest *guest, int result, struct nur_errors *errors)
{
	nuri_run_close(&guest->run);
	guest->is_over = true;
	guest->done(result, errors, guest->user);
	nur_errors_fini(errors);
}

static void
turn(struct nuri_host *host)
{
	struct nur_guest *guest = container_of(host, struct nur_guest, host);
	struct nuri_run *run = &guest->run;
	struct nur_errors errors;
	int result;

	check_thread(guest, "the host's loop");
	if (guest->n_entered > 0) {
		nuri_die("a callback of the host returned without nur_guest_leave()");
	}
	enter(guest);
	run->loop_context = (struct nuri_context){ 0 };
	nuri_run_pass(run);
	if (run->n_tasks > 0) {
		wait_for_turn(guest);
		leave(guest);
		return;
	}
	result = nuri_run_result(run, &errors);
	leave(guest);
	finish(guest, result, &errors);
}

static int
start(struct nur_guest *guest, const struct nur_guest_options *options,
	const struct nur_run_options *run_options)
{
	int r;

	enter(guest);
	r = nuri_run_start(&guest->run, run_options, options->fn, options->arg);
	if (r == 0) {
		wait_for_turn(guest);
	}
	leave(guest);
	return r;
}

int
nur_guest_start(const struct nur_guest_options *options, struct nur_guest **ret_guest)
{
	static const struct nur_run_options defaults;
	const struct nur_run_options *run_options = options->run ? options->run : &defaults;
	_cleanup_(freep) struct nur_guest *guest = NULL;
	int r;

	if (!options->base || !options->fn || !options->done) {
		return -EINVAL;
	}
	guest = calloc(1, sizeof(*guest));
	if (!guest) {
		return -ENOMEM;
	}
	guest->host = (struct nuri_host){
		.base = options->base, .turn = turn, .enter = host_enter, .leave = host_leave
	};
	guest->thread = pthread_self();
	guest->timeout = -1;
	guest->done = options->done;
	guest->user = options->user;

	r = nuri_run_open(&guest->run, run_options, &guest->host);
	if (r < 0) {
		return r;
	}
	r = start(guest, options, run_options);
	if (r < 0) {
		nuri_run_close(&guest->run);
		return r;
	}
	*ret_guest = steal(&guest);
	return 0;
}

int
nur_guest_enter(struct nur_guest *guest)
{
	if (guest->is_over) {
		return NUR_ERUNFINISHED;
	}
	check_thread(guest, "nur_guest_enter()");
	if (guest->n_entered == 0) {
		nuri_loop_turn_now(&guest->run.loop); /* finds out who forgets to leave */
	}
	enter(guest);
	return 0;
}

void
nur_guest_leave(struct nur_guest *guest)
{
	leave_and_plan(guest);
}

static void
abandon(struct nur_guest *guest)
{
	struct nuri_run *run = &guest->run;

	check_thread(guest, "nur_guest_destroy()");
	if (guest->n_entered > 0) {
		nuri_die("nur_guest_destroy() inside the guest's run");
	}
	enter(guest);
	nuri_run_report(run,
		"a guest's run was abandoned: %zu tasks had not ended, and their cleanup did not "
		"run",
		run->n_tasks);
	nuri_run_abandon(run);
	leave(guest);
	nuri_run_close(run);
}

void
nur_guest_destroy(struct nur_guest *guest)
{
	if (guest && !guest->is_over) {
		abandon(guest);
	}
	free(guest);
}

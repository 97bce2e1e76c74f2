/* SPDX-License-Identifier: MIT */
/*
 * An errand lives on the stack of the task that waits for it. Three prepared calls go between the two runs,
 * through their entry queues, so nothing is allocated and nothing can fail on the way:
 *
 *	the task                                       the other run
 *	begin ───────────────────────────────────────▶ start a task
 *	(cancelled: cancel ──────────────────────────▶ cancel its scope)
 *	go on ◀─────────────────────────────────────── done
 *
 * Whoever waits must not go on while a call is on its way to the other run. So n_pending counts what is due
 * there: the task's end, and the cancel if one was sent. Who takes it to zero, over there, sends "done", and
 * nobody touches the errand afterwards. A cancel that finds zero comes too late and is not sent.
 *
 * When "done" has been queued, this run may go on and end while the sender is still waking it. So the errand has
 * the run's token open, and it is the sender who closes it.
 */
#include "lib/fetch/errand.h"

#include <assert.h>
#include <stdatomic.h>

struct errand {
	const struct fetch_site *site;
	struct nur_token *home;
	const char *name;
	nur_task_fn fn;
	void *arg;
	nur_time deadline;
	struct nur_cancel_scope scope;
	int result;
	struct nur_task *task;
	atomic_uint n_pending;
	struct nur_wakeup begin;
	struct nur_wakeup cancel;
	struct nur_wakeup done;
};

static void
post(struct nur_wakeup *wakeup)
{
	int r = nur_wakeup_send(wakeup);

	assert(r == 0); /* whoever waits, or is waited for, keeps its run alive */
	(void)r;
}

static int
go_on(void *arg)
{
	struct errand *errand = arg;

	nur_reschedule(errand->task, errand->result);
	return 0;
}

static void
settle(struct errand *errand)
{
	struct nur_token *home = errand->home;

	if (atomic_fetch_sub(&errand->n_pending, 1) == 1) {
		post(&errand->done);
		nur_token_close(home);
	}
}

/* ---- a call ---- */

struct call {
	struct errand errand;
	void (*fn)(void *arg);
};

static int
make_call(void *arg)
{
	struct call *call = arg;

	call->fn(call->errand.arg);
	settle(&call->errand);
	return 0;
}

static struct nur_token *
open_own_token(void)
{
	struct nur_token *token = NULL;
	int r = nur_token_open(&token);

	assert(r == 0); /* there is one already */
	(void)r;
	return token;
}

void
fetch_errand_call(const struct fetch_site *site, void (*fn)(void *arg), void *arg)
{
	struct call call = {
		.errand = { .home = open_own_token(),
			.arg = arg,
			.task = nur_current_task(),
			.n_pending = 1 },
		.fn = fn,
	};

	nur_wakeup_init(&call.errand.begin, site->token, make_call, &call);
	nur_wakeup_init(&call.errand.done, call.errand.home, go_on, &call.errand);
	post(&call.errand.begin);
	(void)!nur_wait_task_rescheduled("another run", NULL, NULL); /* cannot be undone */
}

/* ---- a task ---- */

static int
run_errand(void *arg)
{
	struct errand *errand = arg;
	int r;

	r = NUR_WITHIN(&errand->scope, errand->result = errand->fn(errand->arg));
	settle(errand);
	return r == NUR_ECANCELED ? r : 0;
}

static int
begin(void *arg)
{
	struct errand *errand = arg;
	int r;

	nur_cancel_scope_init_at(&errand->scope, errand->deadline);
	r = nur_start_soon(errand->site->nursery, errand->name, run_errand, errand);
	if (r < 0) {
		errand->result = r;
		settle(errand);
	}
	return 0;
}

static int
cancel(void *arg)
{
	struct errand *errand = arg;

	nur_cancel_scope_cancel(&errand->scope, "whoever waits for it is cancelled");
	settle(errand);
	return 0;
}

static enum nur_abort
send_cancel(struct nur_task *task, void *arg)
{
	struct errand *errand = arg;
	unsigned n = atomic_load(&errand->n_pending);

	while (n > 0 && !atomic_compare_exchange_weak(&errand->n_pending, &n, n + 1)) {
	}
	if (n > 0) {
		post(&errand->cancel);
	}
	return NUR_ABORT_FAILED;
}

int
fetch_errand_run(const struct fetch_site *site, const char *name, nur_task_fn fn, void *arg)
{
	struct errand errand = {
		.site = site,
		.home = open_own_token(),
		.name = name,
		.fn = fn,
		.arg = arg,
		.deadline = nur_current_effective_deadline(),
		.task = nur_current_task(),
		.n_pending = 1,
	};
	int r;

	nur_wakeup_init(&errand.begin, site->token, begin, &errand);
	nur_wakeup_init(&errand.cancel, site->token, cancel, &errand);
	nur_wakeup_init(&errand.done, errand.home, go_on, &errand);
	post(&errand.begin);
	r = nur_wait_task_rescheduled("another run", send_cancel, &errand); /* cannot be undone */

	/* Their clock may see the deadline first: we are cancelled, or about to be. */
	return r == NUR_ECANCELED ? nur_sleep_forever() : r;
}

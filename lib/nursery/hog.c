/* SPDX-License-Identifier: MIT */
/*
 * The watchdog. A task that computes without a checkpoint keeps everything else from running, its own
 * report included: so a thread of the watchdog's own looks at the step that is under way. An instrument
 * tells it when steps begin and end. It sleeps until the step that it saw would have taken too long; most
 * times another step is under way by then, and it sleeps on. A step is named once, while it lasts.
 *
 * The mutex keeps the task and its name alive while that is read: the step cannot end meanwhile, and
 * giving the task another name waits.
 */
#include "lib/nursery/hog.h"

#include <nursery/instrument.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/scheduler.h"

/*
 * task         whose step is under way; NULL: none
 * since        its beginning, CLOCK_MONOTONIC
 * is_reported  this step was
 */
struct nuri_hog {
	struct nur_instrument instrument;
	struct nuri_run *run;
	nur_time after;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t end;
	const struct nur_task *task;
	nur_time since;
	bool is_reported;
	bool is_over;
};

static int
begin_step(struct nur_task *task, void *arg)
{
	struct nuri_hog *hog = arg;

	(void)pthread_mutex_lock(&hog->mutex);
	hog->task = task;
	hog->since = nuri_monotonic();
	hog->is_reported = false;
	(void)pthread_mutex_unlock(&hog->mutex);
	return 0;
}

static int
end_step(struct nur_task *task, void *arg)
{
	struct nuri_hog *hog = arg;

	(void)pthread_mutex_lock(&hog->mutex);
	hog->task = NULL;
	(void)pthread_mutex_unlock(&hog->mutex);
	return 0;
}

static bool
is_watching(const struct nuri_hog *hog)
{
	return hog->task && !hog->is_reported;
}

/* With the mutex, which is let go while the line is on its way. */
static void
report(struct nuri_hog *hog, nur_time busy)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "%s", nur_task_name(hog->task));
	hog->is_reported = true;
	(void)pthread_mutex_unlock(&hog->mutex);
	nuri_run_report(hog->run, "task \"%s\" has kept the loop busy for %.3f s", name,
		(double)busy / 1e9);
	(void)pthread_mutex_lock(&hog->mutex);
}

static void *
watch(void *arg)
{
	struct nuri_hog *hog = arg;

	(void)pthread_mutex_lock(&hog->mutex);
	while (!hog->is_over) {
		nur_time now = nuri_monotonic();
		nur_time until = nur_time_add(is_watching(hog) ? hog->since : now, hog->after);
		struct timespec when = { .tv_sec = until / NUR_SEC(1),
			.tv_nsec = until % NUR_SEC(1) };

		if (is_watching(hog) && until <= now) {
			report(hog, now - hog->since);
		} else {
			(void)pthread_cond_timedwait(&hog->end, &hog->mutex, &when);
		}
	}
	(void)pthread_mutex_unlock(&hog->mutex);
	return NULL;
}

/* Signals are for the program's own threads. */
static int
start_thread(struct nuri_hog *hog)
{
	sigset_t all, old;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&hog->thread, NULL, watch, hog);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

static void
init_end(struct nuri_hog *hog)
{
	pthread_condattr_t attributes;

	(void)pthread_condattr_init(
		&attributes); /* these cannot fail with glibc, musl and good arguments */
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&hog->end, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

int
nuri_hog_begin(struct nuri_run *run, nur_time after)
{
	_cleanup_(freep) struct nuri_hog *hog = NULL;
	int r;

	if (after == 0) {
		return 0;
	}
	if (after < 0) {
		return -EINVAL;
	}
	hog = malloc(sizeof(*hog));
	if (!hog) {
		return -ENOMEM;
	}

	*hog = (struct nuri_hog){
		.instrument = { .name = "watchdog",
			.arg = hog,
			.before_task_step = begin_step,
			.after_task_step = end_step },
		.run = run,
		.after = after,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
	};
	init_end(hog);
	r = start_thread(hog);
	if (r < 0) {
		return r;
	}
	(void)nur_instrument_add(&hog->instrument); /* new, and in the current run */
	run->hog = steal(&hog);
	return 0;
}

void
nuri_hog_hold(struct nuri_run *run)
{
	if (run->hog) {
		(void)pthread_mutex_lock(&run->hog->mutex);
	}
}

void
nuri_hog_release(struct nuri_run *run)
{
	if (run->hog) {
		(void)pthread_mutex_unlock(&run->hog->mutex);
	}
}

void
nuri_hog_end(struct nuri_run *run)
{
	_cleanup_(freep) struct nuri_hog *hog = steal(&run->hog);

	if (!hog) {
		return;
	}
	(void)pthread_mutex_lock(&hog->mutex);
	hog->is_over = true;
	(void)pthread_cond_signal(&hog->end);
	(void)pthread_mutex_unlock(&hog->mutex);
	(void)pthread_join(hog->thread, NULL);
	(void)pthread_cond_destroy(&hog->end);
	(void)pthread_mutex_destroy(&hog->mutex);
}

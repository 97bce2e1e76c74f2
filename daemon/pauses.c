/* SPDX-License-Identifier: MIT */
#include "daemon/pauses.h"

#include <errno.h>
#include <nursery.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/jobs/jobs.h"
#include "daemon/ops/log.h"
#include "daemon/store/queue.h"
#include "lib/base/buffer.h"

/* Names go to the store's thread and back as a text: each with its NUL, for a job may be gone meanwhile. */

static int
add_name(void *user, const char *job)
{
	struct buffer *names = user;

	buffer_append(names, job, strlen(job) + 1);
	return buffer_error(names);
}

static int
read_names(struct store *store, void *arg)
{
	return store_each_paused(store, add_name, arg);
}

static int
write_names(struct store *store, void *arg)
{
	const struct buffer *names = arg;
	int r = store_clear_paused(store);

	for (size_t at = 0; r >= 0 && at < names->len; at += strlen(names->data + at) + 1) {
		r = store_add_paused(store, names->data + at);
	}
	return r;
}

int
pauses_restore(struct pauses *pauses)
{
	const struct buffer *names = &pauses->kept;
	int r = pauses->store ? store_queue_read(pauses->store, read_names, &pauses->kept) : 0;

	if (r < 0) {
		return r;
	}
	for (size_t at = 0; at < names->len; at += strlen(names->data + at) + 1) {
		struct job *job = jobs_find(pauses->jobs, names->data + at);

		if (job) {
			job_pause(job);
		}
	}
	return 0;
}

static int
collect_names(struct jobs *jobs, struct buffer *names)
{
	for (struct job *job = NULL; (job = jobs_next(jobs, job));) {
		struct job_view view;

		job_describe(job, &view);
		if (view.is_paused) {
			(void)add_name(names, view.config->name);
		}
	}
	return buffer_error(names);
}

static bool
is_same(const struct buffer *a, const struct buffer *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/*
 * The thread has a copy: another change may come while it writes. What is the same, but not on disk yet, is written
 * again: that is there after what waits before it.
 */
static int
write_changed(struct pauses *pauses, struct buffer *names)
{
	_cleanup_(buffer_fini) struct buffer copy = BUFFER_INIT;
	int r = collect_names(pauses->jobs, names);

	if (r < 0 || (is_same(names, &pauses->kept) && pauses->n_writing == 0)) {
		return r;
	}
	buffer_append(&copy, names->data, names->len);
	if (buffer_error(&copy) < 0) {
		return -ENOMEM;
	}
	buffer_fini(&pauses->kept);
	pauses->kept = *names;
	*names = (struct buffer)BUFFER_INIT;
	pauses->n_writing++;
	r = store_queue_call(pauses->store, write_names, &copy);
	pauses->n_writing--;
	return r;
}

void
pauses_keep(struct pauses *pauses)
{
	_cleanup_(buffer_fini) struct buffer names = BUFFER_INIT;
	int r = pauses->store ? write_changed(pauses, &names) : 0;

	if (r < 0) {
		log_warning("which jobs are paused is forgotten when the daemon ends: %s",
			nur_strerror(r));
	}
}

void
pauses_fini(struct pauses *pauses)
{
	buffer_fini(&pauses->kept);
}

/* SPDX-License-Identifier: MIT */
#include "client/view/job_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/view/summary.h"
#include "lib/base/cleanup.h"

#define STATE_WIDTH   7
#define MOMENT_WIDTH  23
#define LEFT_WIDTH    6
#define OUTCOME_WIDTH 9
#define TIME_WIDTH    7
#define MIN_NAME      4

static bool
is_true(const struct value *value)
{
	return value && value->type == VALUE_BOOL && value->boolean;
}

int
job_record_from_value(const struct value *value, struct job_record *ret_job)
{
	struct job_record job = {
		.name = value_get_text(value, "name"),
		.state = value_get_text(value, "state"),
		.running = value_get_text(value, "running"),
		.is_paused = is_true(value_get(value, "paused")),
		.is_queued = is_true(value_get(value, "queued")),
		.value = value,
	};
	int64_t unused;

	if (!job.name || !job.state) {
		return -EINVAL;
	}
	job.has_next = result_read_time(value_get_text(value, "next"), &job.next_sec, &unused) == 0;
	*ret_job = job;
	return 0;
}

/* Its last runs are there from the newest to the oldest. */
const char *
job_find_run_after(const struct job_record *job, const char *batch)
{
	const struct value *runs = value_get(job->value, "runs");
	const char *after = job->running;
	const struct value *run;

	if (!runs || (after && strcmp(after, batch) == 0)) {
		return NULL;
	}
	value_for_each(run, runs) {
		const char *id = value_get_text(run, "batch");

		if (id && strcmp(id, batch) == 0) {
			return after;
		}
		after = id;
	}
	return NULL;
}

static void
gap(struct buffer *out)
{
	buffer_puts(out, "  ");
}

/* "every 30s, jitter 3s", "cron 30 2 * * *", "Mon..Fri 02:30 Europe/Berlin" */
static void
put_schedule(struct buffer *out, const struct job_record *job, const struct style *style)
{
	static const struct {
		const char *key;
		const char *words;
	} parts[] = { { "every", "every " }, { "cron", "cron " }, { "calendar", "" },
		{ "timezone", ", timezone " }, { "jitter", ", jitter " } };
	size_t i;

	for (i = 0; i < ARRAY_LEN(parts); i++) {
		const char *text = value_get_text(job->value, parts[i].key);

		if (text) {
			buffer_puts(out, parts[i].words);
			text_put(out, text, style);
		}
	}
}

void
job_put_state(struct buffer *out, const struct job_record *job, int64_t now_sec,
	const struct style *style)
{
	char moment[TEXT_MOMENT_MAX];
	char left[TEXT_TIME_MAX];

	text_put(out, job->state, style);
	if (job->running) {
		buffer_puts(out, ", batch ");
		text_put(out, job->running, style);
		buffer_puts(out, job->is_paused ? ", paused" : "");
	}
	if (job->has_next) {
		buffer_printf(out, ", next %s (in %s)", text_moment(job->next_sec, moment),
			text_left(job->next_sec - now_sec, left));
	}
}

/* The outcome and how long it took, or dashes. */
static void
put_last(struct buffer *out, const struct value *run, const struct style *style)
{
	struct batch_summary summary;
	char time[TEXT_TIME_MAX];

	if (!run || batch_summary_from_value(run, &summary) < 0) {
		text_put_cut(out, "-", OUTCOME_WIDTH, style);
		gap(out);
		text_put_right(out, "-", TIME_WIDTH, style);
		return;
	}
	text_colour(out, summary_colour(&summary), style);
	text_put_cut(out, batch_outcome_name(summary.outcome), OUTCOME_WIDTH, style);
	text_colour(out, COLOUR_NONE, style);
	gap(out);
	text_put_right(out, text_time(summary.elapsed_ns, time, style), TIME_WIDTH, style);
}

static enum colour
state_colour(const struct job_record *job)
{
	return job->running ? COLOUR_CYAN : job->has_next ? COLOUR_NONE : COLOUR_YELLOW;
}

static void
put_row(struct buffer *out, const struct job_record *job, size_t name_width, int64_t now_sec,
	const struct style *style)
{
	char moment[TEXT_MOMENT_MAX] = "-";
	char left[TEXT_TIME_MAX] = "-";

	if (job->has_next) {
		(void)text_moment(job->next_sec, moment);
		(void)text_left(job->next_sec - now_sec, left);
	} else if (job->is_paused && job->running) {
		(void)snprintf(moment, sizeof(moment), "paused");
	}
	text_put_cut(out, job->name, name_width, style);
	gap(out);
	text_colour(out, state_colour(job), style);
	text_put_cut(out, job->state, STATE_WIDTH, style);
	text_colour(out, COLOUR_NONE, style);
	gap(out);
	text_put_cut(out, moment, MOMENT_WIDTH, style);
	gap(out);
	text_put_right(out, left, LEFT_WIDTH, style);
	gap(out);
	put_last(out, value_get(job->value, "last"), style);
	gap(out);
	put_schedule(out, job, style);
	buffer_putc(out, '\n');
}

/* A name is never cut: it is there to be copied. */
static size_t
measure_names(const struct value *jobs, const struct style *style)
{
	const struct value *value;
	size_t max = MIN_NAME;

	value_for_each(value, jobs) {
		const char *name = value_get_text(value, "name");
		size_t width = name ? text_width(name, style) : 0;

		max = width > max ? width : max;
	}
	return max;
}

void
job_put_table(
	struct buffer *out, const struct value *jobs, int64_t now_sec, const struct style *style)
{
	size_t name_width = measure_names(jobs, style);
	const struct value *value;
	struct job_record job;

	text_colour(out, COLOUR_BOLD, style);
	text_put_cut(out, "NAME", name_width, style);
	buffer_puts(
		out, "  STATE    NEXT                       LEFT  LAST       ELAPSED  SCHEDULE");
	text_colour(out, COLOUR_NONE, style);
	buffer_putc(out, '\n');
	value_for_each(value, jobs) {
		if (job_record_from_value(value, &job) == 0) {
			put_row(out, &job, name_width, now_sec, style);
		}
	}
}

static void
put_run(struct buffer *out, const struct value *run, const struct style *style)
{
	struct batch_summary summary;
	char moment[TEXT_MOMENT_MAX];

	if (batch_summary_from_value(run, &summary) < 0) {
		return;
	}
	text_put_cut(out, text_moment(summary.started_sec, moment), MOMENT_WIDTH, style);
	gap(out);
	put_last(out, run, style);
	buffer_printf(out, "  %5zu  %6zu  %9zu  ", summary.counts.ok,
		summary.counts.failed + summary.counts.timeout, summary.counts.cancelled);
	text_put(out, summary.id, style);
	buffer_putc(out, '\n');
}

void
job_put(struct buffer *out, const struct job_record *job, int64_t now_sec,
	const struct style *style)
{
	const struct value *runs = value_get(job->value, "runs");
	const struct value *run;

	text_put(out, job->name, style);
	buffer_puts(out, ": ");
	job_put_state(out, job, now_sec, style);
	buffer_puts(out, "\nschedule: ");
	put_schedule(out, job, style);
	buffer_putc(out, '\n');
	if (!runs || !runs->first) {
		buffer_puts(out, "no runs yet\n");
		return;
	}
	buffer_putc(out, '\n');
	text_colour(out, COLOUR_BOLD, style);
	buffer_puts(out,
		"STARTED                  OUTCOME    ELAPSED     OK  FAILED  CANCELLED  BATCH");
	text_colour(out, COLOUR_NONE, style);
	buffer_putc(out, '\n');
	value_for_each(run, runs) {
		put_run(out, run, style);
	}
}

/* SPDX-License-Identifier: MIT */
/* fetchctl jobs: looked at, and run, paused and resumed by hand. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/output.h"
#include "client/problem.h"
#include "client/stream.h"
#include "client/terminal.h"
#include "client/view/job_table.h"

static int
say_unreadable(void)
{
	say("the daemon's answer is no job that this fetchctl can read");
	return EXIT_INTERNAL;
}

static int
put_names(const struct value *jobs)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	const struct value *value;

	value_for_each(value, jobs) {
		const char *name = value_get_text(value, "name");

		buffer_printf(&out, "%s\n", name ? name : "");
	}
	return call_write(&out);
}

static int
put_table(const struct value *jobs)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct terminal terminal;

	if (jobs->n == 0) {
		(void)fputs("the configuration has no jobs\n", stderr);
		return EXIT_ALL_OK;
	}
	terminal_look(STDOUT_FILENO, &terminal);
	job_put_table(&out, jobs, time(NULL), &terminal.style);
	return call_write(&out);
}

int
cmd_jobs_list(const struct options *options)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	const char *format = options_get(options, OPTION_OUTPUT);
	const struct value *jobs;
	int code = call_json(options, "GET", "/v1/jobs", &tree);

	if (code != EXIT_ALL_OK || !tree) {
		return code;
	}
	if (format && strcmp(format, "json") == 0) {
		return output_print_json(tree->root);
	}
	jobs = value_get(tree->root, "jobs");
	if (!jobs || jobs->type != VALUE_LIST) {
		say("the daemon's answer is no list of jobs");
		return EXIT_INTERNAL;
	}
	return format && strcmp(format, "names") == 0 ? put_names(jobs) : put_table(jobs);
}

int
cmd_jobs_show(const struct options *options)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	const char *format = options_get(options, OPTION_OUTPUT);
	struct terminal terminal;
	struct job_record job;
	int code = call_named(options, "/v1/jobs/", "", &tree);

	if (code != EXIT_ALL_OK || !tree) {
		return code;
	}
	if (format && strcmp(format, "json") == 0) {
		return output_print_json(tree->root);
	}
	if (job_record_from_value(tree->root, &job) < 0) {
		return say_unreadable();
	}
	terminal_look(STDOUT_FILENO, &terminal);
	job_put(&out, &job, time(NULL), &terminal.style);
	return call_write(&out);
}

/* The job, as it is now; it lives in @ret_tree. */
static int
look_at_job(const struct options *options, struct value_tree **ret_tree, struct job_record *ret_job)
{
	int code = call_named(options, "/v1/jobs/", "", ret_tree);

	if (code == EXIT_ALL_OK && job_record_from_value((*ret_tree)->root, ret_job) < 0) {
		return say_unreadable();
	}
	return code;
}

static void
pause_ms(unsigned ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };

	(void)nanosleep(&pause, NULL); /* cut short: it is looked at once more */
}

/* The run that was asked for is the one after @going, and has its batch when that is over. */
static int
look_on_next(const struct options *options, const char *going)
{
	unsigned ms = 50;

	say("waiting for the end of the run that is going, batch %s", going);
	for (;;) {
		_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
		struct job_record job;
		const char *next;
		int code = look_at_job(options, &tree, &job);

		if (code != EXIT_ALL_OK) {
			return code;
		}
		next = job_find_run_after(&job, going);
		if (next) {
			return stream_look_on(options, next, options_get(options, OPTION_OUTPUT));
		}
		if (!job.is_queued) {
			say("there was no run: the daemon's log says why");
			return EXIT_REFUSED;
		}
		pause_ms(ms);
		ms = ms < 800 ? ms * 2 : ms;
	}
}

/* Without a batch the run waits for the one that is going ("overlap: queue" or "replace"). */
int
cmd_jobs_run(const struct options *options)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct terminal terminal;
	const char *format = options_get(options, OPTION_OUTPUT);
	const char *batch, *going;
	int code = call_named(options, "/v1/jobs/", "/run", &tree);

	if (code != EXIT_ALL_OK || !tree) {
		return code;
	}
	batch = value_get_text(tree->root, "batch");
	going = value_get_text(tree->root, "running");
	if (options_has(options, OPTION_WAIT) && !batch && !going &&
		value_get(tree->root, "running")) {
		say("the run waits for one that has no room yet (limits.batches): see fetchctl "
		    "jobs show");
		return EXIT_REFUSED;
	}
	if (options_has(options, OPTION_WAIT)) {
		return batch   ? stream_look_on(options, batch, format)
		       : going ? look_on_next(options, going)
			       : say_unreadable();
	}
	if (format && strcmp(format, "json") == 0) {
		return output_print_json(tree->root);
	}
	terminal_look(STDOUT_FILENO, &terminal);
	text_put(&out, options->arguments[0], &terminal.style);
	if (batch) {
		buffer_puts(&out, ": batch ");
		text_put(&out, batch, &terminal.style);
	} else {
		buffer_puts(&out, ": queued behind the run that is going");
	}
	buffer_putc(&out, '\n');
	return call_write(&out);
}

static int
change(const struct options *options, const char *verb)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct terminal terminal;
	struct job_record job;
	int code = call_named(options, "/v1/jobs/", verb, &tree);

	if (code != EXIT_ALL_OK || !tree) {
		return code;
	}
	if (job_record_from_value(tree->root, &job) < 0) {
		return say_unreadable();
	}
	terminal_look(STDOUT_FILENO, &terminal);
	text_put(&out, job.name, &terminal.style);
	buffer_puts(&out, ": ");
	job_put_state(&out, &job, time(NULL), &terminal.style);
	buffer_putc(&out, '\n');
	return call_write(&out);
}

int
cmd_jobs_pause(const struct options *options)
{
	return change(options, "/pause");
}

int
cmd_jobs_resume(const struct options *options)
{
	return change(options, "/resume");
}

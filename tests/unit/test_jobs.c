/* SPDX-License-Identifier: MIT */
/*
 * Jobs in virtual time. Behind daemon/batches.h stands a fake: a batch takes as long, and ends, as the test
 * says, and notes what happens to it with the second in which it does.
 */
#include "tests/support/in_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/batches.h"
#include "daemon/config/config.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/schedule.h"
#include "daemon/ops/log.h"
#include "lib/base/buffer.h"

/* ---- the fake ---- */

/*
 * duration     of each batch
 * outcomes     of the batches, one after another, the last one for all that follow; ends with -1
 * run_error    what batch_run() returns
 * admit_error  what batches_admit() returns; refusals of it, if there are any, counted down
 */
struct batches {
	nur_time duration;
	const int *outcomes;
	int run_error;
	int admit_error;
	int n_refusals;
	bool is_draining;
	int n_alive;
};

struct batch {
	struct batches *owner;
	struct batch_description *description;
	struct nur_cancel_scope scope;
	enum batch_outcome outcome;
};

static const int always_ok[] = { BATCH_OK, -1 };

static struct batches batches;

static int
seconds(void)
{
	return (int)(nur_now() / NUR_SEC(1));
}

int
batches_admit(
	struct batches *owner, struct batch_description *description, struct batch **ret_batch)
{
	struct batch *batch;

	if (owner->n_refusals > 0) {
		owner->n_refusals--;
		t_note("refused@%d", seconds());
		return -EAGAIN;
	}
	if (owner->is_draining) {
		return -ESHUTDOWN;
	}
	if (owner->admit_error) {
		return owner->admit_error;
	}
	batch = calloc(1, sizeof(*batch));
	ck_assert_ptr_nonnull(batch);
	batch->owner = owner;
	batch->description = description;
	nur_cancel_scope_init(&batch->scope);
	owner->n_alive++;
	*ret_batch = batch;
	return 0;
}

int
batch_run(struct batch *batch)
{
	struct batches *owner = batch->owner;
	int r;

	t_note("%s@%d", batch->description->name, seconds());
	r = NUR_WITHIN(&batch->scope, nur_sleep(owner->duration));
	batch->outcome = *owner->outcomes;
	if (owner->outcomes[1] >= 0) {
		owner->outcomes++;
	}
	if (nur_cancel_scope_cancelled_caught(&batch->scope)) {
		t_note("%s@%d", nur_cancel_scope_reason(&batch->scope)->text, seconds());
		batch->outcome = BATCH_CANCELLED;
	}
	return r < 0 ? r : owner->run_error;
}

void
batch_cancel(struct batch *batch, enum cancel_reason reason)
{
	nur_cancel_scope_cancel(&batch->scope, cancel_reason_name(reason));
}

struct batch_summary
batch_describe(const struct batch *batch)
{
	return (struct batch_summary){
		.id = "b1",
		.state = BATCH_DONE,
		.outcome = batch->outcome,
		.counts = { .ok = 1, .failed = 2, .timeout = 3, .cancelled = 4 },
	};
}

void
batch_unref(struct batch *batch)
{
	if (batch) {
		batch->owner->n_alive--;
		batch_description_destroy(batch->description);
		free(batch);
	}
}

bool
batches_is_draining(const struct batches *owner)
{
	return owner->is_draining;
}

/* ---- the rest of the scene ---- */

static struct config *config;
static int log_fd = -1;

static void
setup(void)
{
	batches = (struct batches){ .duration = NUR_SEC(1), .outcomes = always_ok };
	config = NULL;
	(void)unsetenv("JOURNAL_STREAM");
	(void)unsetenv("INVOCATION_ID");
	log_fd = memfd_create("log", MFD_CLOEXEC);
	ck_assert_int_ge(log_fd, 0);
	log_open("/nonexistent", log_fd);
	t_forget_notes();
}

static void
teardown(void)
{
	log_close();
	closep(&log_fd);
	config_destroy(config);
}

/* A job "a" every 10 s, and what else @fields say of it. */
static void
configure(const char *fields)
{
	struct faults faults = FAULTS_INIT;
	struct buffer text = BUFFER_INIT;

	buffer_printf(&text,
		"jobs:\n  - name: a\n    every: 10s\n    urls: [\"http://127.0.0.1/\"]\n%s",
		fields);
	ck_assert_int_eq(config_load_text("text", &text, &config, &faults), 0);
	buffer_fini(&text);
	faults_fini(&faults);
}

/* Seconds from the start of the clock to the first start of the job. */
static nur_time
phase(void)
{
	return schedule_of("a", NUR_SEC(10)).phase_ns;
}

static int
run_jobs(void *context)
{
	return jobs_run(context);
}

/* Runs the jobs until half a second after the start that is the @n-th from 0. */
static void
run_until_start(int n)
{
	struct jobs_context context = { config, &batches };
	bool timed_out = false;

	ck_assert_int_eq(nur_move_on_at(phase() + n * NUR_SEC(10) + NUR_MSEC(500), 0, run_jobs,
				 &context, &timed_out),
		0);
	ck_assert(timed_out);
	ck_assert_int_eq(batches.n_alive, 0);
}

/* "a@3 a@13 a@23" for the starts 0, 1, 2: @starts with "+N" in place of seconds since the first one. */
static void
assert_notes(const char *expected)
{
	struct buffer text = BUFFER_INIT;
	int first = (int)(phase() / NUR_SEC(1));

	for (const char *c = expected; *c; c++) {
		if (*c == '+') {
			char *end;

			buffer_printf(&text, "%d", first + (int)strtol(c + 1, &end, 10));
			c = end - 1;
		} else {
			buffer_putc(&text, *c);
		}
	}
	ck_assert_str_eq(t_notes(), text.data);
	buffer_fini(&text);
}

static const char *
logged(void)
{
	static char text[4096];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

static int
count(const char *text, const char *word)
{
	int n = 0;

	while ((text = strstr(text, word))) {
		text++;
		n++;
	}
	return n;
}

/* ---- times ---- */

IN_RUN_TEST(a_job_runs_at_its_phase_and_then_at_its_interval)
{
	configure("");

	run_until_start(3);

	assert_notes("a@+0 a@+10 a@+20 a@+30");
	ck_assert_str_eq(logged(), "");
}
END_TEST

IN_RUN_TEST(a_daemon_started_later_keeps_the_phase)
{
	configure("");
	ck_assert_int_eq(nur_sleep(phase() + NUR_SEC(14)), 0);

	run_until_start(2);

	assert_notes("a@+20");
}
END_TEST

IN_RUN_TEST(a_start_is_late_by_less_than_the_jitter)
{
	int64_t sum = 0;

	configure("    jitter: 5s\n");
	run_until_start(100);

	ck_assert_int_ge(count(t_notes(), "a@"), 100);
	for (const char *c = t_notes(); (c = strstr(c, "a@")); c++) {
		int64_t late = (atoi(c + 2) - phase() / NUR_SEC(1)) % 10;

		ck_assert_int_lt(late, 6);
		sum += late;
	}
	ck_assert_int_gt(sum, 50);
}
END_TEST

IN_RUN_TEST(jobs_run_side_by_side)
{
	batches.duration = NUR_SEC(5);
	configure("  - {name: b, every: 10s, urls: [\"http://127.0.0.1/\"]}\n");

	run_until_start(4);

	ck_assert_int_eq(count(t_notes(), "a@"), 5);
	ck_assert_int_ge(count(t_notes(), "b@"), 4);
}
END_TEST

IN_RUN_TEST(without_jobs_there_is_nothing_to_do)
{
	struct jobs_context context = { NULL, &batches };
	struct faults faults = FAULTS_INIT;

	ck_assert_int_eq(config_load(NULL, &config, &faults), 0);
	context.config = config;

	ck_assert_int_eq(jobs_run(&context), 0);
}
END_TEST

/* ---- overlap ---- */

IN_RUN_TEST(skip_leaves_out_starts_while_a_run_is_going)
{
	batches.duration = NUR_SEC(25);
	configure("    overlap: skip\n");

	run_until_start(4);

	assert_notes("a@+0 a@+30");
	ck_assert_int_eq(count(logged(), "which is skipped"), 2); /* once per run, not per start */
}
END_TEST

IN_RUN_TEST(queue_runs_once_more_at_the_end)
{
	batches.duration = NUR_SEC(25);
	configure("    overlap: queue\n");

	run_until_start(6);

	assert_notes("a@+0 a@+25 a@+50");
}
END_TEST

IN_RUN_TEST(replace_cancels_the_run_that_is_going)
{
	batches.duration = NUR_SEC(25);
	configure("    overlap: replace\n");

	run_until_start(2);

	assert_notes("a@+0 replaced@+10 a@+10 replaced@+20 a@+20");
	ck_assert_str_eq(logged(), "");
}
END_TEST

/* ---- missed ---- */

/* Nothing runs while the clock jumps: the daemon was stopped for 35 s. */
static int
stop_the_daemon(void *unused)
{
	int r = nur_sleep_until(phase() + NUR_SEC(5));

	return r < 0 ? r : nur_mock_clock_jump(t_clock(), NUR_SEC(35) + NUR_MSEC(200));
}

static void
run_with_a_stop(void)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, stop_the_daemon, NULL);
		run_until_start(5);
	}
	ck_assert_int_eq(rc, 0);
}

IN_RUN_TEST(missed_starts_are_skipped)
{
	configure("    missed: skip\n");

	run_with_a_stop();

	assert_notes("a@+0 a@+50");
}
END_TEST

IN_RUN_TEST(missed_starts_are_made_up_for_once)
{
	configure("    missed: run_once\n");

	run_with_a_stop();

	assert_notes("a@+0 a@+40 a@+50");
}
END_TEST

IN_RUN_TEST(without_room_a_run_fails)
{
	configure("");
	batches.n_refusals = 1;

	run_until_start(1);

	assert_notes("refused@+0 a@+10");
	ck_assert_int_eq(count(logged(), "job \"a\": no run: limits.batches are running"), 1);
	ck_assert_int_eq(count(logged(), "job \"a\": ok again"), 0); /* it is not over yet */
}
END_TEST

IN_RUN_TEST(without_room_a_run_that_must_not_be_missed_waits)
{
	configure("    missed: run_once\n");
	batches.n_refusals = 3;

	run_until_start(1);

	assert_notes("refused@+0 refused@+1 refused@+2 a@+3 a@+10");
	ck_assert_str_eq(logged(), "");
}
END_TEST

/* ---- failures ---- */

IN_RUN_TEST(failed_and_recovered_runs_are_logged)
{
	static const int outcomes[] = { BATCH_OK, BATCH_FAILED, BATCH_DEADLINE, BATCH_OK, BATCH_OK,
		-1 };

	batches.outcomes = outcomes;
	configure("");

	run_until_start(5);

	ck_assert_int_eq(
		count(logged(), "job \"a\": failed: 1 ok, 2 failed, 3 timed out, 4 cancelled"), 1);
	ck_assert_int_eq(count(logged(), "job \"a\": deadline: 1 ok, "), 1);
	ck_assert_int_eq(count(logged(), "job \"a\": ok again"), 1);
	ck_assert_int_eq(count(logged(), "\n"), 3);
}
END_TEST

IN_RUN_TEST(a_run_that_breaks_ends_nothing_else)
{
	configure("");
	batches.run_error = -ENOMEM;

	run_until_start(2);

	assert_notes("a@+0 a@+10 a@+20");
	ck_assert_int_eq(count(logged(), "job \"a\": "), 2); /* the third is still running */
}
END_TEST

IN_RUN_TEST(a_run_that_cannot_be_admitted_ends_nothing_else)
{
	configure("");
	batches.admit_error = -E2BIG;

	run_until_start(2);

	ck_assert_int_eq(count(logged(), "job \"a\": no run: it cannot be started"), 3);
}
END_TEST

/* ---- the end ---- */

static int
drain_later(void *unused)
{
	int r = nur_sleep_until(phase() + NUR_SEC(15));

	batches.is_draining = true;
	return r;
}

IN_RUN_TEST(draining_ends_the_scheduling)
{
	struct jobs_context context;
	int rc = 0;

	configure("");
	context = (struct jobs_context){ config, &batches };
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, drain_later, NULL);
		ck_assert_int_eq(jobs_run(&context), 0);
	}
	ck_assert_int_eq(rc, 0);

	assert_notes("a@+0 a@+10");
	ck_assert_int_eq(nur_now(), phase() + NUR_SEC(20));
}
END_TEST

IN_RUN_TEST(a_waiting_run_is_not_made_when_the_batches_drain)
{
	struct jobs_context context;
	int rc = 0;

	batches.duration = NUR_SEC(17);
	configure("    overlap: queue\n");
	context = (struct jobs_context){ config, &batches };
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, drain_later, NULL);
		ck_assert_int_eq(jobs_run(&context), 0);
	}
	ck_assert_int_eq(rc, 0);

	assert_notes("a@+0");
	ck_assert_str_eq(logged(), "");
}
END_TEST

IN_RUN_TEST(cancellation_ends_a_run_without_a_word)
{
	batches.duration = NUR_SEC(100);
	configure("");

	run_until_start(0);

	assert_notes("a@+0");
	ck_assert_str_eq(logged(), "");
}
END_TEST

static void
add_case(Suite *suite, const char *name, const TTest *const *tests, size_t n)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < n; i++) {
		tcase_add_test(tc, tests[i]);
	}
	suite_add_tcase(suite, tc);
}

Suite *
test_suite(void)
{
	const TTest *const times[] = { a_job_runs_at_its_phase_and_then_at_its_interval,
		a_daemon_started_later_keeps_the_phase, a_start_is_late_by_less_than_the_jitter,
		jobs_run_side_by_side, without_jobs_there_is_nothing_to_do };
	const TTest *const overlap[] = { skip_leaves_out_starts_while_a_run_is_going,
		queue_runs_once_more_at_the_end, replace_cancels_the_run_that_is_going };
	const TTest *const missed[] = { missed_starts_are_skipped,
		missed_starts_are_made_up_for_once, without_room_a_run_fails,
		without_room_a_run_that_must_not_be_missed_waits };
	const TTest *const failures[] = { failed_and_recovered_runs_are_logged,
		a_run_that_breaks_ends_nothing_else,
		a_run_that_cannot_be_admitted_ends_nothing_else };
	const TTest *const ends[] = { draining_ends_the_scheduling,
		a_waiting_run_is_not_made_when_the_batches_drain,
		cancellation_ends_a_run_without_a_word };
	Suite *suite = suite_create("jobs");

	add_case(suite, "times", times, ARRAY_LEN(times));
	add_case(suite, "overlap", overlap, ARRAY_LEN(overlap));
	add_case(suite, "missed", missed, ARRAY_LEN(missed));
	add_case(suite, "failures", failures, ARRAY_LEN(failures));
	add_case(suite, "ends", ends, ARRAY_LEN(ends));
	return suite;
}

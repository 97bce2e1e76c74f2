/* SPDX-License-Identifier: MIT */
/*
 * Jobs in virtual time. Behind daemon/batches/batches.h stands a fake: a batch takes as long, and ends, as the test
 * says, and notes what happens to it with the second in which it does.
 */
#include "tests/support/in_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/batches/batches.h"
#include "daemon/config/config.h"
#include "daemon/jobs/jobs.h"
#include "daemon/ops/log.h"
#include "daemon/schedule/interval.h"
#include "lib/base/buffer.h"

/* ---- the fake ---- */

/*
 * duration     of each batch
 * outcomes     of the batches, one after another, the last one for all that follow; ends with -1
 * run_error    what batch_run() returns
 * fingerprint  of failed batches
 * admit_error  what batches_admit() returns; refusals of it, if there are any, counted down
 */
struct batches {
	nur_time duration;
	const int *outcomes;
	int run_error;
	uint64_t fingerprint;
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
	int n_refs;
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
	batch->n_refs = 1;
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
	if (batch && --batch->n_refs == 0) {
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

struct batch *
batch_ref(struct batch *batch)
{
	batch->n_refs++;
	return batch;
}

uint64_t
batch_fingerprint(const struct batch *batch)
{
	return batch->outcome == BATCH_FAILED ? batches.fingerprint : 0;
}

const char *
batch_id(const struct batch *batch)
{
	return "b1";
}

/* ---- the rest of the scene ---- */

static struct config *config;
static struct jobs *jobs;
static int64_t wall_offset; /* of the wall clock to the run's */
static nur_time tell_time;  /* that telling takes */
static int log_fd = -1;

static void
setup(void)
{
	batches = (struct batches){ .duration = NUR_SEC(1), .outcomes = always_ok };
	config = NULL;
	jobs = NULL;
	wall_offset = 0;
	tell_time = NUR_SEC(1);
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
	jobs_destroy(jobs);
	config_unref(config);
}

static struct config *
read_config(const char *jobs_text)
{
	struct faults faults = FAULTS_INIT;
	struct buffer text = BUFFER_INIT;
	struct config *read = NULL;

	buffer_printf(&text, "jobs:\n%s", jobs_text);
	ck_assert_int_eq(config_load_text("text", &text, &read, &faults), 0);
	buffer_fini(&text);
	faults_fini(&faults);
	return read;
}

static int64_t
wall_now(void)
{
	return nur_now() + wall_offset;
}

static int
note_news(void *user, const struct jobs_news *news)
{
	t_note("%s%s@%d", news->is_report ? "report" : "", news->is_notify ? "notify" : "",
		seconds());
	return nur_sleep(tell_time);
}

/* The jobs of @jobs_text, which is YAML. */
static void
configure_jobs(const char *jobs_text)
{
	const struct jobs_options options = {
		.batches = &batches,
		.wall_now = wall_now,
		.tell = note_news,
	};

	config = read_config(jobs_text);
	ck_assert_int_eq(jobs_create(&options, config, &jobs), 0);
}

/* A job "a" every 10 s, and what else @fields say of it. */
static void
configure(const char *fields)
{
	struct buffer text = BUFFER_INIT;

	buffer_printf(&text, "  - name: a\n    every: 10s\n    urls: [\"http://127.0.0.1/\"]\n%s",
		fields);
	configure_jobs(text.data);
	buffer_fini(&text);
}

static void
reload(const char *jobs_text)
{
	struct config *read = read_config(jobs_text);

	ck_assert_int_eq(jobs_reload(jobs, read), 0);
	config_unref(config);
	config = read;
}

/* Seconds from the start of the clock to the first start of the job. */
static nur_time
phase(void)
{
	return interval_of("a", NUR_SEC(10)).phase_ns;
}

static int
run_jobs(void *unused)
{
	return jobs_run(jobs);
}

static void
run_until(nur_time end)
{
	bool timed_out = false;

	ck_assert_int_eq(nur_move_on_at(end, 0, run_jobs, NULL, &timed_out), 0);
	ck_assert(timed_out);
	ck_assert_int_eq(batches.n_alive, 0);
}

/* Runs the jobs until half a second after the start that is the @n-th from 0. */
static void
run_until_start(int n)
{
	run_until(phase() + n * NUR_SEC(10) + NUR_MSEC(500));
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

	ck_assert_int_ge(t_count(t_notes(), "a@"), 100);
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

	ck_assert_int_eq(t_count(t_notes(), "a@"), 5);
	ck_assert_int_ge(t_count(t_notes(), "b@"), 4);
}
END_TEST

/* ---- timetables ---- */

IN_RUN_TEST(a_timetable_has_the_wall_clocks_points)
{
	wall_offset = NUR_SEC(30);
	configure_jobs("  - {name: a, cron: \"* * * * *\", timezone: UTC, urls: "
		       "[\"http://127.0.0.1/\"]}\n");

	run_until(NUR_SEC(200));

	ck_assert_str_eq(t_notes(), "a@30 a@90 a@150");
}
END_TEST

static int
set_the_clock(void *arg)
{
	int r = nur_sleep_until(NUR_SEC(40));

	wall_offset += NUR_SEC(*(int *)arg);
	jobs_clock_was_set(jobs);
	return r;
}

static void
run_while_the_clock_is_set(int by, nur_time end)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, set_the_clock, &by);
		run_until(end);
	}
	ck_assert_int_eq(rc, 0);
}

#define EACH_MINUTE \
	"  - {name: a, calendar: \"*:*:00 UTC\", missed: skip, urls: [\"http://127.0.0.1/\"]}\n"

IN_RUN_TEST(a_clock_set_forward_brings_the_next_start_nearer)
{
	configure_jobs(EACH_MINUTE);

	run_while_the_clock_is_set(15, NUR_SEC(110));

	ck_assert_str_eq(t_notes(), "a@45 a@105");
}
END_TEST

IN_RUN_TEST(starts_that_a_clock_jumped_over_are_missed)
{
	configure_jobs(EACH_MINUTE);

	run_while_the_clock_is_set(200, NUR_SEC(65)); /* 00:00:40 to 00:04:00 */

	ck_assert_str_eq(t_notes(), "");
}
END_TEST

IN_RUN_TEST(a_start_that_a_clock_just_jumped_over_is_made)
{
	configure_jobs(EACH_MINUTE);

	run_while_the_clock_is_set(30, NUR_SEC(100)); /* 00:00:40 to 00:01:10 */

	ck_assert_str_eq(t_notes(), "a@40 a@90");
}
END_TEST

IN_RUN_TEST(a_clock_set_back_a_little_passes_no_point_twice)
{
	wall_offset = NUR_SEC(30);
	configure_jobs(EACH_MINUTE);

	run_while_the_clock_is_set(-50, NUR_SEC(210)); /* 00:01:10 to 00:00:20 */

	ck_assert_str_eq(t_notes(), "a@30 a@140 a@200");
}
END_TEST

IN_RUN_TEST(a_clock_set_back_a_day_begins_another_day)
{
	wall_offset = NUR_SEC(86400 + 30);
	configure_jobs(EACH_MINUTE);

	run_while_the_clock_is_set(-86400, NUR_SEC(100));

	ck_assert_str_eq(t_notes(), "a@30 a@90");
}
END_TEST

/* ---- overlap ---- */

static uint64_t
n_missed(void)
{
	struct job_view view;

	job_describe(jobs_find(jobs, "a"), &view);
	return view.n_missed;
}

IN_RUN_TEST(skip_leaves_out_starts_while_a_run_is_going)
{
	batches.duration = NUR_SEC(25);
	configure("    overlap: skip\n");

	run_until_start(4);

	assert_notes("a@+0 a@+30");
	ck_assert_int_eq(
		t_count(logged(), "which is skipped"), 2); /* once per run, not per start */
	ck_assert_uint_eq(n_missed(), 3);
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
	ck_assert_uint_eq(n_missed(), 1);
}
END_TEST

IN_RUN_TEST(missed_starts_are_made_up_for_once)
{
	configure("    missed: run_once\n");

	run_with_a_stop();

	assert_notes("a@+0 a@+40 a@+50");
}
END_TEST

IN_RUN_TEST(a_start_after_its_deadline_is_missed)
{
	configure("    missed: run_once\n    start_deadline: 20s\n");

	run_with_a_stop();

	assert_notes("a@+0 a@+50");
}
END_TEST

IN_RUN_TEST(without_room_a_run_fails)
{
	configure("");
	batches.n_refusals = 1;

	run_until_start(1);

	assert_notes("refused@+0 a@+10");
	ck_assert_int_eq(t_count(logged(), "job \"a\": no run: limits.batches are running"), 1);
	ck_assert_int_eq(t_count(logged(), "job \"a\": ok again"), 0); /* it is not over yet */
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
		t_count(logged(), "job \"a\": failed: 1 ok, 2 failed, 3 timed out, 4 cancelled"),
		1);
	ck_assert_int_eq(t_count(logged(), "job \"a\": deadline: 1 ok, "), 1);
	ck_assert_int_eq(t_count(logged(), "job \"a\": ok again"), 1);
	ck_assert_int_eq(t_count(logged(), "\n"), 3);
}
END_TEST

IN_RUN_TEST(a_run_that_breaks_ends_nothing_else)
{
	configure("");
	batches.run_error = -ENOMEM;

	run_until_start(2);

	assert_notes("a@+0 a@+10 a@+20");
	ck_assert_int_eq(t_count(logged(), "job \"a\": "), 2); /* the third is still running */
}
END_TEST

IN_RUN_TEST(a_run_that_cannot_be_admitted_ends_nothing_else)
{
	configure("");
	batches.admit_error = -E2BIG;

	run_until_start(2);

	ck_assert_int_eq(t_count(logged(), "job \"a\": no run: it cannot be started"), 3);
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

static void
run_while_draining(void)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, drain_later, NULL);
		run_until_start(5);
	}
	ck_assert_int_eq(rc, 0);
}

IN_RUN_TEST(draining_ends_the_scheduling)
{
	configure("");

	run_while_draining();

	assert_notes("a@+0 a@+10");
}
END_TEST

IN_RUN_TEST(a_waiting_run_is_not_made_when_the_batches_drain)
{
	batches.duration = NUR_SEC(17);
	configure("    overlap: queue\n");

	run_while_draining();

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

/* ---- telling ---- */

#define REPORT(when) "    report: {file: /nonexistent/a, on: " when "}\n"

IN_RUN_TEST(who_wants_to_know_always_is_told_of_each_run)
{
	configure(REPORT("always"));

	run_until_start(2);

	assert_notes("a@+0 report@+1 a@+10 report@+11 a@+20");
}
END_TEST

IN_RUN_TEST(failures_are_told_to_who_wants_to_know_them)
{
	static const int outcomes[] = { BATCH_OK, BATCH_FAILED, BATCH_DEADLINE, BATCH_OK, -1 };

	batches.outcomes = outcomes;
	configure(REPORT("failure") "    notify: {url: \"http://127.0.0.1/\", on: failure}\n");

	run_until_start(4);

	assert_notes("a@+0 a@+10 reportnotify@+11 a@+20 reportnotify@+21 a@+30 a@+40");
}
END_TEST

IN_RUN_TEST(changes_are_told_once)
{
	static const int outcomes[] = { BATCH_OK, BATCH_FAILED, BATCH_FAILED, BATCH_OK, BATCH_OK,
		-1 };

	batches.outcomes = outcomes;
	configure(REPORT("change"));

	run_until_start(5);

	assert_notes("a@+0 a@+10 report@+11 a@+20 a@+30 report@+31 a@+40 a@+50");
}
END_TEST

static int
change_fingerprint(void *unused)
{
	int r = nur_sleep_until(phase() + NUR_SEC(15));

	batches.fingerprint = 2;
	return r;
}

IN_RUN_TEST(another_failure_is_a_change)
{
	static const int outcomes[] = { BATCH_FAILED, -1 };
	int rc = 0;

	batches.outcomes = outcomes;
	batches.fingerprint = 1;
	configure(REPORT("change"));
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, change_fingerprint, NULL);
		run_until_start(3);
	}
	ck_assert_int_eq(rc, 0);

	assert_notes("a@+0 report@+1 a@+10 a@+20 report@+21 a@+30");
}
END_TEST

#define NOTIFY(when) "    notify: {url: \"http://127.0.0.1/\", on: " when "}\n"

IN_RUN_TEST(a_report_waits_for_the_one_before_it)
{
	tell_time = NUR_SEC(25);
	configure(REPORT("always"));

	run_until(phase() + NUR_SEC(60));

	/* Those of the last three runs wait when the jobs end. */
	assert_notes(
		"a@+0 report@+1 a@+10 a@+20 report@+26 a@+30 a@+40 a@+50 report@+51 report@+60 "
		"report@+60 report@+60");
}
END_TEST

IN_RUN_TEST(only_the_newest_notification_is_sent)
{
	tell_time = NUR_SEC(25);
	configure(NOTIFY("always"));

	run_until(phase() + NUR_SEC(60));

	assert_notes("a@+0 notify@+1 a@+10 a@+20 notify@+26 a@+30 a@+40 a@+50 notify@+51");
}
END_TEST

IN_RUN_TEST(a_notification_that_is_not_sent_leaves_the_report)
{
	tell_time = NUR_SEC(25);
	configure(REPORT("always") NOTIFY("always"));

	run_until(phase() + NUR_SEC(30));

	assert_notes("a@+0 reportnotify@+1 a@+10 a@+20 report@+26 report@+30");
}
END_TEST

IN_RUN_TEST(reports_that_wait_are_not_without_number)
{
	tell_time = NUR_FOREVER;
	configure(REPORT("always"));

	run_until_start(19);

	/* One is being told, sixteen wait, two were left out; the run that was cancelled tells nobody. */
	ck_assert_int_eq(t_count(t_notes(), "report@"), 17);
	ck_assert_int_eq(t_count(logged(), "too many reports wait for the disk"), 2);
}
END_TEST

/* ---- by hand ---- */

/* What the test does half a second after the @n-th start, while the jobs run. */
struct hand {
	int n;
	void (*act)(void);
};

static int
act_later(void *arg)
{
	const struct hand *hand = arg;
	int r = nur_sleep_until(phase() + hand->n * NUR_SEC(10) + NUR_MSEC(1500));

	hand->act();
	return r;
}

static void
run_with_hands(struct hand *hands, size_t n_hands, int n_starts)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		for (size_t i = 0; i < n_hands; i++) {
			t_start(nursery, act_later, &hands[i]);
		}
		run_until_start(n_starts);
	}
	ck_assert_int_eq(rc, 0);
}

static void
start_by_hand(void)
{
	struct batch *batch;

	ck_assert_int_eq(job_start_run(jobs_find(jobs, "a"), &batch), 0);
	ck_assert_ptr_nonnull(batch);
	batch_unref(batch);
}

static void
pause_by_hand(void)
{
	job_pause(jobs_find(jobs, "a"));
}

static void
resume_by_hand(void)
{
	job_resume(jobs_find(jobs, "a"));
}

IN_RUN_TEST(a_run_can_be_started_in_between)
{
	struct hand hands[] = { { 0, start_by_hand } };

	configure("");

	run_with_hands(hands, 1, 1);

	assert_notes("a@+0 a@+1 a@+10");
}
END_TEST

IN_RUN_TEST(a_paused_job_runs_only_by_hand)
{
	struct hand hands[] = { { 0, pause_by_hand }, { 1, start_by_hand }, { 3, resume_by_hand } };

	configure("");

	run_with_hands(hands, 3, 4);

	assert_notes("a@+0 a@+11 a@+40");
}
END_TEST

static void
start_in_vain(void)
{
	struct batch *batch = NULL;

	ck_assert_int_eq(job_start_run(jobs_find(jobs, "a"), &batch), -EBUSY);
	ck_assert_ptr_null(batch);
	t_note("busy@%d", seconds());
}

IN_RUN_TEST(a_run_by_hand_meets_the_one_that_is_going)
{
	struct hand hands[] = { { 0, start_in_vain } };

	batches.duration = NUR_SEC(5);
	configure("");

	run_with_hands(hands, 1, 1);

	assert_notes("a@+0 busy@+1 a@+10");
}
END_TEST

static void
queue_by_hand(void)
{
	struct batch *batch = NULL;

	ck_assert_int_eq(job_start_run(jobs_find(jobs, "a"), &batch), 0);
	ck_assert_ptr_null(batch);
}

IN_RUN_TEST(a_pause_takes_the_start_that_waits_with_it)
{
	struct hand hands[] = { { 1, pause_by_hand } };

	batches.duration = NUR_SEC(25);
	configure("    overlap: queue\n");

	run_with_hands(hands, 1, 6);

	assert_notes("a@+0");
}
END_TEST

IN_RUN_TEST(a_pause_takes_the_start_that_waits_for_room_with_it)
{
	struct hand hands[] = { { 0, pause_by_hand } };

	batches.n_refusals = 3;
	configure("    missed: run_once\n");

	run_with_hands(hands, 1, 3);

	assert_notes("refused@+0 refused@+1");
}
END_TEST

IN_RUN_TEST(a_pause_leaves_the_run_that_was_asked_for)
{
	struct hand hands[] = { { 0, queue_by_hand }, { 1, pause_by_hand } };

	batches.duration = NUR_SEC(25);
	configure("    overlap: queue\n");

	run_with_hands(hands, 2, 6);

	assert_notes("a@+0 a@+25");
}
END_TEST

static void
look(void)
{
	struct job_view view;

	job_describe(jobs_find(jobs, "a"), &view);
	ck_assert_str_eq(view.config->name, "a");
	ck_assert(!view.is_paused);
	ck_assert_int_eq(view.next_ns, phase() + NUR_SEC(20));
	ck_assert_ptr_null(view.running);
	ck_assert_uint_eq(view.n_runs, 2);
	ck_assert_uint_eq(view.runs[0].counts.failed, 2);
	ck_assert_str_eq(view.runs[0].batch_id, "b1");
	ck_assert_int_eq(view.last_ok_ns, 0);
	t_note("looked");
}

IN_RUN_TEST(a_job_shows_its_last_runs_and_its_next_start)
{
	struct hand hands[] = { { 1, look } };

	configure("");

	run_with_hands(hands, 1, 2);

	assert_notes("a@+0 a@+10 looked a@+20");
}
END_TEST

/* ---- another configuration ---- */

#define JOB_A "  - {name: a, every: 10s, urls: [\"http://127.0.0.1/\"]}\n"

static void
reload_the_same(void)
{
	reload(JOB_A "  - {name: b, every: 1h, urls: [\"http://127.0.0.1/\"]}\n");
}

static void
reload_without_a(void)
{
	reload("  - {name: c, every: 1h, urls: [\"http://127.0.0.1/\"]}\n");
	ck_assert_ptr_null(jobs_find(jobs, "a"));
}

static void
reload_with_another_interval(void)
{
	reload("  - {name: a, every: 1h, urls: [\"http://127.0.0.1/\"]}\n");
}

IN_RUN_TEST(an_unchanged_job_keeps_its_times_and_its_past)
{
	struct hand hands[] = { { 0, reload_the_same }, { 1, look } };

	configure_jobs(JOB_A);

	run_with_hands(hands, 2, 2);

	assert_notes("a@+0 a@+10 looked a@+20");
}
END_TEST

IN_RUN_TEST(a_job_that_is_gone_ends_after_its_run)
{
	struct hand hands[] = { { 0, reload_without_a } };

	batches.duration = NUR_SEC(5);
	configure_jobs(JOB_A);

	run_with_hands(hands, 1, 3);

	assert_notes("a@+0");
}
END_TEST

IN_RUN_TEST(a_job_that_is_gone_makes_no_start_that_waits)
{
	struct hand hands[] = { { 1, reload_without_a } };

	batches.duration = NUR_SEC(25);
	configure("    overlap: queue\n");

	run_with_hands(hands, 1, 6);

	assert_notes("a@+0");
}
END_TEST

IN_RUN_TEST(a_job_that_is_gone_waits_for_no_room)
{
	struct hand hands[] = { { 0, reload_without_a } };

	batches.n_refusals = 3;
	configure("    missed: run_once\n");

	run_with_hands(hands, 1, 3);

	assert_notes("refused@+0 refused@+1");
	ck_assert_str_eq(logged(), "");
}
END_TEST

IN_RUN_TEST(a_job_of_another_schedule_begins_it_at_once)
{
	struct hand hands[] = { { 1, reload_with_another_interval } };

	configure_jobs(JOB_A);

	run_with_hands(hands, 1, 5);

	assert_notes("a@+0 a@+10");
}
END_TEST

static int
reload_all_the_time(void *unused)
{
	for (int i = 0; i < 1000; i++) {
		int r = nur_sleep(NUR_MSEC(97));

		if (r < 0) {
			return r;
		}
		reload(i % 2 ? JOB_A
			     : JOB_A "  - {name: b, every: 1h, urls: [\"http://127.0.0.1/\"]}\n");
	}
	return 0;
}

IN_RUN_TEST(a_thousand_reloads_neither_make_nor_lose_a_start)
{
	int rc = 0;

	configure_jobs(JOB_A);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, reload_all_the_time, NULL);
		run_until_start(9);
	}
	ck_assert_int_eq(rc, 0);

	assert_notes("a@+0 a@+10 a@+20 a@+30 a@+40 a@+50 a@+60 a@+70 a@+80 a@+90");
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
		jobs_run_side_by_side };
	const TTest *const timetables[] = { a_timetable_has_the_wall_clocks_points,
		a_clock_set_forward_brings_the_next_start_nearer,
		starts_that_a_clock_jumped_over_are_missed,
		a_start_that_a_clock_just_jumped_over_is_made,
		a_clock_set_back_a_little_passes_no_point_twice,
		a_clock_set_back_a_day_begins_another_day };
	const TTest *const overlap[] = { skip_leaves_out_starts_while_a_run_is_going,
		queue_runs_once_more_at_the_end, replace_cancels_the_run_that_is_going };
	const TTest *const missed[] = { missed_starts_are_skipped,
		missed_starts_are_made_up_for_once, a_start_after_its_deadline_is_missed,
		without_room_a_run_fails, without_room_a_run_that_must_not_be_missed_waits };
	const TTest *const failures[] = { failed_and_recovered_runs_are_logged,
		a_run_that_breaks_ends_nothing_else,
		a_run_that_cannot_be_admitted_ends_nothing_else };
	const TTest *const ends[] = { draining_ends_the_scheduling,
		a_waiting_run_is_not_made_when_the_batches_drain,
		cancellation_ends_a_run_without_a_word };
	const TTest *const telling[] = { who_wants_to_know_always_is_told_of_each_run,
		failures_are_told_to_who_wants_to_know_them, changes_are_told_once,
		another_failure_is_a_change, a_report_waits_for_the_one_before_it,
		only_the_newest_notification_is_sent,
		a_notification_that_is_not_sent_leaves_the_report,
		reports_that_wait_are_not_without_number };
	const TTest *const hands[] = { a_run_can_be_started_in_between,
		a_paused_job_runs_only_by_hand, a_run_by_hand_meets_the_one_that_is_going,
		a_pause_takes_the_start_that_waits_with_it,
		a_pause_takes_the_start_that_waits_for_room_with_it,
		a_pause_leaves_the_run_that_was_asked_for,
		a_job_shows_its_last_runs_and_its_next_start };
	const TTest *const reloads[] = { an_unchanged_job_keeps_its_times_and_its_past,
		a_job_that_is_gone_ends_after_its_run, a_job_that_is_gone_makes_no_start_that_waits,
		a_job_that_is_gone_waits_for_no_room, a_job_of_another_schedule_begins_it_at_once,
		a_thousand_reloads_neither_make_nor_lose_a_start };
	Suite *suite = suite_create("jobs");

	add_case(suite, "times", times, ARRAY_LEN(times));
	add_case(suite, "timetables", timetables, ARRAY_LEN(timetables));
	add_case(suite, "overlap", overlap, ARRAY_LEN(overlap));
	add_case(suite, "missed", missed, ARRAY_LEN(missed));
	add_case(suite, "failures", failures, ARRAY_LEN(failures));
	add_case(suite, "ends", ends, ARRAY_LEN(ends));
	add_case(suite, "telling", telling, ARRAY_LEN(telling));
	add_case(suite, "by hand", hands, ARRAY_LEN(hands));
	add_case(suite, "reloads", reloads, ARRAY_LEN(reloads));
	return suite;
}

/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <locale.h>
#include <string.h>

#include "client/exit_code.h"
#include "client/view/progress.h"
#include "client/view/summary.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/units.h"

#define S UNITS_NS_PER_S

static const struct style plain = { false, false };
static const struct style utf8 = { false, true };

static void
check_line(struct progress *progress, int64_t now_ns, size_t width, const char *expected)
{
	struct buffer out = BUFFER_INIT;

	progress_put(progress, now_ns, width, &plain, &out);

	ck_assert_str_eq(out.data ? out.data : "", expected);
	buffer_fini(&out);
}

static void
count(struct progress *progress, size_t n_ok, size_t n_failed)
{
	while (n_ok-- > 0) {
		progress_count(progress, false);
	}
	while (n_failed-- > 0) {
		progress_count(progress, true);
	}
}

START_TEST(the_line_counts_what_is_done)
{
	struct progress progress;

	progress_init(&progress, 20, 100 * S, -1);
	check_line(&progress, 100 * S, 40, "[............................] 0/20 done");
	count(&progress, 9, 1);
	check_line(&progress, 101 * S, 60,
		"[###############................] 10/20 done, 1 failed, 10/s");
	count(&progress, 10, 0);
	check_line(&progress, 102 * S, 30, "20/20 done, 1 failed, 10/s");
}
END_TEST

START_TEST(the_time_left_to_the_deadline_is_shown)
{
	struct progress progress;

	progress_init(&progress, 0, 0, 95 * S);
	check_line(&progress, 0, 40, "0 done, 1m35s left");
	check_line(&progress, S / 100, 40, "0 done, 1m34s left");
	check_line(&progress, 36 * S, 40, "0 done, 0.0/s, 59s left");
	check_line(&progress, 200 * S, 40, "0 done, 0.0/s, 0s left");
}
END_TEST

START_TEST(the_rate_follows_what_happens_now)
{
	struct progress progress;
	int64_t now;

	progress_init(&progress, 0, 0, -1);
	for (now = S; now <= 10 * S; now += S) {
		count(&progress, 100, 0);
		check_line(&progress, now, 0, "");
	}
	ck_assert_double_eq_tol(progress.rate, 100, 0.001);

	for (; now <= 30 * S; now += S) {
		check_line(&progress, now, 0, "");
	}
	ck_assert_double_lt(progress.rate, 1);
}
END_TEST

START_TEST(the_line_never_overruns_its_width)
{
	struct progress progress;
	size_t width;

	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	progress_init(&progress, 100000, 0, 7200 * S);
	count(&progress, 50000, 4000);
	for (width = 1; width < 200; width++) {
		struct buffer out = BUFFER_INIT;

		progress_put(&progress, S, width, &utf8, &out);

		ck_assert_uint_le(text_width(out.data, &utf8), width);
		buffer_fini(&out);
	}
}
END_TEST

static const struct {
	enum batch_state state;
	enum batch_outcome outcome;
	struct result_counts counts;
	enum exit_code code;
	const char *text;
} summaries[] = {
	{ BATCH_DONE, BATCH_OK, { 3, 0, 0, 0, 0 }, EXIT_ALL_OK, "ok: 3 ok of 3 in 1.50s, batch x" },
	{ BATCH_DONE, BATCH_FAILED, { 1, 2, 3, 4, 0 }, EXIT_SOME_FAILED,
		"failed: 1 ok, 2 failed, 3 timed out, 4 cancelled of 10 in 1.50s, batch x" },
	{ BATCH_DONE, BATCH_DEADLINE, { 0, 0, 0, 2, 0 }, EXIT_CANCELLED,
		"deadline: 2 cancelled of 2 in 1.50s, batch x" },
	{ BATCH_DONE, BATCH_CANCELLED, { 0, 0, 0, 2, 0 }, EXIT_CANCELLED,
		"cancelled: 2 cancelled of 2 in 1.50s, batch x" },
	{ BATCH_RUNNING, BATCH_OK, { 1, 0, 0, 0, 2 }, EXIT_ALL_OK,
		"running: 1 ok, 2 pending of 3 in 1.50s, batch x" },
	{ BATCH_QUEUED, BATCH_OK, { 0, 0, 0, 0, 0 }, EXIT_ALL_OK,
		"queued: 0 of 0 in 1.50s, batch x" },
};

START_TEST(a_batch_is_summed_up_in_a_line)
{
	struct batch_summary summary = {
		.id = "x",
		.state = summaries[_i].state,
		.outcome = summaries[_i].outcome,
		.elapsed_ns = 1500 * UNITS_NS_PER_MS,
		.counts = summaries[_i].counts,
	};
	struct buffer out = BUFFER_INIT;

	summary_put(&out, &summary, &plain);

	ck_assert_str_eq(out.data, summaries[_i].text);
	ck_assert_int_eq(batch_exit_code(&summary), summaries[_i].code);
	buffer_fini(&out);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("progress");
	TCase *lines = tcase_create("lines");

	tcase_add_test(lines, the_line_counts_what_is_done);
	tcase_add_test(lines, the_time_left_to_the_deadline_is_shown);
	tcase_add_test(lines, the_rate_follows_what_happens_now);
	tcase_add_test(lines, the_line_never_overruns_its_width);
	tcase_add_loop_test(lines, a_batch_is_summed_up_in_a_line, 0, ARRAY_LEN(summaries));
	suite_add_tcase(suite, lines);
	return suite;
}

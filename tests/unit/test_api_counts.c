/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <string.h>

#include "daemon/api/api_counts.h"
#include "daemon/ops/metrics.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

static const char *
name_of(unsigned route)
{
	return route == 0 ? "other" : "/v1/tree";
}

static void
check_text(const struct api_counts *counts, const char *wanted)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct metrics metrics = METRICS_INIT(&out, METRICS_PROMETHEUS);

	api_counts_write(counts, name_of, &metrics);

	ck_assert_msg(strstr(out.data, wanted) != NULL, "no %s in\n%s", wanted, out.data);
}

START_TEST(answers_are_counted_by_route_and_status)
{
	struct api_counts counts = { .problems = { 0 } };

	api_counts_answer(&counts, 1, 200);
	api_counts_answer(&counts, 1, 200);
	api_counts_answer(&counts, 0, 404);

	check_text(&counts, "fetchd_api_requests_total{route=\"/v1/tree\",code=\"200\"} 2\n");
	check_text(&counts, "fetchd_api_requests_total{route=\"other\",code=\"404\"} 1\n");
}
END_TEST

START_TEST(a_status_of_the_future_is_counted_as_0)
{
	struct api_counts counts = { .problems = { 0 } };

	api_counts_answer(&counts, 0, 299);

	check_text(&counts, "fetchd_api_requests_total{route=\"other\",code=\"0\"} 1\n");
}
END_TEST

/* So that none of ours is one of the future. */
START_TEST(every_problem_has_a_status_that_is_counted)
{
	struct api_counts counts = { .problems = { 0 } };
	char wanted[80];

	(void)snprintf(wanted, sizeof(wanted), "{route=\"other\",code=\"%d\"} 1\n",
		problem_status((enum problem_code)_i));
	api_counts_answer(&counts, 0, problem_status((enum problem_code)_i));

	check_text(&counts, wanted);
}
END_TEST

START_TEST(refusals_have_their_reasons)
{
	struct api_counts counts = { .problems = { 0 } };

	api_counts_refusal(&counts, API_REFUSED_CONNECTIONS_PER_USER);
	api_counts_problem(&counts, PROBLEM_DRAINING);

	check_text(&counts, "fetchd_api_rejected_total{reason=\"connections_per_user\"} 1\n");
	check_text(&counts, "fetchd_api_rejected_total{reason=\"draining\"} 1\n");
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("api_counts");
	TCase *tc = tcase_create("api_counts");

	tcase_add_test(tc, answers_are_counted_by_route_and_status);
	tcase_add_test(tc, a_status_of_the_future_is_counted_as_0);
	tcase_add_loop_test(tc, every_problem_has_a_status_that_is_counted, 0, PROBLEM_N_CODES);
	tcase_add_test(tc, refusals_have_their_reasons);
	suite_add_tcase(suite, tc);
	return suite;
}

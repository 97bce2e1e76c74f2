/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/json.h"
#include "lib/protocol/result.h"
#include "tests/support/process.h"

#define MS INT64_C(1000000)

static struct result_record
ok_record(void)
{
	return (struct result_record){
		.index = 0,
		.url = "https://example.org/",
		.outcome = RESULT_OK,
		.status = 200,
		.attempts = 1,
		.final_url = "https://example.org/",
		.bytes = 5120,
		.http_version = "1.1",
		.remote = "192.0.2.7:443",
		.timing = { MS / 10, 12 * MS / 10, 3 * MS, RESULT_ABSENT, 205 * MS / 10, 25 * MS },
		.cancel_cause = -1,
	};
}

static const char *
write_one(const struct result_record *record, struct buffer *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	buffer_clear(out);
	result_write(&w, record);
	ck_assert_int_eq(buffer_error(out), 0);
	return out->data;
}

static struct value_tree *
parse(const char *text, size_t len)
{
	struct value_tree *tree = NULL;
	struct json_error error;

	ck_assert_msg(
		json_parse(text, len, &tree, &error) == 0, "%s: %.*s", error.text, (int)len, text);
	return tree;
}

START_TEST(a_good_result_says_everything)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct result_record record = ok_record();

	ck_assert_str_eq(write_one(&record, &out),
		"{\"index\":0,\"url\":\"https://example.org/\",\"outcome\":\"ok\",\"status\":200,"
		"\"attempts\":1,\"redirects\":0,\"final_url\":\"https://example.org/"
		"\",\"bytes\":5120,"
		"\"http_version\":\"1.1\",\"remote\":\"192.0.2.7:443\",\"reused\":false,"
		"\"timing_ms\":{\"queue\":0.1,\"dns\":1.2,\"connect\":3.0,\"tls\":null,"
		"\"first_byte\":20.5,\"total\":25.0}}");
}
END_TEST

START_TEST(a_url_that_never_started_is_short)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct result_record record = RESULT_RECORD_INIT;

	record.index = 2;
	record.url = "http://b/";
	record.outcome = RESULT_CANCELLED;
	record.cancel_reason = CANCEL_SIBLING_FAILED;
	record.cancel_cause = 1;

	ck_assert_str_eq(write_one(&record, &out),
		"{\"index\":2,\"url\":\"http://b/\",\"outcome\":\"cancelled\","
		"\"cancel\":{\"reason\":\"sibling_failed\",\"cause\":1},\"attempts\":0}");
}
END_TEST

START_TEST(bytes_from_outside_cannot_break_the_answer)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	struct result_record record = ok_record();

	record.outcome = RESULT_FAILED;
	record.error = ERROR_PROTOCOL;
	record.error_detail = "unexpected \"\xff\xfe\x01\\\" in the head";
	record.final_url = "https://example.org/\xc3";
	write_one(&record, &out);

	tree = parse(out.data, out.len);
	ck_assert_str_eq(
		value_get_text(tree->root, "final_url"), "https://example.org/\xef\xbf\xbd");
	ck_assert_str_eq(value_get_text(value_get(tree->root, "error"), "code"), "protocol");
}
END_TEST

START_TEST(a_result_survives_the_way_there_and_back)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	struct json_writer w = JSON_WRITER_INIT(&out);
	struct result_record record = ok_record();
	struct result_record back;

	record.outcome = RESULT_TIMEOUT;
	record.error = ERROR_CONNECT_TIMEOUT;
	record.error_detail = "no connection within 5s";
	record.redirects = 2;
	record.reused = true;
	record.tls_issuer = "CN = somebody";
	record.tls_expires = 2524607999;
	record.is_twin = true;
	record.twin_of = 3;
	record.capture = BATCH_CAPTURE_TEXT;
	record.body = "hello";
	record.body_len = 5;
	result_write(&w, &record);
	tree = parse(out.data, out.len);

	ck_assert_int_eq(result_from_value(tree->root, &back), 0);
	ck_assert_int_eq(back.outcome, RESULT_TIMEOUT);
	ck_assert_int_eq(back.error, ERROR_CONNECT_TIMEOUT);
	ck_assert_str_eq(back.error_detail, record.error_detail);
	ck_assert_uint_eq(back.redirects, 2);
	ck_assert_int_eq(back.bytes, 5120);
	ck_assert(back.reused);
	ck_assert_str_eq(back.tls_issuer, "CN = somebody");
	ck_assert_int_eq(back.tls_expires, 2524607999);
	ck_assert(back.is_twin);
	ck_assert_uint_eq(back.twin_of, 3);
	ck_assert_str_eq(back.remote, record.remote);
	ck_assert_mem_eq(&back.timing, &record.timing, sizeof(back.timing));
	ck_assert_int_eq(back.cancel_cause, -1);
	ck_assert_int_eq(back.capture, BATCH_CAPTURE_TEXT);
	ck_assert_str_eq(back.body, "hello");
}
END_TEST

static const struct {
	enum batch_capture capture;
	const char *body;
	size_t len;
	const char *json;
} captures[] = {
	{ BATCH_CAPTURE_NONE, "x", 1, NULL },
	{ BATCH_CAPTURE_TEXT, NULL, 0, NULL },
	{ BATCH_CAPTURE_TEXT, "a\"b", 3, "\"body\":\"a\\\"b\"" },
	{ BATCH_CAPTURE_BASE64, "\0\1", 2, "\"body_base64\":\"AAE=\"" },
	{ BATCH_CAPTURE_SHA256, "0123456789abcdef0123456789abcde\xff", 32,
		"\"sha256\":\"30313233343536373839616263646566303132333435363738396162636465ff\"" },
};

START_TEST(a_body_comes_back_as_it_was_asked_for)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct result_record record = ok_record();

	record.capture = captures[_i].capture;
	record.body = captures[_i].body;
	record.body_len = captures[_i].len;
	write_one(&record, &out);

	if (captures[_i].json) {
		ck_assert_ptr_nonnull(strstr(out.data, captures[_i].json));
	} else {
		ck_assert_ptr_null(strstr(out.data, "\"body"));
	}
}
END_TEST

static const char *const no_results[] = { "[]", "{}", "5", "{\"index\":0,\"url\":\"a\"}",
	"{\"index\":0,\"outcome\":\"ok\"}", "{\"index\":-1,\"url\":\"a\",\"outcome\":\"ok\"}",
	"{\"index\":\"0\",\"url\":\"a\",\"outcome\":\"ok\"}",
	"{\"index\":0,\"url\":\"a\",\"outcome\":\"fine\"}",
	"{\"index\":0,\"url\":null,\"outcome\":\"ok\"}" };

START_TEST(what_is_no_result_is_refused)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree =
		parse(no_results[_i], strlen(no_results[_i]));
	struct result_record record;

	ck_assert_int_eq(result_from_value(tree->root, &record), -EINVAL);
}
END_TEST

START_TEST(a_newer_daemon_is_understood_as_far_as_it_goes)
{
	const char *text =
		"{\"index\":3,\"url\":\"a\",\"outcome\":\"failed\",\"new\":[1],\"status\":1e9,"
		"\"error\":{\"code\":\"newer\",\"detail\":\"d\"},"
		"\"cancel\":{\"reason\":\"newer\"},\"timing_ms\":{\"queue\":-1,\"total\":1e300}}";
	_cleanup_(value_tree_destroyp) struct value_tree *tree = parse(text, strlen(text));
	struct result_record record;

	ck_assert_int_eq(result_from_value(tree->root, &record), 0);
	ck_assert_int_eq(record.error, ERROR_INTERNAL);
	ck_assert_int_eq(record.cancel_reason, CANCEL_REQUEST);
	ck_assert_int_eq(record.status, 0);
	ck_assert_int_eq(record.timing.queue_ns, RESULT_ABSENT);
	ck_assert_int_eq(record.timing.total_ns, RESULT_ABSENT);
}
END_TEST

static struct batch_summary
done_summary(void)
{
	return (struct batch_summary){
		.id = "b1",
		.name = "gate",
		.state = BATCH_DONE,
		.outcome = BATCH_FAILED,
		.policy = BATCH_COLLECT,
		.started_sec = 1795383000,
		.started_nsec = 250 * MS,
		.elapsed_ns = 531 * MS / 10,
		.counts = { .ok = 1, .failed = 1, .cancelled = 1 },
	};
}

START_TEST(a_done_batch_has_an_outcome_and_no_state)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);
	struct batch_summary summary = done_summary();

	batch_write_end_line(&w, &summary);

	ck_assert_str_eq(out.data,
		"{\"type\":\"end\",\"id\":\"b1\",\"name\":\"gate\",\"outcome\":\"failed\","
		"\"policy\":\"collect\",\"started\":\"2026-11-22T21:30:00.250Z\",\"elapsed_ms\":53."
		"1,"
		"\"counts\":{\"ok\":1,\"failed\":1,\"timeout\":0,\"cancelled\":1}}\n");
}
END_TEST

START_TEST(a_running_batch_has_a_state_and_no_outcome)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);
	struct batch_summary summary = done_summary();

	summary.state = BATCH_RUNNING;
	summary.name = NULL;
	summary.n_urls = 9;
	summary.counts.pending = 6;
	summary.elapsed_ns = RESULT_ABSENT;
	summary.deadline_ns = 1500 * MS;
	batch_write_begin_line(&w, &summary);
	batch_write_heartbeat_line(&w);

	ck_assert_str_eq(out.data,
		"{\"type\":\"batch\",\"id\":\"b1\",\"state\":\"running\",\"policy\":\"collect\","
		"\"started\":\"2026-11-22T21:30:00.250Z\",\"deadline_ms\":1500.0,\"urls\":9,"
		"\"counts\":{\"ok\":1,\"failed\":1,\"timeout\":0,\"cancelled\":1,\"pending\":6}}\n"
		"{\"type\":\"heartbeat\"}\n");
}
END_TEST

START_TEST(a_summary_survives_the_way_there_and_back)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	struct json_writer w = JSON_WRITER_INIT(&out);
	struct batch_summary summary = done_summary();
	struct batch_summary back;

	summary.deadline_ns = 90 * UNITS_NS_PER_S;
	batch_write_end_line(&w, &summary);
	tree = parse(out.data, out.len);

	ck_assert_int_eq(batch_summary_from_value(tree->root, &back), 0);
	ck_assert_str_eq(back.id, "b1");
	ck_assert_str_eq(back.name, "gate");
	ck_assert_int_eq(back.state, BATCH_DONE);
	ck_assert_int_eq(back.outcome, BATCH_FAILED);
	ck_assert_int_eq(back.policy, BATCH_COLLECT);
	ck_assert_int_eq(back.started_sec, summary.started_sec);
	ck_assert_int_eq(back.started_nsec, summary.started_nsec);
	ck_assert_int_eq(back.elapsed_ns, summary.elapsed_ns);
	ck_assert_int_eq(back.deadline_ns, summary.deadline_ns);
	ck_assert_mem_eq(&back.counts, &summary.counts, sizeof(back.counts));
}
END_TEST

START_TEST(a_summary_needs_an_id_and_counts)
{
	static const char *const texts[] = { "{}", "{\"id\":\"x\"}", "{\"counts\":{}}",
		"{\"id\":\"x\",\"counts\":5}", "[]" };
	_cleanup_(value_tree_destroyp) struct value_tree *tree =
		parse(texts[_i], strlen(texts[_i]));
	struct batch_summary summary;

	ck_assert_int_eq(batch_summary_from_value(tree->root, &summary), -EINVAL);
}
END_TEST

START_TEST(every_word_is_found_again)
{
	int i;

	for (i = 0; i < RESULT_N_OUTCOMES; i++) {
		ck_assert_int_eq(
			result_outcome_find(result_outcome_name((enum result_outcome)i)), i);
	}
	for (i = 0; i < CANCEL_N_REASONS; i++) {
		ck_assert_int_eq(cancel_reason_find(cancel_reason_name((enum cancel_reason)i)), i);
	}
	for (i = 0; i < ERROR_N_CODES; i++) {
		ck_assert_int_eq(error_code_find(error_code_name((enum error_code)i)), i);
	}
	for (i = 0; i < BATCH_N_STATES; i++) {
		ck_assert_int_eq(batch_state_find(batch_state_name((enum batch_state)i)), i);
	}
	for (i = 0; i < BATCH_N_OUTCOMES; i++) {
		ck_assert_int_eq(batch_outcome_find(batch_outcome_name((enum batch_outcome)i)), i);
	}
	ck_assert_int_eq(error_code_find("no such code"), -ENOENT);
	ck_assert_str_eq(error_code_name(ERROR_INTERNAL), "internal");
	ck_assert_str_eq(error_code_name(ERROR_ATTEMPT_TIMEOUT), "attempt_timeout");
	ck_assert_str_eq(cancel_reason_name(CANCEL_REQUEST), "cancel_request");
	ck_assert_str_eq(cancel_reason_name(CANCEL_SHUTDOWN), "shutdown");
}
END_TEST

START_TEST(the_manual_has_all_error_codes)
{
	_cleanup_(fclosep) FILE *file = fopen(T_SOURCE_ROOT "/docs/man/fetchd.8.scd", "re");
	_cleanup_(buffer_fini) struct buffer manual = BUFFER_INIT;
	char line[64];

	ck_assert_ptr_nonnull(file);
	t_read_fd(fileno(file), &manual);
	for (int i = ERROR_NONE + 1; i < ERROR_N_CODES; i++) {
		(void)snprintf(
			line, sizeof(line), "\n|  _%s_\n:  ", error_code_name((enum error_code)i));
		ck_assert_msg(strstr(manual.data, line) != NULL, "no %s", line);
	}
}
END_TEST

START_TEST(counts_are_kept_by_outcome)
{
	struct result_counts counts = { 0 };

	result_counts_add(&counts, RESULT_OK);
	result_counts_add(&counts, RESULT_OK);
	result_counts_add(&counts, RESULT_FAILED);
	result_counts_add(&counts, RESULT_TIMEOUT);
	result_counts_add(&counts, RESULT_CANCELLED);

	ck_assert_uint_eq(counts.ok, 2);
	ck_assert_uint_eq(counts.failed + counts.timeout + counts.cancelled, 3);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("result");
	TCase *tc = tcase_create("records");

	tcase_add_test(tc, a_good_result_says_everything);
	tcase_add_test(tc, a_url_that_never_started_is_short);
	tcase_add_test(tc, bytes_from_outside_cannot_break_the_answer);
	tcase_add_test(tc, a_result_survives_the_way_there_and_back);
	tcase_add_loop_test(tc, a_body_comes_back_as_it_was_asked_for, 0, ARRAY_LEN(captures));
	tcase_add_loop_test(tc, what_is_no_result_is_refused, 0, ARRAY_LEN(no_results));
	tcase_add_test(tc, a_newer_daemon_is_understood_as_far_as_it_goes);
	suite_add_tcase(suite, tc);

	tc = tcase_create("summaries");
	tcase_add_test(tc, a_done_batch_has_an_outcome_and_no_state);
	tcase_add_test(tc, a_running_batch_has_a_state_and_no_outcome);
	tcase_add_test(tc, a_summary_survives_the_way_there_and_back);
	tcase_add_loop_test(tc, a_summary_needs_an_id_and_counts, 0, 5);
	suite_add_tcase(suite, tc);

	tc = tcase_create("words");
	tcase_add_test(tc, every_word_is_found_again);
	tcase_add_test(tc, the_manual_has_all_error_codes);
	tcase_add_test(tc, counts_are_kept_by_outcome);
	suite_add_tcase(suite, tc);
	return suite;
}

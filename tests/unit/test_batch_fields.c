/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/batch_fields.h"
#include "lib/protocol/yaml.h"

#define ALL_FEATURES 0x1ff

static const struct batch_defaults defaults = BATCH_DEFAULTS_INIT;
static const struct batch_limits small_engine = BATCH_LIMITS_INIT;
static unsigned n_credentials_read;

/* "me" is a client, "corp-ca" an authority, "token" something else. */
static int
read_credential(const char *name, struct buffer *out)
{
	n_credentials_read++;
	if (strcmp(name, "locked") == 0) {
		return -EACCES;
	}
	if (strcmp(name, "token") == 0) {
		buffer_puts(out, "secret");
	} else if (strcmp(name, "corp-ca") == 0) {
		buffer_puts(out, "-----BEGIN CERTIFICATE-----\nA");
	} else if (strcmp(name, "me") == 0) {
		buffer_puts(out, "-----BEGIN CERTIFICATE-----\n-----END PRIVATE KEY-----\n");
	} else {
		return -ENOENT;
	}
	return buffer_error(out);
}

static const struct batch_limits full_engine = { 100000, 16384, 16384, INT64_C(10) << 20,
	ALL_FEATURES, NULL, read_credential };

/* What came of one input: @r and either a batch or faults. */
struct outcome {
	int r;
	struct batch_description *batch;
	struct faults faults;
};

static void
outcome_fini(struct outcome *outcome)
{
	batch_description_destroy(outcome->batch);
	faults_fini(&outcome->faults);
}

static struct batch_input
input_of(enum batch_kind kind, const char *query, const struct batch_limits *limits)
{
	return (struct batch_input){
		.kind = kind,
		.query = query,
		.query_len = query ? strlen(query) : 0,
		.defaults = &defaults,
		.limits = limits,
	};
}

/* Reads @len bytes in pieces of @piece. */
static struct outcome
read_pieces(const struct batch_input *input, const char *body, size_t len, size_t piece)
{
	_cleanup_(batch_reader_destroyp) struct batch_reader *reader = NULL;
	struct outcome outcome = { .faults = FAULTS_INIT };
	size_t at;

	ck_assert_int_eq(batch_reader_open(input, &reader), 0);
	for (at = 0; at < len && outcome.r == 0; at += piece) {
		outcome.r =
			batch_reader_feed(reader, body + at, piece < len - at ? piece : len - at);
	}
	if (outcome.r == 0) {
		outcome.r = batch_reader_finish(reader, &outcome.batch, &outcome.faults);
	}
	ck_assert(outcome.r == 0 || !outcome.batch);
	return outcome;
}

static struct outcome
read_body(enum batch_kind kind, const char *body)
{
	struct batch_input input = input_of(kind, NULL, &small_engine);

	return read_pieces(&input, body, strlen(body), strlen(body) + 1);
}

static struct outcome
read_json(const char *body)
{
	return read_body(BATCH_KIND_JSON, body);
}

static struct outcome
read_json_in_full_engine(const char *body)
{
	struct batch_input input = input_of(BATCH_KIND_JSON, NULL, &full_engine);

	return read_pieces(&input, body, strlen(body), strlen(body) + 1);
}

static const struct fault *
find_fault(const struct outcome *outcome, const char *pointer)
{
	size_t i;

	for (i = 0; i < outcome->faults.n; i++) {
		if (strcmp(outcome->faults.items[i].pointer, pointer) == 0) {
			return &outcome->faults.items[i];
		}
	}
	return NULL;
}

/* ---- good batches ---- */

START_TEST(a_list_of_urls_is_a_batch)
{
	_cleanup_(outcome_fini) struct outcome got =
		read_json("{\"urls\":[\"https://example.org/\",\"http://b/\"]}");
	const struct batch_options *options;

	ck_assert_int_eq(got.r, 0);
	ck_assert_uint_eq(got.batch->n_urls, 2);
	ck_assert_str_eq(got.batch->urls[1].url, "http://b/");
	ck_assert_int_eq(got.batch->policy, BATCH_FAIL_FAST);
	ck_assert_int_eq(got.batch->deadline_ns, 60 * UNITS_NS_PER_S);
	ck_assert_uint_eq(got.batch->concurrency, 64);
	ck_assert_uint_eq(got.batch->per_origin, 8);
	options = got.batch->urls[0].options;
	ck_assert_ptr_eq(options, got.batch->options);
	ck_assert_ptr_eq(options, got.batch->urls[1].options);
	ck_assert_int_eq(options->timeout_ns, 10 * UNITS_NS_PER_S);
	ck_assert_int_eq(options->connect_timeout_ns, 5 * UNITS_NS_PER_S);
	ck_assert_int_eq(options->attempt_timeout_ns, 0);
	ck_assert_str_eq(options->method, "GET");
	ck_assert_uint_eq(options->redirects, 5);
	ck_assert_int_eq(options->max_body, 10 << 20);
	ck_assert_uint_eq(options->expect.n, 1);
	ck_assert_uint_eq(options->expect.ranges[0].first, 200);
	ck_assert_uint_eq(options->expect.ranges[0].last, 399);
	ck_assert_str_eq(options->expect.text, "200-399");
	ck_assert_uint_eq(options->retries.max, 0);
	ck_assert(options->tls.verify);
}
END_TEST

START_TEST(every_field_of_the_batch_is_taken)
{
	_cleanup_(outcome_fini) struct outcome got = read_json_in_full_engine(
		"{\"urls\":[\"a\"],\"name\":\"gate\",\"policy\":\"fail_fast\",\"max_failures\":3,"
		"\"deadline\":\"1m30s\",\"concurrency\":10,\"per_origin\":4,\"dedupe\":true,"
		"\"rate\":\"10/s\",\"resume\":true}");

	ck_assert_int_eq(got.r, 0);
	ck_assert_str_eq(got.batch->name, "gate");
	ck_assert_uint_eq(got.batch->max_failures, 3);
	ck_assert_int_eq(got.batch->deadline_ns, 90 * UNITS_NS_PER_S);
	ck_assert_uint_eq(got.batch->concurrency, 10);
	ck_assert_uint_eq(got.batch->per_origin, 4);
	ck_assert(got.batch->dedupe && got.batch->resume);
	ck_assert_uint_eq(got.batch->rate.count, 10);
	ck_assert_int_eq(got.batch->rate.per_ns, UNITS_NS_PER_S);
}
END_TEST

START_TEST(every_field_of_a_url_is_taken)
{
	_cleanup_(outcome_fini) struct outcome got = read_json_in_full_engine(
		"{\"urls\":[{\"url\":\"a\",\"timeout\":\"1s\",\"attempt_timeout\":\"500ms\","
		"\"connect_timeout\":\"2s\",\"method\":\"POST\",\"headers\":{\"Accept\":\"text/"
		"html\"},"
		"\"body\":\"b\",\"expect\":[\"2xx\",404,\"300-310\"],\"redirects\":0,"
		"\"retries\":{\"max\":2,\"backoff\":\"1s\",\"max_backoff\":\"5s\","
		"\"on\":[\"connect\",\"5xx\",429]},"
		"\"max_body\":\"64KiB\",\"capture\":\"sha256\","
		"\"assert\":{\"contains\":\"c\",\"regex\":\"r\",\"json\":{\"/a~1b\":[1]}},"
		"\"hedge\":\"100ms\",\"http_version\":\"2\","
		"\"tls\":{\"verify\":false,\"ca\":\"corp-ca\",\"min\":\"1.3\",\"client\":\"me\","
		"\"report\":true}}]}");
	const struct batch_options *options;

	ck_assert_int_eq(got.r, 0);
	options = got.batch->urls[0].options;
	ck_assert_ptr_ne(options, got.batch->options);
	ck_assert_int_eq(options->timeout_ns, UNITS_NS_PER_S);
	ck_assert_int_eq(options->attempt_timeout_ns, 500 * UNITS_NS_PER_MS);
	ck_assert_int_eq(options->connect_timeout_ns, 2 * UNITS_NS_PER_S);
	ck_assert_str_eq(options->method, "POST");
	ck_assert_uint_eq(options->n_headers, 1);
	ck_assert_str_eq(options->headers[0].name, "Accept");
	ck_assert_str_eq(options->headers[0].value, "text/html");
	ck_assert_str_eq(options->body, "b");
	ck_assert_uint_eq(options->body_len, 1);
	ck_assert_uint_eq(options->expect.n, 3);
	ck_assert_uint_eq(options->expect.ranges[1].first, 404);
	ck_assert_uint_eq(options->expect.ranges[2].last, 310);
	ck_assert_str_eq(options->expect.text, "2xx, 404, 300-310");
	ck_assert_uint_eq(options->redirects, 0);
	ck_assert_uint_eq(options->retries.max, 2);
	ck_assert_int_eq(options->retries.backoff_ns, UNITS_NS_PER_S);
	ck_assert(options->retries.on_connect && !options->retries.on_timeout);
	ck_assert_uint_eq(options->retries.on_status.n, 2);
	ck_assert_int_eq(options->max_body, 65536);
	ck_assert_int_eq(options->capture, BATCH_CAPTURE_SHA256);
	ck_assert_str_eq(options->assertion.contains, "c");
	ck_assert_str_eq(options->assertion.json[0].pointer, "/a~1b");
	ck_assert_int_eq(options->assertion.json[0].value->first->integer, 1);
	ck_assert_int_eq(options->hedge_ns, 100 * UNITS_NS_PER_MS);
	ck_assert_int_eq(options->http_version, BATCH_HTTP_2);
	ck_assert(!options->tls.verify && options->tls.report);
	ck_assert_str_eq(options->tls.ca, "-----BEGIN CERTIFICATE-----\nA");
	ck_assert_int_eq(options->tls.min, BATCH_TLS_1_3);
	ck_assert_ptr_nonnull(strstr(options->tls.client, "PRIVATE KEY"));
}
END_TEST

START_TEST(a_credential_is_read_once_for_all_urls)
{
	_cleanup_(outcome_fini) struct outcome got = read_json_in_full_engine(
		"{\"urls\":[{\"url\":\"a\",\"tls\":{\"client\":\"me\"}},"
		"{\"url\":\"b\",\"tls\":{\"ca\":\"me\",\"client\":\"me\"}}]}");

	ck_assert_int_eq(got.r, 0);
	ck_assert_uint_eq(n_credentials_read, 1);
	ck_assert_ptr_eq(
		got.batch->urls[0].options->tls.client, got.batch->urls[1].options->tls.client);
}
END_TEST

static const struct {
	const char *tls;
	const char *detail;
} bad_credentials[] = {
	{ "{\"client\":\"nobody\"}", "there is no credential \"nobody\"" },
	{ "{\"ca\":\"nobody\"}", "there is no credential \"nobody\"" },
	{ "{\"ca\":\"locked\"}", "the credential \"locked\" cannot be read" },
	{ "{\"ca\":\"token\"}", "the credential \"token\" has no certificate in PEM" },
	{ "{\"client\":\"token\"}", "\"token\" has no certificate and key in PEM" },
	{ "{\"client\":\"corp-ca\"}", "\"corp-ca\" has no certificate and key in PEM" },
};

START_TEST(a_credential_that_cannot_be_used_is_a_fault)
{
	char body[128];

	(void)snprintf(
		body, sizeof(body), "{\"urls\":[\"a\"],\"tls\":%s}", bad_credentials[_i].tls);
	{
		_cleanup_(outcome_fini) struct outcome got = read_json_in_full_engine(body);

		ck_assert_int_eq(got.r, -EINVAL);
		ck_assert_uint_eq(got.faults.n, 1);
		ck_assert_ptr_nonnull(
			strstr(got.faults.items[0].detail, bad_credentials[_i].detail));
	}
}
END_TEST

START_TEST(a_urls_fields_replace_the_batchs)
{
	_cleanup_(outcome_fini) struct outcome got =
		read_json("{\"urls\":[\"a\",{\"url\":\"b\"},{\"url\":\"c\",\"timeout\":\"1s\","
			  "\"headers\":{\"B\":\"2\"}}],"
			  "\"timeout\":\"7s\",\"redirects\":1,\"headers\":{\"A\":\"1\"}}");

	ck_assert_int_eq(got.r, 0);
	ck_assert_ptr_eq(got.batch->urls[0].options, got.batch->urls[1].options);
	ck_assert_int_eq(got.batch->urls[0].options->timeout_ns, 7 * UNITS_NS_PER_S);
	ck_assert_int_eq(got.batch->urls[2].options->timeout_ns, UNITS_NS_PER_S);
	ck_assert_uint_eq(got.batch->urls[2].options->redirects, 1);
	ck_assert_uint_eq(got.batch->urls[2].options->n_headers, 1);
	ck_assert_str_eq(got.batch->urls[2].options->headers[0].name, "B");
}
END_TEST

START_TEST(features_that_are_switched_off_need_no_engine_for_them)
{
	_cleanup_(outcome_fini) struct outcome got =
		read_json("{\"urls\":[\"a\"],\"retries\":{\"max\":0},\"dedupe\":false,"
			  "\"resume\":false,\"http_version\":\"1.1\",\"tls\":{\"report\":false}}");

	ck_assert_int_eq(got.r, 0);
}
END_TEST

/* ---- faults ---- */

/* A body with one fault. */
static const struct {
	const char *body;
	const char *pointer;
	uint32_t column;
	const char *detail;
	const char *suggestion;
} faulty[] = {
	{ "[1]", "", 1, "an object such as {\"urls\"", NULL },
	{ "5", "", 1, "found the number 5", NULL },
	{ "{}", "", 1, "\"urls\" is missing", NULL },
	{ "{\"urls\":[]}", "/urls", 9, "at least one", NULL },
	{ "{\"urls\":\"a\"}", "/urls", 9, "an array of URLs", NULL },
	{ "{\"urls\":[\"\"]}", "/urls/0", 10, "must not be empty", NULL },
	{ "{\"urls\":[\"a\\nb\"]}", "/urls/0", 10, "control characters", NULL },
	{ "{\"urls\":[5]}", "/urls/0", 10, "a URL or an object", NULL },
	{ "{\"urls\":[null]}", "/urls/0", 10, "found null", NULL },
	{ "{\"urls\":[{}]}", "/urls/0", 10, "\"url\" is missing", NULL },
	{ "{\"urls\":[{\"url\":7}]}", "/urls/0/url", 17, "must be a string", NULL },
	{ "{\"urls\":[{\"url\":\"a\",\"timout\":\"1s\"}]}", "/urls/0/timout", 21, "unknown field",
		"timeout" },
	{ "{\"urls\":[{\"url\":\"a\",\"deadline\":\"1s\"}]}", "/urls/0/deadline", 21,
		"belongs to the batch", NULL },
	{ "{\"urls\":[\"a\"],\"dedline\":\"5s\"}", "/dedline", 15, "unknown field", "deadline" },
	{ "{\"urls\":[\"a\"],\"xyzzy\":1}", "/xyzzy", 15, "unknown field", NULL },
	{ "{\"urls\":[\"a\"],\"deadline\":5}", "/deadline", 26, "found the number 5", "5s" },
	{ "{\"urls\":[\"a\"],\"deadline\":2.5}", "/deadline", 26, "found the number 2.5", NULL },
	{ "{\"urls\":[\"a\"],\"deadline\":\"5\"}", "/deadline", 26, "needs a unit", "5s" },
	{ "{\"urls\":[\"a\"],\"deadline\":\"0s\"}", "/deadline", 26, "longer than 0s", NULL },
	{ "{\"urls\":[\"a\"],\"deadline\":\"-5s\"}", "/deadline", 26, "negative", NULL },
	{ "{\"urls\":[\"a\"],\"deadline\":\"1.5s\"}", "/deadline", 26, "fractions", NULL },
	{ "{\"urls\":[\"a\"],\"deadline\":\"9223372036854775808ns\"}", "/deadline", 26, "too large",
		NULL },
	{ "{\"urls\":[\"a\"],\"deadline\":\"367d\"}", "/deadline", 26, "at most 366d", NULL },
	{ "{\"urls\":[\"a\"],\"deadline\":null}", "/deadline", 26, "leave the field out", NULL },
	{ "{\"urls\":[\"a\"],\"concurrency\":0}", "/concurrency", 29, "from 1 to 16384, found 0",
		NULL },
	{ "{\"urls\":[\"a\"],\"concurrency\":16385}", "/concurrency", 29, "from 1 to 16384", NULL },
	{ "{\"urls\":[\"a\"],\"concurrency\":\"8\"}", "/concurrency", 29,
		"an integer; found the string", NULL },
	{ "{\"urls\":[\"a\"],\"concurrency\":8.0}", "/concurrency", 29, "found the number 8.0",
		NULL },
	{ "{\"urls\":[\"a\"],\"max_failures\":-1}", "/max_failures", 30, "at least 0", NULL },
	{ "{\"urls\":[\"a\"],\"max_failures\":1,\"policy\":\"collect\"}", "", 1, "fail_fast only",
		NULL },
	{ "{\"urls\":[\"a\"],\"policy\":\"colect\"}", "/policy", 24, "one of", "collect" },
	{ "{\"urls\":[\"a\"],\"policy\":1}", "/policy", 24, "one of", NULL },
	{ "{\"urls\":[\"a\"],\"name\":\"\"}", "/name", 22, "must not be empty", NULL },
	{ "{\"urls\":[\"a\"],\"name\":\"a\\u0007\"}", "/name", 22, "control characters", NULL },
	{ "{\"urls\":[\"a\"],\"dedupe\":1}", "/dedupe", 24, "true or false", NULL },
	{ "{\"urls\":[\"a\"],\"rate\":\"10\"}", "/rate", 22, "a rate looks like", NULL },
	{ "{\"urls\":[\"a\"],\"method\":\"get\"}", "/method", 24, "in capitals", "GET" },
	{ "{\"urls\":[\"a\"],\"method\":\"G T\"}", "/method", 24, "one of GET", "GET" },
	{ "{\"urls\":[\"a\"],\"method\":\"GET / HTTP/1.1\\r\\nX: y\"}", "/method", 24, "one of GET",
		NULL },
	{ "{\"urls\":[\"a\"],\"body\":\"x\"}", "", 1, "a body needs a method", NULL },
	{ "{\"urls\":[\"a\"],\"body\":\"x\",\"method\":\"HEAD\"}", "", 1, "no body", NULL },
	{ "{\"urls\":[{\"url\":\"a\",\"body\":\"x\"}]}", "/urls/0", 10, "a body needs a method",
		NULL },
	{ "{\"urls\":[\"a\"],\"headers\":[]}", "/headers", 25, "an object of strings", NULL },
	{ "{\"urls\":[\"a\"],\"headers\":{\"Host\":\"x\"}}", "/headers/Host", 33, "set by fetchd",
		NULL },
	{ "{\"urls\":[\"a\"],\"headers\":{\"proxy-x\":\"x\"}}", "/headers/proxy-x", 36,
		"set by fetchd", NULL },
	{ "{\"urls\":[\"a\"],\"headers\":{\"transfer-encoding\":\"x\"}}",
		"/headers/transfer-encoding", 46, "set by fetchd", NULL },
	{ "{\"urls\":[\"a\"],\"headers\":{\"A B\":\"x\"}}", "/headers/A B", 32, "header's name",
		NULL },
	{ "{\"urls\":[\"a\"],\"headers\":{\"\":\"x\"}}", "/headers/", 29, "header's name", NULL },
	{ "{\"urls\":[\"a\"],\"headers\":{\"A\":\"x\\r\\nB: y\"}}", "/headers/A", 30, "line ends",
		NULL },
	{ "{\"urls\":[\"a\"],\"headers\":{\"A\":1}}", "/headers/A", 30, "found the number 1",
		NULL },
	{ "{\"urls\":[\"a\"],\"headers\":{\"A\":\"x\",\"a\":\"y\"}}", "/headers/a", 38,
		"there before", NULL },
	{ "{\"urls\":[\"a\"],\"expect\":200}", "/expect", 24, "an array of statuses", NULL },
	{ "{\"urls\":[\"a\"],\"expect\":[]}", "/expect", 24, "an array of statuses", NULL },
	{ "{\"urls\":[\"a\"],\"expect\":[99]}", "/expect/0", 25, "a status from 100", NULL },
	{ "{\"urls\":[\"a\"],\"expect\":[200,600]}", "/expect/1", 29, "a status from 100", NULL },
	{ "{\"urls\":[\"a\"],\"expect\":[\"6xx\"]}", "/expect/0", 25, "a status from 100", NULL },
	{ "{\"urls\":[\"a\"],\"expect\":[\"399-200\"]}", "/expect/0", 25, "a status from 100",
		NULL },
	{ "{\"urls\":[\"a\"],\"expect\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}", "/expect",
		24, "at most 16 statuses", NULL },
	{ "{\"urls\":[\"a\"],\"redirects\":51}", "/redirects", 27, "from 0 to 50", NULL },
	{ "{\"urls\":[\"a\"],\"retries\":2}", "/retries", 25, "an object such as", NULL },
	{ "{\"urls\":[\"a\"],\"retries\":{\"backof\":\"1s\"}}", "/retries/backof", 26,
		"unknown field", "backoff" },
	{ "{\"urls\":[\"a\"],\"retries\":{\"backoff\":\"1m\"}}", "/retries", 25,
		"longer than max_backoff", NULL },
	{ "{\"urls\":[\"a\"],\"retries\":{\"on\":[\"dns\"]}}", "/retries/on/0", 32, "a status from",
		NULL },
	{ "{\"urls\":[\"a\"],\"retries\":{\"on\":[\"tmeout\"]}}", "/retries/on/0", 32,
		"\"connect\", \"timeout\", a status", "timeout" },
	{ "{\"urls\":[\"a\"],\"max_body\":1024}", "/max_body", 26, "a size such as", "1024B" },
	{ "{\"urls\":[\"a\"],\"max_body\":\"0B\"}", "/max_body", 26, "at least 1B", NULL },
	{ "{\"urls\":[\"a\"],\"max_body\":\"11MiB\"}", "/max_body", 26, "at most 10MiB", NULL },
	{ "{\"urls\":[\"a\"],\"capture\":\"md5\"}", "/capture", 25, "one of \"none\"", NULL },
	{ "{\"urls\":[\"a\"],\"http_version\":1.1}", "/http_version", 30, "one of \"auto\"", NULL },
	{ "{\"urls\":[\"a\"],\"tls\":{\"ca\":\"/etc/passwd\"}}", "/tls/ca", 27, "never a path",
		NULL },
	{ "{\"urls\":[\"a\"],\"tls\":{\"ca\":\"..\"}}", "/tls/ca", 27, "never a path", NULL },
	{ "{\"urls\":[\"a\"],\"tls\":{\"min\":\"1.1\"}}", "/tls/min", 28, "\"1.2\" or \"1.3\"",
		"1.2" },
	/* what this version's engine cannot do is never ignored */
	{ "{\"urls\":[\"a\"],\"retries\":{\"max\":1}}", "/retries/max", 32, "not supported", NULL },
	{ "{\"urls\":[\"a\"],\"hedge\":\"1s\"}", "/hedge", 23, "not supported", NULL },
	{ "{\"urls\":[\"a\"],\"assert\":{\"contains\":\"x\"}}", "/assert", 24, "not supported",
		NULL },
	{ "{\"urls\":[\"a\"],\"dedupe\":true}", "/dedupe", 24, "not supported", NULL },
	{ "{\"urls\":[\"a\"],\"rate\":\"1/s\"}", "/rate", 22, "not supported", NULL },
	{ "{\"urls\":[\"a\"],\"resume\":true}", "/resume", 24, "not supported", NULL },
	{ "{\"urls\":[\"a\"],\"http_version\":\"2\"}", "/http_version", 30, "not supported", NULL },
	{ "{\"urls\":[\"a\"],\"tls\":{\"client\":\"x\"}}", "/tls/client", 31, "not supported",
		NULL },
	{ "{\"urls\":[\"a\"],\"tls\":{\"report\":true}}", "/tls/report", 31, "not supported",
		NULL },
};

START_TEST(a_fault_says_where_and_what_and_what_was_meant)
{
	_cleanup_(outcome_fini) struct outcome got = read_json(faulty[_i].body);
	const struct fault *fault;

	ck_assert_msg(got.r == -EINVAL, "%s: %d", faulty[_i].body, got.r);
	ck_assert_uint_eq(got.faults.n, 1);
	fault = &got.faults.items[0];
	ck_assert_str_eq(fault->pointer, faulty[_i].pointer);
	ck_assert_msg(strstr(fault->detail, faulty[_i].detail), "%s", fault->detail);
	ck_assert_pstr_eq(fault->suggestion, faulty[_i].suggestion);
	ck_assert_uint_eq(fault->line, 1);
	ck_assert_uint_eq(fault->column, faulty[_i].column);
}
END_TEST

START_TEST(a_pattern_is_compiled_when_it_is_read)
{
	_cleanup_(outcome_fini) struct outcome got =
		read_json_in_full_engine("{\"urls\":[\"a\"],\"assert\":{\"regex\":\"(a\"}}");

	ck_assert_int_eq(got.r, -EINVAL);
	ck_assert_uint_eq(got.faults.n, 1);
	ck_assert_str_eq(got.faults.items[0].pointer, "/assert/regex");
	ck_assert_str_eq(got.faults.items[0].detail,
		"no regular expression: at character 3: missing closing parenthesis");
}
END_TEST

START_TEST(all_faults_are_reported_at_once)
{
	_cleanup_(outcome_fini) struct outcome got = read_json(
		"{\n \"polcy\": \"collect\",\n \"deadline\": 5,\n \"headers\": {\"Host\": \"x\","
		" \"TE\": \"y\"},\n \"urls\": [\"\", {\"url\": \"a\", \"timeout\": \"x\"}, 7]\n}");

	ck_assert_int_eq(got.r, -EINVAL);
	ck_assert_uint_eq(got.faults.n, 7);
	ck_assert_uint_eq(find_fault(&got, "/polcy")->line, 2);
	ck_assert_uint_eq(find_fault(&got, "/deadline")->line, 3);
	ck_assert_uint_eq(find_fault(&got, "/headers/TE")->line, 4);
	ck_assert_uint_eq(find_fault(&got, "/urls/1/timeout")->line, 5);
	ck_assert_uint_eq(find_fault(&got, "/urls/1/timeout")->column, 39);
	ck_assert_ptr_nonnull(find_fault(&got, "/urls/2"));
}
END_TEST

static const char *const unreadable[] = { "", "{", "{\"urls\":[\"a\"]} x",
	"{\"urls\":[\"a\"],\"urls\":[]}", "\xef\xbb\xbf{\"urls\":[\"a\"]}", "{\"urls\":[\"\xc3\"]}",
	"{\"urls\":[\"\\u0000\"]}", "{\"concurrency\":1e400}", "{\"concurrency\":NaN}",
	"{\"concurrency\":9223372036854775808}" };

START_TEST(what_cannot_be_read_is_another_error)
{
	_cleanup_(outcome_fini) struct outcome got = read_json(unreadable[_i]);

	ck_assert_int_eq(got.r, -EBADMSG);
	ck_assert_uint_eq(got.faults.n, 1);
	ck_assert_uint_eq(got.faults.items[0].line, 1);
}
END_TEST

START_TEST(too_many_urls_are_counted)
{
	struct batch_limits limits = small_engine;
	struct batch_input input = input_of(BATCH_KIND_JSON, NULL, &limits);
	const char *body = "{\"urls\":[\"a\",\"b\",\"c\",{\"url\":5}]}";
	_cleanup_(outcome_fini) struct outcome got = { 0 };

	limits.urls = 2;
	got = read_pieces(&input, body, strlen(body), 1000);

	ck_assert_int_eq(got.r, -EINVAL);
	ck_assert_uint_eq(got.faults.n, 1);
	ck_assert_str_eq(got.faults.items[0].detail, "at most 2 URLs in a batch, found 4");
}
END_TEST

static int
refuse_ftp(const char *url, size_t len, char *why, size_t cap)
{
	if (len < 4 || memcmp(url, "ftp:", 4) != 0) {
		return 0;
	}
	(void)snprintf(why, cap, "the scheme ftp is not fetched");
	return -EINVAL;
}

START_TEST(the_callers_rule_for_urls_is_asked)
{
	struct batch_limits limits = small_engine;
	struct batch_input input = input_of(BATCH_KIND_JSON, NULL, &limits);
	const char *body = "{\"urls\":[\"http://a/\",\"ftp://b/\",{\"url\":\"ftp://c/\"}]}";
	_cleanup_(outcome_fini) struct outcome got = { 0 };

	limits.check_url = refuse_ftp;
	got = read_pieces(&input, body, strlen(body), 1000);

	ck_assert_int_eq(got.r, -EINVAL);
	ck_assert_uint_eq(got.faults.n, 2);
	ck_assert_str_eq(find_fault(&got, "/urls/1")->detail, "the scheme ftp is not fetched");
	ck_assert_ptr_nonnull(find_fault(&got, "/urls/2/url"));
}
END_TEST

START_TEST(a_json_body_has_a_limit)
{
	struct batch_input input = input_of(BATCH_KIND_JSON, NULL, &small_engine);
	_cleanup_(freep) char *body = malloc(BATCH_JSON_MAX + 1);
	_cleanup_(outcome_fini) struct outcome fits = { 0 };
	_cleanup_(outcome_fini) struct outcome over = { 0 };

	memset(body, ' ', BATCH_JSON_MAX + 1);
	memcpy(body, "{\"urls\":[\"a\"]}", 14);
	fits = read_pieces(&input, body, BATCH_JSON_MAX, 10000);
	over = read_pieces(&input, body, BATCH_JSON_MAX + 1, 10000);

	ck_assert_int_eq(fits.r, 0);
	ck_assert_int_eq(over.r, -E2BIG);
}
END_TEST

/* ---- lines ---- */

static const char ndjson[] = "{\"policy\":\"collect\",\"timeout\":\"3s\"}\n"
			     "\"https://a/\"\r\n"
			     "\n"
			     "{\"url\":\"https://b/\",\"timeout\":\"1s\"}\n"
			     "\"https://c/\"";

START_TEST(ndjson_is_read_in_any_pieces)
{
	struct batch_input input = input_of(BATCH_KIND_NDJSON, NULL, &small_engine);
	_cleanup_(outcome_fini) struct outcome got =
		read_pieces(&input, ndjson, strlen(ndjson), (size_t)_i);

	ck_assert_int_eq(got.r, 0);
	ck_assert_int_eq(got.batch->policy, BATCH_COLLECT);
	ck_assert_uint_eq(got.batch->n_urls, 3);
	ck_assert_str_eq(got.batch->urls[0].url, "https://a/");
	ck_assert_int_eq(got.batch->urls[0].options->timeout_ns, 3 * UNITS_NS_PER_S);
	ck_assert_uint_eq(got.batch->urls[1].line, 4);
	ck_assert_int_eq(got.batch->urls[1].options->timeout_ns, UNITS_NS_PER_S);
	ck_assert_str_eq(got.batch->urls[2].url, "https://c/");
}
END_TEST

START_TEST(faults_in_lines_know_their_line)
{
	_cleanup_(outcome_fini) struct outcome got =
		read_body(BATCH_KIND_NDJSON, "{\"deadlin\":\"5s\"}\n\"a\"\n{\"url\":\"b\","
					     "\"timeout\":5}\n{\"url\":\"c\"\n\"\"\n\"trunc");

	ck_assert_int_eq(got.r, -EBADMSG);
	ck_assert_uint_eq(got.faults.n, 5);
	ck_assert_uint_eq(find_fault(&got, "/deadlin")->column, 2);
	ck_assert_uint_eq(find_fault(&got, "/urls/1/timeout")->line, 3);
	ck_assert_uint_eq(find_fault(&got, "/urls/1/timeout")->column, 22);
	ck_assert_uint_eq(got.faults.items[2].line, 4);
	ck_assert_uint_eq(find_fault(&got, "/urls/3")->line, 5);
	ck_assert_uint_eq(got.faults.items[4].line, 6);
}
END_TEST

static const struct {
	const char *body;
	int r;
	const char *detail;
} bad_ndjson[] = {
	{ "", -EBADMSG, "it is empty" },
	{ "\n\n", -EBADMSG, "it is empty" },
	{ "{}\n", -EINVAL, "there are no URLs" },
	{ "\"https://a/\"\n", -EINVAL, "the first line is the batch" },
	{ "{\"url\":\"https://a/\"}\n", -EINVAL, "the first line is the batch" },
	{ "{\"urls\":[\"a\"]}\n\"b\"\n", -EINVAL, "the URLs follow" },
	{ "{}\n[\"a\"]\n", -EINVAL, "a URL or an object" },
	{ "{}\n\"a\" \"b\"\n", -EBADMSG, "no JSON" },
};

START_TEST(ndjson_that_is_not_as_it_should_be_is_explained)
{
	_cleanup_(outcome_fini) struct outcome got =
		read_body(BATCH_KIND_NDJSON, bad_ndjson[_i].body);

	ck_assert_int_eq(got.r, bad_ndjson[_i].r);
	ck_assert_uint_eq(got.faults.n, 1);
	ck_assert_msg(strstr(got.faults.items[0].detail, bad_ndjson[_i].detail), "%s",
		got.faults.items[0].detail);
}
END_TEST

START_TEST(an_endless_line_is_passed_over_without_being_kept)
{
	_cleanup_(batch_reader_destroyp) struct batch_reader *reader = NULL;
	struct batch_input input = input_of(BATCH_KIND_NDJSON, NULL, &small_engine);
	_cleanup_(freep) char *junk = malloc(1 << 20);
	_cleanup_(outcome_fini) struct outcome got = { 0 };
	int i;

	memset(junk, 'x', 1 << 20);
	ck_assert_int_eq(batch_reader_open(&input, &reader), 0);
	ck_assert_int_eq(batch_reader_feed(reader, "{}\n\"a\"\n\"", 8), 0);
	for (i = 0; i < 100; i++) {
		ck_assert_int_eq(batch_reader_feed(reader, junk, 1 << 20), 0);
	}
	ck_assert_int_eq(batch_reader_feed(reader, "\n{\"url\":1}\n", 11), 0);
	got.r = batch_reader_finish(reader, &got.batch, &got.faults);

	ck_assert_int_eq(got.r, -EBADMSG);
	ck_assert_uint_eq(got.faults.n, 2);
	ck_assert_uint_eq(got.faults.items[0].line, 3);
	ck_assert_ptr_nonnull(strstr(got.faults.items[0].detail, "a line is over 65536 bytes"));
	ck_assert_uint_eq(got.faults.items[1].line, 4);
	ck_assert_str_eq(got.faults.items[1].pointer, "/urls/2/url");
}
END_TEST

START_TEST(a_line_may_have_as_many_bytes_as_the_limit_says)
{
	struct batch_input input = input_of(BATCH_KIND_TEXT, NULL, &small_engine);
	_cleanup_(freep) char *body = malloc(BATCH_LINE_MAX + 2);
	_cleanup_(outcome_fini) struct outcome fits = { 0 };
	_cleanup_(outcome_fini) struct outcome over = { 0 };

	memset(body, 'x', BATCH_LINE_MAX + 1);
	body[BATCH_LINE_MAX] = '\n';
	fits = read_pieces(&input, body, BATCH_LINE_MAX + 1, (size_t)_i);
	body[BATCH_LINE_MAX] = 'x';
	body[BATCH_LINE_MAX + 1] = '\n';
	over = read_pieces(&input, body, BATCH_LINE_MAX + 2, (size_t)_i);

	ck_assert_int_eq(fits.r, 0);
	ck_assert_int_eq(over.r, -EBADMSG);
}
END_TEST

START_TEST(a_hundred_thousand_lines_are_a_batch)
{
	_cleanup_(batch_reader_destroyp) struct batch_reader *reader = NULL;
	struct batch_input input = input_of(BATCH_KIND_NDJSON, NULL, &small_engine);
	_cleanup_(outcome_fini) struct outcome got = { 0 };
	char line[64];
	int i;

	ck_assert_int_eq(batch_reader_open(&input, &reader), 0);
	ck_assert_int_eq(batch_reader_feed(reader, "{}\n", 3), 0);
	for (i = 0; i < 100000; i++) {
		int n = snprintf(line, sizeof(line), "\"https://example.org/%d\"\n", i);

		ck_assert_int_eq(batch_reader_feed(reader, line, (size_t)n), 0);
	}
	got.r = batch_reader_finish(reader, &got.batch, &got.faults);

	ck_assert_int_eq(got.r, 0);
	ck_assert_uint_eq(got.batch->n_urls, 100000);
	ck_assert_str_eq(got.batch->urls[99999].url, "https://example.org/99999");
}
END_TEST

START_TEST(text_has_a_url_a_line_and_fields_in_the_query)
{
	struct batch_input input = input_of(BATCH_KIND_TEXT,
		"policy=first_success&timeout=2s&concurrency=9&name=a%20b+c&expect=2xx,404&&max_"
		"body=1KiB",
		&small_engine);
	const char *body = "# a list\n\n  https://a/  \r\nhttps://b/#frag\n#https://c/\n";
	_cleanup_(outcome_fini) struct outcome got =
		read_pieces(&input, body, strlen(body), (size_t)_i);

	ck_assert_int_eq(got.r, 0);
	ck_assert_uint_eq(got.batch->n_urls, 2);
	ck_assert_str_eq(got.batch->urls[0].url, "https://a/");
	ck_assert_uint_eq(got.batch->urls[0].line, 3);
	ck_assert_uint_eq(got.batch->urls[0].column, 3);
	ck_assert_str_eq(got.batch->urls[1].url, "https://b/#frag");
	ck_assert_int_eq(got.batch->policy, BATCH_FIRST_SUCCESS);
	ck_assert_uint_eq(got.batch->concurrency, 9);
	ck_assert_str_eq(got.batch->name, "a b c");
	ck_assert_int_eq(got.batch->options->timeout_ns, 2 * UNITS_NS_PER_S);
	ck_assert_str_eq(got.batch->options->expect.text, "2xx, 404");
	ck_assert_int_eq(got.batch->options->max_body, 1024);
}
END_TEST

static const struct {
	enum batch_kind kind;
	const char *query;
	int r;
	const char *detail;
} bad_queries[] = {
	{ BATCH_KIND_TEXT, "timeout=5", -EINVAL, "needs a unit" },
	{ BATCH_KIND_TEXT, "timout=5s", -EINVAL, "unknown field" },
	{ BATCH_KIND_TEXT, "timeout=5s&timeout=6s", -EINVAL, "twice" },
	{ BATCH_KIND_TEXT, "headers=x", -EINVAL, "cannot be a query parameter" },
	{ BATCH_KIND_TEXT, "urls=x", -EINVAL, "cannot be a query parameter" },
	{ BATCH_KIND_TEXT, "concurrency=8x", -EINVAL, "an integer" },
	{ BATCH_KIND_TEXT, "concurrency=", -EINVAL, "an integer" },
	{ BATCH_KIND_TEXT, "concurrency", -EINVAL, "an integer" },
	{ BATCH_KIND_TEXT, "concurrency=99999999999999999999", -EINVAL, "an integer" },
	{ BATCH_KIND_TEXT, "dedupe=yes", -EINVAL, "true or false" },
	{ BATCH_KIND_TEXT, "expect=", -EINVAL, "a status from" },
	{ BATCH_KIND_TEXT, "name=%zz", -EBADMSG, "percent-encoded" },
	{ BATCH_KIND_TEXT, "name=%4", -EBADMSG, "percent-encoded" },
	{ BATCH_KIND_TEXT, "name=%00", -EBADMSG, "percent-encoded" },
	{ BATCH_KIND_TEXT, "name=%ff", -EBADMSG, "percent-encoded" },
	{ BATCH_KIND_TEXT, "%ff=1", -EBADMSG, "percent-encoded" },
	{ BATCH_KIND_NDJSON, "timeout=5s", -EINVAL, "text/plain only" },
	{ BATCH_KIND_JSON, "a=b", -EINVAL, "text/plain only" },
};

START_TEST(a_bad_query_is_explained)
{
	static const char *const bodies[] = { "{\"urls\":[\"a\"]}", "{}\n\"a\"\n", "https://a/\n" };
	struct batch_input input =
		input_of(bad_queries[_i].kind, bad_queries[_i].query, &small_engine);
	const char *body = bodies[bad_queries[_i].kind];
	_cleanup_(outcome_fini) struct outcome got = read_pieces(&input, body, strlen(body), 1000);

	ck_assert_int_eq(got.r, bad_queries[_i].r);
	ck_assert_uint_eq(got.faults.n, 1);
	ck_assert_msg(strstr(got.faults.items[0].detail, bad_queries[_i].detail), "%s",
		got.faults.items[0].detail);
}
END_TEST

START_TEST(text_must_be_text)
{
	struct batch_input input = input_of(BATCH_KIND_TEXT, NULL, &small_engine);
	static const char body[] = "https://a/\nhttps://b/\0c\nhttps://\xff/\n";
	_cleanup_(outcome_fini) struct outcome got =
		read_pieces(&input, body, sizeof(body) - 1, 1000);

	ck_assert_int_eq(got.r, -EBADMSG);
	ck_assert_uint_eq(got.faults.n, 2);
	ck_assert_uint_eq(got.faults.items[0].line, 2);
	ck_assert_uint_eq(got.faults.items[1].line, 3);
}
END_TEST

START_TEST(a_body_without_urls_is_no_batch)
{
	_cleanup_(outcome_fini) struct outcome got = read_body(BATCH_KIND_TEXT, "# nothing\n");

	ck_assert_int_eq(got.r, -EINVAL);
	ck_assert_str_eq(got.faults.items[0].detail, "there are no URLs");
}
END_TEST

/* ---- jobs ---- */

static struct outcome
read_job(const char *text)
{
	static const char *const skip[] = { "name", "every", NULL };
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	const struct value_path jobs = { .key = "jobs", .key_len = 4 };
	const struct value_path path = { .parent = &jobs, .index = 2 };
	const struct batch_from from = {
		.path = &path,
		.skip = skip,
		.defaults = &defaults,
		.limits = &small_engine,
	};
	struct outcome outcome = { .faults = FAULTS_INIT };

	ck_assert_int_eq(yaml_parse(text, strlen(text), &tree, &outcome.faults), 0);
	outcome.r = batch_from_value(tree->root, &from, &outcome.batch, &outcome.faults);
	return outcome;
}

START_TEST(a_job_takes_every_field_of_a_batch)
{
	_cleanup_(outcome_fini) struct outcome got =
		read_job("name: api\nevery: 30s\ndeadline: 5s\nhttp_version: 1.1\n"
			 "urls: [https://a/, {url: https://b/, expect: [2xx, 404]}]\n");

	ck_assert_int_eq(got.r, 0);
	ck_assert_ptr_null(got.batch->name);
	ck_assert_int_eq(got.batch->deadline_ns, 5 * UNITS_NS_PER_S);
	ck_assert_int_eq(got.batch->options->http_version, BATCH_HTTP_1_1);
	ck_assert_uint_eq(got.batch->n_urls, 2);
	ck_assert_uint_eq(got.batch->urls[1].line, 5);
	ck_assert_uint_eq(got.batch->urls[1].options->expect.n, 2);
}
END_TEST

START_TEST(a_jobs_faults_have_the_files_positions)
{
	_cleanup_(outcome_fini) struct outcome got = read_job(
		"evry: 30s\ndeadline: 5\nbody: 12\nmethod: POST\ndedupe: yes\nurls:\n- ''\n");

	ck_assert_int_eq(got.r, -EINVAL);
	ck_assert_uint_eq(got.faults.n, 5);
	ck_assert_uint_eq(find_fault(&got, "/jobs/2/evry")->line, 1);
	ck_assert_str_eq(find_fault(&got, "/jobs/2/evry")->suggestion, "every");
	ck_assert_uint_eq(find_fault(&got, "/jobs/2/deadline")->column, 11);
	ck_assert_ptr_nonnull(strstr(find_fault(&got, "/jobs/2/body")->detail, "put it in quotes"));
	ck_assert_ptr_nonnull(
		strstr(find_fault(&got, "/jobs/2/dedupe")->detail, "found the string \"yes\""));
	ck_assert_uint_eq(find_fault(&got, "/jobs/2/urls/0")->line, 7);
}
END_TEST

START_TEST(earlier_faults_do_not_spoil_a_good_job)
{
	const struct batch_from from = { .defaults = &defaults, .limits = &small_engine };
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	_cleanup_(batch_description_destroyp) struct batch_description *batch = NULL;

	faults_add(&faults, &(struct fault_place){ NULL }, "of another job");
	ck_assert_int_eq(yaml_parse("urls: [a]", 9, &tree, &faults), 0);
	ck_assert_int_eq(batch_from_value(tree->root, &from, &batch, &faults), 0);

	ck_assert_uint_eq(batch->n_urls, 1);
	ck_assert_uint_eq(faults.n, 1);
}
END_TEST

START_TEST(policies_have_names)
{
	ck_assert_str_eq(batch_policy_name(BATCH_FAIL_FAST), "fail_fast");
	ck_assert_int_eq(batch_policy_find("first_success"), BATCH_FIRST_SUCCESS);
	ck_assert_int_eq(batch_policy_find("none"), -ENOENT);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("batch_fields");
	TCase *tc = tcase_create("batches");

	tcase_add_test(tc, a_list_of_urls_is_a_batch);
	tcase_add_test(tc, every_field_of_the_batch_is_taken);
	tcase_add_test(tc, every_field_of_a_url_is_taken);
	tcase_add_test(tc, a_credential_is_read_once_for_all_urls);
	tcase_add_loop_test(
		tc, a_credential_that_cannot_be_used_is_a_fault, 0, ARRAY_LEN(bad_credentials));
	tcase_add_test(tc, a_urls_fields_replace_the_batchs);
	tcase_add_test(tc, features_that_are_switched_off_need_no_engine_for_them);
	tcase_add_test(tc, policies_have_names);
	suite_add_tcase(suite, tc);

	tc = tcase_create("faults");
	tcase_add_loop_test(
		tc, a_fault_says_where_and_what_and_what_was_meant, 0, ARRAY_LEN(faulty));
	tcase_add_test(tc, a_pattern_is_compiled_when_it_is_read);
	tcase_add_test(tc, all_faults_are_reported_at_once);
	tcase_add_loop_test(tc, what_cannot_be_read_is_another_error, 0, ARRAY_LEN(unreadable));
	tcase_add_test(tc, too_many_urls_are_counted);
	tcase_add_test(tc, the_callers_rule_for_urls_is_asked);
	tcase_add_test(tc, a_json_body_has_a_limit);
	suite_add_tcase(suite, tc);

	tc = tcase_create("lines");
	tcase_add_loop_test(tc, ndjson_is_read_in_any_pieces, 1, 24);
	tcase_add_test(tc, faults_in_lines_know_their_line);
	tcase_add_loop_test(
		tc, ndjson_that_is_not_as_it_should_be_is_explained, 0, ARRAY_LEN(bad_ndjson));
	tcase_add_test(tc, an_endless_line_is_passed_over_without_being_kept);
	tcase_add_loop_test(tc, a_line_may_have_as_many_bytes_as_the_limit_says, 1000, 1003);
	tcase_add_test(tc, a_hundred_thousand_lines_are_a_batch);
	tcase_add_loop_test(tc, text_has_a_url_a_line_and_fields_in_the_query, 1, 12);
	tcase_add_loop_test(tc, a_bad_query_is_explained, 0, ARRAY_LEN(bad_queries));
	tcase_add_test(tc, text_must_be_text);
	tcase_add_test(tc, a_body_without_urls_is_no_batch);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(suite, tc);

	tc = tcase_create("jobs");
	tcase_add_test(tc, a_job_takes_every_field_of_a_batch);
	tcase_add_test(tc, a_jobs_faults_have_the_files_positions);
	tcase_add_test(tc, earlier_faults_do_not_spoil_a_good_job);
	suite_add_tcase(suite, tc);
	return suite;
}

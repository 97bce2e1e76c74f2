/* SPDX-License-Identifier: MIT */
/*
 * Memory runs out at every single allocation of lib/protocol, one run each: the failure must be reported
 * as one, and nothing may leak (AddressSanitizer and valgrind look). The linker puts these allocators in
 * place of libc's for our own code; jansson and libyaml keep theirs.
 */
#include "tests/support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/batch_fields.h"
#include "lib/protocol/json.h"
#include "lib/protocol/result.h"
#include "lib/protocol/yaml.h"

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *old, size_t len);
void *__real_reallocarray(void *old, size_t n, size_t len);
char *__real_strndup(const char *text, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *old, size_t len);
void *__wrap_reallocarray(void *old, size_t n, size_t len);
char *__wrap_strndup(const char *text, size_t len);

/* Allocations that still succeed; negative = all do. */
static int n_left = -1;
static bool has_failed;

static bool
fails_now(void)
{
	if (n_left != 0) {
		n_left -= n_left > 0;
		return false;
	}
	n_left = -1;
	has_failed = true;
	return true;
}

void *
__wrap_malloc(size_t len)
{
	return fails_now() ? NULL : __real_malloc(len);
}

void *
__wrap_calloc(size_t n, size_t len)
{
	return fails_now() ? NULL : __real_calloc(n, len);
}

void *
__wrap_realloc(void *old, size_t len)
{
	return fails_now() ? NULL : __real_realloc(old, len);
}

void *
__wrap_reallocarray(void *old, size_t n, size_t len)
{
	return fails_now() ? NULL : __real_reallocarray(old, n, len);
}

char *
__wrap_strndup(const char *text, size_t len)
{
	return fails_now() ? NULL : __real_strndup(text, len);
}

static const struct batch_defaults defaults = BATCH_DEFAULTS_INIT;
static const struct batch_limits limits = { 100, 100, 100, 1 << 20, 0x1ff, NULL };

static const struct {
	enum batch_kind kind;
	const char *query;
	const char *body;
	int r;
} bodies[] = {
	{ BATCH_KIND_JSON, NULL,
		"{\"urls\":[\"a\",{\"url\":\"b\",\"method\":\"POST\",\"body\":\"x\",\"headers\":{"
		"\"A\":\"b\"},"
		"\"expect\":[\"2xx\",404],\"retries\":{\"max\":1,\"on\":[\"connect\",503]},"
		"\"assert\":{\"contains\":\"c\",\"json\":{\"/a\":{\"b\":[1,\"c\"]}}},"
		"\"tls\":{\"ca\":\"x\",\"client\":\"y\"}}],\"name\":\"n\",\"rate\":\"1/s\"}",
		0 },
	{ BATCH_KIND_JSON, NULL,
		"{\"urls\":[\"\",{\"timout\":1}],\"polcy\":1,\"headers\":{\"Host\":\"x\"},"
		"\"expect\":[99],\"deadline\":5}",
		-EINVAL },
	{ BATCH_KIND_JSON, NULL, "{\"urls\":", -EBADMSG },
	{ BATCH_KIND_NDJSON, NULL,
		"{\"timeout\":\"1s\"}\n\"a\"\n{\"url\":\"b\",\"timeout\":\"2s\"}\n", 0 },
	{ BATCH_KIND_NDJSON, NULL, "{\"timeout\":1}\n5\n{\"url\":\"b\",\"timeout\":2}\n\"",
		-EBADMSG },
	{ BATCH_KIND_TEXT, "timeout=1s&name=%61+b&expect=2xx,404", "https://a/\nhttps://b/\n", 0 },
	{ BATCH_KIND_TEXT, "timeout=1&name=a&name=%62", "https://a/\n", -EINVAL },
	{ BATCH_KIND_TEXT, "name=%zz", "https://a/\n", -EBADMSG },
};

static int
read_body(int i)
{
	_cleanup_(batch_reader_destroyp) struct batch_reader *reader = NULL;
	_cleanup_(batch_description_destroyp) struct batch_description *batch = NULL;
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	const struct batch_input input = {
		.kind = bodies[i].kind,
		.query = bodies[i].query,
		.query_len = bodies[i].query ? strlen(bodies[i].query) : 0,
		.defaults = &defaults,
		.limits = &limits,
	};
	size_t half = strlen(bodies[i].body) / 2;
	int r;

	r = batch_reader_open(&input, &reader);
	if (r == 0) {
		r = batch_reader_feed(reader, bodies[i].body, half);
	}
	if (r == 0) {
		r = batch_reader_feed(reader, bodies[i].body + half, strlen(bodies[i].body) - half);
	}
	if (r == 0) {
		r = batch_reader_finish(reader, &batch, &faults);
	}
	return r;
}

/* @expected is what comes when memory does not run out. */
static void
fail_each_allocation(int (*scenario)(int i), int i, int expected)
{
	int n;

	ck_assert_int_eq(scenario(i), expected);
	for (n = 0;; n++) {
		int r;

		has_failed = false;
		n_left = n;
		r = scenario(i);
		n_left = -1;
		if (!has_failed) {
			break;
		}
		ck_assert_msg(r == -ENOMEM, "allocation %d: %d", n, r);
	}
	ck_assert_int_gt(n, 3);
}

START_TEST(a_body_survives_the_loss_of_any_allocation)
{
	fail_each_allocation(read_body, _i, bodies[_i].r);
}
END_TEST

static int
read_yaml(int i)
{
	static const char *const texts[] = {
		"urls: [a, {url: b, expect: [2xx]}]\nheaders: {A: b}\n",
		"urls: [5]\na: *x\nb: &y 1\nb: 2\n? [c]\n: d\n",
		"a: [b\n",
	};
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	_cleanup_(batch_description_destroyp) struct batch_description *batch = NULL;
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	const struct batch_from from = { .defaults = &defaults, .limits = &limits };
	int r;

	r = yaml_parse(texts[i], strlen(texts[i]), &tree, &faults);
	if (r == 0) {
		r = batch_from_value(tree->root, &from, &batch, &faults);
	}
	return r == -EINVAL && faults.error < 0 ? faults.error : r;
}

START_TEST(a_file_survives_the_loss_of_any_allocation)
{
	fail_each_allocation(read_yaml, _i, _i == 0 ? 0 : -EINVAL);
}
END_TEST

static int
write_result(int i)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);
	struct result_record record = RESULT_RECORD_INIT;
	char body[500];

	memset(body, '\1', sizeof(body));
	record.url = "https://example.org/";
	record.attempts = 1;
	record.timing.total_ns = 1;
	record.error = ERROR_STATUS;
	record.error_detail = "503 is not in \"2xx\"";
	record.capture = i ? BATCH_CAPTURE_BASE64 : BATCH_CAPTURE_TEXT;
	record.body = body;
	record.body_len = sizeof(body);
	result_write_line(&w, &record);
	return buffer_error(&out);
}

START_TEST(an_answer_survives_the_loss_of_any_allocation)
{
	fail_each_allocation(write_result, _i, 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("protocol_memory");
	TCase *tc = tcase_create("out of memory");

	tcase_add_loop_test(tc, a_body_survives_the_loss_of_any_allocation, 0, ARRAY_LEN(bodies));
	tcase_add_loop_test(tc, a_file_survives_the_loss_of_any_allocation, 0, 3);
	tcase_add_loop_test(tc, an_answer_survives_the_loss_of_any_allocation, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}

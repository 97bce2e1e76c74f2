/* SPDX-License-Identifier: MIT */
/* Memory runs out at every single allocation of lib/protocol. */
#include "tests/support/failing_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/batch_fields.h"
#include "lib/protocol/json.h"
#include "lib/protocol/result.h"
#include "lib/protocol/yaml.h"

static const struct batch_defaults defaults = BATCH_DEFAULTS_INIT;
/* The name stands for a certificate and a key. */
static int
read_credential(const char *name, struct buffer *out)
{
	buffer_puts(out, "-----BEGIN CERTIFICATE-----\n-----END PRIVATE KEY-----\n");
	return buffer_error(out);
}

static const struct batch_limits limits = { 100, 100, 100, 1 << 20, 0x1ff, NULL, read_credential };

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

START_TEST(a_body_survives_the_loss_of_any_allocation)
{
	t_fail_each_allocation(read_body, _i, bodies[_i].r);
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
	t_fail_each_allocation(read_yaml, _i, _i == 0 ? 0 : -EINVAL);
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
	result_write(&w, &record);
	return buffer_error(&out);
}

START_TEST(an_answer_survives_the_loss_of_any_allocation)
{
	t_fail_each_allocation(write_result, _i, 0);
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

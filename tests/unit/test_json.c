/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/json.h"
#include "lib/protocol/json_writer.h"

static struct value_tree *
parse(const char *text)
{
	struct value_tree *tree = NULL;
	struct json_error error;

	ck_assert_int_eq(json_parse(text, strlen(text), &tree, &error), 0);
	return tree;
}

START_TEST(values_keep_their_types_and_order)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree =
		parse("{\"z\":1,\"a\":[null,true,-2,2.5,\"\\u00e4\\ud83d\\ude00\"],\"m\":{}}");
	const struct value *list = value_get(tree->root, "a");
	const struct value *item;

	ck_assert_int_eq(tree->root->type, VALUE_MAP);
	ck_assert_str_eq(tree->root->first->key, "z");
	ck_assert_str_eq(tree->root->last->key, "m");
	ck_assert_uint_eq(list->n, 5);
	item = list->first;
	ck_assert_int_eq(item->type, VALUE_NULL);
	item = item->next;
	ck_assert(item->type == VALUE_BOOL && item->boolean);
	item = item->next;
	ck_assert(item->type == VALUE_INTEGER && item->integer == -2);
	item = item->next;
	ck_assert(item->type == VALUE_REAL && item->real == 2.5);
	item = item->next;
	ck_assert_str_eq(item->text, "ä😀");
	ck_assert_uint_eq(item->text_len, 6);
}
END_TEST

START_TEST(a_scalar_may_stand_alone)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = parse(" \"https://a/\" ");

	ck_assert_str_eq(tree->root->text, "https://a/");
}
END_TEST

START_TEST(minus_zero_and_the_largest_integers_are_kept)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree =
		parse("[-0,9223372036854775807,-9223372036854775808]");

	ck_assert_int_eq(tree->root->first->integer, 0);
	ck_assert_int_eq(tree->root->first->next->integer, INT64_MAX);
	ck_assert_int_eq(tree->root->last->integer, INT64_MIN);
}
END_TEST

static const struct {
	const char *text;
	uint32_t line, column;
	const char *why;
} refused[] = {
	{ "", 1, 1, "empty" },
	{ " \n ", 1, 1, "empty" },
	{ "\xef\xbb\xbf{}", 1, 1, "byte order mark" },
	{ "{\"a\":1,\n\"a\":2}", 2, 3, "duplicate" },
	{ "{'a':1}", 1, 2, "expected" },
	{ "[NaN]", 1, 4, "invalid token" },
	{ "[1.]", 1, 3, "invalid token" },
	{ "[01]", 1, 2, "invalid token" },
	{ "[1,]", 1, 4, "unexpected" },
	{ "[1e400]", 1, 6, "overflow" },
	{ "[9223372036854775808]", 1, 20, "too big" },
	{ "[\"\\u0000\"]", 1, 9, "NUL" },
	{ "{\"\\u0000\":1}", 1, 9, "NUL" },
	{ "[\"\\ud800\"]", 1, 9, "nicode" },
	{ "[\"\xc3\"]", 1, 2, "decode" },
	{ "[\"\xc0\xaf\"]", 1, 2, "decode" },
	{ "[\"a\tb\"]", 1, 3, "control" },
	{ "[1] x", 1, 5, "end of file" },
	{ "[1]\n\n[2]", 3, 1, "end of file" },
	{ "[\"ää\", x]", 1, 8, "invalid token" },
	{ "{\"a\":", 1, 5, "end of file" },
	{ "// comment\n[]", 1, 1, "invalid token" },
};

START_TEST(what_is_no_json_is_refused_with_a_position)
{
	struct value_tree *tree = NULL;
	struct json_error error;

	ck_assert_int_eq(
		json_parse(refused[_i].text, strlen(refused[_i].text), &tree, &error), -EINVAL);
	ck_assert_ptr_null(tree);
	ck_assert_msg(strstr(error.text, refused[_i].why), "%s", error.text);
	ck_assert_uint_eq(error.line, refused[_i].line);
	ck_assert_uint_eq(error.column, refused[_i].column);
}
END_TEST

START_TEST(a_raw_nul_is_refused)
{
	struct value_tree *tree = NULL;
	struct json_error error;

	ck_assert_int_eq(json_parse("[1]\0", 4, &tree, &error), -EINVAL);
	ck_assert_int_eq(json_parse("\0", 1, &tree, &error), -EINVAL);
	ck_assert_int_eq(json_parse("[\"a\0b\"]", 7, &tree, &error), -EINVAL);
}
END_TEST

/* @depth brackets, half of them of objects, around nothing. */
static char *
nest(size_t depth)
{
	struct buffer text = BUFFER_INIT;
	size_t i;

	for (i = 0; i < depth; i++) {
		buffer_puts(&text, i % 2 ? "{\"]\\\"\":" : "[");
	}
	if (depth % 2 == 0) {
		buffer_puts(&text, "0");
	}
	while (i-- > 0) {
		buffer_puts(&text, i % 2 ? "}" : "]");
	}
	return buffer_take(&text);
}

START_TEST(nesting_ends_at_the_limit)
{
	_cleanup_(freep) char *deepest = nest(VALUE_MAX_DEPTH);
	_cleanup_(freep) char *too_deep = nest(VALUE_MAX_DEPTH + 1);
	_cleanup_(freep) char *abyss = nest(100000);
	_cleanup_(value_tree_destroyp) struct value_tree *tree = parse(deepest);
	struct value_tree *none = NULL;
	struct json_error error;

	ck_assert_ptr_nonnull(tree);
	ck_assert_int_eq(json_parse(too_deep, strlen(too_deep), &none, &error), -EINVAL);
	ck_assert_str_eq(error.text, "nested deeper than 32 levels");
	ck_assert_uint_eq(error.column, 1 + 16 + 16 * strlen("{\"]\\\"\":"));
	ck_assert_int_eq(json_parse(abyss, strlen(abyss), &none, &error), -EINVAL);
}
END_TEST

static const char located[] = "{\n"
			      "  \"urls\": [\"a\", {\"url\": \"ä\", \"timeout\" : 5}],\n"
			      "  \"a/b~\\u0063\": [[1, 2], [3,\n"
			      "4]],\n"
			      "  \"x\": 1, \"x\": 2\n"
			      "}";

static const struct {
	const char *pointer;
	uint32_t line, column;
} places[] = {
	{ "", 1, 1 },
	{ "/urls", 2, 11 },
	{ "/urls/0", 2, 12 },
	{ "/urls/1", 2, 17 },
	{ "/urls/1/url", 2, 25 },
	{ "/urls/1/timeout", 2, 42 },
	{ "/a~1b~0c", 3, 17 },
	{ "/a~1b~0c/0/1", 3, 22 },
	{ "/a~1b~0c/1/1", 4, 1 },
	{ "/x", 5, 8 },
	{ "/urls/2", 0, 0 },
	{ "/url", 0, 0 },
	{ "/urls/1/timeout/x", 0, 0 },
	{ "x", 0, 0 },
};

/* The place that a pointer leads to; line 0: nowhere. */
static struct fault
locate(const char *text, const char *pointer)
{
	struct fault fault = { .pointer = pointer };
	struct faults faults = { .items = &fault, .n = 1 };
	const struct json_locate_from from = { .line = 1 };

	ck_assert_int_eq(json_locate_faults(text, strlen(text), &from, &faults), 0);
	return fault;
}

START_TEST(a_pointer_leads_to_a_line_and_a_column)
{
	const struct fault found = locate(located, places[_i].pointer);

	ck_assert_uint_eq(found.line, places[_i].line);
	ck_assert_uint_eq(found.column, places[_i].column);
}
END_TEST

START_TEST(locating_survives_what_is_no_json)
{
	static const char *const texts[] = { "", "]", "}}}", "[[[[", "{\"a", "{\"a\\", "{\"\\u00",
		"{\"\\ud800\\u", "{,,,:", "[\"\\", "\xff\xfe", "{\"a\":{\"b\":]}" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		ck_assert_uint_eq(locate(texts[i], "/q/1").line, 0);
	}
}
END_TEST

START_TEST(all_missing_positions_are_filled_in_one_go)
{
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	const struct value_path urls = { .key = "urls", .key_len = 4 };
	const struct value_path seventh = { .parent = &urls, .index = 7 };
	const struct value_path timeout = { .parent = &seventh, .key = "timeout", .key_len = 7 };
	const struct value_path nowhere = { .parent = &seventh, .key = "no", .key_len = 2 };
	const char *line = "{\"url\": \"a\", \"timeout\": 5}";

	faults_add(&faults, &(struct fault_place){ .line = 3, .column = 3 }, "known");
	faults_add(&faults, &(struct fault_place){ .path = &timeout }, "value");
	faults_add(&faults, &(struct fault_place){ .path = &timeout, .at_key = true }, "key");
	faults_add(&faults, &(struct fault_place){ .path = &nowhere }, "nowhere");

	ck_assert_int_eq(json_locate_faults(line, strlen(line),
				 &(struct json_locate_from){ 1, strlen("/urls/7"), 9 }, &faults),
		0);

	ck_assert_uint_eq(faults.items[0].line, 3);
	ck_assert_uint_eq(faults.items[1].line, 9);
	ck_assert_uint_eq(faults.items[1].column, 25);
	ck_assert_uint_eq(faults.items[2].column, 14);
	ck_assert_uint_eq(faults.items[3].line, 0);
}
END_TEST

START_TEST(commas_come_where_they_are_due)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	json_begin_object(&w);
	json_write_key(&w, "a");
	json_begin_array(&w);
	json_write_int(&w, INT64_MIN);
	json_write_uint(&w, UINT64_MAX);
	json_begin_array(&w);
	json_end_array(&w);
	json_end_array(&w);
	json_write_key(&w, "b");
	json_write_bool(&w, true);
	json_write_name_bytes(&w, "c\"", 2);
	json_write_null(&w);
	json_write_key(&w, "d");
	json_begin_object(&w);
	json_end_object(&w);
	json_end_object(&w);
	json_end_line(&w);
	json_write_text(&w, NULL);

	ck_assert_str_eq(out.data, "{\"a\":[-9223372036854775808,18446744073709551615,[]],\"b\":"
				   "true,\"c\\\"\":null,\"d\":{}}\n"
				   "null");
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	const char *json;
} strings[] = {
	{ "", 0, "\"\"" },
	{ "plain", 5, "\"plain\"" },
	{ "a\"b\\c", 5, "\"a\\\"b\\\\c\"" },
	{ "\b\f\n\r\t\x01\x1f", 7, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\"" },
	{ "nul\0nul", 7, "\"nul\\u0000nul\"" },
	{ "ä€😀", 9, "\"ä€😀\"" },
	{ "x\xffy\xc3", 4, "\"x\xef\xbf\xbdy\xef\xbf\xbd\"" },
	{ "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
};

START_TEST(any_bytes_become_a_valid_string)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	struct json_writer w = JSON_WRITER_INIT(&out);

	json_write_bytes(&w, strings[_i].bytes, strings[_i].len);

	ck_assert_str_eq(out.data, strings[_i].json);
	if (!memchr(strings[_i].bytes, '\0', strings[_i].len)) {
		tree = parse(out.data);
		ck_assert_int_eq(tree->root->type, VALUE_STRING);
	}
}
END_TEST

/* Plain characters are looked at eight at a time. */
START_TEST(what_must_be_escaped_is_found_wherever_it_stands)
{
	static const char specials[] = "\"\\\x1f\xff";
	char text[40];

	for (size_t len = 1; len <= sizeof(text); len++) {
		for (size_t at = 0; at < len; at++) {
			_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
			_cleanup_(buffer_fini) struct buffer expected = BUFFER_INIT;
			struct json_writer w = JSON_WRITER_INIT(&out);

			memset(text, 0x7f, len);
			text[at] = specials[_i];
			json_write_bytes(&w, text, len);

			buffer_printf(&expected, "\"%.*s%s%.*s\"", (int)at, text,
				((const char *[]){ "\\\"", "\\\\", "\\u001f", "\xef\xbf\xbd" })[_i],
				(int)(len - at - 1), text + at + 1);
			ck_assert_str_eq(out.data, expected.data);
		}
	}
}
END_TEST

static const struct {
	int64_t ns;
	const char *json;
} milliseconds[] = {
	{ 0, "0.0" },
	{ -1, "null" },
	{ 499, "0.0" },
	{ 500, "0.001" },
	{ 100000, "0.1" },
	{ 1020000, "1.02" },
	{ 53100000, "53.1" },
	{ 25000000, "25.0" },
	{ 999999500, "1000.0" },
	{ 1234567890, "1234.568" },
	{ INT64_MAX, "9223372036854.776" },
};

START_TEST(milliseconds_have_one_to_three_decimals)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	json_write_ms(&w, milliseconds[_i].ns);

	ck_assert_str_eq(out.data, milliseconds[_i].json);
}
END_TEST

static const struct {
	int64_t sec, nsec;
	const char *json;
} times[] = {
	{ 0, 0, "\"1970-01-01T00:00:00.000Z\"" },
	{ 951782400, 999999999, "\"2000-02-29T00:00:00.999Z\"" },
	{ 1709164799, 5000000, "\"2024-02-28T23:59:59.005Z\"" },
	{ 1795383000, 0, "\"2026-11-22T21:30:00.000Z\"" },
	{ -1, 0, "\"1969-12-31T23:59:59.000Z\"" },
	{ INT64_C(253402300799), 0, "\"9999-12-31T23:59:59.000Z\"" },
	{ INT64_C(253402300800), 0, "null" },
	{ INT64_C(-62167219201), 0, "null" },
};

START_TEST(times_are_rfc_3339_in_utc)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	json_write_time(&w, times[_i].sec, times[_i].nsec);

	ck_assert_str_eq(out.data, times[_i].json);
}
END_TEST

START_TEST(reals_read_back_as_they_were)
{
	static const double reals[] = { 0.1, 1.5, -2.25, 1e300, 5e-324, 1.0 / 3, 123456789.125 };
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	json_write_real(&w, reals[_i]);
	ck_assert(strtod(out.data, NULL) == reals[_i]);
	buffer_clear(&out);
	w.comma = false;
	json_write_real(&w, _i % 2 ? INFINITY : NAN);
	ck_assert_str_eq(out.data, "null");
}
END_TEST

START_TEST(base64_is_padded)
{
	static const char *const expected[] = { "\"\"", "\"Zg==\"", "\"Zm8=\"", "\"Zm9v\"",
		"\"Zm9vYg==\"", "\"Zm9vYmE=\"", "\"Zm9vYmFy\"" };
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	json_write_base64(&w, "foobar", (size_t)_i);

	ck_assert_str_eq(out.data, expected[_i]);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("json");
	TCase *tc = tcase_create("parsing");

	tcase_add_test(tc, values_keep_their_types_and_order);
	tcase_add_test(tc, a_scalar_may_stand_alone);
	tcase_add_test(tc, minus_zero_and_the_largest_integers_are_kept);
	tcase_add_loop_test(tc, what_is_no_json_is_refused_with_a_position, 0, ARRAY_LEN(refused));
	tcase_add_test(tc, a_raw_nul_is_refused);
	tcase_add_test(tc, nesting_ends_at_the_limit);
	suite_add_tcase(suite, tc);

	tc = tcase_create("locating");
	tcase_add_loop_test(tc, a_pointer_leads_to_a_line_and_a_column, 0, ARRAY_LEN(places));
	tcase_add_test(tc, locating_survives_what_is_no_json);
	tcase_add_test(tc, all_missing_positions_are_filled_in_one_go);
	suite_add_tcase(suite, tc);

	tc = tcase_create("writing");
	tcase_add_test(tc, commas_come_where_they_are_due);
	tcase_add_loop_test(tc, any_bytes_become_a_valid_string, 0, ARRAY_LEN(strings));
	tcase_add_loop_test(tc, what_must_be_escaped_is_found_wherever_it_stands, 0, 4);
	tcase_add_loop_test(
		tc, milliseconds_have_one_to_three_decimals, 0, ARRAY_LEN(milliseconds));
	tcase_add_loop_test(tc, times_are_rfc_3339_in_utc, 0, ARRAY_LEN(times));
	tcase_add_loop_test(tc, reals_read_back_as_they_were, 0, 7);
	tcase_add_loop_test(tc, base64_is_padded, 0, 7);
	suite_add_tcase(suite, tc);
	return suite;
}

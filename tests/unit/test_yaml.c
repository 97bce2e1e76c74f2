/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/yaml.h"

static struct value_tree *
parse(const char *text)
{
	struct faults faults = FAULTS_INIT;
	struct value_tree *tree = NULL;

	ck_assert_int_eq(yaml_parse(text, strlen(text), &tree, &faults), 0);
	ck_assert_uint_eq(faults_count(&faults), 0);
	faults_fini(&faults);
	return tree;
}

START_TEST(nodes_know_where_they_and_their_keys_stand)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree =
		parse("limits:\n  # a comment\n  body:   10MiB\n  list: [a, {b: c}]\n");
	const struct value *limits = value_get(tree->root, "limits");
	const struct value *body = value_get(limits, "body");
	const struct value *list = value_get(limits, "list");

	ck_assert_uint_eq(limits->key_line, 1);
	ck_assert_uint_eq(limits->line, 3);
	ck_assert_uint_eq(body->key_line, 3);
	ck_assert_uint_eq(body->key_column, 3);
	ck_assert_uint_eq(body->column, 11);
	ck_assert_str_eq(body->text, "10MiB");
	ck_assert_uint_eq(list->n, 2);
	ck_assert_uint_eq(value_get(list->last, "b")->column, 17);
}
END_TEST

static const struct {
	const char *text;
	enum value_type type;
	bool ambiguous;
} scalars[] = {
	{ "null", VALUE_NULL, false },
	{ "~", VALUE_NULL, false },
	{ "true", VALUE_BOOL, false },
	{ "false", VALUE_BOOL, false },
	{ "0", VALUE_INTEGER, false },
	{ "-17", VALUE_INTEGER, false },
	{ "9223372036854775807", VALUE_INTEGER, false },
	{ "1.5", VALUE_REAL, false },
	{ "-1e3", VALUE_REAL, false },
	{ "\"5\"", VALUE_STRING, false },
	{ "'true'", VALUE_STRING, false },
	{ "\"\"", VALUE_STRING, false },
	{ "5s", VALUE_STRING, false },
	{ "10.0.0.1", VALUE_STRING, false },
	{ "fe80::1", VALUE_STRING, false },
	{ "https://example.org/", VALUE_STRING, false },
	{ "-", VALUE_LIST, false }, /* a list of one null */
	{ "yes", VALUE_STRING, true },
	{ "Off", VALUE_STRING, true },
	{ "True", VALUE_STRING, true },
	{ "NULL", VALUE_STRING, true },
	{ ".inf", VALUE_STRING, true },
	{ "0660", VALUE_STRING, true },
	{ "0x1f", VALUE_STRING, true },
	{ "0o17", VALUE_STRING, true },
	{ "1_000", VALUE_STRING, true },
	{ "+5", VALUE_STRING, true },
	{ ".5", VALUE_STRING, true },
	{ "5.", VALUE_STRING, true },
	{ "12:30", VALUE_STRING, true },
	{ "1e400", VALUE_STRING, true },
	{ "9223372036854775808", VALUE_STRING, true },
};

START_TEST(a_plain_scalar_is_what_json_would_call_it)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = parse(scalars[_i].text);

	ck_assert_msg(tree->root->type == scalars[_i].type, "%s", scalars[_i].text);
	ck_assert_msg(tree->root->ambiguous == scalars[_i].ambiguous, "%s", scalars[_i].text);
}
END_TEST

START_TEST(the_raw_text_of_a_scalar_is_kept)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = parse("[1.10, \"0660\", 0660]");
	const struct value *version = tree->root->first;

	ck_assert_int_eq(version->type, VALUE_REAL);
	ck_assert_str_eq(version->text, "1.10");
	ck_assert(!version->quoted);
	ck_assert(version->next->quoted);
	ck_assert_str_eq(tree->root->last->text, "0660");
}
END_TEST

START_TEST(a_block_scalar_is_a_quoted_string)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = parse("body: |\n  5\n");
	const struct value *body = value_get(tree->root, "body");

	ck_assert(value_is_text(body, "5\n"));
	ck_assert(body->quoted);
}
END_TEST

START_TEST(an_empty_text_is_a_null)
{
	static const char *const texts[] = { "", "# only a comment\n", "---\n" };
	_cleanup_(value_tree_destroyp) struct value_tree *tree = parse(texts[_i]);

	ck_assert_int_eq(tree->root->type, VALUE_NULL);
}
END_TEST

static const struct {
	const char *text;
	uint32_t line, column;
	const char *pointer;
	const char *detail;
} breaches[] = {
	{ "a: 1\nb:\n  c: 1\n  c: 2\n", 4, 3, "/b/c", "before" },
	{ "a: &x 1\n", 1, 4, "/a", "anchors" },
	{ "a: [&x b]\n", 1, 5, "/a/0", "anchors" },
	{ "a: 1\nb: *x\n", 2, 4, "/b", "aliases" },
	{ "a: !!str 1\n", 1, 4, "/a", "tags" },
	{ "a: !secret x\n", 1, 4, "/a", "tags" },
	{ "&r\na: 1\n", 1, 1, "", "anchors" },
	{ "x:\n  <<: {a: 1}\n", 2, 3, "/x/<<", "merge" },
	{ "x:\n  ? [a, b]\n  : 1\n  y: 2\n", 2, 5, "/x", "single word" },
	{ "x:\n  ? {a: b}\n  : [1, {c: d}]\n", 2, 5, "/x", "single word" },
	{ "a: 1\n---\nb: 2\n", 2, 1, "", "second document" },
	{ "a: \"x\\0y\"\n", 1, 4, "/a", "NUL" },
};

START_TEST(a_breach_is_reported_and_the_tree_still_given)
{
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	const char *text = breaches[_i].text;

	ck_assert_int_eq(yaml_parse(text, strlen(text), &tree, &faults), 0);

	ck_assert_uint_eq(faults.n, 1);
	ck_assert_msg(
		strstr(faults.items[0].detail, breaches[_i].detail), "%s", faults.items[0].detail);
	ck_assert_str_eq(faults.items[0].pointer, breaches[_i].pointer);
	ck_assert_uint_eq(faults.items[0].line, breaches[_i].line);
	ck_assert_uint_eq(faults.items[0].column, breaches[_i].column);
	ck_assert_int_eq(tree->root->type, VALUE_MAP);
}
END_TEST

START_TEST(all_breaches_are_reported_in_one_run)
{
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	const char *text = "a: &x 1\nb: *x\na: 2\nc: !t 3\nd: ok\n";

	ck_assert_int_eq(yaml_parse(text, strlen(text), &tree, &faults), 0);

	ck_assert_uint_eq(faults.n, 4);
	ck_assert_int_eq(value_get(tree->root, "a")->integer, 1);
	ck_assert_int_eq(value_get(tree->root, "b")->type, VALUE_NULL);
	ck_assert(value_is_text(value_get(tree->root, "d"), "ok"));
}
END_TEST

static const struct {
	const char *text;
	uint32_t line;
} refused[] = {
	{ "a: [1, 2\n", 2 },
	{ "a: 1\n\tb: 2\n", 2 },
	{ "a: 'open\n", 2 },
	{ "a: b: c\n", 1 },
	{ "a: 1\nb: \xff\n", 2 },
	{ "a: 1\nb: \x01\n", 2 },
	{ "a: \"\\ud800\"\n", 1 },
	{ "@", 1 },
	{ "%TAG ! !\n", 2 },
};

START_TEST(what_is_no_yaml_is_refused_with_a_line)
{
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	struct value_tree *tree = NULL;
	const char *text = refused[_i].text;

	ck_assert_int_eq(yaml_parse(text, strlen(text), &tree, &faults), -EINVAL);

	ck_assert_ptr_null(tree);
	ck_assert_uint_eq(faults.n, 1);
	ck_assert_ptr_nonnull(strstr(faults.items[0].detail, "no YAML: "));
	ck_assert_uint_eq(faults.items[0].line, refused[_i].line);
}
END_TEST

/* @n times @piece. */
static char *
repeat(const char *piece, size_t n)
{
	struct buffer text = BUFFER_INIT;

	while (n-- > 0) {
		buffer_puts(&text, piece);
	}
	return buffer_take(&text);
}

static const struct {
	const char *piece;
	size_t n;
	const char *detail;
} too_much[] = {
	{ "[", VALUE_MAX_DEPTH + 1, "too deep" },
	{ "- ", 16000, "too deep" },
	{ "{a: ", 16000, "too deep" },
	{ "- a\n", YAML_MAX_NODES, "too many nodes" },
	{ "#", YAML_MAX_BYTES + 1, "larger than" },
};

START_TEST(limits_are_kept)
{
	_cleanup_(freep) char *text = repeat(too_much[_i].piece, too_much[_i].n);
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	struct value_tree *tree = NULL;

	ck_assert_int_eq(yaml_parse(text, strlen(text), &tree, &faults), -EINVAL);

	ck_assert_uint_eq(faults.n, 1);
	ck_assert_msg(
		strstr(faults.items[0].detail, too_much[_i].detail), "%s", faults.items[0].detail);
}
END_TEST

START_TEST(a_mapping_has_a_bounded_number_of_keys)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	struct value_tree *tree = NULL;
	int i;

	for (i = 0; i < 1025; i++) {
		buffer_printf(&text, "k%d: v\n", i);
	}

	ck_assert_int_eq(yaml_parse(text.data, text.len, &tree, &faults), -EINVAL);
	ck_assert_ptr_nonnull(strstr(faults.items[0].detail, "too many keys"));
}
END_TEST

START_TEST(the_deepest_tree_is_accepted)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	int i;

	for (i = 0; i < VALUE_MAX_DEPTH; i++) {
		buffer_putc(&text, '[');
	}
	for (i = 0; i < VALUE_MAX_DEPTH; i++) {
		buffer_putc(&text, ']');
	}

	tree = parse(text.data);
	ck_assert_int_eq(tree->root->type, VALUE_LIST);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("yaml");
	TCase *tc = tcase_create("trees");

	tcase_add_test(tc, nodes_know_where_they_and_their_keys_stand);
	tcase_add_loop_test(tc, a_plain_scalar_is_what_json_would_call_it, 0, ARRAY_LEN(scalars));
	tcase_add_test(tc, the_raw_text_of_a_scalar_is_kept);
	tcase_add_test(tc, a_block_scalar_is_a_quoted_string);
	tcase_add_loop_test(tc, an_empty_text_is_a_null, 0, 3);
	suite_add_tcase(suite, tc);

	tc = tcase_create("refusals");
	tcase_add_loop_test(
		tc, a_breach_is_reported_and_the_tree_still_given, 0, ARRAY_LEN(breaches));
	tcase_add_test(tc, all_breaches_are_reported_in_one_run);
	tcase_add_loop_test(tc, what_is_no_yaml_is_refused_with_a_line, 0, ARRAY_LEN(refused));
	suite_add_tcase(suite, tc);

	tc = tcase_create("limits");
	tcase_add_loop_test(tc, limits_are_kept, 0, ARRAY_LEN(too_much));
	tcase_add_test(tc, a_mapping_has_a_bounded_number_of_keys);
	tcase_add_test(tc, the_deepest_tree_is_accepted);
	suite_add_tcase(suite, tc);
	return suite;
}

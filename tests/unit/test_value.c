/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/utf8.h"
#include "lib/protocol/value.h"

static struct value *
add(struct value_tree *tree, struct value *parent, const char *key, enum value_type type)
{
	struct value *value = value_new(&tree->arena, type);

	ck_assert_ptr_nonnull(value);
	if (key) {
		value->key = key;
		value->key_len = strlen(key);
	}
	if (parent) {
		value_append(parent, value);
	} else {
		tree->root = value;
	}
	return value;
}

static struct value *
add_text(struct value_tree *tree, struct value *parent, const char *key, const char *text)
{
	struct value *value = add(tree, parent, key, VALUE_STRING);

	value->text = text;
	value->text_len = strlen(text);
	return value;
}

static struct value *
add_integer(struct value_tree *tree, struct value *parent, const char *key, int64_t integer)
{
	struct value *value = add(tree, parent, key, VALUE_INTEGER);

	value->integer = integer;
	return value;
}

/* {"name":"gate","urls":["a","b"],"n":7} */
static struct value_tree *
make_tree(void)
{
	struct value_tree *tree = value_tree_create();
	struct value *root = add(tree, NULL, NULL, VALUE_MAP);
	struct value *urls;

	add_text(tree, root, "name", "gate");
	urls = add(tree, root, "urls", VALUE_LIST);
	add_text(tree, urls, NULL, "a");
	add_text(tree, urls, NULL, "b");
	add_integer(tree, root, "n", 7);
	return tree;
}

START_TEST(children_keep_the_order_of_the_text)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = make_tree();
	const char *const keys[] = { "name", "urls", "n" };
	const struct value *child;
	size_t i = 0;

	value_for_each(child, tree->root) {
		ck_assert_str_eq(child->key, keys[i++]);
	}
	ck_assert_uint_eq(i, 3);
	ck_assert_uint_eq(tree->root->n, 3);
}
END_TEST

START_TEST(members_are_found_by_their_whole_name)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = make_tree();

	ck_assert_int_eq(value_get(tree->root, "n")->integer, 7);
	ck_assert_str_eq(value_get_text(tree->root, "name"), "gate");
	ck_assert(value_is_text(value_get(tree->root, "name"), "gate"));
	ck_assert_ptr_null(value_get(tree->root, "nam"));
	ck_assert_ptr_null(value_get_text(tree->root, "n"));
	ck_assert_ptr_null(value_get(value_get(tree->root, "urls"), "name"));
	ck_assert_ptr_null(value_get(NULL, "name"));
}
END_TEST

START_TEST(a_copy_outlives_its_original)
{
	struct value_tree *tree = make_tree();
	struct arena arena = ARENA_INIT;
	struct value *copy = value_copy(&arena, tree->root);

	ck_assert(value_equal(copy, tree->root));
	value_tree_destroy(tree);

	ck_assert_str_eq(value_get_text(copy, "name"), "gate");
	ck_assert_uint_eq(value_get(copy, "urls")->n, 2);
	arena_fini(&arena);
}
END_TEST

START_TEST(equality_knows_no_order_of_members_and_no_kind_of_number)
{
	_cleanup_(value_tree_destroyp) struct value_tree *a = value_tree_create();
	_cleanup_(value_tree_destroyp) struct value_tree *b = value_tree_create();
	struct value *real;

	add(a, NULL, NULL, VALUE_MAP);
	add_integer(a, a->root, "x", 1);
	add_text(a, a->root, "y", "z");
	add(b, NULL, NULL, VALUE_MAP);
	add_text(b, b->root, "y", "z");
	real = add(b, b->root, "x", VALUE_REAL);
	real->real = 1.0;
	ck_assert(value_equal(a->root, b->root));

	real->real = 1.5;
	ck_assert(!value_equal(a->root, b->root));
}
END_TEST

START_TEST(lists_are_equal_only_in_the_same_order)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = value_tree_create();
	struct value *root = add(tree, NULL, NULL, VALUE_LIST);
	struct value *one = add(tree, root, NULL, VALUE_LIST);
	struct value *two = add(tree, root, NULL, VALUE_LIST);

	add_integer(tree, one, NULL, 1);
	add_integer(tree, one, NULL, 2);
	add_integer(tree, two, NULL, 2);
	ck_assert(!value_equal(one, two));
	add_integer(tree, two, NULL, 1);
	ck_assert(!value_equal(one, two));
}
END_TEST

START_TEST(a_description_is_short_and_stays_utf_8)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = value_tree_create();
	struct value *text = add_text(tree, NULL, NULL, "xääääääääääääääääääääääääääääääää");
	char out[80];

	value_describe(text, out, sizeof(out));

	ck_assert(utf8_is_valid(out, strlen(out)));
	ck_assert_ptr_nonnull(strstr(out, "ä…\""));
	ck_assert_str_eq(value_describe(add_integer(tree, NULL, NULL, -3), out, sizeof(out)),
		"the number -3");
}
END_TEST

START_TEST(a_real_is_described_as_one)
{
	struct value real = { .type = VALUE_REAL };
	char out[80];

	real.real = 8.0;
	ck_assert_str_eq(value_describe(&real, out, sizeof(out)), "the number 8.0");
	real.real = 3.5e28;
	ck_assert_str_eq(value_describe(&real, out, sizeof(out)), "the number 3.5e+28");
	real.real = -0.25;
	ck_assert_str_eq(value_describe(&real, out, sizeof(out)), "the number -0.25");
}
END_TEST

START_TEST(an_arena_gives_aligned_zeroed_pieces_of_any_size)
{
	struct arena arena = ARENA_INIT;
	size_t len;

	for (len = 1; len < 300000; len = len * 3 + 1) {
		char *piece = arena_alloc(&arena, len);
		size_t i;

		ck_assert_uint_eq((uintptr_t)piece % _Alignof(max_align_t), 0);
		for (i = 0; i < len; i++) {
			ck_assert_int_eq(piece[i], 0);
		}
		memset(piece, 0xff, len);
	}
	ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX));
	ck_assert_str_eq(arena_text(&arena, "text and more", 4), "text");
	arena_fini(&arena);
	arena_fini(&arena);
}
END_TEST

START_TEST(an_arena_gives_nothing_a_place_too)
{
	struct arena arena = ARENA_INIT;

	ck_assert_ptr_nonnull(arena_alloc(&arena, 0)); /* NULL would say: out of memory */
	arena_fini(&arena);
}
END_TEST

static const struct {
	const char *bytes;
	size_t len; /* of the first character; 0 = none */
} sequences[] = {
	{ "a", 1 },
	{ "\xc3\xa4", 2 },
	{ "\xe2\x82\xac", 3 },
	{ "\xf0\x9f\x98\x80", 4 },
	{ "\xf4\x8f\xbf\xbf", 4 },
	{ "\x80", 0 },
	{ "\xc3", 0 },
	{ "\xc3(", 0 },
	{ "\xc0\xaf", 0 },
	{ "\xc1\xbf", 0 },
	{ "\xe0\x80\xaf", 0 },
	{ "\xe2\x82", 0 },
	{ "\xed\xa0\x80", 0 },
	{ "\xf0\x80\x80\xaf", 0 },
	{ "\xf0\x9f\x98", 0 },
	{ "\xf4\x90\x80\x80", 0 },
	{ "\xf5\x80\x80\x80", 0 },
	{ "\xff", 0 },
};

START_TEST(utf_8_is_told_from_what_only_looks_like_it)
{
	size_t len = strlen(sequences[_i].bytes);

	ck_assert_uint_eq(utf8_sequence(sequences[_i].bytes, len), sequences[_i].len);
	ck_assert(utf8_is_valid(sequences[_i].bytes, len) == (sequences[_i].len > 0));
}
END_TEST

static const struct {
	const char *pointer;
	const char *found;
} pointers[] = {
	{ "", "an object" },
	{ "/urls", "an array of 2" },
	{ "/urls/1", "the string \"b\"" },
	{ "/n", "the number 7" },
	{ "/a~1b~0", "the string \"odd\"" },
	{ "/", "the string \"empty\"" },
	{ "/urls/2", NULL },
	{ "/urls/01", NULL },
	{ "/urls/-", NULL },
	{ "/urls/", NULL },
	{ "/urls/99999999999999999999", NULL },
	{ "/urls/1/0", NULL },
	{ "/nam", NULL },
	{ "/names", NULL },
};

START_TEST(a_pointer_leads_to_one_value)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = make_tree();
	const struct value *value;
	char text[80];

	add_text(tree, tree->root, "a/b~", "odd");
	add_text(tree, tree->root, "", "empty");

	value = value_find(tree->root, pointers[_i].pointer);

	ck_assert_pstr_eq(
		value ? value_describe(value, text, sizeof(text)) : NULL, pointers[_i].found);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("value");
	TCase *tc = tcase_create("tree");

	tcase_add_test(tc, children_keep_the_order_of_the_text);
	tcase_add_test(tc, members_are_found_by_their_whole_name);
	tcase_add_loop_test(tc, a_pointer_leads_to_one_value, 0, ARRAY_LEN(pointers));
	tcase_add_test(tc, a_copy_outlives_its_original);
	tcase_add_test(tc, equality_knows_no_order_of_members_and_no_kind_of_number);
	tcase_add_test(tc, lists_are_equal_only_in_the_same_order);
	tcase_add_test(tc, a_description_is_short_and_stays_utf_8);
	tcase_add_test(tc, a_real_is_described_as_one);
	suite_add_tcase(suite, tc);

	tc = tcase_create("arena");
	tcase_add_test(tc, an_arena_gives_aligned_zeroed_pieces_of_any_size);
	tcase_add_test(tc, an_arena_gives_nothing_a_place_too);
	suite_add_tcase(suite, tc);

	tc = tcase_create("utf-8");
	tcase_add_loop_test(
		tc, utf_8_is_told_from_what_only_looks_like_it, 0, ARRAY_LEN(sequences));
	suite_add_tcase(suite, tc);
	return suite;
}

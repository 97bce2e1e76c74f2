/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/faults.h"

START_TEST(a_fault_has_a_pointer_and_a_position)
{
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	const struct value_path urls = { .key = "urls", .key_len = 4 };
	const struct value_path third = { .parent = &urls, .index = 3 };
	const struct value_path odd = { .parent = &third, .key = "a/b~c", .key_len = 5 };
	const struct value at = { .line = 2, .column = 9, .key_line = 2, .key_column = 1 };

	faults_add(&faults, &(struct fault_place){ .path = &odd, .at = &at }, "bad: %d", 7);
	faults_add(&faults, &(struct fault_place){ .at = &at, .at_key = true }, "bad key");

	ck_assert_uint_eq(faults.n, 2);
	ck_assert_str_eq(faults.items[0].pointer, "/urls/3/a~1b~0c");
	ck_assert_str_eq(faults.items[0].detail, "bad: 7");
	ck_assert_uint_eq(faults.items[0].column, 9);
	ck_assert_str_eq(faults.items[1].pointer, "");
	ck_assert_uint_eq(faults.items[1].column, 1);
}
END_TEST

START_TEST(faults_read_like_a_compilers_messages)
{
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	const struct value_path path = { .key = "timout", .key_len = 6 };

	faults.source = "fetchd.yaml";
	faults_add(&faults,
		&(struct fault_place){
			.path = &path, .line = 3, .column = 5, .suggestion = "timeout" },
		"unknown field");
	faults_add(&faults, &(struct fault_place){ .line = 4, .column = 1, .code = "doubtful" },
		"is legal");
	faults.source = NULL;
	faults_add(&faults, &(struct fault_place){ NULL }, "empty");
	for (size_t i = 0; i < faults.n; i++) {
		fault_print(&faults.items[i], &out);
	}

	ck_assert_str_eq(out.data,
		"fetchd.yaml:3:5: /timout: unknown field (did you mean \"timeout\"?)\n"
		"fetchd.yaml:4:1: warning: is legal [doubtful]\n"
		"empty\n");
}
END_TEST

START_TEST(only_the_first_hundred_are_kept)
{
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	int i;

	for (i = 0; i < 1000; i++) {
		faults_add(&faults, &(struct fault_place){ NULL }, "fault %d", i);
	}

	ck_assert_uint_eq(faults.n, FAULTS_MAX);
	ck_assert_uint_eq(faults_count(&faults), 1000);
	ck_assert_str_eq(faults.items[FAULTS_MAX - 1].detail, "fault 99");
	ck_assert_uint_eq(faults.n_dropped, 900);
	ck_assert_int_eq(faults.error, 0);
}
END_TEST

static const struct {
	const char *word;
	const char *meant;
} words[] = {
	{ "timout", "timeout" },
	{ "tiemout", "timeout" },
	{ "Timeout", "timeout" },
	{ "time_out", "timeout" },
	{ "url", "urls" },
	{ "header", "headers" },
	{ "max-failures", "max_failures" },
	{ "conect_timeout", "connect_timeout" },
	{ "polcy", "policy" },
	{ "xyzzy", NULL },
	{ "", NULL },
	{ "ca", NULL },
	{ "a_word_of_more_than_forty_letters_is_nothing_ours", NULL },
};

START_TEST(a_misspelt_word_is_recognised)
{
	static const char *const names[] = { "urls", "policy", "timeout", "attempt_timeout",
		"connect_timeout", "headers", "max_failures", "max_body" };
	struct suggestion suggestion = SUGGESTION_INIT;
	const char *word = words[_i].word;
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		suggestion_offer(&suggestion, word, strlen(word), names[i]);
	}

	ck_assert_pstr_eq(suggestion.name, words[_i].meant);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("faults");
	TCase *tc = tcase_create("list");

	tcase_add_test(tc, a_fault_has_a_pointer_and_a_position);
	tcase_add_test(tc, faults_read_like_a_compilers_messages);
	tcase_add_test(tc, only_the_first_hundred_are_kept);
	suite_add_tcase(suite, tc);

	tc = tcase_create("suggestions");
	tcase_add_loop_test(tc, a_misspelt_word_is_recognised, 0, ARRAY_LEN(words));
	suite_add_tcase(suite, tc);
	return suite;
}

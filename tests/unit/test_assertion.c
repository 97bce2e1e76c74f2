/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/assertion.h"
#include "lib/protocol/json.h"

/* why  what the check says; NULL: the body is as it should be */
struct check {
	const char *contains;
	const char *regex;
	const char *pointer;
	const char *value;
	const char *body;
	const char *why;
};

static const struct check checks[] = {
	{ "ok", NULL, NULL, NULL, "all ok here", NULL },
	{ "ok", NULL, NULL, NULL, "all is well", "the body does not contain \"ok\"" },
	{ "ok", NULL, NULL, NULL, "", "the body does not contain \"ok\"" },
	{ NULL, "^v[0-9]+$", NULL, NULL, "v17", NULL },
	{ NULL, "^v[0-9]+$", NULL, NULL, "v", "the body does not match \"^v[0-9]+$\"" },
	{ NULL, "^(a+)+$", NULL, NULL, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
		"\"^(a+)+$\" takes too many steps on this body" },
	{ NULL, NULL, "/status", "\"up\"", "{\"status\":\"up\"}", NULL },
	{ NULL, NULL, "/status", "\"up\"", "{\"status\":\"down\"}",
		"\"/status\" is the string \"down\", not the string \"up\"" },
	{ NULL, NULL, "/status", "\"up\"", "{}",
		"\"/status\" is not there, not the string \"up\"" },
	{ NULL, NULL, "/n/1", "2", "{\"n\":[1,2.0]}", NULL },
	{ NULL, NULL, "/s", "\"up\"", "{\"id\":12345678901234567890,\"s\":\"up\"}", NULL },
	{ NULL, NULL, "/n", "7", "{\"id\":-12345678901234567890,\"n\":7}", NULL },
	{ NULL, NULL, "/n", "7", "{\"n\":1e999}",
		"the body is no JSON: line 1, column 10: real number overflow near '1e999'" },
	{ NULL, NULL, "", "[]", "[1]", "the body is an array of 1, not an array of 0" },
	{ NULL, NULL, "/a", "1", "{\"a\":1",
		"the body is no JSON: line 1, column 6: '}' expected near end of file" },
	{ "up", "^\\{", "/s", "\"up\"", "{\"s\":\"up\"}", NULL },
	{ "up", "^\\[", "/s", "\"down\"", "{\"s\":\"up\"}", "the body does not match \"^\\[\"" },
};

START_TEST(a_body_is_held_against_all_checks)
{
	const struct check *check = &checks[_i];
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	_cleanup_(assertion_destroyp) struct assertion *assertion = NULL;
	struct batch_json_check json = { check->pointer, NULL };
	struct batch_assert from = { check->contains, check->regex, &json, check->pointer != NULL };
	struct json_error error;
	char why[240] = "";

	if (check->value) {
		ck_assert_int_eq(json_parse(check->value, strlen(check->value), &tree, &error), 0);
		json.value = tree->root;
	}
	ck_assert_int_eq(assertion_create(&from, &assertion), 0);

	ck_assert_int_eq(
		assertion_check(assertion, check->body, strlen(check->body), why, sizeof(why)),
		check->why ? -EINVAL : 0);

	ck_assert_str_eq(why, check->why ? check->why : "");
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("assertion");
	TCase *tc = tcase_create("assertion");

	tcase_add_loop_test(tc, a_body_is_held_against_all_checks, 0, ARRAY_LEN(checks));
	suite_add_tcase(suite, tc);
	return suite;
}

/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "daemon/ops/access.h"
#include "lib/base/cleanup.h"

#define OWN 100

static const struct access_rule rules[] = {
	{ true, "fetchd", true, 50, ACCESS_SUBMIT },
	{ false, "root", true, 0, ACCESS_ADMIN },
	{ true, "watchers", true, 60, ACCESS_READ },
	{ false, "ghost", false, 0, ACCESS_ADMIN },
	{ false, "ann", true, 7, ACCESS_ADMIN },
};

static const gid_t groups[] = { 1, 60, 2 };
static const gid_t both_groups[] = { 60, 50 };

static const struct {
	struct access_peer peer;
	enum access_level level;
	int rule;
} cases[] = {
	{ { OWN, 1, NULL, 0 }, ACCESS_ADMIN, -1 },
	{ { OWN, 50, NULL, 0 }, ACCESS_ADMIN, -1 },
	{ { 0, 0, NULL, 0 }, ACCESS_ADMIN, 1 },
	{ { 8, 8, NULL, 0 }, ACCESS_NONE, -1 },
	{ { 8, 50, NULL, 0 }, ACCESS_SUBMIT, 0 },
	{ { 8, 8, groups, 3 }, ACCESS_READ, 2 },
	{ { 8, 8, both_groups, 2 }, ACCESS_SUBMIT, 0 }, /* the highest, not the first */
	{ { 7, 50, NULL, 0 }, ACCESS_ADMIN, 4 },
	{ { 50, 7, NULL, 0 }, ACCESS_NONE, -1 }, /* a group's number is no user's */
	{ { (uid_t)-1, (gid_t)-1, NULL, 0 }, ACCESS_NONE, -1 },
};

START_TEST(the_highest_rule_that_names_a_caller_counts)
{
	const struct access_verdict verdict =
		access_judge(rules, ARRAY_LEN(rules), OWN, &cases[_i].peer);

	ck_assert_int_eq(verdict.level, cases[_i].level);
	ck_assert_ptr_eq(verdict.rule, cases[_i].rule < 0 ? NULL : &rules[cases[_i].rule]);
}
END_TEST

START_TEST(without_rules_there_is_the_daemons_user)
{
	const struct access_peer own = { .uid = OWN };
	const struct access_peer root = { .uid = 0 };

	ck_assert_int_eq(access_judge(NULL, 0, OWN, &own).level, ACCESS_ADMIN);
	ck_assert_int_eq(access_judge(NULL, 0, OWN, &root).level, ACCESS_NONE);
}
END_TEST

static const struct {
	enum access_right right;
	enum access_level least;
} needs[] = {
	{ ACCESS_TO_HEALTH, ACCESS_NONE },
	{ ACCESS_TO_LOOK, ACCESS_READ },
	{ ACCESS_TO_SUBMIT, ACCESS_SUBMIT },
	{ ACCESS_TO_JOBS, ACCESS_ADMIN },
	{ ACCESS_TO_CONFIGURE, ACCESS_ADMIN },
	{ ACCESS_TO_OTHERS, ACCESS_ADMIN },
};

START_TEST(a_right_needs_its_level_or_a_higher_one)
{
	for (int level = 0; level < ACCESS_N_LEVELS; level++) {
		ck_assert_int_eq(access_may((enum access_level)level, needs[_i].right),
			level >= (int)needs[_i].least);
	}
}
END_TEST

START_TEST(every_right_is_tested)
{
	ck_assert_uint_eq(ARRAY_LEN(needs), ACCESS_N_RIGHTS);
}
END_TEST

START_TEST(a_refusal_names_the_rule)
{
	const struct access_peer peer = { .uid = 8, .gid = 50 };
	const struct access_verdict verdict = access_judge(rules, ARRAY_LEN(rules), OWN, &peer);
	char text[300];

	access_explain(&verdict, &peer, ACCESS_TO_CONFIGURE, text, sizeof(text));

	ck_assert_str_eq(text,
		"to see and to reload the configuration: needs the level admin; uid 8 "
		"has submit (access: group fetchd)");
}
END_TEST

START_TEST(a_refusal_says_that_no_rule_names_the_caller)
{
	const struct access_peer peer = { .uid = 8, .gid = 8 };
	const struct access_verdict verdict = access_judge(rules, ARRAY_LEN(rules), OWN, &peer);
	char text[300];

	access_explain(&verdict, &peer, ACCESS_TO_SUBMIT, text, sizeof(text));

	ck_assert_str_eq(text,
		"to submit batches, and to cancel one's own: needs the level submit; no rule "
		"of access names uid 8");
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("access");
	TCase *tc = tcase_create("access");

	tcase_add_loop_test(tc, the_highest_rule_that_names_a_caller_counts, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, without_rules_there_is_the_daemons_user);
	tcase_add_loop_test(tc, a_right_needs_its_level_or_a_higher_one, 0, ARRAY_LEN(needs));
	tcase_add_test(tc, every_right_is_tested);
	tcase_add_test(tc, a_refusal_names_the_rule);
	tcase_add_test(tc, a_refusal_says_that_no_rule_names_the_caller);
	suite_add_tcase(suite, tc);
	return suite;
}

/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/units.h"

/* back  what formatting makes of it; NULL = the text itself */
static const struct {
	const char *text;
	int64_t ns;
	const char *back;
} durations[] = {
	{ "250ms", 250 * UNITS_NS_PER_MS, NULL },
	{ "5s", 5 * UNITS_NS_PER_S, NULL },
	{ "1m30s", 90 * UNITS_NS_PER_S, NULL },
	{ "2h", 7200 * UNITS_NS_PER_S, NULL },
	{ "7d", 7 * UNITS_NS_PER_DAY, NULL },
	{ "1d2h3m4s5ms6us7ns", INT64_C(93784005006007), NULL },
	{ "0s", 0, NULL },
	{ "0ms", 0, "0s" },
	{ "90s", 90 * UNITS_NS_PER_S, "1m30s" },
	{ "007s", 7 * UNITS_NS_PER_S, "7s" },
	{ "9223372036854775807ns", INT64_MAX, "106751d23h47m16s854ms775us807ns" },
};

START_TEST(a_duration_is_read_and_written_back)
{
	char back[UNITS_TEXT_MAX];
	const char *why = NULL;
	int64_t ns = -1;

	ck_assert_int_eq(
		duration_parse(durations[_i].text, strlen(durations[_i].text), &ns, &why), 0);
	ck_assert_int_eq(ns, durations[_i].ns);
	ck_assert_str_eq(duration_format(ns, back),
		durations[_i].back ? durations[_i].back : durations[_i].text);
	ck_assert_ptr_null(why);
}
END_TEST

struct bad {
	const char *text;
	int error;
	const char *why;
};

static const struct bad bad_durations[] = {
	{ "", -EINVAL, "looks like" },
	{ "5", -EINVAL, "needs a unit" },
	{ "s", -EINVAL, "looks like" },
	{ "-5s", -EINVAL, "negative" },
	{ "+5s", -EINVAL, "looks like" },
	{ "1.5s", -EINVAL, "fractions" },
	{ "1,5s", -EINVAL, "fractions" },
	{ ".5s", -EINVAL, "fractions" },
	{ "5 s", -EINVAL, "spaces" },
	{ " 5s", -EINVAL, "spaces" },
	{ "5s ", -EINVAL, "spaces" },
	{ "5sec", -EINVAL, "the units are" },
	{ "5S", -EINVAL, "the units are" },
	{ "30s1m", -EINVAL, "large to small" },
	{ "1s1s", -EINVAL, "large to small" },
	{ "1m30", -EINVAL, "needs a unit" },
	{ "1e3s", -EINVAL, "the units are" },
	{ "9223372036854775808ns", -ERANGE, "too large" },
	{ "9223372036855s", -ERANGE, "too large" },
	{ "106751d24h", -ERANGE, "too large" },
	{ "99999999999999999999999999h", -ERANGE, "too large" },
};

START_TEST(a_bad_duration_says_why)
{
	const struct bad *bad = &bad_durations[_i];
	const char *why = "";
	int64_t ns = 42;

	ck_assert_int_eq(duration_parse(bad->text, strlen(bad->text), &ns, &why), bad->error);
	ck_assert_msg(strstr(why, bad->why), "%s: %s", bad->text, why);
	ck_assert_int_eq(ns, 42);
}
END_TEST

START_TEST(the_length_ends_the_text_and_not_a_nul)
{
	const char *why = NULL;
	int64_t ns = 0;

	ck_assert_int_eq(duration_parse("5s30", 2, &ns, &why), 0);
	ck_assert_int_eq(ns, 5 * UNITS_NS_PER_S);
	ck_assert_int_eq(duration_parse("5s\0", 3, &ns, &why), -EINVAL);
}
END_TEST

static const struct {
	const char *text;
	int64_t bytes;
	const char *back;
} sizes[] = {
	{ "512B", 512, NULL },
	{ "0B", 0, NULL },
	{ "0MiB", 0, "0B" },
	{ "64KiB", 65536, NULL },
	{ "10MiB", 10 << 20, NULL },
	{ "1GiB", 1 << 30, NULL },
	{ "2TiB", INT64_C(2) << 40, NULL },
	{ "1024KiB", 1 << 20, "1MiB" },
	{ "1025KiB", 1025 << 10, NULL },
	{ "9223372036854775807B", INT64_MAX, NULL },
};

START_TEST(a_size_is_read_and_written_back)
{
	char back[UNITS_TEXT_MAX];
	const char *why = NULL;
	int64_t bytes = -1;

	ck_assert_int_eq(size_parse(sizes[_i].text, strlen(sizes[_i].text), &bytes, &why), 0);
	ck_assert_int_eq(bytes, sizes[_i].bytes);
	ck_assert_str_eq(
		size_format(bytes, back), sizes[_i].back ? sizes[_i].back : sizes[_i].text);
}
END_TEST

static const struct bad bad_sizes[] = {
	{ "", -EINVAL, "looks like" },
	{ "64", -EINVAL, "needs a unit" },
	{ "64K", -EINVAL, "the units are" },
	{ "64KB", -EINVAL, "the units are" },
	{ "64kib", -EINVAL, "the units are" },
	{ "1MiB1KiB", -EINVAL, "the units are" },
	{ "-1B", -EINVAL, "negative" },
	{ "1.5MiB", -EINVAL, "fractions" },
	{ "1 MiB", -EINVAL, "spaces" },
	{ "9223372036854775808B", -ERANGE, "too large" },
	{ "8388608TiB", -ERANGE, "too large" },
};

START_TEST(a_bad_size_says_why)
{
	const struct bad *bad = &bad_sizes[_i];
	const char *why = "";
	int64_t bytes = 42;

	ck_assert_int_eq(size_parse(bad->text, strlen(bad->text), &bytes, &why), bad->error);
	ck_assert_msg(strstr(why, bad->why), "%s: %s", bad->text, why);
	ck_assert_int_eq(bytes, 42);
}
END_TEST

static const struct {
	const char *text;
	struct rate rate;
} rates[] = {
	{ "10/s", { 10, UNITS_NS_PER_S } },
	{ "600/m", { 600, 60 * UNITS_NS_PER_S } },
	{ "5/h", { 5, 3600 * UNITS_NS_PER_S } },
	{ "4294967295/s", { UINT32_MAX, UNITS_NS_PER_S } },
};

START_TEST(a_rate_is_read)
{
	const char *text = rates[_i].text;
	const char *why = NULL;
	struct rate rate = { 0 };

	ck_assert_int_eq(rate_parse(text, strlen(text), &rate, &why), 0);
	ck_assert_uint_eq(rate.count, rates[_i].rate.count);
	ck_assert_int_eq(rate.per_ns, rates[_i].rate.per_ns);
}
END_TEST

static const struct bad bad_rates[] = {
	{ "", -EINVAL, "looks like" },
	{ "10", -EINVAL, "looks like" },
	{ "10/", -EINVAL, "per s, m or h" },
	{ "10/d", -EINVAL, "per s, m or h" },
	{ "10/s ", -EINVAL, "per s, m or h" },
	{ "0/s", -EINVAL, "at least 1" },
	{ "-1/s", -EINVAL, "negative" },
	{ "0.5/s", -EINVAL, "fractions" },
	{ "10 /s", -EINVAL, "spaces" },
	{ "4294967296/s", -ERANGE, "too large" },
};

START_TEST(a_bad_rate_says_why)
{
	const struct bad *bad = &bad_rates[_i];
	const char *why = "";
	struct rate rate = { 42, 42 };

	ck_assert_int_eq(rate_parse(bad->text, strlen(bad->text), &rate, &why), bad->error);
	ck_assert_msg(strstr(why, bad->why), "%s: %s", bad->text, why);
	ck_assert_uint_eq(rate.count, 42);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("units");
	TCase *tc = tcase_create("durations");

	tcase_add_loop_test(tc, a_duration_is_read_and_written_back, 0, ARRAY_LEN(durations));
	tcase_add_loop_test(tc, a_bad_duration_says_why, 0, ARRAY_LEN(bad_durations));
	tcase_add_test(tc, the_length_ends_the_text_and_not_a_nul);
	suite_add_tcase(suite, tc);

	tc = tcase_create("sizes");
	tcase_add_loop_test(tc, a_size_is_read_and_written_back, 0, ARRAY_LEN(sizes));
	tcase_add_loop_test(tc, a_bad_size_says_why, 0, ARRAY_LEN(bad_sizes));
	suite_add_tcase(suite, tc);

	tc = tcase_create("rates");
	tcase_add_loop_test(tc, a_rate_is_read, 0, ARRAY_LEN(rates));
	tcase_add_loop_test(tc, a_bad_rate_says_why, 0, ARRAY_LEN(bad_rates));
	suite_add_tcase(suite, tc);
	return suite;
}

/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "daemon/api/http_request.h"
#include "lib/base/cleanup.h"

/* Values of Accept fields, NULL-terminated, and the offer to be chosen. */
struct accept {
	const char *values[3];
	int offer;
};

static const char *const offers[] = { "application/json", "application/x-ndjson", "text/plain" };

#define PROMETHEUS \
	"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/" \
	"*;q=0.2"

static const struct accept accepts[] = {
	{ { NULL }, 0 },
	{ { "*/*" }, 0 },
	{ { "" }, -1 },
	{ { "application/x-ndjson" }, 1 },
	{ { "APPLICATION/X-NDJSON; charset=utf-8" }, 1 },
	{ { "text/*" }, 2 },
	{ { "text/plain;q=0.5, application/json;q=0.4" }, 2 },
	{ { "text/plain;q=0.5", "application/x-ndjson" }, 1 },
	{ { "application/json;q=0, */*" }, 1 },
	{ { "*/*;q=0.1, text/plain; q=0.2" }, 2 },
	{ { "image/png" }, -1 },
	{ { "text" }, -1 },
	{ { "*/*;q=0" }, -1 },
	{ { "text/plain;q=2, application/json;q=0.001" }, 0 },
	{ { "text/plain;q=0.1234, application/json;q=0.001" }, 0 },
	{ { "text/plain;q=1.001, application/json;q=0.001" }, 0 },
	{ { "text/plain;x=\"a,b;q=0\", application/json;q=0.9" }, 2 },
	{ { "text/plain;x=\"a\\\",b\";q=0, application/json;q=0.9" }, 0 },
	{ { ", ,text/plain" }, 2 },
	{ { PROMETHEUS }, 2 },
};

START_TEST(the_best_offer_is_chosen)
{
	struct http_request request = { .n_fields = 0 };

	for (; accepts[_i].values[request.n_fields]; request.n_fields++) {
		request.fields[request.n_fields] =
			(struct http_pair){ "Accept", accepts[_i].values[request.n_fields] };
	}

	ck_assert_int_eq(
		http_request_accepts(&request, offers, ARRAY_LEN(offers)), accepts[_i].offer);
}
END_TEST

START_TEST(openmetrics_is_chosen_where_it_is_offered)
{
	static const char *const formats[] = { "text/plain", "application/openmetrics-text" };
	struct http_request request = { .fields = { { "Accept", PROMETHEUS } }, .n_fields = 1 };

	ck_assert_int_eq(http_request_accepts(&request, formats, 2), 1);
}
END_TEST

START_TEST(preferences_are_found_in_lists)
{
	struct http_request request = {
		.fields = { { "Prefer", "x=\"respond-async, y\", wait=10" },
			{ "prefer", "return=minimal; a, Respond-Async; b=c" }, { "Other", "z" } },
		.n_fields = 3,
	};

	ck_assert(http_request_prefers(&request, "respond-async"));
	ck_assert(http_request_prefers(&request, "wait"));
	ck_assert(!http_request_prefers(&request, "y"));
	ck_assert(!http_request_prefers(&request, "a"));
	ck_assert(!http_request_prefers(&request, "z"));
	ck_assert(!http_request_prefers(&request, "respond"));
}
END_TEST

START_TEST(a_word_in_quotes_is_not_in_the_list)
{
	struct http_request request = { .fields = { { "Prefer", "x=\"a, wait" } }, .n_fields = 1 };

	ck_assert(!http_request_prefers(&request, "wait"));
}
END_TEST

START_TEST(fields_have_no_case_and_parameters_have)
{
	struct http_request request = {
		.fields = { { "A", "1" }, { "a", "2" } },
		.n_fields = 2,
		.params = { { "p", "3" }, { "P", "4" } },
		.n_params = 2,
	};

	ck_assert_str_eq(http_request_field(&request, "a"), "1");
	ck_assert_ptr_null(http_request_field(&request, "b"));
	ck_assert_str_eq(http_request_param(&request, "P"), "4");
	ck_assert_ptr_null(http_request_param(&request, "q"));
}
END_TEST

START_TEST(media_types_are_compared_without_parameters)
{
	ck_assert(http_media_type_is("application/json", "application/json"));
	ck_assert(http_media_type_is("Application/JSON ; charset=utf-8", "application/json"));
	ck_assert(!http_media_type_is("application/jsonx", "application/json"));
	ck_assert(!http_media_type_is("application/json, text/plain", "application/json"));
	ck_assert(!http_media_type_is("", "application/json"));
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("http_request");
	TCase *tc = tcase_create("questions");

	tcase_add_loop_test(tc, the_best_offer_is_chosen, 0, ARRAY_LEN(accepts));
	tcase_add_test(tc, openmetrics_is_chosen_where_it_is_offered);
	tcase_add_test(tc, preferences_are_found_in_lists);
	tcase_add_test(tc, a_word_in_quotes_is_not_in_the_list);
	tcase_add_test(tc, fields_have_no_case_and_parameters_have);
	tcase_add_test(tc, media_types_are_compared_without_parameters);
	suite_add_tcase(suite, tc);
	return suite;
}

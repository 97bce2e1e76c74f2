/* SPDX-License-Identifier: MIT */
/* Certificates over the API: those of the service's credentials, and what is said of a server's. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "tests/integration/api_kit.h"
#include "tests/support/nginx.h"

static struct t_nginx nginx;

/* The folder of nginx has ca.pem and client.pem, as a service manager would have put them there. */
static void
start_with_credentials(void)
{
	t_nginx_start(&nginx);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", nginx.folder, 1), 0);
	api_start();
}

/* Without api_stop(), which does not know of the connections that are kept to nginx. */
static void
stop(void)
{
	ck_assert_int_eq(t_daemon_stop(api_daemon()), 0);
	api_clean_up();
	t_nginx_stop(&nginx);
}

/* Fetches /ok of a port with these options. */
static void
submit(const char *tls, unsigned port, struct api_answer *answer)
{
	char body[256];

	(void)snprintf(
		body, sizeof(body), "{'tls':{%s},'urls':['https://127.0.0.1:%u/ok']}", tls, port);
	api_submit(body, answer);
}

START_TEST(credentials_are_used_by_their_names)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	submit("'ca':'ca.pem','client':'client.pem'", nginx.asking, &answer);

	api_check(&answer, "/results/0/outcome=ok /results/0/status=200 /results/0/tls=-");
}
END_TEST

START_TEST(without_them_the_server_is_not_trusted)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	submit("", nginx.https, &answer);

	api_check(&answer, "/results/0/error/code=tls_certificate");
}
END_TEST

START_TEST(a_report_is_part_of_the_result)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	submit("'ca':'ca.pem','report':true", nginx.https, &answer);

	api_check_keys(&answer, "/results/0/tls", "issuer expires");
	api_check(&answer, "/results/0/tls/expires=2049-12-31T23:59:59.000Z");
}
END_TEST

START_TEST(http_2_is_spoken_with_who_asks_for_it)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char body[256];

	(void)snprintf(body, sizeof(body),
		"{'http_version':'2','tls':{'ca':'ca.pem'},'urls':['https://127.0.0.1:%u/ok']}",
		nginx.https);
	api_submit(body, &answer);

	api_check(&answer, "/results/0/outcome=ok /results/0/http_version=2");
}
END_TEST

START_TEST(a_credential_that_is_not_there_is_a_fault)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("POST /v1/batches", NULL, "{'tls':{'client':'nobody'},'urls':['$O/ok']}", &answer);

	api_check_problem(&answer, 422, "invalid_batch");
	api_check(&answer, "/errors/0/pointer=/tls/client");
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("api_tls");
	TCase *tc;

	if (!t_nginx_is_there()) {
		return suite;
	}
	tc = api_case(suite, "tls", start_with_credentials, stop);
	tcase_add_test(tc, credentials_are_used_by_their_names);
	tcase_add_test(tc, without_them_the_server_is_not_trusted);
	tcase_add_test(tc, a_report_is_part_of_the_result);
	tcase_add_test(tc, a_credential_that_is_not_there_is_a_fault);
	tcase_add_test(tc, http_2_is_spoken_with_who_asks_for_it);
	return suite;
}

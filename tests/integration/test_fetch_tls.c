/* SPDX-License-Identifier: MIT */
/* TLS against a real nginx with certificates good and bad. Skipped where there is none. */
#include "tests/integration/fetch_kit.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/nginx.h"
#include "tests/support/tls_front.h"

static struct t_nginx nginx;
static struct kit *kit;
static unsigned n_bundles_read;

int X509_STORE_load_file(void *store, const char *path);

/* In front of libcrypto's: libcurl reads the authorities with it. */
int
X509_STORE_load_file(void *store, const char *path)
{
	int (*next)(void *, const char *) = NULL;

	*(void **)&next = dlsym(RTLD_NEXT, "X509_STORE_load_file");
	ck_assert_ptr_nonnull((void *)next);
	n_bundles_read++;
	return next(store, path);
}

static void
setup(void)
{
	t_nginx_start(&nginx);
	kit = kit_create();
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit->engine_options.ca_file = nginx.ca;
	n_bundles_read = 0;
}

static void
teardown(void)
{
	t_nginx_stop(&nginx);
	kit_destroy(kit);
}

START_TEST(a_good_certificate_is_accepted)
{
	const struct kit_result *kept = kit_one(kit, kit_https_url(nginx.https, "/ok"));

	ck_assert_str_eq(kept->detail, "");
	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_str_eq(kept->result.http_version, "1.1");
	ck_assert_int_gt(kept->result.timing.tls, 0);
	ck_assert_int_gt(kept->result.timing.connect, 0);
}
END_TEST

START_TEST(a_bad_certificate_is_not)
{
	const unsigned ports[] = { nginx.expired, nginx.misnamed, nginx.self_signed };
	const struct kit_result *kept = kit_one(kit, kit_https_url(ports[_i], "/ok"));

	ck_assert_msg(kept->result.error == FETCH_ERROR_TLS_CERTIFICATE, "%s: %s",
		fetch_error_name(kept->result.error), kept->detail);
	ck_assert_str_ne(kept->detail, "");
	ck_assert_int_eq(kept->result.status, 0);
}
END_TEST

START_TEST(old_versions_are_refused)
{
	const struct kit_result *kept = kit_one(kit, kit_https_url(nginx.old_tls, "/ok"));

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_TLS_HANDSHAKE);
}
END_TEST

START_TEST(an_unknown_authority_is_refused)
{
	const struct kit_result *kept;

	kit->engine_options.ca_file = NULL; /* the system's does not know ours */
	kept = kit_one(kit, kit_https_url(nginx.https, "/ok"));

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_TLS_CERTIFICATE);
}
END_TEST

static void
read_pem(const char *path, char *pem, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t len;

	ck_assert_ptr_nonnull(file);
	len = fread(pem, 1, size - 1, file);
	ck_assert_uint_gt(len, 0);
	pem[len] = '\0';
	(void)fclose(file);
}

START_TEST(a_caller_may_bring_an_authority_of_its_own)
{
	char pem[8192];
	const struct kit_result *kept;

	read_pem(nginx.ca, pem, sizeof(pem));
	kit->engine_options.ca_file = NULL;
	kit->options.tls.ca_pem = pem;
	kept = kit_one(kit, kit_https_url(nginx.https, "/ok"));

	ck_assert_str_eq(kept->detail, "");
	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
}
END_TEST

START_TEST(a_client_may_show_who_it_is)
{
	char pem[8192];
	const struct kit_result *kept;

	read_pem(nginx.client, pem, sizeof(pem));
	kit->options.tls.client_cert_pem = pem;
	kept = kit_one(kit, kit_https_url(nginx.asking, "/ok"));

	ck_assert_str_eq(kept->detail, "");
	ck_assert_int_eq(kept->result.status, 200);
}
END_TEST

static int
with_and_without_certificate(void *arg)
{
	char pem[8192];

	read_pem(nginx.client, pem, sizeof(pem));
	kit->options.tls.client_cert_pem = pem;
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_int_eq(kit->results[0].result.status, 200);

	kit->options.tls.client_cert_pem = NULL;
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_int_eq(kit->results[0].result.status, 400);
	return 0;
}

START_TEST(nobody_else_uses_its_connection)
{
	kit->body = with_and_without_certificate;
	kit_add(kit, kit_https_url(nginx.asking, "/ok"));

	kit_run(kit);
}
END_TEST

START_TEST(what_is_no_certificate_is_said)
{
	const struct kit_result *kept;

	kit->options.tls.client_cert_pem = "nonsense";
	kept = kit_one(kit, kit_https_url(nginx.asking, "/ok"));

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_TLS_CERTIFICATE);
}
END_TEST

static int
report_twice(void *arg)
{
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(kit_batch(kit), 0);
		ck_assert_int_eq(kit->results[0].result.outcome, FETCH_OK);
		ck_assert_ptr_nonnull(kit->results[0].tls_issuer);
		ck_assert_ptr_nonnull(strstr(kit->results[0].tls_issuer, "a test authority"));
		ck_assert_int_eq(kit->results[0].result.tls_expires, 2524607999);
	}
	return 0;
}

START_TEST(a_report_says_who_issued_a_certificate_and_until_when)
{
	kit->options.tls.with_report = true;
	kit->body = report_twice; /* also where a connection could be reused */
	kit_add(kit, kit_https_url(nginx.https, "/ok"));

	kit_run(kit);
}
END_TEST

START_TEST(without_tls_there_is_nothing_to_report)
{
	char *url = NULL;
	const struct kit_result *kept;

	ck_assert_int_gt(asprintf(&url, "http://127.0.0.1:%u/ok", nginx.http), 0);
	kit->options.tls.with_report = true;
	kept = kit_one(kit, url);

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_ptr_null(kept->tls_issuer);
	ck_assert_int_eq(kept->result.tls_expires, 0);
}
END_TEST

START_TEST(verification_can_be_switched_off)
{
	const struct kit_result *kept;

	kit->options.tls.is_unverified = true;
	kept = kit_one(kit, kit_https_url(nginx.self_signed, "/ok"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
}
END_TEST

static int
unverified_then_verified(void *arg)
{
	kit->options.tls.is_unverified = true;
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_int_eq(kit->results[0].result.outcome, FETCH_OK);

	kit->options.tls.is_unverified = false;
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_int_eq(kit->results[0].result.error, FETCH_ERROR_TLS_CERTIFICATE);
	return 0;
}

START_TEST(a_connection_that_was_not_verified_is_not_reused_by_who_verifies)
{
	kit->body = unverified_then_verified;
	kit_add(kit, kit_https_url(nginx.self_signed, "/ok"));

	kit_run(kit);
}
END_TEST

START_TEST(the_authorities_are_read_once_for_many_connections)
{
	char path[32];

	kit->batch.per_origin = 20;
	for (int i = 0; i < 20; i++) {
		(void)snprintf(path, sizeof(path), "/slow/0.2/%d", i);
		kit_add(kit, kit_https_url(nginx.https, path));
	}

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 20);
	ck_assert_uint_ge(kit->statistics.total_connections, 10);
	ck_assert_uint_eq(n_bundles_read, 1);
}
END_TEST

START_TEST(a_server_that_only_keeps_silent_is_a_connect_timeout)
{
	struct t_origin *origin = t_origin_create();
	const struct kit_result *kept;

	kit->options.connect_timeout = NUR_MSEC(200);
	kept = kit_one(kit, kit_https_url(t_origin_port(origin, T_PORT_SILENT), "/"));

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_CONNECT_TIMEOUT);
	t_origin_destroy(origin);
}
END_TEST

START_TEST(a_redirect_does_not_leave_tls)
{
	struct t_origin *origin = t_origin_create();
	struct t_tls_front *front =
		t_tls_front_create(t_origin_port(origin, T_PORT_HTTP), T_TLS_NOTIFIED);
	_cleanup_(freep) char *plain = t_origin_url(origin, "/ok");
	_cleanup_(freep) char *path = NULL;
	const struct kit_result *kept;

	kit->options.max_redirects = 5;
	kit->options.tls.is_unverified = true;
	ck_assert_int_gt(asprintf(&path, "/redirect-to/302?%s", plain), 0);
	kept = kit_one(kit, kit_https_url(t_tls_front_port(front), path));

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_REDIRECT_DENIED);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 1);
	t_tls_front_destroy(front);
	t_origin_destroy(origin);
}
END_TEST

START_TEST(http_where_tls_is_expected_is_a_failed_handshake)
{
	const struct kit_result *kept = kit_one(kit, kit_https_url(nginx.http, "/ok"));

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_TLS_HANDSHAKE);
}
END_TEST

START_TEST(http_2_is_there_for_who_asks)
{
	struct fetch_versions versions;
	const struct kit_result *kept;

	fetch_engine_versions(&versions);
	if (versions.nghttp2[0] == '\0') {
		return;
	}
	kit->options.http_version = FETCH_HTTP_2;
	kept = kit_one(kit, kit_https_url(nginx.https, "/ok"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_str_eq(kept->result.http_version, "2");
}
END_TEST

START_TEST(a_body_of_which_nobody_knows_the_end_is_no_success)
{
	struct fetch_versions versions;
	const struct kit_result *kept;

	fetch_engine_versions(&versions);
	if (versions.nghttp2[0] == '\0') {
		return;
	}
	kit->options.http_version = FETCH_HTTP_2;
	kept = kit_one(kit, kit_https_url(nginx.https, "/slow/0.01")); /* without Content-Length */

	ck_assert_str_eq(kept->result.http_version, "2");
	if (versions.has_http2) {
		ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	} else {
		ck_assert_int_eq(kept->result.error, FETCH_ERROR_PROTOCOL);
		ck_assert_ptr_nonnull(strstr(kept->detail, versions.curl));
	}
}
END_TEST

START_TEST(the_libraries_say_what_they_are)
{
	struct fetch_versions versions;

	fetch_engine_versions(&versions);

	ck_assert_int_ge(versions.curl[0], '7');
	ck_assert_ptr_nonnull(strchr(versions.cares, '.'));
	ck_assert_ptr_nonnull(versions.ssl);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_tls");
	TCase *versions = tcase_create("versions");
	TCase *tls;

	tcase_add_test(versions, the_libraries_say_what_they_are);
	suite_add_tcase(suite, versions);
	if (!t_nginx_is_there()) {
		return suite;
	}
	tls = tcase_create("tls");
	tcase_add_checked_fixture(tls, setup, teardown);
	tcase_add_test(tls, a_good_certificate_is_accepted);
	tcase_add_loop_test(tls, a_bad_certificate_is_not, 0, 3);
	tcase_add_test(tls, old_versions_are_refused);
	tcase_add_test(tls, an_unknown_authority_is_refused);
	tcase_add_test(tls, a_caller_may_bring_an_authority_of_its_own);
	tcase_add_test(tls, a_client_may_show_who_it_is);
	tcase_add_test(tls, nobody_else_uses_its_connection);
	tcase_add_test(tls, what_is_no_certificate_is_said);
	tcase_add_test(tls, a_report_says_who_issued_a_certificate_and_until_when);
	tcase_add_test(tls, without_tls_there_is_nothing_to_report);
	tcase_add_test(tls, verification_can_be_switched_off);
	tcase_add_test(tls, a_connection_that_was_not_verified_is_not_reused_by_who_verifies);
	tcase_add_test(tls, the_authorities_are_read_once_for_many_connections);
	tcase_add_test(tls, a_server_that_only_keeps_silent_is_a_connect_timeout);
	tcase_add_test(tls, a_redirect_does_not_leave_tls);
	tcase_add_test(tls, http_where_tls_is_expected_is_a_failed_handshake);
	tcase_add_test(tls, http_2_is_there_for_who_asks);
	tcase_add_test(tls, a_body_of_which_nobody_knows_the_end_is_no_success);
	suite_add_tcase(suite, tls);
	return suite;
}

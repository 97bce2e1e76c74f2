/* SPDX-License-Identifier: MIT */
/* That nginx comes up for a test with every server it promises, and goes with it. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/http.h"
#include "tests/support/nginx.h"
#include "tests/support/test.h"

static struct t_nginx nginx;

static void
setup(void)
{
	if (t_nginx_is_there()) {
		t_nginx_start(&nginx);
	}
}

static void
teardown(void)
{
	t_nginx_stop(&nginx);
}

START_TEST(nginx_answers_on_every_port)
{
	unsigned int port;

	for (port = nginx.http; port && port <= nginx.asking; port++) {
		struct t_http http = t_http_tcp((uint16_t)port);

		t_http_close(&http);
	}
}
END_TEST

START_TEST(nginx_fails_and_redirects_by_path)
{
	struct t_response response = T_RESPONSE_INIT;
	struct t_http http;

	if (!nginx.pid) {
		return;
	}
	http = t_http_tcp((uint16_t)nginx.http);
	ck_assert(t_http_puts(&http, "GET /failing HTTP/1.1\r\nHost: x\r\n\r\n"));
	t_http_read(&http, &response);
	ck_assert_int_eq(response.status, 503);
	ck_assert(t_http_puts(&http, "GET /redirecting HTTP/1.1\r\nHost: x\r\n\r\n"));
	t_http_read(&http, &response);
	ck_assert_int_eq(response.status, 302);
	ck_assert(t_http_puts(&http, "GET /slow/0.01/x HTTP/1.1\r\nHost: x\r\n\r\n"));
	t_http_read(&http, &response);
	ck_assert_str_eq(response.body.data, "ok\n");

	t_response_fini(&response);
	t_http_close(&http);
}
END_TEST

/* Not "its port refuses": a test beside this one may have that port by then. */
START_TEST(a_stop_ends_its_connections)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)nginx.http),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	t_nginx_stop(&nginx);
	ck_assert_int_le(recv(fd, &byte, 1, 0), 0);
	(void)close(fd);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("nginx");
	TCase *servers = tcase_create("servers");

	tcase_add_checked_fixture(servers, setup, teardown);
	tcase_set_timeout(servers, 30);
	tcase_add_test(servers, nginx_answers_on_every_port);
	tcase_add_test(servers, nginx_fails_and_redirects_by_path);
	tcase_add_test(servers, a_stop_ends_its_connections);
	suite_add_tcase(suite, servers);
	return suite;
}

/* SPDX-License-Identifier: MIT */
/* Through a proxy: the scripted origin, which takes absolute targets, and a small tunnel. */
#include "tests/integration/fetch_kit.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/nginx.h"

static struct t_origin *origin;
static struct kit *kit;
static char proxy[64];

static void
setup(void)
{
	origin = t_origin_create();
	kit = kit_create();
	kit->options.capture = FETCH_CAPTURE_BODY;
	(void)snprintf(
		proxy, sizeof(proxy), "http://127.0.0.1:%u", t_origin_port(origin, T_PORT_HTTP));
	kit->engine_options.proxy = proxy;
}

static void
teardown(void)
{
	t_origin_destroy(origin);
	kit_destroy(kit);
}

START_TEST(the_proxy_is_asked_and_looks_up_names)
{
	const struct kit_result *kept = kit_one(kit, strdup("http://nobody.invalid/echo"));

	ck_assert_str_eq(kept->detail, "");
	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_ptr_nonnull(strstr(kept->body, "GET http://nobody.invalid/echo HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(kept->body, "Host: nobody.invalid\r\n"));
	ck_assert_ptr_null(strstr(kept->body, "Proxy-Authorization"));
	ck_assert_str_eq(kept->remote, proxy + strlen("http://"));
	ck_assert_uint_eq(kit->statistics.total_lookups, 0);
}
END_TEST

START_TEST(a_proxy_may_have_a_name_and_ask_who_it_is)
{
	const struct kit_result *kept;

	(void)snprintf(proxy, sizeof(proxy), "http://me:secret@localhost:%u",
		t_origin_port(origin, T_PORT_HTTP));
	kept = kit_one(kit, strdup("http://nobody.invalid/echo"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_ptr_nonnull(strstr(kept->body, "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"));
}
END_TEST

START_TEST(literal_addresses_are_under_the_policy)
{
	const struct kit_result *kept = kit_one(kit, strdup("http://169.254.169.254/"));

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_DENIED);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 0);
}
END_TEST

START_TEST(the_proxy_itself_is_not)
{
	struct fetch_address_policy policy = { .profile = FETCH_PROFILE_PUBLIC_ONLY };
	const struct kit_result *kept;

	kit->engine_options.policy = &policy;
	kept = kit_one(kit, strdup("http://nobody.invalid/ok"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
}
END_TEST

START_TEST(the_environment_says_nothing)
{
	const struct kit_result *kept;

	ck_assert_int_eq(setenv("no_proxy", "*", 1), 0);
	ck_assert_int_eq(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
	kept = kit_one(kit, strdup("http://nobody.invalid/ok"));
	ck_assert_int_eq(kept->result.outcome, FETCH_OK);

	kit_forget(kit);
	kit->engine_options.proxy = NULL;
	kept = kit_one(kit, t_origin_url(origin, "/ok"));
	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
}
END_TEST

START_TEST(a_proxy_that_is_not_there_refuses)
{
	const struct kit_result *kept;

	(void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u",
		t_origin_port(origin, T_PORT_REFUSING));
	kept = kit_one(kit, strdup("http://nobody.invalid/ok"));

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_CONNECTION_REFUSED);
}
END_TEST

START_TEST(a_refused_tunnel_is_no_response)
{
	const struct kit_result *kept = kit_one(kit, strdup("https://nobody.invalid/ok"));

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_UNREACHABLE);
	ck_assert_int_eq(kept->result.status, 0);
	ck_assert_ptr_nonnull(strstr(kept->detail, "404"));
}
END_TEST

static const char *const bad_proxies[] = { "https://127.0.0.1:1", "socks5://127.0.0.1:1", "x", "" };

static int
create_with_bad_proxy(void *arg)
{
	struct fetch_engine_options options = { .proxy = arg };
	struct fetch_engine *engine;

	ck_assert_int_eq(fetch_engine_create(&options, &engine), -EINVAL);
	return 0;
}

START_TEST(what_is_no_http_proxy_is_refused)
{
	ck_assert_int_eq(nur_run(create_with_bad_proxy, (void *)bad_proxies[_i], NULL, NULL), 0);
}
END_TEST

/* A process that takes one CONNECT, and then only carries bytes. */

static void
carry(int a, int b)
{
	struct pollfd fds[] = { { a, POLLIN, 0 }, { b, POLLIN, 0 } };
	char bytes[4096];

	while (poll(fds, 2, -1) > 0) {
		for (int i = 0; i < 2; i++) {
			ssize_t n = fds[i].revents ? read(fds[i].fd, bytes, sizeof(bytes)) : -1;

			if (n == 0 || (n > 0 && write(fds[1 - i].fd, bytes, (size_t)n) != n)) {
				return;
			}
		}
	}
}

static void __attribute__((noreturn)) run_tunnel(int listener, unsigned port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	static const char answer[] = "HTTP/1.1 200 go on\r\nX-Proxy: 1\r\n\r\n";
	char head[4096] = "";
	size_t len = 0;
	int fd = accept(listener, NULL, NULL);
	int server = socket(AF_INET, SOCK_STREAM, 0);

	while (!strstr(head, "\r\n\r\n") && len < sizeof(head) - 1) {
		ssize_t n = read(fd, head + len, sizeof(head) - 1 - len);

		if (n <= 0) {
			_exit(1);
		}
		len += (size_t)n;
	}
	if (strncmp(head, "CONNECT localhost:443 HTTP/1.1\r\n", 32) != 0 ||
		strstr(head, "X-Secret") || connect(server, (void *)&to, sizeof(to)) < 0 ||
		write(fd, answer, strlen(answer)) < 0) {
		_exit(1);
	}
	carry(fd, server);
	_exit(0);
}

static pid_t
start_tunnel(unsigned port)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	ck_assert_int_eq(bind(listener, (void *)&at, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (void *)&at, &len), 0);
	(void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", ntohs(at.sin_port));
	pid = fork();
	if (pid == 0) {
		run_tunnel(listener, port);
	}
	ck_assert_int_gt(pid, 0);
	(void)close(listener);
	return pid;
}

START_TEST(a_tunnel_ends_at_the_origin)
{
	struct fetch_header secret = { "X-Secret", "not for the proxy" };
	struct t_nginx nginx = { 0 };
	const struct kit_result *kept;
	int status = 0;
	pid_t pid;

	if (!t_nginx_is_there()) {
		return;
	}
	t_nginx_start(&nginx);
	pid = start_tunnel(nginx.https);
	kit->engine_options.ca_file = nginx.ca;
	kit->options.headers = &secret;
	kit->options.n_headers = 1;
	kept = kit_one(kit, strdup("https://localhost/ok"));

	ck_assert_str_eq(kept->detail, "");
	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_str_eq(kept->body, "ok\n");
	ck_assert_int_gt(kept->result.timing.tls, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	t_nginx_stop(&nginx);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_proxy");
	TCase *tc = tcase_create("proxy");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_proxy_is_asked_and_looks_up_names);
	tcase_add_test(tc, a_proxy_may_have_a_name_and_ask_who_it_is);
	tcase_add_test(tc, literal_addresses_are_under_the_policy);
	tcase_add_test(tc, the_proxy_itself_is_not);
	tcase_add_test(tc, the_environment_says_nothing);
	tcase_add_test(tc, a_proxy_that_is_not_there_refuses);
	tcase_add_test(tc, a_refused_tunnel_is_no_response);
	tcase_add_loop_test(tc, what_is_no_http_proxy_is_refused, 0, ARRAY_LEN(bad_proxies));
	tcase_add_test(tc, a_tunnel_ends_at_the_origin);
	suite_add_tcase(suite, tc);
	return suite;
}

/* SPDX-License-Identifier: MIT */
/* The scripted name server, asked by hand, so that a resolver's tests know what they were told. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/name_server.h"
#include "tests/support/test.h"

#define TYPE_A    1
#define TYPE_AAAA 28

static struct t_name_server *names;
static int udp = -1;

/* What a message says: -1 for a message that is none, or not ours. */
struct reply {
	int code;
	int n_answers;
	int is_cut;
	uint8_t last[4];
};

static struct sockaddr_in
server_address(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	unsigned int port;

	ck_assert_int_eq(sscanf(t_name_server_address(names), "127.0.0.1:%u", &port), 1);
	in.sin_port = htons((uint16_t)port);
	return in;
}

static void
setup(void)
{
	struct sockaddr_in in;

	names = t_name_server_create();
	in = server_address();
	udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(udp, (struct sockaddr *)&in, sizeof(in)), 0);
}

static void
teardown(void)
{
	closep(&udp);
	t_name_server_destroy(names);
}

static size_t
make_query(const char *label, uint8_t type, uint8_t *query)
{
	size_t len = strlen(label);
	const uint8_t head[12] = { 0x12, 0x34, 1, 0, 0, 1 };
	const uint8_t tail[] = { 4, 't', 'e', 's', 't', 0, 0, type, 0, 1 };

	memcpy(query, head, sizeof(head));
	query[12] = (uint8_t)len;
	memcpy(query + 13, label, len);
	memcpy(query + 13 + len, tail, sizeof(tail));
	return 13 + len + sizeof(tail);
}

static struct reply
read_reply(const uint8_t *message, size_t len)
{
	struct reply reply = { -1, -1, -1, { 0 } };

	if (len >= 12 && message[0] == 0x12 && message[1] == 0x34) {
		reply.code = message[3] & 15;
		reply.n_answers = message[7];
		reply.is_cut = (message[2] & 2) != 0;
		memcpy(reply.last, message + len - 4, 4);
	}
	return reply;
}

static void
ask(const char *label, uint8_t type)
{
	uint8_t query[128];
	size_t len = make_query(label, type, query);

	ck_assert_int_eq(send(udp, query, len, 0), (ssize_t)len);
}

static struct reply
hear(void)
{
	struct pollfd poll_fd = { .fd = udp, .events = POLLIN };
	uint8_t message[4096];
	ssize_t len;

	ck_assert_int_eq(poll(&poll_fd, 1, 20000), 1);
	len = recv(udp, message, sizeof(message), 0);
	ck_assert_int_gt(len, 0);
	return read_reply(message, (size_t)len);
}

static const struct {
	const char *label;
	uint8_t type;
	struct reply reply;
} answers[] = {
	{ "ok", TYPE_A, { 0, 1, 0, { 127, 0, 0, 1 } } },
	{ "OK", TYPE_A, { 0, 1, 0, { 127, 0, 0, 1 } } },
	{ "ok", TYPE_AAAA, { 0, 0, 0, { 0, 28, 0, 1 } } },
	{ "ip-10-20-30-40", TYPE_A, { 0, 1, 0, { 10, 20, 30, 40 } } },
	{ "v6", TYPE_A, { 0, 0, 0, { 0, 1, 0, 1 } } },
	{ "v6", TYPE_AAAA, { 0, 1, 0, { 0, 0, 0, 1 } } },
	{ "both", TYPE_AAAA, { 0, 1, 0, { 0, 0, 0, 1 } } },
	{ "ttl-0", TYPE_A, { 0, 1, 0, { 127, 0, 0, 1 } } },
	{ "slow-2", TYPE_A, { 0, 1, 0, { 127, 0, 0, 1 } } },
	{ "alias", TYPE_A, { 0, 2, 0, { 127, 0, 0, 1 } } },
	{ "loop", TYPE_A, { 0, 1, 0, { 0, 2, 0xc0, 0x0c } } },
	{ "truncated", TYPE_A, { 0, 0, 1, { 0, 1, 0, 1 } } },
	{ "no-edns", TYPE_A, { 0, 1, 0, { 127, 0, 0, 1 } } },
	{ "empty", TYPE_A, { 0, 0, 0, { 0, 1, 0, 1 } } },
	{ "servfail", TYPE_A, { 2, 0, 0, { 0, 1, 0, 1 } } },
	{ "nxdomain", TYPE_A, { 3, 0, 0, { 0, 1, 0, 1 } } },
	{ "unheard-of", TYPE_A, { 3, 0, 0, { 0, 1, 0, 1 } } },
	{ "refused", TYPE_A, { 5, 0, 0, { 0, 1, 0, 1 } } },
	{ "wrong-id", TYPE_A, { -1, -1, -1, { 0 } } },
	{ "garbage", TYPE_A, { -1, -1, -1, { 0 } } },
};

START_TEST(answers_as_the_label_says)
{
	struct reply reply;

	ask(answers[_i].label, answers[_i].type);
	reply = hear();

	ck_assert_int_eq(reply.code, answers[_i].reply.code);
	ck_assert_int_eq(reply.n_answers, answers[_i].reply.n_answers);
	ck_assert_int_eq(reply.is_cut, answers[_i].reply.is_cut);
	ck_assert_mem_eq(reply.last, answers[_i].reply.last, 4);
}
END_TEST

START_TEST(a_truncated_answer_is_whole_over_tcp)
{
	_cleanup_(closep) int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in in = server_address();
	uint8_t query[130] = { 0 };
	uint8_t message[4096];
	struct reply reply;
	size_t len;

	ck_assert_int_eq(connect(tcp, (struct sockaddr *)&in, sizeof(in)), 0);
	len = make_query("truncated", TYPE_A, query + 2);
	query[1] = (uint8_t)len;
	ck_assert_int_eq(send(tcp, query, len + 2, 0), (ssize_t)len + 2);
	ck_assert_int_eq(recv(tcp, message, 2, MSG_WAITALL), 2);
	len = (size_t)message[0] << 8 | message[1];
	ck_assert_int_eq(recv(tcp, message, len, MSG_WAITALL), (ssize_t)len);
	reply = read_reply(message, len);

	ck_assert_int_eq(reply.n_answers, 60);
	ck_assert_int_eq(reply.is_cut, 0);
	ck_assert_uint_eq(t_name_server_counts(names).n_tcp, 1);
}
END_TEST

START_TEST(a_rebinding_name_changes_its_address)
{
	ask("rebind", TYPE_A);
	ck_assert_mem_eq(hear().last, "\x7f\0\0\1", 4);
	ask("rebind", TYPE_A);
	ck_assert_mem_eq(hear().last, "\xa9\xfe\xa9\xfe", 4);
}
END_TEST

START_TEST(a_held_name_is_answered_when_released)
{
	ask("hold-1", TYPE_A);
	ask("silent", TYPE_AAAA);
	t_name_server_wait(names, "queries>=2");
	ck_assert_uint_eq(t_name_server_counts(names).n_held, 1);

	ck_assert_uint_eq(t_name_server_release(names, "hold-1"), 1);
	ck_assert_int_eq(hear().n_answers, 1);
	ask("hold-1", TYPE_A);
	ck_assert_int_eq(hear().n_answers, 1);
	ck_assert_uint_eq(t_name_server_counts(names).n_a, 2);
	ck_assert_uint_eq(t_name_server_counts(names).n_aaaa, 1);
}
END_TEST

START_TEST(what_is_no_query_is_ignored)
{
	ck_assert_int_eq(send(udp, "\0\0", 2, 0), 2);
	ck_assert_int_eq(send(udp, "\x12\x34\1\0\0\1\0\0\0\0\0\0\x3f", 13, 0), 13);
	ask("ok", TYPE_A);

	ck_assert_int_eq(hear().n_answers, 1);
	ck_assert_uint_eq(t_name_server_counts(names).n_queries, 1);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("name_server");
	TCase *labels = tcase_create("labels");

	tcase_add_checked_fixture(labels, setup, teardown);
	tcase_add_loop_test(labels, answers_as_the_label_says, 0, ARRAY_LEN(answers));
	tcase_add_test(labels, a_truncated_answer_is_whole_over_tcp);
	tcase_add_test(labels, a_rebinding_name_changes_its_address);
	tcase_add_test(labels, a_held_name_is_answered_when_released);
	tcase_add_test(labels, what_is_no_query_is_ignored);
	suite_add_tcase(suite, labels);
	return suite;
}

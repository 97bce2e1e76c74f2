/* SPDX-License-Identifier: MIT */
/* Looking up names. getaddrinfo() is this program's, and knows what a test wants it to. */
#include <errno.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/in_run.h"

enum {
	max_found = 6
};

/* What getaddrinfo() answers. */
static int answer_error, answer_errno;
static struct nur_address found[max_found];
static struct addrinfo list[max_found];
static sem_t has_begun, may_end;
static bool is_held;
static atomic_int n_lists;

/* clang-format off */
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret_list);
void __wrap_freeaddrinfo(struct addrinfo *first);
/* clang-format on */

int
__wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
	struct addrinfo **ret_list)
{
	if (is_held) {
		(void)sem_post(&has_begun);
		(void)sem_wait(&may_end);
	}
	errno = answer_errno;
	if (answer_error || strcmp(host, "test.example") != 0 ||
		hints->ai_socktype != SOCK_STREAM) {
		return answer_error ? answer_error : EAI_NONAME;
	}
	atomic_fetch_add(&n_lists, 1);
	*ret_list = list;
	return 0;
}

void
__wrap_freeaddrinfo(struct addrinfo *first)
{
	ck_assert_ptr_eq(first, list);
	atomic_fetch_sub(&n_lists, 1);
}

/* @hosts are literals, "-" an address of another family. */
static void
know(const char *const *hosts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (nur_address_parse(hosts[i], 0, &found[i]) < 0) {
			ck_assert_int_eq(nur_address_unix(hosts[i], &found[i]), 0);
		}
		list[i] = (struct addrinfo){
			.ai_family = found[i].any.sa_family,
			.ai_addr = &found[i].any,
			.ai_addrlen = found[i].len,
			.ai_next = i + 1 < n ? &list[i + 1] : NULL,
		};
	}
}

IN_RUN_TEST(addresses_come_in_their_order_with_the_port)
{
	static const char *const hosts[] = { "192.0.2.7", "2001:db8::1", "-", "192.0.2.8" };
	static const char *const expected[] = { "192.0.2.7:80", "[2001:db8::1]:80",
		"192.0.2.8:80" };
	struct nur_address addresses[max_found];
	char text[NUR_ADDRESS_TEXT_CAP];

	know(hosts, ARRAY_LEN(hosts));
	ck_assert_int_eq(nur_resolve("test.example", 80, addresses, max_found, NULL), 3);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		(void)nur_address_format(&addresses[i], text, sizeof(text));
		ck_assert_str_eq(text, expected[i]);
	}
	ck_assert_int_eq(nur_resolve("test.example", 80, addresses, 2, NULL), 2);
	ck_assert_int_eq(atomic_load(&n_lists), 0);
}

IN_RUN_TEST(a_name_without_an_address_is_none)
{
	static const char *const hosts[] = { "-" };
	struct nur_address addresses[max_found];

	know(hosts, ARRAY_LEN(hosts));
	ck_assert_int_eq(
		nur_resolve("test.example", 80, addresses, max_found, NULL), -EADDRNOTAVAIL);
	ck_assert_int_eq(
		nur_resolve("other.example", 80, addresses, max_found, NULL), -EADDRNOTAVAIL);
	ck_assert_int_eq(atomic_load(&n_lists), 0);
}

static const struct {
	int error;
	int system;
	int code;
} failures[] = {
	{ EAI_NONAME, 0, -EADDRNOTAVAIL },
	{ EAI_NODATA, 0, -EADDRNOTAVAIL },
	{ EAI_ADDRFAMILY, 0, -EADDRNOTAVAIL },
	{ EAI_AGAIN, 0, -EAGAIN },
	{ EAI_FAIL, 0, -EIO },
	{ EAI_MEMORY, 0, -ENOMEM },
	{ EAI_SYSTEM, EMFILE, -EMFILE },
	{ EAI_SYSTEM, 0, -EIO },
	{ EAI_FAMILY, 0, -EINVAL },
};

static int
resolve(void *arg)
{
	struct nur_address addresses[max_found];

	return nur_resolve("test.example", 80, addresses, max_found, NULL);
}

START_TEST(a_failure_has_a_code_and_a_text)
{
	struct nur_errors errors = NUR_ERRORS_INIT;

	answer_error = failures[_i].error;
	answer_errno = failures[_i].system;
	ck_assert_int_eq(t_run(resolve, NULL, &errors), failures[_i].code);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(strncmp(errors.items[0].text, "test.example: ", 14), 0);
	nur_errors_fini(&errors);
}
END_TEST

IN_RUN_TEST(a_lookup_that_hangs_is_left_to_itself)
{
	static const char *const hosts[] = { "192.0.2.7" };
	bool is_late;

	know(hosts, ARRAY_LEN(hosts));
	(void)sem_init(&has_begun, 0, 0);
	(void)sem_init(&may_end, 0, 0);
	is_held = true;
	ck_assert_int_eq(nur_move_on_after(NUR_SEC(5), 0, resolve, NULL, &is_late), 0);
	ck_assert(is_late);
	(void)sem_wait(&has_begun);

	(void)sem_post(&may_end);
	ck_assert_int_eq(nur_wait_all_threads_completed(), 0);
	ck_assert_int_eq(atomic_load(&n_lists), 0);
}

IN_RUN_TEST(looking_up_is_a_checkpoint)
{
	static const char *const hosts[] = { "192.0.2.7" };

	know(hosts, ARRAY_LEN(hosts));
	t_assert_checkpoint(resolve(NULL));
}

START_TEST(outside_a_run_nobody_looks_up)
{
	ck_assert_int_eq(resolve(NULL), NUR_ENOTINTASK);
}
END_TEST

IN_RUN_TEST(a_host_is_connected_to_by_its_name)
{
	static const char *const hosts[] = { "127.0.0.1" };
	struct nur_listener *listener;
	struct nur_address place;
	struct nur_stream *stream;

	know(hosts, ARRAY_LEN(hosts));
	ck_assert_int_eq(nur_address_parse("127.0.0.1", 0, &place), 0);
	ck_assert_int_eq(nur_listen_tcp(&place, 1, 0, &listener), 1);
	ck_assert_int_eq(nur_address_of_socket(nur_listener_fd(listener), &place), 0);

	ck_assert_int_eq(
		nur_connect_tcp("test.example", nur_address_port(&place), NULL, &stream), 0);
	nur_stream_destroy(stream);
	nur_listener_destroy(listener);
	ck_assert_int_eq(nur_connect_tcp("other.example", nur_address_port(&place), NULL, &stream),
		-EADDRNOTAVAIL);
}

Suite *
test_suite(void)
{
	Suite *suite = suite_create("resolve");
	TCase *tcase = tcase_create("names");

	tcase_add_test(tcase, addresses_come_in_their_order_with_the_port);
	tcase_add_test(tcase, a_name_without_an_address_is_none);
	tcase_add_loop_test(tcase, a_failure_has_a_code_and_a_text, 0, ARRAY_LEN(failures));
	tcase_add_test(tcase, a_lookup_that_hangs_is_left_to_itself);
	tcase_add_test(tcase, looking_up_is_a_checkpoint);
	tcase_add_test(tcase, outside_a_run_nobody_looks_up);
	tcase_add_test(tcase, a_host_is_connected_to_by_its_name);
	suite_add_tcase(suite, tcase);
	return suite;
}

/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/ops/log.h"
#include "lib/base/cleanup.h"

/* The reader of the lines, its writing end, and a journal in a folder of its own. */
static int lines[2] = { -1, -1 };
static int journal = -1;
static char folder[] = "/tmp/test_log.XXXXXX";
static char journal_path[64];

static void
setup(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
	ck_assert_int_eq(unsetenv("INVOCATION_ID"), 0);
	ck_assert_int_eq(pipe2(lines, O_CLOEXEC | O_NONBLOCK), 0);

	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(journal_path, sizeof(journal_path), "%s/socket", folder);
	memcpy(address.sun_path, journal_path, sizeof(journal_path));
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(journal, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void
teardown(void)
{
	log_close();
	log_set_level(LOG_INFO);
	log_set_format(LOG_PLAIN);
	closep(&lines[0]);
	closep(&lines[1]);
	closep(&journal);
	(void)unlink(journal_path);
	(void)rmdir(folder);
}

/* What systemd does for a service whose standard error goes to the journal. */
static void
name_the_stream(int fd)
{
	struct stat st;
	char text[64];

	ck_assert_int_eq(fstat(fd, &st), 0);
	(void)snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", text, 1), 0);
}

static const char *
read_from(int fd, size_t *ret_len)
{
	static char text[8192];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n < 0) {
		ck_assert_int_eq(errno, EAGAIN);
		return NULL;
	}
	text[n] = '\0';
	if (ret_len) {
		*ret_len = (size_t)n;
	}
	return text;
}

START_TEST(people_get_a_line_with_the_fields_behind_it)
{
	log_open(journal_path, lines[1]);

	log_at(LOG_WARNING, LOG_FIELDS({ "FETCHD_BATCH_ID", "b1" }, { "FETCHD_JOB", NULL }),
		"%d of %d", 1, 2);

	ck_assert_str_eq(read_from(lines[0], NULL), "fetchd: warning: 1 of 2 batch_id=b1\n");
}
END_TEST

START_TEST(a_message_of_no_urgency_needs_no_word_for_it)
{
	log_open(journal_path, lines[1]);

	log_info("serving");

	ck_assert_str_eq(read_from(lines[0], NULL), "fetchd: serving\n");
}
END_TEST

START_TEST(a_service_manager_gets_prefixes)
{
	ck_assert_int_eq(setenv("INVOCATION_ID", "0", 1), 0);
	log_open(journal_path, lines[1]);

	log_error("failed");

	ck_assert_str_eq(read_from(lines[0], NULL), "<3>failed\n");
}
END_TEST

START_TEST(a_message_id_is_for_the_journal)
{
	log_open(journal_path, lines[1]);

	log_at(LOG_NOTICE, LOG_FIELDS({ "MESSAGE_ID", "0123" }, { "FETCHD_JOB", "j" }), "said");

	ck_assert_str_eq(read_from(lines[0], NULL), "fetchd: said job=j\n");
}
END_TEST

START_TEST(control_characters_cannot_forge_a_line)
{
	log_open(journal_path, lines[1]);

	log_at(LOG_INFO, LOG_FIELDS({ "FETCHD_JOB", "a\nb" }), "one\n<3>two\x1b[31m");

	ck_assert_str_eq(read_from(lines[0], NULL), "fetchd: one <3>two [31m job=a b\n");
}
END_TEST

START_TEST(levels_less_urgent_than_the_set_one_are_not_written)
{
	log_open(journal_path, lines[1]);

	log_debug("no");
	ck_assert_ptr_null(read_from(lines[0], NULL));
	log_set_level(LOG_DEBUG);
	log_debug("yes");

	ck_assert_str_eq(read_from(lines[0], NULL), "fetchd: yes\n");
}
END_TEST

START_TEST(a_line_always_fits_into_a_pipes_atomic_write)
{
	char text[9000];
	size_t len = 0;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_open(journal_path, lines[1]);

	log_at(LOG_INFO, LOG_FIELDS({ "FETCHD_JOB", text }), "%s", text);

	ck_assert_int_eq(read_from(lines[0], &len)[len - 1], '\n');
	ck_assert_uint_le(len, 4096);
	ck_assert_ptr_null(read_from(lines[0], NULL));
}
END_TEST

START_TEST(a_full_pipe_drops_and_counts)
{
	uint64_t n_before = log_n_dropped();

	log_open(journal_path, lines[1]);
	ck_assert_int_ge(fcntl(lines[1], F_SETPIPE_SZ, 4096), 4096);
	ck_assert_int_eq(fcntl(lines[1], F_SETFL, 0), 0); /* blocking, as a standard error is */
	ck_assert_int_eq(write(lines[1], folder, 1), 1);

	log_info("lost");

	ck_assert_uint_eq(log_n_dropped(), n_before + 1);
}
END_TEST

/* ---- JSON ---- */

/* What was written behind the time, whose form is checked. */
static const char *
read_object(void)
{
	static const char form[] = "{\"time\":\"0000-00-00T00:00:00.000Z\",";
	const char *text = read_from(lines[0], NULL);

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; form[i]; i++) {
		ck_assert_msg(form[i] == '0' ? isdigit((unsigned char)text[i]) : text[i] == form[i],
			"%s", text);
	}
	return text + strlen(form);
}

START_TEST(programs_get_an_object_a_line)
{
	log_open(journal_path, lines[1]);
	log_set_format(LOG_JSON);

	log_at(LOG_WARNING,
		LOG_FIELDS({ "MESSAGE_ID", "0123" }, { "FETCHD_BATCH_ID", "b1" },
			{ "FETCHD_JOB", NULL }),
		"%d of %d", 1, 2);

	ck_assert_str_eq(read_object(), "\"level\":\"warning\",\"message\":\"1 of 2\","
					"\"message_id\":\"0123\",\"batch_id\":\"b1\"}\n");
}
END_TEST

START_TEST(an_object_names_every_level)
{
	static const char *const names[] = { "emergency", "alert", "critical", "error", "warning",
		"notice", "info", "debug" };
	char wanted[64];

	log_open(journal_path, lines[1]);
	log_set_format(LOG_JSON);
	log_set_level(LOG_DEBUG);

	for (int level = 0; level < (int)ARRAY_LEN(names); level++) {
		log_at(level, NULL, "x");
		(void)snprintf(wanted, sizeof(wanted), "\"level\":\"%s\",\"message\":\"x\"}\n",
			names[level]);
		ck_assert_str_eq(read_object(), wanted);
	}
}
END_TEST

START_TEST(nothing_breaks_out_of_an_object)
{
	ck_assert_int_eq(setenv("INVOCATION_ID", "0", 1), 0);
	log_open(journal_path, lines[1]);
	log_set_format(LOG_JSON);

	log_at(LOG_INFO, LOG_FIELDS({ "FETCHD_JOB", "a\"b" }), "one\n\xff\\");

	ck_assert_str_eq(read_object(), "\"level\":\"info\",\"message\":\"one\\n\xef\xbf\xbd\\\\\","
					"\"job\":\"a\\\"b\"}\n");
}
END_TEST

START_TEST(a_long_object_is_whole_and_fits_too)
{
	char text[9000];
	size_t len = 0;

	memset(text, '\x01', sizeof(text) - 1); /* six bytes each */
	text[sizeof(text) - 1] = '\0';
	log_open(journal_path, lines[1]);
	log_set_format(LOG_JSON);

	log_at(LOG_INFO, LOG_FIELDS({ "FETCHD_JOB", text }), "%s", text);

	ck_assert_str_eq(read_from(lines[0], &len) + len - 3, "\"}\n");
	ck_assert_uint_le(len, 4096);
	ck_assert_uint_gt(len, 1000);
}
END_TEST

START_TEST(the_journal_has_its_own_form)
{
	name_the_stream(lines[1]);
	log_open(journal_path, lines[1]);
	log_set_format(LOG_JSON);

	log_info("serving");

	ck_assert_ptr_nonnull(strstr(read_from(journal, NULL), "\nMESSAGE=serving\n"));
	ck_assert_ptr_null(read_from(lines[0], NULL));
}
END_TEST

/* ---- the journal ---- */

START_TEST(the_journal_gets_fields)
{
	name_the_stream(lines[1]);
	log_open(journal_path, lines[1]);

	log_at(LOG_WARNING, LOG_FIELDS({ "FETCHD_BATCH_ID", "b1" }), "slow");

	{
		const char *text = read_from(journal, NULL);

		ck_assert_ptr_nonnull(strstr(text, "PRIORITY=4\nSYSLOG_IDENTIFIER=fetchd\n"));
		ck_assert_ptr_nonnull(strstr(text, "tests/unit/test_log.c\nCODE_LINE="));
		ck_assert_ptr_nonnull(strstr(text, "\nFETCHD_BATCH_ID=b1\nMESSAGE=slow\n"));
	}
	ck_assert_ptr_null(read_from(lines[0], NULL));
}
END_TEST

START_TEST(the_journal_gets_values_with_newlines_by_their_length)
{
	uint64_t len = htole64(3);
	const char *text;
	const char *field;

	name_the_stream(lines[1]);
	log_open(journal_path, lines[1]);

	log_info("a\nb");

	text = read_from(journal, NULL);
	field = strstr(text, "\nMESSAGE\n");
	ck_assert_ptr_nonnull(field);
	ck_assert_mem_eq(field + 9, &len, sizeof(len));
	ck_assert_mem_eq(field + 17, "a\nb\n", 4);
}
END_TEST

START_TEST(a_stream_that_was_redirected_since_is_not_the_journals)
{
	name_the_stream(journal);
	log_open(journal_path, lines[1]);

	log_info("line");

	ck_assert_str_eq(read_from(lines[0], NULL), "fetchd: line\n");
	ck_assert_ptr_null(read_from(journal, NULL));
}
END_TEST

START_TEST(a_journal_that_is_away_leaves_the_line)
{
	name_the_stream(lines[1]);
	log_open(journal_path, lines[1]);
	ck_assert_int_eq(unlink(journal_path), 0);

	log_info("still here");

	ck_assert_str_eq(read_from(lines[0], NULL), "fetchd: still here\n");
}
END_TEST

START_TEST(a_journal_that_is_behind_drops_and_counts)
{
	uint64_t n_before = log_n_dropped();

	name_the_stream(lines[1]);
	log_open(journal_path, lines[1]);
	for (int i = 0; i < 10000 && log_n_dropped() == n_before; i++) {
		struct log_site site = { __FILE__, __func__, __LINE__, 0, 0, 0, false };

		log_write(&site, LOG_INFO, NULL, "again");
	}

	ck_assert_uint_eq(log_n_dropped(), n_before + 1);
	ck_assert_ptr_null(read_from(lines[0], NULL));
}
END_TEST

START_TEST(errno_survives_a_message)
{
	log_open(journal_path, -1);
	errno = ENOENT;

	log_info("to nowhere");

	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(a_site_writes_a_burst_and_then_waits_for_the_window)
{
	struct log_site site = { 0 };
	unsigned int n = 99;

	for (int i = 0; i < LOG_BURST; i++) {
		ck_assert(log_site_admit(&site, LOG_WINDOW_NS + (uint64_t)i, &n));
		ck_assert_uint_eq(n, 0);
	}
	ck_assert(!log_site_admit(&site, LOG_WINDOW_NS + LOG_BURST, &n));
	ck_assert(!log_site_admit(&site, 2 * LOG_WINDOW_NS - 1, &n));
	ck_assert(log_site_admit(&site, 2 * LOG_WINDOW_NS, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert(log_site_admit(&site, 2 * LOG_WINDOW_NS, &n));
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(what_lasts_is_told_once_a_minute)
{
	struct log_site site = { .is_rare = true };
	unsigned int n = 99;

	ck_assert(log_site_admit(&site, LOG_RARE_WINDOW_NS, &n));
	ck_assert_uint_eq(n, 0);
	ck_assert(!log_site_admit(&site, LOG_RARE_WINDOW_NS, &n));
	ck_assert(!log_site_admit(&site, 2 * LOG_RARE_WINDOW_NS - 1, &n));
	ck_assert(log_site_admit(&site, 2 * LOG_RARE_WINDOW_NS, &n));
	ck_assert_uint_eq(n, 2);
}
END_TEST

START_TEST(the_next_message_says_how_many_were_suppressed)
{
	struct log_site site = { __FILE__, __func__, __LINE__, 0, 3, 0, false };

	log_open(journal_path, lines[1]);

	log_write(&site, LOG_INFO, NULL, "accept failed");

	ck_assert_str_eq(
		read_from(lines[0], NULL), "fetchd: accept failed (suppressed 3 similar)\n");
}
END_TEST

START_TEST(sites_are_limited_apart)
{
	unsigned int n_lines = 0;

	log_open(journal_path, lines[1]);
	for (int i = 0; i < 2 * LOG_BURST; i++) {
		log_info("noise");
	}
	while (read_from(lines[0], NULL)) {
		n_lines++;
	}
	ck_assert_uint_ge(n_lines, 1);
	log_info("signal");

	ck_assert_str_eq(read_from(lines[0], NULL), "fetchd: signal\n");
}
END_TEST

static void *
write_lines(void *arg)
{
	for (int i = 0; i < LOG_BURST; i++) {
		log_info("a line of a thread");
	}
	return arg;
}

START_TEST(threads_share_the_log_and_the_limit)
{
	static const char line[] = "fetchd: a line of a thread\n";
	pthread_t threads[4];
	const char *text;
	size_t len = 0;

	log_open(journal_path, lines[1]);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, NULL), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	}

	text = read_from(lines[0], &len);
	ck_assert_uint_eq(len, LOG_BURST * strlen(line));
	for (size_t i = 0; i < LOG_BURST; i++) {
		ck_assert_mem_eq(text + i * strlen(line), line, strlen(line));
	}
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *text = tcase_create("lines");
	TCase *objects = tcase_create("JSON");
	TCase *fields = tcase_create("journal");
	TCase *limit = tcase_create("limit");

	tcase_add_checked_fixture(text, setup, teardown);
	tcase_add_test(text, people_get_a_line_with_the_fields_behind_it);
	tcase_add_test(text, a_message_of_no_urgency_needs_no_word_for_it);
	tcase_add_test(text, a_service_manager_gets_prefixes);
	tcase_add_test(text, a_message_id_is_for_the_journal);
	tcase_add_test(text, control_characters_cannot_forge_a_line);
	tcase_add_test(text, levels_less_urgent_than_the_set_one_are_not_written);
	tcase_add_test(text, a_line_always_fits_into_a_pipes_atomic_write);
	tcase_add_test(text, a_full_pipe_drops_and_counts);
	tcase_add_test(text, errno_survives_a_message);
	suite_add_tcase(suite, text);

	tcase_add_checked_fixture(objects, setup, teardown);
	tcase_add_test(objects, programs_get_an_object_a_line);
	tcase_add_test(objects, an_object_names_every_level);
	tcase_add_test(objects, nothing_breaks_out_of_an_object);
	tcase_add_test(objects, a_long_object_is_whole_and_fits_too);
	tcase_add_test(objects, the_journal_has_its_own_form);
	suite_add_tcase(suite, objects);

	tcase_add_checked_fixture(fields, setup, teardown);
	tcase_add_test(fields, the_journal_gets_fields);
	tcase_add_test(fields, the_journal_gets_values_with_newlines_by_their_length);
	tcase_add_test(fields, a_stream_that_was_redirected_since_is_not_the_journals);
	tcase_add_test(fields, a_journal_that_is_away_leaves_the_line);
	tcase_add_test(fields, a_journal_that_is_behind_drops_and_counts);
	suite_add_tcase(suite, fields);

	tcase_add_checked_fixture(limit, setup, teardown);
	tcase_add_test(limit, a_site_writes_a_burst_and_then_waits_for_the_window);
	tcase_add_test(limit, what_lasts_is_told_once_a_minute);
	tcase_add_test(limit, the_next_message_says_how_many_were_suppressed);
	tcase_add_test(limit, sites_are_limited_apart);
	tcase_add_test(limit, threads_share_the_log_and_the_limit);
	suite_add_tcase(suite, limit);
	return suite;
}

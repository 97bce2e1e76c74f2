/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/buffer.h"

START_TEST(appends_are_kept_in_order_and_terminated)
{
	struct buffer buffer = BUFFER_INIT;

	buffer_puts(&buffer, "one");
	buffer_putc(&buffer, ' ');
	buffer_printf(&buffer, "%d%s", 2, "!");

	ck_assert_int_eq(buffer_error(&buffer), 0);
	ck_assert_uint_eq(buffer.len, 6);
	ck_assert_str_eq(buffer.data, "one 2!");
	buffer_fini(&buffer);
}
END_TEST

START_TEST(consume_drops_the_front)
{
	struct buffer buffer = BUFFER_INIT;

	buffer_puts(&buffer, "headbody");
	buffer_consume(&buffer, 4);

	ck_assert_str_eq(buffer.data, "body");
	buffer_fini(&buffer);
}
END_TEST

START_TEST(an_impossible_size_is_a_sticky_error)
{
	struct buffer buffer = BUFFER_INIT;

	buffer_puts(&buffer, "kept");
	ck_assert_int_eq(buffer_reserve(&buffer, SIZE_MAX), -ENOMEM);
	buffer_puts(&buffer, "ignored");

	ck_assert_int_eq(buffer_error(&buffer), -ENOMEM);
	ck_assert_str_eq(buffer.data, "kept");
	ck_assert_ptr_null(buffer_take(&buffer));
}
END_TEST

START_TEST(take_of_an_empty_buffer_is_an_empty_string)
{
	struct buffer buffer = BUFFER_INIT;
	char *text = buffer_take(&buffer);

	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("buffer");
	TCase *tc = tcase_create("writing");

	tcase_add_test(tc, appends_are_kept_in_order_and_terminated);
	tcase_add_test(tc, consume_drops_the_front);
	tcase_add_test(tc, an_impossible_size_is_a_sticky_error);
	tcase_add_test(tc, take_of_an_empty_buffer_is_an_empty_string);
	suite_add_tcase(suite, tc);
	return suite;
}

/* SPDX-License-Identifier: MIT */
/* Looks inside: lib/nursery/deadline.h. */
#include "tests/support/test.h"

#include <stdlib.h>

#include "lib/nursery/deadline.h"

enum {
	n_many = 2000
};

static nur_time expired[n_many];
static size_t n_expired;

static void
note(struct nur_deadline *deadline)
{
	expired[n_expired++] = deadline->at;
}

static void
forget(void)
{
	n_expired = 0;
}

START_TEST(many_expire_in_the_order_of_their_time)
{
	struct nuri_deadlines heap = { NULL };
	struct nur_deadline *all = calloc(n_many, sizeof(*all));

	for (size_t i = 0; i < n_many; i++) {
		nuri_deadline_init(&all[i], note);
		nuri_deadlines_insert(&heap, &all[i], (nur_time)((i * 7919) % 1009));
	}
	nuri_deadlines_expire(&heap, NUR_FOREVER - 1);

	ck_assert_uint_eq(n_expired, n_many);
	for (size_t i = 1; i < n_many; i++) {
		ck_assert(expired[i - 1] <= expired[i]);
	}
	ck_assert_ptr_null(heap.root);
	free(all);
}
END_TEST

START_TEST(removed_ones_never_expire_whatever_their_place)
{
	struct nuri_deadlines heap = { NULL };
	struct nur_deadline *all = calloc(n_many, sizeof(*all));

	for (size_t i = 0; i < n_many; i++) {
		nuri_deadline_init(&all[i], note);
		nuri_deadlines_insert(&heap, &all[i], (nur_time)((i * 7919) % 1009));
	}
	nuri_deadlines_expire(&heap, 100); /* melds, so that the heap has a shape */
	n_expired = 0;
	for (size_t i = 0; i < n_many; i += 2) {
		nuri_deadlines_remove(&heap, &all[i]);
	}
	nuri_deadlines_expire(&heap, NUR_FOREVER - 1);

	for (size_t i = 0; i < n_many; i++) {
		ck_assert(!nuri_deadline_is_queued(&all[i]));
	}
	for (size_t i = 1; i < n_expired; i++) {
		ck_assert(expired[i - 1] <= expired[i]);
	}
	ck_assert_uint_gt(n_expired, n_many / 4);
	ck_assert_uint_lt(n_expired, n_many / 2 + 1);
	free(all);
}
END_TEST

START_TEST(only_what_is_due_expires)
{
	struct nuri_deadlines heap = { NULL };
	struct nur_deadline early;
	struct nur_deadline late;

	nuri_deadline_init(&early, note);
	nuri_deadline_init(&late, note);
	nuri_deadlines_insert(&heap, &late, 20);
	nuri_deadlines_insert(&heap, &early, 10);

	ck_assert_int_eq(nuri_deadlines_next(&heap), 10);
	nuri_deadlines_expire(&heap, 10);
	ck_assert_uint_eq(n_expired, 1);
	ck_assert_int_eq(nuri_deadlines_next(&heap), 20);
	nuri_deadlines_remove(&heap, &late);
	nuri_deadlines_remove(&heap, &late);
	ck_assert_int_eq(nuri_deadlines_next(&heap), NUR_FOREVER);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("deadline");
	TCase *tc = tcase_create("heap");

	tcase_add_checked_fixture(tc, forget, NULL);
	tcase_add_test(tc, many_expire_in_the_order_of_their_time);
	tcase_add_test(tc, removed_ones_never_expire_whatever_their_place);
	tcase_add_test(tc, only_what_is_due_expires);
	suite_add_tcase(suite, tc);
	return suite;
}

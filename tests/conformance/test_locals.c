/* SPDX-License-Identifier: MIT */
/* Rows 122-124: values that belong to a task and what it starts, and values that belong to a run. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support/guest_host.h"
#include "tests/support/in_run.h"

static const struct nur_local first = { .destroy = NULL };
static const struct nur_local second = { .destroy = NULL };

static const char *
of_task(const struct nur_local *local)
{
	void *value = NULL;
	int r = nur_task_local_find(local, &value);

	ck_assert(r == 0 || r == -ENOENT);
	return r == 0 ? value : "none";
}

static const char *
of_run(const struct nur_local *local)
{
	void *value = NULL;
	int r = nur_run_local_find(local, &value);

	ck_assert(r == 0 || r == -ENOENT);
	return r == 0 ? value : "none";
}

static void
set_of_task(const struct nur_local *local, const char *value)
{
	ck_assert_int_eq(nur_task_local_set(local, (void *)value), 0);
}

static void
set_of_run(const struct nur_local *local, const char *value)
{
	ck_assert_int_eq(nur_run_local_set(local, (void *)value), 0);
}

static int
note_value(void *unused)
{
	t_note("%s", of_task(&first));
	return 0;
}

static int
change_value(void *name)
{
	ck_assert_str_eq(of_task(&first), "of parent");
	set_of_task(&first, name);
	ck_assert_int_eq(nur_checkpoint(), 0);
	ck_assert_str_eq(of_task(&first), name);
	ck_assert_str_eq(of_task(&second), "kept");
	return 0;
}

IN_RUN_TEST(r122_values_are_inherited_and_then_private)
{
	struct nur_nursery nursery;

	set_of_task(&first, "of parent");
	set_of_task(&second, "kept");
	t_open(&nursery);
	t_start(&nursery, change_value, (void *)"of one");
	t_start(&nursery, change_value, (void *)"of other");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(of_task(&first), "of parent");
}
END_TEST

IN_RUN_TEST(r122_a_value_set_after_the_start_is_not_inherited)
{
	struct nur_nursery nursery;

	set_of_task(&first, "before");
	t_open(&nursery);
	t_start(&nursery, note_value, NULL);
	set_of_task(&first, "after");
	t_start(&nursery, note_value, NULL);
	ck_assert_int_eq(nur_task_local_unset(&first), 0);
	ck_assert_int_eq(nur_task_local_unset(&first), 0);
	ck_assert_str_eq(of_task(&first), "none");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert(!strcmp(t_notes(), "before after") || !strcmp(t_notes(), "after before"));
}
END_TEST

static int
start_in_the_parents_nursery(void *nursery)
{
	set_of_task(&first, "of spawner");
	t_start(nursery, note_value, NULL);
	return 0;
}

IN_RUN_TEST(r122_they_come_from_who_starts_the_task_not_from_who_opened_the_nursery)
{
	struct nur_nursery nursery;

	set_of_task(&first, "of opener");
	t_open(&nursery);
	t_start(&nursery, start_in_the_parents_nursery, &nursery);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "of spawner");
}
END_TEST

static int
note_value_when_ready(struct nur_task_status *status, void *unused)
{
	t_note("%s", of_task(&first));
	return nur_started(status, NULL);
}

IN_RUN_TEST(r122_start_hands_them_on_too)
{
	struct nur_nursery nursery;

	set_of_task(&first, "of starter");
	t_open(&nursery);
	ck_assert_int_eq(nur_start(&nursery, "child", note_value_when_ready, NULL, NULL), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "of starter");
}
END_TEST

IN_RUN_TEST(r122_system_tasks_start_with_none)
{
	set_of_task(&first, "of spawner");
	ck_assert_int_eq(nur_spawn_system_task("system", note_value, NULL), 0);
	t_settle();

	ck_assert_str_eq(t_notes(), "none");
}
END_TEST

static void
start_from_the_loop(void *nursery)
{
	ck_assert_str_eq(of_task(&first), "none");
	ck_assert_int_eq(nur_task_local_set(&first, NULL), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_task_local_unset(&first), NUR_ENOTINTASK);
	t_start(nursery, note_value, NULL);
}

IN_RUN_TEST(r122_loop_callbacks_and_what_they_start_have_none)
{
	struct nur_nursery nursery;
	struct nur_call call;

	set_of_task(&first, "of opener");
	t_open(&nursery);
	nur_call_init(&call, start_from_the_loop, &nursery);
	nur_call_soon(&call);
	t_settle();
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "none");
}
END_TEST

START_TEST(r122_outside_of_tasks_there_are_none)
{
	ck_assert_str_eq(of_task(&first), "none");
	ck_assert_int_eq(nur_task_local_set(&first, NULL), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_task_local_unset(&first), NUR_ENOTINTASK);
}
END_TEST

static void
note_destroyed(void *value)
{
	t_note("%s", (const char *)value);
}

static const struct nur_local owned = { .destroy = note_destroyed };

static int
sleep_with_the_value(void *unused)
{
	ck_assert_str_eq(of_task(&owned), "first");
	ck_assert_int_eq(nur_sleep(NUR_SEC(1)), 0);
	ck_assert_str_eq(of_task(&owned), "first");
	set_of_task(&first, "something else");
	ck_assert_str_eq(of_task(&owned), "first");
	return 0;
}

IN_RUN_TEST(r122_a_value_is_destroyed_with_the_last_task_that_has_it)
{
	struct nur_nursery nursery;

	set_of_task(&owned, "first");
	t_open(&nursery);
	t_start(&nursery, sleep_with_the_value, NULL);
	t_start(&nursery, sleep_with_the_value, NULL);
	set_of_task(&owned, "second");
	ck_assert_str_eq(t_notes(), "");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(t_notes(), "first");

	ck_assert_int_eq(nur_task_local_unset(&owned), 0);
	ck_assert_str_eq(t_notes(), "first second");
}
END_TEST

static void
set_anew(void *value)
{
	t_note("%s", (const char *)value);
	set_of_task(&owned, "from the destructor");
}

static const struct nur_local tenacious = { .destroy = set_anew };

static int
end_with_values(void *unused)
{
	set_of_task(&tenacious, "at the end");
	return 0;
}

IN_RUN_TEST(r122_a_destructor_may_set_values)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, end_with_values, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "at the end from the destructor");
}
END_TEST

static int
find_it_unset_and_set_it(void *unused)
{
	ck_assert_str_eq(of_run(&first), "none");
	set_of_run(&first, "swordfish");
	ck_assert_str_eq(of_run(&first), "swordfish");
	ck_assert_str_eq(of_task(&first), "none");
	return 0;
}

START_TEST(r123_each_run_begins_without_values)
{
	ck_assert_int_eq(t_run(find_it_unset_and_set_it, NULL, NULL), 0);
	ck_assert_int_eq(t_run(find_it_unset_and_set_it, NULL, NULL), 0);
}
END_TEST

static int
change_it_for_all(void *unused)
{
	ck_assert_str_eq(of_run(&first), "cod");
	set_of_run(&first, "plaice");
	return 0;
}

static int
take_it_from_all(void *unused)
{
	ck_assert_int_eq(nur_run_local_unset(&first), 0);
	return 0;
}

static void
set_it_from_the_loop(void *unused)
{
	ck_assert_str_eq(of_run(&first), "none");
	set_of_run(&first, "haddock");
}

IN_RUN_TEST(r123_all_tasks_and_callbacks_of_a_run_share_them)
{
	struct nur_nursery nursery;
	struct nur_call call;

	t_open(&nursery);
	set_of_run(&first, "cod");
	t_start(&nursery, change_it_for_all, NULL);
	t_settle();
	ck_assert_str_eq(of_run(&first), "plaice");
	t_start(&nursery, take_it_from_all, NULL);
	t_settle();
	ck_assert_str_eq(of_run(&first), "none");
	nur_call_init(&call, set_it_from_the_loop, NULL);
	nur_call_soon(&call);
	t_settle();
	ck_assert_str_eq(of_run(&first), "haddock");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static int
look_in_the_last_task(void *unused)
{
	int r = nur_sleep_forever();

	t_note("%s", of_run(&owned));
	return r;
}

static int
leave_a_value(void *unused)
{
	set_of_run(&owned, "first");
	set_of_run(&owned, "second");
	ck_assert_int_eq(nur_spawn_system_task("system", look_in_the_last_task, NULL), 0);
	t_settle();
	t_note("main");
	return 0;
}

START_TEST(r123_their_values_are_destroyed_after_the_last_task)
{
	ck_assert_int_eq(t_run(leave_a_value, NULL, NULL), 0);
	ck_assert_str_eq(t_notes(), "first main second second");
}
END_TEST

static int
set_both(void *unused)
{
	set_of_task(&owned, "task's");
	set_of_run(&owned, "run's");
	return 0;
}

START_TEST(r123_a_guests_values_are_destroyed_at_its_end)
{
	struct t_host host;

	t_host_open(&host);
	t_host_start(&host, set_both, NULL, NULL);
	ck_assert_int_eq(t_host_run(&host), 0);
	ck_assert_str_eq(t_notes(), "task's run's");
	t_host_close(&host);
	t_forget_notes();
}
END_TEST

static int
set_both_and_stop_the_host(void *base)
{
	(void)set_both(NULL);
	(void)event_base_loopbreak(base); /* fails for no base only */
	return nur_sleep_forever();
}

static void
abandon_a_guest_with_values(void)
{
	struct t_host host;

	t_host_open(&host);
	t_host_start(&host, set_both_and_stop_the_host, host.base, NULL);
	(void)event_base_dispatch(host.base); /* until the guest stops it */
	nur_guest_destroy(host.guest);
	host.guest = NULL;
	ck_assert_str_eq(t_notes(), "task's run's");
	t_host_close(&host);
	t_forget_notes();
}

START_TEST(r123_so_are_those_of_an_abandoned_guest)
{
	char text[4096];
	int status = t_in_child(abandon_a_guest_with_values, text, sizeof(text));

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", text);
}
END_TEST

START_TEST(r124_outside_a_run_its_values_are_refused)
{
	void *value = NULL;

	ck_assert_int_eq(nur_run_local_set(&first, NULL), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_run_local_unset(&first), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_run_local_find(&first, &value), NUR_ENOTINTASK);
	ck_assert_ptr_null(value);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("locals");
	TCase *tc = tcase_create("locals");

	tcase_add_test(tc, r122_values_are_inherited_and_then_private);
	tcase_add_test(tc, r122_a_value_set_after_the_start_is_not_inherited);
	tcase_add_test(tc, r122_they_come_from_who_starts_the_task_not_from_who_opened_the_nursery);
	tcase_add_test(tc, r122_start_hands_them_on_too);
	tcase_add_test(tc, r122_system_tasks_start_with_none);
	tcase_add_test(tc, r122_loop_callbacks_and_what_they_start_have_none);
	tcase_add_test(tc, r122_outside_of_tasks_there_are_none);
	tcase_add_test(tc, r122_a_value_is_destroyed_with_the_last_task_that_has_it);
	tcase_add_test(tc, r122_a_destructor_may_set_values);
	tcase_add_test(tc, r123_each_run_begins_without_values);
	tcase_add_test(tc, r123_all_tasks_and_callbacks_of_a_run_share_them);
	tcase_add_test(tc, r123_their_values_are_destroyed_after_the_last_task);
	tcase_add_test(tc, r123_a_guests_values_are_destroyed_at_its_end);
	tcase_add_test(tc, r123_so_are_those_of_an_abandoned_guest);
	tcase_add_test(tc, r124_outside_a_run_its_values_are_refused);
	suite_add_tcase(suite, tc);
	return suite;
}

/* SPDX-License-Identifier: MIT */
/*
 * Rows 225-234, X26, X28: the live tree, why something was cancelled, and dumps of both. The program is
 * linked with -Wl,--wrap=write, so that a write of the library's can be interrupted.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/in_run.h"

static int n_interruptions;

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);

/* Interrupted as often as wanted, and after that one byte is taken at a time. */
ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
	if (n_interruptions > 0) {
		n_interruptions--;
		errno = EINTR;
		return -1;
	}
	return __real_write(fd, data, len > 0 ? 1 : 0);
}

struct family {
	struct nur_task *parent, *child, *grandchild;
	struct nur_nursery *of_parent, *of_child;
};

static int
note_line(const struct nur_tree_entry *entry, void *unused)
{
	const char *const kinds[] = { "run", "task", "nursery" };

	t_note("%zu:%s:%s:%zu", entry->depth, kinds[entry->kind], entry->name ? entry->name : "",
		entry->n_children);
	return 0;
}

static int
look_at_the_family(void *arg)
{
	struct family *family = arg;

	family->grandchild = nur_current_task();
	ck_assert_ptr_eq(nur_task_parent_nursery(family->grandchild), family->of_child);
	ck_assert_ptr_eq(nur_nursery_parent_task(family->of_child), family->child);
	ck_assert_ptr_eq(nur_task_parent_nursery(family->child), family->of_parent);
	ck_assert_ptr_eq(nur_nursery_parent_task(family->of_parent), family->parent);
	ck_assert_ptr_null(nur_task_parent_nursery(family->parent));

	ck_assert_ptr_eq(nur_task_nursery(family->parent, 0), family->of_parent);
	ck_assert_ptr_null(nur_task_nursery(family->parent, 1));
	ck_assert_ptr_eq(nur_task_nursery(family->child, 0), family->of_child);
	ck_assert_ptr_null(nur_task_nursery(family->grandchild, 0));
	ck_assert_uint_eq(nur_nursery_n_children(family->of_parent), 1);
	ck_assert_uint_eq(nur_nursery_n_children(family->of_child), 1);

	ck_assert_int_eq(nur_tree_walk(note_line, NULL), 0);
	return 0;
}

static int
have_a_child(void *arg)
{
	struct family *family = arg;
	struct nur_nursery nursery;
	int r;

	family->child = nur_current_task();
	family->of_child = &nursery;
	t_open(&nursery);
	t_start(&nursery, look_at_the_family, family);
	r = nur_nursery_close(&nursery, 0, NULL);
	ck_assert_ptr_eq(nur_nursery_parent_task(&nursery), family->child); /* after its end too */
	return r;
}

IN_RUN_TEST(r225_the_tree_can_be_walked_down_and_up)
{
	struct nur_nursery nursery;
	struct family family = { .parent = nur_current_task(), .of_parent = &nursery };
	char expected[256];

	t_open(&nursery);
	t_start(&nursery, have_a_child, &family);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_ptr_eq(nur_nursery_parent_task(&nursery), family.parent);
	ck_assert_uint_eq(nur_nursery_n_children(&nursery), 0);
	(void)snprintf(expected, sizeof(expected),
		"0:run::1 1:task:%s:1 2:nursery::1 3:task:have_a_child:1 4:nursery::1 "
		"5:task:look_at_the_family:0",
		nur_task_name(nur_current_task()));
	ck_assert_str_eq(t_notes(), expected);
}
END_TEST

static void
assert_reason(enum nur_cancel_source source, const char *text, const char *task)
{
	const struct nur_cancel_reason *reason = nur_current_cancel_reason();

	ck_assert_ptr_nonnull(reason);
	ck_assert_str_eq(nur_cancel_source_name(reason->source), nur_cancel_source_name(source));
	ck_assert_pstr_eq(reason->text, text);
	ck_assert_str_eq(reason->task, task);
}

IN_RUN_TEST(r232_an_explicit_cancellation_carries_its_text_and_task)
{
	const char *me = nur_task_name(nur_current_task());
	struct nur_cancel_scope scope;

	ck_assert_ptr_null(nur_current_cancel_reason());
	nur_cancel_scope_init(&scope);
	ck_assert_int_eq(nur_cancel_scope_reason(&scope)->source, NUR_CANCEL_NONE);
	t_enter(&scope);
	ck_assert_ptr_null(nur_current_cancel_reason());
	nur_cancel_scope_cancel(&scope, "hello");
	assert_reason(NUR_CANCEL_EXPLICIT, "hello", me);
	nur_cancel_scope_set_deadline(&scope, NUR_LONG_AGO);
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	assert_reason(NUR_CANCEL_EXPLICIT, "hello", me);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, NUR_ECANCELED), 0);

	ck_assert_str_eq(nur_cancel_scope_reason(&scope)->text, "hello");
	ck_assert_ptr_null(nur_current_cancel_reason());
}
END_TEST

IN_RUN_TEST(r232_a_deadline_is_a_source_and_stays_the_first_reason)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init_at(&scope, NUR_LONG_AGO);
	t_enter(&scope);
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	assert_reason(NUR_CANCEL_DEADLINE, NULL, "");
	nur_cancel_scope_cancel(&scope, "too late");
	assert_reason(NUR_CANCEL_DEADLINE, NULL, "");
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, NUR_ECANCELED), 0);
}
END_TEST

static int
expect_the_failing_sibling(void *unused)
{
	int r = nur_sleep_forever();

	assert_reason(NUR_CANCEL_NURSERY, "a task failed", "failing");
	t_note("seen");
	return r;
}

IN_RUN_TEST(r232_a_failing_sibling_is_a_source)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, expect_the_failing_sibling, NULL);
	t_settle();
	ck_assert_int_eq(nur_start_soon(&nursery, "failing", t_return, T_CODE(-EIO)), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), -EIO);

	ck_assert_str_eq(t_notes(), "seen");
}
END_TEST

static int
expect_the_failing_body(void *name_of_parent)
{
	int r = nur_sleep_forever();

	assert_reason(NUR_CANCEL_NURSERY, "the body failed", name_of_parent);
	t_note("seen");
	return r;
}

IN_RUN_TEST(r234_children_learn_that_it_was_the_body)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, expect_the_failing_body, (void *)nur_task_name(nur_current_task()));
	t_settle();
	ck_assert_int_eq(nur_nursery_close(&nursery, -EDOM, NULL), -EDOM);

	ck_assert_str_eq(t_notes(), "seen");
}
END_TEST

struct drawing {
	int fds[2];
	int result;
	char text[4096];
};

static void
draw(void *arg)
{
	struct drawing *drawing = arg;

	drawing->result = nur_dump_task_tree(drawing->fds[1]);
}

static void
read_drawing(struct drawing *drawing)
{
	ssize_t n = read(drawing->fds[0], drawing->text, sizeof(drawing->text) - 1);

	ck_assert_int_eq(drawing->result, 0);
	ck_assert_int_gt(n, 0);
	drawing->text[n] = '\0';
}

static void
assert_has_line(const struct drawing *drawing, const char *line)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "\n%s\n", line);
	ck_assert_msg(strstr(drawing->text, text), "no line \"%s\" in:\n%s", line, drawing->text);
}

static void
assert_drawn(struct drawing *drawing)
{
	read_drawing(drawing);
	ck_assert_int_eq(strncmp(drawing->text, "run\n  main: ", 12), 0);
	assert_has_line(drawing, "    nursery, 1 task");
	assert_has_line(drawing,
		"      drawn: waiting (sleep) for 5.000 s, 5.000 s old, deadline in "
		"95.000 s");
}

static void
open_drawing(struct drawing *drawing)
{
	ck_assert_int_eq(pipe2(drawing->fds, O_CLOEXEC | O_NONBLOCK), 0);
	drawing->result = -1;
}

static void
close_drawing(struct drawing *drawing)
{
	(void)close(drawing->fds[0]);
	(void)close(drawing->fds[1]);
}

static int
sleep_in_a_scope(void *unused)
{
	return nur_fail_after(NUR_SEC(100), 0, t_sleep_forever, NULL);
}

/* Five seconds old, 95 left. */
static void
start_the_drawn_task(struct nur_nursery *nursery)
{
	t_open(nursery);
	ck_assert_int_eq(nur_start_soon(nursery, "drawn", sleep_in_a_scope, NULL), 0);
	ck_assert_int_eq(nur_sleep(NUR_SEC(5)), 0);
}

IN_RUN_TEST(x26_the_tree_can_be_drawn_from_a_loop_callback)
{
	struct nur_nursery nursery;
	struct drawing drawing;
	struct nur_call call;

	open_drawing(&drawing);
	start_the_drawn_task(&nursery);
	nur_call_init(&call, draw, &drawing);
	nur_call_soon(&call);
	t_settle();
	assert_drawn(&drawing);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	close_drawing(&drawing);
}
END_TEST

/* Drawing allocates, so it is not for the signal's handler but for the task that receives it. */
IN_RUN_TEST(x26_the_tree_can_be_drawn_on_a_signal)
{
	const int wanted = SIGUSR2;
	struct nur_signal_receiver *receiver;
	struct nur_nursery nursery;
	struct drawing drawing;
	int signal_number = 0;

	open_drawing(&drawing);
	ck_assert_int_eq(nur_signal_receiver_open(&wanted, 1, &receiver), 0);
	start_the_drawn_task(&nursery);
	(void)raise(SIGUSR2); /* fails for bad numbers only */
	ck_assert_int_eq(nur_signal_receiver_next(receiver, &signal_number), 0);
	draw(&drawing);
	assert_drawn(&drawing);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	nur_signal_receiver_close(receiver);
	close_drawing(&drawing);
}
END_TEST

IN_RUN_TEST(x26_an_interrupted_drawing_goes_on)
{
	struct nur_nursery nursery;
	struct drawing drawing;

	open_drawing(&drawing);
	start_the_drawn_task(&nursery);
	n_interruptions = 3;
	draw(&drawing);
	ck_assert_int_eq(n_interruptions, 0);
	assert_drawn(&drawing);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	close_drawing(&drawing);
}
END_TEST

static const struct nur_cancel_reason by_hand = { NUR_CANCEL_EXPLICIT, "en\nough", "ma\tin" };
static const struct nur_cancel_reason by_deadline = { NUR_CANCEL_DEADLINE, NULL, "" };

static const struct {
	struct nur_tree_entry entry;
	const char *line;
} lines[] = {
	{ { .kind = NUR_TREE_RUN, .n_children = 1, .time_left_ns = NUR_FOREVER }, "run" },
	{ { .kind = NUR_TREE_NURSERY, .depth = 2, .time_left_ns = -NUR_MSEC(1500) },
		"    nursery, 0 tasks, deadline 1.500 s ago" },
	{ { .kind = NUR_TREE_NURSERY, .n_children = 1, .time_left_ns = 0, .is_shielded = true },
		"nursery, 1 task, deadline in 0.000 s, shielded" },
	{ { .kind = NUR_TREE_TASK, .name = "me", .time_left_ns = NUR_FOREVER },
		"me: running, 0.000 s old" },
	{ { .kind = NUR_TREE_TASK,
		  .depth = 1,
		  .name = "a\nb",
		  .state = NUR_TASK_WAITING,
		  .time_left_ns = NUR_FOREVER },
		"  a?b: waiting (no reason given) for 0.000 s, 0.000 s old" },
	{ { .kind = NUR_TREE_TASK,
		  .name = "t",
		  .state = NUR_TASK_RUNNABLE,
		  .age_ns = NUR_SEC(3601),
		  .time_left_ns = NUR_FOREVER,
		  .is_cancelled = true,
		  .reason = &by_hand },
		"t: runnable, 3601.000 s old, cancelled (explicit: \"en?ough\", by ma?in)" },
	{ { .kind = NUR_TREE_TASK,
		  .name = "t",
		  .state = NUR_TASK_WAITING,
		  .wait_reason = "event",
		  .waiting_ns = NUR_USEC(1999),
		  .age_ns = NUR_MSEC(20),
		  .time_left_ns = NUR_FOREVER,
		  .is_cancelled = true,
		  .reason = &by_deadline },
		"t: waiting (event) for 0.001 s, 0.020 s old, cancelled (deadline)" },
};

START_TEST(x26_a_line_says_all_that_an_entry_holds)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char text[128];
		size_t len = nur_tree_format(&lines[i].entry, text, sizeof(text));

		ck_assert_str_eq(text, lines[i].line);
		ck_assert_uint_eq(len, strlen(lines[i].line));
	}
}
END_TEST

START_TEST(x26_a_line_is_cut_at_the_memory_given)
{
	const struct nur_tree_entry *entry = &lines[3].entry;
	char text[8] = "";

	ck_assert_uint_eq(nur_tree_format(entry, NULL, 0), strlen(lines[3].line));
	ck_assert_uint_eq(nur_tree_format(entry, text, sizeof(text)), strlen(lines[3].line));
	ck_assert_str_eq(text, "me: run");
}
END_TEST

static int
find_drawn(const struct nur_tree_entry *entry, void *ret_entry)
{
	if (entry->name && !strcmp(entry->name, "drawn")) {
		*(struct nur_tree_entry *)ret_entry = *entry;
		return 1;
	}
	return 0;
}

IN_RUN_TEST(x26_a_visitor_sees_state_reason_age_deadline_and_cancellation)
{
	struct nur_tree_entry entry;
	struct nur_nursery nursery;

	start_the_drawn_task(&nursery);
	ck_assert_int_eq(nur_tree_walk(find_drawn, &entry), 1);
	ck_assert_int_eq(entry.kind, NUR_TREE_TASK);
	ck_assert_str_eq(nur_task_state_name(entry.state), "waiting");
	ck_assert_str_eq(entry.wait_reason, "sleep");
	ck_assert_int_eq(entry.waiting_ns, NUR_SEC(5));
	ck_assert_int_eq(entry.age_ns, NUR_SEC(5));
	ck_assert_int_eq(entry.deadline, NUR_SEC(100));
	ck_assert_int_eq(entry.time_left_ns, NUR_SEC(95));
	ck_assert(!entry.is_shielded);
	ck_assert(!entry.is_cancelled);
	ck_assert_ptr_null(entry.reason);

	nur_nursery_cancel(&nursery, "enough");
	ck_assert_int_eq(nur_tree_walk(find_drawn, &entry), 1);
	ck_assert_str_eq(nur_task_state_name(entry.state), "runnable");
	ck_assert(entry.is_cancelled);
	ck_assert_str_eq(entry.reason->text, "enough");
	ck_assert_int_eq(entry.waiting_ns, 0);
	ck_assert_int_eq(entry.time_left_ns, NUR_FOREVER);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static int
sleep_shielded(void *unused)
{
	return nur_fail_after(NUR_SEC(1), NUR_SHIELD, t_sleep_forever, NULL);
}

IN_RUN_TEST(x26_a_shield_is_seen)
{
	struct nur_tree_entry entry;
	struct nur_nursery nursery;

	t_open(&nursery);
	ck_assert_int_eq(nur_start_soon(&nursery, "drawn", sleep_shielded, NULL), 0);
	t_settle();
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_tree_walk(find_drawn, &entry), 1);
	ck_assert(entry.is_shielded);
	ck_assert(!entry.is_cancelled);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), NUR_ETOOSLOW);
}
END_TEST

START_TEST(x26_without_a_run_there_is_no_tree)
{
	ck_assert_int_eq(nur_dump_task_tree(STDERR_FILENO), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_tree_walk(find_drawn, NULL), NUR_ENOTINTASK);
}
END_TEST

IN_RUN_TEST(x28_a_dump_that_fails_changes_nothing)
{
	struct nur_nursery nursery;

	start_the_drawn_task(&nursery);
	ck_assert_int_eq(nur_dump_task_tree(-1), -EBADF);
	ck_assert_uint_eq(t_statistics().n_tasks_living, 2);
	ck_assert_int_eq(nur_checkpoint(), 0);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static int
refuse_to_look(const struct nur_tree_entry *entry, void *unused)
{
	return -EIO;
}

IN_RUN_TEST(x28_a_visitor_that_fails_changes_nothing)
{
	ck_assert_int_eq(nur_tree_walk(refuse_to_look, NULL), -EIO);
	ck_assert_int_eq(nur_checkpoint(), 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("tree");
	TCase *tc = tcase_create("tree");

	tcase_add_test(tc, r225_the_tree_can_be_walked_down_and_up);
	tcase_add_test(tc, r232_an_explicit_cancellation_carries_its_text_and_task);
	tcase_add_test(tc, r232_a_deadline_is_a_source_and_stays_the_first_reason);
	tcase_add_test(tc, r232_a_failing_sibling_is_a_source);
	tcase_add_test(tc, r234_children_learn_that_it_was_the_body);
	tcase_add_test(tc, x26_the_tree_can_be_drawn_from_a_loop_callback);
	tcase_add_test(tc, x26_the_tree_can_be_drawn_on_a_signal);
	tcase_add_test(tc, x26_an_interrupted_drawing_goes_on);
	tcase_add_test(tc, x26_a_line_says_all_that_an_entry_holds);
	tcase_add_test(tc, x26_a_line_is_cut_at_the_memory_given);
	tcase_add_test(tc, x26_a_shield_is_seen);
	tcase_add_test(tc, x26_without_a_run_there_is_no_tree);
	tcase_add_test(tc, x26_a_visitor_sees_state_reason_age_deadline_and_cancellation);
	tcase_add_test(tc, x28_a_dump_that_fails_changes_nothing);
	tcase_add_test(tc, x28_a_visitor_that_fails_changes_nothing);
	suite_add_tcase(suite, tc);
	return suite;
}

/* SPDX-License-Identifier: MIT */
/* Guests beside what their rows ask for: fairness, idleness, several of them, misuse, shortages. */
#include "tests/support/guest_host.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

static struct nur_mock_clock *
jumping_clock(void)
{
	struct nur_mock_clock *clock;

	ck_assert_int_eq(nur_mock_clock_create(0, 0, &clock), 0);
	return clock;
}

/* ---- the host's share ---- */

/* A task that never waits for anything but its turn, and a host with something to do in each of its own. */
struct share {
	struct t_host host;
	size_t n_turns;
	size_t n_steps;
};

static void
take_a_turn(evutil_socket_t fd, short what, void *arg)
{
	struct share *share = arg;

	ck_assert(!nur_in_run());
	share->n_turns++;
}

static int
yield_often(void *arg)
{
	struct share *share = arg;

	for (int i = 0; i < 100; i++) {
		int r = nur_checkpoint();

		if (r < 0) {
			return r;
		}
		share->n_steps++;
	}
	return 0;
}

START_TEST(the_host_has_a_turn_between_two_passes)
{
	struct share share = { .n_turns = 0 };
	struct event *ready;
	int fds[2];

	t_host_open(&share.host);
	t_host_start(&share.host, yield_often, &share, NULL);
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ready = event_new(share.host.base, fds[0], EV_READ | EV_PERSIST, take_a_turn, &share);
	ck_assert_int_eq(event_add(ready, NULL), 0);
	ck_assert_int_eq(t_host_run(&share.host), 0);

	ck_assert_uint_eq(share.n_steps, 100);
	ck_assert_uint_ge(share.n_turns, 99);
	ck_assert_uint_le(share.n_turns, 102);
	event_free(ready);
	(void)close(fds[0]);
	(void)close(fds[1]);
	t_host_close(&share.host);
}
END_TEST

static int
sleep_and_count(void *ret_n_passes)
{
	uint64_t before = t_statistics().n_passes;
	nur_time start = nur_now();
	int r = nur_sleep(NUR_MSEC(20));

	ck_assert_int_ge(nur_now(), start + NUR_MSEC(20));
	*(uint64_t *)ret_n_passes = t_statistics().n_passes - before;
	ck_assert_uint_eq(t_statistics().n_polls, 0);
	return r;
}

START_TEST(who_sleeps_costs_the_host_nothing)
{
	struct t_host host;
	uint64_t n_passes = 0;

	t_host_open(&host);
	t_host_start(&host, sleep_and_count, &n_passes, NULL);
	ck_assert_int_eq(t_host_run(&host), 0);
	ck_assert_uint_le(n_passes, 3);
	t_host_close(&host);
}
END_TEST

static int
stop_the_loop_and_go_on(void *base)
{
	t_note("before");
	ck_assert_int_eq(event_base_loopbreak(base), 0);
	ck_assert_int_eq(nur_checkpoint(), 0);
	t_note("after");
	return 0;
}

START_TEST(a_loop_that_pauses_goes_on_later)
{
	struct t_host host;

	t_host_open(&host);
	t_host_start(&host, stop_the_loop_and_go_on, host.base, NULL);
	ck_assert_int_eq(event_base_dispatch(host.base), 0);
	ck_assert_str_eq(t_notes(), "before");
	ck_assert(!host.is_done);

	ck_assert_int_eq(t_host_run(&host), 0);
	ck_assert_str_eq(t_notes(), "before after");
	t_host_close(&host);
}
END_TEST

START_TEST(the_base_is_empty_when_the_run_is_over)
{
	struct t_host host;

	t_host_open(&host);
	t_host_start(&host, t_checkpoint, NULL, NULL);
	ck_assert_int_eq(t_host_run(&host), 0);
	ck_assert_int_eq(event_base_get_num_events(
				 host.base, EVENT_BASE_COUNT_ADDED | EVENT_BASE_COUNT_ACTIVE),
		0);
	t_host_close(&host);
}
END_TEST

/* ---- clocks and idleness ---- */

static int
sleep_for_hours(void *unused)
{
	nur_time start = nur_now();

	for (int i = 1; i <= 10; i++) {
		ck_assert_int_eq(nur_sleep(NUR_SEC(3600)), 0);
		ck_assert_int_eq(nur_now(), start + i * NUR_SEC(3600));
	}
	return 0;
}

START_TEST(a_mock_clock_jumps)
{
	struct nur_mock_clock *clock = jumping_clock();
	int64_t start = t_real_now();
	struct t_host host;

	t_host_open(&host);
	t_host_start(&host, sleep_for_hours, NULL, clock);
	ck_assert_int_eq(t_host_run(&host), 0);
	ck_assert_int_lt(t_real_now() - start, NUR_SEC(5));
	t_host_close(&host);
	nur_mock_clock_destroy(clock);
}
END_TEST

static int
wait_with_cushion(void *milliseconds)
{
	int r = nur_wait_all_tasks_blocked(NUR_MSEC((intptr_t)milliseconds));

	t_note("%dms", (int)(intptr_t)milliseconds);
	return r;
}

static int
wait_with_cushions(void *unused)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, wait_with_cushion, T_CODE(4));
	t_start(&nursery, wait_with_cushion, T_CODE(0));
	t_start(&nursery, wait_with_cushion, T_CODE(2));
	return nur_nursery_close(&nursery, 0, NULL);
}

START_TEST(idle_waiters_are_woken_shortest_first)
{
	struct t_host host;

	t_host_open(&host);
	t_host_start(&host, wait_with_cushions, NULL, NULL);
	ck_assert_int_eq(t_host_run(&host), 0);
	ck_assert_str_eq(t_notes(), "0ms 2ms 4ms");
	t_host_close(&host);
}
END_TEST

/* Trio's test_host_wakeup_doesnt_trigger_wait_all_tasks_blocked. */
struct idle {
	struct t_host host;
	struct nur_cancel_scope scope;
	struct nur_nursery nursery;
	int n_moves;
};

static void
move_a_deadline(void *arg)
{
	struct idle *idle = arg;

	ck_assert_int_eq(nur_guest_enter(idle->host.guest), 0);
	if (idle->n_moves++ < 10) {
		nur_cancel_scope_set_deadline(
			&idle->scope, nur_time_add(nur_now(), NUR_SEC(1000 + idle->n_moves)));
		t_host_call_later(idle->host.base, move_a_deadline, idle);
	} else {
		nur_nursery_cancel(&idle->nursery, "enough");
	}
	nur_guest_leave(idle->host.guest);
}

static int
wait_in_scope(void *arg)
{
	struct idle *idle = arg;

	return NUR_WITHIN(&idle->scope, nur_sleep_forever());
}

static int
wait_for_a_long_quiet(void *unused)
{
	int r = nur_wait_all_tasks_blocked(NUR_SEC(9999));

	ck_assert_int_eq(r, NUR_ECANCELED);
	return r;
}

static int
be_disturbed(void *arg)
{
	struct idle *idle = arg;

	nur_cancel_scope_init(&idle->scope);
	t_open(&idle->nursery);
	t_start(&idle->nursery, wait_in_scope, idle);
	t_start(&idle->nursery, wait_for_a_long_quiet, NULL);
	t_host_call_later(idle->host.base, move_a_deadline, idle);
	return nur_nursery_close(&idle->nursery, 0, NULL);
}

START_TEST(a_host_that_moves_deadlines_is_no_quiet)
{
	struct idle idle = { .n_moves = 0 };

	t_host_open(&idle.host);
	t_host_start(&idle.host, be_disturbed, &idle, NULL);
	ck_assert_int_eq(t_host_run(&idle.host), 0);
	ck_assert_int_eq(idle.n_moves, 11);
	t_host_close(&idle.host);
}
END_TEST

static int
note_wait(nur_time timeout, void *arg)
{
	ck_assert(nur_in_run() && !nur_in_task());
	if (timeout == NUR_FOREVER) {
		t_note("wait");
	}
	return 0;
}

static int
note_wait_end(nur_time timeout, void *arg)
{
	if (timeout == NUR_FOREVER) {
		t_note("end");
	}
	return 0;
}

struct watched {
	struct t_host host;
	struct nur_event event;
};

static void
set_its_event(void *arg)
{
	struct watched *watched = arg;

	t_note("host");
	ck_assert_int_eq(nur_guest_enter(watched->host.guest), 0);
	nur_event_set(&watched->event);
	nur_guest_leave(watched->host.guest);
}

static int
wait_for_its_event(void *arg)
{
	struct watched *watched = arg;

	nur_event_init(&watched->event);
	t_host_call(watched->host.base, set_its_event, watched);
	return nur_event_wait(&watched->event);
}

static void
ignore_result(int result, struct nur_errors *errors, void *user)
{
	t_note("done %d", result);
}

START_TEST(instruments_hear_of_the_wait_between_turns)
{
	struct watched watched;
	struct nur_instrument instrument = { .before_io_wait = note_wait,
		.after_io_wait = note_wait_end };
	struct nur_instrument *const instruments[] = { &instrument };
	struct nur_run_options run = { .instruments = instruments, .n_instruments = 1 };
	struct nur_guest_options options = {
		.fn = wait_for_its_event,
		.arg = &watched,
		.run = &run,
		.done = ignore_result,
	};

	t_host_open(&watched.host);
	options.base = watched.host.base;
	ck_assert_int_eq(nur_guest_start(&options, &watched.host.guest), 0);
	ck_assert_int_eq(event_base_dispatch(watched.host.base), 1); /* until it has no events */
	ck_assert_str_eq(t_notes(), "wait host end done 0");
	t_host_close(&watched.host);
}
END_TEST

/* ---- several ---- */

static int
note_in_turn(void *name)
{
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(nur_sleep(NUR_SEC(1)), 0);
		t_note("%s%d", (const char *)name, i);
	}
	return 0;
}

static void
count_down(int result, struct nur_errors *errors, void *user)
{
	ck_assert_int_eq(result, 0);
	--*(int *)user;
}

static struct nur_guest *
add_guest(struct event_base *base, nur_task_fn fn, void *arg, struct nur_mock_clock *clock, int *n)
{
	struct nur_run_options run = { .clock = clock ? nur_mock_clock_clock(clock) : NULL };
	struct nur_guest_options options = {
		.base = base, .fn = fn, .arg = arg, .run = &run, .done = count_down, .user = n
	};
	struct nur_guest *guest = NULL;

	ck_assert_int_eq(nur_guest_start(&options, &guest), 0);
	++*n;
	return guest;
}

START_TEST(guests_share_a_base)
{
	struct nur_mock_clock *clocks[] = { jumping_clock(), jumping_clock() };
	struct nur_guest *guests[2];
	struct t_host host;
	int n = 0;

	t_host_open(&host);
	guests[0] = add_guest(host.base, note_in_turn, (void *)"a", clocks[0], &n);
	guests[1] = add_guest(host.base, note_in_turn, (void *)"b", clocks[1], &n);
	ck_assert_int_eq(event_base_dispatch(host.base), 1); /* until it has no events */
	ck_assert_int_eq(n, 0);
	for (const char *note = "a0\0a1\0a2\0b0\0b1\0b2\0"; *note; note += 3) {
		ck_assert_ptr_nonnull(strstr(t_notes(), note));
	}
	for (int i = 0; i < 2; i++) {
		nur_guest_destroy(guests[i]);
		nur_mock_clock_destroy(clocks[i]);
	}
	t_host_close(&host);
}
END_TEST

struct both {
	struct nur_guest *outer;
	struct nur_guest *inner;
	struct nur_event events[2];
};

static int
wait_for_event(void *event)
{
	return nur_event_wait(event);
}

static void
enter_both(void *arg)
{
	struct both *both = arg;

	ck_assert_int_eq(nur_guest_enter(both->outer), 0);
	ck_assert_int_eq(nur_guest_enter(both->inner), 0);
	ck_assert_int_eq(nur_guest_enter(both->inner), 0);
	nur_event_set(&both->events[1]);
	nur_guest_leave(both->inner);
	ck_assert_uint_eq(t_statistics().n_tasks_runnable, 1);
	nur_guest_leave(both->inner);
	nur_event_set(&both->events[0]);
	nur_guest_leave(both->outer);
	ck_assert(!nur_in_run());
}

START_TEST(guests_may_be_entered_one_inside_the_other)
{
	struct t_host host;
	struct both both;
	int n = 0;

	t_host_open(&host);
	nur_event_init(&both.events[0]);
	nur_event_init(&both.events[1]);
	both.outer = add_guest(host.base, wait_for_event, &both.events[0], NULL, &n);
	both.inner = add_guest(host.base, wait_for_event, &both.events[1], NULL, &n);
	ck_assert_int_eq(event_base_loop(host.base, EVLOOP_NONBLOCK), 0);
	ck_assert_int_eq(event_base_loop(host.base, EVLOOP_NONBLOCK), 0);
	t_host_call(host.base, enter_both, &both);
	ck_assert_int_eq(event_base_dispatch(host.base), 1); /* until it has no events */
	ck_assert_int_eq(n, 0);
	nur_guest_destroy(both.outer);
	nur_guest_destroy(both.inner);
	t_host_close(&host);
}
END_TEST

struct family {
	struct t_host host;
	struct nur_guest *child;
	int n;
};

static int
start_a_guest(void *arg)
{
	struct family *family = arg;

	family->child = add_guest(family->host.base, t_checkpoint, NULL, NULL, &family->n);
	ck_assert_ptr_nonnull(nur_current_task());
	while (family->n > 0) { /* how far a guest comes in a sleep is up to the machine */
		ck_assert_int_eq(nur_sleep(NUR_MSEC(1)), 0);
	}
	ck_assert_int_eq(nur_guest_enter(family->child), NUR_ERUNFINISHED);
	return 0;
}

START_TEST(a_guests_task_may_start_a_guest_on_the_same_base)
{
	struct family family = { .n = 0 };

	t_host_open(&family.host);
	t_host_start(&family.host, start_a_guest, &family, NULL);
	ck_assert_int_eq(t_host_run(&family.host), 0);
	ck_assert_int_eq(family.n, 0);
	nur_guest_destroy(family.child);
	t_host_close(&family.host);
}
END_TEST

/* A run of its own, whose task is the host: it drives a base in which a guest lives. */
static int
be_the_host(void *unused)
{
	struct nur_mock_clock *clock = jumping_clock();
	struct nur_task *self = nur_current_task();
	struct t_host host;
	int n = 0;

	host = (struct t_host){ .base = event_base_new() };
	host.guest = add_guest(host.base, note_in_turn, (void *)"g", clock, &n);
	while (n > 0) {
		ck_assert_int_ge(event_base_loop(host.base, EVLOOP_ONCE), 0);
		ck_assert_ptr_eq(nur_current_task(), self);
		ck_assert_int_eq(nur_checkpoint(), 0);
	}
	nur_guest_destroy(host.guest);
	event_base_free(host.base);
	nur_mock_clock_destroy(clock);
	return 0;
}

START_TEST(a_task_of_another_run_may_be_the_host)
{
	t_forget_notes();
	ck_assert_int_eq(nur_run(be_the_host, NULL, NULL, NULL), 0);
	ck_assert_str_eq(t_notes(), "g0 g1 g2");
	t_forget_notes();
}
END_TEST

static void *
run_guests_of_a_thread(void *unused)
{
	struct nur_mock_clock *clock = jumping_clock();
	struct event_base *base = event_base_new();
	int n = 0;
	struct nur_guest *guest = add_guest(base, sleep_for_hours, NULL, clock, &n);

	(void)event_base_dispatch(base);
	nur_guest_destroy(guest);
	event_base_free(base);
	nur_mock_clock_destroy(clock);
	return n == 0 ? guest : NULL;
}

START_TEST(guests_on_threads_beside_a_run_of_its_own)
{
	pthread_t threads[2];
	void *result;

	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, run_guests_of_a_thread, NULL), 0);
	}
	ck_assert_int_eq(nur_run(t_checkpoint, NULL, NULL, NULL), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &result), 0);
		ck_assert_ptr_nonnull(result);
	}
}
END_TEST

/* ---- the end ---- */

struct again {
	struct event_base *base;
	struct nur_guest *guest;
	int n_left;
};

static void
start_again(int result, struct nur_errors *errors, void *user)
{
	struct again *again = user;
	struct nur_guest_options options = {
		.base = again->base, .fn = t_checkpoint, .done = start_again, .user = again
	};

	ck_assert_int_eq(nur_guest_enter(again->guest), NUR_ERUNFINISHED);
	nur_guest_destroy(again->guest);
	again->guest = NULL;
	if (again->n_left-- > 0) {
		ck_assert_int_eq(nur_guest_start(&options, &again->guest), 0);
	}
}

START_TEST(done_may_destroy_the_guest_and_start_another)
{
	struct again again = { .base = event_base_new(), .n_left = 3 };
	struct nur_guest_options options = {
		.base = again.base, .fn = t_checkpoint, .done = start_again, .user = &again
	};

	ck_assert_int_eq(nur_guest_start(&options, &again.guest), 0);
	ck_assert_int_eq(event_base_dispatch(again.base), 1); /* until it has no events */
	ck_assert_int_eq(again.n_left, -1);
	ck_assert_ptr_null(again.guest);
	event_base_free(again.base);
}
END_TEST

static void
note_report(const char *line, void *arg)
{
	t_note("%s", line);
}

START_TEST(a_guest_that_has_not_begun_can_be_abandoned)
{
	struct nur_run_options run = { .report = note_report };
	struct nur_guest_options options = {
		.base = event_base_new(), .fn = t_checkpoint, .run = &run, .done = ignore_result
	};
	struct nur_guest *guest;

	t_forget_notes();
	ck_assert_int_eq(nur_guest_start(&options, &guest), 0);
	nur_guest_destroy(guest);
	nur_guest_destroy(NULL);
	ck_assert_int_eq(event_base_dispatch(options.base), 1); /* has no events */
	ck_assert_str_eq(t_notes(),
		"a guest's run was abandoned: 1 tasks had not ended, and their cleanup did not "
		"run");
	t_forget_notes();
	event_base_free(options.base);
}
END_TEST

/* A main task in a scope whose cancellation its own abort callback calls for, too. */
static struct nur_cancel_scope abandoned_scope;
static int n_aborts;

static enum nur_abort
abort_and_cancel(struct nur_task *task, void *unused)
{
	n_aborts++;
	nur_cancel_scope_cancel(&abandoned_scope, NULL);
	return NUR_ABORT_SUCCEEDED;
}

static int
wait_and_cancel(void *unused)
{
	nur_cancel_scope_init(&abandoned_scope);
	return NUR_WITHIN(
		&abandoned_scope, nur_wait_task_rescheduled("nothing", abort_and_cancel, NULL));
}

/* A guest that is in the middle of something; its report goes to the notes. */
static struct nur_guest *
begin_and_leave_alone(struct event_base *base, nur_task_fn fn, void *arg)
{
	struct nur_run_options run = { .report = note_report };
	struct nur_guest_options options = {
		.base = base, .fn = fn, .arg = arg, .run = &run, .done = ignore_result
	};
	struct nur_guest *guest;

	ck_assert_int_eq(nur_guest_start(&options, &guest), 0);
	ck_assert_int_eq(event_base_loop(base, EVLOOP_NONBLOCK), 0);
	return guest;
}

START_TEST(an_abandoned_wait_is_aborted_once)
{
	struct event_base *base = event_base_new();
	struct nur_guest *guest = begin_and_leave_alone(base, wait_and_cancel, NULL);

	nur_guest_destroy(guest);
	ck_assert_int_eq(n_aborts, 1);
	event_base_free(base);
	t_forget_notes();
}
END_TEST

/*
 * Threads that wait for an answer that takes for ever
 *
 * base      the host's, which pauses when both wait
 * n_asked   of them
 * results   what they were told in the end
 */
static struct {
	struct event_base *base;
	struct nur_token *token;
	pthread_t outsider;
	sem_t has_returned;
	int n_asked;
	int results[2];
} asking;

static int
answer_never(void *unused)
{
	if (++asking.n_asked == 2) {
		(void)event_base_loopbreak(asking.base);
	}
	return nur_sleep_forever();
}

static int
ask_from_job(void *unused)
{
	asking.results[0] = nur_thread_run_back(answer_never, NULL);
	return 0;
}

static void *
ask_from_outside(void *unused)
{
	asking.results[1] = nur_token_run(asking.token, answer_never, NULL);
	nur_token_close(asking.token);
	return NULL;
}

static void
note_return(void *unused)
{
	(void)sem_post(&asking.has_returned);
}

static int
let_them_ask(void *unused)
{
	const struct nur_thread_options options = { .release = note_return };

	ck_assert_int_eq(nur_token_open(&asking.token), 0);
	ck_assert_int_eq(pthread_create(&asking.outsider, NULL, ask_from_outside, NULL), 0);
	return nur_thread_run(ask_from_job, NULL, &options);
}

START_TEST(threads_that_wait_for_an_abandoned_run_are_told)
{
	struct nur_guest *guest;

	asking.base = event_base_new();
	ck_assert_int_eq(sem_init(&asking.has_returned, 0, 0), 0);
	guest = begin_and_leave_alone(asking.base, let_them_ask, NULL);
	while (asking.n_asked < 2) {
		ck_assert_int_eq(event_base_dispatch(asking.base), 0);
	}
	nur_guest_destroy(guest);

	ck_assert_int_eq(pthread_join(asking.outsider, NULL), 0);
	while (sem_wait(&asking.has_returned) < 0) {
		; /* a signal */
	}
	ck_assert_int_eq(asking.results[0], NUR_ERUNFINISHED);
	ck_assert_int_eq(asking.results[1], NUR_ERUNFINISHED);
	event_base_free(asking.base);
	t_forget_notes();
}
END_TEST

/* ---- misuse ---- */

static struct t_host misused;
static struct nur_event misused_event;

static void
open_misused(void)
{
	nur_event_init(&misused_event);
	t_host_open(&misused);
	t_host_start(&misused, wait_for_event, &misused_event, NULL);
	(void)event_base_loop(misused.base, EVLOOP_ONCE);
}

static void
wake_without_entering(void)
{
	open_misused();
	nur_event_set(&misused_event);
}

static void
leave_without_entering(void)
{
	open_misused();
	nur_guest_leave(misused.guest);
}

static void
never_leave(void)
{
	open_misused();
	(void)nur_guest_enter(misused.guest);
	(void)event_base_dispatch(misused.base);
}

static int
open_for_others(void *nursery)
{
	ck_assert_int_eq(nur_nursery_open(nursery), 0);
	(void)!nur_event_wait(&misused_event);
	return nur_nursery_close(nursery, 0, NULL);
}

static void
start_without_entering(void)
{
	struct nur_nursery nursery;
	int n = 0;

	open_misused();
	(void)add_guest(misused.base, open_for_others, &nursery, NULL, &n);
	(void)event_base_loop(misused.base, EVLOOP_ONCE);
	(void)nur_start_soon(&nursery, "late", t_checkpoint, NULL);
}

static void
wait_inside(void)
{
	open_misused();
	(void)nur_guest_enter(misused.guest);
	(void)!nur_checkpoint();
}

static void
destroy_inside(void)
{
	open_misused();
	(void)nur_guest_enter(misused.guest);
	nur_guest_destroy(misused.guest);
}

static void *
enter_here(void *unused)
{
	(void)nur_guest_enter(misused.guest);
	return NULL;
}

static void
enter_on_another_thread(void)
{
	pthread_t thread;

	open_misused();
	(void)pthread_create(&thread, NULL, enter_here, NULL);
	(void)pthread_join(thread, NULL);
}

static void
enter_around_another(void)
{
	struct nur_guest *other;
	int n = 0;

	open_misused();
	other = add_guest(misused.base, t_checkpoint, NULL, NULL, &n);
	(void)nur_guest_enter(misused.guest);
	(void)nur_guest_enter(other);
	(void)nur_guest_enter(misused.guest);
}

static const struct {
	void (*fn)(void);
	const char *message;
} misuses[] = {
	{ wake_without_entering, "task \"main\" was woken from outside its run" },
	{ start_without_entering, "a task was started from outside its nursery's run" },
	{ leave_without_entering, "a guest was left that was not the last one entered" },
	{ never_leave, "a callback of the host returned without nur_guest_leave()" },
	{ wait_inside, "a loop callback tried to wait" },
	{ destroy_inside, "nur_guest_destroy() inside the guest's run" },
	{ enter_on_another_thread, "nur_guest_enter() on another thread than the guest's" },
	{ enter_around_another, "a guest was entered again from inside another run" },
};

START_TEST(misuse_ends_the_process_and_says_why)
{
	char text[4096];
	int status = t_in_child(misuses[_i].fn, text, sizeof(text));

	ck_assert_msg(strstr(text, misuses[_i].message) != NULL, "%s", text);
	ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}
END_TEST

START_TEST(a_start_without_its_parts_is_refused)
{
	struct event_base *base = event_base_new();
	const struct nur_guest_options incomplete[] = {
		{ .fn = t_checkpoint, .done = ignore_result },
		{ .base = base, .done = ignore_result },
		{ .base = base, .fn = t_checkpoint },
	};
	struct nur_guest *guest = NULL;

	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(nur_guest_start(&incomplete[i], &guest), -EINVAL);
	}
	ck_assert_ptr_null(guest);
	event_base_free(base);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("guest");
	TCase *tcase = tcase_create("share");

	tcase_add_test(tcase, the_host_has_a_turn_between_two_passes);
	tcase_add_test(tcase, who_sleeps_costs_the_host_nothing);
	tcase_add_test(tcase, a_loop_that_pauses_goes_on_later);
	tcase_add_test(tcase, the_base_is_empty_when_the_run_is_over);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("idleness");
	tcase_add_test(tcase, a_mock_clock_jumps);
	tcase_add_test(tcase, idle_waiters_are_woken_shortest_first);
	tcase_add_test(tcase, a_host_that_moves_deadlines_is_no_quiet);
	tcase_add_test(tcase, instruments_hear_of_the_wait_between_turns);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("several");
	tcase_add_test(tcase, guests_share_a_base);
	tcase_add_test(tcase, guests_may_be_entered_one_inside_the_other);
	tcase_add_test(tcase, a_guests_task_may_start_a_guest_on_the_same_base);
	tcase_add_test(tcase, a_task_of_another_run_may_be_the_host);
	tcase_add_test(tcase, guests_on_threads_beside_a_run_of_its_own);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("end");
	tcase_add_test(tcase, done_may_destroy_the_guest_and_start_another);
	tcase_add_test(tcase, a_guest_that_has_not_begun_can_be_abandoned);
	tcase_add_test(tcase, an_abandoned_wait_is_aborted_once);
	tcase_add_test(tcase, threads_that_wait_for_an_abandoned_run_are_told);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("misuse");
	tcase_add_loop_test(
		tcase, misuse_ends_the_process_and_says_why, 0, (int)ARRAY_LEN(misuses));
	tcase_add_test(tcase, a_start_without_its_parts_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

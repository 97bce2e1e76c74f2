/* SPDX-License-Identifier: MIT */
/*
 * X23: the wall clock is set while tasks sleep. It cannot be set for a test, so the program brings its
 * own functions of libc that read it: they come before libc's for the library and for libevent.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/in_run.h"

static time_t wall_clock_step;

int
clock_gettime(clockid_t id, struct timespec *now)
{
	int r = (int)syscall(SYS_clock_gettime, id, now);

	if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
		now->tv_sec += wall_clock_step;
	}
	return r;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec precise;

	(void)clock_gettime(CLOCK_REALTIME, &precise); /* can't fail for this clock */
	now->tv_sec = precise.tv_sec;
	now->tv_usec = precise.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *ret_now)
{
	struct timeval now;

	(void)gettimeofday(&now, NULL); /* as above */
	if (ret_now) {
		*ret_now = now.tv_sec;
	}
	return now.tv_sec;
}

static int
step_the_wall_clock(void *seconds)
{
	wall_clock_step += (intptr_t)seconds;
	return nur_sleep(NUR_MSEC(1));
}

static int
sleep_during_a_step(void *seconds)
{
	int64_t start = t_real_now(), duration;
	nur_time clock_start = nur_now();
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, step_the_wall_clock, seconds);
	ck_assert_int_eq(nur_sleep(NUR_MSEC(5)), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	duration = t_real_now() - start;
	ck_assert_int_ge(duration, NUR_MSEC(5));
	ck_assert_int_lt(duration, NUR_SEC(10));
	ck_assert_int_le(nur_now() - clock_start, duration + NUR_SEC(1));
	return 0;
}

START_TEST(x23_a_step_of_the_wall_clock_changes_no_deadline)
{
	time_t before = time(NULL);

	ck_assert_int_eq(nur_run(sleep_during_a_step, T_CODE(3600), NULL, NULL), 0);
	ck_assert_int_ge(time(NULL), before + 3600);
	ck_assert_int_eq(nur_run(sleep_during_a_step, T_CODE(-7200), NULL, NULL), 0);
	ck_assert_int_lt(time(NULL), before);
	wall_clock_step = 0;
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("wall clock");
	TCase *tc = tcase_create("wall clock");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, x23_a_step_of_the_wall_clock_changes_no_deadline);
	suite_add_tcase(suite, tc);
	return suite;
}

/* SPDX-License-Identifier: MIT */
/*
 * The mock clock: virtual time = base + rate × (real time since the base was taken). Jumping moves
 * the base; changing the rate takes a new one first.
 */
#include <nursery/testing.h>

#include <errno.h>
#include <stdlib.h>

#include "lib/nursery/loop.h"

struct nur_mock_clock {
	struct nur_clock clock;
	nur_time base;
	nur_time real_base;
	nur_time autojump_threshold;
	double rate;
};

nur_time
nur_mock_clock_now(const struct nur_mock_clock *clock)
{
	double ahead;

	if (clock->rate == 0) {
		return clock->base;
	}
	ahead = clock->rate * (double)(nuri_monotonic() - clock->real_base);
	/* turned round: infinity times nothing is no number */
	return ahead < (double)NUR_FOREVER ? nur_time_add(clock->base, (nur_time)ahead)
					   : NUR_FOREVER;
}

static nur_time
mock_now(void *user)
{
	return nur_mock_clock_now(user);
}

static nur_time
mock_until(nur_time deadline, void *user)
{
	struct nur_mock_clock *clock = user;
	nur_time left = nur_time_sub(deadline, nur_mock_clock_now(clock));

	if (left <= 0) {
		return 0;
	}
	if (clock->rate == 0 || (double)left / clock->rate >= (double)NUR_FOREVER) {
		return NUR_FOREVER;
	}
	return (nur_time)((double)left / clock->rate) + 1; /* rounded up: a wait never ends early */
}

static nur_time
mock_autojump(void *user)
{
	struct nur_mock_clock *clock = user;

	return clock->autojump_threshold;
}

static void
take_base(struct nur_mock_clock *clock)
{
	clock->base = nur_mock_clock_now(clock);
	clock->real_base = nuri_monotonic();
}

static void
mock_jump(nur_time deadline, void *user)
{
	struct nur_mock_clock *clock = user;

	take_base(clock);
	if (deadline > clock->base) {
		clock->base = deadline;
	}
}

int
nur_mock_clock_create(double rate, nur_time autojump_threshold, struct nur_mock_clock **ret_clock)
{
	struct nur_mock_clock *clock;

	if (!(rate >= 0) || autojump_threshold < 0) {
		return -EINVAL;
	}
	clock = calloc(1, sizeof(*clock));
	if (!clock) {
		return -ENOMEM;
	}
	clock->clock = (struct nur_clock){
		.now = mock_now,
		.until = mock_until,
		.autojump = mock_autojump,
		.jump = mock_jump,
		.user = clock,
	};
	clock->real_base = nuri_monotonic();
	clock->autojump_threshold = autojump_threshold;
	clock->rate = rate;
	*ret_clock = clock;
	return 0;
}

void
nur_mock_clock_destroy(struct nur_mock_clock *clock)
{
	free(clock);
}

const struct nur_clock *
nur_mock_clock_clock(struct nur_mock_clock *clock)
{
	return &clock->clock;
}

int
nur_mock_clock_jump(struct nur_mock_clock *clock, nur_time by)
{
	if (by < 0) {
		return -EINVAL;
	}
	take_base(clock);
	clock->base = nur_time_add(clock->base, by);
	return 0;
}

int
nur_mock_clock_set_rate(struct nur_mock_clock *clock, double rate)
{
	if (!(rate >= 0)) {
		return -EINVAL;
	}
	take_base(clock);
	clock->rate = rate;
	return 0;
}

int
nur_mock_clock_set_autojump(struct nur_mock_clock *clock, nur_time threshold)
{
	if (threshold < 0) {
		return -EINVAL;
	}
	clock->autojump_threshold = threshold;
	return 0;
}

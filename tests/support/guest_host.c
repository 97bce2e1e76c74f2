/* SPDX-License-Identifier: MIT */
#include "tests/support/guest_host.h"

#include <stdlib.h>

void
t_host_open(struct t_host *host)
{
	*host = (struct t_host){ .base = event_base_new() };
	ck_assert_ptr_nonnull(host->base);
	t_forget_notes();
}

static void
on_done(int result, struct nur_errors *errors, void *user)
{
	struct t_host *host = user;

	ck_assert(!nur_in_run());
	ck_assert(!host->is_done);
	host->is_done = true;
	host->result = result;
	host->errors = *errors;
	*errors = (struct nur_errors)NUR_ERRORS_INIT;
	ck_assert_int_eq(event_base_loopbreak(host->base), 0);
}

void
t_host_start(struct t_host *host, nur_task_fn fn, void *arg, struct nur_mock_clock *clock)
{
	struct nur_run_options run = { .clock = clock ? nur_mock_clock_clock(clock) : NULL };
	struct nur_guest_options options = {
		.base = host->base,
		.fn = fn,
		.arg = arg,
		.run = &run,
		.done = on_done,
		.user = host,
	};

	ck_assert_int_eq(nur_guest_start(&options, &host->guest), 0);
}

int
t_host_run(struct t_host *host)
{
	ck_assert_int_eq(event_base_dispatch(host->base), 0);
	ck_assert(host->is_done);
	return host->result;
}

void
t_host_close(struct t_host *host)
{
	nur_guest_destroy(host->guest);
	nur_errors_fini(&host->errors);
	event_base_free(host->base);
	t_forget_notes();
}

struct call {
	void (*fn)(void *arg);
	void *arg;
};

static void
make_call(evutil_socket_t fd, short what, void *arg)
{
	struct call call = *(struct call *)arg;

	free(arg);
	ck_assert(!nur_in_run());
	call.fn(call.arg);
}

static void
call_once(struct event_base *base, void (*fn)(void *arg), void *arg, const struct timeval *timeout)
{
	struct call *call = malloc(sizeof(*call));

	ck_assert_ptr_nonnull(call);
	*call = (struct call){ .fn = fn, .arg = arg };
	ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, make_call, call, timeout), 0);
}

void
t_host_call(struct event_base *base, void (*fn)(void *arg), void *arg)
{
	call_once(base, fn, arg, NULL); /* libevent makes it active */
}

void
t_host_call_later(struct event_base *base, void (*fn)(void *arg), void *arg)
{
	static const struct timeval soon = { .tv_usec = 1 }; /* in a tick of its clock */

	call_once(base, fn, arg, &soon);
}

/* SPDX-License-Identifier: MIT */
/* The four timeouts: a function inside a cancel scope with a deadline. */
#include <nursery/cancel_scope.h>

#include <errno.h>

/* @fn inside an initialised scope. */
static int
run_within(struct nur_cancel_scope *scope, unsigned flags, nur_task_fn fn, void *arg)
{
	nur_cancel_scope_set_shield(scope, flags & NUR_SHIELD);
	return NUR_WITHIN(scope, fn(arg));
}

int
nur_move_on_at(nur_time deadline, unsigned flags, nur_task_fn fn, void *arg, bool *ret_timed_out)
{
	struct nur_cancel_scope scope;
	int r;

	nur_cancel_scope_init_at(&scope, deadline);
	r = run_within(&scope, flags, fn, arg);
	if (ret_timed_out) {
		*ret_timed_out = nur_cancel_scope_cancelled_caught(&scope);
	}
	return r;
}

int
nur_move_on_after(nur_time timeout, unsigned flags, nur_task_fn fn, void *arg, bool *ret_timed_out)
{
	if (timeout < 0) {
		return -EINVAL;
	}
	return nur_move_on_at(nur_time_add(nur_now(), timeout), flags, fn, arg, ret_timed_out);
}

int
nur_fail_at(nur_time deadline, unsigned flags, nur_task_fn fn, void *arg)
{
	bool is_too_slow = false;
	int r = nur_move_on_at(deadline, flags, fn, arg, &is_too_slow);

	return is_too_slow && r >= 0 ? NUR_ETOOSLOW : r;
}

int
nur_fail_after(nur_time timeout, unsigned flags, nur_task_fn fn, void *arg)
{
	if (timeout < 0) {
		return -EINVAL;
	}
	return nur_fail_at(nur_time_add(nur_now(), timeout), flags, fn, arg);
}

/* SPDX-License-Identifier: MIT */
/*
 * Errors. Zero or a positive number is success; -errno is a failure of the system; the codes below
 * lie under the errno range, so that a system call's own ECANCELED is never taken for a
 * cancellation.
 *
 * A nursery's int is its first failure. A struct nur_errors holds all of them, nested groups
 * included.
 */
#pragma once

#include <nursery/macros.h>

NUR_BEGIN_DECLS

enum {
	NUR_ECANCELED = -4097,   /* a cancel scope around the caller was cancelled; pass it on */
	NUR_ETOOSLOW = -4098,    /* a fail_after()/fail_at() ran out of time */
	NUR_EWOULDBLOCK = -4099, /* a _nowait call would have to wait */
	NUR_EBROKEN = -4100,     /* the other side is gone and nobody can answer any more */
	NUR_ECLOSED =
		-4101, /* the object was closed, by the caller or meanwhile by somebody else */
	NUR_EENDOFCHANNEL = -4102, /* all senders are closed and nothing is left to receive */
	NUR_EBUSY = -4103,         /* another task is using the object in the same way */
	NUR_EMISNEST =
		-4104, /* scopes or nurseries were not left in the reverse order of entering */
	NUR_ENOTINTASK = -4105,   /* the call needs a task (or a run) around it */
	NUR_ERUNFINISHED = -4106, /* the run is over */
	NUR_ENOTSTARTED = -4107,  /* a task returned before it reported that it is ready */
	NUR_EINTERNAL = -4108,    /* the runtime found itself, or a callback, broken */
	NUR_EDEADLOCK = -4109,    /* nothing can ever wake the run */
	NUR_ENOSTACK =
		-4110, /* no memory or no mapping for one more stack; the text names the limit */
	NUR_ESTRAYCANCEL =
		-4111, /* a task returned NUR_ECANCELED although nothing around it is cancelled */
	NUR_EUSED = -4112,      /* a cancel scope can be entered only once */
	NUR_ENESTEDRUN = -4113, /* nur_run() inside a run */
};

struct nur_errors;

/**
 * struct nur_error - one failure
 * @code:       negative, never NUR_ECANCELED
 * @task:       name of the task that failed, or whose nursery body failed; never NULL
 * @text:       what nur_fail() said; "" when it was not called
 * @file:       where nur_fail() stood; NULL when it was not called
 * @line:       likewise; 0
 * @is_body:    the failure came from a nursery's body, not from a child
 * @nested:     the group that this failure is made of (a nursery inside the task), or NULL
 */
struct nur_error {
	int code;
	char *task;
	char *text;
	const char *file;
	int line;
	bool is_body;
	struct nur_errors *nested;
};

/**
 * struct nur_errors - all failures of one nursery, in the order in which they happened
 * @items:       the failures
 * @n:           number of failures recorded
 * @n_cancelled: tasks that ended with NUR_ECANCELED and whose cancellation belongs further out
 * @n_lost:      failures for which there was no memory; they count, but their record is missing
 *
 * Zeroed is empty (NUR_ERRORS_INIT). Owned by the caller: nur_errors_fini() when done.
 */
struct nur_errors {
	struct nur_error *items;
	size_t n;
	size_t n_cancelled;
	size_t n_lost;
};

/* clang-format off */
#define NUR_ERRORS_INIT { NULL, 0, 0, 0 }
/* clang-format on */

/**
 * nur_fail() - record why the calling task, or nursery body, is about to fail
 * @code:       negative; what the caller returns
 * @...:        a text for people, as printf()
 *
 * The text is attached to the error if the task or the body then really returns @code. A later call
 * replaces the record; so does a nursery inside the task that fails.
 *
 * Shape:       the text is cut at 255 bytes
 * Units:       none
 * Checkpoint:  never
 * Ownership:   the text is copied; when there is no memory for it, it is left out
 * Errors:      none
 * Source:      raise ValueError("text")
 *
 * Return: @code, so that `return nur_fail(-EINVAL, "…");` reads well.
 */
#define nur_fail(code, ...) nur_fail_at_line((code), __FILE__, __LINE__, __VA_ARGS__)
int nur_fail_at_line(int code, const char *file, int line, const char *format, ...)
	NUR_PRINTF(4, 5);

/**
 * nur_fail_with() - record a group as the reason why the calling task is about to fail
 * @code:       negative; what the caller returns
 * @errors:     the group
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   takes the contents of @errors, which is empty afterwards
 * Errors:      none
 * Source:      raise ExceptionGroup(...)
 *
 * Return: @code.
 */
int nur_fail_with(int code, struct nur_errors *errors);

/*
 * nur_errors_has() - whether @code is somewhere in @errors, nested groups included (no checkpoint)
 */
bool nur_errors_has(const struct nur_errors *errors, int code);

/**
 * nur_errors_format() - the group as a drawn tree, one failure a line
 * @errors:     the group
 * @text:       where to; may be NULL when @cap is 0
 * @cap:        bytes available at @text
 *
 * Shape:       NUL-terminated, cut at @cap
 * Units:       bytes
 * Checkpoint:  never
 * Ownership:   borrowed for the call
 * Errors:      none
 * Source:      traceback.format_exception() of a group
 *
 * Return: the whole length without the NUL, as snprintf().
 */
size_t nur_errors_format(const struct nur_errors *errors, char *text, size_t cap);

/*
 * nur_errors_fini() - free what @errors holds; accepts an empty group, leaves one (no checkpoint)
 */
void nur_errors_fini(struct nur_errors *errors);

/*
 * nur_strerror() - a text for a code of this library or a negative errno; never NULL, static (no
 * checkpoint)
 */
const char *nur_strerror(int code);

NUR_END_DECLS

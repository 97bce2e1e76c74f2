/* SPDX-License-Identifier: MIT */
/* Codes, groups of failures, and the record a task makes before it fails. */
#include <nursery/errors.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/failure.h"
#include "lib/nursery/scheduler.h"

/* Of a thread that works for a task. */
static __thread struct nuri_failure **collected;

enum {
	max_text = 256
};

const char *
nur_strerror(int code)
{
	switch (code) {
	case NUR_ECANCELED:
		return "cancelled";
	case NUR_ETOOSLOW:
		return "too slow";
	case NUR_EWOULDBLOCK:
		return "would block";
	case NUR_EBROKEN:
		return "the other side is gone";
	case NUR_ECLOSED:
		return "closed";
	case NUR_EENDOFCHANNEL:
		return "end of channel";
	case NUR_EBUSY:
		return "another task is using it";
	case NUR_EMISNEST:
		return "scopes or nurseries were not left in the reverse order of entering";
	case NUR_ENOTINTASK:
		return "not in a task";
	case NUR_ERUNFINISHED:
		return "the run is over";
	case NUR_ENOTSTARTED:
		return "the task ended before it reported that it is ready";
	case NUR_EINTERNAL:
		return "internal error";
	case NUR_EDEADLOCK:
		return "deadlock: nothing can ever wake the run";
	case NUR_ENOSTACK:
		return "no stack for another task";
	case NUR_ESTRAYCANCEL:
		return "returned NUR_ECANCELED, but nothing around it is cancelled";
	case NUR_EUSED:
		return "a cancel scope can be entered only once";
	case NUR_ENESTEDRUN:
		return "nur_run() inside a run";
	default: {
		const char *text = code < 0 && code > -4096 ? strerrordesc_np(-code) : NULL;

		return text ? text : code < 0 ? "unknown error" : "success";
	}
	}
}

void
nuri_failure_destroy(struct nuri_failure *failure)
{
	if (!failure) {
		return;
	}
	free(failure->text);
	nur_errors_fini(&failure->nested);
	free(failure);
}

void
nuri_collect_failure(struct nuri_failure **place)
{
	collected = place;
}

struct nuri_failure *
nuri_task_failure(int code)
{
	struct nur_task *task = nur_current_task();
	struct nuri_failure **place = task ? &task->failure : collected;

	if (!place || (task && task->run->instruments.present >= 0)) {
		return NULL; /* what an instrument says is not the task's failure */
	}
	nuri_failure_destroy(*place);
	*place = calloc(1, sizeof(**place));
	if (*place) {
		(*place)->code = code;
	}
	return *place;
}

int
nur_fail_at_line(int code, const char *file, int line, const char *format, ...)
{
	struct nuri_failure *failure = nuri_task_failure(code);
	va_list ap;

	if (!failure) {
		return code;
	}
	failure->file = file;
	failure->line = line;
	failure->text = malloc(max_text);
	if (failure->text) {
		va_start(ap, format);
		(void)vsnprintf(failure->text, max_text, format, ap);
		va_end(ap);
	}
	return code;
}

int
nur_fail_with(int code, struct nur_errors *errors)
{
	struct nuri_failure *failure = nuri_task_failure(code);

	if (!failure) {
		nur_errors_fini(errors);
		return code;
	}
	failure->nested = *errors;
	failure->n_cancelled = errors->n_cancelled;
	*errors = (struct nur_errors)NUR_ERRORS_INIT;
	return code;
}

void
nuri_fail_as(struct nur_error *error, size_t n_cancelled)
{
	struct nuri_failure *failure = nuri_task_failure(error->code);

	if (!failure) {
		return;
	}
	failure->text = steal(&error->text);
	failure->file = error->file;
	failure->line = error->line;
	failure->n_cancelled = n_cancelled;
	if (error->nested) {
		failure->nested = *error->nested;
		free(steal(&error->nested));
	}
}

static bool
errors_are_empty(const struct nur_errors *errors)
{
	return errors->n == 0 && errors->n_lost == 0;
}

/*
 * Fills @error; what could not be copied for lack of memory is left out, except the name: then
 * false.
 */
static bool
error_init(struct nur_error *error, int code, const char *task_name, bool is_body,
	struct nuri_failure *failure)
{
	*error = (struct nur_error){ .code = code, .is_body = is_body };
	error->task = strdup(task_name);
	if (!error->task) {
		return false;
	}
	if (failure && failure->code == code) {
		error->text = steal(&failure->text);
		error->file = failure->file;
		error->line = failure->line;
		if (!errors_are_empty(&failure->nested)) {
			error->nested = malloc(sizeof(*error->nested));
			if (error->nested) {
				*error->nested = failure->nested;
				failure->nested = (struct nur_errors)NUR_ERRORS_INIT;
			}
		}
	}
	if (!error->text) {
		error->text = strdup("");
	}
	if (!error->text) {
		free(error->task);
		if (error->nested) {
			nur_errors_fini(error->nested);
			free(error->nested);
		}
		return false;
	}
	return true;
}

/* Room for one more: the capacity is the next power of two, so only powers of two reallocate. */
static bool
errors_reserve(struct nur_errors *errors)
{
	struct nur_error *items;

	if (errors->n & (errors->n - 1)) {
		return true;
	}
	items = realloc(errors->items, (errors->n ? 2 * errors->n : 1) * sizeof(*items));
	if (!items) {
		return false;
	}
	errors->items = items;
	return true;
}

void
nuri_errors_add(struct nur_errors *errors, int code, const char *task_name, bool is_body,
	struct nuri_failure *failure)
{
	if (!errors_reserve(errors) ||
		!error_init(&errors->items[errors->n], code, task_name, is_body, failure)) {
		errors->n_lost++;
		return;
	}
	errors->n++;
}

void
nuri_errors_forget_cancelled(struct nur_errors *errors)
{
	errors->n_cancelled = 0;
	for (size_t i = 0; i < errors->n; i++) {
		if (errors->items[i].nested) {
			nuri_errors_forget_cancelled(errors->items[i].nested);
		}
	}
}

bool
nur_errors_has(const struct nur_errors *errors, int code)
{
	for (size_t i = 0; i < errors->n; i++) {
		const struct nur_error *error = &errors->items[i];

		if (error->code == code || (error->nested && nur_errors_has(error->nested, code))) {
			return true;
		}
	}
	return false;
}

/* Where nur_errors_format() is: what it would have written so far, and where to. */
struct format {
	char *text;
	size_t cap;
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void
format_add(struct format *out, const char *format, ...)
{
	size_t room = out->len < out->cap ? out->cap - out->len : 0;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(room ? out->text + out->len : NULL, room, format, ap);
	va_end(ap);
	out->len += n > 0 ? (size_t)n : 0;
}

static void
format_group(struct format *out, const struct nur_errors *errors, int indent)
{
	for (size_t i = 0; i < errors->n; i++) {
		const struct nur_error *error = &errors->items[i];

		format_add(out, "%*s%s%s: %s", indent, "", error->task,
			error->is_body ? " (nursery body)" : "", nur_strerror(error->code));
		if (*error->text) {
			format_add(out, ": %s", error->text);
		}
		if (error->file) {
			format_add(out, " (%s:%d)", error->file, error->line);
		}
		format_add(out, "\n");
		if (error->nested) {
			format_group(out, error->nested, indent + 2);
		}
	}
	if (errors->n_cancelled > 0) {
		format_add(out, "%*s%zu cancelled\n", indent, "", errors->n_cancelled);
	}
	if (errors->n_lost > 0) {
		format_add(
			out, "%*s%zu more, lost for lack of memory\n", indent, "", errors->n_lost);
	}
}

size_t
nur_errors_format(const struct nur_errors *errors, char *text, size_t cap)
{
	struct format out = { text, cap, 0 };

	if (cap > 0) {
		text[0] = '\0';
	}
	format_group(&out, errors, 0);
	return out.len;
}

void
nur_errors_fini(struct nur_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		free(errors->items[i].task);
		free(errors->items[i].text);
		if (errors->items[i].nested) {
			nur_errors_fini(errors->items[i].nested);
			free(errors->items[i].nested);
		}
	}
	free(errors->items);
	*errors = (struct nur_errors)NUR_ERRORS_INIT;
}

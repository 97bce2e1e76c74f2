/* SPDX-License-Identifier: MIT */
/* The cancel status tree, as scopes and nurseries share it. */
#pragma once

#include <nursery/cancel_scope.h>

enum nuri_scope_state {
	NURI_SCOPE_UNBOUND,
	NURI_SCOPE_ACTIVE,
	NURI_SCOPE_EXITED,
};

/* nuri_scope_cancel() - cancel with a source other than a call from outside */
void nuri_scope_cancel(
	struct nur_cancel_scope *scope, enum nur_cancel_source source, const char *text);

/* nuri_scope_leave() - as nur_cancel_scope_leave(), also for the scope of a nursery, by its close */
int nuri_scope_leave(struct nur_cancel_scope *scope, int rc);

/* nuri_scope_enter_root() - @scope, initialised, becomes the root of a run's tree; no task enters it */
void nuri_scope_enter_root(struct nur_cancel_scope *scope);

/*
 * nuri_scope_move_contents() - what is directly inside @from, tasks and scopes, is inside @to from now
 * on, except the task that has entered @from; neither @from nor @to is entered or left
 */
void nuri_scope_move_contents(struct nur_cancel_scope *from, struct nur_cancel_scope *to);

/*
 * nuri_scope_owns_cancellation() - whether it would absorb one now: cancelled, and none visible
 * from further out
 */
bool nuri_scope_owns_cancellation(const struct nur_cancel_scope *scope);

/* nuri_scope_effective_deadline() - as nur_current_effective_deadline(), seen from inside @scope */
nur_time nuri_scope_effective_deadline(const struct nur_cancel_scope *scope);

/* nuri_scope_effective_reason() - as nur_current_cancel_reason(), seen from inside @scope */
const struct nur_cancel_reason *nuri_scope_effective_reason(const struct nur_cancel_scope *scope);

/* nuri_scope_stop_reason() - as nur_current_stop_reason(), seen from inside @scope */
const struct nur_cancel_reason *nuri_scope_stop_reason(const struct nur_cancel_scope *scope);

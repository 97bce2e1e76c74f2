/* SPDX-License-Identifier: MIT */
/*
 * What a task has said about the failure it is about to return: at most one record, made by
 * nur_fail(), by nur_fail_with() or by a nursery that failed inside it. It counts only if the task
 * then returns its code.
 */
#pragma once

#include <nursery/errors.h>

/*
 * code         what must be returned for the record to count
 * text         for people; may be NULL
 * nested       the group the failure is made of; empty when it is no group
 * n_cancelled  cancellations that came with the failure and belong to a scope further out
 */
struct nuri_failure {
	int code;
	char *text;
	const char *file;
	int line;
	struct nur_errors nested;
	size_t n_cancelled;
};

/* nuri_failure_destroy() - accepts NULL */
void nuri_failure_destroy(struct nuri_failure *failure);

/**
 * nuri_errors_add() - record a failure at the end of a group
 * @failure:    NULL, or a record to move text and nested group from, if its code is @code
 *
 * When there is no memory the failure is counted in n_lost.
 */
void nuri_errors_add(struct nur_errors *errors, int code, const char *task_name, bool is_body,
	struct nuri_failure *failure);

/*
 * nuri_fail_as() - the calling task is about to fail as @error says, whose text and nested group it takes,
 * and with so many cancellations
 */
void nuri_fail_as(struct nur_error *error, size_t n_cancelled);

/* nuri_errors_forget_cancelled() - nobody further out is cancelled: no group in @errors counts any */
void nuri_errors_forget_cancelled(struct nur_errors *errors);

/*
 * nuri_task_failure() - the calling task's record, emptied and made for @code; NULL without memory,
 * or without a task or a thread that collects
 */
struct nuri_failure *nuri_task_failure(int code);

/* nuri_collect_failure() - where the calling thread's record goes outside of tasks; NULL: nowhere */
void nuri_collect_failure(struct nuri_failure **place);

/* SPDX-License-Identifier: MIT */
/* The field "assert": what a body must hold to count as success. Pure. */
#pragma once

#include "lib/protocol/batch_fields.h"

struct assertion;

/**
 * assertion_create() - make the checks ready; the bodies of thousands of URLs are held against them
 * @from:           read from a request, so its pattern compiles; borrowed until assertion_destroy()
 * @ret_assertion:  given: assertion_destroy()
 *
 * Return: 0 or -ENOMEM.
 */
int assertion_create(const struct batch_assert *from, struct assertion **ret_assertion);

/* assertion_destroy() - accepts NULL */
void assertion_destroy(struct assertion *assertion);

DEFINE_CLEANUP(struct assertion *, assertion_destroy);

/**
 * assertion_check() - hold a body against all checks, in the order contains, regex, json
 * @body:     @len bytes
 * @ret_why:  @cap bytes; on -EINVAL what the first failing check found, for people
 *
 * Needs less than 16 KiB of stack. Return: 0, -EINVAL or -ENOMEM.
 */
int assertion_check(
	const struct assertion *assertion, const char *body, size_t len, char *ret_why, size_t cap);

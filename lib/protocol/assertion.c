/* SPDX-License-Identifier: MIT */
#include "lib/protocol/assertion.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/protocol/json.h"
#include "lib/protocol/regex.h"

/* regex  NULL: not asked for */
struct assertion {
	const struct batch_assert *from;
	struct regex *regex;
};

int
assertion_create(const struct batch_assert *from, struct assertion **ret_assertion)
{
	_cleanup_(assertion_destroyp) struct assertion *assertion = NULL;
	struct regex_error error;
	int r;

	assertion = calloc(1, sizeof(*assertion));
	if (!assertion) {
		return -ENOMEM;
	}
	assertion->from = from;
	if (from->regex) {
		r = regex_create(from->regex, &assertion->regex, &error);
		if (r < 0) {
			return r;
		}
	}
	*ret_assertion = steal(&assertion);
	return 0;
}

void
assertion_destroy(struct assertion *assertion)
{
	if (!assertion) {
		return;
	}
	regex_destroy(assertion->regex);
	free(assertion);
}

static int
check_contains(const char *text, const char *body, size_t len, char *ret_why, size_t cap)
{
	if (memmem(body, len, text, strlen(text))) {
		return 0;
	}
	(void)snprintf(ret_why, cap, "the body does not contain \"%s\"", text);
	return -EINVAL;
}

static int
check_regex(
	const struct assertion *assertion, const char *body, size_t len, char *ret_why, size_t cap)
{
	int r = regex_match(assertion->regex, body, len);

	if (r == 1) {
		return 0;
	}
	if (r == -ENOMEM) {
		return r;
	}
	(void)snprintf(ret_why, cap,
		r == 0 ? "the body does not match \"%s\""
		       : "\"%s\" takes too many steps on this body",
		assertion->from->regex);
	return -EINVAL;
}

static int
check_value(
	const struct batch_json_check *check, const struct value *root, char *ret_why, size_t cap)
{
	const struct value *found = value_find(root, check->pointer);
	char has[80];
	char wants[80];

	if (found && value_equal(found, check->value)) {
		return 0;
	}
	(void)snprintf(ret_why, cap, "%s%s%s is %s, not %s", *check->pointer ? "\"" : "the body",
		check->pointer, *check->pointer ? "\"" : "",
		found ? value_describe(found, has, sizeof(has)) : "not there",
		value_describe(check->value, wants, sizeof(wants)));
	return -EINVAL;
}

static int
check_json(const struct batch_assert *from, const char *body, size_t len, char *ret_why, size_t cap)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	struct json_error error;
	int r;

	r = json_parse_foreign(body, len, &tree, &error);
	if (r == -EINVAL) {
		(void)snprintf(ret_why, cap, "the body is no JSON: line %u, column %u: %s",
			(unsigned)error.line, (unsigned)error.column, error.text);
	}
	for (size_t i = 0; r == 0 && i < from->n_json; i++) {
		r = check_value(&from->json[i], tree->root, ret_why, cap);
	}
	return r;
}

int
assertion_check(
	const struct assertion *assertion, const char *body, size_t len, char *ret_why, size_t cap)
{
	const struct batch_assert *from = assertion->from;
	int r = 0;

	if (from->contains) {
		r = check_contains(from->contains, body, len, ret_why, cap);
	}
	if (r == 0 && assertion->regex) {
		r = check_regex(assertion, body, len, ret_why, cap);
	}
	if (r == 0 && from->n_json > 0) {
		r = check_json(from, body, len, ret_why, cap);
	}
	return r;
}

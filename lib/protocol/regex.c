/* SPDX-License-Identifier: MIT */
/*
 * PCRE2 with every limit on. Its JIT stays off: a service may not have memory that is writable and
 * executable.
 */
#include "lib/protocol/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include <errno.h>
#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>

/* The compiler calls itself for each nested group, on the small stack of a task. */
#define NEST_MAX 32

/* Some milliseconds of the loop, and a megabyte. */
#define STEPS_MAX    200000
#define HEAP_KIB_MAX 1024

struct regex {
	pcre2_code *code;
};

static void
explain(int code, size_t offset, struct regex_error *ret_error)
{
	ret_error->offset = offset;
	(void)pcre2_get_error_message(code, (PCRE2_UCHAR *)ret_error->text,
		sizeof(ret_error->text)); /* longer is cut, with its NUL */
}

static int
compile(const char *pattern, pcre2_code **ret_code, struct regex_error *ret_error)
{
	const uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_SIZE offset = 0;
	int error = 0;

	if (!context) {
		return -ENOMEM;
	}
	(void)pcre2_set_parens_nest_limit(context, NEST_MAX);           /* can't fail */
	(void)pcre2_set_max_pattern_length(context, REGEX_PATTERN_MAX); /* can't fail */
	*ret_code = pcre2_compile(
		(PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &error, &offset, context);
	pcre2_compile_context_free(context);
	if (*ret_code) {
		return 0;
	}
	if (error == PCRE2_ERROR_HEAP_FAILED) {
		return -ENOMEM;
	}
	explain(error, offset, ret_error);
	return -EINVAL;
}

int
regex_create(const char *pattern, struct regex **ret_regex, struct regex_error *ret_error)
{
	_cleanup_(regex_destroyp) struct regex *regex = calloc(1, sizeof(*regex));
	int r;

	if (!regex) {
		return -ENOMEM;
	}
	r = compile(pattern, &regex->code, ret_error);
	if (r < 0) {
		return r;
	}
	if (ret_regex) {
		*ret_regex = steal(&regex);
	}
	return 0;
}

void
regex_destroy(struct regex *regex)
{
	if (!regex) {
		return;
	}
	pcre2_code_free(regex->code);
	free(regex);
}

static int
match_within(const struct regex *regex, const char *text, size_t len, pcre2_match_context *context)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	int r;

	if (!data) {
		return -ENOMEM;
	}
	r = pcre2_match(regex->code, (PCRE2_SPTR)text, len, 0, 0, data, context);
	pcre2_match_data_free(data);
	switch (r) {
	case PCRE2_ERROR_NOMATCH:
		return 0;
	case PCRE2_ERROR_NOMEMORY:
		return -ENOMEM;
	default:
		return r >= 0 ? 1 : -E2BIG;
	}
}

int
regex_match(const struct regex *regex, const char *text, size_t len)
{
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	int r;

	if (!context) {
		return -ENOMEM;
	}
	(void)pcre2_set_match_limit(context, STEPS_MAX);   /* can't fail */
	(void)pcre2_set_heap_limit(context, HEAP_KIB_MAX); /* can't fail */
	r = match_within(regex, len > 0 ? text : "", len, context);
	pcre2_match_context_free(context);
	return r;
}

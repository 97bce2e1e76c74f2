/* SPDX-License-Identifier: MIT */
/* The field "assert". */
#include "lib/protocol/batch_setters.h"

#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/regex.h"

static void
set_regex(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_assert *assertion = target;
	struct regex_error error;
	const char *text;
	int r;

	if (!batch_take_content(at, value, &text)) {
		return;
	}
	r = regex_create(text, NULL, &error);
	if (r == -EINVAL) {
		field_fault(at, value, NULL, "no regular expression: at character %zu: %s",
			error.offset + 1, error.text);
	} else if (r < 0) {
		at->fields->error = r;
	} else {
		assertion->regex = field_keep(at, text, value->text_len);
	}
}

/* RFC 6901: empty, or parts that begin with "/"; "~" only as "~0" and "~1". */
static bool
is_json_pointer(const char *text)
{
	if (*text && *text != '/') {
		return false;
	}
	for (; *text; text++) {
		if (*text == '~' && text[1] != '0' && text[1] != '1') {
			return false;
		}
	}
	return true;
}

static void
set_assert_json(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_assert *assertion = target;
	struct batch_json_check *checks;
	const struct value *member;
	size_t n = 0;

	if (value->type != VALUE_MAP || value->n == 0) {
		field_wrong_type(at, value);
		return;
	}
	checks = field_alloc(at, value->n * sizeof(*checks));
	if (!checks) {
		return;
	}
	value_for_each(member, value) {
		if (!is_json_pointer(member->key)) {
			field_fault(at, member, NULL,
				"\"%s\" is no JSON pointer, such as \"/status\"", member->key);
			return;
		}
		checks[n].pointer = field_keep(at, member->key, member->key_len);
		checks[n].value = value_copy(at->fields->arena, member);
		if (!checks[n].value) {
			at->fields->error = -ENOMEM;
			return;
		}
		n++;
	}
	assertion->json = checks;
	assertion->n_json = n;
}

static const struct field assert_rows[] = {
	{ "contains", "a string such as \"all systems operational\"", false, FIELD_TEXT,
		batch_set_content, .offset = offsetof(struct batch_assert, contains) },
	{ "regex", "a regular expression such as \"^ok\"", false, FIELD_TEXT, set_regex },
	{ "json", "an object of JSON pointers and values such as {\"/status\": \"ok\"}", false,
		FIELD_MAP, set_assert_json },
};

const struct field_table batch_assert_table = { assert_rows, ARRAY_LEN(assert_rows) };

void
batch_set_assert(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	struct batch_assert assertion = { NULL };

	if (batch_has_feature(at, value, BATCH_FEATURE_ASSERT)) {
		batch_set_nested(at, value, &assertion);
		options->assertion = assertion;
	}
}

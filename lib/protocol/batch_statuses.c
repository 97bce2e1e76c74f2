/* SPDX-License-Identifier: MIT */
/* Lists of statuses, as "expect" and "retries.on" have them. */
#include "lib/protocol/batch_setters.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

/* Three digits at @text, 100 to 599. */
static bool
take_status(const char *text, uint16_t *ret_status)
{
	if (text[0] < '1' || text[0] > '5' || !isdigit((unsigned char)text[1]) ||
		!isdigit((unsigned char)text[2])) {
		return false;
	}
	*ret_status = (uint16_t)((text[0] - '0') * 100 + (text[1] - '0') * 10 + text[2] - '0');
	return true;
}

/* "404", "2xx", "200-399" */
static bool
parse_statuses(const char *text, size_t len, struct batch_status_range *ret_range)
{
	struct batch_status_range range;

	if (len == 3 && text[0] >= '1' && text[0] <= '5' && memcmp(text + 1, "xx", 2) == 0) {
		range.first = (uint16_t)((text[0] - '0') * 100);
		range.last = (uint16_t)(range.first + 99);
	} else if (len == 3 && take_status(text, &range.first)) {
		range.last = range.first;
	} else if (len != 7 || text[3] != '-' || !take_status(text, &range.first) ||
		   !take_status(text + 4, &range.last) || range.first > range.last) {
		return false;
	}
	*ret_range = range;
	return true;
}

static bool
read_status(const struct value *value, struct batch_status_range *ret_range)
{
	if (value->type == VALUE_INTEGER && value->integer >= 100 && value->integer <= 599) {
		ret_range->first = ret_range->last = (uint16_t)value->integer;
		return true;
	}
	return value->type == VALUE_STRING &&
	       parse_statuses(value->text, value->text_len, ret_range);
}

static void
describe_status(const struct value *value, struct buffer *out)
{
	if (out->len > 0) {
		buffer_puts(out, ", ");
	}
	if (value->type == VALUE_INTEGER) {
		buffer_printf(out, "%" PRId64, value->integer);
	} else {
		buffer_append(out, value->text, value->text_len);
	}
}

/* Beside statuses in a list of what to retry on. */
static const char *const retry_words[] = { "connect", "timeout" };

/* Reports an element of a list that is no status, and where words may stand none of these either. */
static void
refuse_status(const struct field_at *list, const struct value *value, size_t index, bool with_words)
{
	const struct value_path path = { .parent = list->path, .index = index };
	const struct field_at at = { list->fields, list->field, &path };
	struct suggestion suggestion = SUGGESTION_INIT;
	char description[80];

	for (size_t i = 0; with_words && value->text && i < ARRAY_LEN(retry_words); i++) {
		suggestion_offer(&suggestion, value->text, value->text_len, retry_words[i]);
	}
	field_fault(&at, value, suggestion.name,
		"must be %sa status from 100 to 599, \"2xx\" or \"200-399\"; found %s",
		with_words ? "\"connect\", \"timeout\", " : "",
		value_describe(value, description, sizeof(description)));
}

void
batch_set_statuses(const struct field_at *at, const struct value *list,
	struct batch_retries *retries, struct batch_statuses *ret_statuses)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	struct batch_status_range *ranges;
	bool on_connect = false, on_timeout = false, all_good = true;
	const struct value *value;
	size_t n = 0, index = 0;

	if (list->type != VALUE_LIST || list->n == 0) {
		field_wrong_type(at, list);
		return;
	}
	if (!retries && list->n > BATCH_EXPECT_MAX) {
		field_fault(at, list, NULL,
			"at most %d statuses and ranges, such as \"200-299\"; found %zu",
			BATCH_EXPECT_MAX, list->n);
		return;
	}
	ranges = field_alloc(at, list->n * sizeof(*ranges));
	if (!ranges) {
		return;
	}
	value_for_each(value, list) {
		if (retries && value_is_text(value, retry_words[0])) {
			on_connect = true;
		} else if (retries && value_is_text(value, retry_words[1])) {
			on_timeout = true;
		} else if (read_status(value, &ranges[n])) {
			describe_status(value, &text);
			n++;
		} else {
			refuse_status(at, value, index, retries != NULL);
			all_good = false;
		}
		index++;
	}
	if (!all_good) {
		return;
	}
	if (retries) {
		retries->on_connect = on_connect;
		retries->on_timeout = on_timeout;
	}
	buffer_puts(&text, "");
	*ret_statuses = (struct batch_statuses){
		.ranges = ranges,
		.n = n,
		.text = buffer_error(&text) < 0 ? NULL
						: field_keep(at, n ? text.data : "", text.len),
	};
	if (!ret_statuses->text) {
		at->fields->error = -ENOMEM;
	}
}

void
batch_set_statuses_from_text(
	const struct field_at *at, const struct value *value, struct batch_statuses *ret_statuses)
{
	struct value list = { .type = VALUE_LIST };
	const char *piece = value->text;

	while (piece) {
		const char *comma = strchr(piece, ',');
		struct value *item = value_new(at->fields->arena, VALUE_STRING);

		if (!item) {
			at->fields->error = -ENOMEM;
			return;
		}
		item->text_len = comma ? (size_t)(comma - piece) : strlen(piece);
		item->text = field_keep(at, piece, item->text_len);
		if (!item->text) {
			return;
		}
		value_append(&list, item);
		piece = comma ? comma + 1 : NULL;
	}
	batch_set_statuses(at, &list, NULL, ret_statuses);
}

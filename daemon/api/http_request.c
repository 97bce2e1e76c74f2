/* SPDX-License-Identifier: MIT */
#include "daemon/api/http_request.h"

#include <string.h>
#include <strings.h>

static bool
is_white(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_equal(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

/* An element of a list, without white space around it. */
struct element {
	const char *text;
	size_t len;
};

/*
 * Takes the next element off a list separated by @separator (RFC 9110, 5.6.1), not looking into
 * quoted strings. Empty elements are skipped.
 */
static bool
next_element(const char **cursor, char separator, struct element *ret_element)
{
	const char *start = *cursor;
	const char *end;
	bool in_quotes = false;

	while (*start == separator || is_white(*start)) {
		start++;
	}
	for (end = start; *end && (in_quotes || *end != separator); end++) {
		if (*end == '"') {
			in_quotes = !in_quotes;
		} else if (*end == '\\' && in_quotes && end[1]) {
			end++;
		}
	}
	*cursor = end;
	while (end > start && is_white(end[-1])) {
		end--;
	}
	*ret_element = (struct element){ start, (size_t)(end - start) };
	return end > start;
}

const char *
http_request_field(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->n_fields; i++) {
		if (strcasecmp(request->fields[i].name, name) == 0) {
			return request->fields[i].value;
		}
	}
	return NULL;
}

const char *
http_request_param(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->n_params; i++) {
		if (strcmp(request->params[i].name, name) == 0) {
			return request->params[i].value;
		}
	}
	return NULL;
}

bool
http_request_lists(const struct http_request *request, const char *name, const char *word)
{
	for (size_t i = 0; i < request->n_fields; i++) {
		const char *cursor = request->fields[i].value;
		struct element element;

		if (strcasecmp(request->fields[i].name, name) != 0) {
			continue;
		}
		while (next_element(&cursor, ',', &element)) {
			size_t len = strcspn(element.text, " \t;=,\"");

			if (len <= element.len && is_equal(element.text, len, word)) {
				return true;
			}
		}
	}
	return false;
}

/*
 * weight = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ), RFC 9110, 12.4.2. In thousandths,
 * or -1.
 */
static int
parse_weight(const char *text, size_t len)
{
	int weight;
	int unit = 100;

	if (len == 0 || len > 5 || (text[0] != '0' && text[0] != '1') ||
		(len > 1 && text[1] != '.')) {
		return -1;
	}
	weight = (text[0] - '0') * 1000;
	for (size_t i = 2; i < len; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return -1;
		}
		weight += (text[i] - '0') * unit;
		unit /= 10;
	}
	return weight <= 1000 ? weight : -1;
}

/* How exactly a range of Accept names @type: 3 itself, 2 "text/…", 1 everything, 0 not at all. */
static int
match_range(const struct element *range, const char *type)
{
	size_t slash = strcspn(type, "/");

	if (is_equal(range->text, range->len, type)) {
		return 3;
	}
	if (range->len == slash + 2 && strncasecmp(range->text, type, slash + 1) == 0 &&
		range->text[slash + 1] == '*') {
		return 2;
	}
	return is_equal(range->text, range->len, "*/*") ? 1 : 0;
}

/*
 * "text/plain;version=0.0.4;q=0.5" for @type: raises *weight when it says it as exactly as before.
 */
static void
judge_element(const struct element *element, const char *type, int *exactness, int *weight)
{
	char text[256];
	const char *cursor = text;
	struct element part;
	int matched;
	int q = 1000;

	if (element->len >= sizeof(text)) {
		return;
	}
	memcpy(text, element->text, element->len);
	text[element->len] = '\0';

	if (!next_element(&cursor, ';', &part)) {
		return;
	}
	matched = match_range(&part, type);
	while (next_element(&cursor, ';', &part)) {
		if (part.len >= 2 && (part.text[0] | 0x20) == 'q' && part.text[1] == '=') {
			q = parse_weight(part.text + 2, part.len - 2);
		}
	}
	if (matched == 0 || q < 0 || matched < *exactness ||
		(matched == *exactness && q <= *weight)) {
		return;
	}
	*exactness = matched;
	*weight = q;
}

/* The weight of @type in thousandths; -1 when no Accept field is there at all. */
static int
weigh(const struct http_request *request, const char *type)
{
	int exactness = 0;
	int weight = 0;

	if (!http_request_field(request, "Accept")) {
		return -1;
	}
	for (size_t i = 0; i < request->n_fields; i++) {
		const char *cursor = request->fields[i].value;
		struct element element;

		if (strcasecmp(request->fields[i].name, "Accept") != 0) {
			continue;
		}
		while (next_element(&cursor, ',', &element)) {
			judge_element(&element, type, &exactness, &weight);
		}
	}
	return weight;
}

int
http_request_accepts(const struct http_request *request, const char *const *offers, size_t n_offers)
{
	int best = -1;
	int best_weight = 0;

	for (size_t i = 0; i < n_offers; i++) {
		int weight = weigh(request, offers[i]);

		if (weight < 0) {
			return 0; /* no wishes: the first */
		}
		if (weight > best_weight) {
			best = (int)i;
			best_weight = weight;
		}
	}
	return best;
}

bool
http_media_type_is(const char *value, const char *type)
{
	size_t len = strcspn(value, ";");

	while (len > 0 && is_white(value[len - 1])) {
		len--;
	}
	return is_equal(value, len, type);
}

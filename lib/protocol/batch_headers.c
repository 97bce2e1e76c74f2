/* SPDX-License-Identifier: MIT */
/* The field "headers": what a caller may have sent with a request. */
#include "lib/protocol/batch_setters.h"

#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"

/* RFC 9110 and libcurl own these; Host decides where a request goes, the others where it ends. */
static const char *const forbidden_headers[] = { "Host", "Content-Length", "Transfer-Encoding",
	"Connection", "Keep-Alive", "Expect", "TE", "Trailer", "Upgrade", "HTTP2-Settings", NULL };

/* RFC 9110, section 5.6.2 */
static bool
is_token(const char *text)
{
	return *text && text[strspn(text, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
					  "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

static bool
is_forbidden_header(const char *name)
{
	const char *const *forbidden;

	for (forbidden = forbidden_headers; *forbidden; forbidden++) {
		if (strcasecmp(name, *forbidden) == 0) {
			return true;
		}
	}
	return strncasecmp(name, "Proxy-", 6) == 0;
}

/*
 * A tab may stand in a value, a line's end never: it would begin a header of the caller's
 * invention.
 */
static bool
is_header_value(const char *text)
{
	for (; *text; text++) {
		if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f) {
			return false;
		}
	}
	return true;
}

static bool
is_among(const struct batch_header *headers, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcasecmp(headers[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

/* Checks one member of "headers" and reports what is wrong with it. */
static bool
check_header(const struct field_at *at, const struct value *value,
	const struct batch_header *before, size_t n_before)
{
	const struct value_path path = {
		.parent = at->path,
		.key = value->key,
		.key_len = value->key_len,
	};
	const struct field_at here = { at->fields, at->field, &path };
	const char *text;

	if (!is_token(value->key)) {
		field_fault(&here, value, NULL,
			"a header's name has only letters, digits and !#$%%&'*+-.^_`|~");
	} else if (is_forbidden_header(value->key)) {
		field_fault(&here, value, NULL, "this header is set by fetchd and cannot be given");
	} else if (is_among(before, n_before, value->key)) {
		field_fault(
			&here, value, NULL, "this header was there before; case does not count");
	} else if (value->type != VALUE_STRING) {
		char description[80];

		field_fault(&here, value, NULL, "must be a string; found %s",
			value_describe(value, description, sizeof(description)));
	} else if (field_text(&here, value, &text) && !is_header_value(text)) {
		field_fault(&here, value, NULL, "must not contain line ends or control characters");
	} else {
		return true;
	}
	return false;
}

void
batch_set_headers(const struct field_at *at, const struct value *map, void *target)
{
	struct batch_options *options = target;
	struct batch_header *headers;
	const struct value *value;
	size_t n = 0, bytes = 0;
	bool all_good = true;

	if (map->type != VALUE_MAP) {
		field_wrong_type(at, map);
		return;
	}
	if (map->n > BATCH_HEADERS_MAX) {
		field_fault(
			at, map, NULL, "at most %d headers, found %zu", BATCH_HEADERS_MAX, map->n);
		return;
	}
	headers = field_alloc(at, map->n * sizeof(*headers));
	if (!headers) {
		return;
	}
	value_for_each(value, map) {
		if (!check_header(at, value, headers, n)) {
			all_good = false;
			continue;
		}
		bytes += value->key_len + value->text_len;
		headers[n].name = field_keep(at, value->key, value->key_len);
		headers[n].value = field_keep(at, value->text, value->text_len);
		if (!headers[n].name || !headers[n].value) {
			return;
		}
		n++;
	}
	if (bytes > BATCH_HEADER_BYTES) {
		field_fault(at, map, NULL, "at most %d bytes of headers", BATCH_HEADER_BYTES);
	} else if (all_good) {
		options->headers = headers;
		options->n_headers = n;
	}
}

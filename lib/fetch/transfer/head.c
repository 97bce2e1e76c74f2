/* SPDX-License-Identifier: MIT */
#include "lib/fetch/transfer/head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A field's value, without the space around it. */
struct value {
	const char *text;
	size_t len;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
find_value(const char *line, size_t len, const char *name, struct value *value)
{
	size_t name_len = strlen(name);

	if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0) {
		return false;
	}
	value->text = line + name_len + 1;
	value->len = len - name_len - 1;
	while (value->len > 0 && is_blank(*value->text)) {
		value->text++;
		value->len--;
	}
	while (value->len > 0 && is_blank(value->text[value->len - 1])) {
		value->len--;
	}
	return true;
}

/*
 * RFC 9112, 6.3: a message whose Content-Length is not a number, or is several different ones, has
 * no known end and must not be believed. libcurl takes what it can read, or the last one.
 */
static int
keep_length(struct fetch_head *head, const struct value *value)
{
	int64_t length = 0;

	if (value->len == 0) {
		return -EBADMSG;
	}
	for (size_t i = 0; i < value->len; i++) {
		int digit = value->text[i] - '0';

		if (digit < 0 || digit > 9) {
			return -EBADMSG;
		}
		if (__builtin_mul_overflow(length, 10, &length) ||
			__builtin_add_overflow(length, digit, &length)) {
			length = INT64_MAX;
		}
	}
	if (head->announced >= 0 && head->announced != length) {
		return -EBADMSG;
	}
	head->announced = length;
	return 0;
}

static int
keep_location(struct fetch_head *head, const struct value *value)
{
	if (head->location) {
		return 0; /* the first one counts, as in browsers */
	}
	head->location = strndup(value->text, value->len);
	return head->location ? 0 : -ENOMEM;
}

/* A response begins, perhaps not the first: informational ones come before. */
static void
begin(struct fetch_head *head, const char *line, size_t len)
{
	const char *p = memchr(line, ' ', len);
	const char *end = line + len;

	head->status = 0;
	for (p = p ? p + 1 : end; p < end && *p >= '0' && *p <= '9' && head->status < 1000; p++) {
		head->status = head->status * 10 + (*p - '0');
	}
	head->announced = -1;
	head->is_chunked = false;
	free(head->location);
	head->location = NULL;
}

/* Ten lines a response, of which at most three matter: the first letter tells most of them apart. */
static int
read_field(struct fetch_head *head, const char *line, size_t len)
{
	struct value value;

	switch (*line | 0x20) {
	case 'c':
		return find_value(line, len, "Content-Length", &value) ? keep_length(head, &value)
								       : 0;
	case 'l':
		return find_value(line, len, "Location", &value) ? keep_location(head, &value) : 0;
	case 't':
		head->is_chunked =
			head->is_chunked || find_value(line, len, "Transfer-Encoding", &value);
		return 0;
	default:
		return 0;
	}
}

int
fetch_head_read(struct fetch_head *head, const char *line, size_t len)
{
	head->len += len;
	head->n_lines++;
	if (head->len > FETCH_HEAD_MAX || head->n_lines > FETCH_FIELDS_MAX) {
		return -EMSGSIZE;
	}
	if (head->is_whole) {
		return 0; /* a trailer */
	}
	if (len > strlen("HTTP/") && memcmp(line, "HTTP/", strlen("HTTP/")) == 0) {
		begin(head, line, len);
		return head->status == 101 ? -EPROTO : 0;
	}
	if (*line == '\r' || *line == '\n') {
		head->is_whole = head->status >= 200;
		return 0;
	}
	return read_field(head, line, len);
}

bool
fetch_head_has_body(int status, const char *method)
{
	/* RFC 9110, 6.4.1 */
	return strcmp(method, "HEAD") != 0 && status >= 200 && status != 204 && status != 304;
}

void
fetch_head_fini(struct fetch_head *head)
{
	free(head->location);
	*head = (struct fetch_head)FETCH_HEAD_INIT;
}

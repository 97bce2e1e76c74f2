/* SPDX-License-Identifier: MIT */
#include "client/http_answer.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"

static int
parse_status_line(struct http_answer *answer, const char *line)
{
	if (strncmp(line, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)line[7]) ||
		line[8] != ' ' || !isdigit((unsigned char)line[9]) ||
		!isdigit((unsigned char)line[10]) || !isdigit((unsigned char)line[11]) ||
		(line[12] != ' ' && line[12] != '\0')) {
		return -EPROTO;
	}
	answer->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
	answer->state = ANSWER_FIELDS;
	return answer->status < 100 ? -EPROTO : 0;
}

static int
parse_number(const char *text, unsigned int base, uint64_t *ret_number)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; isxdigit((unsigned char)text[i]); i++) {
		int c = tolower((unsigned char)text[i]);
		unsigned int digit = (unsigned int)(isdigit(c) ? c - '0' : c - 'a' + 10);

		if (digit >= base || i >= 15) { /* 15 digits never overflow */
			return -EPROTO;
		}
		number = number * base + digit;
	}
	if (i == 0 || (text[i] && text[i] != ';' && text[i] != ' ' && text[i] != '\t')) {
		return -EPROTO;
	}
	*ret_number = number;
	return 0;
}

static int
parse_length(struct http_answer *answer, const char *value)
{
	if (answer->has_length) {
		return -EPROTO;
	}
	answer->has_length = true;
	return parse_number(value, 10, &answer->remaining);
}

static int
parse_coding(struct http_answer *answer, const char *value)
{
	answer->is_chunked = strcasecmp(value, "chunked") == 0;
	return answer->is_chunked ? 0 : -EPROTO;
}

static int
parse_content_type(struct http_answer *answer, const char *value)
{
	size_t i;

	for (i = 0; value[i] && value[i] != ';' && value[i] != ' ' &&
		    i + 1 < sizeof(answer->content_type);
		i++) {
		answer->content_type[i] = (char)tolower((unsigned char)value[i]);
	}
	answer->content_type[i] = '\0';
	return 0;
}

static int
parse_retry_after(struct http_answer *answer, const char *value)
{
	(void)snprintf(answer->retry_after, sizeof(answer->retry_after), "%s", value);
	return 0;
}

static const struct {
	const char *name;
	int (*parse)(struct http_answer *answer, const char *value);
} fields[] = {
	{ "Content-Length", parse_length },
	{ "Transfer-Encoding", parse_coding },
	{ "Content-Type", parse_content_type },
	{ "Retry-After", parse_retry_after },
};

/* The empty line: what follows depends on the fields (RFC 9112, 6.3). */
static void
end_head(struct http_answer *answer)
{
	if (answer->status < 200) {
		answer->state = ANSWER_STATUS_LINE; /* an interim answer; the real one follows */
		answer->is_chunked = false;
		answer->has_length = false;
	} else if (answer->status == 204 || answer->status == 304) {
		answer->state = ANSWER_DONE;
	} else if (answer->is_chunked) {
		answer->state = ANSWER_CHUNK_SIZE;
	} else if (answer->has_length) {
		answer->state = answer->remaining > 0 ? ANSWER_CONTENT : ANSWER_DONE;
	} else {
		answer->state = ANSWER_CONTENT_CLOSE;
	}
}

static int
parse_field(struct http_answer *answer, char *line)
{
	char *value = strchr(line, ':');
	size_t i;

	if (!line[0]) {
		end_head(answer);
		return 0;
	}
	if (!value) {
		return -EPROTO;
	}
	*value++ = '\0';
	value += strspn(value, " \t");
	for (i = strlen(value); i > 0 && strchr(" \t", value[i - 1]); i--) {
		value[i - 1] = '\0';
	}
	for (i = 0; i < ARRAY_LEN(fields); i++) {
		if (strcasecmp(line, fields[i].name) == 0) {
			return fields[i].parse(answer, value);
		}
	}
	return 0;
}

static int
parse_chunk_size(struct http_answer *answer, const char *line)
{
	int r = parse_number(line, 16, &answer->remaining);

	answer->state = answer->remaining > 0 ? ANSWER_CHUNK : ANSWER_TRAILERS;
	return r;
}

static int
parse_line(struct http_answer *answer, char *line)
{
	switch (answer->state) {
	case ANSWER_STATUS_LINE:
		return parse_status_line(answer, line);
	case ANSWER_FIELDS:
		return parse_field(answer, line);
	case ANSWER_CHUNK_SIZE:
		return parse_chunk_size(answer, line);
	case ANSWER_CHUNK_END:
		answer->state = ANSWER_CHUNK_SIZE;
		return line[0] ? -EPROTO : 0;
	case ANSWER_TRAILERS:
		answer->state = line[0] ? ANSWER_TRAILERS : ANSWER_DONE;
		return 0;
	case ANSWER_CONTENT:
	case ANSWER_CONTENT_CLOSE:
	case ANSWER_CHUNK:
	case ANSWER_DONE:
		break;
	}
	return 0;
}

/* Collects bytes up to the end of a line and parses it. Return: bytes used, or negative. */
static ssize_t
feed_line(struct http_answer *answer, const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);
	size_t used = end ? (size_t)(end - data) + 1 : len;
	int r;

	if (answer->line.len + used > HTTP_ANSWER_LINE_MAX) {
		return -EPROTO;
	}
	buffer_append(&answer->line, data, used);
	if (buffer_error(&answer->line) < 0) {
		return buffer_error(&answer->line);
	}
	if (!end) {
		return (ssize_t)used;
	}

	answer->line.data[--answer->line.len] = '\0';
	if (answer->line.len > 0 && answer->line.data[answer->line.len - 1] == '\r') {
		answer->line.data[--answer->line.len] = '\0';
	}
	r = memchr(answer->line.data, '\0', answer->line.len)
		    ? -EPROTO
		    : parse_line(answer, answer->line.data);
	buffer_clear(&answer->line);
	return r < 0 ? r : (ssize_t)used;
}

static size_t
feed_content(struct http_answer *answer, const char *data, size_t len, struct buffer *content)
{
	size_t used = len;

	if (answer->state != ANSWER_CONTENT_CLOSE) {
		used = answer->remaining < len ? (size_t)answer->remaining : len;
		answer->remaining -= used;
		if (answer->remaining == 0) {
			answer->state =
				answer->state == ANSWER_CHUNK ? ANSWER_CHUNK_END : ANSWER_DONE;
		}
	}
	buffer_append(content, data, used);
	return used;
}

int
http_answer_feed(struct http_answer *answer, const char *data, size_t len, struct buffer *content)
{
	while (len > 0 && answer->state != ANSWER_DONE) {
		ssize_t used;

		if (answer->state == ANSWER_CONTENT || answer->state == ANSWER_CHUNK ||
			answer->state == ANSWER_CONTENT_CLOSE) {
			used = (ssize_t)feed_content(answer, data, len, content);
		} else {
			used = feed_line(answer, data, len);
		}
		if (used < 0) {
			return (int)used;
		}
		data += used;
		len -= (size_t)used;
	}
	return buffer_error(content);
}

int
http_answer_close(struct http_answer *answer)
{
	if (answer->state == ANSWER_CONTENT_CLOSE) {
		answer->state = ANSWER_DONE;
	}
	return answer->state == ANSWER_DONE ? 0 : -ECONNRESET;
}

bool
http_answer_has_head(const struct http_answer *answer)
{
	return answer->state > ANSWER_FIELDS;
}

void
http_answer_fini(struct http_answer *answer)
{
	buffer_fini(&answer->line);
}

/* SPDX-License-Identifier: MIT */
/*
 * Writes JSON into a buffer, front to back: no tree, no state but "a comma is due". Every URL's
 * result takes this way, so numbers are formatted by hand and runs of plain characters are copied
 * whole. Bytes from outside may be anything: what is not UTF-8 is written as U+FFFD. A failing
 * allocation is kept in the buffer (buffer_error()).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/buffer.h"

struct json_writer {
	struct buffer *out;
	bool comma;
};

#define JSON_WRITER_INIT(buffer) \
	{ \
		(buffer), false \
	}

void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);

/* json_end_line() - a newline; the next value starts a text of its own (NDJSON) */
void json_end_line(struct json_writer *w);

/*
 * json_begin_value() - the comma that is due, and room for a value of at most @len bytes; its
 * place, or NULL when there is no memory
 */
static inline char *
json_begin_value(struct json_writer *w, size_t len)
{
	char *at;

	if (buffer_reserve(w->out, len + 1) < 0) {
		return NULL;
	}
	at = w->out->data + w->out->len;
	if (w->comma) {
		*at++ = ',';
	}
	w->comma = true;
	return at;
}

/* json_end_value() - it ends before @end */
static inline void
json_end_value(struct json_writer *w, char *end)
{
	w->out->len = (size_t)(end - w->out->data);
	*end = '\0';
}

static inline void
json_write_quoted_name(struct json_writer *w, const char *name, size_t len)
{
	char *at = json_begin_value(w, len);

	if (at) {
		memcpy(at, name, len);
		json_end_value(w, at + len);
	}
	w->comma = false;
}

/* json_write_key() - the name of the next member: a literal without anything to escape */
#define json_write_key(w, literal) \
	json_write_quoted_name((w), "\"" literal "\":", sizeof("\"" literal "\":") - 1)

/* json_write_name() - the same, any plain ASCII */
void json_write_name(struct json_writer *w, const char *name, size_t len);

/* json_write_name_bytes() - the name of the next member, any bytes */
void json_write_name_bytes(struct json_writer *w, const char *name, size_t len);

void json_write_null(struct json_writer *w);
void json_write_bool(struct json_writer *w, bool value);
void json_write_int(struct json_writer *w, int64_t value);
void json_write_uint(struct json_writer *w, uint64_t value);

/* json_write_real() - shortest text that reads back as @value; null when it is not finite */
void json_write_real(struct json_writer *w, double value);

/* json_write_bytes() - a string of @len bytes, escaped and repaired */
void json_write_bytes(struct json_writer *w, const char *text, size_t len);

/* json_write_text() - a NUL-terminated string, or null for NULL */
static inline void
json_write_text(struct json_writer *w, const char *text)
{
	if (text) {
		json_write_bytes(w, text, strlen(text));
	} else {
		json_write_null(w);
	}
}

/* json_write_base64() - @len bytes as a base64 string (RFC 4648, padded) */
void json_write_base64(struct json_writer *w, const void *data, size_t len);

/*
 * json_write_ms() - nanoseconds as a number of milliseconds, one to three decimals; null when
 * negative
 */
void json_write_ms(struct json_writer *w, int64_t ns);

/*
 * json_write_time() - seconds since 1970 and nanoseconds as an RFC 3339 string in UTC with
 * milliseconds
 */
void json_write_time(struct json_writer *w, int64_t sec, int64_t nsec);

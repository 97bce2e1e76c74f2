/* SPDX-License-Identifier: MIT */
/*
 * A byte buffer that grows, with a sticky error: a writer makes a hundred small appends and looks at
 * buffer_error() once. After the first failure every append does nothing.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/*
 * data   the bytes, always followed by a NUL that len does not count; NULL before the first append
 * len    bytes in use
 * cap    bytes available
 * error  0, or the -ENOMEM that ended the writing
 */
struct buffer {
	char *data;
	size_t len;
	size_t cap;
	int error;
};

#define BUFFER_INIT \
	{ \
		NULL, 0, 0, 0 \
	}

/* buffer_grow() - buffer_reserve() when there is too little room */
int buffer_grow(struct buffer *buffer, size_t len);

/**
 * buffer_reserve() - make room for @len more bytes
 * Return: 0, or -ENOMEM (sticky).
 */
static inline int
buffer_reserve(struct buffer *buffer, size_t len)
{
	if (buffer->error == 0 && len < buffer->cap - buffer->len) {
		return 0;
	}
	return buffer_grow(buffer, len);
}

static inline void
buffer_append(struct buffer *buffer, const void *data, size_t len)
{
	if (buffer_reserve(buffer, len) < 0 || len == 0) {
		return;
	}
	memcpy(buffer->data + buffer->len, data, len);
	buffer->len += len;
	buffer->data[buffer->len] = '\0';
}

static inline void
buffer_putc(struct buffer *buffer, char c)
{
	buffer_append(buffer, &c, 1);
}

void buffer_puts(struct buffer *buffer, const char *text);
void buffer_printf(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *buffer, const char *format, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* buffer_consume() - drop the first @len bytes; @len is at most buffer->len */
void buffer_consume(struct buffer *buffer, size_t len);

/* buffer_clear() - forget the bytes and the error, keep the memory */
void buffer_clear(struct buffer *buffer);

/* buffer_take() - give the NUL-terminated bytes away (to free()), or NULL after an error; empties @buffer */
char *buffer_take(struct buffer *buffer);

/* buffer_fini() - free; accepts a zeroed buffer, leaves one */
void buffer_fini(struct buffer *buffer);

static inline int
buffer_error(const struct buffer *buffer)
{
	return buffer->error;
}

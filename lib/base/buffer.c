/* SPDX-License-Identifier: MIT */
#include "lib/base/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
buffer_grow(struct buffer *buffer, size_t len)
{
	size_t cap = buffer->cap ? buffer->cap : 64;
	char *data;

	if (buffer->error < 0) {
		return buffer->error;
	}
	if (len >= SIZE_MAX / 2 - buffer->len) {
		return buffer->error = -ENOMEM;
	}
	while (cap < buffer->len + len + 1) {
		cap *= 2;
	}
	data = realloc(buffer->data, cap);
	if (!data) {
		return buffer->error = -ENOMEM;
	}
	buffer->data = data;
	buffer->cap = cap;
	buffer->data[buffer->len] = '\0';
	return 0;
}

void
buffer_puts(struct buffer *buffer, const char *text)
{
	buffer_append(buffer, text, strlen(text));
}

void
buffer_vprintf(struct buffer *buffer, const char *format, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n < 0 || buffer_reserve(buffer, (size_t)n) < 0) {
		buffer->error = -ENOMEM;
		return;
	}
	(void)vsnprintf(buffer->data + buffer->len, (size_t)n + 1, format, ap);
	buffer->len += (size_t)n;
}

void
buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buffer_vprintf(buffer, format, ap);
	va_end(ap);
}

void
buffer_consume(struct buffer *buffer, size_t len)
{
	assert(len <= buffer->len);

	if (len == 0) {
		return;
	}
	memmove(buffer->data, buffer->data + len, buffer->len - len);
	buffer->len -= len;
	buffer->data[buffer->len] = '\0';
}

void
buffer_clear(struct buffer *buffer)
{
	buffer->len = 0;
	buffer->error = 0;
	if (buffer->data) {
		buffer->data[0] = '\0';
	}
}

char *
buffer_take(struct buffer *buffer)
{
	char *data = NULL;

	if (buffer_reserve(buffer, 0) == 0) {
		data = buffer->data;
		buffer->data = NULL;
	}
	buffer_fini(buffer);
	return data;
}

void
buffer_fini(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer)BUFFER_INIT;
}

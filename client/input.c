/* SPDX-License-Identifier: MIT */
#include "client/input.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/json_writer.h"
#include "lib/protocol/units.h"

#define BLOCK 65536

/* How an option's value becomes JSON. */
enum field_kind {
	FIELD_TEXT,
	FIELD_DURATION, /* checked here: a typing mistake need not wait for the daemon */
	FIELD_SIZE,
	FIELD_INTEGER,
	FIELD_HEADERS,  /* all of them make one object */
	FIELD_STATUSES, /* all of them make one array */
};

static const struct {
	enum option_id id;
	enum field_kind kind;
	const char *option;
	const char *name;
} batch_fields[] = {
	{ OPTION_NAME, FIELD_TEXT, "name", "name" },
	{ OPTION_POLICY, FIELD_TEXT, "policy", "policy" },
	{ OPTION_MAX_FAILURES, FIELD_INTEGER, "max-failures", "max_failures" },
	{ OPTION_DEADLINE, FIELD_DURATION, "deadline", "deadline" },
	{ OPTION_CONCURRENCY, FIELD_INTEGER, "concurrency", "concurrency" },
	{ OPTION_PER_ORIGIN, FIELD_INTEGER, "per-origin", "per_origin" },
	{ OPTION_TIMEOUT, FIELD_DURATION, "timeout", "timeout" },
	{ OPTION_CONNECT_TIMEOUT, FIELD_DURATION, "connect-timeout", "connect_timeout" },
	{ OPTION_METHOD, FIELD_TEXT, "method", "method" },
	{ OPTION_HEADER, FIELD_HEADERS, "header", "headers" },
	{ OPTION_EXPECT, FIELD_STATUSES, "expect", "expect" },
	{ OPTION_REDIRECTS, FIELD_INTEGER, "redirects", "redirects" },
	{ OPTION_MAX_BODY, FIELD_SIZE, "max-body", "max_body" },
	{ OPTION_CAPTURE, FIELD_TEXT, "capture", "capture" },
};

static int
put_integer(struct json_writer *w, const char *value, const char **why)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (!isdigit((unsigned char)value[0]) || *end || errno || number > INT64_MAX) {
		*why = "it has to be a whole number";
		return -EINVAL;
	}
	json_write_uint(w, number);
	return 0;
}

static int
put_header(struct json_writer *w, const char *value, const char **why)
{
	const char *colon = strchr(value, ':');

	if (!colon || colon == value) {
		*why = "a header looks like \"Accept: text/html\"";
		return -EINVAL;
	}
	json_write_name_bytes(w, value, (size_t)(colon - value));
	colon++;
	colon += strspn(colon, " \t");
	json_write_text(w, colon);
	return 0;
}

/* "2xx,404,500-599": numbers as numbers, the rest as text. */
static int
put_statuses(struct json_writer *w, const char *value, const char **why)
{
	while (*value) {
		size_t len = strcspn(value, ",");

		if (len == 3 && strspn(value, "0123456789") >= 3) {
			json_write_int(w, strtol(value, NULL, 10));
		} else {
			json_write_bytes(w, value, len);
		}
		value += len;
		value += *value == ',';
	}
	return 0;
}

static int
put_value(struct json_writer *w, enum field_kind kind, const char *value, const char **why)
{
	int64_t number;
	int r = 0;

	switch (kind) {
	case FIELD_INTEGER:
		return put_integer(w, value, why);
	case FIELD_HEADERS:
		return put_header(w, value, why);
	case FIELD_STATUSES:
		return put_statuses(w, value, why);
	case FIELD_DURATION:
		r = duration_parse(value, strlen(value), &number, why);
		break;
	case FIELD_SIZE:
		r = size_parse(value, strlen(value), &number, why);
		break;
	case FIELD_TEXT:
		break;
	}
	json_write_text(w, value);
	return r;
}

/* A header given twice would be a duplicate key; say so here, where it can be said by its name. */
static bool
is_same_header(const char *a, const char *b)
{
	size_t len = strcspn(a, ":");

	return len == strcspn(b, ":") && strncasecmp(a, b, len) == 0;
}

static int
check_repeated(const struct options *options, size_t at, enum field_kind kind, const char **why)
{
	size_t i;

	for (i = 0; i < at; i++) {
		if (options->given[i].id != options->given[at].id || kind == FIELD_STATUSES) {
			continue;
		}
		if (kind != FIELD_HEADERS) {
			*why = "it is given twice";
			return -EINVAL;
		}
		if (is_same_header(options->given[i].value, options->given[at].value)) {
			*why = "the header is given twice";
			return -EINVAL;
		}
	}
	return 0;
}

/* Everything the command line says about one field: "name": value. */
static int
put_field(struct input *input, struct json_writer *w, size_t row, const struct options *options)
{
	enum field_kind kind = batch_fields[row].kind;
	const char *why = NULL;
	size_t i;
	int r = 0;

	json_write_name(w, batch_fields[row].name, strlen(batch_fields[row].name));
	if (kind == FIELD_HEADERS) {
		json_begin_object(w);
	} else if (kind == FIELD_STATUSES) {
		json_begin_array(w);
	}
	for (i = 0; i < options->n_given && r == 0; i++) {
		const struct option_given *given = &options->given[i];

		if (given->id != batch_fields[row].id) {
			continue;
		}
		r = check_repeated(options, i, kind, &why);
		r = r < 0 ? r : put_value(w, kind, given->value, &why);
		if (r < 0) {
			buffer_printf(&input->why, "--%s %s: %s", batch_fields[row].option,
				given->value, why);
		}
	}
	if (kind == FIELD_HEADERS) {
		json_end_object(w);
	} else if (kind == FIELD_STATUSES) {
		json_end_array(w);
	}
	return r < 0 ? -EINVAL : 0;
}

static int
put_first_line(struct input *input, const struct options *options)
{
	struct json_writer w = JSON_WRITER_INIT(&input->head);
	size_t i;
	int r;

	json_begin_object(&w);
	for (i = 0; i < ARRAY_LEN(batch_fields); i++) {
		if (!options_has(options, batch_fields[i].id)) {
			continue;
		}
		r = put_field(input, &w, i, options);
		if (r < 0) {
			return r;
		}
	}
	json_end_object(&w);
	json_end_line(&w);
	input->line = 2;
	return buffer_error(&input->head);
}

/*
 * Copies what a pipe or a terminal gives into a file without name. The daemon starts nothing before it has
 * the whole list and gives a sender 30 s: a slow producer must not run into that.
 */
static int
collect(int fd, int *ret_file)
{
	_cleanup_(closep) int file = -1;
	_cleanup_(freep) char *block = malloc(BLOCK);
	FILE *temporary = tmpfile();
	ssize_t n;

	file = temporary ? fcntl(fileno(temporary), F_DUPFD_CLOEXEC, 0) : -1;
	n = -errno;
	if (temporary) {
		(void)fclose(temporary); /* nothing is buffered; the copy keeps the file */
	}
	if (file < 0 || !block) {
		return file < 0 ? (int)n : -ENOMEM;
	}
	while ((n = read(fd, block, BLOCK)) > 0) {
		if (write(file, block, (size_t)n) != n) {
			return -EIO;
		}
	}
	if (n < 0 || lseek(file, 0, SEEK_SET) < 0) {
		return -errno;
	}
	*ret_file = steal_fd(&file);
	return 0;
}

static int
open_file(const char *path, int *ret_fd)
{
	bool is_stdin = strcmp(path, "-") == 0;
	_cleanup_(closep) int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
					    : open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		return collect(fd, ret_fd);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int
add_file(struct input *input, const char *path)
{
	struct input_source *source = &input->sources[input->n_sources];
	int r;

	source->name = strcmp(path, "-") == 0 ? "standard input" : path;
	r = open_file(path, &source->fd);
	if (r < 0) {
		buffer_printf(&input->why, "cannot read %s: %s", source->name, strerror(-r));
		return r;
	}
	input->n_sources++;
	return 0;
}

static int
add_sources(struct input *input, const struct options *options)
{
	size_t i;
	int r;

	for (i = 0; i < options->n_arguments; i++) {
		const char *argument = options->arguments[i];

		if (strcmp(argument, "-") != 0) {
			input->sources[input->n_sources++] =
				(struct input_source){ argument, argument, -1, 0 };
			continue;
		}
		r = add_file(input, argument);
		if (r < 0) {
			return r;
		}
	}
	for (i = 0; i < options->n_given; i++) {
		if (options->given[i].id != OPTION_FILE) {
			continue;
		}
		r = add_file(input, options->given[i].value);
		if (r < 0) {
			return r;
		}
	}
	if (input->n_sources == 0) {
		buffer_puts(&input->why,
			"nothing to fetch: give URLs, -f FILE, or - for standard input");
		return -EINVAL;
	}
	return 0;
}

int
input_open(struct input *input, const struct options *options)
{
	int r;

	input->sources =
		calloc(options->n_arguments + options->n_given + 1, sizeof(*input->sources));
	if (!input->sources) {
		return -ENOMEM;
	}
	r = put_first_line(input, options);
	return r < 0 ? r : add_sources(input, options);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* One line of a source: a URL, or a URL object as it goes into the body, or nothing. */
static void
put_line(struct input *input, const char *text, size_t len, struct buffer *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 &&
		input->line == input->sources[input->at].first_line) {
		text += 3; /* the byte order mark of some editors */
		len -= 3;
	}
	while (len > 0 && is_blank(text[0])) {
		text++;
		len--;
	}
	while (len > 0 && is_blank(text[len - 1])) {
		len--;
	}
	if (len > 0 && text[0] == '{') {
		buffer_append(out, text, len);
	} else if (len > 0 && text[0] != '#') {
		json_write_bytes(&w, text, len);
	}
	buffer_putc(out, '\n');
	input->line++;
}

static int
refuse_long_line(struct input *input)
{
	const struct input_source *source = &input->sources[input->at];

	buffer_printf(&input->why, "%s:%u: a line is over %d bytes", source->name,
		(unsigned int)(input->line - source->first_line + 1), INPUT_LINE_MAX);
	return -EINVAL;
}

/* All whole lines of what was read; at the end of the file also the last one without newline. */
static int
put_lines(struct input *input, bool is_end, struct buffer *out)
{
	struct buffer *pending = &input->pending;
	size_t used = 0;

	while (used < pending->len) {
		const char *text = pending->data + used;
		const char *newline = memchr(text, '\n', pending->len - used);
		size_t len = newline ? (size_t)(newline - text) : pending->len - used;

		if (len > INPUT_LINE_MAX) {
			return refuse_long_line(input);
		}
		if (!newline && !is_end) {
			break;
		}
		put_line(input, text, len, out);
		used += len + (newline ? 1 : 0);
	}
	buffer_consume(pending, used);
	return 0;
}

static void
end_source(struct input *input)
{
	struct input_source *source = &input->sources[input->at++];

	closep(&source->fd);
	source->fd = -1;
}

static int
read_block(struct input *input, struct buffer *out)
{
	struct input_source *source = &input->sources[input->at];
	ssize_t n;
	int r;

	if (buffer_reserve(&input->pending, BLOCK) < 0) {
		return -ENOMEM;
	}
	n = read(source->fd, input->pending.data + input->pending.len, BLOCK);
	if (n < 0) {
		r = -errno;
		buffer_printf(&input->why, "cannot read %s: %s", source->name, strerror(-r));
		return r;
	}
	input->pending.len += (size_t)n;
	r = put_lines(input, n == 0, out);
	if (r == 0 && n == 0) {
		end_source(input);
	}
	return r;
}

static int
next_piece(void *arg, struct buffer *out)
{
	struct input *input = arg;
	struct input_source *source;
	int r = 0;

	if (input->head.len > 0) {
		buffer_append(out, input->head.data, input->head.len);
		buffer_clear(&input->head);
		return 1;
	}
	/* URLs of the command line together; a file block by block. */
	while (input->at < input->n_sources && out->len < BLOCK) {
		source = &input->sources[input->at];
		source->first_line = source->first_line ? source->first_line : input->line;
		if (!source->url) {
			r = read_block(input, out);
			break;
		}
		put_line(input, source->url, strcspn(source->url, "\n"), out);
		input->at++;
	}
	if (r < 0) {
		return r;
	}
	return input->at < input->n_sources;
}

struct http_source
input_source(struct input *input)
{
	return (struct http_source){ next_piece, input };
}

/* "/deadline" is --deadline; a field that no option stands for is shown as it is. */
static void
put_option(const char *pointer, struct buffer *out)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(batch_fields); i++) {
		size_t len = strlen(batch_fields[i].name);

		if (pointer[0] == '/' && strncmp(pointer + 1, batch_fields[i].name, len) == 0 &&
			(pointer[len + 1] == '/' || !pointer[len + 1])) {
			buffer_printf(out, "--%s", batch_fields[i].option);
			return;
		}
	}
	buffer_puts(out, pointer[0] ? pointer : "the batch");
}

void
input_put_place(const struct input *input, uint32_t line, const char *pointer, struct buffer *out)
{
	size_t i;

	if (line <= 1) {
		put_option(pointer, out);
		return;
	}
	for (i = input->n_sources; i > 0; i--) {
		const struct input_source *source = &input->sources[i - 1];

		if (source->first_line == 0 || source->first_line > line) {
			continue;
		}
		if (source->url) {
			buffer_puts(out, source->url);
		} else {
			buffer_printf(out, "%s:%u", source->name,
				(unsigned int)(line - source->first_line + 1));
		}
		return;
	}
	buffer_puts(out, pointer);
}

void
input_fini(struct input *input)
{
	size_t i;

	for (i = 0; i < input->n_sources; i++) {
		closep(&input->sources[i].fd);
	}
	free(input->sources);
	buffer_fini(&input->head);
	buffer_fini(&input->pending);
	buffer_fini(&input->why);
	*input = (struct input)INPUT_INIT;
}

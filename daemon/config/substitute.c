/* SPDX-License-Identifier: MIT */
#include "daemon/config/substitute.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/utf8.h"

#define CREDENTIAL_MAX (1024 * 1024) /* bytes, systemd's own limit */
#define NAME_MAX_LEN   255

struct substituting {
	struct arena *arena;
	const struct substitution **list;
	struct faults *faults;
};

/* What a placeholder says: the words around its name, and the name. */
struct placeholder {
	bool is_credential;
	char name[NAME_MAX_LEN + 1];
};

static bool
is_name(const char *name, size_t len)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	if (len == 0 || len > NAME_MAX_LEN || *name == '.') {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (!name[i] || !strchr(letters, name[i])) {
			return false;
		}
	}
	return true;
}

static bool
read_placeholder(const struct value *value, struct placeholder *ret_placeholder)
{
	static const char env[] = "${env:", credential[] = "${credential:";
	bool is_credential = strncmp(value->text, credential, strlen(credential)) == 0;
	size_t prefix = is_credential ? strlen(credential) : strlen(env);

	if (!is_credential && strncmp(value->text, env, strlen(env)) != 0) {
		return false;
	}
	if (value->text[value->text_len - 1] != '}' ||
		!is_name(value->text + prefix, value->text_len - prefix - 1)) {
		return false;
	}
	ret_placeholder->is_credential = is_credential;
	memcpy(ret_placeholder->name, value->text + prefix, value->text_len - prefix - 1);
	ret_placeholder->name[value->text_len - prefix - 1] = '\0';
	return true;
}

int
credential_read(const char *name, struct buffer *out)
{
	_cleanup_(buffer_fini) struct buffer path = BUFFER_INIT;
	_cleanup_(closep) int fd = -1;
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	ssize_t n = 1;

	if (!is_name(name, strlen(name))) {
		return -EINVAL;
	}
	if (!folder) {
		return -ENOENT;
	}
	buffer_printf(&path, "%s/%s", folder, name);
	if (buffer_error(&path) < 0) {
		return -ENOMEM;
	}
	fd = open(path.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		return -errno;
	}
	while (n > 0 && out->len <= CREDENTIAL_MAX) {
		if (buffer_reserve(out, 4096) < 0) {
			return -ENOMEM;
		}
		n = read(fd, out->data + out->len, 4096);
		if (n < 0) {
			return -errno;
		}
		out->len += (size_t)n;
	}
	if (out->len > CREDENTIAL_MAX) {
		return -EFBIG;
	}
	return out->len > 0 && memchr(out->data, '\0', out->len) ? -EILSEQ : 0;
}

/* The text that @placeholder stands for; a file's last newline is its end and not part of it. */
static int
find_text(const struct placeholder *placeholder, struct buffer *out)
{
	int r;

	if (!placeholder->is_credential) {
		const char *text = getenv(placeholder->name);

		if (!text) {
			return -ENOENT;
		}
		buffer_puts(out, text);
	} else {
		r = credential_read(placeholder->name, out);
		if (r < 0) {
			return r;
		}
		if (out->len > 0 && out->data[out->len - 1] == '\n') {
			out->len--;
		}
	}
	if (out->len > 0 && memchr(out->data, '\0', out->len)) {
		return -EILSEQ;
	}
	return buffer_error(out) < 0 ? -ENOMEM : 0;
}

/* As the YAML reader does: only what has one reading everywhere becomes a number or a boolean. */
static void
resolve_plain(struct value *value)
{
	size_t n = strspn(value->text, "0123456789");

	if (strcmp(value->text, "true") == 0 || strcmp(value->text, "false") == 0) {
		value->type = VALUE_BOOL;
		value->boolean = *value->text == 't';
	} else if (n > 0 && n < 19 && !value->text[n] && (n == 1 || *value->text != '0')) {
		value->type = VALUE_INTEGER;
		value->integer = strtoll(value->text, NULL, 10);
	}
}

/* @text: NULL when there is none. A number or a boolean hides nothing. */
static int
remember(const struct substituting *s, const struct value *value, const char *original,
	const char *text)
{
	struct substitution *record = arena_alloc(s->arena, sizeof(*record));

	if (!record) {
		return -ENOMEM;
	}
	*record = (struct substitution){
		.next = *s->list,
		.text = text,
		.original = original,
		.is_hidden = value->type == VALUE_STRING,
		.source = s->faults->source,
		.line = value->line,
		.column = value->column,
	};
	*s->list = record;
	return 0;
}

static int
replace(const struct substituting *s, struct value *value, const struct buffer *text,
	bool is_credential)
{
	const char *copy = arena_text(s->arena, text->len ? text->data : "", text->len);
	const char *original = value->text;

	if (!copy) {
		return -ENOMEM;
	}
	value->text = copy;
	value->text_len = text->len;
	if (!value->quoted && !is_credential) {
		resolve_plain(value);
	}
	return remember(s, value, original, copy);
}

static int
look_up(const struct substituting *s, struct value *value, const struct placeholder *placeholder,
	const struct value_path *path)
{
	const char *what = placeholder->is_credential ? "credential" : "environment variable";
	const struct fault_place place = { .path = path, .at = value };
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	int r = find_text(placeholder, &text);

	if (r == -ENOMEM) {
		return r;
	}
	if (r == -ENOENT && placeholder->is_credential && !getenv("CREDENTIALS_DIRECTORY")) {
		faults_add(s->faults, &place,
			"there are no credentials: $CREDENTIALS_DIRECTORY is not set");
	} else if (r == -ENOENT) {
		faults_add(s->faults, &place, "there is no %s \"%s\"", what, placeholder->name);
	} else if (r < 0) {
		faults_add(s->faults, &place, "the %s \"%s\" cannot be read: %s", what,
			placeholder->name, strerror(-r));
	} else if (text.len > 0 && !utf8_is_valid(text.data, text.len)) {
		faults_add(
			s->faults, &place, "the %s \"%s\" is not UTF-8", what, placeholder->name);
	} else {
		return replace(s, value, &text, placeholder->is_credential);
	}
	return remember(s, value, value->text, NULL);
}

static int
substitute_text(const struct substituting *s, struct value *value, const struct value_path *path)
{
	struct placeholder placeholder;

	if (read_placeholder(value, &placeholder)) {
		return look_up(s, value, &placeholder, path);
	}
	if (strstr(value->text, "${env:") || strstr(value->text, "${credential:")) {
		faults_add(s->faults, &(struct fault_place){ .path = path, .at = value },
			"a placeholder stands alone: ${env:NAME} or ${credential:NAME}");
		return remember(s, value, value->text, NULL);
	}
	return 0;
}

/* As deep as the tree, which is not deep. */
static int
substitute_value(const struct substituting *s, struct value *value, const struct value_path *path)
{
	struct value *child;
	size_t index = 0;
	int r = 0;

	if (value->type == VALUE_STRING) {
		return substitute_text(s, value, path);
	}
	for (child = value->first; child && r == 0; child = child->next) {
		const struct value_path here = {
			.parent = path,
			.key = child->key,
			.key_len = child->key_len,
			.index = index++,
		};

		r = substitute_value(s, child, &here);
	}
	return r;
}

int
substitute(struct arena *arena, struct value *root, const struct substitution **list,
	struct faults *faults)
{
	const struct substituting s = { arena, list, faults };

	return substitute_value(&s, root, NULL);
}

/* ---- what is said of them ---- */

static bool
is_same_place(const struct fault *a, const struct fault *b)
{
	return a->source == b->source && a->line == b->line && a->column == b->column;
}

static const struct substitution *
find_at(const struct substitution *list, const struct fault *fault)
{
	for (; list; list = list->next) {
		if (!fault->at_key && list->source == fault->source && list->line == fault->line &&
			list->column == fault->column) {
			return list;
		}
	}
	return NULL;
}

/* A fault says what was found, or has the text, or its beginning, somewhere else. */
static void
write_hidden(const struct substitution *substitution, const char *detail, struct buffer *out)
{
	enum {
		beginning = 16
	};
	const char *found = strstr(detail, "; found the string \"");
	size_t len = strnlen(substitution->text, beginning);

	if (found) {
		buffer_append(out, detail, (size_t)(found - detail));
		buffer_printf(out, "; found what %s stands for", substitution->original);
	} else if (len > 0 && memmem(detail, strlen(detail), substitution->text, len)) {
		buffer_printf(out, "what %s stands for is not right", substitution->original);
	} else {
		buffer_puts(out, detail);
	}
}

static int
hide(const struct substitution *substitution, struct faults *faults, struct fault *fault)
{
	_cleanup_(buffer_fini) struct buffer detail = BUFFER_INIT;

	const char *text = NULL;

	write_hidden(substitution, fault->detail, &detail);
	if (buffer_error(&detail) == 0) {
		text = arena_text(&faults->arena, detail.data, detail.len);
	}
	if (!text) {
		return -ENOMEM;
	}
	fault->detail = text;
	return 0;
}

/* The first fault at the place of a placeholder that stands for nothing says so. */
static bool
is_said_before(const struct faults *faults, size_t n, const struct fault *fault)
{
	for (size_t i = 0; i < n; i++) {
		if (is_same_place(&faults->items[i], fault)) {
			return true;
		}
	}
	return false;
}

int
substitutions_hide(const struct substitution *list, struct faults *faults)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < faults->n && r == 0; i++) {
		struct fault *fault = &faults->items[i];
		const struct substitution *at = find_at(list, fault);

		if (at && !at->text && is_said_before(faults, n, fault)) {
			continue;
		}
		r = at && at->text && at->is_hidden ? hide(at, faults, fault) : 0;
		if (r == 0) {
			faults->items[n++] = *fault;
		}
	}
	faults->n = n;
	return r;
}

const char *
substitution_find(const struct substitution *list, const char *text)
{
	for (; list; list = list->next) {
		if (list->text == text) {
			return list->original;
		}
	}
	return NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * A hosts file can be large (lists of advertisers have a hundred thousand lines), so it becomes one
 * array, sorted by name and within a name by place in the file, over one copy of the text in which
 * names are lowered and terminated where they stand.
 */
#include "lib/fetch/names/hosts_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

struct host {
	const char *name;
	size_t position;
	struct fetch_address address;
};

struct fetch_hosts {
	char *text;
	struct host *items;
	size_t n_items;
	size_t cap;
};

static int
compare_hosts(const void *a, const void *b)
{
	const struct host *left = a;
	const struct host *right = b;
	int order = strcmp(left->name, right->name);

	if (order != 0) {
		return order;
	}
	return left->position < right->position ? -1 : left->position > right->position;
}

static int
append(struct fetch_hosts *hosts, const char *name, const struct fetch_address *address)
{
	if (hosts->n_items == hosts->cap) {
		size_t cap = hosts->cap ? hosts->cap * 2 : 32;
		struct host *items = reallocarray(hosts->items, cap, sizeof(*items));

		if (!items) {
			return -ENOMEM;
		}
		hosts->items = items;
		hosts->cap = cap;
	}
	hosts->items[hosts->n_items] = (struct host){
		.name = name,
		.position = hosts->n_items,
		.address = *address,
	};
	hosts->n_items++;
	return 0;
}

/* Lower case, without one final dot: the one form in which names are compared. */
static void
canonicalise(char *name)
{
	size_t len = strlen(name);
	size_t i;

	for (i = 0; i < len; i++) {
		name[i] = (char)tolower((unsigned char)name[i]);
	}
	if (len > 1 && name[len - 1] == '.') {
		name[len - 1] = '\0';
	}
}

static int
parse_line(struct fetch_hosts *hosts, char *line)
{
	static const char white[] = " \t\r\f\v";
	struct fetch_address address;
	char *save = NULL;
	char *word;
	int r;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, white, &save);
	if (!word || !fetch_address_parse(word, &address)) {
		return 0;
	}
	while ((word = strtok_r(NULL, white, &save))) {
		canonicalise(word);
		r = append(hosts, word, &address);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int
parse_lines(struct fetch_hosts *hosts, size_t len)
{
	char *line = hosts->text;
	char *end = hosts->text + len;

	while (line < end) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		char *after = newline ? newline + 1 : end;
		int r;

		if (newline) {
			*newline = '\0';
		}
		r = parse_line(
			hosts, line); /* a NUL inside ends the line early: the rest is skipped */
		if (r < 0) {
			return r;
		}
		line = after;
	}
	return 0;
}

int
fetch_hosts_parse(const char *text, size_t len, struct fetch_hosts **ret_hosts)
{
	_cleanup_(fetch_hosts_destroyp) struct fetch_hosts *hosts = NULL;
	int r;

	hosts = calloc(1, sizeof(*hosts));
	if (!hosts) {
		return -ENOMEM;
	}
	hosts->text = malloc(len + 1);
	if (!hosts->text) {
		return -ENOMEM;
	}
	if (len > 0) {
		memcpy(hosts->text, text, len);
	}
	hosts->text[len] = '\0';

	r = parse_lines(hosts, len);
	if (r < 0) {
		return r;
	}
	if (hosts->n_items > 0) {
		qsort(hosts->items, hosts->n_items, sizeof(*hosts->items), compare_hosts);
	}
	*ret_hosts = steal(&hosts);
	return 0;
}

void
fetch_hosts_destroy(struct fetch_hosts *hosts)
{
	if (!hosts) {
		return;
	}
	free(hosts->items);
	free(hosts->text);
	free(hosts);
}

/* Index of the first entry that is not before @name. */
static size_t
lower_bound(const struct fetch_hosts *hosts, const char *name)
{
	size_t low = 0;
	size_t high = hosts->n_items;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(hosts->items[middle].name, name) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static int
answer_from_file(
	const struct fetch_hosts *hosts, const char *name, struct fetch_answer **ret_answer)
{
	_cleanup_(freep) struct fetch_address *addresses = NULL;
	size_t first = lower_bound(hosts, name);
	size_t n = 0;

	while (first + n < hosts->n_items && n < FETCH_ANSWER_MAX &&
		strcmp(hosts->items[first + n].name, name) == 0) {
		n++;
	}
	if (n == 0) {
		return -ENOENT;
	}
	addresses = calloc(n, sizeof(*addresses));
	if (!addresses) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		addresses[i] = hosts->items[first + i].address;
	}
	return fetch_answer_create(addresses, n, 0, ret_answer);
}

static bool
is_localhost(const char *name)
{
	static const char suffix[] = ".localhost";
	size_t len = strlen(name);

	return strcmp(name, suffix + 1) == 0 ||
	       (len > strlen(suffix) && strcmp(name + len - strlen(suffix), suffix) == 0);
}

int
fetch_hosts_find(
	const struct fetch_hosts *hosts, const char *name, struct fetch_answer **ret_answer)
{
	static const struct fetch_address loopback[] = {
		{ .family = AF_INET, .bytes = { 127, 0, 0, 1 } },
		{ .family = AF_INET6, .bytes = { [15] = 1 } },
	};
	_cleanup_(freep) char *canonical = strdup(name);
	int r = -ENOENT;

	if (!canonical) {
		return -ENOMEM;
	}
	canonicalise(canonical);
	if (hosts) {
		r = answer_from_file(hosts, canonical, ret_answer);
	}
	if (r == -ENOENT && is_localhost(canonical)) {
		r = fetch_answer_create(loopback, ARRAY_LEN(loopback), 0, ret_answer);
	}
	return r;
}

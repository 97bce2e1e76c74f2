/* SPDX-License-Identifier: MIT */
/*
 * What the files are: secrets that stand in one as they are, while everybody on the machine may read it, and files
 * whose names say that somebody wanted them read.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/config/linting.h"
#include "daemon/config/loader.h"
#include "daemon/config/substitute.h"
#include "lib/base/buffer.h"
#include "lib/fetch/rules/url.h"

bool
lint_is_secret_header(const char *name)
{
	static const char *const words[] = { "authorization", "cookie", "token", "secret",
		"password", "api-key", "apikey" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasestr(name, words[i])) {
			return true;
		}
	}
	return false;
}

/* ---- secrets ---- */

static bool
has_userinfo(struct linting *linting, const char *text, size_t len)
{
	_cleanup_(fetch_url_destroyp) struct fetch_url *url = NULL;
	struct fetch_reason reason;
	int r = fetch_url_parse(text, len, &url, &reason);

	if (r == -ENOMEM) {
		linting->warnings->error = r;
	}
	return r >= 0 && url->has_userinfo;
}

static bool
is_secret(struct linting *linting, const struct value *value, const struct value_path *path)
{
	const struct value_path *map = path->parent;

	if (path->key && map && map->key && strcmp(map->key, "headers") == 0) {
		return lint_is_secret_header(path->key);
	}
	return has_userinfo(linting, value->text, value->text_len);
}

/* As deep as the tree, which is not deep. What came from the environment or a credential does not stand there. */
static void
look_for_secrets(struct linting *linting, const char *source, const struct value *value,
	const struct value_path *path)
{
	const struct value *child;
	size_t index = 0;

	if (value->type == VALUE_STRING && path && is_secret(linting, value, path) &&
		!substitution_find(linting->config->substitutions, value->text)) {
		lint_warn(linting, LINT_READABLE_SECRET, source,
			&(struct fault_place){ .path = path, .at = value },
			"everybody may read this file: use ${credential:NAME}, or chmod o-r");
	}
	if (value->type != VALUE_MAP && value->type != VALUE_LIST) {
		return;
	}
	value_for_each(child, value) {
		const struct value_path here = {
			.parent = path,
			.key = child->key,
			.key_len = child->key_len,
			.index = index++,
		};

		look_for_secrets(linting, source, child, &here);
	}
}

static bool
is_public(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IROTH);
}

/* ---- files that nobody reads ---- */

static int
is_near_yaml(const struct dirent *entry)
{
	static const char *const endings[] = { ".yml", ".YAML", ".YML", ".json" };
	const char *ending = strrchr(entry->d_name, '.');

	for (size_t i = 0; ending && ending != entry->d_name && i < ARRAY_LEN(endings); i++) {
		if (strcmp(ending, endings[i]) == 0) {
			return 1;
		}
	}
	return 0;
}

static int
warn_of_entry(struct linting *linting, const struct buffer *folder, const char *entry)
{
	_cleanup_(buffer_fini) struct buffer path = BUFFER_INIT;
	const char *source;

	buffer_printf(&path, "%s/%s", folder->data, entry);
	if (buffer_error(&path) < 0) {
		return -ENOMEM;
	}
	source = arena_text(&linting->warnings->arena, path.data, path.len);
	if (!source) {
		return -ENOMEM;
	}
	lint_warn(linting, LINT_FILE_NOT_READ, source, &(struct fault_place){ .line = 0 },
		"is not read: its name does not end with .yaml");
	return 0;
}

static int
look_beside(struct linting *linting, const char *path, const char *name)
{
	_cleanup_(buffer_fini) struct buffer folder = BUFFER_INIT;
	const char *slash = strrchr(path, '/');
	struct dirent **entries = NULL;
	int r = 0;
	int n;

	if (slash) {
		buffer_append(&folder, path, (size_t)(slash - path) + 1);
	}
	buffer_puts(&folder, name);
	if (buffer_error(&folder) < 0) {
		return -ENOMEM;
	}
	n = scandir(folder.data, &entries, is_near_yaml, alphasort);
	for (int i = 0; i < n; i++) {
		if (r == 0) {
			r = warn_of_entry(linting, &folder, entries[i]->d_name);
		}
		free(entries[i]);
	}
	free(entries);
	return r;
}

int
lint_files(struct linting *linting, const char *path)
{
	const struct config_tree *kept;
	int r;

	for (kept = linting->config->trees; kept; kept = kept->next) {
		if (kept->source && is_public(kept->source)) {
			look_for_secrets(linting, kept->source, kept->tree->root, NULL);
		}
	}
	r = look_beside(linting, path, "conf.d");
	return r < 0 ? r : look_beside(linting, path, "jobs.d");
}

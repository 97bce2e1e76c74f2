/* SPDX-License-Identifier: MIT */
/*
 * Loading. The defaults are a text like the files, and the first to be applied; each file is then applied on
 * top, key by key, and its lists of jobs are remembered. When all settings are known, the jobs are checked:
 * every one is made into a batch, which is thrown away again. What is wrong anywhere is collected; there is a
 * configuration only when nothing was.
 *
 * Trees are kept: strings and jobs point into them.
 */
#include "daemon/config/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/level_network.h"
#include "daemon/config/loader.h"
#include "daemon/config/schema.h"
#include "daemon/config/substitute.h"
#include "daemon/schedule/timetable.h"
#include "lib/protocol/yaml.h"

/* What the engine can do, of the set of enum batch_feature. */
static const unsigned int engine_features =
	BATCH_FEATURE_RETRIES | BATCH_FEATURE_ASSERT | BATCH_FEATURE_HEDGE | BATCH_FEATURE_DEDUPE |
	BATCH_FEATURE_RATE | BATCH_FEATURE_TLS_CLIENT | BATCH_FEATURE_TLS_REPORT |
	BATCH_FEATURE_RESUME | BATCH_FEATURE_HTTP_2;

static int
check_url(const char *url, size_t len, char *why, size_t cap)
{
	struct fetch_reason reason;
	int r = fetch_url_check(url, len, &reason);

	if (r < 0) {
		(void)snprintf(why, cap, "%s", r == -ENOMEM ? "out of memory" : reason.text);
	}
	return r;
}

/* ---- one text ---- */

static int
keep_tree(struct loader *loader, const char *name, struct value_tree *tree)
{
	struct config_tree *kept = arena_alloc(&loader->config->arena, sizeof(*kept));

	if (!kept) {
		value_tree_destroy(tree);
		return -ENOMEM;
	}
	kept->name = name;
	kept->source = name ? arena_text(&loader->config->arena, name, strlen(name)) : NULL;
	if (name && !kept->source) {
		value_tree_destroy(tree);
		return -ENOMEM;
	}
	kept->tree = tree;
	*loader->last = kept;
	loader->last = &kept->next;
	return 0;
}

/* @name has to outlive the faults. */
static int
take_text(struct loader *loader, const char *name, const struct buffer *text,
	const struct schema_table *table)
{
	const struct schema_use use = { &loader->fields, loader->defaults, loader->config };
	struct value_tree *tree = NULL;
	int r;

	loader->faults->source = name;
	r = yaml_parse(text->data ? text->data : "", text->len, &tree, loader->faults);
	if (r < 0) {
		return r == -EINVAL ? 0 : r; /* is a fault */
	}
	r = keep_tree(loader, name, tree);
	if (r < 0) {
		return r;
	}
	r = substitute(&tree->arena, tree->root, &loader->config->substitutions, loader->faults);
	if (r < 0) {
		return r;
	}
	schema_apply(table, &use, tree->root, NULL);
	return loader->fields.error;
}

static int
take_defaults(struct loader *loader)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	int r;

	schema_write_defaults(&text);
	if (buffer_error(&text) < 0) {
		return -ENOMEM;
	}
	/* Parsed once for itself: what is read later may have to be compared with it. */
	r = yaml_parse(text.data, text.len, &tree, loader->faults);
	if (r < 0) {
		return r;
	}
	loader->defaults = tree->root;
	r = keep_tree(loader, NULL, steal(&tree));
	return r < 0 ? r : take_text(loader, NULL, &text, &schema_root);
}

/* ---- files ---- */

static int
read_all(int fd, struct buffer *out)
{
	const size_t piece = 16 * 1024;
	ssize_t n = 1;

	/* One byte too many is enough for the reader of YAML to refuse it. */
	while (n > 0 && out->len <= YAML_MAX_BYTES) {
		if (buffer_reserve(out, piece) < 0) {
			return -ENOMEM;
		}
		n = read(fd, out->data + out->len, piece);
		if (n < 0 && errno == EINTR) {
			n = 1;
		} else if (n < 0) {
			return -errno;
		} else {
			out->len += (size_t)n;
		}
	}
	return 0;
}

static int
read_file(const char *path, struct buffer *out)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : read_all(fd, out);
}

/* A pipe that somebody names is read; one that lies in a folder would hold up every reload. */
static int
read_file_of_folder(const char *path, struct buffer *out)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		return -errno;
	}
	return S_ISFIFO(st.st_mode) ? -ESPIPE : read_all(fd, out);
}

/* A fault without line: the file or folder itself. */
static void
complain_about_file(struct loader *loader, const char *name, int error)
{
	loader->faults->source = name;
	faults_add(loader->faults, &(struct fault_place){ NULL }, "cannot be read: %s",
		error == ESPIPE ? "it is a pipe" : strerror(error));
}

static int
take_main_file(struct loader *loader, const char *path)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	const char *name = arena_text(&loader->faults->arena, path, strlen(path));
	int r;

	if (!name) {
		return -ENOMEM;
	}
	r = read_file(path, &text);
	if (r == -ENOMEM) {
		return r;
	}
	if (r < 0) {
		complain_about_file(loader, name, -r);
		return 0;
	}
	return take_text(loader, name, &text, &schema_root);
}

static int
take_file_of(struct loader *loader, const char *folder, const char *entry,
	const struct schema_table *table)
{
	_cleanup_(buffer_fini) struct buffer path = BUFFER_INIT;
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	const char *name;
	int r;

	buffer_printf(&path, "%s/%s", folder, entry);
	if (buffer_error(&path) < 0) {
		return -ENOMEM;
	}
	name = arena_text(&loader->faults->arena, path.data, path.len);
	if (!name) {
		return -ENOMEM;
	}
	r = read_file_of_folder(name, &text);
	if (r == -ENOMEM) {
		return r;
	}
	if (r < 0) {
		complain_about_file(loader, name, -r);
		return 0;
	}
	return take_text(loader, name, &text, table);
}

static int
is_yaml(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

/* By bytes: the order must not depend on the locale. */
static int
compare_entries(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
take_folder(struct loader *loader, const char *folder, const struct schema_table *table)
{
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, is_yaml, compare_entries);
	int r = 0;

	if (n < 0 && errno == ENOMEM) {
		return -ENOMEM;
	}
	if (n < 0 && errno != ENOENT && errno != ENOTDIR) {
		int error = errno;
		const char *name = arena_text(&loader->faults->arena, folder, strlen(folder));

		if (!name) {
			return -ENOMEM;
		}
		complain_about_file(loader, name, error);
	}
	for (int i = 0; i < n; i++) {
		if (r == 0) {
			r = take_file_of(loader, folder, entries[i]->d_name, table);
		}
		free(entries[i]);
	}
	free(entries);
	return r;
}

static int
take_folder_beside(
	struct loader *loader, const char *path, const char *name, const struct schema_table *table)
{
	_cleanup_(buffer_fini) struct buffer folder = BUFFER_INIT;
	const char *slash = strrchr(path, '/');

	if (slash) {
		buffer_append(&folder, path, (size_t)(slash - path) + 1);
	}
	buffer_puts(&folder, name);
	return buffer_error(&folder) < 0 ? -ENOMEM : take_folder(loader, folder.data, table);
}

static int
take_files(struct loader *loader, const char *path)
{
	int r = take_main_file(loader, path);

	if (r == 0) {
		r = take_folder_beside(loader, path, "conf.d", &schema_root);
	}
	if (r == 0) {
		r = take_folder_beside(loader, path, "jobs.d", &schema_jobs_file);
	}
	return r;
}

/* ---- the whole ---- */

static int
open_loader(struct loader *loader, struct faults *faults)
{
	struct config *config = calloc(1, sizeof(*config));

	if (!config) {
		return -ENOMEM;
	}
	config->n_refs = 1;
	config->batch_defaults = (struct batch_defaults)BATCH_DEFAULTS_INIT;
	config->batch_limits.features = engine_features;
	config->batch_limits.check_url = check_url;
	config->batch_limits.read_credential = credential_read;
	*loader = (struct loader){
		.config = config,
		.faults = faults,
		.fields = { .faults = faults, .arena = &config->arena },
		.last = &config->trees,
	};
	return take_defaults(loader);
}

static void
close_loader(struct loader *loader)
{
	loader->faults->source = NULL;
	config_unref(loader->config);
}

/* Where a source stands in the order of reading. */
static size_t
rank(const struct config *config, const char *source)
{
	size_t n = 0;

	for (const struct config_tree *kept = config->trees; kept; kept = kept->next) {
		if (kept->name == source || kept->source == source) {
			return n;
		}
		n++;
	}
	return n;
}

static int
compare_faults(const void *a_item, const void *b_item, void *config)
{
	const struct fault *a = a_item;
	const struct fault *b = b_item;
	size_t a_rank = rank(config, a->source);
	size_t b_rank = rank(config, b->source);

	if (a_rank != b_rank) {
		return a_rank < b_rank ? -1 : 1;
	}
	if (a->source != b->source) {
		return strcmp(a->source, b->source);
	}
	if (a->line != b->line) {
		return a->line < b->line ? -1 : 1;
	}
	return a->column < b->column ? -1 : a->column > b->column;
}

void
config_sort_faults(const struct config *config, struct faults *faults)
{
	if (faults->n > 0) {
		qsort_r(faults->items, faults->n, sizeof(*faults->items), compare_faults,
			(void *)config);
	}
}

static int
finish(struct loader *loader, struct config **ret_config)
{
	struct config *config = loader->config;
	int r;

	config->batch_limits.in_flight = config->in_flight;
	config->batch_limits.per_origin = config->per_origin;
	r = level_network_merge(&config->submit_network, &config->policy);
	if (r == 0) {
		r = level_network_merge(&config->admin_network, &config->policy);
	}
	if (r == 0) {
		r = loader_take_jobs(loader);
	}
	if (r < 0 || loader->faults->error < 0) {
		return -ENOMEM;
	}
	if (faults_count(loader->faults) > 0) {
		r = substitutions_hide(config->substitutions, loader->faults);
		config_sort_faults(config, loader->faults);
		return r < 0 ? r : -EINVAL;
	}
	*ret_config = steal(&loader->config);
	return 0;
}

int
config_load(const char *path, struct config **ret_config, struct faults *faults)
{
	_cleanup_(close_loader) struct loader loader = { .faults = faults };
	int r = open_loader(&loader, faults);

	if (r == 0 && path) {
		r = take_files(&loader, path);
	}
	return r < 0 ? r : finish(&loader, ret_config);
}

int
config_load_text(const char *name, const struct buffer *text, struct config **ret_config,
	struct faults *faults)
{
	_cleanup_(close_loader) struct loader loader = { .faults = faults };
	int r = open_loader(&loader, faults);

	if (r == 0) {
		r = take_text(&loader, name, text, &schema_root);
	}
	return r < 0 ? r : finish(&loader, ret_config);
}

unsigned
config_n_workers(const struct config *config)
{
	cpu_set_t cores;
	int n;

	if (config->workers > 0) {
		return config->workers;
	}
	if (sched_getaffinity(0, sizeof(cores), &cores) < 0) {
		return 1; /* more cores than a set has */
	}
	n = CPU_COUNT(&cores);
	return n < FETCH_WORKERS_MAX ? (unsigned)n : FETCH_WORKERS_MAX;
}

struct config *
config_ref(struct config *config)
{
	config->n_refs++;
	return config;
}

void
config_unref(struct config *config)
{
	struct config_tree *kept;

	if (!config || --config->n_refs > 0) {
		return;
	}
	for (size_t i = 0; i < config->n_jobs; i++) {
		timetable_destroy(config->jobs[i].timetable);
	}
	for (kept = config->trees; kept; kept = kept->next) {
		value_tree_destroy(kept->tree);
	}
	fetch_address_policy_fini(&config->policy);
	level_network_fini(&config->submit_network);
	level_network_fini(&config->admin_network);
	arena_fini(&config->arena);
	free(config);
}

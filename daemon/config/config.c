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

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/schema.h"
#include "daemon/config/substitute.h"
#include "lib/fetch/url.h"
#include "lib/protocol/yaml.h"

/* A text that was read, in the order of reading; name NULL = the defaults. */
struct config_tree {
	struct config_tree *next;
	const char *name;
	struct value_tree *tree;
};

/*
 * fields    of the faults' list and the configuration's arena
 * defaults  the tree of the defaults
 * last      the end of config->trees
 */
struct loader {
	struct config *config;
	struct faults *faults;
	struct fields fields;
	const struct value *defaults;
	struct config_tree **last;
};

/* What the engine can do, of the set of enum batch_feature. */
static const unsigned int engine_features = BATCH_FEATURE_RETRIES | BATCH_FEATURE_ASSERT;

static const struct value_path jobs_path = { .key = "jobs", .key_len = 4 };

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
	/* Parsed once for itself: the fixed keys of the second reading are compared with it. */
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
	return r < 0 ? r : take_text(loader, name, &text, &schema_root);
}

/* A fault without line: the file or folder itself. */
static void
complain_about_file(struct loader *loader, const char *name, int error)
{
	loader->faults->source = name;
	faults_add(loader->faults, &(struct fault_place){ NULL }, "cannot be read: %s",
		strerror(error));
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
	r = read_file(name, &text);
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

/* ---- jobs ---- */

static int
make_batch(const struct config *config, const struct config_job *job, const struct value_path *path,
	struct faults *faults, struct batch_description **ret_description)
{
	const char *skip[16];
	const struct batch_from from = {
		.path = path,
		.skip = skip,
		.defaults = &config->batch_defaults,
		.limits = &config->batch_limits,
	};

	assert(schema_job.n < ARRAY_LEN(skip));
	for (size_t i = 0; i < schema_job.n; i++) {
		skip[i] = schema_job.rows[i].name;
	}
	skip[schema_job.n] = NULL;
	return batch_from_value(job->map, &from, ret_description, faults);
}

static void
require(struct loader *loader, const struct config_job *job, const struct value_path *path,
	const char *key, const char *hint)
{
	if (!value_get(job->map, key)) {
		faults_add(loader->faults, &(struct fault_place){ .path = path, .at = job->map },
			"the field \"%s\" is missing: %s", key, hint);
	}
}

/* What no single key can say about itself. */
static void
check_job(struct loader *loader, const struct config_job *job, const struct value_path *path)
{
	const struct value_path name_path = { path, "name", 4, 0 };
	const struct value_path jitter_path = { path, "jitter", 6, 0 };

	require(loader, job, path, "name", "a job is known by its name");
	if (!value_get(job->map, "cron") && !value_get(job->map, "calendar")) {
		require(loader, job, path, "every", "such as \"every: 30s\"");
	}
	if (job->every_ns > 0 && job->jitter_ns > job->every_ns) {
		faults_add(loader->faults,
			&(struct fault_place){
				.path = &jitter_path, .at = value_get(job->map, "jitter") },
			"must not be longer than \"every\"");
	}
	for (size_t i = 0; job->name && i < loader->config->n_jobs; i++) {
		const struct config_job *other = &loader->config->jobs[i];

		if (strcmp(other->name, job->name) == 0) {
			faults_add(loader->faults,
				&(struct fault_place){
					.path = &name_path, .at = value_get(job->map, "name") },
				"there is a job \"%s\" already, at %s:%u", job->name, other->source,
				other->line);
			break;
		}
	}
}

static int
take_job(struct loader *loader, const char *source, const struct value *map,
	const struct value_path *path)
{
	_cleanup_(batch_description_destroyp) struct batch_description *description = NULL;
	struct config *config = loader->config;
	struct config_job job = { .map = map, .source = source, .line = map->line };
	const struct schema_use use = { &loader->fields, NULL, &job };
	int r;

	if (map->type == VALUE_MAP) {
		schema_apply_known(&schema_job, &use, map, path);
		check_job(loader, &job, path);
	}
	r = make_batch(config, &job, path, loader->faults, &description);
	if (r < 0 && r != -EINVAL) {
		return r;
	}
	if (config->n_jobs == CONFIG_JOBS_MAX) {
		faults_add(loader->faults, &(struct fault_place){ .path = path, .at = map },
			"at most %d jobs", CONFIG_JOBS_MAX);
	} else if (job.name) {
		config->jobs[config->n_jobs++] = job;
	}
	return loader->fields.error;
}

static int
take_jobs_of(struct loader *loader, const struct config_tree *kept)
{
	const struct value *jobs = value_get(kept->tree->root, "jobs");
	const struct value *map;
	size_t index = 0;
	int r = 0;

	if (!jobs || jobs->type != VALUE_LIST) {
		return 0;
	}
	loader->faults->source = kept->name;
	for (map = jobs->first; map && r == 0 && index <= CONFIG_JOBS_MAX; map = map->next) {
		const struct value_path path = { .parent = &jobs_path, .index = index++ };

		r = take_job(loader, kept->name, map, &path);
	}
	return r;
}

static int
take_jobs(struct loader *loader)
{
	struct config *config = loader->config;
	int r = 0;

	config->jobs = arena_alloc(&config->arena, CONFIG_JOBS_MAX * sizeof(*config->jobs));
	if (!config->jobs) {
		return -ENOMEM;
	}
	for (const struct config_tree *kept = config->trees; kept && r == 0; kept = kept->next) {
		r = take_jobs_of(loader, kept);
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
	config->batch_defaults = (struct batch_defaults)BATCH_DEFAULTS_INIT;
	config->batch_limits.features = engine_features;
	config->batch_limits.check_url = check_url;
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
	config_destroy(loader->config);
}

/* Where a source stands in the order of reading. */
static size_t
rank(const struct config *config, const char *source)
{
	size_t n = 0;

	for (const struct config_tree *kept = config->trees; kept; kept = kept->next) {
		if (kept->name == source) {
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

/* HTTP/2 for all is refused where a batch may not ask for it. */
static void
check_http_version(struct loader *loader)
{
	const struct value_path network = { .key = "network", .key_len = 7 };
	const struct value_path path = { &network, "http_version", 12, 0 };

	if (engine_features & BATCH_FEATURE_HTTP_2) {
		return;
	}
	for (const struct config_tree *kept = loader->config->trees; kept; kept = kept->next) {
		const struct value *value =
			value_get(value_get(kept->tree->root, "network"), "http_version");

		if (value && value->text && strcmp(value->text, "2") == 0) {
			loader->faults->source = kept->name;
			faults_add(loader->faults,
				&(struct fault_place){ .path = &path, .at = value },
				"not supported by this version");
		}
	}
}

static int
finish(struct loader *loader, struct config **ret_config)
{
	struct config *config = loader->config;
	int r;

	config->batch_limits.in_flight = config->in_flight;
	config->batch_limits.per_origin = config->per_origin;
	check_http_version(loader);
	r = take_jobs(loader);
	if (r < 0 || loader->faults->error < 0) {
		return -ENOMEM;
	}
	if (faults_count(loader->faults) > 0) {
		qsort_r(loader->faults->items, loader->faults->n, sizeof(*loader->faults->items),
			compare_faults, config);
		return -EINVAL;
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

int
config_job_batch(
	const struct config *config, size_t job, struct batch_description **ret_description)
{
	_cleanup_(batch_description_destroyp) struct batch_description *description = NULL;
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	const char *name = config->jobs[job].name;
	int r;

	r = make_batch(config, &config->jobs[job], NULL, &faults, &description);
	if (r < 0) {
		return r;
	}
	description->name = arena_text(&description->arena, name, strlen(name));
	if (!description->name) {
		return -ENOMEM;
	}
	*ret_description = steal(&description);
	return 0;
}

void
config_destroy(struct config *config)
{
	struct config_tree *kept;

	if (!config) {
		return;
	}
	for (kept = config->trees; kept; kept = kept->next) {
		value_tree_destroy(kept->tree);
	}
	fetch_address_policy_fini(&config->policy);
	arena_fini(&config->arena);
	free(config);
}

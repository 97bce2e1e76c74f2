/* SPDX-License-Identifier: MIT */
/*
 * Puts a description together. A URL without fields of its own points to the batch's options; one
 * with fields gets a copy of them, in which each of its fields replaces the batch's as a whole.
 * Everything is kept in the description's arena, also what turns out to have faults: then all of it
 * is thrown away.
 */
#include "lib/protocol/batch_builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/protocol/units.h"

/* What a URL's object is read into. */
struct url_draft {
	const struct value *url;
	struct batch_options options;
};

static void
set_url(const struct field_at *at, const struct value *value, void *target)
{
	struct url_draft *draft = target;
	const char *text;

	if (field_text(at, value, &text)) {
		draft->url = value;
	}
}

static const struct field url_rows[] = {
	{ "url", "a string such as \"https://example.org/\"", false, FIELD_TEXT, set_url },
};

static const struct field_table url_table = { url_rows, ARRAY_LEN(url_rows) };

/* What no single field can say about itself. */
static void
check_request(struct batch_builder *builder, const struct batch_options *options,
	const struct value *at, const struct value_path *path)
{
	const struct fault_place place = { .path = path, .at = at };

	if (options->body && !options->method && !value_get(at, "method")) {
		faults_add(builder->fields.faults, &place,
			"a body needs a method, such as \"method\": \"POST\"");
	} else if (options->body && options->method && strcmp(options->method, "HEAD") == 0) {
		faults_add(builder->fields.faults, &place, "a HEAD request has no body");
	}
}

static struct batch_options
default_options(const struct batch_defaults *defaults, const struct batch_limits *limits)
{
	return (struct batch_options){
		.timeout_ns = defaults->timeout_ns,
		.connect_timeout_ns = defaults->connect_timeout_ns,
		.expect = batch_default_expect,
		.redirects = defaults->redirects,
		.retries = batch_default_retries,
		.max_body = limits->body,
		.tls = { .verify = true },
	};
}

static uint32_t
at_most(uint32_t n, uint32_t max)
{
	return n < max ? n : max;
}

int
batch_builder_init(struct batch_builder *builder, const struct batch_defaults *defaults,
	const struct batch_limits *limits, struct faults *faults)
{
	struct batch_description *batch = calloc(1, sizeof(*batch));

	if (!batch) {
		return -ENOMEM;
	}
	batch->deadline_ns = defaults->deadline_ns;
	batch->concurrency = at_most(defaults->concurrency, limits->in_flight);
	batch->per_origin = at_most(defaults->per_origin, limits->per_origin);
	*builder = (struct batch_builder){
		.defaults = defaults,
		.limits = limits,
		.batch = batch,
		.fields = { .faults = faults, .arena = &batch->arena, .user = builder },
		.common = default_options(defaults, limits),
		.n_faults_before = faults_count(faults),
	};
	return 0;
}

void
batch_builder_fini(struct batch_builder *builder)
{
	batch_description_destroy(builder->batch);
	builder->batch = NULL;
}

void
batch_builder_fields(
	struct batch_builder *builder, const struct value *map, const char *const *skip)
{
	const struct field_use uses[] = {
		{ &batch_field_table, builder },
		{ &batch_option_table, &builder->common },
	};

	fields_apply(&builder->fields,
		&(struct fields_map){
			.map = map,
			.path = builder->path,
			.shape = "an object such as {\"urls\": [\"https://example.org/\"]}",
			.uses = uses,
			.n_uses = ARRAY_LEN(uses),
			.skip = skip,
		});
	check_request(builder, &builder->common, map, builder->path);
	if (builder->has_max_failures && builder->batch->max_failures > 0 &&
		builder->batch->policy != BATCH_FAIL_FAST) {
		faults_add(builder->fields.faults,
			&(struct fault_place){ .path = builder->path, .at = map },
			"max_failures goes with the policy fail_fast only");
	}
}

static const struct batch_options *
finish_options(struct batch_builder *builder, const struct batch_options *draft)
{
	struct batch_options *options = arena_alloc(&builder->batch->arena, sizeof(*options));

	if (!options) {
		builder->fields.error = -ENOMEM;
		return NULL;
	}
	*options = *draft;
	if (!options->method) {
		options->method = "GET";
	}
	return options;
}

void
batch_builder_seal(struct batch_builder *builder)
{
	builder->shared = finish_options(builder, &builder->common);
	builder->batch->options = builder->shared;
}

/* Whether a URL's text goes; @path leads to the text itself. */
static bool
check_url(struct batch_builder *builder, const struct value *value, const struct value_path *path)
{
	const struct fault_place place = { .path = path, .at = value };
	bool has_check = builder->limits->check_url != NULL;
	char why[160] = "not a URL";

	if (value->text_len == 0) {
		faults_add(builder->fields.faults, &place, "a URL must not be empty");
		return false;
	}
	if (has_check &&
		builder->limits->check_url(value->text, value->text_len, why, sizeof(why)) == 0) {
		return true;
	}
	if (value_has_control(value)) {
		faults_add(builder->fields.faults, &place,
			"a URL must not contain control characters");
		return false;
	}
	if (has_check) {
		faults_add(builder->fields.faults, &place, "%s", why);
	}
	return !has_check;
}

static struct batch_url *
new_url(struct batch_builder *builder)
{
	struct batch_description *batch = builder->batch;

	if (batch->n_urls == builder->cap) {
		size_t cap = builder->cap ? builder->cap * 2 : 16;
		struct batch_url *urls = reallocarray(batch->urls, cap, sizeof(*urls));

		if (!urls) {
			builder->fields.error = -ENOMEM;
			return NULL;
		}
		batch->urls = urls;
		builder->cap = cap;
	}
	return &batch->urls[batch->n_urls];
}

static void
add_url(struct batch_builder *builder, const struct value *value,
	const struct batch_options *options)
{
	struct batch_url *url = new_url(builder);
	const char *text = arena_text(&builder->batch->arena, value->text, value->text_len);

	if (!url || !text || !options) {
		builder->fields.error = -ENOMEM;
		return;
	}
	*url = (struct batch_url){
		.url = text,
		.options = options,
		.line = value->line ? value->line : builder->line,
		.column = value->column,
	};
	builder->batch->n_urls++;
}

static void
add_url_object(
	struct batch_builder *builder, const struct value *map, const struct value_path *path)
{
	struct url_draft draft = { .options = builder->common };
	const struct field_use uses[] = {
		{ &url_table, &draft },
		{ &batch_option_table, &draft.options },
	};
	const struct value_path url_path = { .parent = path, .key = "url", .key_len = 3 };

	fields_apply(&builder->fields,
		&(struct fields_map){
			.map = map,
			.path = path,
			.shape = "a URL or an object such as {\"url\": \"https://example.org/\"}",
			.uses = uses,
			.n_uses = ARRAY_LEN(uses),
			.other = &batch_field_table,
			.other_text = "belongs to the batch, not to a single URL",
		});
	if (map->type != VALUE_MAP) {
		return;
	}
	if (!value_get(map, "url")) {
		faults_add(builder->fields.faults, &(struct fault_place){ .path = path, .at = map },
			"the field \"url\" is missing");
	}
	if (value_get(map, "body") || value_get(map, "method")) {
		check_request(builder, &draft.options, map, path);
	}
	if (draft.url && check_url(builder, draft.url, &url_path)) {
		add_url(builder, draft.url,
			map->n == 1 ? builder->shared : finish_options(builder, &draft.options));
	}
}

void
batch_builder_url(struct batch_builder *builder, const struct value *value)
{
	const struct value_path urls = { .parent = builder->path, .key = "urls", .key_len = 4 };
	const struct value_path path = { .parent = &urls, .index = builder->n_seen };

	if (++builder->n_seen > builder->limits->urls) {
		return; /* counted, for the message */
	}
	if (value->type != VALUE_STRING) {
		add_url_object(builder, value, &path);
	} else if (check_url(builder, value, &path)) {
		add_url(builder, value, builder->shared);
	}
}

int
batch_builder_finish(struct batch_builder *builder, struct batch_description **ret_batch)
{
	const struct value_path urls = { .parent = builder->path, .key = "urls", .key_len = 4 };
	struct faults *faults = builder->fields.faults;

	if (builder->n_seen > builder->limits->urls) {
		faults_add(faults, &(struct fault_place){ .path = &urls },
			"at most %zu URLs in a batch, found %zu", builder->limits->urls,
			builder->n_seen);
	}
	if (builder->fields.error < 0 || faults->error < 0) {
		return -ENOMEM;
	}
	if (faults_count(faults) > builder->n_faults_before) {
		return -EINVAL;
	}
	*ret_batch = builder->batch;
	builder->batch = NULL;
	return 0;
}

/* The URLs of the batch's own list, or a fault that there is none. */
static void
take_urls(struct batch_builder *builder, const struct value *map)
{
	const struct value *url;

	if (!builder->urls) {
		if (map->type == VALUE_MAP && !value_get(map, "urls")) {
			faults_add(builder->fields.faults,
				&(struct fault_place){ .path = builder->path, .at = map },
				"the field \"urls\" is missing");
		}
		return;
	}
	value_for_each(url, builder->urls) {
		batch_builder_url(builder, url);
	}
}

void
batch_builder_all(struct batch_builder *builder, const struct value *map, const char *const *skip)
{
	batch_builder_fields(builder, map, skip);
	batch_builder_seal(builder);
	take_urls(builder, map);
}

int
batch_from_value(const struct value *map, const struct batch_from *from,
	struct batch_description **ret_batch, struct faults *faults)
{
	_cleanup_(batch_builder_fini) struct batch_builder builder = { NULL };
	int r;

	r = batch_builder_init(&builder, from->defaults, from->limits, faults);
	if (r < 0) {
		return r;
	}
	builder.path = from->path;
	batch_builder_all(&builder, map, from->skip);
	return batch_builder_finish(&builder, ret_batch);
}

void
batch_description_destroy(struct batch_description *batch)
{
	if (!batch) {
		return;
	}
	free(batch->urls);
	arena_fini(&batch->arena);
	free(batch);
}

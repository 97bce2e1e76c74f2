/* SPDX-License-Identifier: MIT */
/*
 * Between the readers of bodies and the table of fields: a description that grows. First the fields
 * of the batch, once; then its URLs, one by one; then the verdict. Inside lib/protocol only.
 */
#pragma once

#include "lib/protocol/batch_fields.h"
#include "lib/protocol/fields.h"

/*
 * defaults, limits  borrowed
 * batch             what is being built
 * common            options of the URLs that override nothing; its method is NULL until somebody
 *                   gives one
 * shared            the finished copy of them that URLs point to; NULL before batch_builder_seal()
 * cap               URLs there is room for
 * n_seen            URLs so far, those with faults and those over the limit included
 * urls              the batch's own list of URLs, if it had one
 * path              of the batch within its input; NULL = it is the whole
 * n_faults_before   in the list when this batch began
 * line              of the input, for URLs without a position of their own; 0 = not known
 */
struct batch_builder {
	const struct batch_defaults *defaults;
	const struct batch_limits *limits;
	struct batch_description *batch;
	struct fields fields;
	struct batch_options common;
	const struct batch_options *shared;
	size_t cap;
	size_t n_seen;
	const struct value *urls;
	bool has_max_failures;
	const struct value_path *path;
	size_t n_faults_before;
	uint32_t line;
};

/*
 * The fields of a batch (target: its builder), and those of a URL or of all URLs (target: the
 * options).
 */
extern const struct field_table batch_field_table;
extern const struct field_table batch_option_table;

/* What "retries" and "expect" say when they say nothing. */
extern const struct batch_retries batch_default_retries;
extern const struct batch_statuses batch_default_expect;

/* batch_builder_init() - @input's defaults and limits, faults to @faults. Return: 0 or -ENOMEM. */
int batch_builder_init(struct batch_builder *builder, const struct batch_defaults *defaults,
	const struct batch_limits *limits, struct faults *faults);

/* batch_builder_fini() - free what was not given away; accepts a zeroed builder */
void batch_builder_fini(struct batch_builder *builder);

/*
 * batch_builder_fields() - take the fields of a batch; a list of URLs is only remembered, in ->urls
 */
void batch_builder_fields(
	struct batch_builder *builder, const struct value *map, const char *const *skip);

/* batch_builder_seal() - the fields of the batch are complete; URLs may come */
void batch_builder_seal(struct batch_builder *builder);

/* batch_builder_url() - take the next URL: a string or an object */
void batch_builder_url(struct batch_builder *builder, const struct value *value);

/* batch_builder_all() - take a whole batch: its fields and its list of URLs */
void batch_builder_all(
	struct batch_builder *builder, const struct value *map, const char *const *skip);

/* batch_builder_finish() - 0 and the batch, -EINVAL when there were faults, or -ENOMEM */
int batch_builder_finish(struct batch_builder *builder, struct batch_description **ret_batch);

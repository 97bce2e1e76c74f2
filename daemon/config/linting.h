/* SPDX-License-Identifier: MIT */
/* A configuration while it is being looked at, as the files of lint share it. */
#pragma once

#include "daemon/config/lint.h"
#include "lib/protocol/value.h"

struct linting {
	const struct config *config;
	struct faults *warnings;
};

/* lint_warn() - at @at of the file @source */
void lint_warn(struct linting *linting, enum lint_code code, const char *source,
	const struct fault_place *at, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* lint_warn_member() - at the member @key of a mapping, which is there */
void lint_warn_member(struct linting *linting, enum lint_code code, const char *source,
	const struct value *map, const struct value_path *path, const char *key, const char *text);

/* lint_is_secret_header() - whether its value is likely to be one */
bool lint_is_secret_header(const char *name);

/* The jobs: their schedules, times, and where their secrets go. 0 or -ENOMEM */
int lint_jobs(struct linting *linting);

/* The files themselves: those that nobody reads, and secrets in those that everybody may. 0 or -ENOMEM */
int lint_files(struct linting *linting, const char *path);

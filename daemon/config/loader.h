/* SPDX-License-Identifier: MIT */
/* A configuration while it is being read, as the files of the loader share it. */
#pragma once

#include "daemon/config/config.h"
#include "lib/protocol/fields.h"

/*
 * A text that was read, in the order of reading.
 *
 * name    as faults have it, and no longer; NULL = the defaults
 * source  the same, as long as the configuration
 */
struct config_tree {
	struct config_tree *next;
	const char *name;
	const char *source;
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

/*
 * config_find_origin() - where a key was set last, NULL: it is a default
 * @section: NULL: it stands in none
 */
const struct value *config_find_origin(
	const struct config *config, const char *section, const char *key, const char **ret_source);

/* config_sort_faults() - in the order of the places, as the files were read */
void config_sort_faults(const struct config *config, struct faults *faults);

/* loader_take_jobs() - read and check the jobs of all trees, when all settings are known; 0 or -ENOMEM */
int loader_take_jobs(struct loader *loader);

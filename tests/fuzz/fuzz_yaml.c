/* SPDX-License-Identifier: MIT */
/*
 * Configuration files: YAML to a tree, and the tree to a batch as a job would be. What must hold: a
 * text is either a tree or a fault, members have keys and every node a place, and no input is too deep.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/buffer.h"
#include "lib/protocol/batch_fields.h"
#include "lib/protocol/yaml.h"
#include "tests/fuzz/always.h"

static const struct batch_defaults defaults = BATCH_DEFAULTS_INIT;
static const struct batch_limits limits = BATCH_LIMITS_INIT;

static void
check_tree(const struct value *value, unsigned int depth)
{
	const struct value *child;
	size_t n = 0;

	ALWAYS(depth <= VALUE_MAX_DEPTH);
	ALWAYS(value->type != VALUE_STRING || value->text);
	value_for_each(child, value) {
		ALWAYS(child->line > 0 && child->column > 0);
		ALWAYS((value->type == VALUE_MAP) == (child->key != NULL));
		ALWAYS(value->type != VALUE_MAP || value_get(value, child->key) == child);
		check_tree(child, depth + 1);
		n++;
	}
	ALWAYS(n == value->n);
}

static void
read_job(const struct value *root, struct faults *faults)
{
	const struct batch_from from = { .defaults = &defaults, .limits = &limits };
	struct batch_description *batch = NULL;
	size_t n_before = faults_count(faults);
	int r = batch_from_value(root, &from, &batch, faults);

	ALWAYS(r == 0 || (r == -EINVAL && faults_count(faults) > n_before));
	ALWAYS((r == 0) == (batch != NULL));
	batch_description_destroy(batch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct faults faults = FAULTS_INIT;
	struct buffer out = BUFFER_INIT;
	struct value_tree *tree = NULL;
	int r;

	faults.source = "fuzz.yaml";
	r = yaml_parse((const char *)data, size, &tree, &faults);
	ALWAYS(r == 0 || r == -EINVAL);
	if (r == 0) {
		check_tree(tree->root, 0);
		read_job(tree->root, &faults);
	} else {
		ALWAYS(faults.n > 0 && !tree);
	}
	for (size_t i = 0; i < faults.n; i++) {
		fault_print(&faults.items[i], &out);
	}
	buffer_fini(&out);
	faults_fini(&faults);
	value_tree_destroy(tree);
	return 0;
}

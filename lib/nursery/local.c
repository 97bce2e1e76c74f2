/* SPDX-License-Identifier: MIT */
/*
 * Local values. A list never changes: whoever sets a value makes a new one, with the others' bindings in
 * it, so that a task inherits by taking a pointer. Both lists and bindings are counted; the last list that
 * has a binding destroys its value. Lists are short and searched from the front.
 */
#include "lib/nursery/local.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"

struct binding {
	size_t n_lists;
	const struct nur_local *key;
	void *value;
};

struct nuri_locals {
	size_t n_holders;
	size_t n;
	struct binding *bindings[];
};

static struct binding *
find(const struct nuri_locals *locals, const struct nur_local *key)
{
	for (size_t i = 0; locals && i < locals->n; i++) {
		if (locals->bindings[i]->key == key) {
			return locals->bindings[i];
		}
	}
	return NULL;
}

static void
let_go(struct nuri_locals *locals)
{
	if (!locals || --locals->n_holders > 0) {
		return;
	}
	for (size_t i = 0; i < locals->n; i++) {
		struct binding *binding = locals->bindings[i];

		if (--binding->n_lists > 0) {
			continue;
		}
		if (binding->key->destroy) {
			binding->key->destroy(binding->value);
		}
		free(binding);
	}
	free(locals);
}

void
nuri_task_inherit_locals(struct nur_task *task, const struct nur_task *parent)
{
	if (task->parent_nursery == &task->run->system) {
		return; /* it belongs to nobody who could have values for it */
	}
	task->locals = parent->locals;
	task->locals->n_holders++;
}

void
nuri_locals_clear(struct nuri_locals **locals)
{
	while (*locals) {
		let_go(steal(locals));
	}
}

/* Puts a list in place of *@locals that has @binding, if any, and not what @key had before. */
static int
replace(struct nuri_locals **locals, const struct nur_local *key, struct binding *binding)
{
	struct nuri_locals *old = *locals;
	size_t n_old = old ? old->n : 0;
	struct nuri_locals *new = malloc(sizeof(*new) + (n_old + 1) * sizeof(new->bindings[0]));

	if (!new) {
		return -ENOMEM;
	}
	*new = (struct nuri_locals){ .n_holders = 1 };
	for (size_t i = 0; i < n_old; i++) {
		if (old->bindings[i]->key != key) {
			new->bindings[new->n++] = old->bindings[i];
		}
	}
	if (binding) {
		new->bindings[new->n++] = binding;
	}
	for (size_t i = 0; i < new->n; i++) {
		new->bindings[i]->n_lists++;
	}
	*locals = new; /* first: a destructor may look */
	let_go(old);
	return 0;
}

static int
set(struct nuri_locals **locals, const struct nur_local *key, void *value)
{
	struct binding *binding = malloc(sizeof(*binding));
	int r;

	if (!binding) {
		return -ENOMEM;
	}
	*binding = (struct binding){ .key = key, .value = value };
	r = replace(locals, key, binding);
	if (r < 0) {
		free(binding);
	}
	return r;
}

static int
unset(struct nuri_locals **locals, const struct nur_local *key)
{
	return find(*locals, key) ? replace(locals, key, NULL) : 0;
}

static int
find_value(const struct nuri_locals *locals, const struct nur_local *key, void **ret_value)
{
	const struct binding *binding = find(locals, key);

	if (!binding) {
		return -ENOENT;
	}
	*ret_value = binding->value;
	return 0;
}

int
nur_task_local_set(const struct nur_local *local, void *value)
{
	struct nur_task *task = nur_current_task();

	return task ? set(&task->locals, local, value) : NUR_ENOTINTASK;
}

int
nur_task_local_unset(const struct nur_local *local)
{
	struct nur_task *task = nur_current_task();

	return task ? unset(&task->locals, local) : NUR_ENOTINTASK;
}

int
nur_task_local_find(const struct nur_local *local, void **ret_value)
{
	struct nur_task *task = nur_current_task();

	return find_value(task ? task->locals : NULL, local, ret_value);
}

int
nur_run_local_set(const struct nur_local *local, void *value)
{
	struct nuri_run *run = nuri_current_run();

	return run ? set(&run->locals, local, value) : NUR_ENOTINTASK;
}

int
nur_run_local_unset(const struct nur_local *local)
{
	struct nuri_run *run = nuri_current_run();

	return run ? unset(&run->locals, local) : NUR_ENOTINTASK;
}

int
nur_run_local_find(const struct nur_local *local, void **ret_value)
{
	struct nuri_run *run = nuri_current_run();

	return run ? find_value(run->locals, local, ret_value) : NUR_ENOTINTASK;
}

/* SPDX-License-Identifier: MIT */
/*
 * YAML to a tree with positions; yaml.c is the only file that knows libyaml. A strict subset: one
 * document, no anchors, aliases, tags or merge keys, string keys, each once. Plain scalars are
 * null, true, false, integers, reals, and else strings; words that other readers take for something
 * else (yes, off, 0660) are strings marked ambiguous, for a schema to say "quote it".
 */
#pragma once

#include <stddef.h>

#include "lib/protocol/faults.h"
#include "lib/protocol/value.h"

#define YAML_MAX_BYTES (1024 * 1024)
#define YAML_MAX_NODES 50000

/**
 * yaml_parse() - turn a YAML text into a tree with positions
 * @text:     @len bytes
 * @ret_tree: given: value_tree_destroy(); an empty text gives a null
 * @faults:   what is wrong is added here; set faults->source to the file's name first
 *
 * A breach of the subset (duplicate keys, an anchor) is a fault and the tree is still given, so
 * that a schema can report its own faults in the same run: look at @faults before using the tree.
 *
 * Errors:  -EINVAL  no YAML, or over a limit (bytes, nodes, VALUE_MAX_DEPTH): no tree, one fault
 *                   more
 *          -ENOMEM
 *
 * Return: 0, or a negative error code from the list.
 */
int yaml_parse(const char *text, size_t len, struct value_tree **ret_tree, struct faults *faults);

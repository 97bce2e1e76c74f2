/* SPDX-License-Identifier: MIT */
/* The public headers' struct nur_node, seen as the ring of lib/base/list.h that it is. */
#pragma once

#include <nursery/macros.h>

#include "lib/base/list.h"

_Static_assert(sizeof(struct nur_node) == sizeof(struct list) &&
		       offsetof(struct nur_node, next) == offsetof(struct list, next),
	"struct nur_node is struct list under a public name");

static inline struct list *
nuri_list(struct nur_node *node)
{
	return (struct list *)(void *)node;
}

static inline const struct list *
nuri_list_const(const struct nur_node *node)
{
	return (const struct list *)(const void *)node;
}

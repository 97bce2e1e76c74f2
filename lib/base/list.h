/* SPDX-License-Identifier: MIT */
/*
 * A doubly linked ring whose nodes live inside the objects they link. An unlinked node points to
 * itself, so unlinking twice is harmless and a node knows whether it is in a list. The head is a node
 * that belongs to no object.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

#define LIST_INIT(name) { &(name), &(name) }

#define list_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* The body must not unlink other nodes than its own: use list_for_each_safe for that, or take firsts. */
#define list_for_each(node, head) for ((node) = (head)->next; (node) != (head); (node) = (node)->next)
#define list_for_each_safe(node, after, head)                                                     \
	for ((node) = (head)->next, (after) = (node)->next; (node) != (head);                      \
		(node) = (after), (after) = (node)->next)

static inline void
list_init(struct list *node)
{
	node->next = node;
	node->prev = node;
}

static inline bool
list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline bool
list_is_linked(const struct list *node)
{
	return node->next != node;
}

static inline void
list_insert_between(struct list *node, struct list *prev, struct list *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

static inline void
list_append(struct list *head, struct list *node)
{
	list_insert_between(node, head->prev, head);
}

static inline void
list_prepend(struct list *head, struct list *node)
{
	list_insert_between(node, head, head->next);
}

/* list_cut() - unlink a node that is dead, or will be linked again at once: it keeps its old links */
static inline void
list_cut(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
}

static inline void
list_unlink(struct list *node)
{
	list_cut(node);
	list_init(node);
}

/* list_take_first() - unlink and return the oldest node, or NULL */
static inline struct list *
list_take_first(struct list *head)
{
	struct list *node = head->next;

	if (node == head) {
		return NULL;
	}
	list_unlink(node);
	return node;
}

/* list_move_all() - append all nodes of @from to @to, leaving @from empty */
static inline void
list_move_all(struct list *to, struct list *from)
{
	if (list_is_empty(from)) {
		return;
	}
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

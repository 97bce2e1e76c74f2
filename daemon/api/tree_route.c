/* SPDX-License-Identifier: MIT */
/*
 * The walk gives entries with their depth, parents first. As JSON an entry's object stays open until the
 * walk comes back to its depth; as text each line is indented by it. The answer is built without a
 * checkpoint, so it shows one moment.
 */
#include "daemon/api/tree_route.h"

#include <nursery.h>

#include "daemon/api/connection.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/json_writer.h"

static const char *
kind_name(enum nur_tree_kind kind)
{
	static const char *const names[] = {
		[NUR_TREE_RUN] = "run",
		[NUR_TREE_TASK] = "task",
		[NUR_TREE_NURSERY] = "nursery",
	};

	return names[kind];
}

static nur_time
time_left(const struct nur_tree_entry *entry)
{
	return nur_time_sub(entry->deadline, nur_now());
}

static bool
has_deadline(const struct nur_tree_entry *entry)
{
	return entry->deadline != NUR_FOREVER && entry->deadline != NUR_LONG_AGO;
}

struct json_tree {
	struct json_writer writer;
	size_t n_open;
};

static void
write_cancel(struct json_writer *w, const struct nur_tree_entry *entry)
{
	json_write_key(w, "cancelled");
	json_write_bool(w, entry->is_cancelled);
	if (!entry->is_cancelled || !entry->reason) {
		return;
	}
	json_write_key(w, "cancel");
	json_begin_object(w);
	json_write_key(w, "source");
	json_write_text(w, nur_cancel_source_name(entry->reason->source));
	if (entry->reason->text) {
		json_write_key(w, "reason");
		json_write_text(w, entry->reason->text);
	}
	if (*entry->reason->task) {
		json_write_key(w, "by");
		json_write_text(w, entry->reason->task);
	}
	json_end_object(w);
}

static void
close_to(struct json_tree *tree, size_t depth)
{
	while (tree->n_open > depth) {
		json_end_array(&tree->writer);
		json_end_object(&tree->writer);
		tree->n_open--;
	}
}

static int
write_entry(const struct nur_tree_entry *entry, void *arg)
{
	struct json_tree *tree = arg;
	struct json_writer *w = &tree->writer;

	close_to(tree, entry->depth);
	json_begin_object(w);
	json_write_key(w, "kind");
	json_write_text(w, kind_name(entry->kind));
	if (entry->kind == NUR_TREE_TASK) {
		json_write_key(w, "name");
		json_write_text(w, entry->name);
		json_write_key(w, "state");
		json_write_text(w, nur_task_state_name(entry->state));
		json_write_key(w, "waiting_for");
		json_write_text(w, entry->wait_reason);
		json_write_key(w, "age_ms");
		json_write_ms(w, entry->age_ns);
	}
	if (has_deadline(entry)) {
		json_write_key(w, "deadline_in_ms");
		json_write_ms(w, time_left(entry));
	}
	if (entry->kind != NUR_TREE_RUN) {
		write_cancel(w, entry);
	}
	json_write_key(w, "children");
	json_begin_array(w);
	tree->n_open++;
	return 0;
}

static int
draw_entry(const struct nur_tree_entry *entry, void *arg)
{
	struct buffer *out = arg;

	buffer_printf(out, "%*s", (int)(2 * entry->depth), "");
	if (entry->kind == NUR_TREE_TASK) {
		buffer_printf(out, "%s: %s", entry->name, nur_task_state_name(entry->state));
		if (entry->wait_reason) {
			buffer_printf(out, " (%s)", entry->wait_reason);
		}
		buffer_printf(out, ", %.3f s", (double)entry->age_ns / 1e9);
	} else if (entry->kind == NUR_TREE_NURSERY) {
		buffer_printf(out, "nursery, %zu %s", entry->n_children,
			entry->n_children == 1 ? "task" : "tasks");
	} else {
		buffer_puts(out, "run");
	}
	if (has_deadline(entry)) {
		buffer_printf(out, ", deadline in %.3f s", (double)time_left(entry) / 1e9);
	}
	if (entry->is_cancelled && entry->reason) {
		buffer_printf(out, ", cancelled: %s",
			entry->reason->text ? entry->reason->text
					    : nur_cancel_source_name(entry->reason->source));
	}
	buffer_putc(out, '\n');
	return 0;
}

int
tree_route(struct exchange *exchange, const char *name)
{
	static const char *const offers[] = { "application/json", "text/plain" };
	struct buffer *out = &exchange->response.out;
	struct json_tree tree = { JSON_WRITER_INIT(out), 0 };

	switch (http_request_accepts(exchange->request, offers, ARRAY_LEN(offers))) {
	case 0:
		response_begin(&exchange->response, 200, "application/json", NULL);
		(void)nur_tree_walk(write_entry, &tree); /* in a run; the visitor does not end it */
		close_to(&tree, 0);
		json_end_line(&tree.writer);
		break;
	case 1:
		response_begin(&exchange->response, 200, "text/plain; charset=utf-8", NULL);
		(void)nur_tree_walk(draw_entry, out);
		break;
	default:
		return response_problem(&exchange->response, PROBLEM_NOT_ACCEPTABLE,
			"application/json and text/plain are there", NULL, NULL);
	}
	return response_end(&exchange->response);
}

/* SPDX-License-Identifier: MIT */
/*
 * The walk gives entries with their depth, parents first. As JSON an entry's object stays open until the
 * walk comes back to its depth; as text a line is what libnursery makes of it. A run is shown without
 * a checkpoint, so it shows one moment. The runs of workers come below the daemon's, and are walked by their
 * threads while we wait. Names and texts are the program's own: no URL is among them.
 */
#include "daemon/api/tree_route.h"

#include <fetch/fetch.h>
#include <nursery.h>

#include "daemon/api/connection.h"
#include "daemon/server.h"
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
	if (entry->name) {
		json_write_key(w, "name");
		json_write_text(w, entry->name);
	}
	if (entry->kind == NUR_TREE_TASK) {
		json_write_key(w, "state");
		json_write_text(w, nur_task_state_name(entry->state));
		json_write_key(w, "waiting_for");
		json_write_text(w, entry->wait_reason);
		json_write_key(w, "age_ms");
		json_write_ms(w, entry->age_ns);
	}
	if (entry->time_left_ns != NUR_FOREVER) {
		json_write_key(w, "deadline_in_ms");
		json_write_ms(w, entry->time_left_ns);
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
	size_t len = nur_tree_format(entry, NULL, 0);

	if (buffer_reserve(out, len + 1) == 0) {
		out->len += nur_tree_format(entry, out->data + out->len, len + 1);
		if (entry->kind == NUR_TREE_RUN && entry->name) {
			buffer_printf(out, ": %s", entry->name);
		}
		buffer_putc(out, '\n');
	}
	return 0;
}

/* The daemon's run, and below it those of the workers. */
static void
walk(struct exchange *exchange, nur_tree_fn visit, void *arg)
{
	(void)nur_tree_walk(visit, arg); /* in a run; the visitor does not end it */
	(void)fetch_engine_walk(server_engine(exchange->server), visit, arg);
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
		walk(exchange, write_entry, &tree);
		close_to(&tree, 0);
		json_end_line(&tree.writer);
		break;
	case 1:
		response_begin(&exchange->response, 200, "text/plain; charset=utf-8", NULL);
		walk(exchange, draw_entry, out);
		break;
	default:
		return response_problem(&exchange->response, PROBLEM_NOT_ACCEPTABLE,
			"application/json and text/plain are there", NULL, NULL);
	}
	return response_end(&exchange->response);
}

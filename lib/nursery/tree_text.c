/* SPDX-License-Identifier: MIT */
/*
 * The tree as text. A line is put together from pieces that go straight to where it is wanted: the
 * caller's memory, a descriptor, a buffer. Nothing takes memory or looks at the locale, and nothing is
 * cut but by the caller's own limit.
 */
#include "lib/nursery/tree_text.h"

#include <nursery/tree.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/nursery/write_all.h"

/* Where a line goes: @put is called for its pieces, in order. */
struct out {
	void (*put)(struct out *out, const char *data, size_t len);
};

static void
put_text(struct out *out, const char *text)
{
	out->put(out, text, strlen(text));
}

/* What a name or a text of the program's is made of does not break the line. */
static void
put_foreign(struct out *out, const char *text)
{
	static const char controls[] = "\001\002\003\004\005\006\007\010\011\012\013\014\015\016"
				       "\017\020\021\022\023\024\025\026\027\030\031\032\033\034"
				       "\035\036\037\177";

	while (*text) {
		size_t len = strcspn(text, controls);

		out->put(out, text, len);
		text += len;
		if (*text) {
			out->put(out, "?", 1);
			text++;
		}
	}
}

static void
put_seconds(struct out *out, nur_time ns)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%" PRId64 ".%03d s", ns / NUR_SEC(1),
		(int)(ns % NUR_SEC(1) / NUR_MSEC(1)));

	out->put(out, text, (size_t)len);
}

static void
put_task(struct out *out, const struct nur_tree_entry *entry)
{
	put_foreign(out, entry->name);
	put_text(out, ": ");
	put_text(out, nur_task_state_name(entry->state));
	if (entry->state == NUR_TASK_WAITING) {
		put_text(out, " (");
		put_text(out, entry->wait_reason ? entry->wait_reason : "no reason given");
		put_text(out, ") for ");
		put_seconds(out, entry->waiting_ns);
	}
	put_text(out, ", ");
	put_seconds(out, entry->age_ns);
	put_text(out, " old");
}

static void
put_nursery(struct out *out, const struct nur_tree_entry *entry)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%zu %s", entry->n_children,
		entry->n_children == 1 ? "task" : "tasks");

	put_text(out, "nursery, ");
	out->put(out, text, (size_t)len);
}

static void
put_deadline(struct out *out, nur_time time_left)
{
	if (time_left == NUR_FOREVER) {
		return;
	}
	if (time_left < 0) {
		put_text(out, ", deadline ");
		put_seconds(out, nur_time_sub(0, time_left));
		put_text(out, " ago");
	} else {
		put_text(out, ", deadline in ");
		put_seconds(out, time_left);
	}
}

static void
put_reason(struct out *out, const struct nur_cancel_reason *reason)
{
	put_text(out, " (");
	put_text(out, nur_cancel_source_name(reason->source));
	if (reason->text) {
		put_text(out, ": \"");
		put_foreign(out, reason->text);
		put_text(out, "\"");
	}
	if (*reason->task) {
		put_text(out, ", by ");
		put_foreign(out, reason->task);
	}
	put_text(out, ")");
}

static void
put_line(struct out *out, const struct nur_tree_entry *entry)
{
	for (size_t i = 0; i < entry->depth; i++) {
		put_text(out, "  ");
	}
	switch (entry->kind) {
	case NUR_TREE_RUN:
		put_text(out, "run");
		break;
	case NUR_TREE_NURSERY:
		put_nursery(out, entry);
		break;
	case NUR_TREE_TASK:
		put_task(out, entry);
		break;
	}
	put_deadline(out, entry->time_left_ns);
	if (entry->is_shielded) {
		put_text(out, ", shielded");
	}
	if (entry->is_cancelled) {
		put_text(out, ", cancelled");
		if (entry->reason) {
			put_reason(out, entry->reason);
		}
	} else if (entry->stop_reason) {
		put_text(out, ", asked to stop");
		put_reason(out, entry->stop_reason);
	}
}

/* ---- into the caller's memory ---- */

struct memory_out {
	struct out out;
	char *text;
	size_t cap;
	size_t len;
};

static void
put_into_memory(struct out *out, const char *data, size_t len)
{
	struct memory_out *to = container_of(out, struct memory_out, out);
	size_t room = to->len + 1 < to->cap ? to->cap - 1 - to->len : 0;

	if (room > 0) {
		memcpy(to->text + to->len, data, len < room ? len : room);
	}
	to->len += len;
}

size_t
nur_tree_format(const struct nur_tree_entry *entry, char *text, size_t cap)
{
	struct memory_out to = { .out = { put_into_memory }, .text = text, .cap = cap };

	put_line(&to.out, entry);
	if (cap > 0) {
		text[to.len < cap ? to.len : cap - 1] = '\0';
	}
	return to.len;
}

/* ---- into a buffer ---- */

struct buffer_out {
	struct out out;
	struct buffer *buffer;
};

static void
put_into_buffer(struct out *out, const char *data, size_t len)
{
	buffer_append(container_of(out, struct buffer_out, out)->buffer, data, len);
}

static int
print(const struct nur_tree_entry *entry, void *arg)
{
	struct buffer_out *to = arg;

	put_line(&to->out, entry);
	put_text(&to->out, "\n");
	return 0;
}

void
nuri_tree_print(struct buffer *buffer)
{
	struct buffer_out to = { .out = { put_into_buffer }, .buffer = buffer };

	(void)nur_tree_walk(print, &to); /* in a run; the visitor does not end it */
}

/* ---- to a descriptor, a chunk at a time ---- */

struct fd_out {
	struct out out;
	int fd;
	int error;
	size_t len;
	char chunk[256];
};

static void
flush(struct fd_out *to)
{
	if (to->error == 0) {
		to->error = nuri_write_all(to->fd, to->chunk, to->len);
	}
	to->len = 0;
}

static void
put_to_fd(struct out *out, const char *data, size_t len)
{
	struct fd_out *to = container_of(out, struct fd_out, out);

	while (len > 0) {
		size_t room = sizeof(to->chunk) - to->len;
		size_t n = len < room ? len : room;

		memcpy(to->chunk + to->len, data, n);
		to->len += n;
		data += n;
		len -= n;
		if (to->len == sizeof(to->chunk)) {
			flush(to);
		}
	}
}

static int
draw(const struct nur_tree_entry *entry, void *arg)
{
	struct fd_out *to = arg;

	put_line(&to->out, entry);
	put_text(&to->out, "\n");
	return to->error;
}

int
nur_dump_task_tree(int fd)
{
	struct fd_out to = { .out = { put_to_fd }, .fd = fd };
	int r = nur_tree_walk(draw, &to);

	if (r == 0) {
		flush(&to);
		r = to.error;
	}
	return r;
}

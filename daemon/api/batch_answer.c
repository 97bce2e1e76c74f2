/* SPDX-License-Identifier: MIT */
#include "daemon/api/batch_answer.h"

#include <nursery.h>

#include "daemon/api/connection.h"
#include "daemon/batches/batch_object.h"
#include "daemon/batches/batches.h"
#include "lib/protocol/json_writer.h"

enum {
	heartbeat_seconds = 15,
};

void
batch_answer_summary(struct json_writer *w, const struct batch_summary *summary)
{
	json_begin_object(w);
	batch_summary_write_members(w, summary);
	json_end_object(w);
}

/* ---- lines ---- */

/* A stored result is an object; in a stream it begins with its type and number. */
static void
write_result_line(struct buffer *out, struct batch_text text, size_t seq)
{
	buffer_printf(out, "{\"type\":\"result\",\"seq\":%zu,", seq);
	buffer_append(out, text.data + 1, text.len - 1);
	buffer_putc(out, '\n');
}

/*
 * response  of whom
 * batch     what of
 * n_sent    results
 * end       no more than so many
 */
struct stream {
	struct response *response;
	struct batch *batch;
	size_t n_sent;
	size_t end;
};

static bool
has_new_results(const struct stream *stream)
{
	return stream->n_sent < batch_n_results(stream->batch) && stream->n_sent < stream->end;
}

static int
send_page(struct stream *stream)
{
	_cleanup_(batch_page_fini) struct batch_page page = { .n = 0 };
	int r = batch_read_page(stream->batch, BATCH_BY_SEQ, stream->n_sent + 1, &page);

	for (size_t i = 0; r >= 0 && i < page.n && stream->n_sent < stream->end; i++) {
		stream->n_sent = page.results[i].number;
		write_result_line(&stream->response->out, page.results[i].text, stream->n_sent);
		r = response_flush_when_large(stream->response);
	}
	return r;
}

/* What has finished since, in pieces. */
static int
send_new_results(struct stream *stream)
{
	struct response *response = stream->response;
	int r = 0;

	while (r >= 0 && has_new_results(stream)) {
		if (batch_is_stored(stream->batch)) {
			r = send_page(stream);
			continue;
		}
		write_result_line(&response->out, batch_result(stream->batch, stream->n_sent),
			stream->n_sent + 1);
		stream->n_sent++;
		r = response_flush_when_large(response);
	}
	if (r >= 0 && response->out.len > 0) {
		r = response_flush(response);
	}
	return r;
}

static int
wait_for_more(void *arg)
{
	struct stream *stream = arg;

	return batch_wait_results(stream->batch, stream->n_sent);
}

/* Whoever has seen more than there is waits for the end. */
static bool
is_at_end(const struct stream *stream)
{
	return stream->n_sent >= stream->end ||
	       (!batch_is_running(stream->batch) && !has_new_results(stream));
}

static int
follow(struct stream *stream)
{
	int r = send_new_results(stream);

	while (r >= 0 && !is_at_end(stream)) {
		bool is_quiet = false;

		r = nur_move_on_after(
			NUR_SEC(heartbeat_seconds), 0, wait_for_more, stream, &is_quiet);
		if (r >= 0 && is_quiet) {
			struct json_writer w = JSON_WRITER_INIT(&stream->response->out);

			batch_write_heartbeat_line(&w);
			r = response_flush(stream->response);
		} else if (r >= 0) {
			r = send_new_results(stream);
		}
	}
	return r;
}

int
batch_answer_follow(struct response *response, struct batch *batch, size_t *n_seen, size_t limit)
{
	struct stream stream = { response, batch, *n_seen,
		limit < SIZE_MAX - *n_seen ? *n_seen + limit : SIZE_MAX };
	int r = follow(&stream);

	*n_seen = stream.n_sent;
	return r;
}

int
batch_answer_break(struct response *response, size_t n_seen)
{
	buffer_printf(&response->out, "{\"type\":\"page\",\"cursor\":%zu}\n", n_seen);
	return response_end(response);
}

int
batch_answer_end(struct response *response, const struct batch *batch)
{
	struct batch_summary summary = batch_describe(batch);
	struct json_writer w = JSON_WRITER_INIT(&response->out);

	batch_write_end_line(&w, &summary);
	return response_end(response);
}

/* ---- the whole ---- */

static int
flush_when_large(void *response)
{
	return response_flush_when_large(response);
}

int
batch_answer_send(struct exchange *exchange, const struct batch *batch)
{
	struct response *response = &exchange->response;
	const struct batch_object object = {
		.batch = batch,
		.has_results = true,
		.flush = flush_when_large,
		.user = response,
	};
	int r;

	response_begin(response, 200, "application/json", NULL);
	r = batch_object_write(&object, &response->out);
	return r < 0 ? r : response_end(response);
}

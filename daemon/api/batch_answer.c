/* SPDX-License-Identifier: MIT */
#include "daemon/api/batch_answer.h"

#include <nursery.h>

#include "daemon/api/connection.h"
#include "daemon/batch_object.h"
#include "daemon/batches.h"
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
write_result_line(struct buffer *out, const struct batch *batch, size_t n)
{
	struct batch_text text = batch_result(batch, n);

	buffer_printf(out, "{\"type\":\"result\",\"seq\":%zu,", n + 1);
	buffer_append(out, text.data + 1, text.len - 1);
	buffer_putc(out, '\n');
}

/* What has finished since @n_sent, in pieces. */
static int
send_new_results(struct response *response, const struct batch *batch, size_t *n_sent)
{
	int r = 0;

	while (r >= 0 && *n_sent < batch_n_results(batch)) {
		write_result_line(&response->out, batch, (*n_sent)++);
		r = response_flush_when_large(response);
	}
	if (r >= 0 && response->out.len > 0) {
		r = response_flush(response);
	}
	return r;
}

struct stream {
	struct response *response;
	struct batch *batch;
	size_t n_sent;
};

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
	return !batch_is_running(stream->batch) && stream->n_sent >= batch_n_results(stream->batch);
}

static int
follow(struct stream *stream)
{
	int r = send_new_results(stream->response, stream->batch, &stream->n_sent);

	while (r >= 0 && !is_at_end(stream)) {
		bool is_quiet = false;

		r = nur_move_on_after(
			NUR_SEC(heartbeat_seconds), 0, wait_for_more, stream, &is_quiet);
		if (r >= 0 && is_quiet) {
			struct json_writer w = JSON_WRITER_INIT(&stream->response->out);

			batch_write_heartbeat_line(&w);
			r = response_flush(stream->response);
		} else if (r >= 0) {
			r = send_new_results(stream->response, stream->batch, &stream->n_sent);
		}
	}
	return r;
}

int
batch_answer_follow(struct response *response, struct batch *batch, size_t n_seen)
{
	struct stream stream = { response, batch, n_seen };

	return follow(&stream);
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

/* SPDX-License-Identifier: MIT */
#include "daemon/batches/batch_object.h"

#include "daemon/batches/batches.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/json_writer.h"

/* comma  goes before the next result */
struct writing {
	const struct batch_object *object;
	struct buffer *out;
	const char *comma;
};

static int
write_result(struct writing *writing, struct batch_text text)
{
	const struct batch_object *object = writing->object;

	buffer_puts(writing->out, writing->comma);
	buffer_append(writing->out, text.data, text.len);
	writing->comma = ",";
	return object->flush ? object->flush(object->user) : 0;
}

static int
write_results(struct writing *writing)
{
	const struct batch *batch = writing->object->batch;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < batch_n_urls(batch); i++) {
		struct batch_text text = batch_result_of(batch, i);

		r = text.data ? write_result(writing, text) : 0;
	}
	return r;
}

static int
write_stored_results(struct writing *writing)
{
	const struct batch *batch = writing->object->batch;
	size_t n_written = 0;
	size_t next = 0;
	int r = 0;

	while (r >= 0 && n_written < batch_n_results(batch)) {
		_cleanup_(batch_page_fini) struct batch_page page = { .n = 0 };

		r = batch_read_page(batch, BATCH_BY_INDEX, next, &page);
		for (size_t i = 0; r >= 0 && i < page.n; i++) {
			next = page.results[i].number + 1;
			r = write_result(writing, page.results[i].text);
		}
		n_written += page.n;
	}
	return r;
}

int
batch_object_write(const struct batch_object *object, struct buffer *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);
	struct batch_summary summary = batch_describe(object->batch);
	struct writing writing = { object, out, "" };
	int r = 0;

	if (object->has_results && batch_is_done(object->batch)) {
		summary.n_urls = 0; /* the results say it */
	}
	json_begin_object(&w);
	batch_summary_write_members(&w, &summary);
	if (object->has_results) {
		json_write_key(&w, "results");
		json_begin_array(&w);
		r = batch_is_stored(object->batch) ? write_stored_results(&writing)
						   : write_results(&writing);
		json_end_array(&w);
	}
	json_end_object(&w);
	json_end_line(&w);
	return r < 0 ? r : buffer_error(out);
}

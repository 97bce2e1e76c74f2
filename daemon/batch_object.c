/* SPDX-License-Identifier: MIT */
#include "daemon/batch_object.h"

#include "daemon/batches.h"
#include "lib/base/buffer.h"
#include "lib/protocol/json_writer.h"

static int
write_results(const struct batch_object *object, struct buffer *out)
{
	const char *comma = "";
	int r = 0;

	for (size_t i = 0; r >= 0 && i < batch_n_urls(object->batch); i++) {
		struct batch_text text = batch_result_of(object->batch, i);

		if (text.data) {
			buffer_puts(out, comma);
			buffer_append(out, text.data, text.len);
			comma = ",";
			r = object->flush ? object->flush(object->user) : 0;
		}
	}
	return r;
}

int
batch_object_write(const struct batch_object *object, struct buffer *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);
	struct batch_summary summary = batch_describe(object->batch);
	int r = 0;

	if (object->has_results && batch_is_done(object->batch)) {
		summary.n_urls = 0; /* the results say it */
	}
	json_begin_object(&w);
	batch_summary_write_members(&w, &summary);
	if (object->has_results) {
		json_write_key(&w, "results");
		json_begin_array(&w);
		r = write_results(object, out);
		json_end_array(&w);
	}
	json_end_object(&w);
	json_end_line(&w);
	return r < 0 ? r : buffer_error(out);
}

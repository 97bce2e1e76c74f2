/* SPDX-License-Identifier: MIT */
/* A batch as one JSON object with its results, as GET /v1/batches/ID and a job's report show it. */
#pragma once

#include <stdbool.h>

struct batch;
struct buffer;

/*
 * batch        borrowed; may be running
 * has_results  else there is only their number
 * flush        called after each result, so that the buffer need not take them all; NULL: it has to
 * user         passed to it
 */
struct batch_object {
	const struct batch *batch;
	bool has_results;
	int (*flush)(void *user);
	void *user;
};

/**
 * batch_object_write() - append the object and a newline; results in the order of the URLs
 *
 * Checkpoint: as @flush; of a batch in the store, always
 * Errors:     -ENOMEM; as @flush and batch_read_page(), at once
 */
int batch_object_write(const struct batch_object *object, struct buffer *out);

/* SPDX-License-Identifier: MIT */
/* A batch as an answer: whole, or as a stream of lines. Both read the results that daemon/batches/batches.h keeps. */
#pragma once

#include <stddef.h>

struct batch;
struct batch_summary;
struct exchange;
struct json_writer;
struct response;

/* batch_answer_summary() - write its object without results */
void batch_answer_summary(struct json_writer *w, const struct batch_summary *summary);

/* batch_answer_send() - the whole answer, results in the order of the URLs. Errors: as response_flush(), batch_read_page() */
int batch_answer_send(struct exchange *exchange, const struct batch *batch);

/**
 * batch_answer_follow() - send lines for the results after the first @n_seen, until it does not run any more
 * @n_seen: on success, how many have been seen then
 * @limit:  send so many at most; SIZE_MAX: all
 *
 * A heartbeat is sent when there is nothing for 15 s.
 *
 * Checkpoint: always. Errors: as response_flush(), batch_read_page()
 */
int batch_answer_follow(
	struct response *response, struct batch *batch, size_t *n_seen, size_t limit);

/* batch_answer_break() - a last line that says where to go on. Checkpoint: always. Errors: as response_flush() */
int batch_answer_break(struct response *response, size_t n_seen);

/* batch_answer_end() - the last line and the end. Checkpoint: always. Errors: as response_flush() */
int batch_answer_end(struct response *response, const struct batch *batch);

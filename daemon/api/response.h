/* SPDX-License-Identifier: MIT */
/*
 * An answer on its way to the caller. What is appended to its buffer goes out when it has grown, or when a
 * stream says so: a short answer as one piece with its length, a long one in chunks as it is written, so that
 * no answer is ever in memory as a whole.
 */
#pragma once

#include <nursery/clock.h>
#include <nursery/stream.h>
#include <stdbool.h>

#include "daemon/api/problem.h"
#include "lib/base/buffer.h"

struct faults;

/*
 * stream      where it goes; borrowed
 * request_id  echoed in a field; borrowed
 * keep_alive  whether the connection goes on afterwards; may be set to false until the head is sent
 * is_head     the request was HEAD: fields only
 * can_chunk   the caller speaks HTTP/1.1
 * status      0: not begun
 * is_problem  the answer says that something is wrong, which is problem
 * is_on_its_way  a part of it has been given to the stream
 * out         the content not yet sent; append here
 */
struct response {
	struct nur_stream *stream;
	const char *request_id;
	bool keep_alive;
	bool is_head;
	bool can_chunk;
	int status;
	bool is_problem;
	enum problem_code problem;
	const char *content_type;
	const char *fields;
	bool is_head_sent;
	bool is_on_its_way;
	struct buffer out;
	struct buffer wire;
};

/**
 * response_begin() - choose status and type; nothing is sent yet
 * @fields: NULL, or further lines, each with its CRLF; borrowed until the end, like @content_type
 */
void response_begin(
	struct response *response, int status, const char *content_type, const char *fields);

/**
 * response_flush() - send what there is, as a piece of a stream
 *
 * Checkpoint: always
 * Errors: NUR_ECANCELED; NUR_ETOOSLOW the peer took nothing for 30 s; NUR_EBROKEN it is gone; -ENOMEM
 *         after any of them the connection is good for closing only
 */
int response_flush(struct response *response);

/* response_flush_when_large() - response_flush() if a good piece has gathered, else nothing. Checkpoint: maybe */
int response_flush_when_large(struct response *response);

/* response_end() - the rest, and the end. Checkpoint, errors: as response_flush() */
int response_end(struct response *response);

/**
 * response_problem() - a whole answer that says what is wrong (RFC 9457)
 * @detail:  for people
 * @fields:  as response_begin()
 * @faults:  NULL, or what is wrong with the body
 * Checkpoint, errors: as response_flush()
 */
int response_problem(struct response *response, enum problem_code code, const char *detail,
	const char *fields, const struct faults *faults);

/**
 * response_failure() - a whole answer for what went wrong inside
 * @error:  503 when it is a lack of memory, descriptors or stacks, else 500
 * Checkpoint, errors: as response_flush()
 */
int response_failure(struct response *response, int error);

/*
 * response_turn_away() - a problem on a connection where nothing has been answered, and that is closed then
 * @detail:  at most 120 bytes, in which there is nothing to escape
 *
 * Needs no memory of the heap, of which there may be none, and does not wait.
 */
void response_turn_away(int fd, enum problem_code code, const char *detail);

/* response_continue() - "100 Continue". Checkpoint, errors: as response_flush() */
int response_continue(struct response *response);

void response_fini(struct response *response);

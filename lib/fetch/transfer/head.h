/* SPDX-License-Identifier: MIT */
/*
 * The heads of a transfer's responses, as far as they decide over it: where the body ends, where a
 * redirect leads, and when it is too much. Pure: lines in, a judgement out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FETCH_HEAD_MAX   (64 * 1024) /* bytes */
#define FETCH_FIELDS_MAX 200         /* lines */

/*
 * status      of the response being read, or read
 * is_whole    the head of the final response has ended; what comes now are trailers
 * is_chunked  its end is in the body
 * announced   Content-Length of the response, or -1
 * location    the first Location field, to free(), or NULL
 * len, n_lines  over all responses of the transfer: informational ones can't go on for ever
 */
struct fetch_head {
	int status;
	bool is_whole;
	bool is_chunked;
	int64_t announced;
	char *location;
	size_t len;
	unsigned n_lines;
};

#define FETCH_HEAD_INIT \
	{ \
		.announced = -1 \
	}

/**
 * fetch_head_read() - the next line
 * @line: @len bytes with their line end, at least one
 *
 * Errors: -EMSGSIZE  more than FETCH_HEAD_MAX or FETCH_FIELDS_MAX
 *         -EBADMSG   a Content-Length that is no number, or another one than before
 *         -EPROTO    status 101: what follows is another protocol, and nobody asked for one
 *         -ENOMEM
 */
int fetch_head_read(struct fetch_head *head, const char *line, size_t len);

/* fetch_head_has_body() - a body belongs to a response of this status to this method */
bool fetch_head_has_body(int status, const char *method);

/* fetch_head_misses_more() - the announced body is longer than @n_bytes */
static inline bool
fetch_head_misses_more(const struct fetch_head *head, uint64_t n_bytes)
{
	return !head->is_chunked && head->announced > 0 && (uint64_t)head->announced > n_bytes;
}

/* fetch_head_ends_with_connection() - of a body: nothing else tells where it ends (HTTP/1) */
static inline bool
fetch_head_ends_with_connection(const struct fetch_head *head)
{
	return !head->is_chunked && head->announced < 0;
}

/* fetch_head_fini() - accepts zeroed */
void fetch_head_fini(struct fetch_head *head);

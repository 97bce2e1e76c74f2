/* SPDX-License-Identifier: MIT */
#include "daemon/api/http_parser.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/api/http_parsing.h"

#define HEAD_CAP (HTTP_MAX_HEAD + HTTP_MAX_REQUEST_LINE + 1)

int
http_parser_fail(struct http_parser *parser, int status, const char *reason)
{
	parser->state = STATE_FAILED;
	parser->status = status;
	parser->reason = reason;
	return -EPROTO;
}

static void
reset(struct http_parser *parser)
{
	*parser = (struct http_parser){ .head = parser->head, .max_body = UINT64_MAX };
}

int
http_parser_init(struct http_parser *parser)
{
	parser->head = malloc(HEAD_CAP);
	reset(parser);
	return parser->head ? 0 : -ENOMEM;
}

void
http_parser_fini(struct http_parser *parser)
{
	if (!parser) {
		return;
	}
	free(parser->head);
	*parser = (struct http_parser)HTTP_PARSER_INIT;
}

void
http_parser_next(struct http_parser *parser)
{
	assert(parser->state == STATE_DONE);

	reset(parser);
}

bool
http_parser_is_idle(const struct http_parser *parser)
{
	return parser->state == STATE_REQUEST_LINE && parser->head_len == 0;
}

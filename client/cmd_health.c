/* SPDX-License-Identifier: MIT */
/* fetchctl health. Alive is one thing, ready for new batches another: a draining daemon is the first alone. */
#include "client/call.h"
#include "client/commands.h"

static int
probe(const struct options *options, const char *target, const char *name, struct buffer *out)
{
	_cleanup_(http_fini) struct http http = HTTP_INIT;
	struct http_request request = { .method = "GET", .target = target };
	int code = call(options, &request, &http);

	if (code == EXIT_ALL_OK || code == EXIT_REFUSED) {
		buffer_printf(out, "%s: %s\n", name, code == EXIT_ALL_OK ? "yes" : "no");
	}
	return code;
}

int
cmd_health(const struct options *options)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	int code = probe(options, "/v1/health/live", "live", &out);
	int write_code;

	if (code == EXIT_ALL_OK) {
		code = probe(options, "/v1/health/ready", "ready", &out);
	}
	write_code = call_write(&out);
	return code != EXIT_ALL_OK ? code : write_code;
}

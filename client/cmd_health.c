/* SPDX-License-Identifier: MIT */
/* fetchctl health. Alive is one thing, ready for new batches another: a draining daemon is the first alone. */
#include <unistd.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/terminal.h"
#include "lib/protocol/json.h"

/* Ready, but not for everything: detached batches are refused. */
static void
put_store_failure(const struct http *http, struct buffer *out)
{
	const struct buffer *content = &http->content;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	struct json_error error;
	struct terminal terminal;
	const char *why;

	if (json_parse(content->data ? content->data : "", content->len, &tree, &error) < 0) {
		return;
	}
	why = value_get_text(tree->root, "store");
	if (why) {
		terminal_look(STDOUT_FILENO, &terminal);
		buffer_puts(out, "store: failed: ");
		text_put(out, why, &terminal.style);
		buffer_puts(out, "; detached batches are refused until fetchd is restarted\n");
	}
}

static int
probe(const struct options *options, const char *target, const char *name, struct buffer *out)
{
	_cleanup_(http_fini) struct http http = HTTP_INIT;
	struct http_request request = { .method = "GET", .target = target };
	int code = call(options, &request, &http);

	if (code == EXIT_ALL_OK || code == EXIT_REFUSED) {
		buffer_printf(out, "%s: %s\n", name, code == EXIT_ALL_OK ? "yes" : "no");
		put_store_failure(&http, out);
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

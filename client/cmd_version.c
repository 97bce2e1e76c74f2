/* SPDX-License-Identifier: MIT */
/* fetchctl version: its own first, which needs no daemon. */
#include "client/call.h"
#include "client/commands.h"
#include "client/problem.h"
#include "client/terminal.h"

#include <unistd.h>

int
cmd_version(const struct options *options)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct terminal terminal;
	const char *version;
	int code;

	buffer_puts(&out, "fetchctl " FETCHD_VERSION "\n");
	code = call_write(&out);
	if (code != EXIT_ALL_OK) {
		return code;
	}
	buffer_clear(&out);
	code = call_json(options, "GET", "/v1/version", &tree);
	if (code != EXIT_ALL_OK) {
		return code;
	}
	version = value_get_text(tree->root, "version");
	terminal_look(STDOUT_FILENO, &terminal);
	buffer_puts(&out, "fetchd ");
	text_put(&out, version ? version : "of unknown version", &terminal.style);
	buffer_putc(&out, '\n');
	return call_write(&out);
}

/* SPDX-License-Identifier: MIT */
/* fetchctl cancel. The daemon answers when nothing of the batch is alive any more. */
#include <stdio.h>
#include <unistd.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/problem.h"
#include "client/terminal.h"
#include "client/view/summary.h"

int
cmd_cancel(const struct options *options)
{
	_cleanup_(buffer_fini) struct buffer line = BUFFER_INIT;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	struct batch_summary summary;
	struct terminal terminal;
	int code = call_named(options, "/v1/batches/", "/cancel", &tree);

	if (code != EXIT_ALL_OK) {
		return code;
	}
	if (batch_summary_from_value(tree->root, &summary) < 0) {
		say("the daemon's answer is no batch");
		return EXIT_INTERNAL;
	}
	terminal_look(STDOUT_FILENO, &terminal);
	summary_put(&line, &summary, &terminal.style);
	buffer_putc(&line, '\n');
	return call_write(&line);
}

/* SPDX-License-Identifier: MIT */
/* fetchctl completion. What the shells are told comes from the table of commands. */
#include <string.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/completion.h"

int
cmd_completion(const struct options *options)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	const char *shell = options->arguments[0];

	if (strcmp(shell, "bash") == 0) {
		completion_put_bash(&out, commands, n_commands);
	} else if (strcmp(shell, "zsh") == 0) {
		completion_put_zsh(&out, commands, n_commands);
	} else {
		completion_put_fish(&out, commands, n_commands);
	}
	return call_write(&out);
}

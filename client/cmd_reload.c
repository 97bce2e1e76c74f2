/* SPDX-License-Identifier: MIT */
/* fetchctl reload. The daemon has taken the new configuration, but for what it can only read when it starts. */
#include <inttypes.h>
#include <unistd.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/problem.h"
#include "client/terminal.h"

int
cmd_reload(const struct options *options)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	const struct value *generation;
	const struct value *keys;
	const struct value *key;
	struct terminal terminal;
	int code = call_json(options, "POST", "/v1/reload", &tree);

	if (code != EXIT_ALL_OK) {
		return code;
	}
	terminal_look(STDOUT_FILENO, &terminal);
	generation = value_get(tree->root, "generation");
	buffer_puts(&out, "reloaded");
	if (generation && generation->type == VALUE_INTEGER) {
		buffer_printf(&out, ": generation %" PRId64, generation->integer);
	}
	buffer_putc(&out, '\n');
	keys = value_get(tree->root, "needs_restart");
	if (keys && keys->type == VALUE_LIST && keys->n > 0) {
		value_for_each(key, keys) {
			buffer_puts(&out, "needs a restart: ");
			text_put(
				&out, key->type == VALUE_STRING ? key->text : "?", &terminal.style);
			buffer_putc(&out, '\n');
		}
		say("these keys count after: systemctl restart fetchd");
	}
	problem_say_warnings(value_get(tree->root, "warnings"));
	return call_write(&out);
}

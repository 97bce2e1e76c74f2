/* SPDX-License-Identifier: MIT */
/* fetchctl show: a batch as it is now, in the formats that submit has. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/output.h"
#include "client/problem.h"
#include "client/view/summary.h"

static int
put_results(struct output *output, const struct value *batch)
{
	const struct value *results = value_get(batch, "results");
	const struct value *value;
	struct result_record record;
	int r;

	output_begin(output);
	if (!results || results->type != VALUE_LIST) {
		return 0;
	}
	value_for_each(value, results) {
		if (value->type == VALUE_NULL) {
			continue; /* not finished yet */
		}
		r = result_from_value(value, &record);
		r = r < 0 ? r : output_result(output, value, &record);
		if (r < 0) {
			return r;
		}
	}
	return output_end(output, NULL);
}

static int
put_batch(struct output *output, const struct value *batch)
{
	_cleanup_(buffer_fini) struct buffer line = BUFFER_INIT;
	struct batch_summary summary;
	int code;
	int r;

	r = batch_summary_from_value(batch, &summary);
	r = r < 0 ? r : put_results(output, batch);
	if (r > 0) {
		return r;
	}
	if (r < 0) {
		say("the daemon's answer is no batch that this fetchctl can read");
		return EXIT_INTERNAL;
	}
	summary_put(&line, &summary, &output->terminal.style);
	buffer_putc(&line, '\n');
	if (output_is_for_people(output)) {
		buffer_append(&output->text, line.data, line.len);
		return call_write(&output->text);
	}
	code = call_write(&output->text);
	(void)fputs(line.data ? line.data : "", stderr);
	return code;
}

int
cmd_show(const struct options *options)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	_cleanup_(output_fini) struct output output = { .spool = SPOOL_INIT };
	int code;
	int r = output_open(&output, options_get(options, OPTION_OUTPUT), false);

	if (r < 0) {
		say("cannot make a temporary file: %s", strerror(-r));
		return EXIT_INTERNAL;
	}
	code = call_named(options, "/v1/batches/", "", &tree);
	if (code != EXIT_ALL_OK) {
		return code;
	}
	return output_is(&output, "json") ? output_print_json(tree->root)
					  : put_batch(&output, tree->root);
}

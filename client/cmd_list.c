/* SPDX-License-Identifier: MIT */
/* fetchctl list: a line a batch, as the daemon orders them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/output.h"
#include "client/problem.h"
#include "client/terminal.h"
#include "client/view/summary.h"

#define ID_WIDTH 26

static void
put_head(struct buffer *out, const struct style *style)
{
	text_colour(out, COLOUR_BOLD, style);
	text_put_cut(out, "ID", ID_WIDTH, style);
	buffer_puts(
		out, "  STATE      POLICY         DONE     OK  FAILED  CANCELLED  ELAPSED  NAME");
	text_colour(out, COLOUR_NONE, style);
	buffer_putc(out, '\n');
}

static void
put_row(struct buffer *out, const struct batch_summary *summary, const struct style *style)
{
	const struct result_counts *counts = &summary->counts;
	size_t n_failed = counts->failed + counts->timeout;
	const char *state = summary->state == BATCH_DONE ? batch_outcome_name(summary->outcome)
							 : batch_state_name(summary->state);
	size_t id_width = text_width(summary->id, style);
	char time[TEXT_TIME_MAX];

	/* An ID is never cut: it is there to be copied. */
	text_put_cut(out, summary->id, id_width > ID_WIDTH ? id_width : ID_WIDTH, style);
	buffer_puts(out, "  ");
	text_colour(out, summary_colour(summary), style);
	text_put_cut(out, state, 9, style);
	text_colour(out, COLOUR_NONE, style);
	buffer_puts(out, "  ");
	text_put_cut(out, batch_policy_name(summary->policy), 13, style);
	buffer_printf(out, "  %5zu  %5zu  %6zu  %9zu  ", counts->ok + n_failed + counts->cancelled,
		counts->ok, n_failed, counts->cancelled);
	text_put_right(out, text_time(summary->elapsed_ns, time, style), 7, style);
	if (summary->name) {
		buffer_puts(out, "  ");
		text_put(out, summary->name, style);
	}
	buffer_putc(out, '\n');
}

static int
put_table(const struct value *answer)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	const struct value *batches = value_get(answer, "batches");
	const struct value *batch;
	struct batch_summary summary;
	struct terminal terminal;

	if (!batches || batches->type != VALUE_LIST) {
		say("the daemon's answer is no list of batches");
		return EXIT_INTERNAL;
	}
	if (batches->n == 0) {
		(void)fputs("no batches\n", stderr);
		return EXIT_ALL_OK;
	}
	terminal_look(STDOUT_FILENO, &terminal);
	put_head(&out, &terminal.style);
	value_for_each(batch, batches) {
		if (batch_summary_from_value(batch, &summary) == 0) {
			put_row(&out, &summary, &terminal.style);
		}
	}
	return call_write(&out);
}

int
cmd_list(const struct options *options)
{
	_cleanup_(buffer_fini) struct buffer target = BUFFER_INIT;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	const char *format = options_get(options, OPTION_OUTPUT);
	const char *state = options_get(options, OPTION_STATE);
	const char *limit = options_get(options, OPTION_LIMIT);
	bool is_json = format && strcmp(format, "json") == 0;
	int code;

	buffer_puts(&target, "/v1/batches");
	if (state) {
		buffer_puts(&target, "?state=");
		call_put_id(&target, state);
	}
	if (limit) {
		buffer_puts(&target, state ? "&limit=" : "?limit=");
		call_put_id(&target, limit);
	}
	if (buffer_error(&target) < 0) {
		return problem_say_error(buffer_error(&target), call_socket(options));
	}
	code = call_json(options, "GET", target.data, &tree);
	if (code != EXIT_ALL_OK) {
		return code;
	}
	return is_json ? output_print_json(tree->root) : put_table(tree->root);
}

/* SPDX-License-Identifier: MIT */
#include "client/view/summary.h"

#include "lib/base/cleanup.h"

static void
put_count(struct buffer *out, size_t n, const char *word, bool *comma)
{
	if (n > 0) {
		buffer_printf(out, "%s%zu %s", *comma ? ", " : "", n, word);
		*comma = true;
	}
}

void
summary_put(struct buffer *out, const struct batch_summary *summary, const struct style *style)
{
	const struct result_counts *counts = &summary->counts;
	size_t n =
		counts->ok + counts->failed + counts->timeout + counts->cancelled + counts->pending;
	bool comma = false;
	char time[TEXT_TIME_MAX];

	buffer_printf(out, "%s: ",
		summary->state == BATCH_DONE ? batch_outcome_name(summary->outcome)
					     : batch_state_name(summary->state));
	put_count(out, counts->ok, "ok", &comma);
	put_count(out, counts->failed, "failed", &comma);
	put_count(out, counts->timeout, "timed out", &comma);
	put_count(out, counts->cancelled, "cancelled", &comma);
	put_count(out, counts->pending, "pending", &comma);
	buffer_printf(out, "%s of %zu", comma ? "" : "0", n);
	if (summary->elapsed_ns >= 0) {
		buffer_printf(out, " in %s", text_time(summary->elapsed_ns, time, style));
	}
	if (summary->name) {
		buffer_puts(out, ", ");
		text_put(out, summary->name, style);
	}
	buffer_puts(out, ", batch ");
	text_put(out, summary->id, style);
}

enum colour
summary_colour(const struct batch_summary *summary)
{
	static const enum colour colours[BATCH_N_OUTCOMES] = {
		[BATCH_OK] = COLOUR_GREEN,
		[BATCH_FAILED] = COLOUR_RED,
		[BATCH_DEADLINE] = COLOUR_YELLOW,
		[BATCH_CANCELLED] = COLOUR_YELLOW,
	};

	return summary->state == BATCH_DONE ? colours[summary->outcome] : COLOUR_CYAN;
}

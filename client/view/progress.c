/* SPDX-License-Identifier: MIT */
#include "client/view/progress.h"

#include "lib/base/cleanup.h"
#include "lib/protocol/units.h"

#define MAX_BAR      40
#define MIN_BAR      6
#define RATE_LOOK    0.5 /* seconds between two looks: a burst is no rate */
#define RATE_SECONDS 3.0 /* after so long the old rate counts for a half */

void
progress_init(struct progress *progress, size_t n_urls, int64_t now_ns, int64_t deadline_ns)
{
	*progress = (struct progress){
		.n_urls = n_urls,
		.deadline_ns = deadline_ns,
		.rate = -1,
		.rate_at_ns = now_ns,
	};
}

void
progress_count(struct progress *progress, bool has_failed)
{
	progress->n_done++;
	progress->n_failed += has_failed;
}

/* A moving average: the longer the last look is ago, the less the old rate counts. */
static void
update_rate(struct progress *progress, int64_t now_ns)
{
	double seconds = (double)(now_ns - progress->rate_at_ns) / (double)UNITS_NS_PER_S;
	double now_rate;
	double old;

	if (seconds < RATE_LOOK) {
		return;
	}
	now_rate = (double)(progress->n_done - progress->rate_n_done) / seconds;
	old = progress->rate < 0 ? 0 : RATE_SECONDS / (RATE_SECONDS + seconds);
	progress->rate = old * progress->rate + (1 - old) * now_rate;
	progress->rate_at_ns = now_ns;
	progress->rate_n_done = progress->n_done;
}

static void
put_bar(const struct progress *progress, size_t width, const struct style *style,
	struct buffer *out)
{
	size_t filled = progress->n_urls > 0 ? (size_t)((double)width * (double)progress->n_done /
							(double)progress->n_urls)
					     : 0;
	size_t i;

	buffer_putc(out, '[');
	text_colour(out, progress->n_failed > 0 ? COLOUR_RED : COLOUR_GREEN, style);
	for (i = 0; i < width; i++) {
		if (i == filled) {
			text_colour(out, COLOUR_DIM, style);
		}
		if (i < filled) {
			buffer_puts(out, style->has_utf8 ? "█" : "#");
		} else {
			buffer_puts(out, style->has_utf8 ? "░" : ".");
		}
	}
	text_colour(out, COLOUR_NONE, style);
	buffer_puts(out, "] ");
}

static void
put_facts(const struct progress *progress, int64_t now_ns, struct buffer *out)
{
	char time[TEXT_TIME_MAX];
	int64_t left = progress->deadline_ns - now_ns;

	buffer_printf(out, "%zu", progress->n_done);
	if (progress->n_urls > 0) {
		buffer_printf(out, "/%zu", progress->n_urls);
	}
	buffer_puts(out, " done");
	if (progress->n_failed > 0) {
		buffer_printf(out, ", %zu failed", progress->n_failed);
	}
	if (progress->rate >= 0) {
		buffer_printf(out, ", %.*f/s", progress->rate < 10 ? 1 : 0, progress->rate);
	}
	if (progress->deadline_ns >= 0) {
		/* Whole seconds: tenths would only flicker. */
		buffer_printf(out, ", %s left", text_left(left / UNITS_NS_PER_S, time));
	}
}

void
progress_put(struct progress *progress, int64_t now_ns, size_t width, const struct style *style,
	struct buffer *out)
{
	struct buffer facts = BUFFER_INIT;
	size_t facts_width;

	update_rate(progress, now_ns);
	put_facts(progress, now_ns, &facts);
	if (buffer_error(&facts) == 0) {
		facts_width = facts.len; /* ASCII */
		if (progress->n_urls > 0 && width >= facts_width + 3 + MIN_BAR) {
			size_t bar = width - facts_width - 3;

			put_bar(progress, bar < MAX_BAR ? bar : MAX_BAR, style, out);
		}
		if (facts_width <= width) {
			buffer_append(out, facts.data, facts.len);
		} else {
			text_put_cut(out, facts.data, width, style);
		}
	}
	buffer_fini(&facts);
}

/* SPDX-License-Identifier: MIT */
/* The line that shows how far a batch is, pure: the clock is an argument. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "client/view/text.h"

/*
 * n_urls       of the batch; 0 = not known
 * n_done       of these, ended in any way
 * n_failed     of these, failed or timed out
 * deadline_ns  on the caller's clock; < 0 = not known
 * rate         done per second, averaged over the last seconds
 * rate_at_ns, rate_n_done  the last look of the average
 */
struct progress {
	size_t n_urls;
	size_t n_done;
	size_t n_failed;
	int64_t deadline_ns;
	double rate;
	int64_t rate_at_ns;
	size_t rate_n_done;
};

/* progress_init() - start counting at @now_ns */
void progress_init(struct progress *progress, size_t n_urls, int64_t now_ns, int64_t deadline_ns);

/* progress_count() - one more URL ended */
void progress_count(struct progress *progress, bool has_failed);

/**
 * progress_put() - the line, without newline, never wider than @width
 * @now_ns: not before that of the last call
 */
void progress_put(struct progress *progress, int64_t now_ns, size_t width,
	const struct style *style, struct buffer *out);

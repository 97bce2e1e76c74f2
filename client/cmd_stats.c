/* SPDX-License-Identifier: MIT */
/* fetchctl stats: the metrics, for people. Rates are the difference of two answers. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/view/stats.h"
#include "client/watch.h"
#include "lib/protocol/units.h"

/* The answer before, for the rates, and when it came (seconds of the monotonic clock). */
struct screen {
	struct buffer before;
	double at;
};

static double
seconds_of(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now); /* always there */
	return (double)now.tv_sec + (double)now.tv_nsec / (double)UNITS_NS_PER_S;
}

static int
draw(void *arg, const struct buffer *content, const struct terminal *terminal, struct buffer *out)
{
	struct screen *screen = arg;
	double now = seconds_of(CLOCK_MONOTONIC);
	struct stats stats = {
		.metrics = content->data ? content->data : "",
		.before = screen->before.data,
		.seconds = now - screen->at,
		.now = seconds_of(CLOCK_REALTIME),
	};

	if (!strstr(stats.metrics, "fetchd_build_info")) {
		return -EPROTO;
	}
	if (stats.seconds <= 0) {
		stats.before = NULL;
	}
	stats_put(out, &stats, &terminal->style);
	buffer_clear(&screen->before);
	buffer_puts(&screen->before, stats.metrics);
	screen->at = now;
	return buffer_error(&screen->before);
}

int
cmd_stats(const struct options *options)
{
	struct screen screen = { BUFFER_INIT, 0 };
	struct http_request request = {
		.method = "GET",
		.target = "/metrics",
		.accept = "text/plain",
	};
	struct watch watch = { &request, draw, &screen };
	int code = options_has(options, OPTION_WATCH) ? watch_run(&watch, options)
						      : watch_once(&watch, options);

	buffer_fini(&screen.before);
	return code;
}

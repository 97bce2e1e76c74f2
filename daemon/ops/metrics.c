/* SPDX-License-Identifier: MIT */
/*
 * In OpenMetrics a counter's family is called without the _total of its samples; else the two formats are alike as
 * far as we use them. Bounds are written as OpenMetrics wants them ("1.0") in both, so that a change of the format
 * begins no new series.
 */
#include "daemon/ops/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/ops/histogram.h"
#include "lib/base/buffer.h"

#define TOTAL    "_total"
#define NS_PER_S INT64_C(1000000000)

static const struct metric_row rows[] = {
#define X(id, name, type, labels, help) { name, METRIC_##type, labels, help },
	METRICS(X)
#undef X
};

static const char *const type_names[] = {
	[METRIC_COUNTER] = "counter",
	[METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram",
	[METRIC_SIZES] = "histogram",
};

const struct metric_row *
metric_row(enum metric metric)
{
	assert(metric < METRIC_N);
	return &rows[metric];
}

const char *
metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

static void
write_head(struct metrics *metrics, const struct metric_row *row)
{
	size_t len = strlen(row->name);

	if (metrics->format == METRICS_OPENMETRICS && row->type == METRIC_COUNTER) {
		len -= strlen(TOTAL);
	}
	buffer_printf(metrics->out, "# HELP %.*s %s\n", (int)len, row->name, row->help);
	buffer_printf(metrics->out, "# TYPE %.*s %s\n", (int)len, row->name, type_names[row->type]);
}

/* The row of a sample that is to be written now; its first one is preceded by what the metric is. */
static const struct metric_row *
begin_sample(struct metrics *metrics, enum metric metric)
{
	const struct metric_row *row = metric_row(metric);

	assert(metric + 1 >= metrics->next);
	if (metric >= metrics->next) {
		write_head(metrics, row);
		metrics->next = metric + 1;
	}
	return row;
}

static void
write_label_value(struct buffer *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n') {
			buffer_puts(out, "\\n");
			continue;
		}
		if (*value == '"' || *value == '\\') {
			buffer_putc(out, '\\');
		}
		buffer_putc(out, *value);
	}
}

/* @le: of a bucket, else NULL */
static void
write_labels(struct buffer *out, const char *names, const char *const *values, const char *le)
{
	bool is_first = true;

	for (size_t i = 0; *names; i++) {
		size_t len = strcspn(names, ",");

		buffer_printf(out, "%c%.*s=\"", is_first ? '{' : ',', (int)len, names);
		write_label_value(out, values[i]);
		buffer_putc(out, '"');
		names += len + (names[len] == ',');
		is_first = false;
	}
	if (le) {
		buffer_printf(out, "%cle=\"%s\"", is_first ? '{' : ',', le);
		is_first = false;
	}
	if (!is_first) {
		buffer_putc(out, '}');
	}
}

static void
write_seconds(struct buffer *out, int64_t ns)
{
	buffer_printf(out, " %" PRId64 ".%09" PRId64 "\n", ns / NS_PER_S, ns % NS_PER_S);
}

void
metrics_count(struct metrics *metrics, enum metric metric, const char *const *labels, uint64_t n)
{
	const struct metric_row *row = begin_sample(metrics, metric);

	buffer_puts(metrics->out, row->name);
	write_labels(metrics->out, row->labels, labels, NULL);
	buffer_printf(metrics->out, " %" PRIu64 "\n", n);
}

void
metrics_seconds(struct metrics *metrics, enum metric metric, const char *const *labels, int64_t ns)
{
	const struct metric_row *row = begin_sample(metrics, metric);

	buffer_puts(metrics->out, row->name);
	write_labels(metrics->out, row->labels, labels, NULL);
	write_seconds(metrics->out, ns);
}

void
metrics_histogram(struct metrics *metrics, enum metric metric, const char *const *labels,
	const struct histogram *histogram)
{
	const struct metric_row *row = begin_sample(metrics, metric);
	bool is_sizes = row->type == METRIC_SIZES;
	const struct histogram_bound *bounds = is_sizes ? histogram_sizes : histogram_bounds;
	struct buffer *out = metrics->out;
	uint64_t n = 0;

	for (size_t i = 0; i <= HISTOGRAM_N_BOUNDS; i++) {
		n += histogram->counts[i];
		buffer_printf(out, "%s_bucket", row->name);
		write_labels(
			out, row->labels, labels, i < HISTOGRAM_N_BOUNDS ? bounds[i].text : "+Inf");
		buffer_printf(out, " %" PRIu64 "\n", n);
	}
	buffer_printf(out, "%s_sum", row->name);
	write_labels(out, row->labels, labels, NULL);
	if (is_sizes) {
		buffer_printf(out, " %" PRId64 "\n", histogram->sum_ns);
	} else {
		write_seconds(out, histogram->sum_ns);
	}
	buffer_printf(out, "%s_count", row->name);
	write_labels(out, row->labels, labels, NULL);
	buffer_printf(out, " %" PRIu64 "\n", n);
}

void
metrics_end(struct metrics *metrics)
{
	if (metrics->format == METRICS_OPENMETRICS) {
		buffer_puts(metrics->out, "# EOF\n");
	}
}

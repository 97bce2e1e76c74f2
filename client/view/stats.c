/* SPDX-License-Identifier: MIT */
#include "client/view/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

#define LABEL_WIDTH 12
#define MAX_GROUPS  8 /* distinct values of a label; states and outcomes are fewer */

/* labels  between the braces; value  as it stands */
struct sample {
	const char *labels;
	size_t labels_len;
	double value;
};

/* Behind the labels that begin at @at; quotes may hold braces (and quotes behind a backslash). */
static const char *
skip_labels(const char *at)
{
	bool is_quoted = false;

	for (; *at && *at != '\n' && (is_quoted || *at != '}'); at++) {
		if (is_quoted && *at == '\\' && at[1]) {
			at++;
		} else if (*at == '"') {
			is_quoted = !is_quoted;
		}
	}
	return at;
}

/* The next sample of @name from *@at on, which moves behind it. */
static bool
next_sample(const char **at, const char *name, struct sample *ret_sample)
{
	size_t len = strlen(name);

	while (**at) {
		const char *line = *at;
		const char *end = line + strcspn(line, "\n");

		*at = *end ? end + 1 : end;
		if (strncmp(line, name, len) != 0 || (line[len] != ' ' && line[len] != '{')) {
			continue;
		}
		*ret_sample = (struct sample){ .labels = line + len + 1 };
		line += len;
		if (*line == '{') {
			line = skip_labels(line + 1);
			ret_sample->labels_len = (size_t)(line - ret_sample->labels);
			line += *line == '}';
		}
		ret_sample->value = strtod(line, NULL);
		return true;
	}
	return false;
}

/* The value of label @name, within the sample's text; NULL = it has none. */
static const char *
find_label(const struct sample *sample, const char *name, size_t *ret_len)
{
	const char *at = sample->labels;
	const char *end = at + sample->labels_len;
	size_t len = strlen(name);

	while (at < end) {
		const char *equals = memchr(at, '=', (size_t)(end - at));
		const char *quote;

		if (!equals || equals + 1 >= end || equals[1] != '"') {
			return NULL;
		}
		for (quote = equals + 2; quote < end && *quote != '"'; quote++) {
			quote += *quote == '\\';
		}
		if ((size_t)(equals - at) == len && memcmp(at, name, len) == 0) {
			*ret_len = (size_t)(quote - equals - 2);
			return equals + 2;
		}
		at = quote + 1 + (quote + 1 < end && quote[1] == ',');
	}
	return NULL;
}

double
stats_sum(const char *metrics, const char *name)
{
	struct sample sample;
	double sum = 0;

	while (next_sample(&metrics, name, &sample)) {
		sum += sample.value;
	}
	return sum;
}

/* "3 running, 120 done": the sums by the values of a label, in the order they come */
static void
put_groups(struct buffer *out, const char *metrics, const char *name, const char *label,
	const struct style *style)
{
	struct {
		const char *name;
		size_t len;
		double sum;
	} groups[MAX_GROUPS];
	struct sample sample;
	size_t n = 0;
	size_t i;

	while (next_sample(&metrics, name, &sample)) {
		size_t len = 0;
		const char *value = find_label(&sample, label, &len);

		for (i = 0; i < n && value; i++) {
			if (groups[i].len == len && memcmp(groups[i].name, value, len) == 0) {
				break;
			}
		}
		if (!value || i == MAX_GROUPS) {
			continue;
		}
		if (i == n) {
			groups[n].name = value;
			groups[n].len = len;
			groups[n++].sum = 0;
		}
		groups[i].sum += sample.value;
	}
	for (i = 0; i < n; i++) {
		_cleanup_(buffer_fini) struct buffer word = BUFFER_INIT;

		buffer_append(&word, groups[i].name, groups[i].len);
		buffer_printf(out, "%s%.0f ", i > 0 ? ", " : "", groups[i].sum);
		text_put(out, word.data ? word.data : "", style);
	}
	buffer_puts(out, n == 0 ? "none" : "");
}

static void
begin_line(struct buffer *out, const char *label, const struct style *style)
{
	buffer_puts(out, out->len > 0 ? "\n" : "");
	text_colour(out, COLOUR_BOLD, style);
	text_put_cut(out, label, LABEL_WIDTH, style);
	text_colour(out, COLOUR_NONE, style);
	buffer_puts(out, "  ");
}

static void
put_size(struct buffer *out, double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t i = 0;

	while (bytes >= 1024 && i + 1 < ARRAY_LEN(units)) {
		bytes /= 1024;
		i++;
	}
	buffer_printf(out, "%.*f%s", i == 0 ? 0 : 1, bytes, units[i]);
}

/* How much a counter grows in a second; a daemon that was started again counts from 0. */
static double
rate_of(const struct stats *stats, const char *name)
{
	double now = stats_sum(stats->metrics, name);
	double before = stats_sum(stats->before, name);

	return (now >= before ? now - before : now) / stats->seconds;
}

static void
put_rate(struct buffer *out, const struct stats *stats, const char *name)
{
	double rate;

	if (stats->before) {
		rate = rate_of(stats, name);
		buffer_printf(out, "  %.*f/s", rate < 10 ? 1 : 0, rate);
	}
}

static void
put_head(struct buffer *out, const struct stats *stats, const struct style *style)
{
	const char *at = stats->metrics;
	double start = stats_sum(stats->metrics, "fetchd_start_time_seconds");
	struct sample sample = { NULL };
	const char *version = NULL;
	size_t len = 0;
	char time[TEXT_TIME_MAX];

	if (next_sample(&at, "fetchd_build_info", &sample)) {
		version = find_label(&sample, "version", &len);
	}
	begin_line(out, "fetchd", style);
	if (version) {
		_cleanup_(buffer_fini) struct buffer word = BUFFER_INIT;

		buffer_append(&word, version, len);
		text_put(out, word.data ? word.data : "", style);
		buffer_puts(out, ", ");
	}
	buffer_printf(out, "up %s, generation %.0f of the configuration",
		text_left((int64_t)(stats->now - start), time),
		stats_sum(stats->metrics, "fetchd_config_generation"));
}

static void
put_urls(struct buffer *out, const struct stats *stats, const struct style *style)
{
	const char *metrics = stats->metrics;
	double n_queued = stats_sum(metrics, "fetchd_queue_urls");
	char time[TEXT_TIME_MAX];

	begin_line(out, "in flight", style);
	buffer_printf(out, "%.0f of %.0f", stats_sum(metrics, "fetchd_in_flight_requests"),
		stats_sum(metrics, "fetchd_in_flight_limit"));
	begin_line(out, "queue", style);
	buffer_printf(out, "%.0f", n_queued);
	if (n_queued > 0) {
		buffer_printf(out, ", the oldest for %s",
			text_left(
				(int64_t)stats_sum(metrics, "fetchd_queue_oldest_seconds"), time));
	}
	begin_line(out, "URLs", style);
	put_groups(out, metrics, "fetchd_requests_total", "outcome", style);
	put_rate(out, stats, "fetchd_requests_total");
	begin_line(out, "retries", style);
	buffer_printf(out, "%.0f", stats_sum(metrics, "fetchd_retries_total"));
	put_rate(out, stats, "fetchd_retries_total");
	begin_line(out, "received", style);
	put_size(out, stats_sum(metrics, "fetchd_received_bytes_total"));
	if (stats->before) {
		buffer_puts(out, "  ");
		put_size(out, rate_of(stats, "fetchd_received_bytes_total"));
		buffer_puts(out, "/s");
	}
}

static void
put_connections(struct buffer *out, const struct stats *stats, const struct style *style)
{
	const char *metrics = stats->metrics;

	begin_line(out, "connections", style);
	put_groups(out, metrics, "fetchd_connections", "state", style);
	buffer_printf(out, "; %.0f opened", stats_sum(metrics, "fetchd_connections_opened_total"));
	put_rate(out, stats, "fetchd_connections_opened_total");
	buffer_printf(out, "; %.0f reused", stats_sum(metrics, "fetchd_connection_reuse_total"));
	put_rate(out, stats, "fetchd_connection_reuse_total");
	begin_line(out, "lookups", style);
	put_groups(out, metrics, "fetchd_dns_lookups_total", "outcome", style);
	put_rate(out, stats, "fetchd_dns_lookups_total");
}

static void
put_work(struct buffer *out, const struct stats *stats, const struct style *style)
{
	const char *metrics = stats->metrics;
	struct sample sample;
	size_t n_jobs = 0;

	for (const char *at = metrics; next_sample(&at, "fetchd_job_missed_runs_total", &sample);) {
		n_jobs++;
	}
	begin_line(out, "batches", style);
	put_groups(out, metrics, "fetchd_batches", "state", style);
	begin_line(out, "jobs", style);
	buffer_printf(out, "%zu, %.0f runs missed", n_jobs,
		stats_sum(metrics, "fetchd_job_missed_runs_total"));
	begin_line(out, "callers", style);
	buffer_printf(out, "%.0f connected; %.0f requests",
		stats_sum(metrics, "fetchd_api_connections"),
		stats_sum(metrics, "fetchd_api_requests_total"));
	put_rate(out, stats, "fetchd_api_requests_total");
	buffer_printf(out, "; %.0f refused", stats_sum(metrics, "fetchd_api_rejected_total"));
}

static void
put_process(struct buffer *out, const struct stats *stats, const struct style *style)
{
	const char *metrics = stats->metrics;

	begin_line(out, "tasks", style);
	put_groups(out, metrics, "fetchd_tasks", "state", style);
	begin_line(out, "process", style);
	put_size(out, stats_sum(metrics, "process_resident_memory_bytes"));
	buffer_printf(out, " in memory, %.0f of %.0f descriptors, ",
		stats_sum(metrics, "process_open_fds"), stats_sum(metrics, "process_max_fds"));
	if (stats->before) {
		buffer_printf(out, "%.0f%% of a processor\n",
			100 * rate_of(stats, "process_cpu_seconds_total"));
	} else {
		buffer_printf(out, "%.1fs of a processor\n",
			stats_sum(metrics, "process_cpu_seconds_total"));
	}
}

void
stats_put(struct buffer *out, const struct stats *stats, const struct style *style)
{
	put_head(out, stats, style);
	put_urls(out, stats, style);
	put_connections(out, stats, style);
	put_work(out, stats, style);
	put_process(out, stats, style);
}

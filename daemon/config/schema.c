/* SPDX-License-Identifier: MIT */
/*
 * The rows, and what each type of value does: it sets a place in memory from a tree, and prints the place.
 */
#include "daemon/config/schema.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/config/access_list.h"
#include "daemon/config/config.h"
#include "daemon/config/endpoint.h"
#include "daemon/config/substitute.h"
#include "daemon/schedule/calendar.h"
#include "lib/fetch/address_policy.h"
#include "lib/protocol/json_writer.h"
#include "lib/protocol/units.h"

#define MAX_ROWS 16 /* of one table */

#define NO_RANGE \
	{ \
		0, 0 \
	}

#define IN_FLIGHT_MAX 1000000 /* URLs */

static const char *const profile_words[] = { "default", "public_only", NULL };
static const char *const level_profile_words[] = { "same", "default", "public_only", NULL };
static const char *const http_version_words[] = { "auto", "1.1", "2", NULL };
static const char *const resolver_words[] = { "builtin", "system", NULL };
static const char *const log_format_words[] = { "plain", "json", NULL };
static const char *const log_level_words[] = { "error", "warning", "notice", "info", "debug",
	NULL };
static const char *const idle_check_words[] = { "loop", "kernel", NULL };
static const char *const overlap_words[] = { "skip", "queue", "replace", NULL };
static const char *const missed_words[] = { "skip", "run_once", NULL };
static const char *const when_words[] = { "always", "failure", "change", NULL };

/* ---- the rows ---- */

#define TABLE(rows) \
	{ \
		rows, ARRAY_LEN(rows) \
	}

#define AT(member) offsetof(struct config, member)

static const struct schema_row listen_rows[] = {
	{ "socket", SCHEMA_PATH, NULL, AT(socket_path), "/run/fetchd/api.sock", { 1, 107 },
		.text = "where to listen" },
	{ "mode", SCHEMA_MODE, NULL, AT(socket_mode), "\"0660\"", NO_RANGE,
		.text = "permissions of the socket" },
	{ "group", SCHEMA_OPTIONAL, NULL, AT(socket_group), "null", { 1, 255 },
		.text = "group of the socket" },
	{ "metrics", SCHEMA_LOOPBACK, NULL, AT(metrics), "null", NO_RANGE,
		.text = "address for Prometheus" },
};

static const struct schema_row limits_rows[] = {
	{ "in_flight", SCHEMA_COUNT, "URLs", AT(in_flight), "16384", { 1, IN_FLIGHT_MAX },
		.text = "being fetched at once" },
	{ "per_origin", SCHEMA_COUNT, "URLs", AT(per_origin), "16384", { 1, IN_FLIGHT_MAX },
		.text = "of these, at one origin" },
	{ "batch_urls", SCHEMA_NUMBER, "URLs", AT(batch_limits.urls), "100000", { 1, 10000000 },
		.text = "of one batch" },
	{ "batches", SCHEMA_NUMBER, "batches", AT(max_batches), "1000", { 1, 100000 },
		.text = "at once" },
	{ "batches_per_user", SCHEMA_NUMBER, "batches", AT(max_batches_per_user), "500",
		{ 1, 100000 }, .text = "of one user at once" },
	{ "urls_per_user", SCHEMA_NUMBER, "URLs", AT(max_urls_per_user), "1000000",
		{ 1, 100000000 }, .text = "of one user's batches, fetched or waiting" },
	{ "stored_per_user", SCHEMA_SIZE, NULL, AT(max_stored_per_user), "512MiB",
		{ 1024, INT64_C(1) << 50 }, .text = "of one user's detached batches" },
	{ "body", SCHEMA_SIZE, NULL, AT(batch_limits.body), "10MiB", { 1, INT64_C(1) << 40 },
		.text = "of a response" },
	{ "request", SCHEMA_SIZE, NULL, AT(max_request), "64MiB", { 1024, INT64_C(1) << 40 },
		.text = "of a request's body" },
	{ "connections", SCHEMA_COUNT, "clients", AT(max_connections), "1024", { 1, 65536 },
		.text = "at once" },
	{ "connections_per_user", SCHEMA_COUNT, "clients", AT(max_connections_per_user), "256",
		{ 1, 65536 }, .text = "of one user at once" },
};

static const struct schema_row defaults_rows[] = {
	{ "deadline", SCHEMA_DURATION, NULL, AT(batch_defaults.deadline_ns), "60s",
		{ 1, BATCH_DURATION_MAX }, .text = "of a batch" },
	{ "timeout", SCHEMA_DURATION, NULL, AT(batch_defaults.timeout_ns), "10s",
		{ 1, BATCH_DURATION_MAX }, .text = "of a URL" },
	{ "concurrency", SCHEMA_COUNT, "URLs", AT(batch_defaults.concurrency), "64",
		{ 1, IN_FLIGHT_MAX }, .text = "of one batch in flight at once" },
	{ "per_origin", SCHEMA_COUNT, "URLs", AT(batch_defaults.per_origin), "8",
		{ 1, IN_FLIGHT_MAX }, .text = "of these, at one origin" },
	{ "redirects", SCHEMA_COUNT, "hops", AT(batch_defaults.redirects), "5",
		{ 0, BATCH_REDIRECT_MAX }, .text = "followed" },
	{ "user_agent", SCHEMA_TEXT, NULL, AT(user_agent), "\"fetchd/1.0\"", { 1, 1024 },
		.text = "the User-Agent header" },
};

#define LEVEL_NETWORK_ROWS(member) \
	{ "policy", SCHEMA_WORD, NULL, AT(member.profile), "same", NO_RANGE, level_profile_words, \
		"\"same\", \"default\" or \"public_only\"", \
		.text = "which addresses may be fetched from" }, \
		{ "allow", SCHEMA_NETWORKS, NULL, AT(member.allow), "[]", NO_RANGE, \
			.text = "networks allowed beside those of all" }, \
	{ \
		"deny", SCHEMA_NETWORKS, NULL, AT(member.deny), "[]", NO_RANGE, \
			.text = "networks denied beside those of all" \
	}

static const struct schema_row submit_network_rows[] = { LEVEL_NETWORK_ROWS(submit_network) };
static const struct schema_row admin_network_rows[] = { LEVEL_NETWORK_ROWS(admin_network) };

static const struct schema_table submit_network_table = TABLE(submit_network_rows);
static const struct schema_table admin_network_table = TABLE(admin_network_rows);

static const struct schema_row network_rows[] = {
	{ "policy", SCHEMA_WORD, NULL, AT(policy.profile), "default", NO_RANGE, profile_words,
		"\"default\" or \"public_only\"", .text = "which addresses may be fetched from" },
	{ "allow", SCHEMA_NETWORKS, NULL, AT(policy.allow), "[]", NO_RANGE,
		.text = "networks allowed besides" },
	{ "deny", SCHEMA_NETWORKS, NULL, AT(policy.deny), "[]", NO_RANGE,
		.text = "networks denied in any case" },
	{ "submit", SCHEMA_SECTION, .section = &submit_network_table,
		.text = "what is different for callers of this level" },
	{ "admin", SCHEMA_SECTION, .section = &admin_network_table,
		.text = "what is different for callers of this level" },
	{ "resolver", SCHEMA_WORD, NULL, AT(resolver), "builtin", NO_RANGE, resolver_words,
		"\"builtin\" or \"system\"", .text = "who looks names up" },
	{ "idle_check", SCHEMA_WORD, NULL, AT(idle_check), "loop", NO_RANGE, idle_check_words,
		"\"loop\" or \"kernel\"", .text = "who tells that a kept connection lives" },
	{ "http_version", SCHEMA_WORD, NULL, AT(http_version), "auto", NO_RANGE, http_version_words,
		"\"auto\", \"1.1\" or \"2\"", .text = "of requests" },
	{ "proxy", SCHEMA_PROXY, NULL, AT(proxy), "null", { 1, FETCH_URL_MAX },
		.text = "that all requests go through" },
};

static const struct schema_row store_rows[] = {
	{ "path", SCHEMA_OPTIONAL_PATH, NULL, AT(store_path), "null", { 1, 4000 },
		.text = "folder of the store" },
	{ "retain", SCHEMA_DURATION, NULL, AT(store_retain_ns), "7d", { 0, BATCH_DURATION_MAX },
		.text = "how long a batch is kept when it is over" },
	{ "max_size", SCHEMA_SIZE, NULL, AT(store_max_size), "1GiB",
		{ 1024 * 1024, INT64_C(1) << 50 }, .text = "of the store" },
};

static const struct schema_row drain_rows[] = {
	{ "timeout", SCHEMA_DURATION, NULL, AT(drain_timeout_ns), "30s", { 0, BATCH_DURATION_MAX },
		.text = "of running batches when the daemon stops" },
};

static const struct schema_row log_rows[] = {
	{ "format", SCHEMA_WORD, NULL, AT(log_format), "plain", NO_RANGE, log_format_words,
		"\"plain\" or \"json\"", .text = "of lines, where there is no journal" },
	{ "level", SCHEMA_WORD, NULL, AT(log_level), "info", NO_RANGE, log_level_words,
		"\"error\", \"warning\", \"notice\", \"info\" or \"debug\"",
		.text = "of the least urgent messages" },
};

#undef AT

static const struct schema_table listen_table = TABLE(listen_rows);
static const struct schema_table limits_table = TABLE(limits_rows);
static const struct schema_table defaults_table = TABLE(defaults_rows);
static const struct schema_table network_table = TABLE(network_rows);
static const struct schema_table store_table = TABLE(store_rows);
static const struct schema_table drain_table = TABLE(drain_rows);
static const struct schema_table log_table = TABLE(log_rows);

#define SECTION(name, what) \
	{ \
#name, SCHEMA_SECTION, .section = &name##_table, .text = what \
	}

static const struct schema_row root_rows[] = {
	SECTION(listen, "the socket"),
	SECTION(limits, "of the daemon"),
	SECTION(defaults, "of batches"),
	SECTION(network, "where to, and how"),
	{ "access", SCHEMA_ACCESS, .offset = offsetof(struct config, access),
		.initial = "[{group: fetchd, level: submit}, {user: root, level: admin}]",
		.text = "who may do what" },
	SECTION(store, "of detached batches"),
	SECTION(drain, "the end"),
	SECTION(log, "what is written of it all"),
	{ "workers", SCHEMA_COUNT_OR_AUTO, NULL, offsetof(struct config, workers), "1",
		{ 1, FETCH_WORKERS_MAX }, .text = "threads that fetch" },
	{ "jobs", SCHEMA_JOBS, .initial = "[]", .text = "batches with a schedule" },
};

static const struct schema_row jobs_file_rows[] = {
	{ "jobs", SCHEMA_JOBS, .initial = "[]", .text = "batches with a schedule" },
};

#define AT(member) offsetof(struct config_job, member)

#define WHEN "\"always\", \"failure\" or \"change\""

static const struct schema_row report_rows[] = {
	{ "file", SCHEMA_PATH, NULL, AT(report.file), NULL, { 1, 4000 },
		.text = "gets a line a run" },
	{ "on", SCHEMA_WORD, NULL, AT(report.when), "always", NO_RANGE, when_words, WHEN,
		.text = "after which runs" },
	{ "max_size", SCHEMA_SIZE, NULL, AT(report.max_size), "10MiB", { 1024, INT64_C(1) << 40 },
		.text = "of the file before another one is begun" },
	{ "keep", SCHEMA_COUNT, "files", AT(report.keep), "5", { 0, 100 },
		.text = "older ones beside it" },
};

static const struct schema_row notify_rows[] = {
	{ "url", SCHEMA_TEXT, NULL, AT(notify.url), NULL, { 1, FETCH_URL_MAX },
		.text = "gets a POST with the run's summary" },
	{ "on", SCHEMA_WORD, NULL, AT(notify.when), "always", NO_RANGE, when_words, WHEN,
		.text = "after which runs" },
};

static const struct schema_table report_table = TABLE(report_rows);
static const struct schema_table notify_table = TABLE(notify_rows);

static const struct schema_row job_rows[] = {
	{ "name", SCHEMA_NAME, NULL, AT(name), NULL, { 1, JOB_NAME_CAP - 1 }, .text = "unique" },
	{ "every", SCHEMA_DURATION, NULL, AT(every_ns), NULL,
		{ 100 * UNITS_NS_PER_MS, BATCH_DURATION_MAX }, .text = "from start to start" },
	{ "cron", SCHEMA_TEXT, NULL, AT(cron), NULL, { 1, 255 },
		.text = "starts as crontab(5) has them" },
	{ "calendar", SCHEMA_TEXT, NULL, AT(calendar), NULL, { 1, 255 },
		.text = "starts as systemd.time(7) has them" },
	{ "timezone", SCHEMA_TEXT, NULL, AT(timezone), NULL, { 1, CALENDAR_ZONE_CAP - 1 },
		.text = "of cron or calendar" },
	{ "jitter", SCHEMA_DURATION, NULL, AT(jitter_ns), "0s", { 0, BATCH_DURATION_MAX },
		.text = "each start is late by a random part of it" },
	{ "start_deadline", SCHEMA_DURATION, NULL, AT(start_deadline_ns), NULL,
		{ 1, BATCH_DURATION_MAX }, .text = "a later start is missed" },
	{ "overlap", SCHEMA_WORD, NULL, AT(overlap), "skip", NO_RANGE, overlap_words,
		"\"skip\", \"queue\" or \"replace\"", .text = "while the last run is going" },
	{ "missed", SCHEMA_WORD, NULL, AT(missed), "skip", NO_RANGE, missed_words,
		"\"skip\" or \"run_once\"", .text = "runs that could not start in time" },
	SECTION(report, "a file of results"),
	SECTION(notify, "whom to tell"),
};

#undef AT

const struct schema_table schema_root = TABLE(root_rows);
const struct schema_table schema_jobs_file = TABLE(jobs_file_rows);
const struct schema_table schema_job = TABLE(job_rows);

/* ---- setting ---- */

static_assert(sizeof(enum job_overlap) == sizeof(unsigned), "set_word() writes enums as unsigned");

/* What a setter works with: its row, the place in memory, and the default as a tree (or NULL). */
struct setting {
	const struct schema_row *row;
	void *place;
	const struct value *initial;
	const struct schema_use *use;
};

typedef void (*set_fn)(
	const struct field_at *at, const struct value *value, const struct setting *setting);

static void
set_count(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	int64_t n;

	if (field_integer(at, value, setting->row->range, &n)) {
		*(unsigned *)setting->place = (unsigned)n;
	}
}

static void
set_count_or_auto(
	const struct field_at *at, const struct value *value, const struct setting *setting)
{
	if (value->type == VALUE_STRING && strcmp(value->text, "auto") == 0) {
		*(unsigned *)setting->place = 0;
	} else {
		set_count(at, value, setting);
	}
}

static void
set_number(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	int64_t n;

	if (field_integer(at, value, setting->row->range, &n)) {
		*(size_t *)setting->place = (size_t)n;
	}
}

static void
set_size(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	(void)field_size(at, value, setting->row->range, setting->place);
}

static void
set_duration(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	(void)field_duration(at, value, setting->row->range, setting->place);
}

static bool
has_control(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f) {
			return true;
		}
	}
	return false;
}

/* A text within the row's length, without control characters. */
static bool
take_text(const struct field_at *at, const struct value *value, const struct setting *setting,
	const char **ret_text)
{
	const struct field_range range = setting->row->range;

	if (!field_text(at, value, ret_text)) {
		return false;
	}
	if ((int64_t)value->text_len < range.min) {
		field_fault(at, value, NULL, "must not be empty");
	} else if ((int64_t)value->text_len > range.max) {
		field_fault(
			at, value, NULL, "must not be longer than %" PRId64 " bytes", range.max);
	} else if (has_control(*ret_text)) {
		field_fault(at, value, NULL, "must not contain control characters");
	} else {
		return true;
	}
	return false;
}

static void
set_text(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	const char *text;

	if (take_text(at, value, setting, &text)) {
		*(const char **)setting->place = text;
	}
}

static void
set_optional(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	if (value->type == VALUE_NULL) {
		*(const char **)setting->place = NULL;
		return;
	}
	set_text(at, value, setting);
}

static void
set_proxy(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	static const char scheme[] = "http://";
	struct fetch_reason reason = { "only http:// is known" };
	const char *text;

	if (value->type == VALUE_NULL) {
		*(const char **)setting->place = NULL;
		return;
	}
	if (!take_text(at, value, setting, &text)) {
		return;
	}
	if (strncmp(text, scheme, strlen(scheme)) != 0 ||
		fetch_url_check(text, value->text_len, &reason) == -EINVAL) {
		field_fault(at, value, NULL, "must be a URL such as \"http://127.0.0.1:3128\": %s",
			reason.text);
		return;
	}
	*(const char **)setting->place = text;
}

static void
set_path(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	const char *text;

	if (!take_text(at, value, setting, &text)) {
		return;
	}
	if (*text != '/') {
		field_fault(at, value, NULL, "must be an absolute path");
		return;
	}
	*(const char **)setting->place = text;
}

static void
set_optional_path(
	const struct field_at *at, const struct value *value, const struct setting *setting)
{
	if (value->type == VALUE_NULL) {
		*(const char **)setting->place = NULL;
		return;
	}
	set_path(at, value, setting);
}

static void
set_name(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	const char *text;

	if (!take_text(at, value, setting, &text)) {
		return;
	}
	if (text[strspn(
		    text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")]) {
		field_fault(at, value, NULL, "has only letters, digits, \"-\", \"_\" and \".\"");
		return;
	}
	*(const char **)setting->place = text;
}

static void
set_mode(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	const char *text;
	mode_t mode = 0;

	if (!field_text(at, value, &text)) {
		return;
	}
	if (strlen(text) != 4 || *text != '0' || text[strspn(text, "01234567")]) {
		field_wrong_type(at, value);
		return;
	}
	for (; *text; text++) {
		mode = mode * 8 + (mode_t)(*text - '0');
	}
	*(mode_t *)setting->place = mode;
}

static void
set_word(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	size_t index;

	if (field_word(at, value, setting->row->words, &index)) {
		*(unsigned *)setting->place = (unsigned)index; /* all our enums are one */
	}
}

/* Appends the network that one element names, or reports what is wrong with it. */
static void
add_network(const struct field_at *list, const struct value *value, size_t index,
	struct fetch_cidr_list *networks)
{
	const struct value_path path = { .parent = list->path, .index = index };
	const struct field_at at = { list->fields, list->field, &path };
	struct fetch_reason reason;
	int r;

	if (value->type != VALUE_STRING) {
		char description[80];

		field_fault(&at, value, NULL, "must be a network such as \"10.0.0.0/8\"; found %s",
			value_describe(value, description, sizeof(description)));
		return;
	}
	r = fetch_cidr_list_add(networks, value->text, &reason);
	if (r == -ENOMEM) {
		at.fields->error = r;
	} else if (r < 0) {
		field_fault(&at, value, NULL, "%s", reason.text);
	}
}

/* A later file's list replaces an earlier one's. */
static void
set_networks(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	struct fetch_address_policy read = { .profile = FETCH_PROFILE_DEFAULT };
	struct fetch_cidr_list *place = setting->place;
	const struct value *network;
	size_t index = 0;

	if (value->type != VALUE_LIST) {
		field_wrong_type(at, value);
		return;
	}
	value_for_each(network, value) {
		add_network(at, network, index++, &read.allow);
	}
	read.deny = *place; /* the old one, to be freed */
	*place = read.allow;
	read.allow = (struct fetch_cidr_list){ NULL, 0 };
	fetch_address_policy_fini(&read);
}

static void
set_loopback(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	struct endpoint endpoint = { .port = 0 };
	const char *text;

	if (value->type == VALUE_NULL) {
		*(struct endpoint *)setting->place = endpoint;
		return;
	}
	if (!field_text(at, value, &text)) {
		return;
	}
	if (!endpoint_parse(text, &endpoint)) {
		field_wrong_type(at, value);
	} else if (!endpoint_is_loopback(&endpoint)) {
		field_fault(at, value, NULL,
			"must be a loopback address: whoever can connect may read the metrics");
	} else {
		*(struct endpoint *)setting->place = endpoint;
	}
}

static void
set_access(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	struct access_list *list = setting->place;

	access_list_read(at, value, list);
	list->is_default = setting->initial && value_equal(value, setting->initial);
}

static void
set_section(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	const struct schema_use use = {
		.fields = setting->use->fields,
		.defaults = setting->initial,
		.target = setting->use->target,
	};

	schema_apply(setting->row->section, &use, value, at->path);
}

/* What is in the list is looked at when all files have been read: it depends on the settings. */
static void
set_jobs(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	if (value->type != VALUE_LIST && value->type != VALUE_NULL) {
		field_wrong_type(at, value);
	}
}

/* ---- printing ---- */

/* hidden  texts of which the placeholder is printed */
struct printing {
	const struct substitution *hidden;
	struct buffer *out;
};

typedef void (*print_fn)(
	const struct schema_row *row, const void *place, const struct printing *printing);

static void
print_text(const char *text, struct buffer *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_write_text(&w, text);
}

static void
print_count(const struct schema_row *row, const void *place, const struct printing *printing)
{
	buffer_printf(printing->out, "%u", *(const unsigned *)place);
}

static void
print_count_or_auto(
	const struct schema_row *row, const void *place, const struct printing *printing)
{
	if (*(const unsigned *)place == 0) {
		print_text("auto", printing->out);
	} else {
		print_count(row, place, printing);
	}
}

static void
print_number(const struct schema_row *row, const void *place, const struct printing *printing)
{
	buffer_printf(printing->out, "%zu", *(const size_t *)place);
}

static void
print_size(const struct schema_row *row, const void *place, const struct printing *printing)
{
	char text[UNITS_TEXT_MAX];

	buffer_puts(printing->out, size_format(*(const int64_t *)place, text));
}

static void
print_duration(const struct schema_row *row, const void *place, const struct printing *printing)
{
	char text[UNITS_TEXT_MAX];

	buffer_puts(printing->out, duration_format(*(const int64_t *)place, text));
}

static void
print_string(const struct schema_row *row, const void *place, const struct printing *printing)
{
	const char *text = *(const char *const *)place;
	const char *original = text ? substitution_find(printing->hidden, text) : NULL;

	print_text(original ? original : text, printing->out);
}

static void
print_mode(const struct schema_row *row, const void *place, const struct printing *printing)
{
	buffer_printf(printing->out, "\"%04o\"", *(const mode_t *)place);
}

static void
print_word(const struct schema_row *row, const void *place, const struct printing *printing)
{
	print_text(row->words[*(const unsigned *)place], printing->out);
}

static void
print_networks(const struct schema_row *row, const void *place, const struct printing *printing)
{
	const struct fetch_cidr_list *list = place;
	char text[FETCH_ADDRESS_CAP];

	buffer_putc(printing->out, '[');
	for (size_t i = 0; i < list->n_items; i++) {
		const struct fetch_cidr *cidr = &list->items[i];

		fetch_address_format(&cidr->address, text);
		buffer_printf(printing->out, "%s\"%s/%u\"", i ? ", " : "", text,
			(unsigned)cidr->prefix_len);
	}
	buffer_putc(printing->out, ']');
}

static void
print_loopback(const struct schema_row *row, const void *place, const struct printing *printing)
{
	char text[ENDPOINT_TEXT_CAP];

	endpoint_format(place, text);
	print_text(*text ? text : NULL, printing->out);
}

static void
print_access(const struct schema_row *row, const void *place, const struct printing *printing)
{
	access_list_print(place, printing->hidden, printing->out);
}

static const struct {
	const char *shape;
	set_fn set;
	print_fn print;
} types[SCHEMA_N_TYPES] = {
	[SCHEMA_COUNT] = { "an integer", set_count, print_count },
	[SCHEMA_COUNT_OR_AUTO] = { "an integer or \"auto\"", set_count_or_auto,
		print_count_or_auto },
	[SCHEMA_NUMBER] = { "an integer", set_number, print_number },
	[SCHEMA_SIZE] = { "a size such as \"10MiB\"", set_size, print_size },
	[SCHEMA_DURATION] = { "a duration such as \"5s\" or \"250ms\"", set_duration,
		print_duration },
	[SCHEMA_TEXT] = { "a string", set_text, print_string },
	[SCHEMA_OPTIONAL] = { "a string or null", set_optional, print_string },
	[SCHEMA_PROXY] = { "a URL such as \"http://127.0.0.1:3128\", or null", set_proxy,
		print_string },
	[SCHEMA_PATH] = { "an absolute path", set_path, print_string },
	[SCHEMA_OPTIONAL_PATH] = { "an absolute path or null", set_optional_path, print_string },
	[SCHEMA_NAME] = { "a name", set_name, print_string },
	[SCHEMA_MODE] = { "permissions in octal, in quotes, such as \"0660\"", set_mode,
		print_mode },
	[SCHEMA_WORD] = { NULL, set_word, print_word },
	[SCHEMA_NETWORKS] = { "a list of networks such as [\"10.0.0.0/8\"]", set_networks,
		print_networks },
	[SCHEMA_LOOPBACK] = { "an address with a port, such as \"127.0.0.1:9464\", or null",
		set_loopback, print_loopback },
	[SCHEMA_ACCESS] = { "a list of rules such as {group: fetchd, level: submit}", set_access,
		print_access },
	[SCHEMA_SECTION] = { NULL, set_section, NULL },
	[SCHEMA_JOBS] = { "a list of jobs", set_jobs, NULL },
};

/* ---- tables ---- */

/* The target of fields_apply(): a table on its way, with the fields made of its rows, one for one. */
struct applying {
	const struct schema_table *table;
	const struct schema_use *use;
	const struct field *fields;
};

static void
set_row(const struct field_at *at, const struct value *value, void *target)
{
	const struct applying *applying = target;
	const struct schema_row *row = &applying->table->rows[at->field - applying->fields];
	const struct setting setting = {
		.row = row,
		.place = (char *)applying->use->target + row->offset,
		.initial = value_get(applying->use->defaults, row->name),
		.use = applying->use,
	};

	types[row->type].set(at, value, &setting);
}

static void
make_fields(const struct schema_table *table, struct field *fields)
{
	assert(table->n <= MAX_ROWS);

	for (size_t i = 0; i < table->n; i++) {
		const struct schema_row *row = &table->rows[i];

		fields[i] = (struct field){
			.name = row->name,
			.shape = row->shape ? row->shape : types[row->type].shape,
			.set = set_row,
		};
	}
}

void
schema_apply(const struct schema_table *table, const struct schema_use *use,
	const struct value *map, const struct value_path *path)
{
	struct field fields[MAX_ROWS];
	struct field others[MAX_ROWS];
	struct applying applying = { table, use, fields };
	const struct field_table mine = { fields, table->n };
	const struct field_table root = { others, schema_root.n };
	const struct field_use field_use = { &mine, &applying };

	if (map->type == VALUE_NULL) {
		return; /* an empty file, or a section of which all is commented out */
	}
	make_fields(table, fields);
	make_fields(&schema_root, others);
	fields_apply(use->fields,
		&(struct fields_map){
			.map = map,
			.path = path,
			.shape = "a mapping",
			.uses = &field_use,
			.n_uses = 1,
			.other = table == &schema_root ? NULL : &root,
			.other_text = table == &schema_jobs_file
					      ? "belongs in fetchd.yaml or conf.d"
					      : "belongs to the whole file, without indentation",
		});
}

void
schema_apply_known(const struct schema_table *table, const struct schema_use *use,
	const struct value *map, const struct value_path *path)
{
	struct field fields[MAX_ROWS];
	struct applying applying = { table, use, fields };

	make_fields(table, fields);
	for (size_t i = 0; i < table->n; i++) {
		const struct value *value = value_get(map, fields[i].name);
		const struct value_path here = {
			.parent = path,
			.key = fields[i].name,
			.key_len = strlen(fields[i].name),
		};

		if (value) {
			set_row(&(struct field_at){ use->fields, &fields[i], &here }, value,
				&applying);
		}
	}
}

static void
write_defaults(const struct schema_table *table, struct buffer *out)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct schema_row *row = &table->rows[i];

		if (i > 0) {
			buffer_puts(out, ", ");
		}
		buffer_printf(out, "%s: ", row->name);
		if (row->section) {
			buffer_putc(out, '{');
			write_defaults(row->section, out);
			buffer_putc(out, '}');
		} else {
			buffer_puts(out, row->initial);
		}
	}
}

void
schema_write_defaults(struct buffer *out)
{
	buffer_putc(out, '{');
	write_defaults(&schema_root, out);
	buffer_puts(out, "}\n");
}

void
schema_print_value(const struct schema_row *row, const void *target,
	const struct substitution *hidden, struct buffer *out)
{
	const struct printing printing = { hidden, out };

	if (types[row->type].print) {
		types[row->type].print(row, (const char *)target + row->offset, &printing);
	}
}

static void
print_table(const struct schema_table *table, const void *target, const struct printing *printing,
	int depth)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct schema_row *row = &table->rows[i];

		if (row->section) {
			buffer_printf(printing->out, "%*s%s:\n", 2 * depth, "", row->name);
			print_table(row->section, target, printing, depth + 1);
		} else if (types[row->type].print) {
			buffer_printf(printing->out, "%*s%s: ", 2 * depth, "", row->name);
			schema_print_value(row, target, printing->hidden, printing->out);
			buffer_putc(printing->out, '\n');
		}
	}
}

void
schema_print(const struct schema_table *table, const void *target,
	const struct substitution *hidden, struct buffer *out)
{
	const struct printing printing = { hidden, out };

	print_table(table, target, &printing, 0);
}

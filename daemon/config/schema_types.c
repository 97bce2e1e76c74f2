/* SPDX-License-Identifier: MIT */
#include "daemon/config/schema_types.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/config/access_list.h"
#include "daemon/config/config.h"
#include "daemon/config/endpoint.h"
#include "daemon/config/substitute.h"
#include "lib/fetch/rules/address_policy.h"
#include "lib/protocol/json_writer.h"
#include "lib/protocol/units.h"

/* ---- setting ---- */

static_assert(sizeof(enum job_overlap) == sizeof(unsigned), "set_word() writes enums as unsigned");

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
	} else if (value_has_control(value)) {
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
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
		field_fault(
			at, value, NULL, "must not be \"%s\", which no path of the API has", text);
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

/* What is in the list is looked at when all files have been read: it depends on the settings. */
static void
set_jobs(const struct field_at *at, const struct value *value, const struct setting *setting)
{
	if (value->type != VALUE_LIST && value->type != VALUE_NULL) {
		field_wrong_type(at, value);
	}
}

/* ---- printing ---- */

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

const struct schema_type_row schema_types[SCHEMA_N_TYPES] = {
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
	[SCHEMA_JOBS] = { "a list of jobs", set_jobs, NULL },
};

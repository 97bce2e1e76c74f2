/* SPDX-License-Identifier: MIT */
#include "daemon/config/access_list.h"

#include "daemon/config/substitute.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/json_writer.h"

#define ID_MAX INT64_C(4294967294) /* the one above means nobody */

const char *const access_level_words[] = { "read", "submit", "admin", NULL };

/* user, group  what stands there; both NULL: neither does */
struct reading {
	const struct value *user;
	const struct value *group;
	enum access_level level;
};

static bool
is_name_or_number(const struct value *value)
{
	return (value->type == VALUE_STRING && value->text_len > 0) ||
	       (value->type == VALUE_INTEGER && value->integer >= 0 && value->integer <= ID_MAX);
}

static void
set_name(const struct field_at *at, const struct value *value, const struct value **ret_value)
{
	if (is_name_or_number(value)) {
		*ret_value = value;
	} else {
		field_wrong_type(at, value);
	}
}

static void
set_user(const struct field_at *at, const struct value *value, void *target)
{
	struct reading *reading = target;

	set_name(at, value, &reading->user);
}

static void
set_group(const struct field_at *at, const struct value *value, void *target)
{
	struct reading *reading = target;

	set_name(at, value, &reading->group);
}

static void
set_level(const struct field_at *at, const struct value *value, void *target)
{
	struct reading *reading = target;
	size_t index;

	if (field_word(at, value, access_level_words, &index)) {
		reading->level = (enum access_level)(ACCESS_READ + index);
	}
}

static const struct field rule_fields[] = {
	{ "user", "a user's name or number", .set = set_user },
	{ "group", "a group's name or number", .set = set_group },
	{ "level", "\"read\", \"submit\" or \"admin\"", .set = set_level },
};

static const struct field_table rule_table = { rule_fields, ARRAY_LEN(rule_fields) };

static struct access_rule
make_rule(const struct reading *reading)
{
	const struct value *name = reading->group ? reading->group : reading->user;
	bool is_number = name->type == VALUE_INTEGER;

	return (struct access_rule){
		.is_group = reading->group != NULL,
		.name = name->text,
		.is_known = is_number,
		.id = is_number ? (id_t)name->integer : 0,
		.level = reading->level,
	};
}

/* Return: whether it is a rule; else that is a fault. */
static bool
read_rule(const struct field_at *at, const struct value *value, struct access_rule *ret_rule)
{
	struct reading reading = { .level = ACCESS_NONE };
	const struct field_use use = { &rule_table, &reading };
	size_t n_faults = faults_count(at->fields->faults);

	fields_apply(at->fields, &(struct fields_map){
					 .map = value,
					 .path = at->path,
					 .shape = "a rule such as {group: fetchd, level: submit}",
					 .uses = &use,
					 .n_uses = 1,
				 });
	if (faults_count(at->fields->faults) > n_faults) {
		return false;
	}
	if ((reading.user != NULL) == (reading.group != NULL) || reading.level == ACCESS_NONE) {
		field_fault(at, value, NULL, "must have a level, and either a user or a group");
		return false;
	}
	*ret_rule = make_rule(&reading);
	return true;
}

void
access_list_read(const struct field_at *at, const struct value *value, struct access_list *ret_list)
{
	struct access_list list = { .n_rules = 0 };
	const struct value *element;
	size_t index = 0;

	if (value->type != VALUE_LIST) {
		field_wrong_type(at, value);
		return;
	}
	value_for_each(element, value) {
		index++;
	}
	list.rules = field_alloc(at, index * sizeof(*list.rules) + 1); /* none has a place, too */
	if (!list.rules) {
		return;
	}
	index = 0;
	value_for_each(element, value) {
		const struct value_path path = { .parent = at->path, .index = index++ };
		const struct field_at here = { at->fields, at->field, &path };

		list.n_rules += read_rule(&here, element, &list.rules[list.n_rules]);
	}
	*ret_list = list;
}

void
access_list_print(
	const struct access_list *list, const struct substitution *hidden, struct buffer *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_array(&w);
	for (size_t i = 0; i < list->n_rules; i++) {
		const struct access_rule *rule = &list->rules[i];
		const char *original;

		json_begin_object(&w);
		if (rule->is_group) {
			json_write_key(&w, "group");
		} else {
			json_write_key(&w, "user");
		}
		original = substitution_find(hidden, rule->name);
		json_write_text(&w, original ? original : rule->name);
		json_write_key(&w, "level");
		json_write_text(&w, access_level_name(rule->level));
		json_end_object(&w);
	}
	json_end_array(&w);
}

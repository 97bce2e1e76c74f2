/* SPDX-License-Identifier: MIT */
#include "daemon/config/lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/linting.h"
#include "daemon/config/loader.h"

const char *const lint_names[LINT_N_CODES] = {
#define X(id, name) [LINT_##id] = (name),
	LINT_CODES(X)
#undef X
};

/* More of a body that is captured than this is much of the machine's memory. */
static const int64_t large_body = INT64_C(1) << 30;

void
lint_warn(struct linting *linting, enum lint_code code, const char *source,
	const struct fault_place *at, const char *format, ...)
{
	struct fault_place place = *at;
	char text[320];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap); /* cut is fine */
	va_end(ap);
	place.code = lint_names[code];
	linting->warnings->source = source;
	faults_add(linting->warnings, &place, "%s", text);
}

void
lint_warn_member(struct linting *linting, enum lint_code code, const char *source,
	const struct value *map, const struct value_path *path, const char *key, const char *text)
{
	const struct value_path here = { path, key, strlen(key), 0 };

	lint_warn(linting, code, source,
		&(struct fault_place){ .path = &here, .at = value_get(map, key) }, "%s", text);
}

/* ---- settings ---- */

/* Warns at a setting, when somebody has written it. */
static void
warn_setting(struct linting *linting, enum lint_code code, const char *section, const char *key,
	const char *text)
{
	const struct value_path section_path = { NULL, section, strlen(section), 0 };
	const struct value_path path = { &section_path, key, strlen(key), 0 };
	const char *source;
	const struct value *value = config_find_origin(linting->config, section, key, &source);

	if (value) {
		lint_warn(linting, code, source,
			&(struct fault_place){ .path = &path, .at = value }, "%s", text);
	}
}

static void
compare_settings(struct linting *linting)
{
	const struct config *c = linting->config;
	const struct {
		enum lint_code code;
		const char *section;
		const char *key;
		int64_t value;
		const char *other;
		int64_t limit;
	} pairs[] = {
		{ LINT_TIMEOUT_OVER_DEADLINE, "defaults", "timeout", c->batch_defaults.timeout_ns,
			"defaults.deadline", c->batch_defaults.deadline_ns },
		{ LINT_NEVER_REACHED, "defaults", "concurrency", c->batch_defaults.concurrency,
			"limits.in_flight", c->in_flight },
		{ LINT_NEVER_REACHED, "defaults", "per_origin", c->batch_defaults.per_origin,
			"defaults.concurrency", c->batch_defaults.concurrency },
		{ LINT_NEVER_REACHED, "limits", "per_origin", c->per_origin, "limits.in_flight",
			c->in_flight },
		{ LINT_NEVER_REACHED, "limits", "batches_per_user",
			(int64_t)c->max_batches_per_user, "limits.batches",
			(int64_t)c->max_batches },
		{ LINT_NEVER_REACHED, "limits", "connections_per_user", c->max_connections_per_user,
			"limits.connections", c->max_connections },
		{ LINT_LARGE_BODY, "limits", "body", c->batch_limits.body,
			"what a body that is captured should take of the memory (1GiB)",
			large_body },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		char text[160];

		if (pairs[i].value > pairs[i].limit) {
			(void)snprintf(text, sizeof(text), "is more than %s", pairs[i].other);
			warn_setting(linting, pairs[i].code, pairs[i].section, pairs[i].key, text);
		}
	}
}

/* ---- access ---- */

static bool
is_same_account(const struct access_rule *a, const struct access_rule *b)
{
	if (a->is_group != b->is_group) {
		return false;
	}
	if (a->is_known && b->is_known) {
		return a->id == b->id;
	}
	return a->name && b->name && strcmp(a->name, b->name) == 0;
}

/* Of the rules for one account the one with the highest level counts, and of equals one is enough. */
static bool
is_covered(const struct access_list *list, size_t i)
{
	for (size_t j = 0; j < list->n_rules; j++) {
		if (j != i && is_same_account(&list->rules[i], &list->rules[j]) &&
			(list->rules[j].level > list->rules[i].level ||
				(list->rules[j].level == list->rules[i].level && j < i))) {
			return true;
		}
	}
	return false;
}

static void
look_at_rule(struct linting *linting, size_t i, const char *source, const struct value *rule)
{
	static const struct value_path access_path = { NULL, "access", 6, 0 };
	const struct access_list *list = &linting->config->access;
	const struct value_path path = { .parent = &access_path, .index = i };
	const struct fault_place place = { .path = &path, .at = rule };

	if (is_covered(list, i)) {
		lint_warn(linting, LINT_RULE_WITHOUT_EFFECT, source, &place,
			"another rule gives as much to the same account");
	} else if (!list->rules[i].is_known) {
		lint_warn(linting, LINT_RULE_NAMES_NOBODY, source, &place,
			"there is no %s \"%s\" on this machine",
			list->rules[i].is_group ? "group" : "user", list->rules[i].name);
	}
}

/* Root connects whatever the mode is, and nobody else but the owner does without a right to write. */
static bool
is_shut_out(const struct config *config)
{
	const struct access_list *list = &config->access;

	for (size_t i = 0; (config->socket_mode & 0022) == 0 && i < list->n_rules; i++) {
		if (list->rules[i].is_group || list->rules[i].id != 0) {
			return true;
		}
	}
	return false;
}

static void
look_at_access(struct linting *linting)
{
	const char *source;
	const struct value *rules = config_find_origin(linting->config, NULL, "access", &source);
	const struct value *rule;
	size_t i = 0;

	if (!rules) {
		return;
	}
	value_for_each(rule, rules) {
		look_at_rule(linting, i++, source, rule);
	}
	if (is_shut_out(linting->config)) {
		warn_setting(linting, LINT_SOCKET_SHUTS_OUT, "listen", "mode",
			"lets nobody but the daemon's own user connect, and there are rules of "
			"access for others");
	}
}

/* ---- networks ---- */

static bool
contains(const struct fetch_cidr *outer, const struct fetch_cidr *inner)
{
	if (outer->address.family != inner->address.family ||
		outer->prefix_len > inner->prefix_len) {
		return false;
	}
	for (unsigned bit = 0; bit < outer->prefix_len; bit++) {
		unsigned char difference =
			outer->address.bytes[bit / 8] ^ inner->address.bytes[bit / 8];

		if (difference & (0x80 >> bit % 8)) {
			return false;
		}
	}
	return true;
}

static void
look_at_networks(struct linting *linting)
{
	static const struct value_path network_path = { NULL, "network", 7, 0 };
	static const struct value_path allow_path = { &network_path, "allow", 5, 0 };
	const struct fetch_cidr_list *allow = &linting->config->policy.allow;
	const struct fetch_cidr_list *deny = &linting->config->policy.deny;
	const char *source;
	const struct value *list = config_find_origin(linting->config, "network", "allow", &source);
	const struct value *at = list ? list->first : NULL;

	for (size_t i = 0; at && i < allow->n_items; i++, at = at->next) {
		const struct value_path path = { .parent = &allow_path, .index = i };

		for (size_t j = 0; j < deny->n_items; j++) {
			if (contains(&deny->items[j], &allow->items[i])) {
				lint_warn(linting, LINT_ALLOWED_BUT_DENIED, source,
					&(struct fault_place){ .path = &path, .at = at },
					"is denied by network.deny, which goes before");
				break;
			}
		}
	}
}

int
config_lint(const struct config *config, const char *path, struct faults *warnings)
{
	struct linting linting = { config, warnings };
	int r;

	compare_settings(&linting);
	look_at_access(&linting);
	look_at_networks(&linting);
	r = lint_jobs(&linting);
	if (r == 0 && path) {
		r = lint_files(&linting, path);
	}
	config_sort_faults(config, warnings);
	return r < 0 ? r : warnings->error;
}

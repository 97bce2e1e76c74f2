/* SPDX-License-Identifier: MIT */
#include "daemon/ops/access.h"

#include <assert.h>
#include <stdio.h>

static const struct {
	enum access_level level;
	const char *text;
} rights[] = {
#define X(id, level, text) { ACCESS_##level, text },
	ACCESS_RIGHTS(X)
#undef X
};

static bool
is_member(const struct access_peer *peer, gid_t gid)
{
	if (peer->gid == gid) {
		return true;
	}
	for (size_t i = 0; i < peer->n_groups; i++) {
		if (peer->groups[i] == gid) {
			return true;
		}
	}
	return false;
}

static bool
is_named(const struct access_rule *rule, const struct access_peer *peer)
{
	return rule->is_known &&
	       (rule->is_group ? is_member(peer, rule->id) : peer->uid == rule->id);
}

struct access_verdict
access_judge(
	const struct access_rule *rules, size_t n_rules, uid_t own, const struct access_peer *peer)
{
	struct access_verdict verdict = { ACCESS_NONE, NULL };

	if (peer->uid == own) {
		verdict.level = ACCESS_ADMIN;
		return verdict;
	}
	for (size_t i = 0; i < n_rules; i++) {
		if (rules[i].level > verdict.level && is_named(&rules[i], peer)) {
			verdict = (struct access_verdict){ rules[i].level, &rules[i] };
		}
	}
	return verdict;
}

bool
access_may(enum access_level level, enum access_right right)
{
	assert((size_t)right < ACCESS_N_RIGHTS);
	return level >= rights[right].level;
}

const char *
access_level_name(enum access_level level)
{
	static const char *const names[ACCESS_N_LEVELS] = { "none", "read", "submit", "admin" };

	return names[level];
}

void
access_explain(const struct access_verdict *verdict, const struct access_peer *peer,
	enum access_right right, char *text, size_t cap)
{
	const struct access_rule *rule = verdict->rule;
	int len = snprintf(text, cap, "%s: needs the level %s; ", rights[right].text,
		access_level_name(rights[right].level));

	assert(len > 0 && (size_t)len < cap);
	if (rule) {
		(void)snprintf(text + len, cap - (size_t)len, "uid %u has %s (access: %s %s)",
			(unsigned)peer->uid, access_level_name(verdict->level),
			rule->is_group ? "group" : "user", rule->name);
	} else {
		(void)snprintf(text + len, cap - (size_t)len, "no rule of access names uid %u",
			(unsigned)peer->uid);
	}
}

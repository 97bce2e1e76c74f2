/* SPDX-License-Identifier: MIT */
#include "daemon/accounts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/config/config.h"
#include "daemon/ops/log.h"
#include "lib/base/cleanup.h"

#define ENTRY_MAX ((size_t)1024 * 1024) /* bytes of an entry: a group has all its members */

/* Return: 1 when it was found, 0 when it is not there or @cap bytes were too few. */
static int
look_up(const char *name, bool is_group, char *text, size_t cap, id_t *ret_id)
{
	struct group group;
	struct group *found_group = NULL;
	struct passwd user;
	struct passwd *found_user = NULL;

	errno = is_group ? getgrnam_r(name, &group, text, cap, &found_group)
			 : getpwnam_r(name, &user, text, cap, &found_user);
	if (found_group) {
		*ret_id = found_group->gr_gid;
	} else if (found_user) {
		*ret_id = found_user->pw_uid;
	}
	return found_group || found_user;
}

static bool
find(const char *name, bool is_group, id_t *ret_id)
{
	int r = 0;

	errno = ERANGE;
	for (size_t cap = 4096; r == 0 && errno == ERANGE && cap <= ENTRY_MAX; cap *= 4) {
		_cleanup_(freep) char *text = malloc(cap);

		if (!text) {
			return false;
		}
		r = look_up(name, is_group, text, cap, ret_id);
	}
	return r > 0;
}

void
accounts_find(struct config *config)
{
	struct access_list *list = &config->access;

	for (size_t i = 0; i < list->n_rules; i++) {
		struct access_rule *rule = &list->rules[i];

		if (!rule->is_known) {
			rule->is_known = find(rule->name, rule->is_group, &rule->id);
		}
	}
}

void
accounts_log_unknown(const struct config *config)
{
	const struct access_list *list = &config->access;

	for (size_t i = 0; i < list->n_rules && !list->is_default; i++) {
		const struct access_rule *rule = &list->rules[i];

		if (!rule->is_known) {
			log_warning("access: there is no %s \"%s\": the rule names nobody",
				rule->is_group ? "group" : "user", rule->name);
		}
	}
}

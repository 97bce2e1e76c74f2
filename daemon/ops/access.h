/* SPDX-License-Identifier: MIT */
/*
 * Who may do what: rules give a caller a level, and each thing to do needs one. Pure; names have become numbers before.
 *
 * Of all rules that name a caller, by its user or by one of its groups, the one with the highest level counts. The
 * daemon's own user is always an admin. Whom no rule names has no level: such a caller may ask how the daemon is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum access_level {
	ACCESS_NONE,
	ACCESS_READ,
	ACCESS_SUBMIT,
	ACCESS_ADMIN,
};

#define ACCESS_N_LEVELS 4

/* id, the level it needs, what it is. Each level may do what the ones before it may. */
#define ACCESS_RIGHTS(X) \
	X(HEALTH, NONE, "to ask for health and version") \
	X(LOOK, READ, "to look at metrics, the tree, jobs and one's own batches") \
	X(SUBMIT, SUBMIT, "to submit batches, and to cancel one's own") \
	X(JOBS, ADMIN, "to run, pause and resume jobs") \
	X(CONFIGURE, ADMIN, "to see and to reload the configuration") \
	X(OTHERS, ADMIN, "to see and to cancel the batches of others")

enum access_right {
#define X(id, level, text) ACCESS_TO_##id,
	ACCESS_RIGHTS(X)
#undef X
	ACCESS_N_RIGHTS
};

/*
 * struct access_rule - a row of the configuration's access
 *
 * is_group  it names a group, else a user
 * name      as it stands there
 * id        of the user or group; is_known: else there is none of that name, and the rule names nobody
 */
struct access_rule {
	bool is_group;
	const char *name;
	bool is_known;
	id_t id;
	enum access_level level;
};

/* struct access_peer - a caller, as the kernel knows it; groups are its supplementary ones */
struct access_peer {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t n_groups;
};

/* rule  that gives the level; NULL: none does, or it is the daemon's own user */
struct access_verdict {
	enum access_level level;
	const struct access_rule *rule;
};

/* access_judge() - @own: the daemon's user; the verdict borrows the rule */
struct access_verdict access_judge(
	const struct access_rule *rules, size_t n_rules, uid_t own, const struct access_peer *peer);

/* access_may() - is the level high enough */
bool access_may(enum access_level level, enum access_right right);

/* access_level_name() - "none" … "admin" */
const char *access_level_name(enum access_level level);

/*
 * access_explain() - why not, for the caller: "to reload …: needs the level admin; uid 7 has submit (access: group x)"
 * @cap: bytes of @text
 */
void access_explain(const struct access_verdict *verdict, const struct access_peer *peer,
	enum access_right right, char *text, size_t cap);

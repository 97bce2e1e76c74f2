/* SPDX-License-Identifier: MIT */
#include "daemon/callers.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/api/connection.h"

/* There are few users, so a list is searched. */
struct caller_user {
	uid_t uid;
	unsigned n_connections;
};

void
callers_init(struct callers *callers)
{
	*callers = (struct callers){ .users = NULL };
	list_init(&callers->resting);
}

void
callers_fini(struct callers *callers)
{
	free(callers->users);
}

static struct caller_user *
find_user(struct callers *callers, uid_t uid)
{
	struct caller_user *users;

	for (size_t i = 0; i < callers->n_users; i++) {
		if (callers->users[i].uid == uid) {
			return &callers->users[i];
		}
	}
	users = realloc(callers->users, (callers->n_users + 1) * sizeof(*users));
	if (!users) {
		return NULL;
	}
	callers->users = users;
	users[callers->n_users] = (struct caller_user){ .uid = uid };
	return &users[callers->n_users++];
}

/* Who looks after a daemon that is full must get in: the last place is for admins. */
static bool
has_place(const struct callers *callers, unsigned max, bool is_admin)
{
	return callers->n < (max > 1 && !is_admin ? max - 1 : max);
}

static int
make_place(struct callers *callers, unsigned max, bool is_admin)
{
	while (!has_place(callers, max, is_admin)) {
		if (list_is_empty(&callers->resting)) {
			return -EBUSY;
		}
		connection_evict(callers->resting.next);
	}
	return 0;
}

int
callers_add(struct callers *callers, const struct callers_limits *limits, uid_t uid, bool is_admin)
{
	struct caller_user *user = find_user(callers, uid);
	int r;

	if (!user) {
		return -ENOMEM;
	}
	if (user->n_connections >= limits->max_per_user) {
		return -EDQUOT;
	}
	r = make_place(callers, limits->max, is_admin);
	if (r < 0) {
		return r;
	}
	user->n_connections++;
	callers->n++;
	callers->n_ever++;
	return 0;
}

void
callers_remove(struct callers *callers, uid_t uid)
{
	find_user(callers, uid)->n_connections--; /* it is there since the beginning */
	callers->n--;
}

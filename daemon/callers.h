/* SPDX-License-Identifier: MIT */
/* Who is connected: counted by user, and those who wait for a request in the order in which they began to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/list.h"

struct caller_user;

/*
 * struct callers
 *
 * resting  connections that wait for a request, the longest waiting first
 * users    everybody who ever connected
 * n        connections that are there
 * n_ever   and all there ever were
 */
struct callers {
	struct list resting;
	struct caller_user *users;
	size_t n_users;
	size_t n;
	uint64_t n_ever;
};

/* Connections: of all, the last one for admins; of each user. */
struct callers_limits {
	unsigned max;
	unsigned max_per_user;
};

void callers_init(struct callers *callers);
void callers_fini(struct callers *callers);

/**
 * callers_add() - count a connection until callers_remove()
 * @is_admin:   may have the last place
 *
 * When all places are taken, the connection that rests the longest is ended.
 *
 * Errors: -EDQUOT  the user has as many as one may have
 *         -EBUSY   all places are taken, by connections that are busy
 *         -ENOMEM
 */
int callers_add(
	struct callers *callers, const struct callers_limits *limits, uid_t uid, bool is_admin);
void callers_remove(struct callers *callers, uid_t uid);

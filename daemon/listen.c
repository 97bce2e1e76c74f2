/* SPDX-License-Identifier: MIT */
#include "daemon/listen.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>

enum {
	backlog = 4096
};

static int
find_group(const char *name, gid_t *ret_gid)
{
	const struct group *group;

	errno = 0;
	group = getgrnam(name);
	if (!group) {
		return errno ? -errno : -ENOENT;
	}
	*ret_gid = group->gr_gid;
	return 0;
}

static void
explain(int r, const struct listen_options *options, char *why, size_t cap)
{
	switch (r) {
	case -EADDRINUSE:
		(void)snprintf(why, cap, "another process serves %s", options->path);
		break;
	case -EEXIST:
		(void)snprintf(why, cap, "%s is there, and is no socket", options->path);
		break;
	case -EPERM:
		(void)snprintf(why, cap, "cannot listen on %s: %s%s%s", options->path,
			nur_strerror(r), options->group ? ", perhaps to give it to the group " : "",
			options->group ? options->group : "");
		break;
	default:
		(void)snprintf(why, cap, "cannot listen on %s: %s", options->path, nur_strerror(r));
		break;
	}
}

int
listen_open(const struct listen_options *options, struct nur_listener **ret_listener, char *why,
	size_t cap)
{
	struct nur_unix_path where = { options->path, options->mode, NULL, backlog };
	gid_t group;
	int r;

	if (options->group) {
		r = find_group(options->group, &group);
		if (r < 0) {
			(void)snprintf(why, cap, "listen.group: %s: %s", options->group,
				r == -ENOENT ? "there is no such group" : nur_strerror(r));
			return r;
		}
		where.group = &group;
	}
	r = nur_listen_unix(&where, ret_listener);
	if (r < 0) {
		explain(r, options, why, cap);
	}
	return r;
}

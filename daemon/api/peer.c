/* SPDX-License-Identifier: MIT */
#include "daemon/api/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"

#define USUAL_GROUPS 16

/* When they do not fit, the kernel says how much would. */
static int
read_groups(int fd, struct access_peer *peer)
{
	socklen_t len = USUAL_GROUPS * sizeof(gid_t);
	_cleanup_(freep) gid_t *groups = malloc(len);
	int r;

	if (!groups) {
		return -ENOMEM;
	}
	r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
	if (r < 0 && errno == ERANGE) {
		free(groups);
		groups = malloc(len);
		if (!groups) {
			return -ENOMEM;
		}
		r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
	}
	if (r < 0) {
		return -errno;
	}
	peer->n_groups = len / sizeof(*groups);
	peer->groups = steal(&groups);
	return 0;
}

int
peer_read(int fd, struct access_peer *ret_peer)
{
	struct access_peer peer = { .n_groups = 0 };
	struct ucred credentials;
	socklen_t len = sizeof(credentials);
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0) {
		return -errno;
	}
	peer.uid = credentials.uid;
	peer.gid = credentials.gid;
	r = read_groups(fd, &peer);
	if (r < 0) {
		return r;
	}
	*ret_peer = peer;
	return 0;
}

void
peer_fini(struct access_peer *peer)
{
	free((void *)peer->groups);
	*peer = (struct access_peer){ .n_groups = 0 };
}

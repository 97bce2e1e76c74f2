/* SPDX-License-Identifier: MIT */
/* Who is at the other end of a Unix socket. */
#pragma once

#include "daemon/ops/access.h"

/*
 * peer_read() - what the kernel noted when it connected; @ret_peer: given, peer_fini()
 *
 * The groups are those of the process, not those that the user database has for its user: they are what it may use.
 *
 * Errors: -ENOMEM; as getsockopt(2)
 */
int peer_read(int fd, struct access_peer *ret_peer);

/* peer_fini() - accepts a zeroed one */
void peer_fini(struct access_peer *peer);

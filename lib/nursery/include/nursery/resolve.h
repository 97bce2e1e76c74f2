/* SPDX-License-Identifier: MIT */
/* Looking up the addresses of a host name, as the system does it. */
#pragma once

#include <nursery/address.h>
#include <nursery/errors.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

/**
 * typedef nur_resolve_fn - look up the addresses of a name
 * @host:       no literal, and not localhost
 * @port:       for the addresses
 * @addresses:  room for @max
 * @arg:        what was given with it
 *
 * Runs in the calling task and may wait. Return: how many were found, in the order of preference, or
 * a negative error.
 */
typedef int (*nur_resolve_fn)(
	const char *host, uint16_t port, struct nur_address *addresses, size_t max, void *arg);

/**
 * nur_resolve() - look up a name by getaddrinfo(3), on a thread
 * @host:       any that getaddrinfo(3) knows
 * @port:       for the addresses
 * @addresses:  room for @max
 * @unused:     nothing: this is a nur_resolve_fn
 *
 * The addresses are those for TCP, in the order of RFC 6724. A lookup cannot be stopped: when the caller is
 * cancelled, the thread finishes it for nobody.
 *
 * Shape:       at most @max; others are left out
 * Units:       none
 * Checkpoint:  always
 * Ownership:   all is borrowed for the call
 * Errors:      NUR_ECANCELED   cancelled
 *              -EADDRNOTAVAIL  the name does not exist, or has no address
 *              -EAGAIN         the name servers do not answer now; or no thread could be started
 *              -EIO            the name servers have failed for good
 *              -EINVAL         getaddrinfo(3) has other reasons
 *              -ENOMEM, -EMFILE, …  as nur_thread_run(); as getaddrinfo(3) said by EAI_SYSTEM
 *              NUR_ENOTINTASK  the caller is no task
 *              The text of nur_fail() is getaddrinfo's.
 * Source:      Trio socket.getaddrinfo()
 *
 * Return: how many, at least 1, or an error.
 */
NUR_CHECKPOINT int nur_resolve(
	const char *host, uint16_t port, struct nur_address *addresses, size_t max, void *unused);

NUR_END_DECLS

/* SPDX-License-Identifier: MIT */
/*
 * Connecting: a stream to a host, to the first of several addresses that answers, or to a Unix socket.
 * Like all waiting these calls have no timeout of their own: nur_fail_after() gives them one.
 */
#pragma once

#include <nursery/address.h>
#include <nursery/clock.h>
#include <nursery/errors.h>
#include <nursery/resolve.h>
#include <nursery/stream.h>

NUR_BEGIN_DECLS

#define NUR_CONNECT_DELAY NUR_MSEC(250) /* RFC 8305, section 8 */

/**
 * struct nur_connect_options - zeroed is the default
 * @delay:       how long an attempt has before the next one begins beside it; 0: NUR_CONNECT_DELAY;
 *               NUR_FOREVER: one at a time
 * @local:       NULL, or the address to connect from; with port 0 each attempt finds its own
 * @resolve:     who looks up names for nur_connect_tcp(); NULL: nur_resolve()
 * @resolve_arg: passed to @resolve
 * @errors:      NULL, or where the failures of all attempts go; an empty group on success. With NULL
 *               they become the details of the calling task's own failure, if it returns the same code.
 */
struct nur_connect_options {
	nur_time delay;
	const struct nur_address *local;
	nur_resolve_fn resolve;
	void *resolve_arg;
	struct nur_errors *errors;
};

/**
 * nur_connect_addresses() - connect to the first of several addresses that answers
 * @addresses:  @n of them, in the order of preference
 * @options:    NULL: the defaults
 *
 * Happy eyeballs: the families take turns; an attempt begins when the one before has failed, or has
 * had its delay; the first that connects ends the others.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always
 * Ownership:   all is borrowed for the call; the stream is given, nur_stream_destroy()
 * Errors:      NUR_ECANCELED   cancelled; nothing is left open
 *              -EINVAL         @n is 0, or a negative delay
 *              -ECONNREFUSED, -ENETUNREACH, -ETIMEDOUT, …  all attempts have failed: as connect(2),
 *                              socket(2) or bind(2) said to the first one that did
 *              -ENOMEM, NUR_ENOSTACK  no memory for an attempt
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      RFC 8305, section 5; Trio open_tcp_stream()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_connect_addresses(const struct nur_address *addresses, size_t n,
	const struct nur_connect_options *options, struct nur_stream **ret_stream);

/**
 * nur_connect_tcp() - connect to a port of a host
 * @host:       an IP address as text, localhost, or a name
 * @port:       in the host's order
 * @options:    NULL: the defaults
 *
 * Shape:       of a name the first 16 addresses
 * Units:       none
 * Checkpoint:  always
 * Ownership:   as nur_connect_addresses()
 * Errors:      as nur_connect_addresses()
 *              -EADDRNOTAVAIL  @host is a name without an address
 *              -ENODEV         no such interface as in "fe80::1%eth0"
 *              anything else   what nur_resolve() or options.resolve said
 * Source:      Trio open_tcp_stream()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_connect_tcp(const char *host, uint16_t port,
	const struct nur_connect_options *options, struct nur_stream **ret_stream);

/**
 * nur_connect_unix() - connect to a Unix socket in the file system
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always
 * Ownership:   the stream is given, nur_stream_destroy()
 * Errors:      NUR_ECANCELED   cancelled
 *              -EAGAIN         the listener has as many waiting callers as it wants: try again later
 *              -EINVAL         the path is empty
 *              -ENAMETOOLONG   over 107 bytes
 *              -ENOENT, -ECONNREFUSED, -EACCES, …  as connect(2) and socket(2)
 *              -ENOMEM         no memory
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio open_unix_socket()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_connect_unix(const char *path, struct nur_stream **ret_stream);

NUR_END_DECLS

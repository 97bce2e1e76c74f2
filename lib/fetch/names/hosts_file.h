/* SPDX-License-Identifier: MIT */
/*
 * The contents of a hosts(5) file as a lookup table. Pure: whoever reads the file watches its
 * mtime.
 */
#pragma once

#include <stddef.h>

#include "lib/base/cleanup.h"
#include "lib/fetch/names/answer.h"

struct fetch_hosts;

/**
 * fetch_hosts_parse() - from the file's text
 * Lines whose address cannot be parsed are skipped, as the C library does.
 * Errors: -ENOMEM
 */
int fetch_hosts_parse(const char *text, size_t len, struct fetch_hosts **ret_hosts);

/* fetch_hosts_destroy() - accepts NULL; answers given away stay valid */
void fetch_hosts_destroy(struct fetch_hosts *hosts);

DEFINE_CLEANUP(struct fetch_hosts *, fetch_hosts_destroy);

/**
 * fetch_hosts_find() - the addresses of @name, any case, a final dot ignored, in the order of the
 * file
 * @hosts: may be NULL: no file
 *
 * "localhost" and everything below it is 127.0.0.1 and ::1 when the file is silent: such names must
 * never be asked of a name server (RFC 6761, 6.3).
 *
 * Errors: -ENOENT  the file does not have it: ask the name service
 *         -ENOMEM
 */
int fetch_hosts_find(
	const struct fetch_hosts *hosts, const char *name, struct fetch_answer **ret_answer);

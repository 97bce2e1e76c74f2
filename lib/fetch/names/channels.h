/* SPDX-License-Identifier: MIT */
/* Questions to name servers: the only door to c-ares. See channels.c. */
#pragma once

#include <nursery/clock.h>

#include "lib/fetch/names/question.h"

struct fetch_channels;

/* Strings are copied; NULL and zero are not defaults here, except for servers. */
struct fetch_channels_options {
	const char *servers; /* NULL: those of resolv_path */
	const char *resolv_path;
	uint16_t port;    /* of its servers */
	nur_time timeout; /* of one query */
	unsigned tries;
};

/**
 * fetch_channels_create() - inside a run
 * Errors: -ENOMEM, -EINVAL (servers), NUR_EINTERNAL
 */
int fetch_channels_create(
	const struct fetch_channels_options *options, struct fetch_channels **ret_channels);

/* fetch_channels_destroy() - questions under way are answered with NULL; accepts NULL */
void fetch_channels_destroy(struct fetch_channels *channels);

/*
 * fetch_channels_ask() - from the loop's stack, which c-ares needs. @question stays where it is until it is
 * answered: 0, -ENOENT no such name or no address, -EHOSTUNREACH no usable answer
 */
void fetch_channels_ask(struct fetch_channels *channels, struct fetch_question *question);

/* fetch_channels_retire() - from now on, ask whom resolv.conf names now, from another source port */
void fetch_channels_retire(struct fetch_channels *channels);

/* fetch_channels_version() - c-ares's, at run time; static */
const char *fetch_channels_version(void);

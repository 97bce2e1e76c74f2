/* SPDX-License-Identifier: MIT */
/*
 * Another configuration for the running daemon: all of it, or nothing.
 *
 * It is read and checked on a thread while everything goes on. Then it takes effect at once: what runs goes on as
 * it began, what comes next meets the new limits. Keys that need a restart keep what they were at the start, and are named
 * by each reload until there is one.
 */
#pragma once

#include <stddef.h>

#include "lib/protocol/faults.h"

#define RELOAD_RESTART_MAX 16

struct config;
struct server;

/*
 * error    0: in effect; -EINVAL: refused, faults has what is wrong; else why it could not be read
 * warnings  what is in effect, but was hardly meant (config_lint()); the memory of the configuration in effect
 * restart  keys whose value needs a restart, n_restart of them
 */
struct reload_verdict {
	int error;
	struct faults faults;
	struct faults warnings;
	const char *restart[RELOAD_RESTART_MAX];
	size_t n_restart;
};

#define RELOAD_VERDICT_INIT \
	{ \
		.faults = FAULTS_INIT, .warnings = FAULTS_INIT \
	}

/* reload_verdict_fini() - accepts an initialised one */
void reload_verdict_fini(struct reload_verdict *verdict);

/*
 * reload_list_pending() - the keys in which @now is not as @started, and which are taken at the start only, into
 * @ret_keys[RELOAD_RESTART_MAX]. Return: how many they are.
 */
size_t reload_list_pending(
	const struct config *started, const struct config *now, const char **ret_keys);

/**
 * reload() - read the files again; one at a time, others wait
 *
 * The log and the service manager are told what came of it.
 *
 * Checkpoint: always
 * Errors:     NUR_ECANCELED  nothing has changed
 *             -EAGAIN        no thread could be had; nothing has changed
 * Return: 0 with a verdict, or an error.
 */
int reload(struct server *server, struct reload_verdict *ret_verdict);

/* SPDX-License-Identifier: MIT */
/* Users and groups of this machine. */
#pragma once

struct config;

/*
 * accounts_find() - the numbers of the users and groups that @config->access names
 *
 * A rule of which there is none names nobody. May wait for whoever knows the names: for a thread, or before the run
 * begins.
 */
void accounts_find(struct config *config);

/* accounts_log_unknown() - say which rules name nobody, unless they are the default */
void accounts_log_unknown(const struct config *config);

/* SPDX-License-Identifier: MIT */
/* Users and groups of this machine. */
#pragma once

struct config;

/*
 * accounts_find() - the numbers of the users and groups that @config->access names
 *
 * A rule of which there is none names nobody, and the log says so, unless it is the default. May wait for whoever
 * knows the names: for a thread, or before the run begins.
 */
void accounts_find(struct config *config);

/* SPDX-License-Identifier: MIT */
/* How many descriptors the daemon may have, and what that leaves for fetching. */
#pragma once

struct config;

/*
 * descriptors_fit() - have as many as allowed, and no more URLs in flight than there are descriptors for: the log
 * says so when that is less than @config wants
 */
void descriptors_fit(struct config *config);

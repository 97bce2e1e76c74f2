/* SPDX-License-Identifier: MIT */
/* What callers of a level may fetch from: the configuration's own policy, with what is different for them. Pure. */
#pragma once

#include "daemon/config/config.h"

/*
 * level_network_merge() - make what is in effect of @base and what stands in @network
 *
 * The lists are taken together: what is denied to all stays denied, what is allowed to all is allowed unless the level
 * denies it. -ENOMEM
 */
int level_network_merge(
	struct config_level_network *network, const struct fetch_address_policy *base);

/* level_network_fini() - free the lists; accepts zeroed */
void level_network_fini(struct config_level_network *network);

/* SPDX-License-Identifier: MIT */
#include "daemon/config/level_network.h"

#include <errno.h>
#include <stdlib.h>

static int
join(const struct fetch_cidr_list *a, const struct fetch_cidr_list *b,
	struct fetch_cidr_list *ret_list)
{
	size_t n = a->n_items + b->n_items;
	struct fetch_cidr *items;

	if (n == 0) {
		return 0;
	}
	items = calloc(n, sizeof(*items));
	if (!items) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		items[i] = i < a->n_items ? a->items[i] : b->items[i - a->n_items];
	}
	*ret_list = (struct fetch_cidr_list){ items, n };
	return 0;
}

int
level_network_merge(struct config_level_network *network, const struct fetch_address_policy *base)
{
	struct fetch_address_policy *in_effect = &network->in_effect;
	int r;

	network->has_effect =
		network->profile > 0 || network->allow.n_items > 0 || network->deny.n_items > 0;
	if (!network->has_effect) {
		return 0;
	}
	in_effect->profile =
		network->profile > 0 ? (enum fetch_profile)(network->profile - 1) : base->profile;
	r = join(&base->allow, &network->allow, &in_effect->allow);
	return r < 0 ? r : join(&base->deny, &network->deny, &in_effect->deny);
}

void
level_network_fini(struct config_level_network *network)
{
	free(network->allow.items);
	free(network->deny.items);
	fetch_address_policy_fini(&network->in_effect);
}

const struct fetch_address_policy *
config_policy(const struct config *config, enum access_level level)
{
	const struct config_level_network *network =
		level == ACCESS_SUBMIT  ? &config->submit_network
		: level == ACCESS_ADMIN ? &config->admin_network
					: NULL;

	return network && network->has_effect ? &network->in_effect : NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * Which addresses may be connected to.
 *
 *	struct fetch_address_policy policy = { FETCH_PROFILE_PUBLIC_ONLY };
 *
 *	r = fetch_cidr_list_add(&policy.allow, "10.20.0.0/16", &reason);
 *	options.policy = &policy;
 *
 * An engine asks at four places: after a URL has been parsed, of the answers of name servers, at the
 * socket, and of connections that are used again. An address is judged in all its meanings: one that
 * carries an IPv4 address (mapped, compatible, translated, NAT64, 6to4, Teredo) is judged as that, too.
 * The rules, the first that decides:
 *
 *   1. deny list: any meaning is in it -> denied
 *   2. allow list: the address as written is in it, or each IPv4 address it carries -> allowed
 *   3. the profile, by class: one meaning in a denied class -> denied; else allowed
 *
 * So a deny entry always wins, and an allow entry opens what the profile closes.
 */
#pragma once

#include <fetch/reason.h>
#include <nursery/macros.h>

NUR_BEGIN_DECLS

/*
 * struct fetch_address - an IP address without a port
 * @family:  AF_INET or AF_INET6; AF_UNSPEC in a zeroed one
 * @bytes:   network order; the first 4 for AF_INET, all 16 for AF_INET6, the rest zero
 */
struct fetch_address {
	uint16_t family;
	uint8_t bytes[16];
};

enum fetch_profile {
	FETCH_PROFILE_DEFAULT,     /* for one's own machine and network: all but the metadata
				      addresses of clouds, unspecified, multicast and broadcast */
	FETCH_PROFILE_PUBLIC_ONLY, /* only what is globally reachable */
};

/* A network: the address has no bits set beyond the prefix. */
struct fetch_cidr {
	struct fetch_address address;
	uint8_t prefix_len;
};

struct fetch_cidr_list {
	struct fetch_cidr *items;
	size_t n_items;
};

/* struct fetch_address_policy - zeroed is the default profile with empty lists */
struct fetch_address_policy {
	enum fetch_profile profile;
	struct fetch_cidr_list allow;
	struct fetch_cidr_list deny;
};

/* fetch_address_policy_fini() - free the lists; accepts NULL and zeroed (no checkpoint) */
void fetch_address_policy_fini(struct fetch_address_policy *policy);

/**
 * fetch_profile_parse() - "default" or "public_only"
 * @reason:  NULL, or where a refusal is explained
 *
 * Checkpoint: never. Ownership: none. Errors: -EINVAL with @reason naming both. Source: none.
 */
int fetch_profile_parse(
	const char *text, enum fetch_profile *ret_profile, struct fetch_reason *reason);

/* fetch_profile_name() - the word that fetch_profile_parse() reads; static (no checkpoint) */
const char *fetch_profile_name(enum fetch_profile profile);

/**
 * fetch_cidr_list_add() - parse and append, to policy->allow or policy->deny
 * @text:    "10.0.0.0/8", "fd00::/8", or one address
 * @reason:  NULL, or where a refusal is explained
 *
 * Checkpoint: never. Ownership: none. Source: RFC 4632, RFC 4291.
 * Errors:      -EINVAL  not of these forms, or bits beyond the prefix
 *              -ENOMEM
 *
 * Return: 0, or an error and the list is as it was.
 */
int fetch_cidr_list_add(
	struct fetch_cidr_list *list, const char *text, struct fetch_reason *reason);

NUR_END_DECLS

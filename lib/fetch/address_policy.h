/* SPDX-License-Identifier: MIT */
/*
 * Which addresses may be connected to. Pure; asked in four places of a fetch.
 *
 * An address is judged in all its meanings: one that carries an IPv4 address (mapped, compatible,
 * translated, NAT64, 6to4, Teredo) is judged as that, too. The rules, the first that decides:
 *
 *   1. deny list: any meaning is in it -> denied
 *   2. allow list: the address as written is in it, or each IPv4 address it carries -> allowed
 *   3. the profile, by class: one meaning in a denied class -> denied; else allowed
 *
 * So a deny entry always wins, and an allow entry opens what the profile closes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/fetch/address.h"
#include "lib/fetch/reason.h"

enum fetch_address_class {
	FETCH_CLASS_PUBLIC,     /* everything the other classes do not name */
	FETCH_CLASS_LOOPBACK,   /* 127.0.0.0/8, ::1 */
	FETCH_CLASS_PRIVATE,    /* 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 */
	FETCH_CLASS_LINK_LOCAL, /* 169.254.0.0/16, fe80::/10 */
	FETCH_CLASS_METADATA, /* where clouds keep credentials: 169.254.169.254 and its siblings */
	FETCH_CLASS_CGNAT,    /* 100.64.0.0/10 */
	FETCH_CLASS_UNSPECIFIED,   /* 0.0.0.0/8, :: (Linux connects them to itself) */
	FETCH_CLASS_MULTICAST,     /* 224.0.0.0/4, ff00::/8 */
	FETCH_CLASS_BROADCAST,     /* 255.255.255.255 */
	FETCH_CLASS_BENCHMARK,     /* 198.18.0.0/15, 2001:2::/48 */
	FETCH_CLASS_DOCUMENTATION, /* 192.0.2.0/24 and the like, 2001:db8::/32, 3fff::/20 */
	FETCH_CLASS_RESERVED,      /* 240.0.0.0/4, 192.0.0.0/24, 192.88.99.0/24, not 2000::/3 … */
	FETCH_CLASS_UNIQUE_LOCAL,  /* fc00::/7 */
	FETCH_CLASS_SITE_LOCAL,    /* fec0::/10 */
};

/*
 * FETCH_PROFILE_DEFAULT      for a daemon that serves its own machine and network: denies metadata,
 *                            unspecified, multicast and broadcast
 * FETCH_PROFILE_PUBLIC_ONLY  denies every class but public
 */
enum fetch_profile {
	FETCH_PROFILE_DEFAULT,
	FETCH_PROFILE_PUBLIC_ONLY,
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

/*
 * What `network:` of the configuration says. A zeroed one is the default profile with empty lists.
 */
struct fetch_address_policy {
	enum fetch_profile profile;
	struct fetch_cidr_list allow;
	struct fetch_cidr_list deny;
};

/* fetch_address_policy_fini() - free the lists; accepts NULL and zeroed */
void fetch_address_policy_fini(struct fetch_address_policy *policy);

/**
 * fetch_profile_parse() - "default" or "public_only"
 * Errors: -EINVAL with @reason naming both
 */
int fetch_profile_parse(
	const char *text, enum fetch_profile *ret_profile, struct fetch_reason *reason);

/* fetch_profile_name() - the word of the configuration */
const char *fetch_profile_name(enum fetch_profile profile);

/**
 * fetch_cidr_parse() - "10.0.0.0/8", "fd00::/8", or one address
 * Errors: -EINVAL with @reason saying what would be right (bits beyond the prefix are an error)
 */
int fetch_cidr_parse(const char *text, struct fetch_cidr *ret_cidr, struct fetch_reason *reason);

/**
 * fetch_cidr_list_add() - parse and append, to policy->allow or policy->deny
 * Errors: as fetch_cidr_parse(), -ENOMEM; the list stays as it was
 */
int fetch_cidr_list_add(
	struct fetch_cidr_list *list, const char *text, struct fetch_reason *reason);

/*
 * fetch_address_classify() - class of the address as written; carried addresses are not looked at
 */
enum fetch_address_class fetch_address_classify(const struct fetch_address *address);

/* fetch_address_class_name() - "link-local", for texts and metrics */
const char *fetch_address_class_name(enum fetch_address_class class);

/**
 * fetch_address_policy_check() - may this address be connected to
 * @reason: on -EACCES, a text with the address and its class or the deny entry; may be NULL
 * Return: 0 or -EACCES.
 */
int fetch_address_policy_check(const struct fetch_address_policy *policy,
	const struct fetch_address *address, struct fetch_reason *reason);

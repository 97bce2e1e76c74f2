/* SPDX-License-Identifier: MIT */
/* How addresses are judged, beyond what <fetch/address_policy.h> promises. Pure. */
#pragma once

#include <fetch/address_policy.h>

#include "lib/fetch/rules/address.h"
#include "lib/fetch/rules/reason.h"

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

/**
 * fetch_cidr_parse() - "10.0.0.0/8", "fd00::/8", or one address
 * Errors: -EINVAL with @reason saying what would be right (bits beyond the prefix are an error)
 */
int fetch_cidr_parse(const char *text, struct fetch_cidr *ret_cidr, struct fetch_reason *reason);

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

/* fetch_policy_of() - the one with this number; the first stands for those that are not there */
static inline const struct fetch_address_policy *
fetch_policy_of(const struct fetch_address_policy *const *policies, unsigned number)
{
	return policies[number] ? policies[number] : policies[0];
}

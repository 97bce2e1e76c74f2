/* SPDX-License-Identifier: MIT */
/*
 * Classes are two tables of networks, the more special first; what is in none is public. The
 * special registries of IANA are the source (RFC 6890 and its updates), and the clouds' documents
 * for metadata.
 *
 * An IPv6 address may carry IPv4 addresses to which somebody on the way will talk in its place. All
 * of them are collected and judged; carriers within carriers do not exist, so one pass is enough.
 * Of 64:ff9b:1::/48 (RFC 8215) nobody outside knows how long the translator's prefix is, so both
 * usual places are looked at. Teredo carries its server and, inverted, its client.
 */
#include "lib/fetch/rules/address_policy.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

#define MAX_CARRIED 2

struct class_range {
	enum fetch_address_class class;
	uint8_t prefix_len;
	uint8_t bytes[16];
};

static const struct class_range ranges_v4[] = {
	{ FETCH_CLASS_METADATA, 32, { 169, 254, 169, 254 } }, /* AWS, Azure, GCP, DigitalOcean … */
	{ FETCH_CLASS_METADATA, 32, { 169, 254, 170, 2 } },   /* AWS ECS: credentials of a task */
	{ FETCH_CLASS_METADATA, 32, { 100, 100, 100, 200 } }, /* Alibaba */
	{ FETCH_CLASS_METADATA, 32, { 192, 0, 0, 192 } },     /* Oracle, the older form */
	{ FETCH_CLASS_UNSPECIFIED, 8, { 0 } },
	{ FETCH_CLASS_LOOPBACK, 8, { 127 } },
	{ FETCH_CLASS_PRIVATE, 8, { 10 } },
	{ FETCH_CLASS_PRIVATE, 12, { 172, 16 } },
	{ FETCH_CLASS_PRIVATE, 16, { 192, 168 } },
	{ FETCH_CLASS_LINK_LOCAL, 16, { 169, 254 } },
	{ FETCH_CLASS_CGNAT, 10, { 100, 64 } },
	{ FETCH_CLASS_BENCHMARK, 15, { 198, 18 } },
	{ FETCH_CLASS_DOCUMENTATION, 24, { 192, 0, 2 } },
	{ FETCH_CLASS_DOCUMENTATION, 24, { 198, 51, 100 } },
	{ FETCH_CLASS_DOCUMENTATION, 24, { 203, 0, 113 } },
	{ FETCH_CLASS_DOCUMENTATION, 24, { 233, 252, 0 } },
	{ FETCH_CLASS_RESERVED, 24, { 192, 0, 0 } },
	{ FETCH_CLASS_RESERVED, 24, { 192, 88, 99 } },
	{ FETCH_CLASS_MULTICAST, 4, { 224 } },
	{ FETCH_CLASS_BROADCAST, 32, { 255, 255, 255, 255 } },
	{ FETCH_CLASS_RESERVED, 4, { 240 } },
};

static const struct class_range ranges_v6[] = {
	{ FETCH_CLASS_METADATA, 128, { 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54 } }, /* AWS */
	{ FETCH_CLASS_METADATA, 128, { 0xfd, 0x20, 0x00, 0xce, [14] = 0x02, 0x54 } }, /* GCP */
	{ FETCH_CLASS_METADATA, 128,
		{ 0xfe, 0x80, [12] = 0xa9, 0xfe, 0xa9, 0xfe } }, /* OpenStack */
	{ FETCH_CLASS_UNSPECIFIED, 128, { 0 } },
	{ FETCH_CLASS_LOOPBACK, 128, { [15] = 1 } },
	{ FETCH_CLASS_LINK_LOCAL, 10, { 0xfe, 0x80 } },
	{ FETCH_CLASS_SITE_LOCAL, 10, { 0xfe, 0xc0 } },
	{ FETCH_CLASS_UNIQUE_LOCAL, 7, { 0xfc } },
	{ FETCH_CLASS_MULTICAST, 8, { 0xff } },
	{ FETCH_CLASS_DOCUMENTATION, 32, { 0x20, 0x01, 0x0d, 0xb8 } },
	{ FETCH_CLASS_DOCUMENTATION, 20, { 0x3f, 0xff } },
	{ FETCH_CLASS_BENCHMARK, 48, { 0x20, 0x01, 0x00, 0x02 } },
	{ FETCH_CLASS_RESERVED, 28, { 0x20, 0x01, 0x00, 0x10 } }, /* ORCHID */
	{ FETCH_CLASS_RESERVED, 28, { 0x20, 0x01, 0x00, 0x20 } }, /* ORCHIDv2 */
	{ FETCH_CLASS_PUBLIC, 3, { 0x20 } },                      /* all that is given out */
	{ FETCH_CLASS_PUBLIC, 96, { 0x00, 0x64, 0xff, 0x9b } }, /* NAT64: what it carries counts */
	{ FETCH_CLASS_PUBLIC, 48, { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 } },
	{ FETCH_CLASS_PUBLIC, 96, { [10] = 0xff, 0xff } }, /* v4-mapped, the same */
	{ FETCH_CLASS_PUBLIC, 96, { [8] = 0xff, 0xff } },  /* v4-translated */
	{ FETCH_CLASS_PUBLIC, 96, { 0 } },                 /* v4-compatible */
	{ FETCH_CLASS_RESERVED, 0, { 0 } },
};

/* offset of the carried address; mask is XORed to each of its bytes */
struct carrier {
	uint8_t prefix_len;
	uint8_t bytes[12];
	uint8_t offset;
	uint8_t mask;
	bool is_split; /* RFC 6052, 2.2, /48: two bytes, the zero byte at 8, two bytes */
	bool is_guess; /* one of several possible places: zeros there mean nothing */
};

static const struct carrier carriers[] = {
	{ 96, { [10] = 0xff, 0xff }, .offset = 12 },      /* v4-mapped */
	{ 96, { [8] = 0xff, 0xff }, .offset = 12 },       /* v4-translated */
	{ 96, { 0 }, .offset = 12 },                      /* v4-compatible */
	{ 96, { 0x00, 0x64, 0xff, 0x9b }, .offset = 12 }, /* NAT64 */
	{ 48, { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, .offset = 12,
		.is_guess = true }, /* NAT64, local */
	{ 48, { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, .offset = 6, .is_split = true,
		.is_guess = true },                                     /* the same */
	{ 16, { 0x20, 0x02 }, .offset = 2 },                            /* 6to4 */
	{ 32, { 0x20, 0x01, 0x00, 0x00 }, .offset = 4 },                /* Teredo server */
	{ 32, { 0x20, 0x01, 0x00, 0x00 }, .offset = 12, .mask = 0xff }, /* Teredo client */
};

static bool
has_prefix(const uint8_t *bytes, const uint8_t *prefix, unsigned int prefix_len)
{
	unsigned int n_whole = prefix_len / 8;
	unsigned int n_bits = prefix_len % 8;
	uint8_t mask = (uint8_t)(0xff00u >> n_bits);

	if (memcmp(bytes, prefix, n_whole) != 0) {
		return false;
	}
	return n_bits == 0 || (bytes[n_whole] & mask) == (prefix[n_whole] & mask);
}

enum fetch_address_class
fetch_address_classify(const struct fetch_address *address)
{
	bool is_v4 = address->family == AF_INET;
	const struct class_range *ranges = is_v4 ? ranges_v4 : ranges_v6;
	size_t n_ranges = is_v4 ? ARRAY_LEN(ranges_v4) : ARRAY_LEN(ranges_v6);

	assert(is_v4 || address->family == AF_INET6);

	for (size_t i = 0; i < n_ranges; i++) {
		if (has_prefix(address->bytes, ranges[i].bytes, ranges[i].prefix_len)) {
			return ranges[i].class;
		}
	}
	return FETCH_CLASS_PUBLIC;
}

static void
read_carried(const struct carrier *carrier, const struct fetch_address *address,
	struct fetch_address *ret_found)
{
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int gap = carrier->is_split && i >= 2;

		ret_found->bytes[i] = address->bytes[carrier->offset + i + gap] ^ carrier->mask;
	}
}

/* The IPv4 addresses that @address carries. Return: how many. */
static size_t
find_carried(const struct fetch_address *address, struct fetch_address ret_carried[MAX_CARRIED])
{
	static const struct fetch_address zero = { .family = AF_INET };
	size_t n = 0;

	if (address->family != AF_INET6 ||
		has_prefix(address->bytes, (const uint8_t[16]){ 0 }, 127)) {
		return 0; /* :: and ::1 only look like v4-compatible ones */
	}
	for (size_t i = 0; i < ARRAY_LEN(carriers); i++) {
		struct fetch_address found = { .family = AF_INET };

		if (!has_prefix(address->bytes, carriers[i].bytes, carriers[i].prefix_len)) {
			continue;
		}
		read_carried(&carriers[i], address, &found);
		if (carriers[i].is_guess && fetch_address_is_equal(&found, &zero)) {
			continue;
		}
		assert(n < MAX_CARRIED);
		ret_carried[n++] = found;
	}
	return n;
}

const char *fetch_address_class_name(enum fetch_address_class class)
{
	static const char *const names[] = {
		[FETCH_CLASS_PUBLIC] = "public",
		[FETCH_CLASS_LOOPBACK] = "loopback",
		[FETCH_CLASS_PRIVATE] = "private",
		[FETCH_CLASS_LINK_LOCAL] = "link-local",
		[FETCH_CLASS_METADATA] = "metadata",
		[FETCH_CLASS_CGNAT] = "carrier-grade NAT",
		[FETCH_CLASS_UNSPECIFIED] = "unspecified",
		[FETCH_CLASS_MULTICAST] = "multicast",
		[FETCH_CLASS_BROADCAST] = "broadcast",
		[FETCH_CLASS_BENCHMARK] = "benchmark",
		[FETCH_CLASS_DOCUMENTATION] = "documentation",
		[FETCH_CLASS_RESERVED] = "reserved",
		[FETCH_CLASS_UNIQUE_LOCAL] = "unique-local",
		[FETCH_CLASS_SITE_LOCAL] = "site-local",
	};

	assert((size_t) class < ARRAY_LEN(names));
	return names[class];
}

static bool
profile_denies(enum fetch_profile profile, enum fetch_address_class class)
{
	if (profile == FETCH_PROFILE_PUBLIC_ONLY) {
		return class != FETCH_CLASS_PUBLIC;
	}
	return class == FETCH_CLASS_METADATA || class == FETCH_CLASS_UNSPECIFIED ||
	       class == FETCH_CLASS_MULTICAST || class == FETCH_CLASS_BROADCAST;
}

static const char *const profile_names[] = {
	[FETCH_PROFILE_DEFAULT] = "default",
	[FETCH_PROFILE_PUBLIC_ONLY] = "public_only",
};

const char *
fetch_profile_name(enum fetch_profile profile)
{
	assert((size_t)profile < ARRAY_LEN(profile_names));
	return profile_names[profile];
}

int
fetch_profile_parse(const char *text, enum fetch_profile *ret_profile, struct fetch_reason *reason)
{
	for (size_t i = 0; i < ARRAY_LEN(profile_names); i++) {
		if (strcmp(text, profile_names[i]) == 0) {
			*ret_profile = (enum fetch_profile)i;
			return 0;
		}
	}
	fetch_reason_set(
		reason, "\"%.40s\" is not a network policy: write default or public_only", text);
	return -EINVAL;
}

/* Clears the bits beyond the prefix. Return: were there any. */
static bool
clear_host_bits(struct fetch_cidr *cidr)
{
	bool had_some = false;

	for (unsigned int bit = cidr->prefix_len; bit < 128; bit++) {
		uint8_t mask = (uint8_t)(0x80u >> (bit % 8));

		had_some = had_some || (cidr->address.bytes[bit / 8] & mask);
		cidr->address.bytes[bit / 8] &= (uint8_t)~mask;
	}
	return had_some;
}

static int
parse_prefix_len(const char *text, unsigned int max, unsigned int *ret_len)
{
	unsigned int len = 0;

	if (*text == '\0' || strlen(text) > 3) {
		return -EINVAL;
	}
	for (; *text; text++) {
		if (*text < '0' || *text > '9') {
			return -EINVAL;
		}
		len = len * 10 + (unsigned int)(*text - '0');
	}
	if (len > max) {
		return -EINVAL;
	}
	*ret_len = len;
	return 0;
}

int
fetch_cidr_parse(const char *text, struct fetch_cidr *ret_cidr, struct fetch_reason *reason)
{
	const char *slash = strchrnul(text, '/');
	struct fetch_cidr cidr = { .prefix_len = 0 };
	char address[FETCH_ADDRESS_CAP] = "";
	unsigned int max;
	unsigned int prefix_len;

	if ((size_t)(slash - text) < sizeof(address)) {
		memcpy(address, text, (size_t)(slash - text));
	}
	if (!fetch_address_parse(address, &cidr.address)) {
		fetch_reason_set(reason,
			"\"%.60s\" is not a network: write an address, or one with the length of "
			"its "
			"prefix, as in 10.0.0.0/8 or fd00::/8",
			text);
		return -EINVAL;
	}
	max = cidr.address.family == AF_INET ? 32 : 128;
	prefix_len = max;
	if (*slash && parse_prefix_len(slash + 1, max, &prefix_len) < 0) {
		fetch_reason_set(reason,
			"\"%.60s\": the length of the prefix is a number from 0 to %u", text, max);
		return -EINVAL;
	}
	cidr.prefix_len = (uint8_t)prefix_len;
	if (clear_host_bits(&cidr)) {
		fetch_reason_set(reason, "\"%.60s\" has bits beyond its prefix: write %s/%u or %s",
			text, fetch_address_format(&cidr.address, (char[FETCH_ADDRESS_CAP]){ 0 }),
			prefix_len, address);
		return -EINVAL;
	}
	if (cidr.address.family == AF_INET6 && prefix_len >= 96 &&
		has_prefix(cidr.address.bytes, carriers[0].bytes, 96)) {
		fetch_reason_set(reason,
			"\"%.60s\" is a network of IPv4 addresses: write %u.%u.%u.%u/%u", text,
			cidr.address.bytes[12], cidr.address.bytes[13], cidr.address.bytes[14],
			cidr.address.bytes[15], prefix_len - 96);
		return -EINVAL;
	}
	*ret_cidr = cidr;
	return 0;
}

int
fetch_cidr_list_add(struct fetch_cidr_list *list, const char *text, struct fetch_reason *reason)
{
	struct fetch_cidr *items;
	struct fetch_cidr cidr;
	int r = fetch_cidr_parse(text, &cidr, reason);

	if (r < 0) {
		return r;
	}
	items = reallocarray(list->items, list->n_items + 1, sizeof(*items));
	if (!items) {
		fetch_reason_set(reason, "out of memory");
		return -ENOMEM;
	}
	list->items = items;
	list->items[list->n_items++] = cidr;
	return 0;
}

void
fetch_address_policy_fini(struct fetch_address_policy *policy)
{
	if (!policy) {
		return;
	}
	free(policy->allow.items);
	free(policy->deny.items);
	*policy = (struct fetch_address_policy){ .profile = FETCH_PROFILE_DEFAULT };
}

static const struct fetch_cidr *
find_cidr(const struct fetch_cidr_list *list, const struct fetch_address *address)
{
	for (size_t i = 0; i < list->n_items; i++) {
		const struct fetch_cidr *cidr = &list->items[i];

		if (cidr->address.family == address->family &&
			has_prefix(address->bytes, cidr->address.bytes, cidr->prefix_len)) {
			return cidr;
		}
	}
	return NULL;
}

static void
explain(const struct fetch_address *address, const struct fetch_address *meaning,
	const char *verdict, struct fetch_reason *reason)
{
	char written[FETCH_ADDRESS_CAP];
	char meant[FETCH_ADDRESS_CAP];

	(void)fetch_address_format(address, written);
	if (meaning == address) {
		fetch_reason_set(reason, "%s %s", written, verdict);
	} else {
		fetch_reason_set(reason, "%s carries %s, which %s", written,
			fetch_address_format(meaning, meant), verdict);
	}
}

static int
check_deny_list(const struct fetch_address_policy *policy, const struct fetch_address *address,
	const struct fetch_address *meaning, struct fetch_reason *reason)
{
	const struct fetch_cidr *cidr = find_cidr(&policy->deny, meaning);
	char verdict[FETCH_ADDRESS_CAP + 48];

	if (!cidr) {
		return 0;
	}
	(void)snprintf(verdict, sizeof(verdict), "is in %s/%u, which the configuration denies",
		fetch_address_format(&cidr->address, (char[FETCH_ADDRESS_CAP]){ 0 }),
		cidr->prefix_len);
	explain(address, meaning, verdict, reason);
	return -EACCES;
}

static int
check_profile(const struct fetch_address_policy *policy, const struct fetch_address *address,
	const struct fetch_address *meaning, struct fetch_reason *reason)
{
	enum fetch_address_class class = fetch_address_classify(meaning);
	const char *article = class == FETCH_CLASS_UNSPECIFIED ? "an" : "a";
	char verdict[96];

	if (!profile_denies(policy->profile, class)) {
		return 0;
	}
	(void)snprintf(verdict, sizeof(verdict),
		"is %s %s address, which the network policy %s denies", article,
		fetch_address_class_name(class), fetch_profile_name(policy->profile));
	explain(address, meaning, verdict, reason);
	return -EACCES;
}

static bool
is_in_allow_list(const struct fetch_address_policy *policy, const struct fetch_address *address,
	const struct fetch_address *carried, size_t n_carried)
{
	if (find_cidr(&policy->allow, address)) {
		return true;
	}
	for (size_t i = 0; i < n_carried; i++) {
		if (!find_cidr(&policy->allow, &carried[i])) {
			return false;
		}
	}
	return n_carried > 0;
}

int
fetch_address_policy_check(const struct fetch_address_policy *policy,
	const struct fetch_address *address, struct fetch_reason *reason)
{
	struct fetch_address carried[MAX_CARRIED];
	size_t n_carried = find_carried(address, carried);
	int r = check_deny_list(policy, address, address, reason);

	for (size_t i = 0; i < n_carried && r == 0; i++) {
		r = check_deny_list(policy, address, &carried[i], reason);
	}
	if (r < 0 || is_in_allow_list(policy, address, carried, n_carried)) {
		return r;
	}

	r = check_profile(policy, address, address, reason);
	for (size_t i = 0; i < n_carried && r == 0; i++) {
		r = check_profile(policy, address, &carried[i], reason);
	}
	return r;
}

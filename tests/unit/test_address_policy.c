/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/fetch/rules/address_policy.h"

/* Class as written, and what the two profiles say. */
struct judged {
	const char *text;
	enum fetch_address_class class;
	bool is_allowed;
	bool is_public;
};

static const struct judged addresses[] = {
	{ "8.8.8.8", FETCH_CLASS_PUBLIC, true, true },
	{ "1.0.0.0", FETCH_CLASS_PUBLIC, true, true },
	{ "0.0.0.0", FETCH_CLASS_UNSPECIFIED, false, false },
	{ "0.1.2.3", FETCH_CLASS_UNSPECIFIED, false, false },
	{ "127.0.0.1", FETCH_CLASS_LOOPBACK, true, false },
	{ "127.255.255.255", FETCH_CLASS_LOOPBACK, true, false },
	{ "126.255.255.255", FETCH_CLASS_PUBLIC, true, true },
	{ "128.0.0.0", FETCH_CLASS_PUBLIC, true, true },
	{ "10.0.0.1", FETCH_CLASS_PRIVATE, true, false },
	{ "172.15.255.255", FETCH_CLASS_PUBLIC, true, true },
	{ "172.16.0.0", FETCH_CLASS_PRIVATE, true, false },
	{ "172.31.255.255", FETCH_CLASS_PRIVATE, true, false },
	{ "172.32.0.0", FETCH_CLASS_PUBLIC, true, true },
	{ "192.168.1.1", FETCH_CLASS_PRIVATE, true, false },
	{ "169.254.1.1", FETCH_CLASS_LINK_LOCAL, true, false },
	{ "169.254.169.254", FETCH_CLASS_METADATA, false, false },
	{ "169.254.170.2", FETCH_CLASS_METADATA, false, false },
	{ "100.100.100.200", FETCH_CLASS_METADATA, false, false },
	{ "192.0.0.192", FETCH_CLASS_METADATA, false, false },
	{ "100.63.255.255", FETCH_CLASS_PUBLIC, true, true },
	{ "100.64.0.0", FETCH_CLASS_CGNAT, true, false },
	{ "100.127.255.255", FETCH_CLASS_CGNAT, true, false },
	{ "100.128.0.0", FETCH_CLASS_PUBLIC, true, true },
	{ "198.17.255.255", FETCH_CLASS_PUBLIC, true, true },
	{ "198.18.0.0", FETCH_CLASS_BENCHMARK, true, false },
	{ "198.19.255.255", FETCH_CLASS_BENCHMARK, true, false },
	{ "192.0.2.1", FETCH_CLASS_DOCUMENTATION, true, false },
	{ "198.51.100.1", FETCH_CLASS_DOCUMENTATION, true, false },
	{ "203.0.113.1", FETCH_CLASS_DOCUMENTATION, true, false },
	{ "192.0.0.1", FETCH_CLASS_RESERVED, true, false },
	{ "192.88.99.1", FETCH_CLASS_RESERVED, true, false },
	{ "223.255.255.255", FETCH_CLASS_PUBLIC, true, true },
	{ "224.0.0.1", FETCH_CLASS_MULTICAST, false, false },
	{ "239.255.255.255", FETCH_CLASS_MULTICAST, false, false },
	{ "240.0.0.1", FETCH_CLASS_RESERVED, true, false },
	{ "255.255.255.255", FETCH_CLASS_BROADCAST, false, false },
	{ "2606:4700::1111", FETCH_CLASS_PUBLIC, true, true },
	{ "::", FETCH_CLASS_UNSPECIFIED, false, false },
	{ "::1", FETCH_CLASS_LOOPBACK, true, false },
	{ "fe80::1", FETCH_CLASS_LINK_LOCAL, true, false },
	{ "febf::1", FETCH_CLASS_LINK_LOCAL, true, false },
	{ "fec0::1", FETCH_CLASS_SITE_LOCAL, true, false },
	{ "fc00::1", FETCH_CLASS_UNIQUE_LOCAL, true, false },
	{ "fdff::1", FETCH_CLASS_UNIQUE_LOCAL, true, false },
	{ "fd00:ec2::254", FETCH_CLASS_METADATA, false, false },
	{ "fd20:ce::254", FETCH_CLASS_METADATA, false, false },
	{ "fe80::a9fe:a9fe", FETCH_CLASS_METADATA, false, false },
	{ "ff02::1", FETCH_CLASS_MULTICAST, false, false },
	{ "2001:db8::1", FETCH_CLASS_DOCUMENTATION, true, false },
	{ "3fff:fff::1", FETCH_CLASS_DOCUMENTATION, true, false },
	{ "2001:2::1", FETCH_CLASS_BENCHMARK, true, false },
	{ "2001:10::1", FETCH_CLASS_RESERVED, true, false },
	{ "100::1", FETCH_CLASS_RESERVED, true, false },
	{ "4000::1", FETCH_CLASS_RESERVED, true, false },
	/* carriers: the class is of the address as written, the verdict of what it carries */
	{ "::ffff:8.8.8.8", FETCH_CLASS_PUBLIC, true, true },
	{ "::ffff:127.0.0.1", FETCH_CLASS_PUBLIC, true, false },
	{ "::ffff:169.254.169.254", FETCH_CLASS_PUBLIC, false, false },
	{ "::ffff:0.0.0.0", FETCH_CLASS_PUBLIC, false, false },
	{ "::ffff:0:10.0.0.1", FETCH_CLASS_PUBLIC, true, false },
	{ "::127.0.0.1", FETCH_CLASS_PUBLIC, true, false },
	{ "::169.254.169.254", FETCH_CLASS_PUBLIC, false, false },
	{ "::2", FETCH_CLASS_PUBLIC, false, false },
	{ "64:ff9b::8.8.8.8", FETCH_CLASS_PUBLIC, true, true },
	{ "64:ff9b::10.0.0.1", FETCH_CLASS_PUBLIC, true, false },
	{ "64:ff9b::169.254.169.254", FETCH_CLASS_PUBLIC, false, false },
	{ "64:ff9b:1::8.8.8.8", FETCH_CLASS_PUBLIC, true, true },
	{ "64:ff9b:1::10.0.0.1", FETCH_CLASS_PUBLIC, true, false },
	{ "64:ff9b:1:a9fe:a9:fe00::", FETCH_CLASS_PUBLIC, false, false },
	{ "64:ff9b:1:808:8:800::", FETCH_CLASS_PUBLIC, true, true },
	{ "2002:808:808::1", FETCH_CLASS_PUBLIC, true, true },
	{ "2002:7f00:1::1", FETCH_CLASS_PUBLIC, true, false },
	{ "2002:a9fe:a9fe::1", FETCH_CLASS_PUBLIC, false, false },
	{ "2001:0:808:808::f7f7:f7f7", FETCH_CLASS_PUBLIC, true, true },
	{ "2001:0:808:808::5601:5601", FETCH_CLASS_PUBLIC, false, false },
	{ "2001:0:a00:1::f7f7:f7f7", FETCH_CLASS_PUBLIC, true, false },
};

static struct fetch_address
address_of(const char *text)
{
	struct fetch_address address;

	ck_assert_msg(fetch_address_parse(text, &address), "%s", text);
	return address;
}

static int
check(const struct fetch_address_policy *policy, const char *text, struct fetch_reason *reason)
{
	struct fetch_address address = address_of(text);

	return fetch_address_policy_check(policy, &address, reason);
}

START_TEST(each_range_has_its_class)
{
	struct fetch_address address = address_of(addresses[_i].text);

	ck_assert_msg(fetch_address_classify(&address) == addresses[_i].class, "%s is %s",
		addresses[_i].text, fetch_address_class_name(fetch_address_classify(&address)));
}
END_TEST

START_TEST(profiles_judge_all_meanings)
{
	const struct judged *judged = &addresses[_i];
	struct fetch_address_policy policy = { .profile = FETCH_PROFILE_DEFAULT };

	ck_assert_msg(check(&policy, judged->text, NULL) == (judged->is_allowed ? 0 : -EACCES),
		"%s", judged->text);
	policy.profile = FETCH_PROFILE_PUBLIC_ONLY;
	ck_assert_msg(check(&policy, judged->text, NULL) == (judged->is_public ? 0 : -EACCES), "%s",
		judged->text);
}
END_TEST

START_TEST(the_reason_names_class_and_carrier)
{
	struct fetch_address_policy policy = { .profile = FETCH_PROFILE_DEFAULT };
	struct fetch_reason reason;

	ck_assert_int_eq(check(&policy, "169.254.169.254", &reason), -EACCES);
	ck_assert_str_eq(reason.text,
		"169.254.169.254 is a metadata address, which the network policy default denies");
	ck_assert_int_eq(check(&policy, "0.0.0.0", &reason), -EACCES);
	ck_assert_str_eq(reason.text,
		"0.0.0.0 is an unspecified address, which the network policy default denies");
	ck_assert_int_eq(check(&policy, "64:ff9b::e000:1", &reason), -EACCES);
	ck_assert_str_eq(reason.text,
		"64:ff9b::e000:1 carries 224.0.0.1, which is a multicast address, "
		"which the network policy default denies");
}
END_TEST

START_TEST(deny_comes_before_allow_and_allow_before_the_profile)
{
	struct fetch_address_policy policy = { .profile = FETCH_PROFILE_PUBLIC_ONLY };
	struct fetch_reason reason;

	ck_assert_int_eq(fetch_cidr_list_add(&policy.allow, "10.0.0.0/8", NULL), 0);
	ck_assert_int_eq(fetch_cidr_list_add(&policy.deny, "10.1.0.0/16", NULL), 0);
	ck_assert_int_eq(fetch_cidr_list_add(&policy.deny, "8.8.8.8", NULL), 0);

	ck_assert_int_eq(check(&policy, "10.2.0.1", NULL), 0);
	ck_assert_int_eq(check(&policy, "192.168.0.1", NULL), -EACCES);
	ck_assert_int_eq(check(&policy, "8.8.4.4", NULL), 0);
	ck_assert_int_eq(check(&policy, "8.8.8.8", NULL), -EACCES);
	ck_assert_int_eq(check(&policy, "10.1.2.3", &reason), -EACCES);
	ck_assert_str_eq(reason.text, "10.1.2.3 is in 10.1.0.0/16, which the configuration denies");
	fetch_address_policy_fini(&policy);
	fetch_address_policy_fini(&policy);
	fetch_address_policy_fini(NULL);
}
END_TEST

START_TEST(lists_see_what_an_address_carries)
{
	struct fetch_address_policy policy = { .profile = FETCH_PROFILE_PUBLIC_ONLY };
	struct fetch_reason reason;

	ck_assert_int_eq(fetch_cidr_list_add(&policy.allow, "10.0.0.0/8", NULL), 0);
	ck_assert_int_eq(fetch_cidr_list_add(&policy.deny, "10.1.0.0/16", NULL), 0);
	ck_assert_int_eq(fetch_cidr_list_add(&policy.allow, "fd00::/8", NULL), 0);

	ck_assert_int_eq(check(&policy, "::ffff:10.2.0.1", NULL), 0);
	ck_assert_int_eq(check(&policy, "2002:a02:1::", NULL), 0);
	ck_assert_int_eq(check(&policy, "64:ff9b::10.1.0.1", &reason), -EACCES);
	ck_assert_str_eq(reason.text,
		"64:ff9b::a01:1 carries 10.1.0.1, which is in 10.1.0.0/16, which the "
		"configuration denies");
	ck_assert_int_eq(check(&policy, "fd00::1", NULL), 0);
	ck_assert_int_eq(check(&policy, "fd00:ec2::254", NULL), 0);
	/* a Teredo server in the list opens nothing for its clients */
	ck_assert_int_eq(check(&policy, "2001:0:a02:1::80ff:fffe", NULL), -EACCES);
	fetch_address_policy_fini(&policy);
}
END_TEST

struct network {
	const char *text;
	const char *inside;
	const char *outside;
};

static const struct network networks[] = {
	{ "0.0.0.0/0", "255.1.2.3", "::1" },
	{ "10.0.0.0/8", "10.255.255.255", "11.0.0.0" },
	{ "192.0.2.128/25", "192.0.2.128", "192.0.2.127" },
	{ "192.0.2.1/32", "192.0.2.1", "192.0.2.2" },
	{ "192.0.2.1", "192.0.2.1", "192.0.2.0" },
	{ "::/0", "2001::1", "1.2.3.4" },
	{ "2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::" },
	{ "::1/128", "::1", "::" },
	{ "fe80::", "fe80::", "fe80::1" },
};

START_TEST(networks_end_where_their_prefix_says)
{
	struct fetch_address_policy policy = { .profile = FETCH_PROFILE_DEFAULT };
	struct fetch_address_policy none = { .profile = FETCH_PROFILE_DEFAULT };

	ck_assert_int_eq(fetch_cidr_list_add(&policy.deny, networks[_i].text, NULL), 0);

	ck_assert_int_eq(check(&policy, networks[_i].inside, NULL), -EACCES);
	ck_assert_int_eq(check(&policy, networks[_i].outside, NULL),
		check(&none, networks[_i].outside, NULL));
	fetch_address_policy_fini(&policy);
}
END_TEST

static const char *const bad_networks[][2] = {
	{ "", "is not a network" },
	{ "/8", "is not a network" },
	{ "10/8", "is not a network" },
	{ "10.0.0.0.0/8", "is not a network" },
	{ "example.org", "is not a network" },
	{ "[::1]/128", "is not a network" },
	{ "fe80::1%eth0", "is not a network" },
	{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/8", "is not a network" },
	{ "10.0.0.0/", "from 0 to 32" },
	{ "10.0.0.0/33", "from 0 to 32" },
	{ "10.0.0.0/-1", "from 0 to 32" },
	{ "10.0.0.0/+8", "from 0 to 32" },
	{ "10.0.0.0/8 ", "from 0 to 32" },
	{ "10.0.0.0/0008", "from 0 to 32" },
	{ "10.0.0.0/255.0.0.0", "from 0 to 32" },
	{ "fd00::/129", "from 0 to 128" },
	{ "10.0.0.1/8", "write 10.0.0.0/8 or 10.0.0.1" },
	{ "fd00::1/8", "write fd00::/8 or fd00::1" },
	{ "10.0.0.0/0", "write 0.0.0.0/0" },
	{ "::ffff:10.0.0.0/104", "write 10.0.0.0/8" },
	{ "::ffff:10.0.0.1", "write 10.0.0.1/32" },
};

START_TEST(broken_networks_are_refused_with_a_remedy)
{
	struct fetch_cidr_list list = { NULL, 0 };
	struct fetch_reason reason = { "" };

	ck_assert_int_eq(fetch_cidr_list_add(&list, bad_networks[_i][0], &reason), -EINVAL);
	ck_assert_msg(strstr(reason.text, bad_networks[_i][1]) != NULL, "%s", reason.text);
	ck_assert_uint_eq(list.n_items, 0);
}
END_TEST

START_TEST(profiles_have_names)
{
	enum fetch_profile profile;
	struct fetch_reason reason;

	ck_assert_int_eq(fetch_profile_parse("public_only", &profile, NULL), 0);
	ck_assert_int_eq(profile, FETCH_PROFILE_PUBLIC_ONLY);
	ck_assert_str_eq(fetch_profile_name(profile), "public_only");
	ck_assert_int_eq(fetch_profile_parse("default", &profile, NULL), 0);
	ck_assert_int_eq(profile, FETCH_PROFILE_DEFAULT);
	ck_assert_int_eq(fetch_profile_parse("public-only", &profile, &reason), -EINVAL);
	ck_assert_str_eq(reason.text,
		"\"public-only\" is not a network policy: write default or public_only");
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("address_policy");
	TCase *tc = tcase_create("classes");

	tcase_add_loop_test(tc, each_range_has_its_class, 0, ARRAY_LEN(addresses));
	tcase_add_loop_test(tc, profiles_judge_all_meanings, 0, ARRAY_LEN(addresses));
	tcase_add_test(tc, the_reason_names_class_and_carrier);
	tcase_add_test(tc, profiles_have_names);
	suite_add_tcase(suite, tc);

	tc = tcase_create("lists");
	tcase_add_test(tc, deny_comes_before_allow_and_allow_before_the_profile);
	tcase_add_test(tc, lists_see_what_an_address_carries);
	tcase_add_loop_test(tc, networks_end_where_their_prefix_says, 0, ARRAY_LEN(networks));
	tcase_add_loop_test(
		tc, broken_networks_are_refused_with_a_remedy, 0, ARRAY_LEN(bad_networks));
	suite_add_tcase(suite, tc);
	return suite;
}

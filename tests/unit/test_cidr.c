/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/ssh/cidr.h"
#include "lib/ssh/lint.h"

static const struct {
	const char *s;
	int want;
	unsigned bits, mask;
} parses[] = {
    {"10.0.0.0/8", 0, 32, 8},
    {"192.0.2.1", 0, 32, 32},
    {"0.0.0.0/0", 0, 32, 0},
    {"255.255.255.255/32", 0, 32, 32},
    {"2001:db8::/32", 0, 128, 32},
    {"::/0", 0, 128, 0},
    {"2001:DB8::1", 0, 128, 128},
    {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128", 0, 128, 128},
    {"", ERR_PARSE, 0, 0},
    {"/8", ERR_PARSE, 0, 0},
    {"10.0.0.0/", ERR_PARSE, 0, 0},
    {"10.0.0.0/33", ERR_PARSE, 0, 0},
    {"2001:db8::/129", ERR_PARSE, 0, 0},
    {"10.0.0.0/08", ERR_PARSE, 0, 0},
    {"10.0.0.0/+8", ERR_PARSE, 0, 0},
    {"10.0.0.0/-1", ERR_PARSE, 0, 0},
    {"10.0.0.0/8 ", ERR_PARSE, 0, 0},
    {" 10.0.0.0/8", ERR_PARSE, 0, 0},
    {"10.0.0.0/8/8", ERR_PARSE, 0, 0},
    {"10.0.0/8", ERR_PARSE, 0, 0},
    {"010.0.0.0/8", ERR_PARSE, 0, 0},
    {"10.0.0.256", ERR_PARSE, 0, 0},
    {"0x0a000000", ERR_PARSE, 0, 0},
    {"fe80::1%eth0", ERR_PARSE, 0, 0},
    {"example.com", ERR_PARSE, 0, 0},
    {"10.0.0.0/255.0.0.0", ERR_PARSE, 0, 0},
    {"10.0.0.0/8,10.0.0.0/8", ERR_PARSE, 0, 0},
    {"00ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128", ERR_PARSE, 0, 0},
};

static void
addresses_and_ranges_are_read_strictly(void **state)
{
	struct cidr c;
	int r;

	(void)state;
	for (size_t i = 0; i < sizeof(parses) / sizeof(*parses); i++) {
		r = cidr_parse(parses[i].s, &c);
		if (r != parses[i].want)
			fail_msg("'%s': %d", parses[i].s, r);
		if (r != 0)
			continue;
		assert_int_equal(c.bits, parses[i].bits);
		assert_int_equal(c.mask, parses[i].mask);
	}
}

static void
host_bits_are_seen(void **state)
{
	static const struct {
		const char *s;
		bool want;
	} cases[] = {{"10.0.0.0/8", false}, {"10.0.0.1/8", true},
	    {"10.128.0.0/9", false}, {"10.64.0.0/9", true},
	    {"10.0.0.1/32", false}, {"10.0.0.1", false}, {"0.0.0.0/0", false},
	    {"128.0.0.0/0", true}, {"2001:db8::/32", false},
	    {"2001:db8::1/127", true}, {"2001:db8::2/127", false}};
	struct cidr c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(cidr_parse(cases[i].s, &c), 0);
		if (cidr_has_host_bits(&c) != cases[i].want)
			fail_msg("%s", cases[i].s);
	}
}

static void
ipv4_written_as_ipv6_is_seen(void **state)
{
	static const struct {
		const char *s;
		bool want;
	} cases[] = {{"::ffff:10.0.0.1", true}, {"::ffff:a00:0/104", true},
	    {"::ffff:0:0/96", true}, {"::/0", false}, {"::/95", false},
	    {"::fffe:0:0/96", false}, {"10.0.0.1", false}};
	struct cidr c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(cidr_parse(cases[i].s, &c), 0);
		if (cidr_is_mapped(&c) != cases[i].want)
			fail_msg("%s", cases[i].s);
	}
}

static void
range_lies_inside_another_or_not(void **state)
{
	static const struct {
		const char *a, *b;
		bool want;
	} cases[] = {
	    {"10.0.0.0/8", "10.0.0.0/8", true},
	    {"10.1.0.0/16", "10.0.0.0/8", true},
	    {"10.0.0.0/8", "10.1.0.0/16", false},
	    {"11.0.0.0/8", "10.0.0.0/8", false},
	    {"10.0.0.0/7", "10.0.0.0/8", false},
	    {"10.255.255.255", "10.0.0.0/8", true},
	    {"11.0.0.0", "10.0.0.0/8", false},
	    {"192.0.2.1", "0.0.0.0/0", true},
	    {"192.0.2.1", "192.0.2.1", true},
	    {"192.0.2.1", "192.0.2.1/32", true},
	    {"192.0.2.2", "192.0.2.1", false},
	    {"192.0.2.1", "::/0", false},
	    {"2001:db8::1", "::/0", true},
	    {"2001:db8::1", "2001:DB8::/32", true},
	    {"2001:db9::1", "2001:db8::/32", false},
	    {"2001:db8::/33", "2001:db8::/32", true},
	    {"2001:db8::/31", "2001:db8::/32", false},
	    {"::", "0.0.0.0/0", false},
	    /* what is no range lies nowhere and holds nothing */
	    {"x", "0.0.0.0/0", false},
	    {"10.0.0.1/8", "10.0.0.0/8", false},
	    {"10.0.0.0/8", "10.0.0.1/8", false},
	    {"", "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (cidr_inside(cases[i].a, cases[i].b) != cases[i].want)
			fail_msg("%s in %s", cases[i].a, cases[i].b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_and_ranges_are_read_strictly),
	    cmocka_unit_test(host_bits_are_seen),
	    cmocka_unit_test(ipv4_written_as_ipv6_is_seen),
	    cmocka_unit_test(range_lies_inside_another_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

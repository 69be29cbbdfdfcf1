/* SPDX-License-Identifier: ISC */
#include "lib/net/source.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"

static void
address(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (void *)out;
	struct sockaddr_in6 *in6 = (void *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(4711);
	} else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(4711);
	} else
		out->ss_family = AF_UNIX;
}

static struct source
source(const char *text)
{
	struct sockaddr_storage sa;
	struct source s;

	address(text, &sa);
	source_of((struct sockaddr *)&sa, &s);
	return s;
}

static void
a_source_is_an_address_or_a_network_of_64_bits(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
	    {"192.0.2.1", "192.0.2.1", true},
	    {"192.0.2.1", "192.0.2.2", false},
	    {"192.0.2.1", "::ffff:192.0.2.1", true},
	    {"2001:db8::1", "2001:db8::ffff:1", true},
	    {"2001:db8::1", "2001:db8:0:1::1", false},
	    {"::", "0.0.0.0", false},
	    {"::1", "::2", true},
	    {"unix", "unix", true},
	    {"unix", "::", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct source a = source(cases[i].a), b = source(cases[i].b);

		if ((memcmp(&a, &b, sizeof(a)) == 0) != cases[i].same)
			fail_msg("%s %s", cases[i].a, cases[i].b);
	}
}

static void
addresses_are_written_without_port(void **state)
{
	static const char *const cases[][2] = {
	    {"192.0.2.1", "192.0.2.1"},
	    {"::ffff:192.0.2.1", "192.0.2.1"},
	    {"2001:db8::1", "2001:db8::1"},
	    {"unix", "unknown"},
	};
	struct sockaddr_storage sa;
	char text[SOURCE_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		address(cases[i][0], &sa);
		source_text((struct sockaddr *)&sa, text);
		assert_string_equal(text, cases[i][1]);
	}
}

static void
sources_are_counted_apart(void **state)
{
	struct source a = source("192.0.2.1"), b = source("2001:db8::1"), c;
	struct sources *s = NULL;
	char text[SOURCE_TEXT];

	(void)state;
	assert_int_equal(sources_new(&s), 0);
	assert_int_equal(sources_count(s, &a), 0);
	sources_remove(s, &a);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sources_add(s, &a), 0);
	assert_int_equal(sources_add(s, &b), 0);
	/* More than there are buckets. */
	for (int i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 250, i % 250);
		c = source(text);
		assert_int_equal(sources_add(s, &c), 0);
	}
	assert_int_equal(sources_count(s, &a), 3);
	assert_int_equal(sources_count(s, &b), 1);
	sources_remove(s, &a);
	sources_remove(s, &b);
	assert_int_equal(sources_count(s, &a), 2);
	assert_int_equal(sources_count(s, &b), 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 250, i % 250);
		c = source(text);
		assert_int_equal(sources_count(s, &c), 1);
		sources_remove(s, &c);
		assert_int_equal(sources_count(s, &c), 0);
	}
	sources_free(s);
	sources_free(NULL);
}

static int
run_add(void *arg)
{
	struct sources *s = NULL;
	int r;

	if ((r = sources_new(&s)) == 0)
		r = sources_add(s, arg);
	sources_free(s);
	return r;
}

static void
memory_may_run_out(void **state)
{
	struct source a = source("192.0.2.1");

	(void)state;
	assert_int_equal(alloc_each(run_add, &a), 2);
}

static unsigned
admitted(unsigned waiting, unsigned max)
{
	unsigned n = 0;

	for (uint32_t chance = 0; chance < 1000; chance++)
		n += source_admit(waiting, max, 0, 10, chance);
	return n;
}

static void
the_fuller_the_fewer(void **state)
{
	unsigned last = 1000, now;

	(void)state;
	assert_int_equal(admitted(0, 100), 1000);
	assert_int_equal(admitted(49, 100), 1000);
	for (unsigned w = 50; w < 100; w++) {
		now = admitted(w, 100);
		assert_true(now < last && now > 0);
		last = now;
	}
	assert_int_equal(admitted(100, 100), 0);
	assert_int_equal(admitted(101, 100), 0);
	assert_true(source_admit(0, 100, 9, 10, 0));
	assert_false(source_admit(0, 100, 10, 10, 0));
	assert_true(source_admit(0, 1, 0, 1, 1));
	assert_false(source_admit(0, 0, 0, 1, 1));
}

static void
lines_are_left_out_and_counted(void **state)
{
	struct rate r = {.most = 3, .span = 1000};
	struct source a = source("192.0.2.1");
	unsigned left = 9, let = 0;

	(void)state;
	for (int i = 0; i < 10; i++) {
		let += rate_take(&r, &a, 500 + i, &left);
		assert_int_equal(left, 0);
	}
	assert_int_equal(let, 3);
	assert_false(rate_take(&r, &a, 1499, &left));
	assert_true(rate_take(&r, &a, 1500, &left));
	assert_int_equal(left, 8);
	assert_true(rate_take(&r, &a, 1501, &left));
	assert_int_equal(left, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_source_is_an_address_or_a_network_of_64_bits),
	    cmocka_unit_test(addresses_are_written_without_port),
	    cmocka_unit_test(sources_are_counted_apart),
	    cmocka_unit_test(memory_may_run_out),
	    cmocka_unit_test(the_fuller_the_fewer),
	    cmocka_unit_test(lines_are_left_out_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

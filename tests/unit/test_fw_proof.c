/* SPDX-License-Identifier: ISC */
/* Before rules are loaded: who would still get in to sshd, where it listens, by
 * the way that he comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/states/kinds.h"
#include "tests/unit/statecase.h"

#define OPS (&state_iptables)

static int
setup(void **state)
{
	struct fakehost *f = fakehost_new();

	fakehost_dir(f, "/run/sshd", 0755);
	fakehost_file(f, "/proc/net/if_inet6", 0444, "lo\n");
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	fakehost_free(*state);
	return 0;
}

/* As sshd -T says it. */
#define LISTENS                        \
	"port 22\naddressfamily any\n" \
	"listenaddress 0.0.0.0:22\n"   \
	"listenaddress [::]:22\n"

static void
who_would_be_shut_out_is_said(void **state)
{
	static const struct {
		const char *yaml, *address;
		bool in;
	} cases[] = {
	    {"input: {policy: drop}\n", NULL, false},
	    {"input: {policy: accept}\n", NULL, true},
	    {"input: {policy: drop, allow: [{port: 22}]}\n", NULL, true},
	    {"input: {policy: drop, allow: [{port: 22, proto: udp}]}\n", NULL,
		false},
	    {"input: {policy: drop, allow: [{port: 20-30}]}\n", "192.0.2.1",
		true},
	    {"input: {policy: drop, allow: [{port: 22, from: 10.0.0.0/8}]}\n",
		"192.0.2.1", false},
	    {"input: {policy: drop, allow: [{port: 22, from: 10.0.0.0/8}]}\n",
		"10.9.8.7", true},
	    {"input: {policy: drop, allow: [{port: 22}], block: "
	     "192.0.2.0/24}\n",
		"192.0.2.1", false},
	    {"output: {policy: drop}\n", "192.0.2.1", true},
	};
	struct fakehost *f = *state;

	fakehost_command(f, "sshd -T", 0, LISTENS, "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct state_env env = {
		    .operator_address = cases[i].address};
		char *got;
		int r = statecase_proof(f, OPS, &env, cases[i].yaml, &got);

		if (r != (cases[i].in ? 0 : ERR_DENIED))
			fail_msg("%s: %d %s", cases[i].yaml, r, got);
		free(got);
	}
}

/* The port of a ListenAddress is where sshd is, and `port` says the default. */
static void
where_sshd_listens_is_what_counts(void **state)
{
#define ALLOW(what) "input: {policy: drop, allow: [{" what "}]}\n"
	static const struct {
		const char *sshd, *yaml, *address;
		bool in;
	} cases[] = {
	    {"port 22\nlistenaddress 0.0.0.0:2222\n", ALLOW("port: 22"), NULL,
		false},
	    {"port 22\nlistenaddress 0.0.0.0:2222\n", ALLOW("port: 2222"), NULL,
		true},
	    {"listenaddress [::]:2222 rdomain 7\n", ALLOW("port: 2222"), NULL,
		true},
	    {"listenaddress 0.0.0.0:22\nlistenaddress 0.0.0.0:2222\n",
		ALLOW("port: 2222"), "192.0.2.1", true},
	    /* Who comes by IPv4 is not let in by what listens for IPv6. */
	    {"listenaddress 0.0.0.0:22\nlistenaddress [::]:2222\n",
		ALLOW("port: 2222"), "192.0.2.1", false},
	    {"listenaddress [2001:db8::2]:22\n", ALLOW("port: 22"),
		"2001:db8::1", true},
	    {"listenaddress 192.0.2.2:22\n", ALLOW("port: 22, to: 192.0.2.3"),
		NULL, false},
	    {"listenaddress 192.0.2.2:22\n",
		ALLOW("port: 22, to: 192.0.2.0/24"), NULL, true},
	    /* A way in for this host alone is none, and shuts nobody out. */
	    {"listenaddress 127.0.0.1:22\nlistenaddress 192.0.2.2:2222\n",
		ALLOW("port: 22"), NULL, false},
	    {"listenaddress 127.0.0.1:22\nlistenaddress [::1]:22\n",
		ALLOW("port: 443"), NULL, true},
	    {"port 22\n", ALLOW("port: 22"), NULL, false},
	    {"listenaddress 0.0.0.0\nlistenaddress :22\n", ALLOW("port: 22"),
		NULL, false},
	};
	struct fakehost *f = *state;
	char *shut;

	fakehost_command(f, "ip -o addr show scope global", 0,
	    "2: eth0 inet 192.0.2.2/24 scope global eth0\n", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct state_env env = {
		    .operator_address = cases[i].address};
		char *got;
		int r;

		fakehost_command(f, "sshd -T", 0, cases[i].sshd, "");
		r = statecase_proof(f, OPS, &env, cases[i].yaml, &got);
		if (r != (cases[i].in ? 0 : ERR_DENIED))
			fail_msg("%s%s: %d %s", cases[i].sshd, cases[i].yaml, r,
			    got);
		free(got);
	}
#undef ALLOW
	/* With what it is started, too. */
	fakehost_file(f, "/etc/default/ssh", 0644, "SSHD_OPTS=\"-p 2222\"\n");
	fakehost_command(f, "sshd -T -p 2222", 0,
	    "port 2222\nlistenaddress 0.0.0.0:2222\n", "");
	fakehost_command(f, "sshd -T", 0, LISTENS, "");
	assert_int_equal(statecase_proof(f, OPS, NULL,
			     "input: {policy: drop, allow: [{port: 22}]}\n",
			     &shut),
	    ERR_DENIED);
	free(shut);
}

/* As ip of 6.1 prints them. */
#define ROUTE \
	"192.0.2.1 via 10.0.0.1 dev mgmt0 src 10.0.0.2 uid 0 \n    cache \n"
#define ROUTE6                                                              \
	"2001:db8::1 from :: via fd00::1 dev eth0 src fd00::2 metric 1024 " \
	"pref medium\n"
#define ADDRESSES                                                            \
	"2: eth0    inet 203.0.113.2/24 brd 203.0.113.255 scope global "     \
	"eth0\\ "                                                            \
	"      valid_lft forever preferred_lft forever\n"                    \
	"3: mgmt0    inet 10.0.0.2/24 scope global mgmt0\\       valid_lft " \
	"forever preferred_lft forever\n"

#define BY(i) "input: {policy: drop, allow: [{port: 22, interface: " i "}]}\n"
#define TO(a) "input: {policy: drop, allow: [{port: 22, to: " a "}]}\n"
#define BOTH(i, a)                                                          \
	"input: {policy: drop, allow: [{port: 22, interface: " i ", to: " a \
	"}]}\n"
#define TWO(i, k)                                                      \
	"input: {policy: drop, allow: [{port: 22, interface: " i "}, " \
	"{port: 22, interface: " k "}]}\n"

static char at_10[] = "192.0.2.1:2023", at_six[] = "[2001:db8::1]:2023",
	    at_home[] = "127.0.0.1:2023", at_nowhere[] = "198.51.100.1:2023";

/* Whose way is asked: the operator's, else a master's, else anybody's. */
static struct {
	const char *yaml, *who;
	char *masters[2];
	const char *shut; /* NULL: he gets in */
} ways[] = {
    {BY("mgmt0"), "192.0.2.1", {NULL}, NULL},
    {BY("mgmt+"), "192.0.2.1", {NULL}, NULL},
    {BY("mgmt"), "192.0.2.1", {NULL}, "192.0.2.1 in"},
    {BY("eth0"), "192.0.2.1", {NULL}, "by mgmt0 at 10.0.0.2"},
    {BY("eth0"), "2001:db8::1", {NULL}, NULL},
    {TO("10.0.0.0/8"), "192.0.2.1", {NULL}, NULL},
    {TO("10.0.0.3"), "192.0.2.1", {NULL}, "by mgmt0 at 10.0.0.2"},
    {BOTH("mgmt0", "10.0.0.2"), "192.0.2.1", {NULL}, NULL},
    {BOTH("eth0", "10.0.0.2"), "192.0.2.1", {NULL}, "by mgmt0"},
    {BOTH("mgmt0", "203.0.113.2"), "192.0.2.1", {NULL}, "at 10.0.0.2"},
    {"input: {policy: drop, allow: [{port: 22, interface: mgmt0, from: "
     "10.0.0.0/8}]}\n",
	"192.0.2.1", {NULL}, "192.0.2.1 in"},
    /* An entry without either is enough. */
    {"input: {policy: drop, allow: [{port: 80, interface: eth0}, "
     "{port: 22}]}\n",
	NULL, {NULL}, NULL},
    /* Of a range, its first address. */
    {BY("mgmt0"), "192.0.2.1/32", {NULL}, NULL},
    {BY("mgmt0"), NULL, {at_10, at_six}, NULL},
    {BY("eth0"), NULL, {at_10, at_six}, NULL},
    {BY("eth0"), NULL, {at_nowhere, at_10}, "by mgmt0"},
    {BY("eth1"), NULL, {at_10, at_six}, "nobody in"},
    /* One on this host comes by none of these ways. */
    {BY("mgmt0"), NULL, {at_home}, "by eth0 at 203.0.113.2"},
    {BY("mgmt0"), NULL, {NULL}, "by eth0 at 203.0.113.2"},
    {TWO("mgmt0", "eth0"), NULL, {NULL}, NULL},
    {TO("[10.0.0.2, 203.0.113.2]"), NULL, {NULL}, NULL},
    {TO("10.0.0.2"), NULL, {NULL}, "at 203.0.113.2"},
    {BY("mgmt0"), "198.51.100.1", {NULL}, "Network is unreachable"},
};

static void
an_entry_for_another_way_lets_nobody_in(void **state)
{
	struct fakehost *f = *state;

	fakehost_command(f, "sshd -T", 0, LISTENS, "");
	fakehost_command(f, "ip route get 192.0.2.1", 0, ROUTE, "");
	fakehost_command(f, "ip route get 2001:db8::1", 0, ROUTE6, "");
	fakehost_command(f, "ip route get 127.0.0.1", 0,
	    "local 127.0.0.1 dev lo src 127.0.0.1 uid 0 \n    cache <local> \n",
	    "");
	fakehost_command(f, "ip route get 198.51.100.1", 2, "",
	    "RTNETLINK answers: Network is unreachable\n");
	fakehost_command(f, "ip -o addr show scope global", 0, ADDRESSES, "");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char *v[2] = {ways[i].masters[0], ways[i].masters[1]};
		const struct strs masters = {
		    .v = v, .n = (v[0] != NULL) + (size_t)(v[1] != NULL)};
		const struct state_env env = {.operator_address = ways[i].who,
		    .master_addresses = &masters};
		char *got;
		int r = statecase_proof(f, OPS, &env, ways[i].yaml, &got);

		if (r != (ways[i].shut == NULL ? 0 : ERR_DENIED) ||
		    (r != 0 && strstr(got, ways[i].shut) == NULL))
			fail_msg("%zu: %s: %d %s", i, ways[i].yaml, r, got);
		free(got);
	}
}

/* Where sshd listens at one address, a way to another is none that is shut. */
static void
a_way_to_where_sshd_is_not_does_not_count(void **state)
{
	struct fakehost *f = *state;
	char *got;

	fakehost_command(f, "sshd -T", 0, "listenaddress 10.0.0.2:22\n", "");
	fakehost_command(f, "ip -o addr show scope global", 0, ADDRESSES, "");
	assert_int_equal(statecase_proof(f, OPS, NULL, BY("mgmt0"), &got), 0);
	free(got);
	assert_int_equal(statecase_proof(f, OPS, NULL, BY("eth0"), &got),
	    ERR_DENIED);
	assert_non_null(strstr(got, "by mgmt0 at 10.0.0.2"));
	free(got);
	/* He would come, and not arrive. */
	fakehost_command(f, "ip route get 2001:db8::1", 0, ROUTE6, "");
	assert_int_equal(statecase_proof(f, OPS,
			     &(struct state_env){
				 .operator_address = "2001:db8::1"},
			     BY("eth0"), &got),
	    ERR_DENIED);
	free(got);
}

/* What ip does not say, or cannot, is no way in. */
static void
a_way_that_is_not_known_is_none(void **state)
{
	static const char *const said[] = {"", "dev mgmt0\n", "src 10.0.0.2\n",
	    "192.0.2.1 dev\n", "192.0.2.1 dev mgmt0 src\n",
	    "192.0.2.1 dev a-name-that-is-too-long src 10.0.0.2\n"};
	static const struct state_env env = {.operator_address = "192.0.2.1"};
	struct fakehost *f = *state;
	struct str many = STR_INIT;
	size_t most = 0;
	char *got;

	fakehost_command(f, "sshd -T", 0, LISTENS, "");
	assert_int_not_equal(statecase_proof(f, OPS, &env, BY("mgmt0"), &got),
	    0);
	assert_non_null(strstr(got, "where it is known how sshd is reached"));
	free(got);
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		fakehost_command(f, "ip route get 192.0.2.1", 0, said[i], "");
		assert_int_equal(statecase_proof(f, OPS, &env, BY("mgmt0"),
				     &got),
		    ERR_DENIED);
		free(got);
	}
	fakehost_command(f, "ip -o addr show scope global", 0, "", "");
	assert_int_equal(statecase_proof(f, OPS, NULL, BY("mgmt0"), &got),
	    ERR_DENIED);
	assert_non_null(strstr(got, "any interface"));
	free(got);
	for (unsigned i = 0; i < 257; i++) {
		most = many.n;
		str_addf(&many, "2: mgmt0 inet 10.0.1.%u/24 scope global\n",
		    i % 256);
	}
	fakehost_command(f, "ip -o addr show scope global", 0, many.p, "");
	assert_int_equal(statecase_proof(f, OPS, NULL, BY("mgmt0"), &got),
	    ERR_DENIED);
	assert_non_null(strstr(got, "more than 256 addresses"));
	free(got);
	many.p[most] = '\0';
	fakehost_command(f, "ip -o addr show scope global", 0, many.p, "");
	assert_int_equal(statecase_proof(f, OPS, NULL, BY("mgmt0"), &got), 0);
	free(got);
	str_clear(&many);
}

/* sshd says nothing without its directory, which its unit makes: where a socket
 * starts it, nobody has made it yet. */
static void
a_sshd_that_does_not_answer_proves_nothing(void **state)
{
	static const char shut[] = "input: {policy: drop}\n";
	static const char way[] =
	    "input: {policy: drop, allow: [{port: 22}]}\n";
	struct fakehost *f = *state;
	char *got;

	fakehost_command(f, "sshd -T", 255, "", "no hostkeys available\n");
	assert_int_equal(statecase_proof(f, OPS, NULL, way, &got), ERR_DENIED);
	assert_string_equal(got,
	    "sshd -T does not say where sshd listens, and until it does no "
	    "rules are loaded: sshd ended with status 255: no hostkeys "
	    "available");
	free(got);
	fakehost_command(f, "sshd -T", 0, "", "");
	assert_int_equal(statecase_proof(f, OPS, NULL, shut, &got), ERR_DENIED);
	assert_string_equal(got,
	    "sshd -T does not say where sshd listens, and until it does no "
	    "rules are loaded: it prints no listenaddress");
	free(got);
	fakehost_remove(f, "/run/sshd");
	fakehost_command(f, "mkdir -m 0755 /run/sshd", 0, "", "");
	fakehost_command(f, "sshd -T", 0, LISTENS, "");
	assert_int_equal(statecase_proof(f, OPS, NULL, shut, &got), ERR_DENIED);
	assert_true(fakehost_has_run(f, "mkdir -m 0755 /run/sshd"));
	free(got);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(who_would_be_shut_out_is_said),
	    T(where_sshd_listens_is_what_counts),
	    T(an_entry_for_another_way_lets_nobody_in),
	    T(a_way_to_where_sshd_is_not_does_not_count),
	    T(a_way_that_is_not_known_is_none),
	    T(a_sshd_that_does_not_answer_proves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/states/host_nft.h"
#include "agent/states/kinds.h"
#include "tests/unit/statecase.h"

#define OPS (&state_iptables)

static const char policy[] =
    "input:\n"
    "  policy: drop\n"
    "  allow:\n"
    "    - {port: 443, proto: tcp}\n"
    "    - {port: 22, proto: tcp, from: [10.0.0.0/8, \"fd00::/8\"]}\n"
    "  block: [203.0.113.0/24]\n"
    "forward: {policy: drop}\n";

/* What a host had before anybody came. */
#define STOCK                                                    \
	"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n"  \
	":OUTPUT ACCEPT [0:0]\n:f2b-sshd - [0:0]\n"              \
	"-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd\n" \
	"-A f2b-sshd -j RETURN\nCOMMIT\n"

/* A kernel: iptables-restore keeps what it is given for iptables-save. */
struct kernel {
	char *saved[2];
	char *loaded[2]; /* the last transaction */
};

/* Lines that begin with prefix go; with once, the first of them alone. */
static void
drop(struct strs *lines, const char *prefix, bool once)
{
	struct strs kept = {0};
	bool gone = false;

	for (size_t i = 0; i < lines->n; i++) {
		const char *l = lines->v[i];

		if (!(once && gone) && strncmp(l, prefix, strlen(prefix)) == 0)
			gone = true;
		else
			assert_int_equal(strs_add(&kept, l), 0);
	}
	strs_clear(lines);
	*lines = kept;
}

static void
drop_chain(struct strs *lines, const char *chain)
{
	char prefix[80];

	(void)snprintf(prefix, sizeof(prefix), ":%s ", chain);
	drop(lines, prefix, false);
	(void)snprintf(prefix, sizeof(prefix), "-A %s ", chain);
	drop(lines, prefix, false);
}

/* One line of a transaction: a chain that is named is emptied, rules are
 * appended, jumps deleted. */
static void
restore_line(struct strs *lines, const char *l)
{
	char word[128];

	if (sscanf(l, ":%63s", word) == 1) {
		drop_chain(lines, word);
		assert_int_equal(strs_add(lines, l), 0);
	} else if (sscanf(l, "-X %63s", word) == 1) {
		drop_chain(lines, word);
	} else if (strncmp(l, "-D ", 3) == 0) {
		(void)snprintf(word, sizeof(word), "-A %s", l + 3);
		drop(lines, word, true);
	} else if (strncmp(l, "-A ", 3) == 0)
		assert_int_equal(strs_add(lines, l), 0);
}

/* What restore --noflush makes of a transaction. */
static void
restore_to(char **saved, const char *text)
{
	struct strs lines = {0};
	struct str out = STR_INIT;
	char *copy = strdup(*saved), *more = strdup(text), *l, *save;

	for (l = strtok_r(copy, "\n", &save); l != NULL;
	     l = strtok_r(NULL, "\n", &save))
		if (strcmp(l, "COMMIT") != 0)
			assert_int_equal(strs_add(&lines, l), 0);
	for (l = strtok_r(more, "\n", &save); l != NULL;
	     l = strtok_r(NULL, "\n", &save))
		restore_line(&lines, l);
	for (size_t i = 0; i < lines.n; i++)
		str_addf(&out, "%s\n", lines.v[i]);
	str_add(&out, "COMMIT\n");
	strs_clear(&lines);
	free(*saved);
	assert_int_equal(str_take(&out, saved), 0);
	free(copy);
	free(more);
}

static void
answer(struct fakehost *f, const char *command, struct slice in,
    struct fakehost_answer *a, void *arg)
{
	struct kernel *k = arg;
	const int six = strstr(command, "ip6tables") != NULL;

	(void)f;
	if (strstr(command, "-save") != NULL) {
		str_add(&a->out, k->saved[six]);
		return;
	}
	if (strncmp(command, "unshare ", 8) == 0)
		return;
	free(k->loaded[six]);
	k->loaded[six] = strndup((const char *)in.p, in.n);
	restore_to(&k->saved[six], k->loaded[six]);
}

static struct kernel kernel;

static int
setup(void **state)
{
	static const char *const programs[] = {"iptables-save",
	    "iptables-restore", "ip6tables-save", "ip6tables-restore",
	    "unshare"};
	struct fakehost *f = fakehost_new();

	kernel.saved[0] = strdup(STOCK);
	kernel.saved[1] = strdup(STOCK);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		fakehost_on(f, programs[i], answer, &kernel);
	fakehost_command(f, "systemctl daemon-reload", 0, "", "");
	fakehost_dir(f, "/run/systemd/system", 0755);
	fakehost_dir(f, "/run/sshd", 0755);
	fakehost_file(f, "/proc/net/if_inet6", 0444, "lo\n");
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	for (int i = 0; i < 2; i++) {
		free(kernel.saved[i]);
		free(kernel.loaded[i]);
		kernel.saved[i] = kernel.loaded[i] = NULL;
	}
	fakehost_free(*state);
	return 0;
}

static void
bad_parameters_are_named_with_their_place(void **state)
{
	static const struct {
		const char *yaml, *want;
	} cases[] = {
	    {"{}\n",
		"1:1: iptables has no chain, expected input, forward or "
		"output, or 'ensure: absent'"},
	    {"input: {allow: [{port: 22}]}\n",
		"1:8: input has no 'policy', expected drop, reject or accept"},
	    {"input: {policy: deny}\n",
		"1:17: 'policy' is 'deny', expected drop, reject or accept"},
	    {"input: {policy: drop, allow: []}\n",
		"1:30: 'allow' is an empty list, expected a list of what is "
		"let through"},
	    {"input: {policy: drop, allow: [{}]}\n",
		"1:31: an entry of 'allow' is empty, expected port, proto, "
		"from, to or interface"},
	    {"input: {policy: drop, allow: [{port: 0}]}\n",
		"1:38: 'port' is '0', expected a port, a range such as "
		"6000-6010, or a list of them"},
	    {"input: {policy: drop, allow: [{port: 9-8}]}\n",
		"1:38: 'port' is '9-8'"},
	    {"input: {policy: drop, allow: [{port: 65536}]}\n",
		"1:38: 'port' is '65536'"},
	    {"input: {policy: drop, allow: [{port: 1, proto: icmp}]}\n",
		"1:31: icmp has no ports, expected tcp, udp or sctp"},
	    {"input: {policy: drop, allow: [{proto: tpc}]}\n",
		"1:39: 'proto' is 'tpc', expected tcp, udp, sctp, icmp, esp "
		"or gre"},
	    {"input: {policy: drop, block: [10.0.0.1/8]}\n",
		"1:31: '10.0.0.1/8' in 'block' is no address or range without "
		"host bits, expected one such as 10.0.0.0/8"},
	    {"input: {policy: drop, allow: [{port: 22, from: []}]}\n",
		"1:48: 'from' is an empty list"},
	    {"input: {policy: drop, allow: [{port: 22, interface: +}]}\n",
		"1:53: 'interface' is '+', expected a name such as eth0"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = statecase_faults(OPS, cases[i].yaml);

		if (strncmp(got, cases[i].want, strlen(cases[i].want)) != 0)
			fail_msg("%s\n got: %s\nwant: %s", cases[i].yaml, got,
			    cases[i].want);
		free(got);
	}
}

static void
has_rules_in_order(const char *text, const char *const *rules, size_t n)
{
	const char *at = text;

	for (size_t i = 0; i < n; i++) {
		const char *found = strstr(at, rules[i]);

		if (found == NULL)
			fail_msg("no '%s' after the ones before it in\n%s",
			    rules[i], text);
		else
			at = found;
	}
}

static void
rules_are_loaded_in_their_order(void **state)
{
	static const char *const v4[] = {":WRIT-INPUT - [0:0]\n",
	    "-A WRIT-INPUT -i lo -j ACCEPT\n",
	    "--ctstate RELATED,ESTABLISHED -j ACCEPT\n",
	    "-A WRIT-INPUT -s 203.0.113.0/24 -j DROP\n",
	    "-A WRIT-INPUT -p tcp -m tcp --dport 443 -j ACCEPT\n",
	    "-A WRIT-INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT\n",
	    "-A WRIT-INPUT -j DROP\n", "-A WRIT-FORWARD -j DROP\n",
	    "-A INPUT -j WRIT-INPUT\n", "-A FORWARD -j WRIT-FORWARD\nCOMMIT\n"};
	static const char *const v6[] = {
	    "-A WRIT-INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 2 -j ACCEPT\n",
	    "--icmpv6-type 135 -m hl --hl-eq 255 -j ACCEPT\n",
	    "-A WRIT-INPUT -s fd00::/8 -p tcp -m tcp --dport 22 -j ACCEPT\n",
	    "-A WRIT-INPUT -j DROP\n"};
	struct fakehost *f = *state;

	statecase_apply(f, OPS, NULL, policy);
	has_rules_in_order(kernel.loaded[0], v4, sizeof(v4) / sizeof(v4[0]));
	has_rules_in_order(kernel.loaded[1], v6, sizeof(v6) / sizeof(v6[0]));
	assert_null(strstr(kernel.loaded[1], "10.0.0.0"));
	assert_null(strstr(kernel.loaded[0], "fd00"));
	/* What was there is there, and is asked first. */
	assert_non_null(strstr(kernel.saved[0],
	    "-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd\n"));
	assert_non_null(strstr(kernel.saved[0], "-A f2b-sshd -j RETURN\n"));
	assert_true(strstr(kernel.saved[0], "-A INPUT -j WRIT-INPUT") >
	    strstr(kernel.saved[0], "-j f2b-sshd"));
	/* The boot loads the same. */
	assert_non_null(fakehost_text(f, "/etc/writ/firewall/rules.v4"));
	assert_true(fakehost_has_run(f, "systemctl daemon-reload"));
	statecase_is(f, OPS, NULL, policy, "ok\n");
}

static void
an_edit_is_undone_whatever_it_is(void **state)
{
	static const char *const edits[] = {
	    "*filter\n-A WRIT-INPUT -j ACCEPT\nCOMMIT\n",
	    "*filter\n:WRIT-INPUT - [0:0]\nCOMMIT\n",
	    "*filter\n-D INPUT -j WRIT-INPUT\nCOMMIT\n",
	    "*filter\n-A INPUT -j WRIT-INPUT\nCOMMIT\n",
	    /* Behind our jump nothing would be asked. */
	    "*filter\n-A INPUT -p udp -j f2b-sshd\nCOMMIT\n",
	    "*filter\n:WRIT-OUTPUT - [0:0]\nCOMMIT\n",
	};
	struct fakehost *f = *state;

	statecase_apply(f, OPS, NULL, policy);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		char *got;

		restore_to(&kernel.saved[0], edits[i]);
		assert_int_equal(statecase_plan(f, OPS, NULL, policy, &got), 0);
		if (strncmp(got, "ok\nlive load 4 ", 15) != 0)
			fail_msg("after\n%s: %s", edits[i], got);
		free(got);
		statecase_apply(f, OPS, NULL, policy);
		statecase_is(f, OPS, NULL, policy, "ok\n");
	}
}

static void
files_that_others_may_write_are_mended(void **state)
{
	static const char *const files[] = {"/etc/writ/firewall/rules.v4",
	    "/etc/writ/firewall/rules.v6",
	    "/etc/systemd/system/writ-firewall.service"};
	struct fakehost *f = *state;

	statecase_apply(f, OPS, NULL, policy);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *text = str_dup(fakehost_text(f, files[i])), want[200];

		assert_non_null(text);
		fakehost_file(f, files[i], 0666, text);
		(void)snprintf(want, sizeof(want),
		    "ok\nfile %s 0644 change %s\n", files[i], files[i]);
		statecase_is(f, OPS, NULL, policy, want);
		fakehost_file(f, files[i], 0644, text);
		free(text);
	}
	statecase_is(f, OPS, NULL, policy, "ok\n");
}

/* Rules of IPv6 that do not load are a failure where there is IPv6 to guard. */
static void
the_boot_fails_where_its_rules_do(void **state)
{
	static const char unit[] = "/etc/systemd/system/writ-firewall.service";
	struct fakehost *f = *state;

	statecase_apply(f, OPS, NULL, policy);
	assert_non_null(strstr(fakehost_text(f, unit),
	    "\nExecStart=/usr/sbin/ip6tables-restore "));
	fakehost_remove(f, "/proc/net/if_inet6");
	statecase_apply(f, OPS, NULL, policy);
	assert_non_null(strstr(fakehost_text(f, unit),
	    "\nExecStart=-/usr/sbin/ip6tables-restore "));
	assert_non_null(strstr(fakehost_text(f, unit),
	    "\nExecStart=/usr/sbin/iptables-restore "));
}

static void
spelling_of_the_kernel_is_no_difference(void **state)
{
	struct fakehost *f = *state;
	char *at;

	statecase_apply(f, OPS, NULL, policy);
	/* -p tcp brings its match along; some versions do not say so. */
	while ((at = strstr(kernel.saved[0], " -m tcp ")) != NULL)
		memmove(at, at + 7, strlen(at + 7) + 1);
	statecase_is(f, OPS, NULL, policy, "ok\n");
}

/* iptables-save does not write an address that is every address: what is loaded
 * must be what comes back. */
static void
every_address_is_said_by_saying_none(void **state)
{
	static const char yaml[] =
	    "input:\n"
	    "  policy: drop\n"
	    "  allow:\n"
	    "    - {port: 443, from: [0.0.0.0/0, \"::/0\"]}\n"
	    "    - {proto: esp, to: 0.0.0.0/0}\n"
	    "output: {policy: accept, block: \"::/0\"}\n";
	static const char *const v4[] = {
	    "-A WRIT-INPUT -p tcp -m tcp --dport 443 -j ACCEPT\n"
	    "-A WRIT-INPUT -p esp -j ACCEPT\n"
	    "-A WRIT-INPUT -j DROP\n"};
	static const char *const v6[] = {
	    "-A WRIT-INPUT -p tcp -m tcp --dport 443 -j ACCEPT\n"
	    "-A WRIT-INPUT -j DROP\n",
	    "-A WRIT-OUTPUT -j DROP\n"};
	struct fakehost *f = *state;

	statecase_apply(f, OPS, NULL, yaml);
	has_rules_in_order(kernel.loaded[0], v4, sizeof(v4) / sizeof(v4[0]));
	has_rules_in_order(kernel.loaded[1], v6, sizeof(v6) / sizeof(v6[0]));
	assert_null(strstr(kernel.loaded[0], "/0"));
	assert_null(strstr(kernel.loaded[0], "-A WRIT-OUTPUT -j DROP"));
	assert_null(strstr(kernel.loaded[1], "/0"));
	assert_null(strstr(kernel.loaded[1], "esp"));
}

static void
foreign_rules_that_accept_first_are_told(void **state)
{
	struct fakehost *f = *state;

	free(kernel.saved[0]);
	kernel.saved[0] = strdup("*filter\n:INPUT ACCEPT [0:0]\n"
				 "-A INPUT -s 192.0.2.0/24 -j ACCEPT\n"
				 "COMMIT\n");
	statecase_apply(f, OPS, NULL, policy);
	statecase_is(f, OPS, NULL, policy,
	    "ok\nproof IPv4: 1 foreign rules accept before ours, the first "
	    "-A INPUT -s 192.0.2.0/24 -j ACCEPT\n");
}

static void
the_agents_way_out_is_always_open(void **state)
{
	static char v4[] = "192.0.2.7:2023", v6[] = "[2001:db8::7]:2024";
	static char *masters_v[] = {v4, v6};
	static const struct strs masters = {.v = masters_v, .n = 2};
	static const struct state_env env = {.master_addresses = &masters};

	statecase_apply(*state, OPS, &env, "output: {policy: reject}\n");
	assert_non_null(strstr(kernel.loaded[0],
	    "-A WRIT-OUTPUT -d 192.0.2.7/32 -p tcp -m tcp --dport 2023 -j "
	    "ACCEPT\n-A WRIT-OUTPUT -j REJECT --reject-with "
	    "icmp-port-unreachable\n"));
	assert_non_null(strstr(kernel.loaded[1],
	    "-A WRIT-OUTPUT -d 2001:db8::7/128 -p tcp -m tcp --dport 2024 -j "
	    "ACCEPT\n-A WRIT-OUTPUT -j REJECT --reject-with "
	    "icmp6-port-unreachable\n"));
	assert_null(strstr(kernel.loaded[0], "2001:db8"));
}

/* A resolver gives the addresses of a name in any order, and some twice. */
static void
the_order_of_masters_is_no_difference(void **state)
{
	static char a[] = "192.0.2.7:2023", b[] = "192.0.2.8:2023";
	static char *one_v[] = {b, a}, *other_v[] = {a, b, a};
	static const struct strs one = {.v = one_v, .n = 2};
	static const struct strs other = {.v = other_v, .n = 3};
	static const struct state_env before = {.master_addresses = &one};
	static const struct state_env after = {.master_addresses = &other};
	static const char yaml[] = "output: {policy: drop}\n";

	statecase_apply(*state, OPS, &before, yaml);
	assert_non_null(strstr(kernel.loaded[0], "-d 192.0.2.8/32"));
	statecase_is(*state, OPS, &after, yaml, "ok\n");
}

static void
undo_puts_back_what_was_ours(void **state)
{
	struct fakehost *f = *state;
	char *before;

	statecase_undo(f, OPS, NULL, policy, NULL);
	assert_string_equal(kernel.saved[0], STOCK);
	statecase_apply(f, OPS, NULL, policy);
	before = strdup(kernel.saved[0]);
	statecase_undo(f, OPS, NULL, "input: {policy: accept}\n", NULL);
	statecase_is(f, OPS, NULL, policy,
	    "ok\nfile /etc/writ/firewall/rules.v4 0644 change "
	    "/etc/writ/firewall/rules.v4\n"
	    "file /etc/writ/firewall/rules.v6 0644 change "
	    "/etc/writ/firewall/rules.v6\n");
	free(before);
}

static void
absence_takes_all_of_it_away(void **state)
{
	struct fakehost *f = *state;

	statecase_apply(f, OPS, NULL, policy);
	statecase_apply(f, OPS, NULL, "ensure: absent\n");
	assert_string_equal(kernel.saved[0], STOCK);
	assert_null(fakehost_text(f, "/etc/writ/firewall/rules.v4"));
	assert_null(fakehost_text(f,
	    "/etc/systemd/system/writ-firewall.service"));
	statecase_is(f, OPS, NULL, "ensure: absent\n", "ok\n");
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
	struct fakehost *f = *state;
	char *got;

	fakehost_command(f, "sshd -T", 255, "", "no hostkeys available\n");
	assert_int_equal(statecase_proof(f, OPS, NULL, policy, &got),
	    ERR_DENIED);
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

static void
what_the_kernel_refuses_is_never_live(void **state)
{
	struct fakehost *f = *state;
	char *got;

	fakehost_command(f, "unshare --net -- iptables-restore --noflush", 2,
	    "", "iptables-restore: line 5 failed\n");
	assert_int_equal(statecase_validate(f, OPS, NULL, policy, &got),
	    ERR_DENIED);
	assert_non_null(strstr(got, "the kernel does not take the rules"));
	free(got);
}

/* Files of the host that is not real, and the generation of a kernel that is: NULL
 * where it has none, or does not tell us. */
static struct host *
host_with_a_kernel(struct fakehost *f)
{
	struct host *h = NULL;
	struct host_nft nft;

	assert_int_equal(host_open_at(host_root(fakehost_host(f)), NULL, NULL,
			     &h, NULL),
	    0);
	if (host_nft_generation(h, &nft, NULL) == 0)
		return h;
	host_close(h);
	return NULL;
}

static char *
signs(struct host *h)
{
	const struct state_env env = {0};
	struct str s = STR_INIT;
	char *text = NULL;

	assert_int_equal(OPS->fingerprint(h, &env, NULL, &s, NULL), 0);
	assert_int_equal(str_take(&s, &text), 0);
	return text;
}

/* The legacy tables have no generation, those of either family. */
static void
where_a_legacy_table_is_nothing_is_known(void **state)
{
	static const char *const tables[] = {
	    "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"};
	struct fakehost *f = *state;
	struct host *h = host_with_a_kernel(f);
	char *got;

	if (h == NULL)
		skip();
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		fakehost_file(f, tables[i], 0440, "");
		got = signs(h);
		assert_string_not_equal(got, "");
		free(got);
		fakehost_file(f, tables[i], 0440, "filter\n");
		got = signs(h);
		assert_string_equal(got, "");
		free(got);
		fakehost_remove(f, tables[i]);
	}
	host_close(h);
}

/* A family that comes later is not guarded yet; an address of it is none. */
static void
a_family_that_comes_later_is_looked_at(void **state)
{
	struct fakehost *f = *state;
	struct host *h = host_with_a_kernel(f);
	char *without, *with, *more;

	if (h == NULL)
		skip();
	fakehost_remove(f, "/proc/net/if_inet6");
	without = signs(h);
	fakehost_file(f, "/proc/net/if_inet6", 0444, "lo\n");
	with = signs(h);
	fakehost_file(f, "/proc/net/if_inet6", 0444, "lo\neth0\n");
	more = signs(h);
	assert_string_not_equal(without, "");
	assert_string_not_equal(without, with);
	assert_string_equal(with, more);
	free(without);
	free(with);
	free(more);
	host_close(h);
}

static void
a_host_without_the_program_says_so(void **state)
{
	struct fakehost *f = fakehost_new();

	(void)state;
	statecase_is(f, OPS, NULL, policy,
	    "impossible [iptables-restore is missing, expected the package "
	    "iptables]\n");
	fakehost_free(f);
}

static void
a_host_that_fails_is_never_taken_for_compliant(void **state)
{
	statecase_faulty_host(*state, OPS, NULL, policy);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bad_parameters_are_named_with_their_place),
	    T(rules_are_loaded_in_their_order),
	    T(an_edit_is_undone_whatever_it_is),
	    T(files_that_others_may_write_are_mended),
	    T(the_boot_fails_where_its_rules_do),
	    T(spelling_of_the_kernel_is_no_difference),
	    T(every_address_is_said_by_saying_none),
	    T(foreign_rules_that_accept_first_are_told),
	    T(the_agents_way_out_is_always_open),
	    T(the_order_of_masters_is_no_difference),
	    T(undo_puts_back_what_was_ours),
	    T(absence_takes_all_of_it_away),
	    T(who_would_be_shut_out_is_said),
	    T(where_sshd_listens_is_what_counts),
	    T(an_entry_for_another_way_lets_nobody_in),
	    T(a_way_to_where_sshd_is_not_does_not_count),
	    T(a_way_that_is_not_known_is_none),
	    T(a_sshd_that_does_not_answer_proves_nothing),
	    T(what_the_kernel_refuses_is_never_live),
	    T(where_a_legacy_table_is_nothing_is_known),
	    T(a_family_that_comes_later_is_looked_at),
	    cmocka_unit_test(a_host_without_the_program_says_so),
	    T(a_host_that_fails_is_never_taken_for_compliant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

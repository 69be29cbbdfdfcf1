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
	    T(what_the_kernel_refuses_is_never_live),
	    T(where_a_legacy_table_is_nothing_is_known),
	    T(a_family_that_comes_later_is_looked_at),
	    cmocka_unit_test(a_host_without_the_program_says_so),
	    T(a_host_that_fails_is_never_taken_for_compliant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* What one host gets: which states, in which order, with what in them. */
#include "agent/fleet/highstate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"
#include "tests/unit/fleetcase.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NOW    INT64_C(1772445600) /* 2026-03-02 */

static struct fleet *
fleet_of(struct policy_files *files, unsigned flags)
{
	struct conf_diags d = {0};
	struct fleet *f = NULL;

	if (fleet_parse(files, flags, &f, &d) != 0)
		fail_msg("%s", d.n > 0 ? d.v[0].text : "no words");
	conf_diags_clear(&d);
	policy_files_clear(files);
	return f;
}

static struct fleet *
fleet_of_text(const char *text)
{
	struct policy_files files = {0};

	fleetcase_split(text, &files);
	return fleet_of(&files, 0);
}

/* A Debian host of that id, at NOW: the highstate or what was said, described.
 * The caller frees. */
static char *
described(const struct fleet *f, const char *id, int64_t now)
{
	struct strs roles = {0};
	struct grains g = {0};
	const struct fleet_host host = {
	    .id = id, .roles = &roles, .grains = &g, .now = now};
	struct highstate *h = NULL;
	struct conf_diags d = {0};
	struct str s = STR_INIT;
	char *out;
	int r;

	assert_int_equal(fleet_roles(f, id, &roles), 0);
	assert_int_equal(grains_set(&g, "os", "debian"), 0);
	assert_int_equal(grains_set(&g, "arch", "x86_64"), 0);
	r = highstate_compile(f, &host, &h, &d);
	assert_int_equal(r == 0, h != NULL);
	assert_int_equal(r == 0, d.n_errors == 0);
	if (r == 0)
		assert_int_equal(highstate_describe(h, &s), 0);
	for (size_t i = 0; i < d.n; i++)
		str_addf(&s, "%s\n", d.v[i].text);
	assert_int_equal(str_take(&s, &out), 0);
	highstate_free(h);
	conf_diags_clear(&d);
	grains_clear(&g);
	strs_clear(&roles);
	return out;
}

static void
expect(const char *name, const struct fleet *f, const char *id,
    const char *want)
{
	char *got = described(f, id, NOW);

	if (strcmp(got, want) != 0)
		fail_msg("%s: got\n%s\nwanted\n%s", name, got, want);
	free(got);
}

/* --- the contract --------------------------------------------------------- */

static void
the_contract_becomes_what_it_says(void **state)
{
	struct policy_files files = {0};
	struct fleet *f;

	(void)state;
	fleetcase_contract(&files);
	f = fleet_of(&files, 0);
	expect("web", f, "web-1.example.com",
	    "openssh:  # states/ssh.yaml:1\n"
	    "  pkg:\n"
	    "    present: [openssh-server]\n"
	    "\n"
	    "sshd-baseline:  # states/ssh.yaml:5\n"
	    "  sshd_config:\n"
	    "    settings:\n"
	    "      Port: 22\n"
	    "      PermitRootLogin: no\n"
	    "      PasswordAuthentication: no\n"
	    "      KbdInteractiveAuthentication: no\n"
	    "      MaxAuthTries: 4\n"
	    "    match:\n"
	    "      -\n"
	    "        when:\n"
	    "          Group: sftponly\n"
	    "        settings:\n"
	    "          ForceCommand: internal-sftp\n"
	    "          AllowTcpForwarding: no\n"
	    "  require: [openssh]\n"
	    "\n"
	    "trust:  # states/ssh.yaml:20\n"
	    "  ssh_ca:\n"
	    "    accounts:\n"
	    "      deploy: [deploy, deploy@web-1.example.com]\n"
	    "      breakglass: [breakglass]\n"
	    "  require: [openssh]\n"
	    "\n"
	    "no-fork-bombs:  # states/limits.yaml:1\n"
	    "  pam_limits:\n"
	    "    limits:\n"
	    "      -\n"
	    "        domain: @users\n"
	    "        type: hard\n"
	    "        item: nproc\n"
	    "        value: 200\n"
	    "      -\n"
	    "        domain: webapp\n"
	    "        type: hard\n"
	    "        item: nproc\n"
	    "        value: 20\n"
	    "\n"
	    "no-exec:  # states/limits.yaml:7\n"
	    "  fstab:\n"
	    "    mounts:\n"
	    "      /tmp:\n"
	    "        options: [noexec, nosuid, nodev]\n"
	    "      /home:\n"
	    "        options: [nosuid, nodev]\n"
	    "\n"
	    "firewall:  # states/firewall-web.yaml:1\n"
	    "  iptables:\n"
	    "    input:\n"
	    "      policy: drop\n"
	    "      allow:\n"
	    "        -\n"
	    "          port: 443\n"
	    "          proto: tcp\n"
	    "        -\n"
	    "          port: 22\n"
	    "          proto: tcp\n"
	    "          from: [10.0.0.0/8]\n"
	    "      block: [203.0.113.0/24]\n"
	    "    forward:\n"
	    "      policy: drop\n"
	    "\n"
	    "fail2ban:  # states/fail2ban.yaml:1\n"
	    "  pkg:\n"
	    "    present: [fail2ban]\n"
	    "\n"
	    "ssh-jail:  # states/fail2ban.yaml:4\n"
	    "  fail2ban:\n"
	    "    jails:\n"
	    "      sshd:\n"
	    "        enabled: yes\n"
	    "        backend: systemd\n"
	    "        maxretry: 4\n"
	    "        findtime: 10m\n"
	    "        bantime: 1h\n"
	    "    ignore: [10.0.0.0/8]\n"
	    "  require: [fail2ban]\n");
	fleet_free(f);
}

/* --- pieces --------------------------------------------------------------- */

#define TOP                                                           \
	"==> fleet.yaml\nroles: {web: ['web-*'], build: [ci]}\n"      \
	"==> top.yaml\nstates: [{match: '*', apply: [a]}]\n"          \
	"pillar:\n  - {match: '*', use: [p]}\n"                       \
	"  - {match: \"role == 'web'\", use: [q]}\n"                  \
	"==> pillar/p.yaml\n"                                         \
	"port: 22\nempty: ''\nnets: [10.0.0.0/8, 192.168.0.0/16]\n"   \
	"tree: {a: {b: c}, k: 1}\nlike: ${pillar.port}\n"             \
	"all: \"${pillar.tree}\"\nme: \"x-${host.id}-${grain.os}\"\n" \
	"loop: \"${pillar.pool}\"\npool: [\"${pillar.loop}\"]\n"      \
	"self: \"a ${pillar.self} b\"\nbad: \"${pillar.none}\"\n"     \
	"==> pillar/q.yaml\nport: 2222\ntree: {a: {d: e}, k: [2]}\n"
#define A "==> states/a.yaml\n"

/* Of the host db-1, unless the id is said. */
static const struct {
	const char *name, *states, *id, *want;
} cases[] = {
    {"no ${...}", "x: {k: {a: '$', b: '{x}', c: $d}}", "db-1",
	"x:  # states/a.yaml:1\n  k:\n    a: \"$\"\n    b: \"{x}\"\n    c: "
	"\"$d\"\n"},
    {"a value in the place of a text", "x:\n  k:\n    a: ${pillar.port}",
	"db-1", "x:  # states/a.yaml:1\n  k:\n    a: 22\n"},
    {"quoted or not", "x: {k: [\"${pillar.nets}\", '${pillar.port}']}", "db-1",
	"x:  # states/a.yaml:1\n  k:\n    - [10.0.0.0/8, 192.168.0.0/16]\n    "
	"- 22\n"},
    {"all parameters", "x: {k: \"${pillar.tree}\"}", "db-1",
	"x:  # states/a.yaml:1\n  k:\n    a:\n      b: c\n    k: 1\n"},
    {"a text within a text",
	"x: {k: {a: \"p${pillar.port}q${grain.arch}${host.id}\"}}", "db-1",
	"x:  # states/a.yaml:1\n  k:\n    a: p22qx86_64db-1\n"},
    {"nothing within a text", "x: {k: {a: \"<${pillar.empty}>\"}}", "db-1",
	"x:  # states/a.yaml:1\n  k:\n    a: \"<>\"\n"},
    {"the sign itself", "x: {k: {a: \"$${x}\", b: \"c $${pillar.port}\"}}",
	"db-1",
	"x:  # states/a.yaml:1\n  k:\n    a: \"${x}\"\n    b: \"c "
	"${pillar.port}\"\n"},
    {"pillar of pillar",
	"x: {k: {a: \"${pillar.like}\", b: "
	"\"${pillar.all.a.b}\", c: \"${pillar.me}\"}}",
	"db-1",
	"x:  # states/a.yaml:1\n  k:\n    a: 22\n    b: c\n    c: "
	"x-db-1-debian\n"},
    {"pillar by role, key by key",
	"x: {k: {p: \"${pillar.port}\", t: \"${pillar.tree}\"}}", "web-1",
	"x:  # states/a.yaml:1\n  k:\n    p: 2222\n    t:\n      a:\n        "
	"b: c\n        d: e\n      k: [2]\n"},
    {"when, of a role", "x: {k: {}, when: \"role == 'web'\"}\ny: {k: {}}",
	"db-1",
	"x:  # states/a.yaml:1\n  # not here: when role == 'web'\n  k:\n\n"
	"y:  # states/a.yaml:2\n  k: {}\n"},
    {"when, and what would not be there",
	"x: {k: \"${pillar.none}\", when: \"os != 'debian'\"}", "db-1",
	"x:  # states/a.yaml:1\n  # not here: when os != 'debian'\n  k:\n"},
    {"requisites before, else the file's order",
	"c: {k: {}, require: [a]}\nb: {k: {}}\na: {k: {}, watch: [d]}\n"
	"d: {k: {}, onchanges: [e]}\ne: {k: {}}",
	"db-1",
	"e:  # states/a.yaml:5\n  k: {}\n\n"
	"d:  # states/a.yaml:4\n  k: {}\n  onchanges: [e]\n\n"
	"a:  # states/a.yaml:3\n  k: {}\n  watch: [d]\n\n"
	"c:  # states/a.yaml:1\n  k: {}\n  require: [a]\n\n"
	"b:  # states/a.yaml:2\n  k: {}\n"},
    {"an include, before and once",
	"include: [b, c]\nx: {k: {}}\n==> states/b.yaml\ninclude: [c]\n"
	"y: {k: {}}\n==> states/c.yaml\nz: {k: {}}",
	"db-1",
	"z:  # states/c.yaml:1\n  k: {}\n\ny:  # states/b.yaml:2\n  k: {}\n\n"
	"x:  # states/a.yaml:2\n  k: {}\n"},
    {"an exception in force",
	"x: {k: {}, exceptions: [{match: ci, reason: r, owner: o, expires: "
	"2026-03-02}]}",
	"ci",
	"x:  # states/a.yaml:1\n  # spared until 2026-03-02 by o: r\n  k: "
	"{}\n"},
    {"an exception for others",
	"x: {k: {}, exceptions: [{match: ci, reason: r, owner: o, expires: "
	"2026-03-02}]}",
	"db-1", "x:  # states/a.yaml:1\n  k: {}\n"},
    {"an exception that is over",
	"x: {k: {}, exceptions: [{match: ci, reason: r, owner: o, expires: "
	"2026-03-01}]}",
	"ci", "x:  # states/a.yaml:1\n  k: {}\n"},
    /* Faults. */
    {"an unknown name of pillar", "x: {k: {a: \"b ${pillar.prt}\"}}", "db-1",
	"states/a.yaml:1:15: there is no 'pillar.prt', expected a name of the "
	"pillar that this host gets\n"},
    {"a name below a text", "x: {k: {a: \"${pillar.port.x}\"}}", "db-1",
	"states/a.yaml:1:13: there is no 'pillar.port.x', expected a name of "
	"the pillar that this host gets\n"},
    {"an empty part", "x: {k: {a: \"${pillar.tree..b}\"}}", "db-1",
	"states/a.yaml:1:13: there is no 'pillar.tree..b', expected a name of "
	"the pillar that this host gets\n"},
    {"pillar alone", "x: {k: {a: \"${pillar}\"}}", "db-1",
	"states/a.yaml:1:13: there is no 'pillar', expected ${pillar.NAME}, "
	"${grain.NAME} or ${host.id}\n"},
    {"an unknown name in pillar", "x: {k: {a: \"${pillar.bad}\"}}", "db-1",
	"pillar/p.yaml:11:7: there is no 'pillar.none', expected a name of the "
	"pillar that this host gets\n"},
    {"a grain that the host has not", "x: {k: {a: \"${grain.cpus}\"}}", "db-1",
	"states/a.yaml:1:13: there is no 'grain.cpus', expected a grain of the "
	"host\n"},
    {"a grain that does not exist", "x: {k: {a: \"${grain.osx}\"}}", "db-1",
	"states/a.yaml:1:13: there is no 'grain.osx', expected a grain of the "
	"host\n"},
    {"another thing of the host", "x: {k: {a: \"${host.name}\"}}", "db-1",
	"states/a.yaml:1:13: there is no 'host.name', expected ${pillar.NAME}, "
	"${grain.NAME} or ${host.id}\n"},
    {"no end", "x: {k: {a: \"b ${pillar.port c\"}}", "db-1",
	"states/a.yaml:1:15: '${pillar.port ', expected a name and '}' after "
	"'${' (and '$${' for a '${' itself)\n"},
    {"no name", "x: {k: {a: \"${}\"}}", "db-1",
	"states/a.yaml:1:13: '${}', expected a name and '}' after '${' (and "
	"'$${' for a '${' itself)\n"},
    {"a key", "x: {k: {\"${host.id}\": b}}", "db-1",
	"states/a.yaml:1:9: a key with ${...}, expected it in values alone\n"},
    {"a list within a text", "x: {k: {a: \"b ${pillar.nets}\"}}", "db-1",
	"states/a.yaml:1:15: 'pillar.nets' is a list, expected text within a "
	"text\n"},
    {"a cycle", "x: {k: {a: \"${pillar.loop}\"}}", "db-1",
	"pillar/p.yaml:9:9: pillar cycle: pillar.loop -> pillar.pool -> "
	"pillar.loop, expected a value\n"},
    {"a value that holds itself", "x: {k: {a: \"${pillar.self}\"}}", "db-1",
	"pillar/p.yaml:10:10: pillar cycle: pillar.self -> pillar.self, "
	"expected a value\n"},
    {"a state twice on one host",
	"include: [b]\nx: {k: {}}\n==> states/b.yaml\nx: {k: {}}", "db-1",
	"states/a.yaml:2:1: state 'x' is there twice, expected one of an id on "
	"a host (states/b.yaml:1:1 has it)\n"},
    {"a requisite of others",
	"x: {k: {}, require: [y]}\n==> states/b.yaml\ny: {k: {}}", "db-1",
	"states/a.yaml:1:22: 'y' is not among the states of this host, "
	"expected it wherever 'x' is (or an include)\n"},
    {"all at once",
	"x: {k: {a: \"${pillar.a}\", b: \"${grain.b}\"}, require: [y]}\n"
	"==> states/b.yaml\ny: {k: {}}",
	"db-1",
	"states/a.yaml:1:55: 'y' is not among the states of this host, "
	"expected it wherever 'x' is (or an include)\n"
	"states/a.yaml:1:13: there is no 'pillar.a', expected a name of the "
	"pillar that this host gets\n"
	"states/a.yaml:1:31: there is no 'grain.b', expected a grain of the "
	"host\n"},
};

static void
a_host_gets_what_is_said_for_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct str s = STR_INIT;
		struct fleet *f;

		str_addf(&s, TOP A "%s\n", cases[i].states);
		f = fleet_of_text(s.p);
		expect(cases[i].name, f, cases[i].id, cases[i].want);
		fleet_free(f);
		str_clear(&s);
	}
}

/* Where an id is there twice, only the highstate of a host can tell. */
static void
a_cycle_of_one_host_is_named(void **state)
{
	struct fleet *f =
	    fleet_of_text("==> fleet.yaml\n{}\n==> top.yaml\nstates:\n"
			  "  - {match: '*', apply: [a]}\n"
			  "  - {match: 'one', apply: [b]}\n"
			  "  - {match: 'two', apply: [c]}\n"
			  "==> states/a.yaml\nx: {k: {}, require: [y]}\n"
			  "==> states/b.yaml\ny: {k: {}}\n"
			  "==> states/c.yaml\ny: {k: {}, watch: [x]}\n");

	(void)state;
	expect("without", f, "one",
	    "y:  # states/b.yaml:1\n  k: {}\n\n"
	    "x:  # states/a.yaml:1\n  k: {}\n  require: [y]\n");
	expect("with", f, "two",
	    "states/c.yaml:1:20: requisite cycle: x -> y -> x, expected an "
	    "order\n");
	fleet_free(f);
}

static void
what_is_not_here_is_named_when_it_is_used(void **state)
{
	struct policy_files files = {0};
	struct fleet *f;

	(void)state;
	fleetcase_split("==> fleet.yaml\n{}\n==> top.yaml\n"
			"states: [{match: '*', apply: [a]}]\n"
			"pillar: [{match: '*', use: [p]}]\n" A
			"x: {k: {a: \"${pillar.b}\"}}\ny: {k: {}}\n",
	    &files);
	f = fleet_of(&files, FLEET_SOME_PILLAR);
	expect("missing", f, "db-1",
	    "states/a.yaml:1:13: there is no 'pillar.b', expected a name of "
	    "the pillar (the file pillar/p.yaml is not here)\n");
	fleet_free(f);
}

/* --- limits --------------------------------------------------------------- */

/* Each value of pillar is the next one n times; the last is `last`. */
static struct fleet *
growing(unsigned levels, unsigned times, const char *last, bool list)
{
	struct str s = STR_INIT;
	struct fleet *f;

	str_add(&s,
	    "==> fleet.yaml\n{}\n==> top.yaml\n"
	    "states: [{match: '*', apply: [a]}]\n"
	    "pillar: [{match: '*', use: [p]}]\n" A
	    "x: {k: \"${pillar.l0}\"}\n==> pillar/p.yaml\n");
	for (unsigned i = 0; i < levels; i++) {
		str_addf(&s, "l%u: %s", i, list ? "[" : "\"");
		for (unsigned j = 0; j < times; j++)
			str_addf(&s,
			    list ? "%s\"${pillar.l%u}\"" : "%s${pillar.l%u}",
			    list && j > 0 ? ", " : "", i + 1);
		str_add(&s, list ? "]\n" : "\"\n");
	}
	str_addf(&s, "l%u: \"%s\"\n", levels, last);
	f = fleet_of_text(s.p);
	str_clear(&s);
	return f;
}

static void
expect_begin(const struct fleet *f, const char *want)
{
	char *got = described(f, "db-1", NOW);

	if (strstr(got, want) == NULL)
		fail_msg("got %.300s\nwanted %s", got, want);
	free(got);
}

static void
nothing_grows_without_end(void **state)
{
	static const struct {
		unsigned levels, times;
		const char *last;
		bool list;
		const char *want;
	} table[] = {
	    {PILLAR_DEPTH_MAX - 1, 1, "deep", false, "k: deep\n"},
	    {PILLAR_DEPTH_MAX, 1, "deep", false,
		"${...} leads to ${...} too often, expected at most 32 times"},
	    {16, 2, "x", false, "xxxxxxxx"},
	    {17, 2, "x", false, "text is too long with its ${...} put in"},
	    /* 2^30 times nothing. */
	    {30, 2, "", false, "too many values in one highstate"},
	    {30, 2, "x", true, "too many values in one highstate"},
	    {HIGHSTATE_DEPTH_MAX - 1, 1, "x", true, "[x]\n"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		struct fleet *f = growing(table[i].levels, table[i].times,
		    table[i].last, table[i].list);

		expect_begin(f, table[i].want);
		fleet_free(f);
	}
}

static void
a_tree_is_not_deeper_than_is_said(void **state)
{
	/* 12 lists in each value, three values in each other. */
	struct fleet *f =
	    fleet_of_text("==> fleet.yaml\n{}\n==> top.yaml\n"
			  "states: [{match: '*', apply: [a]}]\n"
			  "pillar: [{match: '*', use: [p]}]\n" A
			  "x: {k: \"${pillar.a}\"}\n==> pillar/p.yaml\n"
			  "a: [[[[[[[[[[[[\"${pillar.b}\"]]]]]]]]]]]]\n"
			  "b: [[[[[[[[[[[[\"${pillar.c}\"]]]]]]]]]]]]\n"
			  "c: [[[[[[[[[[[[x]]]]]]]]]]]]\n");

	(void)state;
	expect_begin(f,
	    "nested too deeply with ${...} put in, expected at "
	    "most 32");
	fleet_free(f);
}

/* --- memory --------------------------------------------------------------- */

static int
compile(void *arg)
{
	const struct fleet *f = arg;
	struct strs roles = {0};
	struct grains g = {0};
	const struct fleet_host host = {
	    .id = "web-1.example.com", .roles = &roles, .grains = &g};
	struct highstate *h = NULL;
	struct conf_diags d = {0};
	struct str s = STR_INIT;
	int r;

	r = grains_set(&g, "os", "debian");
	if (r == 0)
		r = fleet_roles(f, host.id, &roles);
	if (r == 0)
		r = highstate_compile(f, &host, &h, &d);
	if (r == 0)
		r = highstate_describe(h, &s);
	highstate_free(h);
	conf_diags_clear(&d);
	strs_clear(&roles);
	grains_clear(&g);
	str_clear(&s);
	return r;
}

static void
without_memory_it_says_so(void **state)
{
	struct policy_files files = {0};
	struct fleet *f;

	(void)state;
	fleetcase_contract(&files);
	f = fleet_of(&files, 0);
	assert_true(alloc_each(compile, f) > 50);
	fleet_free(f);
}

/* --- grains --------------------------------------------------------------- */

static void
grains_are_sorted_and_bounded(void **state)
{
	struct grains g = {0};
	char name[300];

	(void)state;
	assert_int_equal(grains_set(&g, "os", "debian"), 0);
	assert_int_equal(grains_set(&g, "arch", "x86_64"), 0);
	assert_int_equal(grains_set(&g, "os", "ubuntu"), 0);
	assert_int_equal(g.n, 2);
	assert_string_equal(g.v[0].name, "arch");
	assert_string_equal(grains_get(&g, "os"), "ubuntu");
	assert_null(grains_get(&g, "cpus"));
	memset(name, 'a', sizeof(name));
	name[GRAIN_NAME_MAX] = '\0';
	assert_int_equal(grains_set(&g, name, "x"), 0);
	name[GRAIN_NAME_MAX] = 'a';
	name[GRAIN_NAME_MAX + 1] = '\0';
	assert_int_equal(grains_set(&g, name, "x"), ERR_LIMIT);
	name[GRAIN_NAME_MAX + 1] = 'a';
	name[GRAIN_MAX + 1] = '\0';
	assert_int_equal(grains_set(&g, "os", name), ERR_LIMIT);
	assert_string_equal(grains_get(&g, "os"), "ubuntu");
	name[GRAIN_MAX] = '\0';
	assert_int_equal(grains_set(&g, "os", name), 0);
	for (size_t i = g.n; i < GRAINS_MAX; i++) {
		struct str s = STR_INIT;

		str_addf(&s, "g%zu", i);
		assert_int_equal(grains_set(&g, s.p, "x"), 0);
		str_clear(&s);
	}
	assert_int_equal(grains_set(&g, "zz", "x"), ERR_LIMIT);
	grains_clear(&g);
	for (size_t i = 0; i < grain_kinds_n; i++) {
		assert_ptr_equal(grain_kind(grain_kinds[i].name),
		    &grain_kinds[i]);
		if (i > 0)
			assert_true(strcmp(grain_kinds[i - 1].name,
					grain_kinds[i].name) < 0);
	}
	assert_null(grain_kind("nope"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_contract_becomes_what_it_says),
	    cmocka_unit_test(a_host_gets_what_is_said_for_it),
	    cmocka_unit_test(a_cycle_of_one_host_is_named),
	    cmocka_unit_test(what_is_not_here_is_named_when_it_is_used),
	    cmocka_unit_test(nothing_grows_without_end),
	    cmocka_unit_test(a_tree_is_not_deeper_than_is_said),
	    cmocka_unit_test(without_memory_it_says_so),
	    cmocka_unit_test(grains_are_sorted_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

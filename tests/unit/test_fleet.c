/* SPDX-License-Identifier: ISC */
/* The language of the fleet: what its files mean, and what is wrong in them. */
#include "agent/fleet/fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"
#include "tests/unit/fleetcase.h"
#include "tests/unit/mutate.h"

/* --- the contract --------------------------------------------------------- */

static void
the_contract_is_read(void **state)
{
	struct policy_files files = {0};
	struct conf_diags d = {0};
	struct strs names = {0};
	struct fleet *f = NULL;
	const struct fleet_file *file;

	(void)state;
	fleetcase_contract(&files);
	if (fleet_parse(&files, 0, &f, &d) != 0 || d.n > 0)
		fail_msg("%s", d.n > 0 ? d.v[0].text : "no words");
	assert_int_equal(f->n_masters, 1);
	assert_string_equal(f->masters[0].address, "master.example.com:2023");
	assert_string_equal(f->masters[0].key, "master_1");
	assert_int_equal(f->interval, 1800);
	assert_int_equal(f->splay, 600);
	assert_int_equal(f->confirm_within, 60);
	assert_int_equal(f->on_drift, FLEET_REPAIR);
	assert_int_equal(f->n_roles, 2);
	assert_int_equal(f->n_states, 2);
	assert_int_equal(f->n_pillar, 1);
	assert_int_equal(f->n_files, 4);
	assert_int_equal(fleet_roles(f, "web-9.example.com", &names), 0);
	assert_int_equal(names.n, 1);
	assert_string_equal(names.v[0], "web");
	strs_clear(&names);
	assert_int_equal(fleet_roles(f, "ci-2.example.com", &names), 0);
	assert_int_equal(names.n, 0);
	assert_int_equal(fleet_pillar_files(f, "x", &names, &names), 0);
	assert_int_equal(names.n, 1);
	assert_non_null(fleet_pillar(f, names.v[0]));
	strs_clear(&names);

	file = fleet_file(f, "ssh");
	assert_non_null(file);
	assert_null(fleet_file(f, "sshd"));
	assert_int_equal(file->n_states, 3);
	assert_string_equal(file->states[1].id, "sshd-baseline");
	assert_string_equal(file->states[1].kind, "sshd_config");
	assert_string_equal(file->states[1].require.v[0], "openssh");
	assert_string_equal(file->states[1].cis.v[0], "5.1.20");
	assert_string_equal(file->states[1].why,
	    "passwords are guessed, certificates expire");
	assert_string_equal(file->states[1].pos.file, "states/ssh.yaml");
	assert_int_equal(file->states[1].pos.line, 5);
	file = fleet_file(f, "limits");
	assert_int_equal(file->states[1].n_exceptions, 1);
	assert_string_equal(file->states[1].exceptions[0].owner,
	    "petra@example.com");
	/* The end of 2027-01-31. */
	assert_int_equal(file->states[1].exceptions[0].expires,
	    INT64_C(1801439999));
	fleet_free(f);
	policy_files_clear(&files);
	conf_diags_clear(&d);
}

/* --- faults --------------------------------------------------------------- */

#define FLEET "==> fleet.yaml\nroles: {web: ['web-*'], build: [ci]}\n"
#define TOP   "==> top.yaml\nstates: [{match: '*', apply: [a]}]\n"
#define GOOD  FLEET TOP
#define A     "==> states/a.yaml\n"

/* What is said first; want NULL: it is right. */
static const struct {
	const char *name, *files, *want;
} cases[] = {
    {"the least", "==> fleet.yaml\n{}\n==> top.yaml\nstates: []\n", NULL},
    {"a state of two lines", GOOD A "x: {pkg: {}}\n", NULL},
    /* Files. */
    {"no fleet.yaml", TOP A "x: {pkg: {}}\n",
	"fleet.yaml: no such file, expected one in every fleet"},
    {"no top.yaml", FLEET A "x: {pkg: {}}\n",
	"top.yaml: no such file, expected one in every fleet"},
    {"a file of another name", GOOD A "x: {pkg: {}}\n==> states/B.yaml\n{}\n",
	"'states/B.yaml' is not a file of a fleet, expected fleet.yaml, "
	"top.yaml, states/NAME.yaml, pillar/NAME.yaml, NAME being 1 to 64 of "
	"a-z 0-9 . _ -"},
    {"a file in a place of its own", GOOD A "x: {pkg: {}}\n==> x.yaml\n{}\n",
	"'x.yaml' is not a file of a fleet, expected fleet.yaml, top.yaml, "
	"states/NAME.yaml, pillar/NAME.yaml, NAME being 1 to 64 of a-z 0-9 . _ "
	"-"},
    {"a path that leads out", GOOD A "x: {pkg: {}}\n==> states/../b.yaml\n{}\n",
	"'states/../b.yaml' is not a file of a fleet, expected fleet.yaml, "
	"top.yaml, states/NAME.yaml, pillar/NAME.yaml, NAME being 1 to 64 of "
	"a-z 0-9 . _ -"},
    {"an empty fleet.yaml", "==> fleet.yaml\n" TOP A "x: {pkg: {}}\n",
	"fleet.yaml: fleet.yaml is empty, expected a mapping"},
    {"a file of comments", GOOD A "# x\n",
	"states/a.yaml: a file of states that is empty, expected a mapping of "
	"ids to states"},
    {"a file that is a list", GOOD A "[x]\n",
	"states/a.yaml:1:1: a file of states that is a list, expected a "
	"mapping of ids to states"},
    {"no YAML", GOOD A "x: [\n",
	"states/a.yaml:2:1: not YAML: did not find expected node content while "
	"parsing a flow node"},
    /* fleet.yaml. */
    {"an unknown key", "==> fleet.yaml\nmaster: x\n" TOP A "x: {pkg: {}}\n",
	"fleet.yaml:1:1: unknown key 'master', expected one of masters, hosts, "
	"roles"},
    {"no masters", "==> fleet.yaml\nmasters: []\n" TOP A "x: {pkg: {}}\n",
	"fleet.yaml:1:10: 'masters' is an empty list, expected a list of "
	"{address, key}"},
    {"a master without a key",
	"==> fleet.yaml\nmasters: [{address: m}]\n" TOP A "x: {pkg: {}}\n",
	"fleet.yaml:1:11: a master has no 'key', expected a name of "
	"authorities/NAME.pub"},
    {"an address that is none",
	"==> fleet.yaml\nmasters: [{address: 'm:99999', key: k}]\n" TOP A
	"x: {pkg: {}}\n",
	"fleet.yaml:1:21: 'address' is 'm:99999', expected HOST:PORT such as "
	"\"master.example.com:2023\""},
    {"an address with a user",
	"==> fleet.yaml\nmasters: [{address: 'u@m', key: k}]\n" TOP A
	"x: {pkg: {}}\n",
	"fleet.yaml:1:21: 'address' is 'u@m', expected HOST:PORT such as "
	"\"master.example.com:2023\""},
    {"a master twice",
	"==> fleet.yaml\nmasters: [{address: m, key: k}, {address: 'm:2023', "
	"key: l}]\n" TOP A "x: {pkg: {}}\n",
	"fleet.yaml:1:33: master 'm:2023' is there twice, expected once"},
    {"a span that is none",
	"==> fleet.yaml\nhosts: {interval: 30}\n" TOP A "x: {pkg: {}}\n",
	"fleet.yaml:1:19: 'interval' is '30', expected a span of 1m to 7d"},
    {"a span that is too short",
	"==> fleet.yaml\nhosts: {confirm_within: 9s}\n" TOP A "x: {pkg: {}}\n",
	"fleet.yaml:1:25: 'confirm_within' is '9s', expected a span of 10s to "
	"1h"},
    {"a splay that is longer",
	"==> fleet.yaml\nhosts: {interval: 5m}\n" TOP A "x: {pkg: {}}\n",
	"fleet.yaml:1:8: 'splay' is longer than 'interval', expected at most "
	"that"},
    {"drift that is neither",
	"==> fleet.yaml\nhosts: {on_drift: 'yes'}\n" TOP A "x: {pkg: {}}\n",
	"fleet.yaml:1:19: 'on_drift' is 'yes', expected repair or report"},
    {"a role of nobody",
	"==> fleet.yaml\nroles: {web: []}\n" TOP A "x: {pkg: {}}\n",
	"fleet.yaml:1:14: 'roles' is an empty list, expected a list of host "
	"ids, or globs over ids"},
    {"a role with a bad name",
	"==> fleet.yaml\nroles: {Web: [x]}\n" TOP A "x: {pkg: {}}\n",
	"fleet.yaml:1:9: 'Web' is not a name of a role, expected 1 to 64 of "
	"a-z 0-9 . _ - that start with a letter or digit"},
    {"a host that is none",
	"==> fleet.yaml\nroles: {web: [X]}\n" TOP A "x: {pkg: {}}\n",
	"fleet.yaml:1:15: 'X' is no host id and no glob over ids, expected 1 "
	"to 100 of [a-z0-9._@+-] and * ?"},
    /* top.yaml. */
    {"top without states", FLEET "==> top.yaml\npillar: []\n",
	"top.yaml: top.yaml has no 'states', expected a list of {match, "
	"apply}"},
    {"a file that is not there",
	FLEET "==> top.yaml\nstates: [{match: '*', apply: [b]}]\n" A
	      "x: {pkg: {}}\n",
	"top.yaml:1:31: there is no states/b.yaml, expected the name of a file "
	"there"},
    {"nothing to apply",
	FLEET "==> top.yaml\nstates: [{match: '*', apply: "
	      "[]}]\n",
	"top.yaml:1:30: 'apply' is an empty list, expected a list of files "
	"below states/"},
    {"a file twice",
	FLEET "==> top.yaml\nstates: [{match: '*', apply: [a, "
	      "a]}]\n" A "x: {pkg: {}}\n",
	"top.yaml:1:34: 'a' is in 'apply' twice, expected once"},
    {"an entry without match",
	FLEET "==> top.yaml\nstates: [{apply: [a]}]\n" A "x: {pkg: {}}\n",
	"top.yaml:1:10: an entry has no 'match', expected an expression such "
	"as \"*\""},
    {"a match that is broken",
	FLEET "==> top.yaml\nstates: [{match: \"role = 'web'\", apply: "
	      "[a]}]\n" A "x: {pkg: {}}\n",
	"top.yaml:1:24: '=', expected id, role or a grain, then == != =~ or "
	"in, and values in quotes"},
    {"an unknown role",
	FLEET "==> top.yaml\nstates: [{match: \"role == 'dbb'\", apply: "
	      "[a]}]\n" A "x: {pkg: {}}\n",
	"top.yaml:1:18: there is no role 'dbb', expected one that fleet.yaml "
	"gives"},
    {"an unknown grain",
	FLEET "==> top.yaml\nstates: [{match: \"osx == 'dbb'\", apply: "
	      "[a]}]\n" A "x: {pkg: {}}\n",
	"top.yaml:1:18: there is no grain 'osx', expected one of id, role, "
	"arch, cpus, hostname, init, kernel, memory_mb, openssh, os, "
	"os_codename, os_version, virtual"},
    {"pillar by a grain",
	FLEET "==> top.yaml\nstates: []\npillar: [{match: \"os == 'debian'\", "
	      "use: [p]}]\n==> pillar/p.yaml\na: b\n",
	"top.yaml:2:18: pillar is matched by what a host says of itself, "
	"expected id and role alone"},
    {"pillar by id and role",
	FLEET "==> top.yaml\nstates: []\npillar: [{match: \"role == 'web' or "
	      "id =~ 'x*'\", use: [p]}]\n==> pillar/p.yaml\na: b\n",
	NULL},
    {"pillar that is not there",
	FLEET "==> top.yaml\nstates: []\npillar: [{match: '*', use: [p]}]\n",
	"top.yaml:2:29: there is no pillar/p.yaml, expected the name of a file "
	"there"},
    {"pillar that is a list", GOOD A "x: {pkg: {}}\n==> pillar/p.yaml\n[a]\n",
	"pillar/p.yaml:1:1: a file of pillar that is a list, expected a "
	"mapping"},
    /* States. */
    {"a state without a kind", GOOD A "x: {why: so}\n",
	"states/a.yaml:1:1: state 'x' has no kind, expected one such as "
	"'sshd_config: {...}'"},
    {"a state with two kinds", GOOD A "x:\n  pkg: {}\n  requires: [y]\n",
	"states/a.yaml:3:3: unknown key 'requires', expected one kind of state "
	"(line 2 has 'pkg'), require, watch, onchanges, when, exceptions, cis, "
	"why"},
    {"a state that is text", GOOD A "x: pkg\n",
	"states/a.yaml:1:4: state 'x' is text, expected a mapping of one kind "
	"to its parameters"},
    {"a bad id", GOOD A "X y: {pkg: {}}\n",
	"states/a.yaml:1:1: 'X y' is not an id of a state, expected 1 to 64 of "
	"a-z 0-9 . _ - that start with a letter or digit"},
    {"an id twice", GOOD A "x: {pkg: {}}\nx: {pkg: {}}\n",
	"states/a.yaml:2:1: key 'x' is given twice, expected once (line 1 has "
	"it)"},
    {"a requisite of nobody", GOOD A "x: {pkg: {}, require: []}\n",
	"states/a.yaml:1:23: 'require' is an empty list, expected a list of "
	"ids of states"},
    {"a requisite that is text", GOOD A "x: {pkg: {}, watch: y}\n",
	"states/a.yaml:1:21: 'watch' is text, expected a list of ids of "
	"states"},
    {"a requisite that is not there", GOOD A "x: {pkg: {}, watch: [y]}\n",
	"states/a.yaml:1:22: there is no state 'y', expected the id of one"},
    {"a state that requires itself", GOOD A "x: {pkg: {}, onchanges: [x]}\n",
	"states/a.yaml:1:26: 'x' has itself in 'onchanges', expected other "
	"states"},
    {"a requisite cycle",
	GOOD A "x: {pkg: {}, require: [y]}\ny: {pkg: {}, watch: [z]}\n"
	       "z: {pkg: {}, onchanges: [x]}\n",
	"states/a.yaml:3:26: requisite cycle: x -> y -> z -> x, expected an "
	"order"},
    {"a cycle behind others",
	GOOD A "w: {pkg: {}, require: [x]}\nx: {pkg: {}, require: [y]}\n"
	       "y: {pkg: {}, require: [x]}\n",
	"states/a.yaml:3:24: requisite cycle: x -> y -> x, expected an order"},
    {"a file that includes itself", GOOD A "include: [a]\nx: {pkg: {}}\n",
	"states/a.yaml: include cycle: a -> a, expected an order"},
    {"an include cycle",
	GOOD A "include: [b]\nx: {pkg: {}}\n==> states/b.yaml\ninclude: [c]\n"
	       "==> states/c.yaml\ninclude: [a]\n",
	"states/c.yaml: include cycle: a -> b -> c -> a, expected an order"},
    {"an include that is not there", GOOD A "include: [b]\nx: {pkg: {}}\n",
	"states/a.yaml:1:11: there is no states/b.yaml, expected the name of a "
	"file there"},
    {"a when that is broken", GOOD A "x: {pkg: {}, when: [a]}\n",
	"states/a.yaml:1:20: a list, expected an expression such as \"*\" or "
	"\"role == 'web'\""},
    {"an unknown role in when",
	GOOD A "x: {pkg: {}, when: \"role == "
	       "'no'\"}\n",
	"states/a.yaml:1:20: there is no role 'no', expected one that "
	"fleet.yaml gives"},
    {"no exceptions", GOOD A "x: {pkg: {}, exceptions: []}\n",
	"states/a.yaml:1:26: 'exceptions' is an empty list, expected a list of "
	"{match, reason, owner, expires}"},
    {"an exception without an end",
	GOOD A "x: {pkg: {}, exceptions: [{match: '*', reason: r, owner: o}]}"
	       "\n",
	"states/a.yaml:1:27: an exception has no 'expires', expected a date "
	"such as 2027-01-31"},
    {"an exception of nobody",
	GOOD A "x: {pkg: {}, exceptions: [{match: '*', reason: r, owner: O, "
	       "expires: 2027-01-01}]}\n",
	"states/a.yaml:1:58: 'owner' is 'O', expected the id of a person"},
    {"an exception to no day",
	GOOD A "x: {pkg: {}, exceptions: [{match: '*', reason: r, owner: o, "
	       "expires: soon}]}\n",
	"states/a.yaml:1:70: 'expires' is 'soon', expected a date such as "
	"2027-01-31"},
    {"cis that is text", GOOD A "x: {pkg: {}, cis: 5.1}\n",
	"states/a.yaml:1:19: 'cis' is text, expected a list such as "
	"[\"5.1.20\"]"},
    {"an empty why", GOOD A "x: {pkg: {}, why: ''}\n",
	"states/a.yaml:1:19: 'why' has 0 characters, expected 1 to 1024"},
};

static void
what_is_wrong_is_said_with_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_files files = {0};
		struct conf_diags d = {0};
		struct fleet *f = NULL;
		int r;

		fleetcase_split(cases[i].files, &files);
		r = fleet_parse(&files, 0, &f, &d);
		assert_int_equal(r == 0, f != NULL);
		if (cases[i].want == NULL ? r != 0
					  : r != ERR_PARSE || d.n == 0 ||
			    strcmp(d.v[0].text, cases[i].want) != 0)
			fail_msg("%s: %d %s\nwanted %s", cases[i].name, r,
			    d.n > 0 ? d.v[0].text : "nothing said",
			    cases[i].want != NULL ? cases[i].want : "nothing");
		fleet_free(f);
		conf_diags_clear(&d);
		policy_files_clear(&files);
	}
}

static void
faults_are(const char *text, const char *const *want, size_t n)
{
	struct policy_files files = {0};
	struct conf_diags d = {0};
	struct fleet *f = NULL;

	fleetcase_split(text, &files);
	assert_int_equal(fleet_parse(&files, 0, &f, &d), ERR_PARSE);
	assert_null(f);
	for (size_t i = 0; i < n && i < d.n; i++)
		assert_string_equal(d.v[i].text, want[i]);
	assert_int_equal(d.n, n);
	conf_diags_clear(&d);
	policy_files_clear(&files);
}

static void
each_circle_is_named(void **state)
{
	static const char *const apart[] = {
	    "states/a.yaml:2:24: requisite cycle: v -> w -> v, expected an "
	    "order",
	    "states/a.yaml:5:24: requisite cycle: y -> z -> y, expected an "
	    "order",
	};
	static const char *const shared[] = {
	    "states/a.yaml:2:24: requisite cycle: x -> y -> x, expected an "
	    "order",
	    "states/a.yaml:3:24: requisite cycle: x -> z -> x, expected an "
	    "order",
	};
	static const char *const files[] = {
	    "states/b.yaml: include cycle: a -> b -> a, expected an order",
	    "states/c.yaml: include cycle: c -> c, expected an order",
	};

	(void)state;
	faults_are(GOOD A "v: {pkg: {}, require: [w]}\n"
			  "w: {pkg: {}, require: [v]}\nx: {pkg: {}}\n"
			  "y: {pkg: {}, require: [z]}\n"
			  "z: {pkg: {}, require: [y]}\n",
	    apart, 2);
	faults_are(GOOD A "x: {pkg: {}, require: [y, z]}\n"
			  "y: {pkg: {}, require: [x]}\n"
			  "z: {pkg: {}, require: [x]}\n",
	    shared, 2);
	faults_are(GOOD A "include: [b, c]\nx: {pkg: {}}\n"
			  "==> states/b.yaml\ninclude: [a]\n"
			  "==> states/c.yaml\ninclude: [c]\n",
	    files, 2);
}

/* At most 32 at once; the others are seen when those are mended. */
static void
circles_are_told_up_to_a_limit(void **state)
{
	(void)state;
	for (size_t n = 31; n <= 34; n++) {
		struct policy_files files = {0};
		struct conf_diags d = {0};
		struct fleet *f = NULL;
		struct str s = STR_INIT;

		str_add(&s, GOOD A);
		for (size_t i = 0; i < n; i++)
			str_addf(&s,
			    "x%zu: {pkg: {}, require: [y%zu]}\n"
			    "y%zu: {pkg: {}, require: [x%zu]}\n",
			    i, i, i, i);
		assert_int_equal(str_check(&s), 0);
		fleetcase_split(s.p, &files);
		assert_int_equal(fleet_parse(&files, 0, &f, &d), ERR_PARSE);
		assert_int_equal(d.n, n < 32 ? n : 32);
		conf_diags_clear(&d);
		policy_files_clear(&files);
		str_clear(&s);
	}
}

static void
all_faults_are_found_at_once(void **state)
{
	struct policy_files files = {0};
	struct conf_diags d = {0};
	struct fleet *f = NULL;

	(void)state;
	fleetcase_split("==> fleet.yaml\nhosts: {interval: x, splay: y}\n"
			"==> top.yaml\nstates: [{match: Q, apply: [b]}]\n" A
			"x: {why: so}\ny: {pkg: {}, require: [z]}\n",
	    &files);
	assert_int_equal(fleet_parse(&files, 0, &f, &d), ERR_PARSE);
	assert_int_equal(d.n_errors, 6);
	conf_diags_clear(&d);
	policy_files_clear(&files);
}

static void
a_file_that_nothing_names_is_warned_of(void **state)
{
	struct policy_files files = {0};
	struct conf_diags d = {0};
	struct fleet *f = NULL;

	(void)state;
	fleetcase_split("==> fleet.yaml\n{}\n==> top.yaml\nstates: []\n" A
			"x: {pkg: {}}\n==> pillar/p.yaml\na: b\n",
	    &files);
	assert_int_equal(fleet_parse(&files, 0, &f, &d), 0);
	assert_int_equal(d.n_warnings, 3);
	assert_string_equal(d.v[0].text,
	    "states/a.yaml: neither top.yaml nor an include names it, so no "
	    "host gets it");
	assert_string_equal(d.v[1].text,
	    "pillar/p.yaml: top.yaml does not name it, so no host gets it");
	assert_string_equal(d.v[2].text,
	    "top.yaml: no entry of 'states', so no host gets any");
	fleet_free(f);
	conf_diags_clear(&d);
	policy_files_clear(&files);
}

static void
a_host_reads_a_fleet_without_others_pillar(void **state)
{
	struct policy_files files = {0};
	struct conf_diags d = {0};
	struct fleet *f = NULL;

	(void)state;
	fleetcase_split(FLEET "==> top.yaml\nstates: []\n"
			      "pillar: [{match: '*', use: [p]}]\n",
	    &files);
	assert_int_equal(fleet_parse(&files, FLEET_SOME_PILLAR, &f, &d), 0);
	assert_int_equal(d.n, 0);
	fleet_free(f);
	policy_files_clear(&files);
}

/* --- limits, memory, damage ----------------------------------------------- */

static void
there_are_at_most_so_many_states(void **state)
{
	(void)state;
	for (size_t more = 0; more < 2; more++) {
		struct policy_files files = {0};
		struct conf_diags d = {0};
		struct fleet *f = NULL;
		struct str s = STR_INIT;

		str_add(&s, GOOD A);
		for (size_t i = 0; i < FLEET_STATES_MAX + more; i++)
			str_addf(&s, "s%zu: {pkg: {}}\n", i);
		fleetcase_split(s.p, &files);
		str_clear(&s);
		assert_int_equal(fleet_parse(&files, 0, &f, &d),
		    more > 0 ? ERR_PARSE : 0);
		fleet_free(f);
		conf_diags_clear(&d);
		policy_files_clear(&files);
	}
}

static void
a_long_chain_is_an_order(void **state)
{
	struct policy_files files = {0};
	struct conf_diags d = {0};
	struct fleet *f = NULL;
	struct str s = STR_INIT;

	(void)state;
	str_add(&s, GOOD A);
	for (size_t i = 0; i < FLEET_STATES_MAX; i++)
		str_addf(&s, "s%zu: {pkg: {}, require: [s%zu]}\n", i, i + 1);
	str_addf(&s, "==> states/b.yaml\ns%d: {pkg: {}}\n", FLEET_STATES_MAX);
	fleetcase_split(s.p, &files);
	str_clear(&s);
	/* One too many, and no other fault: no cycle, nothing too deep. */
	assert_int_equal(fleet_parse(&files, 0, &f, &d), ERR_PARSE);
	assert_true(d.n_errors <= 2);
	conf_diags_clear(&d);
	policy_files_clear(&files);
}

static const char small[] =
    "==> fleet.yaml\nmasters: [{address: m, key: k}]\nroles: {web: [w]}\n"
    "==> top.yaml\nstates: [{match: \"role == 'web'\", apply: [a]}]\n"
    "pillar: [{match: '*', use: [p]}]\n"
    "==> pillar/p.yaml\na: {b: c}\n" A "include: [b]\n"
    "x: {pkg: {n: 1}, require: [y], when: \"os == 'a'\", cis: [1], why: w,\n"
    "  exceptions: [{match: w, reason: r, owner: o, expires: 2027-01-01}]}\n"
    "==> states/b.yaml\ny: {pkg: {}}\n";

static int
parse_all(void *arg)
{
	struct policy_files *files = arg;
	struct conf_diags d = {0};
	struct fleet *f = NULL;
	int r = fleet_parse(files, 0, &f, &d);

	fleet_free(f);
	conf_diags_clear(&d);
	return r;
}

static void
without_memory_it_says_so(void **state)
{
	struct policy_files files = {0};

	(void)state;
	fleetcase_split(small, &files);
	assert_true(alloc_each(parse_all, &files) > 100);
	policy_files_clear(&files);
}

static void
check_mutation(const uint8_t *p, size_t n, void *arg)
{
	struct policy_files files = {0};
	struct conf_diags d = {0};
	struct fleet *f = NULL;
	char *text = str_dupn(p, n);
	int r;

	(void)arg;
	fleetcase_split(text, &files);
	r = fleet_parse(&files, 0, &f, &d);
	if ((r == 0) != (d.n_errors == 0) || (r == 0) != (f != NULL))
		fail_msg("%s: %d, %zu errors", mutate_what(), r, d.n_errors);
	fleet_free(f);
	conf_diags_clear(&d);
	policy_files_clear(&files);
	free(text);
}

static void
whatever_is_read_is_taken_or_refused(void **state)
{
	(void)state;
	assert_int_equal(mutate_each(small, strlen(small), check_mutation,
			     NULL),
	    9 * strlen(small));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_contract_is_read),
	    cmocka_unit_test(what_is_wrong_is_said_with_its_place),
	    cmocka_unit_test(each_circle_is_named),
	    cmocka_unit_test(circles_are_told_up_to_a_limit),
	    cmocka_unit_test(all_faults_are_found_at_once),
	    cmocka_unit_test(a_file_that_nothing_names_is_warned_of),
	    cmocka_unit_test(a_host_reads_a_fleet_without_others_pillar),
	    cmocka_unit_test(there_are_at_most_so_many_states),
	    cmocka_unit_test(a_long_chain_is_an_order),
	    cmocka_unit_test(without_memory_it_says_so),
	    cmocka_unit_test(whatever_is_read_is_taken_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

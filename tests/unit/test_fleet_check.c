/* SPDX-License-Identifier: ISC */
/* Does a fleet work?  What is found out for hosts that are not there yet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/states/check.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/fleetcase.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NOW    FIXTURE_NOW /* 2026-03-02 */

/* --- kinds of our own ----------------------------------------------------- */

struct params {
	char *path;
	unsigned n;
};

static void
parse(struct conf_in *in, const struct yaml_node *n, void *params)
{
	static const struct conf_key keys[] = {
	    {"path", conf_text, offsetof(struct params, path), false, "a path",
		1, 100, NULL},
	    {"n", conf_unsigned, offsetof(struct params, n), false,
		"a number of 1 to 9", 1, 9, NULL},
	};

	conf_map(in, n->pos, "file", n, keys, LEN(keys), params);
}

static void
parse_all(struct conf_in *in, const struct yaml_node *n, void *params)
{
	(void)in;
	(void)n;
	(void)params;
}

static int
owns(const void *params, struct strs *out)
{
	const struct params *p = params;

	return p->path != NULL ? strs_add(out, p->path) : 0;
}

static void
params_clear(void *params)
{
	free(((struct params *)params)->path);
}

static const struct state_ops file_ops = {.name = "file",
    .params_size = sizeof(struct params),
    .parse = parse,
    .owns = owns,
    .params_clear = params_clear};
static const struct state_ops sshd_ops = {
    .name = "sshd_config", .params_size = 1, .parse = parse_all};
static const struct state_ops ca_ops = {
    .name = "ssh_ca", .params_size = 1, .parse = parse_all};
static const struct state_ops *const kinds[] = {&file_ops, &sshd_ops, &ca_ops};

/* --- one fleet ------------------------------------------------------------ */

#define TOP                                                      \
	"==> fleet.yaml\nroles: {web: ['web-*'], build: [ci]}\n" \
	"==> top.yaml\nstates: [{match: '*', apply: [a]}]\n"     \
	"pillar:\n  - {match: '*', use: [p]}\n==> pillar/p.yaml\nn: 3\n"
#define A "==> states/a.yaml\n"

/* All that is said, a line each; the caller frees. */
static char *
said(const char *text, struct fleet_check c, struct fleet_check_result *res)
{
	struct policy_files files = {0};
	struct conf_diags d = {0};
	struct fleet *f = NULL;
	struct str s = STR_INIT;
	char *out;
	int r;

	fleetcase_split(text, &files);
	if (fleet_parse(&files, 0, &f, &d) != 0)
		fail_msg("%s", d.v[0].text);
	c.now = NOW;
	c.kinds = kinds;
	c.n_kinds = LEN(kinds);
	r = fleet_check(f, &c, res, &d);
	assert_int_equal(r, d.n_errors > 0 ? ERR_DENIED : 0);
	for (size_t i = 0; i < d.n; i++)
		str_addf(&s, "%s%s\n", d.v[i].warning ? "warning: " : "",
		    d.v[i].text);
	assert_int_equal(str_take(&s, &out), 0);
	fleet_free(f);
	conf_diags_clear(&d);
	policy_files_clear(&files);
	return out;
}

static void
expect(const char *name, const char *text, struct fleet_check c,
    const char *want)
{
	char *got = said(text, c, NULL);

	if (strcmp(got, want) != 0)
		fail_msg("%s: got\n%s\nwanted\n%s", name, got, want);
	free(got);
}

/* --- states --------------------------------------------------------------- */

static const struct {
	const char *name, *files, *want;
} states[] = {
    {"what works", TOP A "x: {file: {path: /a, n: \"${pillar.n}\"}}\n", ""},
    {"an unknown kind", TOP A "x: {fil: {}}\n",
	"states/a.yaml:1:5: unknown kind of state 'fil', expected one of file, "
	"sshd_config, ssh_ca\n"},
    {"of a file that nobody gets",
	TOP A "x: {file: {}}\n==> states/b.yaml\ny: {fil: {}}\n",
	"warning: states/b.yaml: neither top.yaml nor an include names it, so "
	"no host gets it\n"
	"states/b.yaml:1:5: unknown kind of state 'fil', expected one of file, "
	"sshd_config, ssh_ca\n"},
    {"an unknown parameter", TOP A "x: {file: {pth: a}}\n",
	"states/a.yaml:1:12: unknown key 'pth', expected one of path, n\n"},
    {"a bad value", TOP A "x: {file: {n: banana}}\n",
	"states/a.yaml:1:15: 'n' is 'banana', expected a number of 1 to 9\n"},
    {"a bad value of pillar, at its place",
	"==> fleet.yaml\n{}\n==> top.yaml\nstates: [{match: '*', apply: [a]}]\n"
	"pillar: [{match: '*', use: [p]}]\n==> pillar/p.yaml\nn: 30\n" A
	"x: {file: {n: \"${pillar.n}\"}}\n",
	"pillar/p.yaml:1:4: 'n' is '30', expected a number of 1 to 9\n"},
    {"two owners", TOP A "x: {file: {path: /a}}\ny: {file: {path: /a}}\n",
	"states/a.yaml:2:1: 'y' and 'x' (states/a.yaml:1:1) both own /a, "
	"expected one state for it\n"},
    {"two owners on some hosts",
	TOP A "x: {file: {path: /a}}\n"
	      "y: {file: {path: /a}, when: \"role == 'web'\"}\n",
	"states/a.yaml:2:1: 'y' and 'x' (states/a.yaml:1:1) both own /a, "
	"expected one state for it (on web-0)\n"},
    {"two owners where a grain says so",
	TOP A "x: {file: {path: /a}, when: \"os == 'ubuntu'\"}\n"
	      "y: {file: {path: /a}, when: \"os != 'debian'\"}\n",
	"states/a.yaml:2:1: 'y' and 'x' (states/a.yaml:1:1) both own /a, "
	"expected one state for it (on a host that no name stands for, os "
	"ubuntu)\n"},
    {"owners that are never together",
	TOP A "x: {file: {path: /a}, when: \"os == 'ubuntu'\"}\n"
	      "y: {file: {path: /a}, when: \"os != 'ubuntu'\"}\n",
	""},
    {"pillar that one role lacks",
	"==> fleet.yaml\nroles: {web: ['web-*']}\n==> top.yaml\n"
	"states: [{match: '*', apply: [a]}]\n"
	"pillar: [{match: \"role == 'web'\", use: [p]}]\n==> pillar/p.yaml\n"
	"n: 3\n" A "x: {file: {n: \"${pillar.n}\"}}\n",
	"states/a.yaml:1:16: there is no 'pillar.n', expected a name of the "
	"pillar that this host gets (on a host that no name stands for)\n"},
    {"a requisite that one role lacks",
	"==> fleet.yaml\nroles: {web: ['web-*']}\n==> top.yaml\nstates:\n"
	"  - {match: '*', apply: [a]}\n"
	"  - {match: \"not role == 'web'\", apply: [b]}\n" A
	"x: {file: {}, require: [y]}\n==> states/b.yaml\ny: {file: {}}\n",
	"states/a.yaml:1:25: 'y' is not among the states of this host, "
	"expected it wherever 'x' is (or an include) (on web-0)\n"},
    {"an exception that is over",
	TOP A "x: {file: {}, exceptions: [{match: ci, reason: r, owner: o, "
	      "expires: 2026-03-01}]}\n",
	"warning: states/a.yaml:1:28: the exception ended at "
	"2026-03-01T23:59:59Z, so these hosts are not spared\n"},
};

static void
what_does_not_work_is_found_before_it_is_signed(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(states); i++)
		expect(states[i].name, states[i].files, (struct fleet_check){0},
		    states[i].want);
}

/* --- hosts ---------------------------------------------------------------- */

static void
hosts_that_expressions_tell_apart_are_tried(void **state)
{
	static const struct {
		const char *files;
		size_t hosts, highstates;
	} cases[] = {
	    /* web-0, ci, and one that no name stands for. */
	    {TOP A "x: {file: {}}\n", 3, 1},
	    {TOP A "x: {file: {path: \"/${host.id}\"}}\n", 3, 3},
	    {TOP A "x: {file: {}, when: \"role == 'web'\"}\n", 3, 2},
	    {TOP A "x: {file: {}, when: \"id in ['a', 'b']\"}\n", 4, 2},
	    {TOP A "x: {file: {}, when: \"id == 'a' or not id == 'b'\"}\n", 5,
		2},
	    /* debian, ubuntu, unknown. */
	    {TOP A "x: {file: {}, when: \"os == 'ubuntu'\"}\n", 9, 2},
	    {TOP A "x: {file: {}, when: \"os == 'ubuntu' and arch =~ "
		   "'arm*'\"}\n",
		27, 2},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct fleet_check_result res = {0};
		char *got = said(cases[i].files, (struct fleet_check){0}, &res);

		assert_string_equal(got, "");
		assert_int_equal(res.hosts, cases[i].hosts);
		assert_int_equal(res.highstates, cases[i].highstates);
		assert_int_equal(res.states, 1);
		free(got);
	}
}

/* Thousands that no expression tells apart are one. */
static void
hosts_that_are_alike_are_tried_once(void **state)
{
	static const char text[] =
	    TOP A "x: {file: {}, when: \"id =~ 'a-*9' and os == 'ubuntu'\"}\n";
	struct fleet_check_result res = {0};
	struct strs hosts = {0};
	char *got;

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		char id[20];

		(void)snprintf(id, sizeof(id), "a-%u", i);
		assert_int_equal(strs_add(&hosts, id), 0);
	}
	assert_int_equal(strs_add(&hosts, "ci"), 0);
	got = said(text, (struct fleet_check){.hosts = &hosts}, &res);
	assert_string_equal(got, "");
	/* web-0, ci, a-09 and another; debian, ubuntu, unknown. */
	assert_int_equal(res.hosts, 12);
	free(got);
	strs_clear(&hosts);
}

static void
what_was_not_tried_is_said(void **state)
{
	struct fleet_check_result res = {0};
	struct fleet_check c = {.hosts_max = 8};
	char *got =
	    said(TOP A "x: {file: {}, when: \"os == 'ubuntu'\"}\n", c, &res);

	(void)state;
	assert_string_equal(got,
	    "warning: the expressions tell more than 8 hosts apart, of which 8 "
	    "were tried\n");
	assert_int_equal(res.hosts, 8);
	free(got);
	c.hosts_max = 9;
	expect("all", TOP A "x: {file: {}, when: \"os == 'ubuntu'\"}\n", c, "");
}

static void
an_id_that_nobody_has_is_warned_of(void **state)
{
	char *ids[] = {(char[]){"ci"}, (char[]){"a"}};
	struct strs hosts = {.v = ids, .n = 1};

	(void)state;
	expect("not enrolled",
	    TOP A "x: {file: {}, when: \"id in ['a', 'ci'] or id == 'a'\"}\n",
	    (struct fleet_check){.hosts = &hosts},
	    "warning: states/a.yaml:1:21: no enrolled host is 'a'\n");
	hosts.n = 2;
	expect("enrolled", TOP A "x: {file: {}, when: \"id in ['a', 'ci']\"}\n",
	    (struct fleet_check){.hosts = &hosts}, "");
	ids[0] = ids[1];
	hosts.n = 1;
	expect("of a role", TOP A "x: {file: {}}\n",
	    (struct fleet_check){.hosts = &hosts},
	    "warning: fleet.yaml:1:25: no enrolled host is 'ci'\n");
}

/* --- with the policy ------------------------------------------------------ */

#define FLEET                                        \
	"==> fleet.yaml\n{}\n==> top.yaml\n"         \
	"states: [{match: '*', apply: [a]}]\n" A     \
	"ca: {ssh_ca: {accounts: {deploy: [deploy, " \
	"\"deploy@${host.id}\"]}}}\n"

/* Lines of others' are left out: grants of the fixture that no account has. */
static void
expect_of_accounts(const char *name, const char *settings, const char *want)
{
	struct policy *p = fixture_policy(NULL, NULL);
	struct str s = STR_INIT, some = STR_INIT;
	char *got, *line, *rest;

	str_addf(&s, FLEET "sshd: {sshd_config: %s}\n", settings);
	got = said(s.p, (struct fleet_check){.policy = p}, NULL);
	rest = got;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (strncmp(line, "warning: ca.yaml", 16) != 0 && *line != '\0')
			str_addf(&some, "%s\n", line);
	if (strcmp(some.p, want) != 0)
		fail_msg("%s: got\n%s\nwanted\n%s", name, some.p, want);
	free(got);
	str_clear(&s);
	str_clear(&some);
	policy_free(p);
}

#define REFUSES(what, col, expected)                       \
	"states/a.yaml:2:" col ": " what                   \
	" refuses account 'deploy', which has principals " \
	"(states/a.yaml:1:26), expected " expected "\n"

static void
an_account_that_sshd_would_refuse_is_found(void **state)
{
	static const struct {
		const char *name, *settings, *want;
	} cases[] = {
	    {"nothing said", "{settings: {}}", ""},
	    {"allowed", "{settings: {AllowUsers: \"root dep*\"}}", ""},
	    {"allowed from somewhere",
		"{settings: {AllowUsers: [deploy@10.0.0.0/8]}}", ""},
	    {"not allowed", "{settings: {AllowUsers: \"root alice\"}}",
		REFUSES("AllowUsers", "45", "it to be there too")},
	    {"not in a list", "{settings: {allowusers: [root, alice]}}",
		REFUSES("AllowUsers", "45", "it to be there too")},
	    {"denied", "{settings: {DenyUsers: \"bob deploy\"}}",
		REFUSES("DenyUsers", "44", "it not to be there")},
	    {"others denied", "{settings: {DenyUsers: bob}}", ""},
	    {"groups", "{settings: {AllowGroups: wheel}}",
		"warning: states/a.yaml:2:46: AllowGroups refuses account "
		"'deploy', which has principals, unless it is in one of these "
		"groups\n"},
	    {"its own group", "{settings: {AllowGroups: deploy}}", ""},
	    {"its own group denied", "{settings: {DenyGroups: deploy}}",
		"warning: states/a.yaml:2:45: DenyGroups refuses account "
		"'deploy', which has principals, if that is its group\n"},
	    {"keys refused", "{settings: {PubkeyAuthentication: no}}",
		REFUSES("PubkeyAuthentication", "55",
		    "yes: certificates are keys")},
	    {"other methods", "{settings: {AuthenticationMethods: password}}",
		REFUSES("AuthenticationMethods", "56", "publickey among them")},
	    {"two methods",
		"{settings: {AuthenticationMethods: \"publickey,password\"}}",
		""},
	    {"no principals", "{settings: {AuthorizedPrincipalsFile: none}}",
		REFUSES("AuthorizedPrincipalsFile", "59",
		    "it to be left to ssh_ca")},
	    {"allowed by a block for him",
		"{settings: {AllowUsers: root}, match: [{when: {User: deploy}, "
		"settings: {AllowUsers: deploy}}]}",
		""},
	    {"refused by a block for him",
		"{settings: {}, match: [{when: {User: 'd*'}, settings: "
		"{PubkeyAuthentication: no}}]}",
		REFUSES("PubkeyAuthentication", "98",
		    "yes: certificates are keys")},
	    {"a block for others",
		"{settings: {}, match: [{when: {User: x}, settings: "
		"{PubkeyAuthentication: no}}]}",
		""},
	    {"a block that is not for all his connections",
		"{settings: {}, match: [{when: {User: deploy, Address: "
		"10.0.0.0/8}, settings: {PubkeyAuthentication: no}}]}",
		""},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		expect_of_accounts(cases[i].name, cases[i].settings,
		    cases[i].want);
}

static void
principals_meet_grants(void **state)
{
	struct policy *p = fixture_policy(NULL, NULL);
	char *got = said("==> fleet.yaml\n{}\n==> top.yaml\n"
			 "states: [{match: '*', apply: [a]}]\n" A
			 "ca: {ssh_ca: {accounts: {x: [nobodys]}}}\n",
	    (struct fleet_check){.policy = p}, NULL);

	(void)state;
	assert_non_null(strstr(got,
	    "warning: states/a.yaml:1:30: principal 'nobodys' of account 'x' "
	    "is in no grant of the policy, so nobody gets it\n"));
	assert_non_null(strstr(got,
	    "gives principal 'deploy', which no host of the fleet accepts\n"));
	free(got);
	/* A fleet without accounts says nothing of grants. */
	expect("none", TOP A "x: {file: {}}\n",
	    (struct fleet_check){.policy = p}, "");
	policy_free(p);
}

static void
masters_are_authorities(void **state)
{
	struct policy *p = fixture_policy(NULL, NULL);

	(void)state;
	expect("masters",
	    "==> fleet.yaml\nmasters:\n  - {address: m, key: nobody}\n"
	    "  - {address: n, key: ca_log}\n==> top.yaml\n"
	    "states: [{match: '*', apply: [a]}]\n" A
	    "x: {file: {}, exceptions: [{match: ci, reason: r, owner: nobody, "
	    "expires: 2026-04-01},\n"
	    "  {match: ci, reason: r, owner: " ALICE
	    ", expires: 2026-04-01}]}\n",
	    (struct fleet_check){.policy = p},
	    "fleet.yaml:2:5: the policy has no authorities/nobody.pub, "
	    "expected the key of this master there\n"
	    "fleet.yaml:3:5: 'ca_log' is no master's key, expected it in "
	    "'authorities: master:' of the policy's ca.yaml\n"
	    "warning: states/a.yaml:1:28: the owner 'nobody' is nobody whom "
	    "the policy knows\n");
	policy_free(p);
}

/* --- secrets -------------------------------------------------------------- */

#define SECRET "s3cr3tKyq8Zt0vLw"

static void
what_looks_like_a_secret_is_refused(void **state)
{
	static const struct {
		const char *yaml, *what; /* NULL: nothing is said */
	} cases[] = {
	    {"password: x", "'password' looks like a secret"},
	    {"db: {Password: x}", "'Password' looks like a secret"},
	    {"db-password: x", "'db-password' looks like a secret"},
	    {"passwd: [x]", "'passwd' looks like a secret"},
	    {"passphrase: {for: x}", "'for' looks like a secret"},
	    {"password: ''", NULL},
	    {"password: ${pillar.n}", NULL},
	    {"password_file: /etc/x", NULL},
	    {"PasswordAuthentication: no", NULL},
	    {"token: " SECRET, "'token' looks like a secret"},
	    {"api_key: " SECRET, "'api_key' looks like a secret"},
	    {"client-secret: " SECRET, "'client-secret' looks like a secret"},
	    {"token: see the vault of ops 1", NULL},
	    {"token: web-1.example.com", NULL},
	    {"token: s3cr3t", NULL},
	    {"token: aaaaaaaaaaaaaaaaaaaa1", NULL},
	    {"name: " SECRET, NULL},
	    {"x: \"$6$abc$def\"", "'x' looks like the hash of a password"},
	    {"x: AKIAIOSFODNN7EXAMPLE", "'x' looks like a key of AWS"},
	    {"x: |\n  -----BEGIN OPENSSH PRIVATE KEY-----\n  b3Blbn\n",
		"'x' looks like a private key"},
	    {"access_key: \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct str s = STR_INIT;
		char *got;

		str_addf(&s, TOP "%s\n" A "x: {file: {}}\n", cases[i].yaml);
		got = said(s.p, (struct fleet_check){0}, NULL);
		if (cases[i].what == NULL
			? *got != '\0'
			: strncmp(got, "pillar/p.yaml:2:", 16) != 0 ||
			    strstr(got, cases[i].what) == NULL)
			fail_msg("%s: %s", cases[i].yaml, got);
		free(got);
		str_clear(&s);
	}
}

static void
a_private_key_is_one_in_a_state_too(void **state)
{
	(void)state;
	expect("state",
	    TOP A "x: {file: {path: '-----BEGIN RSA PRIVATE KEY-----'}}\n",
	    (struct fleet_check){0},
	    "states/a.yaml:1:18: 'path' looks like a private key, expected "
	    "none: whoever has the bundle or gets this pillar reads it\n");
}

/* --- memory --------------------------------------------------------------- */

struct without {
	struct fleet *f;
	struct policy *p;
};

static int
check(void *arg)
{
	const struct without *w = arg;
	struct fleet_check c = {.policy = w->p,
	    .now = NOW,
	    .kinds = kinds,
	    .n_kinds = LEN(kinds),
	    .hosts_max = 3};
	struct conf_diags d = {0};
	int r = fleet_check(w->f, &c, NULL, &d);

	conf_diags_clear(&d);
	return r == ERR_DENIED ? 0 : r;
}

static void
without_memory_it_says_so(void **state)
{
	struct without w = {.p = fixture_policy(NULL, NULL)};
	struct policy_files files = {0};
	struct conf_diags d = {0};

	(void)state;
	fleetcase_split(FLEET "sshd: {sshd_config: {settings: {AllowUsers: x}}}"
			      "\nf: {file: {path: /a}}\ng: {file: {path: /a}, "
			      "when: \"os == 'x'\"}\n",
	    &files);
	assert_int_equal(fleet_parse(&files, 0, &w.f, &d), 0);
	assert_true(alloc_each(check, &w) > 200);
	fleet_free(w.f);
	policy_free(w.p);
	policy_files_clear(&files);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_does_not_work_is_found_before_it_is_signed),
	    cmocka_unit_test(hosts_that_expressions_tell_apart_are_tried),
	    cmocka_unit_test(hosts_that_are_alike_are_tried_once),
	    cmocka_unit_test(what_was_not_tried_is_said),
	    cmocka_unit_test(an_id_that_nobody_has_is_warned_of),
	    cmocka_unit_test(an_account_that_sshd_would_refuse_is_found),
	    cmocka_unit_test(principals_meet_grants),
	    cmocka_unit_test(masters_are_authorities),
	    cmocka_unit_test(what_looks_like_a_secret_is_refused),
	    cmocka_unit_test(a_private_key_is_one_in_a_state_too),
	    cmocka_unit_test(without_memory_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

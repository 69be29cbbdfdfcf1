/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/states/kinds.h"
#include "tests/unit/statecase.h"

#define OWN "/etc/security/limits.d/zzz-writ.conf"
#define OPS (&state_pam_limits)

static const char policy[] =
    "limits:\n"
    "  - {domain: \"@users\", type: hard, item: nproc, value: 200}\n"
    "  - {domain: webapp, type: \"-\", item: nofile, value: 512}\n";

static int
setup(void **state)
{
	*state = fakehost_new();
	return 0;
}

static int
teardown(void **state)
{
	fakehost_free(*state);
	return 0;
}

static void
bad_parameters_are_named_with_their_place(void **state)
{
	static const struct {
		const char *yaml, *want;
	} cases[] = {
	    {"limits: []\n",
		"1:9: 'limits' is an empty list, expected a list of limits"},
	    {"ensure: present\n",
		"1:1: pam_limits has no 'limits', expected some or 'ensure: "
		"absent'"},
	    {"limits:\n  - {domain: \"*\", type: hard, item: nprok, value: "
	     "1}\n",
		"2:37: 'item' is 'nprok', expected one of as, core, cpu, data, "
		"fsize, locks, maxlogins, maxsyslogins, memlock, msgqueue, "
		"nice, nofile, nproc, priority, rss, rtprio, sigpending, "
		"stack"},
	    {"limits:\n  - {domain: \"*\", type: hrad, item: nproc, value: "
	     "1}\n",
		"2:25: 'type' is 'hrad', expected soft, hard or -"},
	    {"limits:\n  - {domain: \"*\", type: hard, item: nproc, value: "
	     "banana}\n",
		"2:51: 'value' is 'banana', expected 0 to 1000000000000 or "
		"unlimited"},
	    {"limits:\n  - {domain: \"*\", type: hard, item: rtprio, value: "
	     "100}\n",
		"2:52: 'value' is '100', expected 0 to 99 or unlimited"},
	    {"limits:\n  - {domain: \"*\", type: hard, item: nice, value: "
	     "unlimited}\n",
		"2:50: 'value' is 'unlimited', expected -20 to 19"},
	    {"limits:\n  - {domain: \"a b\", type: hard, item: nproc, value: "
	     "1}\n",
		"2:14: 'domain' is 'a b', expected a user, @group or *"},
	    {"limits:\n  - {domain: x, type: hard, item: nproc, value: 1}\n"
	     "  - {domain: x, type: \"-\", item: nproc, value: 2}\n",
		"3:5: the nproc of x is said twice, first in line 2"},
	    {"limits:\n  - {domain: x, type: hard, item: nproc}\n",
		"2:5: a limit has no 'value', expected a number or unlimited"},
	    {"limit: x\n",
		"1:1: unknown key 'limit', expected one of ensure, limits"},
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
a_stock_host_gets_the_file_and_then_needs_nothing(void **state)
{
	struct fakehost *f = *state;

	fakehost_file(f, "/etc/security/limits.conf", 0644, "# nothing\n");
	statecase_is(f, OPS, NULL, policy,
	    "ok\nfile " OWN " 0644 write " OWN ", 2 limits\n");
	statecase_apply(f, OPS, NULL, policy);
	assert_string_equal(fakehost_text(f, OWN),
	    "# Written by writ-agent; changes made here are undone.\n"
	    "@users\thard\tnproc\t200\n"
	    "webapp\t-\tnofile\t512\n");
	statecase_is(f, OPS, NULL, policy, "ok\n");
}

static void
what_covers_everybody_covers_root(void **state)
{
	struct fakehost *f = *state;

	statecase_apply(f, OPS, NULL,
	    "limits:\n"
	    "  - {domain: \"*\", type: hard, item: core, value: 0}\n"
	    "  - {domain: \"*\", type: soft, item: nproc, value: 99}\n"
	    "  - {domain: root, type: soft, item: nproc, value: unlimited}\n");
	assert_string_equal(fakehost_text(f, OWN),
	    "# Written by writ-agent; changes made here are undone.\n"
	    "*\thard\tcore\t0\n"
	    "*\tsoft\tnproc\t99\n"
	    "root\tsoft\tnproc\tunlimited\n"
	    "root\thard\tcore\t0\n");
}

static void
an_edit_or_a_wrong_mode_is_undone(void **state)
{
	struct fakehost *f = *state;

	statecase_apply(f, OPS, NULL, policy);
	fakehost_file(f, OWN, 0666, fakehost_text(f, OWN));
	statecase_is(f, OPS, NULL, policy,
	    "ok\nfile " OWN " 0644 change " OWN ", 2 limits\n");
	fakehost_file(f, OWN, 0644, "webapp - nofile 9999\n");
	statecase_is(f, OPS, NULL, policy,
	    "ok\nfile " OWN " 0644 change " OWN ", 2 limits\n");
}

static void
what_may_refuse_a_login_is_a_way_in(void **state)
{
#define L(domain, type, item, value)                               \
	"  - {domain: \"" domain "\", type: " type ", item: " item \
	", value: " value "}\n"
#define ONE "limits:\n"
	static const struct {
		const char *had; /* NULL: no file */
		const char *yaml;
		bool way_in;
	} cases[] = {
	    {NULL, ONE L("deploy", "hard", "maxlogins", "0"), true},
	    {NULL, ONE L("deploy", "hard", "nproc", "20"), true},
	    {NULL, ONE L("deploy", "hard", "nproc", "unlimited"), false},
	    {NULL, ONE L("deploy", "hard", "core", "0"), false},
	    {NULL, ONE L("deploy", "soft", "nice", "5"), false},
	    /* Raised, as high, lower. */
	    {"deploy hard nproc 20\n", ONE L("deploy", "hard", "nproc", "21"),
		false},
	    {"deploy hard nproc 20\n", ONE L("deploy", "hard", "nproc", "20"),
		false},
	    {"deploy hard nproc 20\n", ONE L("deploy", "hard", "nproc", "19"),
		true},
	    {"deploy hard nproc unlimited\n",
		ONE L("deploy", "hard", "nproc", "999999"), true},
	    {"deploy hard nproc 20\n",
		ONE L("deploy", "hard", "nproc", "unlimited"), false},
	    /* The last line counts, and it has to be one. */
	    {"deploy hard nproc 9\ndeploy hard nproc 90\n",
		ONE L("deploy", "hard", "nproc", "50"), true},
	    {"deploy hard nproc banana\n",
		ONE L("deploy", "hard", "nproc", "50"), true},
	    /* Of another domain, type or item. */
	    {"alice hard nproc 1\ndeploy hard nproc 1\n",
		ONE L("alice", "hard", "nproc", "2")
		    L("deploy", "hard", "nproc", "2"),
		false},
	    {"deploy soft nproc 10\n", ONE L("deploy", "\"-\"", "nproc", "20"),
		true},
	    {"deploy - nproc 10\n", ONE L("deploy", "soft", "nproc", "20"),
		true},
	    {"deploy - nproc 10\n", ONE L("deploy", "\"-\"", "nproc", "20"),
		false},
	    {"deploy hard nproc 10\n", ONE L("deploy", "hard", "nofile", "20"),
		true},
	    /* Gone: another file's may count then. */
	    {"deploy hard nproc 10\nalice hard nproc 10\n",
		ONE L("alice", "hard", "nproc", "10"), true},
	    {"deploy hard core 10\nalice hard nproc 10\n",
		ONE L("alice", "hard", "nproc", "10"), false},
	    {"deploy hard nproc 10\n", "ensure: absent\n", true},
	    {"deploy hard core 10\n", "ensure: absent\n", false},
	};
#undef L
#undef ONE

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fakehost_remove(*state, OWN);
		if (cases[i].had != NULL)
			fakehost_file(*state, OWN, 0644, cases[i].had);
		if (statecase_way_in(*state, OPS, cases[i].yaml) !=
		    cases[i].way_in)
			fail_msg("case %zu: %s", i, cases[i].yaml);
	}
}

static void
who_wins_all_the_same_is_named(void **state)
{
	struct fakehost *f = *state;

	statecase_apply(f, OPS, NULL, policy);
	/* Read before ours, or not read at all: without effect. */
	fakehost_file(f, "/etc/security/limits.d/90-x.conf", 0644,
	    "webapp hard nofile 4096\n");
	fakehost_file(f, "/etc/security/limits.d/zzzz", 0644,
	    "webapp hard nofile 4096\n");
	statecase_is(f, OPS, NULL, policy, "ok\n");
	/* A user's line beats a group's, wherever it stands. */
	fakehost_file(f, "/etc/security/limits.conf", 0644,
	    "\n# x\nalice hard nproc 5000 # hers\n");
	statecase_is(f, OPS, NULL, policy,
	    "ok\nproof /etc/security/limits.conf:3: alice keeps a nproc of "
	    "its own, 5000\n");
	fakehost_file(f, "/etc/security/limits.d/zzzz.conf", 0644,
	    "webapp soft nofile 4096\n");
	statecase_is(f, OPS, NULL, policy,
	    "impossible [/etc/security/limits.d/zzzz.conf:1 sets the nofile "
	    "of webapp after us]\nproof /etc/security/limits.conf:3: alice "
	    "keeps a nproc of its own, 5000\n");
}

static void
with_sessions(struct fakehost *f, const char *nproc, const char *nofile)
{
	static const char show[] =
	    " -- prlimit --raw --noheadings --output=RESOURCE,SOFT,HARD";
	char command[128];

	fakehost_file(f, "/etc/pam.d/runuser", 0644,
	    "session required pam_limits.so\n");
	fakehost_command(f, "getent group users", 0, "users:x:100:bob,al\n",
	    "");
	fakehost_command(f, "getent passwd webapp", 0, "webapp:x:1:1::/:/x\n",
	    "");
	(void)snprintf(command, sizeof(command), "runuser -u bob%s", show);
	fakehost_command(f, command, 0, nproc, "");
	(void)snprintf(command, sizeof(command), "runuser -u webapp%s", show);
	fakehost_command(f, command, 0, nofile, "");
	fakehost_command(f, "prlimit", 0, "", "");
}

static void
the_effect_is_seen_in_a_session(void **state)
{
	struct fakehost *f = *state;

	statecase_apply(f, OPS, NULL, policy);
	with_sessions(f, "AS unlimited unlimited\nNPROC 200 200\n",
	    "NOFILE 512 512\n");
	statecase_is(f, OPS, NULL, policy,
	    "ok\nproof hard nproc 200 for @users (a session of bob)\n"
	    "proof - nofile 512 for webapp (a session of webapp)\n");
	with_sessions(f, "NPROC 200 500\n", "NOFILE 512 512\n");
	statecase_is(f, OPS, NULL, policy,
	    "impossible [a session of bob has nproc 200/500 (soft/hard, "
	    "kernel units), expected hard 200]\n"
	    "proof - nofile 512 for webapp (a session of webapp)\n");
	/* A session that does not come about shows nothing either way. */
	with_sessions(f, "", "NOFILE 512 512\n");
	statecase_is(f, OPS, NULL, policy,
	    "ok\nproof - nofile 512 for webapp (a session of webapp)\n");
}

static void
absence_removes_our_file_alone(void **state)
{
	struct fakehost *f = *state;

	statecase_is(f, OPS, NULL, "ensure: absent\n", "ok\n");
	statecase_apply(f, OPS, NULL, policy);
	fakehost_file(f, "/etc/security/limits.d/x.conf", 0644, "x\n");
	statecase_is(f, OPS, NULL, "ensure: absent\n",
	    "ok\nabsent " OWN " remove " OWN "\n");
	statecase_apply(f, OPS, NULL, "ensure: absent\n");
	assert_null(fakehost_text(f, OWN));
	assert_non_null(fakehost_text(f, "/etc/security/limits.d/x.conf"));
}

static void
a_link_in_the_way_is_refused(void **state)
{
	struct fakehost *f = *state;
	char *got;

	fakehost_link(f, OWN, "/etc/shadow");
	assert_int_equal(statecase_plan(f, OPS, NULL, policy, &got),
	    ERR_DENIED);
	free(got);
}

static void
what_a_host_has_is_shown_as_a_state(void **state)
{
	struct fakehost *f = *state;
	struct str out = STR_INIT;
	struct err e = {0};
	char *faults;

	fakehost_file(f, "/etc/security/limits.conf", 0644,
	    "* soft core 0\nbad line\n@x - nproc 5\n");
	assert_int_equal(OPS->show(fakehost_host(f), &out, &e), 0);
	assert_string_equal(out.p,
	    "pam_limits:\n  limits:\n"
	    "    - {domain: \"*\", type: soft, item: core, value: 0}\n"
	    "    - {domain: \"@x\", type: both, item: nproc, value: 5}\n");
	/* And is one. */
	faults = statecase_faults(OPS, out.p + strlen("pam_limits:\n"));
	assert_string_equal(faults, "");
	free(faults);
	str_clear(&out);
}

static void
a_host_that_fails_is_never_taken_for_compliant(void **state)
{
	struct fakehost *f = *state;

	fakehost_file(f, "/etc/security/limits.conf", 0644, "# x\n");
	fakehost_file(f, OWN, 0644, "old\n");
	statecase_faulty_host(f, OPS, NULL, policy);
}

static void
memory_that_runs_out_is_said(void **state)
{
	struct fakehost *f = *state;

	fakehost_file(f, "/etc/security/limits.conf", 0644,
	    "alice hard nproc 5000\n");
	statecase_alloc(f, OPS, NULL, policy);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bad_parameters_are_named_with_their_place),
	    T(a_stock_host_gets_the_file_and_then_needs_nothing),
	    T(what_covers_everybody_covers_root),
	    T(an_edit_or_a_wrong_mode_is_undone),
	    T(what_may_refuse_a_login_is_a_way_in),
	    T(who_wins_all_the_same_is_named),
	    T(the_effect_is_seen_in_a_session),
	    T(absence_removes_our_file_alone),
	    T(a_link_in_the_way_is_refused),
	    T(what_a_host_has_is_shown_as_a_state),
	    T(a_host_that_fails_is_never_taken_for_compliant),
	    T(memory_that_runs_out_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

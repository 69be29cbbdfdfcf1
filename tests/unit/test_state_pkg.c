/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/states/kinds.h"
#include "agent/states/pkg_impl.h"
#include "agent/states/words.h"
#include "tests/unit/statecase.h"

#define OPS (&state_pkg)
#define QUERY \
	"dpkg-query -W -f=${db:Status-Abbrev} ${Package} ${Version}\\n -- "
#define SIM      "apt-get -s -q --no-install-recommends "
#define ARCHIVES "/var/cache/apt/archives/"
#define APT                                                                 \
	"env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get " \
	"-y -q --no-install-recommends -o Dpkg::Options::=--force-confold " \
	"-o DPkg::Lock::Timeout=120 "                                       \
	"-o APT::ExtractTemplates::TempDir=/var/cache/debconf "

static const char policy[] =
    "present: [fail2ban, openssh-server]\nabsent: [telnetd]\n"
    "held: [openssh-server]\n";

static int
setup(void **state)
{
	struct fakehost *f = fakehost_new();

	fakehost_command(f, QUERY "fail2ban openssh-server telnetd", 1,
	    "un  fail2ban \nii  openssh-server 1:9.2p1-2\nii  telnetd 0.17\n",
	    "dpkg-query: no packages found matching x\n");
	fakehost_command(f, SIM "install -- fail2ban", 0,
	    "Inst fail2ban (1.0.2 Debian)\nInst python3-x (1 Debian)\n"
	    "Conf fail2ban\n",
	    "");
	fakehost_command(f, SIM "remove -- telnetd", 0, "Remv telnetd [0.17]\n",
	    "");
	fakehost_command(f, APT "install -- fail2ban", 0, "", "");
	fakehost_command(f, APT "remove -- telnetd", 0, "", "");
	fakehost_command(f, "apt-mark hold -- openssh-server", 0, "", "");
	*state = f;
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
	    {"{}\n",
		"1:1: pkg names no package, expected present, absent or held"},
	    {"present: []\n",
		"1:10: 'present' is an empty list, expected a list of "
		"packages"},
	    {"present: [\"-o\"]\n",
		"1:11: '-o' is no package, expected a name such as "
		"openssh-server"},
	    {"present: [A b]\n", "1:11: 'A b' is no package"},
	    {"present: [xx]\nabsent: [xx]\n",
		"1:1: xx is to be absent, and present or held"},
	    {"present: [xx, xx]\n", "1:15: 'xx' is in 'present' twice"},
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
what_differs_is_changed_in_one_call_each(void **state)
{
	struct fakehost *f = *state;

	statecase_is(f, OPS, NULL, policy,
	    "ok\nlive install fail2ban install fail2ban\n"
	    "live remove telnetd remove telnetd\n"
	    "live hold openssh-server hold openssh-server\n"
	    "proof that brings along python3-x\n");
	statecase_apply(f, OPS, NULL, policy);
	assert_true(fakehost_has_run(f, APT "install -- fail2ban"));
	assert_true(fakehost_has_run(f, APT "remove -- telnetd"));
	assert_true(fakehost_has_run(f, "apt-mark hold -- openssh-server"));
}

static void
what_holds_needs_no_apt(void **state)
{
	struct fakehost *f = *state;

	fakehost_command(f, QUERY "fail2ban openssh-server telnetd", 1,
	    "ii  fail2ban 1\nhi  openssh-server 1\nrc  telnetd 1\n", "");
	fakehost_forget_ran(f);
	statecase_is(f, OPS, NULL, policy, "ok\n");
	assert_int_equal(fakehost_ran(f)->n, 1);
}

static void
a_cascade_is_refused_with_its_names(void **state)
{
	struct fakehost *f = *state;

	fakehost_command(f, SIM "remove -- telnetd", 0,
	    "Remv telnetd [0.17]\nRemv openssh-server [1]\nPurg sudo [1]\n",
	    "");
	statecase_is(f, OPS, NULL, policy,
	    "impossible [that would also remove openssh-server, sudo, which "
	    "the state does not name]\nproof that brings along python3-x\n");
	fakehost_command(f, SIM "remove -- telnetd", 0, "", "");
	fakehost_command(f, SIM "install -- fail2ban", 0,
	    "Remv iptables [1]\nInst fail2ban (1)\n", "");
	statecase_is(f, OPS, NULL, policy,
	    "impossible [that would also remove iptables, which the state "
	    "does not name]\n");
}

static void
a_package_nobody_has_is_named(void **state)
{
	struct fakehost *f = *state;

	fakehost_command(f, SIM "install -- fail2ban", 100, "",
	    "Reading...\nE: Unable to locate package fail2ban\n");
	statecase_is(f, OPS, NULL, policy,
	    "impossible [E: Unable to locate package fail2ban]\n");
}

static void
undo_installs_and_removes_again(void **state)
{
	struct fakehost *f = *state;
	struct err e = {0};
	static const char before[] =
	    "out fail2ban\nin openssh-server 1\nin telnetd 0.17\n";

	fakehost_command(f, QUERY "fail2ban openssh-server telnetd", 1,
	    "ii  fail2ban 1\nhi  openssh-server 1\nrc  telnetd 1\n", "");
	fakehost_command(f, APT "remove -- fail2ban", 0, "", "");
	fakehost_command(f, APT "install -- telnetd=0.17", 100, "",
	    "E: Version '0.17' for 'telnetd' was not found\n");
	assert_int_equal(OPS->restore(fakehost_host(f),
			     (struct slice){
				 (const uint8_t *)before, strlen(before)},
			     &e),
	    ERR_DENIED);
	assert_string_equal(e.msg,
	    "install: E: Version '0.17' for 'telnetd' was not found");
	assert_true(fakehost_has_run(f, APT "remove -- fail2ban"));
}

static void
what_carries_a_way_in_is_one(void **state)
{
	static const struct {
		const char *yaml, *query, *was, *sim, *plan;
		bool way_in;
	} cases[] = {
	    {"absent: [openssh-server]\n", "openssh-server", "ii", "remove",
		"Remv openssh-server [1]\n", true},
	    {"absent: [telnetd, sudo]\n", "telnetd sudo", "ii", "remove",
		"Remv telnetd [1]\nRemv sudo [1]\n", true},
	    {"absent: [telnetd]\n", "telnetd", "ii", "remove",
		"Remv telnetd [1]\n", false},
	    {"present: [openssh-server]\n", "openssh-server", "un", "install",
		"Inst openssh-server (1)\n", false},
	    {"present: [ufw]\n", "ufw", "un", "install", "Inst ufw (1)\n",
		true},
	    {"held: [openssh-server]\n", "openssh-server", "ii", NULL, NULL,
		false},
	};
	struct fakehost *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str argv = STR_INIT, said = STR_INIT;
		struct slice names = slice_str(cases[i].query), name;

		while (state_next_word(&names, &name))
			str_addf(&said, "%s  %.*s 1\n", cases[i].was,
			    (int)name.n, (const char *)name.p);
		str_addf(&argv, QUERY "%s", cases[i].query);
		fakehost_command(f, argv.p, 0, said.p, "");
		str_reset(&argv);
		str_addf(&argv, SIM "%s -- %s",
		    cases[i].sim != NULL ? cases[i].sim : "none",
		    cases[i].query);
		fakehost_command(f, argv.p, 0,
		    cases[i].plan != NULL ? cases[i].plan : "", "");
		if (statecase_way_in(f, OPS, cases[i].yaml) != cases[i].way_in)
			fail_msg("%s", cases[i].yaml);
		str_clear(&argv);
		str_clear(&said);
	}
}

/* Where the archive is out of reach, nobody could be let in again. */
static void
what_carries_a_way_in_is_fetched_before_it_goes(void **state)
{
	static const char fetch[] = APT "install --reinstall --download-only "
					"-- openssh-server=1:9.2p1-2";
	static const char away[] = APT "remove -- openssh-server telnetd";
	struct fakehost *f = *state;
	struct strs names = {0};
	struct err e = {0};

	assert_int_equal(strs_add(&names, "openssh-server"), 0);
	assert_int_equal(strs_add(&names, "telnetd"), 0);
	fakehost_command(f, QUERY "openssh-server", 0,
	    "ii  openssh-server 1:9.2p1-2\n", "");
	fakehost_command(f, fetch, 100, "", "E: Failed to fetch x\n");
	fakehost_command(f, away, 0, "", "");
	assert_int_equal(pkg_change(fakehost_host(f), "remove", &names, &e),
	    ERR_DENIED);
	assert_string_equal(e.msg,
	    "an undo could not bring back openssh-server=1:9.2p1-2: install: "
	    "E: Failed to fetch x");
	assert_false(fakehost_has_run(f, away));
	/* apt-get fails not where the version is in no archive any more. */
	fakehost_command(f, fetch, 0,
	    "Reinstallation of openssh-server is not possible\n", "");
	fakehost_file(f, ARCHIVES "openssh-server_1%3a9.2p1-20_amd64.deb", 0644,
	    "");
	assert_int_equal(pkg_change(fakehost_host(f), "remove", &names, &e),
	    ERR_DENIED);
	assert_string_equal(e.msg,
	    "an undo could not bring back openssh-server=1:9.2p1-2: no archive "
	    "has it");
	assert_false(fakehost_has_run(f, away));
	fakehost_file(f, ARCHIVES "openssh-server_1%3a9.2p1-2_amd64.deb", 0644,
	    "");
	assert_int_equal(pkg_change(fakehost_host(f), "remove", &names, &e), 0);
	assert_true(fakehost_has_run(f, away));
	strs_clear(&names);
}

/* From the file, which needs no archive. */
static void
undo_takes_the_file_that_was_fetched(void **state)
{
	static const char before[] = "in openssh-server 1:9.2p1-2\n";
	static const char back[] =
	    APT "install -- " ARCHIVES "openssh-server_1%3a9.2p1-2_amd64.deb";
	struct fakehost *f = *state;
	struct err e = {0};

	fakehost_command(f, QUERY "openssh-server", 0, "rc  openssh-server 1\n",
	    "");
	fakehost_file(f, ARCHIVES "openssh-server_1%3a9.2p1-2_amd64.deb", 0644,
	    "");
	fakehost_command(f, back, 0, "", "");
	assert_int_equal(OPS->restore(fakehost_host(f), slice_str(before), &e),
	    0);
	assert_true(fakehost_has_run(f, back));
}

/* Two states may need one package, but what either of them brought about stays. */
static void
what_policy_drops_is_known_by_its_name(void **state)
{
	struct pkg_params p = {0};
	struct strs owned = {0}, left = {0};

	(void)state;
	assert_int_equal(strs_add(&p.present, "fail2ban"), 0);
	assert_int_equal(strs_add(&p.absent, "telnetd"), 0);
	assert_int_equal(strs_add(&p.held, "cron"), 0);
	assert_int_equal(OPS->owns(&p, &owned), 0);
	assert_int_equal(owned.n, 1);
	assert_string_equal(owned.v[0], "pkg:telnetd");
	assert_int_equal(OPS->leaves(&p, &left), 0);
	assert_int_equal(left.n, 3);
	assert_string_equal(left.v[0], "pkg:fail2ban installed");
	assert_string_equal(left.v[1], "pkg:telnetd removed");
	assert_string_equal(left.v[2], "pkg:cron held");
	pkg_params_clear(&p);
	strs_clear(&owned);
	strs_clear(&left);
}

static void
a_host_of_another_kind_says_so(void **state)
{
	struct fakehost *f = fakehost_new();

	(void)state;
	statecase_is(f, OPS, NULL, policy,
	    "impossible [apt-get or dpkg-query is missing, expected "
	    "Debian]\n");
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
	    T(what_differs_is_changed_in_one_call_each),
	    T(what_holds_needs_no_apt),
	    T(a_cascade_is_refused_with_its_names),
	    T(a_package_nobody_has_is_named),
	    T(undo_installs_and_removes_again),
	    T(what_carries_a_way_in_is_one),
	    T(what_carries_a_way_in_is_fetched_before_it_goes),
	    T(undo_takes_the_file_that_was_fetched),
	    cmocka_unit_test(what_policy_drops_is_known_by_its_name),
	    cmocka_unit_test(a_host_of_another_kind_says_so),
	    T(a_host_that_fails_is_never_taken_for_compliant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

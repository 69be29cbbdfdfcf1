/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/states/f2b_dump.h"
#include "agent/states/kinds.h"
#include "agent/states/params.h"
#include "tests/unit/statecase.h"

#define OPS (&state_fail2ban)
#define OWN "/etc/fail2ban/jail.d/zzz-writ.local"

static const char policy[] =
    "jails:\n"
    "  sshd: {enabled: yes, backend: systemd, maxretry: 4, findtime: 10m, "
    "bantime: 1h}\n"
    "  nginx: {enabled: no}\n"
    "ignore: [10.0.0.0/8]\n";

static const char dump[] =
    "['set', 'loglevel', 'INFO']\n"
    "['add', 'sshd', 'systemd']\n"
    "['set', 'sshd', 'maxretry', 4]\n"
    "['set', 'sshd', 'findtime', '10m']\n"
    "['set', 'sshd', 'bantime', '3600']\n"
    "['multi-set', 'sshd', 'addfailregex', ['^it\\'s maxretry, 5', 'b']]\n"
    "['set', 'sshd', 'addignoreip', '127.0.0.0/8', '::1', '10.0.0.0/8']\n"
    "['start', 'sshd']\n";

static int
setup(void **state)
{
	struct fakehost *f = fakehost_new();

	fakehost_command(f, "fail2ban-client -d", 0, dump, "");
	fakehost_command(f, "fail2ban-client -t", 0, "OK\n", "");
	fakehost_command(f, "fail2ban-client ping", 0, "pong\n", "");
	fakehost_command(f, "fail2ban-client reload", 0, "OK\n", "");
	fakehost_command(f, "fail2ban-client status", 0,
	    "Status\n|- Number of jail:\t1\n`- Jail list:\tsshd\n", "");
	fakehost_command(f, "fail2ban-client get sshd maxretry", 0, "4\n", "");
	fakehost_command(f, "fail2ban-client get sshd findtime", 0, "600\n",
	    "");
	fakehost_command(f, "fail2ban-client get sshd bantime", 0, "3600\n",
	    "");
	fakehost_command(f, "systemctl start fail2ban.service", 0, "", "");
	fakehost_dir(f, "/usr/lib/python3/dist-packages/systemd", 0755);
	fakehost_dir(f, "/run/systemd/system", 0755);
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
	    {"ignore: 10.0.0.0/8\n",
		"1:1: fail2ban has no 'jails', expected some or 'ensure: "
		"absent'"},
	    {"jails: {}\n", "1:8: 'jails' has 0 entries, expected 1 to 64"},
	    {"jails: {sshd: {bantime: banana}}\n",
		"1:25: 'bantime' is 'banana', expected a span such as 1h, or "
		"forever"},
	    {"jails: {sshd: {maxrety: 4}}\n",
		"1:16: unknown key 'maxrety', expected one of backend, "},
	    {"jails: {sshd: {maxretry: 0}}\n",
		"1:26: 'maxretry' is '0', expected 1 to 1000"},
	    {"jails: {sshd: {backend: sytemd}}\n",
		"1:25: 'backend' is 'sytemd', expected auto, systemd, polling "
		"or pyinotify"},
	    {"jails: {\"ssh d\": {}}\n",
		"1:9: 'ssh d' is no jail, expected up to 26 letters"},
	    {"jails: {DEFAULT: {bantime: 1h}}\n", "1:9: 'DEFAULT' is no jail"},
	    {"jails: {sshd: {port: \"ssh\\nx\"}}\n",
		"1:22: 'port' is several lines"},
	    {"jails: {sshd: {port: \"%(x)s\"}}\n",
		"1:22: '%(x)s' has a character that is not allowed"},
	    {"jails: {sshd: {logpath: [var/log/x]}}\n",
		"1:26: 'var/log/x' is no log file"},
	    {"jails: {sshd: {}}\nignore: [10.0.0.1/8]\n",
		"2:10: '10.0.0.1/8' in 'ignore' is no address or range"},
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
spans_are_read_as_fail2ban_writes_them(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* -2: no span */
	} cases[] = {{"600", 600}, {"10m", 600}, {"1h", 3600}, {"7d", 604800},
	    {"2w", 1209600}, {"30s", 30}, {"-1", -1}, {"", -2}, {"m", -2},
	    {"1x", -2}, {"banana", -2}, {"-5", -2}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t got = -2;
		int r = f2b_span((struct slice){(const uint8_t *)cases[i].text,
				     strlen(cases[i].text)},
		    &got);

		assert_int_equal(got, cases[i].want);
		assert_int_equal(r, cases[i].want == -2 ? ERR_PARSE : 0);
	}
}

static void
a_dump_is_read_past_quotes_and_lists(void **state)
{
	struct slice v;

	(void)state;
	assert_true(f2b_has_jail(dump, "sshd", &v));
	assert_true(slice_is(v, "systemd"));
	assert_false(f2b_has_jail(dump, "ssh", NULL));
	assert_true(f2b_value(dump, "sshd", "maxretry", &v));
	assert_true(slice_is(v, "4"));
	assert_true(f2b_has_word(dump, "sshd", "addfailregex", "b"));
	assert_false(f2b_has_word(dump, "sshd", "addfailregex", "5"));
	assert_false(f2b_value(dump, "nginx", "maxretry", &v));
}

static void
a_stock_host_gets_the_file_and_a_reload(void **state)
{
	struct fakehost *f = *state;

	statecase_is(f, OPS, NULL, policy,
	    "ok\nfile " OWN " 0644 write " OWN ", 2 jails\n");
	statecase_apply(f, OPS, NULL, policy);
	assert_string_equal(fakehost_text(f, OWN),
	    "# Written by writ-agent; changes made here are undone.\n"
	    "[DEFAULT]\n"
	    "ignoreip = 127.0.0.0/8 ::1 10.0.0.0/8\n"
	    "\n[sshd]\nenabled = true\nbackend = systemd\nmaxretry = 4\n"
	    "findtime = 600\nbantime = 3600\n"
	    "ignoreip = 127.0.0.0/8 ::1 10.0.0.0/8\n"
	    "\n[nginx]\nenabled = false\n"
	    "ignoreip = 127.0.0.0/8 ::1 10.0.0.0/8\n");
	assert_true(fakehost_has_run(f, "fail2ban-client reload"));
	statecase_is(f, OPS, NULL, policy,
	    "ok\nproof jail sshd is up, maxretry 4, findtime 600, bantime "
	    "3600\nproof jail nginx is off\n");
	fakehost_file(f, OWN, 0666, fakehost_text(f, OWN));
	statecase_is(f, OPS, NULL, policy,
	    "ok\nfile " OWN " 0644 change " OWN ", 2 jails\n");
}

static void
a_stronger_file_is_found_by_its_effect(void **state)
{
	static const struct {
		const char *from, *to, *note;
	} cases[] = {
	    {"'maxretry', 4", "'maxretry', 9", "maxretry of sshd is not 4"},
	    {"'3600'", "'banana'", "bantime of sshd is not 3600"},
	    {"'add', 'sshd', 'systemd'", "'add', 'sshd', 'polling'",
		"backend of sshd is polling"},
	    {"'add', 'sshd'", "'add', 'sshx'", "the jail sshd is not on"},
	    {"'10.0.0.0/8'", "'10.0.0.0/9'", "sshd may ban 10.0.0.0/8"},
	    {"['start', 'sshd']", "['add', 'nginx', 'polling']",
		"the jail nginx is on"},
	};
	struct fakehost *f = *state;

	statecase_apply(f, OPS, NULL, policy);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *at = strstr(dump, cases[i].from);
		struct str other = STR_INIT, want = STR_INIT;
		char *got;

		str_addn(&other, dump, (size_t)(at - dump));
		str_addf(&other, "%s%s", cases[i].to,
		    at + strlen(cases[i].from));
		fakehost_command(f, "fail2ban-client -d", 0, other.p, "");
		str_addf(&want, "impossible [%s, whatever " OWN " says]\n",
		    cases[i].note);
		assert_int_equal(statecase_plan(f, OPS, NULL, policy, &got), 0);
		if (strncmp(got, want.p, want.n) != 0)
			fail_msg("%s, expected %s", got, want.p);
		free(got);
		/* And before it is live. */
		assert_int_equal(statecase_validate(f, OPS, NULL, policy, &got),
		    ERR_DENIED);
		free(got);
		str_clear(&other);
		str_clear(&want);
	}
}

static void
a_server_that_lags_behind_is_reloaded(void **state)
{
	struct fakehost *f = *state;

	statecase_apply(f, OPS, NULL, policy);
	fakehost_command(f, "fail2ban-client get sshd bantime", 0, "600\n", "");
	statecase_is(f, OPS, NULL, policy,
	    "ok\nlive reload - have fail2ban read its configuration\n"
	    "proof jail nginx is off\n");
	fakehost_command(f, "fail2ban-client status", 255, "", "refused\n");
	statecase_is(f, OPS, NULL, policy, "ok\nlive start - start fail2ban\n");
	fakehost_forget_ran(f);
	statecase_apply(f, OPS, NULL, policy);
	assert_true(fakehost_has_run(f, "systemctl start fail2ban.service"));
}

static void
what_is_missing_is_named(void **state)
{
	struct fakehost *f = *state, *bare = fakehost_new();

	statecase_is(bare, OPS, NULL, policy,
	    "impossible [fail2ban-client is missing, expected the package "
	    "fail2ban]\n");
	fakehost_free(bare);
	fakehost_remove(f, "/usr/lib/python3/dist-packages/systemd");
	statecase_is(f, OPS, NULL, policy,
	    "impossible [its reader of the journal is missing, expected the "
	    "package python3-systemd]\n");
}

static void
absence_removes_our_file_alone(void **state)
{
	struct fakehost *f = *state;

	statecase_is(f, OPS, NULL, "ensure: absent\n", "ok\n");
	statecase_apply(f, OPS, NULL, policy);
	statecase_is(f, OPS, NULL, "ensure: absent\n",
	    "ok\nabsent " OWN " remove " OWN "\n");
}

/* --- undo: of a server that runs or not, with systemd or without ---------- */

static bool runs, is_quiet; /* quiet: it runs, and does not answer yet */

static void
server(struct fakehost *f, const char *command, struct slice in,
    struct fakehost_answer *a, void *arg)
{
	(void)f;
	(void)in;
	(void)arg;
	if (strstr(command, " start") != NULL)
		runs = true;
	else if (strstr(command, " stop") != NULL)
		runs = false;
	else if (strstr(command, " is-active") != NULL)
		str_add(&a->out, runs ? "active\n" : "inactive\n");
	else
		a->status = runs && !is_quiet ? 0 : 255;
}

static struct fakehost *
host_with_server(bool systemd)
{
	struct fakehost *f = fakehost_new();

	fakehost_command(f, "fail2ban-client -d", 0, dump, "");
	fakehost_on(f, "fail2ban-client", server, NULL);
	fakehost_on(f, "systemctl", server, NULL);
	fakehost_dir(f, "/usr/lib/python3/dist-packages/systemd", 0755);
	if (systemd)
		fakehost_dir(f, "/run/systemd/system", 0755);
	return f;
}

static void
is_up_and_undone(struct fakehost *f)
{
	assert_true(runs);
	fakehost_remove(f, OWN);
}

static void
is_up_and_dies(struct fakehost *f)
{
	is_up_and_undone(f);
	runs = false;
}

static void
undo_puts_the_server_back_to_what_it_was(void **state)
{
	(void)state;
	for (int systemd = 0; systemd < 2; systemd++)
		for (int was = 0; was < 2; was++) {
			struct fakehost *f = host_with_server(systemd == 1);

			runs = was == 1;
			statecase_undo(f, OPS, NULL, policy, is_up_and_undone);
			assert_int_equal(runs, was);
			statecase_undo(f, OPS, NULL, policy, is_up_and_dies);
			assert_int_equal(runs, was);
			fakehost_free(f);
		}
}

/* When a state is told that a run was undone its file is not there, or another. */
static void
a_server_that_was_stopped_stays_so_when_it_is_told(void **state)
{
	static const char *const left[] = {NULL, "another\n"};
	static const struct state_env env;
	void *params = NULL;

	(void)state;
	assert_int_equal(params_read(OPS, policy, &params, NULL), 0);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		struct fakehost *f = host_with_server(true);

		runs = false;
		if (left[i] != NULL)
			fakehost_file(f, OWN, 0644, left[i]);
		assert_int_equal(OPS->activate(fakehost_host(f), &env, params,
				     NULL),
		    0);
		assert_false(runs);
		fakehost_file(f, OWN, 0644, "[sshd]\n");
		statecase_apply(f, OPS, NULL, "ensure: absent\n");
		assert_false(runs);
		fakehost_free(f);
	}
	params_free(OPS, params);
}

/* A machine that has just come up. */
static void
a_server_that_does_not_answer_yet_is_not_stopped(void **state)
{
	struct fakehost *f = host_with_server(true);

	(void)state;
	runs = is_quiet = true;
	statecase_undo(f, OPS, NULL, policy, is_up_and_undone);
	assert_true(runs);
	is_quiet = false;
	fakehost_free(f);
}

static void
a_record_that_is_damaged_changes_nothing(void **state)
{
	struct fakehost *f = host_with_server(true);

	(void)state;
	runs = true;
	assert_int_equal(OPS->restore(fakehost_host(f), slice_str("stop"),
			     NULL),
	    ERR_CORRUPT);
	assert_int_equal(OPS->restore(fakehost_host(f), slice_str(""), NULL),
	    0);
	assert_true(runs);
	fakehost_free(f);
}

static void
a_host_that_fails_is_never_taken_for_compliant(void **state)
{
	struct fakehost *f = *state;

	fakehost_file(f, OWN, 0644, "old\n");
	statecase_faulty_host(f, OPS, NULL, policy);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bad_parameters_are_named_with_their_place),
	    cmocka_unit_test(spans_are_read_as_fail2ban_writes_them),
	    cmocka_unit_test(a_dump_is_read_past_quotes_and_lists),
	    T(a_stock_host_gets_the_file_and_a_reload),
	    T(a_stronger_file_is_found_by_its_effect),
	    T(a_server_that_lags_behind_is_reloaded),
	    T(what_is_missing_is_named),
	    T(absence_removes_our_file_alone),
	    cmocka_unit_test(undo_puts_the_server_back_to_what_it_was),
	    cmocka_unit_test(
		a_server_that_was_stopped_stays_so_when_it_is_told),
	    cmocka_unit_test(a_server_that_does_not_answer_yet_is_not_stopped),
	    cmocka_unit_test(a_record_that_is_damaged_changes_nothing),
	    T(a_host_that_fails_is_never_taken_for_compliant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

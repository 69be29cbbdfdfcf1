/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/states/kinds.h"
#include "tests/unit/fakesshd.h"
#include "tests/unit/statecase.h"

#define OWN  "/etc/ssh/sshd_config.d/00-writ.conf"
#define MAIN "/etc/ssh/sshd_config"
#define OPS  (&state_sshd_config)

static const char policy[] = "settings:\n"
			     "  PermitRootLogin: no\n"
			     "  MaxAuthTries: 4\n"
			     "match:\n"
			     "  - when: {Group: sftponly}\n"
			     "    settings: {ForceCommand: internal-sftp}\n";

static int
setup(void **state)
{
	struct fakehost *f = fakehost_new();

	fakesshd_install(f);
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
	    {"ensure: present\n",
		"1:1: sshd_config says nothing, expected 'settings' or "
		"'match'"},
	    {"settings: {}\n",
		"1:11: 'settings' is empty, expected keywords of "
		"sshd_config(5)"},
	    {"settings: {MaxAuthTris: 4}\n",
		"1:12: unknown keyword 'MaxAuthTris', expected one of "
		"sshd_config(5)"},
	    {"settings: {MaxAuthTries: four}\n",
		"1:26: MaxAuthTries is 'four', expected a number from 1 to "
		"1000000"},
	    {"settings: {PermitRootLogin: maybe}\n",
		"1:29: PermitRootLogin is 'maybe', expected yes, no, "
		"prohibit-password, without-password or "
		"forced-commands-only"},
	    {"settings: {PasswordAuthentication: [no]}\n",
		"1:36: PasswordAuthentication is a list, expected yes or no"},
	    {"settings: {AllowUsers: []}\n",
		"1:24: AllowUsers is a list of 0, expected 1 to 256 values"},
	    {"settings: {AllowUsers: [a, a]}\n",
		"1:28: AllowUsers has that value twice"},
	    {"settings: {LoginGraceTime: soon}\n",
		"1:28: LoginGraceTime is 'soon', expected a time such as 90 "
		"or 1m30s"},
	    {"settings: {Banner: \"issue # x\"}\n",
		"1:20: Banner is 'issue # x', expected an absolute path or "
		"none"},
	    {"settings: {Banner: \"/etc/issue\\nPermitRootLogin yes\"}\n",
		"1:20: Banner is '/etc/issue\\x0aPermitRootLogin yes', "
		"expected an absolute path or none"},
	    {"settings: {ForceCommand: \"a\\nb\"}\n",
		"1:26: ForceCommand is 'a\\x0ab', expected one line of text"},
	    {"settings: {Match: all}\n",
		"1:12: Match is no setting, expected `match:` beside "
		"`settings:` for what holds for some"},
	    {"settings: {PubkeyAcceptedKeyTypes: ssh-ed25519, "
	     "PubkeyAcceptedAlgorithms: ssh-ed25519}\n",
		"1:49: PubkeyAcceptedAlgorithms is there twice, by an older "
		"name, expected once"},
	    {"match: []\n",
		"1:8: 'match' is an empty list, expected a list of {when: "
		"..., settings: ...}"},
	    {"match: [{when: {}, settings: {MaxAuthTries: 1}}]\n",
		"1:16: 'when' is empty, expected whom the settings are for"},
	    {"match: [{when: {Group: x}, settings: {Ciphers: a}}]\n",
		"1:39: Ciphers cannot be in a Match block of sshd, expected "
		"it in `settings:` for all"},
	    {"match: [{when: {Team: x}, settings: {MaxAuthTries: 1}}]\n",
		"1:17: unknown criterion 'Team', expected User, Group, Host, "
		"Address, LocalAddress or LocalPort"},
	    {"match: [{when: {Address: 10.0.0.1/8}, settings: "
	     "{MaxAuthTries: 1}}]\n",
		"1:26: Address is '10.0.0.1/8', expected patterns without "
		"blanks, addresses without host bits"},
	    {"match: [{when: {User: \"a b\"}, settings: {MaxAuthTries: "
	     "1}}]\n",
		"1:23: User is 'a b', expected patterns without blanks, "
		"addresses without host bits"},
	    {"match: [{when: {LocalPort: ssh}, settings: {MaxAuthTries: "
	     "1}}]\n",
		"1:28: LocalPort is 'ssh', expected a port"},
	    {"match: [{when: {User: a}}]\n",
		"1:9: an entry of 'match' has no 'settings', expected "
		"keywords of sshd_config(5)"},
	    {"settings: {MaxAuthTries: 4}\nensure: gone\n",
		"2:9: 'ensure' is 'gone', expected present or absent"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = statecase_faults(OPS, cases[i].yaml);

		if (strstr(got, cases[i].want) == NULL)
			fail_msg("%s: %s", cases[i].yaml, got);
		free(got);
	}
}

static void
the_drop_in_is_planned_written_and_then_holds(void **state)
{
	struct fakehost *f = *state;

	statecase_is(f, OPS, NULL, policy,
	    "ok\n"
	    "file " OWN " 0644 ForceCommand none -> internal-sftp (sshd's "
	    "default) for Group sftponly, MaxAuthTries 6 -> 4 (sshd's "
	    "default), PermitRootLogin without-password -> no (sshd's "
	    "default)\n");
	statecase_apply(f, OPS, NULL, policy);
	assert_string_equal(fakehost_text(f, OWN),
	    "# Written by writ-agent; changes made here are undone.\n"
	    "PermitRootLogin no\n"
	    "MaxAuthTries 4\n"
	    "Match Group sftponly\n"
	    "\tForceCommand internal-sftp\n"
	    "Match all\n"
	    "\tPermitRootLogin no\n"
	    "\tMaxAuthTries 4\n");
	assert_true(fakehost_has_run(f, "systemctl reload ssh.service"));
	assert_string_equal(fakehost_text(f, MAIN), fakesshd_main);
	statecase_is(f, OPS, NULL, policy,
	    "ok\n"
	    "proof ForceCommand internal-sftp (Group sftponly)\n"
	    "proof MaxAuthTries 4 (all 3 classes)\n"
	    "proof PermitRootLogin no (all 3 classes)\n");
}

static void
somebodys_match_block_cannot_loosen_it(void **state)
{
	struct fakehost *f = *state;
	struct str main = STR_INIT;

	str_add(&main, fakesshd_main);
	str_add(&main, "Match User alice\n\tMaxAuthTries 9\n");
	fakehost_file(f, MAIN, 0644, main.p);
	str_clear(&main);
	statecase_is(f, OPS, NULL, "settings: {MaxAuthTries: 6}\n",
	    "ok\n"
	    "file " OWN " 0644 MaxAuthTries 9 -> 6 (" MAIN
	    ":8) for User alice\n");
	statecase_apply(f, OPS, NULL, "settings: {MaxAuthTries: 6}\n");
	statecase_is(f, OPS, NULL, "settings: {MaxAuthTries: 6}\n",
	    "ok\nproof MaxAuthTries 6 (all 3 classes)\n");
}

static void
who_may_is_ours_alone(void **state)
{
	static const char yaml[] = "settings: {AllowUsers: [alice, root]}\n";
	struct fakehost *f = *state;
	struct str main = STR_INIT;

	str_add(&main, fakesshd_main);
	str_add(&main, "AllowUsers mallory\n");
	fakehost_file(f, MAIN, 0644, main.p);
	str_clear(&main);
	statecase_is(f, OPS, NULL, yaml,
	    "ok\nfile " OWN " 0644 AllowUsers mallory -> alice root (" MAIN
	    ":7)\n");
	statecase_apply(f, OPS, NULL, yaml);
	statecase_is(f, OPS, NULL, yaml,
	    "ok\nproof AllowUsers alice root (all 2 classes)\n");
}

static void
a_main_file_that_reads_us_too_late_gets_an_include(void **state)
{
	struct fakehost *f = *state;

	fakehost_file(f, MAIN, 0600,
	    "# ours\n\nMaxAuthTries 10\n"
	    "Include /etc/ssh/sshd_config.d/*.conf\n");
	statecase_is(f, OPS, NULL, "settings: {MaxAuthTries: 4}\n",
	    "ok\n"
	    "file " OWN " 0644 MaxAuthTries 10 -> 4 (" MAIN ":3)\n"
	    "file " MAIN " 0600 read /etc/ssh/sshd_config.d/00-writ*.conf "
	    "first (" MAIN ":3 is ahead of it)\n");
	statecase_apply(f, OPS, NULL, "settings: {MaxAuthTries: 4}\n");
	assert_string_equal(fakehost_text(f, MAIN),
	    "# ours\n\nInclude /etc/ssh/sshd_config.d/00-writ*.conf\n"
	    "MaxAuthTries 10\n"
	    "Include /etc/ssh/sshd_config.d/*.conf\n");
	statecase_is(f, OPS, NULL, "settings: {MaxAuthTries: 4}\n",
	    "ok\nproof MaxAuthTries 4 (all 2 classes)\n");
	/* Taken away, all is as it was. */
	statecase_apply(f, OPS, NULL, "ensure: absent\n");
	assert_null(fakehost_text(f, OWN));
	assert_string_equal(fakehost_text(f, MAIN),
	    "# ours\n\nMaxAuthTries 10\n"
	    "Include /etc/ssh/sshd_config.d/*.conf\n");
	statecase_is(f, OPS, NULL, "ensure: absent\n", "ok\n");
}

static void
a_main_file_without_include_gets_one(void **state)
{
	struct fakehost *f = *state;

	fakehost_file(f, MAIN, 0644, "UsePAM yes");
	statecase_apply(f, OPS, NULL, policy);
	assert_string_equal(fakehost_text(f, MAIN),
	    "Include /etc/ssh/sshd_config.d/00-writ*.conf\nUsePAM yes");
	fakehost_file(f, MAIN, 0644, "# nothing but this");
	statecase_apply(f, OPS, NULL, policy);
	assert_string_equal(fakehost_text(f, MAIN),
	    "# nothing but this\n"
	    "Include /etc/ssh/sshd_config.d/00-writ*.conf\n");
}

static const struct {
	const char *name, *main, *dropin, *yaml, *want;
} impossible[] = {
    {"no main file", NULL, NULL, "settings: {MaxAuthTries: 4}\n",
	"impossible [" MAIN " is missing, expected that of "
	"openssh-server]\n"},
    {"an unknown cipher", fakesshd_main, NULL,
	"settings: {Ciphers: \"aes256-gcm@openssh.com,rot13\"}\n",
	"impossible [:1:21: Ciphers: 'rot13' is not known to this sshd "
	"(OpenSSH_9.2p1)]\n"},
    {"a port that adds up", "Port 2222\n", NULL, "settings: {Port: 22}\n",
	"impossible [" MAIN ":1: says Port 2222, which adds to what the "
	"policy says; take that line out]\n"},
    {"a subsystem of that name", fakesshd_main, NULL,
	"settings: {Subsystem: sftp internal-sftp}\n",
	"impossible [" MAIN ":6: says Subsystem sftp "
	"/usr/lib/openssh/sftp-server, which adds to what the policy says; "
	"take that line out]\n"},
    {"a late include and a port",
	"MaxAuthTries 9\nInclude /etc/ssh/sshd_config.d/*.conf\n", NULL,
	"settings: {Port: 2222, MaxAuthTries: 4}\n",
	"impossible [" MAIN ": its Include of /etc/ssh/sshd_config.d comes "
	"too late (read /etc/ssh/sshd_config.d/00-writ*.conf first (" MAIN
	":1 is ahead of it)); put it first]\n"},
    {"an include in a Match",
	"Match User x\nInclude /etc/ssh/sshd_config.d/*.conf\n", NULL,
	"settings: {MaxAuthTries: 4}\n",
	"impossible [" MAIN ":1: an Include of /etc/ssh/sshd_config.d in "
	"this Match block; put it first in the file]\n"},
    {"a neighbour that is broken", fakesshd_main,
	"# Written by writ-agent; changes made here are undone.\n"
	"MaxAuthTries 4\nMatch all\n\tMaxAuthTries 4\n",
	"settings: {MaxAuthTries: 4}\n",
	"impossible [sshd does not take its configuration: Bad configuration "
	"option: broken; terminating, 1 bad]\n"},
};

static void
what_cannot_be_is_said(void **state)
{
	struct fakehost *f = *state;

	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]);
	     i++) {
		char *got;

		fakehost_remove(f, OWN);
		fakehost_remove(f, MAIN);
		if (impossible[i].main != NULL)
			fakehost_file(f, MAIN, 0644, impossible[i].main);
		if (impossible[i].dropin != NULL) {
			fakehost_file(f, OWN, 0644, impossible[i].dropin);
			fakehost_file(f, "/etc/ssh/sshd_config.d/x.conf", 0644,
			    "Broken yes\n");
		}
		assert_int_equal(statecase_plan(f, OPS, NULL,
				     impossible[i].yaml, &got),
		    0);
		if (strncmp(got, impossible[i].want,
			strlen(impossible[i].want)) != 0)
			fail_msg("%s: %s", impossible[i].name, got);
		free(got);
	}
}

/* What is not read is not replaced by what we would add to it. */
static void
a_main_file_that_is_not_read_stays(void **state)
{
	static const char link[] = "impossible [" MAIN " is a symbolic link";
	static const char *const yamls[] = {policy, "ensure: absent\n"};
	struct fakehost *f = *state;
	char *got;

	fakehost_remove(f, MAIN);
	fakehost_file(f, "/etc/ssh/mine", 0644, fakesshd_main);
	fakehost_link(f, MAIN, "mine");
	for (size_t i = 0; i < sizeof(yamls) / sizeof(yamls[0]); i++) {
		fakehost_file(f, OWN, 0644, "# old\n");
		assert_int_equal(statecase_plan(f, OPS, NULL, yamls[i], &got),
		    0);
		if (strstr(got, "file " MAIN) != NULL ||
		    (i == 0 && strncmp(got, link, strlen(link)) != 0))
			fail_msg("%s", got);
		free(got);
	}
}

static void
a_host_without_sshd_is_told_apart(void **state)
{
	struct fakehost *f = fakehost_new();

	(void)state;
	fakehost_file(f, MAIN, 0644, fakesshd_main);
	fakehost_command(f, "id -Gnz -- nobody", 0, "nogroup", "");
	statecase_is(f, OPS, NULL, policy,
	    "impossible [no program sshd, expected openssh-server to be "
	    "installed]\n");
	fakehost_free(f);
}

static void
a_line_that_is_there_already_is_not_said_twice(void **state)
{
	struct fakehost *f = *state;

	fakehost_file(f, MAIN, 0644,
	    "Include /etc/ssh/sshd_config.d/*.conf\nPort 22\n");
	statecase_apply(f, OPS, NULL, "settings: {Port: 22, UsePAM: yes}\n");
	assert_string_equal(fakehost_text(f, OWN),
	    "# Written by writ-agent; changes made here are undone.\n"
	    "UsePAM yes\n");
	statecase_is(f, OPS, NULL, "settings: {Port: 22, UsePAM: yes}\n",
	    "ok\nproof Port 22 (all 2 classes)\nproof UsePAM yes (all 2 "
	    "classes)\n");
}

/* --- validate and proof -------------------------------------------------- */
struct call {
	int (*fn)(struct host *h, const struct state_env *env,
	    const void *params, struct err *e);
	const char *yaml;
};

static int
call(struct fakehost *f, const struct call *c, const struct state_env *env,
    struct err *e)
{
	struct conf_diags diags = {0};
	struct conf_in in = {.diags = &diags};
	struct yaml_doc doc = {0};
	void *params = calloc(1, OPS->params_size);
	int r;

	*e = (struct err){0};
	assert_int_equal(yaml_parse("", slice_str(c->yaml), &doc, &diags), 0);
	OPS->parse(&in, doc.root, params);
	assert_int_equal(diags.n_errors, 0);
	r = c->fn(fakehost_host(f), env, params, e);
	OPS->params_clear(params);
	free(params);
	yaml_doc_clear(&doc);
	return r;
}

static void
the_staged_tree_is_asked_itself(void **state)
{
	const struct call c = {OPS->validate, policy};
	const struct state_env env = {0};
	struct fakehost *f = *state;
	struct err e;

	/* Nothing is staged: the values are not those of the policy. */
	fakehost_command(f, "sshd -t", 0, "", "");
	assert_int_equal(call(f, &c, &env, &e), ERR_DENIED);
	assert_non_null(strstr(e.msg,
	    "with the change sshd would say ForceCommand none -> "
	    "internal-sftp"));
	statecase_apply(f, OPS, NULL, policy);
	assert_int_equal(call(f, &c, &env, &e), 0);
	fakehost_command(f, "sshd -t", 255, "", "no hostkeys available\n");
	assert_int_equal(call(f, &c, &env, &e), ERR_DENIED);
	assert_string_equal(e.msg,
	    "sshd ended with status 255: no hostkeys available");
}

static const struct {
	const char *name, *config; /* of a drop-in */
	const char *account, *address;
	const char *want; /* NULL: gets in */
} proofs[] = {
    {"stock", "", "alice", NULL, NULL},
    {"root by key", "", "root", NULL, NULL},
    {"root not", "PermitRootLogin no\n", "root", NULL,
	"'root' would be locked out: PermitRootLogin no"},
    {"no such account", "", "mallory", NULL,
	"'mallory' would be locked out: there is no such account on this "
	"host"},
    {"a group that is not", "AllowGroups nosuchgroup\n", "alice", NULL,
	"'alice' would be locked out: AllowGroups nosuchgroup, and its groups "
	"are alice ops"},
    {"a group of his", "AllowGroups nosuchgroup ops\n", "alice", NULL, NULL},
    {"a denied group", "DenyGroups op*\n", "alice", NULL,
	"'alice' would be locked out: DenyGroups op*, and its groups are "
	"alice ops"},
    {"others alone", "AllowUsers bob\n", "alice", NULL,
	"'alice' would be locked out: AllowUsers bob"},
    {"from there", "AllowUsers alice@10.0.0.0/8\n", "alice", "10.1.2.3", NULL},
    {"from elsewhere", "AllowUsers alice@10.0.0.0/8\n", "alice", "192.0.2.9",
	"'alice' would be locked out: AllowUsers alice@10.0.0.0/8"},
    {"from who knows", "AllowUsers alice@10.0.0.0/8\n", "alice", NULL, NULL},
    {"denied", "DenyUsers al?ce\n", "alice", NULL,
	"'alice' would be locked out: DenyUsers al?ce"},
    {"no keys", "PubkeyAuthentication no\nPasswordAuthentication no\n", "alice",
	NULL,
	"'alice' would be locked out: PubkeyAuthentication no and "
	"AuthenticationMethods any let no key in"},
    {"a method that is off",
	"AuthenticationMethods publickey,password\n"
	"PasswordAuthentication no\n",
	"alice", NULL,
	"'alice' would be locked out: PubkeyAuthentication yes and "
	"AuthenticationMethods publickey,password let no key in"},
    {"one of two methods",
	"AuthenticationMethods publickey,password "
	"publickey\nPasswordAuthentication no\n",
	"alice", NULL, NULL},
    {"a list that is gone", "RevokedKeys /etc/ssh/krl\n", "alice", NULL,
	"'alice' would be locked out: RevokedKeys /etc/ssh/krl is not there, "
	"so sshd would refuse every key"},
    {"broken", "Broken yes\n", "alice", NULL,
	"sshd -T: Bad configuration option: broken; terminating, 1 bad"},
    {"nobody named", "", NULL, NULL, NULL},
    {"nobody named, a group", "AllowGroups ops\n", NULL, NULL, NULL},
    {"nobody named, an empty group", "AllowGroups empty nosuchgroup\n", NULL,
	NULL,
	"everybody would be locked out: no account of this host passes "
	"AllowUsers and AllowGroups"},
    {"nobody named, nobody's name", "AllowUsers mallory\n", NULL, NULL,
	"everybody would be locked out: no account of this host passes "
	"AllowUsers and AllowGroups"},
};

static void
who_would_be_locked_out_is_named(void **state)
{
	const struct call c = {OPS->proof, policy};
	struct fakehost *f = *state;

	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
		const struct state_env env = {
		    .operator_account = proofs[i].account,
		    .operator_address = proofs[i].address,
		};
		struct err e;
		int r;

		fakehost_file(f, "/etc/ssh/sshd_config.d/x.conf", 0644,
		    proofs[i].config);
		r = call(f, &c, &env, &e);
		if (r != (proofs[i].want != NULL ? ERR_DENIED : 0) ||
		    (r != 0 && strcmp(e.msg, proofs[i].want) != 0))
			fail_msg("%s: %d %s", proofs[i].name, r, e.msg);
	}
}

static void
what_a_host_has_is_shown_as_a_state(void **state)
{
	struct fakehost *f = *state;
	struct str out = STR_INIT;
	struct err e = {0};
	char *faults;

	fakehost_file(f, MAIN, 0644,
	    "Include /etc/ssh/sshd_config.d/*.conf\n"
	    "AllowUsers alice bob\nMaxAuthTries 5\nMaxAuthTries 6\n"
	    "allowusers \"domain user\"\nNovelty on\n"
	    "ForceCommand echo \"a\"  b\n"
	    "Match User alice Address 10.0.0.0/8\n  X11Forwarding no\n");
	statecase_apply(f, OPS, NULL, "settings: {UsePAM: yes}\n");
	assert_int_equal(OPS->show(fakehost_host(f), &out, &e), 0);
	assert_string_equal(out.p,
	    "sshd_config:\n"
	    "  settings:\n"
	    "    UsePAM: yes\n"
	    "    AllowUsers: [alice, bob, \"domain user\"]\n"
	    "    MaxAuthTries: 5\n"
	    "    # " MAIN ":6: not known: Novelty\n"
	    "    ForceCommand: \"echo \\\"a\\\"  b\"\n"
	    "  match:\n"
	    "    # " MAIN ":8\n"
	    "    - when: {User: alice, Address: 10.0.0.0/8}\n"
	    "      settings:\n"
	    "        X11Forwarding: no\n");
	/* And is one: what follows the kind is its parameters. */
	faults = statecase_faults(OPS, strchr(out.p, '\n') + 1);
	assert_string_equal(faults, "");
	free(faults);
	str_clear(&out);
}

static void
two_states_of_one_keyword_own_the_same(void **state)
{
	const struct call c = {NULL, "settings: {MaxAuthTries: 4, Port: 22}\n"};
	struct conf_diags diags = {0};
	struct conf_in in = {.diags = &diags};
	struct yaml_doc doc = {0};
	void *params = calloc(1, OPS->params_size);
	struct strs owned = {0};

	(void)state;
	assert_int_equal(yaml_parse("", slice_str(c.yaml), &doc, &diags), 0);
	OPS->parse(&in, doc.root, params);
	assert_int_equal(OPS->owns(params, &owned), 0);
	assert_int_equal(owned.n, 3);
	assert_string_equal(owned.v[0], OWN);
	assert_string_equal(owned.v[1], "sshd:MaxAuthTries");
	assert_string_equal(owned.v[2], "sshd:Port");
	strs_clear(&owned);
	OPS->params_clear(params);
	free(params);
	yaml_doc_clear(&doc);
}

static void
a_host_that_fails_is_never_taken_for_one_that_holds(void **state)
{
	statecase_faulty_host(*state, OPS, NULL, policy);
}

static void
memory_that_runs_out_is_an_error(void **state)
{
	statecase_alloc(*state, OPS, NULL, policy);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(bad_parameters_are_named_with_their_place),
	    T(the_drop_in_is_planned_written_and_then_holds),
	    T(somebodys_match_block_cannot_loosen_it),
	    T(who_may_is_ours_alone),
	    T(a_main_file_that_reads_us_too_late_gets_an_include),
	    T(a_main_file_without_include_gets_one),
	    T(what_cannot_be_is_said),
	    T(a_main_file_that_is_not_read_stays),
	    T(a_host_without_sshd_is_told_apart),
	    T(a_line_that_is_there_already_is_not_said_twice),
	    T(the_staged_tree_is_asked_itself),
	    T(who_would_be_locked_out_is_named),
	    T(what_a_host_has_is_shown_as_a_state),
	    T(two_states_of_one_keyword_own_the_same),
	    T(memory_that_runs_out_is_an_error),
	    T(a_host_that_fails_is_never_taken_for_one_that_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* sshd_config and its host: what sshd is started with, how it is told, and what of
 * it all is looked at anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/states/kinds.h"
#include "agent/states/sshd_look.h"
#include "tests/unit/fakesshd.h"
#include "tests/unit/statecase.h"

#define OWN  "/etc/ssh/sshd_config.d/00-writ.conf"
#define MAIN "/etc/ssh/sshd_config"
#define OPS  (&state_sshd_config)

static const char policy[] = "settings: {MaxAuthTries: 4}\n";

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

/* sshd follows a link, and who is let in there adds to our list. */
static void
what_is_included_through_a_link_is_asked_about(void **state)
{
	static const char yaml[] = "settings: {AllowUsers: [alice]}\n";
	static const char want[] =
	    "impossible [our file is in place, and yet sshd says AllowUsers "
	    "alice sam -> alice (";
	struct fakehost *f = *state;
	char *got;

	statecase_apply(f, OPS, NULL, yaml);
	fakehost_file(f, "/etc/ssh/more", 0644,
	    "Match User sam\n\tAllowUsers sam\n");
	fakehost_link(f, "/etc/ssh/sshd_config.d/50-x.conf", "../more");
	assert_int_equal(statecase_plan(f, OPS, NULL, yaml, &got), 0);
	if (strncmp(got, want, strlen(want)) != 0)
		fail_msg("%s", got);
	free(got);
}

static char *
signs(struct fakehost *f)
{
	const struct state_env env = {0};
	struct str s = STR_INIT;
	char *text = NULL;
	struct err e = {0};

	assert_int_equal(OPS->fingerprint(fakehost_host(f), &env, NULL, &s, &e),
	    0);
	assert_int_equal(str_take(&s, &text), 0);
	return text;
}

/* Options of its command line go before all files, but not before a Match. */
static void
what_sshd_is_started_with_counts(void **state)
{
	static const char yaml[] = "settings: {UsePAM: yes, MaxAuthTries: 4}\n";
	static const char want[] =
	    "impossible [our file is in place, and yet sshd says UsePAM no -> "
	    "yes (" OWN ":2); SSHD_OPTS of /etc/default/ssh goes first: -4 -o "
	    "UsePAM=no -o MaxAuthTries=9]\n";
	struct fakehost *f = *state;
	char *got;

	statecase_apply(f, OPS, NULL, yaml);
	fakehost_file(f, "/etc/default/ssh", 0644,
	    "# SSHD_OPTS=-d\n"
	    "SSHD_OPTS=-6\n"
	    "SSHD_OPTS=\"-4 -o UsePAM=no -o MaxAuthTries=9\"\n");
	assert_int_equal(statecase_plan(f, OPS, NULL, yaml, &got), 0);
	assert_string_equal(got, want);
	free(got);
	fakehost_command(f, "sshd -t", 0, "", "");
	assert_int_equal(statecase_validate(f, OPS, NULL, yaml, &got),
	    ERR_DENIED);
	assert_string_equal(got,
	    "with the change sshd would say UsePAM no -> yes (" OWN
	    ":2); SSHD_OPTS of /etc/default/ssh goes first: -4 -o UsePAM=no -o "
	    "MaxAuthTries=9");
	free(got);
	fakehost_file(f, "/etc/default/ssh", 0644, "SSHD_OPTS=\n");
	assert_int_equal(statecase_plan(f, OPS, NULL, yaml, &got), 0);
	assert_int_equal(strncmp(got, "ok\nproof ", 9), 0);
	free(got);
}

static void
words_for_sshd_are_those_of_its_unit(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"", ""},
	    {"SSHD_OPTS=\n", ""},
	    {"SSHD_OPTS=\"\"\n", ""},
	    {"SSHD_OPTS=-4 -p 2222\n", "-4|-p|2222"},
	    {"SSHD_OPTS='-p 2222'\n", "-p|2222"},
	    {"SSHD_OPTS=\"-o 'Ciphers aes256-ctr' -4\"\n",
		"-o|Ciphers aes256-ctr|-4"},
	    {"SSHD_OPTS=-4\n#SSHD_OPTS=-6\nOTHER=-d\n", "-4"},
	    {"SSHD_OPTS=-4\nSSHD_OPTS=\n", ""},
	};
	struct fakehost *f = *state;
	struct strs words = {0};
	char *was, *is;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct strs got = {0};
		struct str s = STR_INIT;

		fakehost_file(f, "/etc/default/ssh", 0644, cases[i].text);
		assert_int_equal(sshd_options(fakehost_host(f), &got, NULL), 0);
		strs_join(&got, "|", &s);
		assert_string_equal(s.p, cases[i].want);
		str_clear(&s);
		strs_clear(&got);
	}
	/* Through a link, too. */
	fakehost_remove(f, "/etc/default/ssh");
	fakehost_file(f, "/etc/mine", 0644, "SSHD_OPTS=-4\n");
	fakehost_link(f, "/etc/default/ssh", "../mine");
	was = signs(f);
	fakehost_file(f, "/etc/mine", 0644, "SSHD_OPTS=-46\n");
	is = signs(f);
	assert_string_not_equal(was, is);
	assert_int_equal(sshd_options(fakehost_host(f), &words, NULL), 0);
	assert_int_equal(words.n, 1);
	assert_string_equal(words.v[0], "-46");
	strs_clear(&words);
	free(was);
	free(is);
}

static void
a_socket_of_systemd_gets_the_port_too(void **state)
{
	static const char sock[] =
	    "/etc/systemd/system/ssh.socket.d/00-writ.conf";
	struct fakehost *f = *state;
	static const char yaml[] = "settings: {Port: 2222}\n";

	fakehost_command(f, "systemctl is-active --quiet ssh.socket", 0, "",
	    "");
	fakehost_command(f, "systemctl daemon-reload", 0, "", "");
	fakehost_command(f, "systemctl stop ssh.service", 0, "", "");
	fakehost_command(f, "systemctl restart ssh.socket", 0, "", "");
	statecase_apply(f, OPS, NULL, yaml);
	assert_string_equal(fakehost_text(f, sock),
	    "# Written by writ-agent; changes made here are undone.\n"
	    "[Socket]\nListenStream=\nListenStream=2222\n");
	assert_true(fakehost_has_run(f, "systemctl restart ssh.socket"));
	assert_false(fakehost_has_run(f, "systemctl reload ssh.service"));
	statecase_is(f, OPS, NULL, yaml,
	    "ok\nproof Port 2222 (all 2 classes)\n");
}

static void
without_systemd_the_master_is_signalled(void **state)
{
	static const char hup[] =
	    "start-stop-daemon --stop --signal HUP --quiet --oknodo --pidfile "
	    "/run/sshd.pid --exec /usr/sbin/sshd";
	struct fakehost *f = *state;

	fakehost_remove(f, "/run/systemd");
	fakehost_command(f, hup, 0, "", "");
	statecase_apply(f, OPS, NULL, policy);
	assert_false(fakehost_has_run(f, hup));
	fakehost_file(f, "/run/sshd.pid", 0644, "17\n");
	statecase_apply(f, OPS, NULL, "ensure: absent\n");
	assert_true(fakehost_has_run(f, hup));
}

static void
run_sshd_is_made_where_it_is_missing(void **state)
{
	struct fakehost *f = *state;
	char *got;

	fakehost_remove(f, "/run/sshd");
	fakehost_command(f, "mkdir -m 0755 /run/sshd", 0, "", "");
	assert_int_equal(statecase_plan(f, OPS, NULL, policy, &got), 0);
	assert_true(fakehost_has_run(f, "mkdir -m 0755 /run/sshd"));
	free(got);
}

static void
a_fingerprint_starts_no_program_and_sees_each_file(void **state)
{
	static const char *const paths[] = {OWN, MAIN, "/etc/default/ssh",
	    "/etc/ssh/sshd_config.d/50-x.conf", "/etc/group", "/etc/passwd"};
	const struct state_env env = {0};
	struct fakehost *f = *state;
	struct str was = STR_INIT, is = STR_INIT;
	struct err e = {0};

	statecase_apply(f, OPS, NULL, policy);
	fakehost_file(f, "/etc/ssh/sshd_config.d/50-x.conf", 0644, "#\n");
	fakehost_forget_ran(f);
	assert_int_equal(OPS->fingerprint(fakehost_host(f), &env, NULL, &was,
			     &e),
	    0);
	assert_int_equal(fakehost_ran(f)->n, 0);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		fakehost_file(f, paths[i], 0644,
		    i == 1 ? fakesshd_main : "# changed\n");
		str_reset(&is);
		assert_int_equal(OPS->fingerprint(fakehost_host(f), &env, NULL,
				     &is, &e),
		    0);
		assert_string_not_equal(was.p, is.p);
		str_reset(&was);
		str_add(&was, is.p);
	}
	str_clear(&was);
	str_clear(&is);
}

static void
a_fingerprint_sees_through_a_link(void **state)
{
	struct fakehost *f = *state;
	char *was, *is;

	fakehost_file(f, "/etc/ssh/more", 0644, "# one\n");
	fakehost_link(f, "/etc/ssh/sshd_config.d/50-x.conf", "../more");
	was = signs(f);
	fakehost_file(f, "/etc/ssh/more", 0644, "# another\n");
	is = signs(f);
	assert_string_not_equal(was, "");
	assert_string_not_equal(was, is);
	free(was);
	free(is);
}

/* What it does not read may change unseen: then nothing is known. */
static void
of_what_is_not_read_there_is_no_fingerprint(void **state)
{
	struct fakehost *f = *state;
	char *got, *large = malloc(HOST_FILE_MAX + 2);

	memset(large, '\n', HOST_FILE_MAX + 1);
	large[HOST_FILE_MAX + 1] = '\0';
	fakehost_file(f, "/etc/ssh/sshd_config.d/50-x.conf", 0644, large);
	free(large);
	got = signs(f);
	assert_string_equal(got, "");
	free(got);
	fakehost_remove(f, "/etc/ssh/sshd_config.d/50-x.conf");
	/* A directory says nothing, and can say nothing later. */
	fakehost_dir(f, "/etc/ssh/sshd_config.d/60-x.conf", 0755);
	got = signs(f);
	assert_string_not_equal(got, "");
	free(got);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(what_is_included_through_a_link_is_asked_about),
	    T(what_sshd_is_started_with_counts),
	    T(words_for_sshd_are_those_of_its_unit),
	    T(a_socket_of_systemd_gets_the_port_too),
	    T(without_systemd_the_master_is_signalled),
	    T(run_sshd_is_made_where_it_is_missing),
	    T(a_fingerprint_starts_no_program_and_sees_each_file),
	    T(a_fingerprint_sees_through_a_link),
	    T(of_what_is_not_read_there_is_no_fingerprint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

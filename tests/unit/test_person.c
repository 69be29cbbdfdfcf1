/* SPDX-License-Identifier: ISC */
/*
 * Signing as people do, with ssh-keygen: from a file, from an agent, and with
 * a passphrase typed on a terminal.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/key/person.h"
#include "lib/ssh/sshsig.h"
#include "tests/unit/env.h"
#include "tests/unit/keycase.h"

static struct err err;

static int
group_setup(void **state)
{
	if (sshtool_setup(state) != 0)
		return 1;
	unsetenv("SSH_AUTH_SOCK");
	unsetenv("SSH_ASKPASS");
	unsetenv("DISPLAY");
	sshtool_run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
	    sshtool_path("plain"), NULL);
	sshtool_run("ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f",
	    sshtool_path("enc"), NULL);
	sshtool_run("ssh-keygen", "-q", "-t", "ecdsa", "-m", "PEM", "-N", "",
	    "-f", sshtool_path("pem"), NULL);
	sshtool_run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
	    sshtool_path("other"), NULL);
	return 0;
}

static void
copy(const char *from, const char *to)
{
	size_t n;
	char *text = sshtool_read(from, &n);

	sshtool_write(to, text, n);
	free(text);
}

static void
assert_person(const char *file, const char *pub_name)
{
	struct pubkey *want = kc_public_of(pub_name), *pub = NULL;

	assert_int_equal(person_pubkey(sshtool_path(file), &pub, &err), 0);
	assert_true(pubkey_equal(pub, want));
	pubkey_free(pub);
	pubkey_free(want);
}

static void
the_public_key_is_found_wherever_it_is(void **state)
{
	struct pubkey *pub = NULL;

	(void)state;
	assert_person("plain", "plain.pub");
	assert_person("plain.pub", "plain.pub");
	assert_person("pem", "pem.pub");
	copy("enc", "alone");
	assert_person("alone", "enc.pub");
	/* Named as the private key that only the agent has. */
	copy("plain.pub", "inagent.pub");
	assert_person("inagent", "plain.pub");
	/* The private key counts, a .pub of another key beside it does not. */
	copy("enc", "stale");
	copy("plain.pub", "stale.pub");
	assert_person("stale", "enc.pub");

	copy("pem", "pemalone");
	assert_int_equal(person_pubkey(sshtool_path("pemalone"), &pub, &err),
	    ERR_NOTFOUND);
	assert_non_null(strstr(err.hint, "ssh-keygen -y"));
	assert_int_equal(person_pubkey(sshtool_path("absent"), &pub, &err),
	    ERR_NOTFOUND);
	sshtool_write("rubbish", "rubbish\n", 8);
	assert_int_equal(person_pubkey(sshtool_path("rubbish"), &pub, &err),
	    ERR_PARSE);
	assert_null(pub);
}

static void
assert_signs(const char *file, const char *pub_name)
{
	struct slice msg = slice_str("the message\n");
	struct str text = STR_INIT;
	struct pubkey *want = kc_public_of(pub_name);
	struct sshsig s;
	size_t used = 0;

	str_add(&text, "before\n");
	if (person_sign(sshtool_path(file), "request@writ", msg, &text, &err) !=
	    0)
		fail_msg("%s: %s", file, err.msg);
	assert_memory_equal(text.p, "before\n", 7);
	sshsig_init(&s);
	assert_int_equal(sshsig_parse_armor(slice_of(text.p + 7, text.n - 7),
			     &s, &used, &err),
	    0);
	assert_int_equal(used, text.n - 7);
	assert_true(pubkey_equal(s.key, want));
	assert_int_equal(sshsig_verify(&s, "request@writ", msg, NULL, &err), 0);
	sshsig_clear(&s);
	str_clear(&text);
	pubkey_free(want);
}

static void
a_file_signs(void **state)
{
	(void)state;
	assert_signs("plain", "plain.pub");
	assert_signs("plain.pub", "plain.pub");
	assert_signs("pem", "pem.pub");
}

static void
an_agent_signs(void **state)
{
	pid_t pid = sshtool_agent_start("agent");

	(void)state;
	setenv("SSH_AUTH_SOCK", sshtool_path("agent"), 1);
	sshtool_run("ssh-add", "-q", sshtool_path("other"), NULL);
	copy("other.pub", "gone.pub");
	assert_signs("gone.pub", "other.pub");
	assert_signs("gone", "other.pub");
	unsetenv("SSH_AUTH_SOCK");
	sshtool_agent_stop(pid);
}

/* Standard error is a pipe under make; here it is made so for certain. */
static int
sign_quietly(const char *file, struct str *text)
{
	int saved = dup(2), null = open("/dev/null", O_RDWR), r;

	dup2(null, 2);
	r = person_sign(sshtool_path(file), "request@writ", slice_str("m"),
	    text, &err);
	dup2(saved, 2);
	close(saved);
	close(null);
	return r;
}

static void
what_ssh_keygen_says_is_the_message(void **state)
{
	struct str text = STR_INIT;

	(void)state;
	copy("other.pub", "nowhere.pub");
	assert_int_equal(sign_quietly("nowhere.pub", &text), ERR_DENIED);
	if (strstr(err.msg, "nowhere") == NULL)
		fail_msg("%s", err.msg);
	assert_int_equal(text.n, 0);
	assert_int_equal(sign_quietly("absent", &text), ERR_NOTFOUND);
}

static void
without_ssh_keygen_that_is_said(void **state)
{
	struct str text = STR_INIT;
	char *old = env_copy("PATH");
	int r;

	(void)state;
	setenv("PATH", "/nonexistent", 1);
	r = sign_quietly("plain", &text);
	setenv("PATH", old, 1);
	free(old);
	assert_int_equal(r, ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "ssh-keygen"));
}

/* A program of that name that prints the file "answer" beside it. */
static void
a_signature_that_is_not_ours_is_refused(void **state)
{
	static const struct {
		const char *ns, *key, *text;
		int want;
	} cases[] = {
	    {"request@writ", "plain", "m", 0},
	    {"decision@writ", "plain", "m", ERR_BADSIG},
	    {"request@writ", "other", "m", ERR_BADSIG},
	    {"request@writ", "plain", "n", ERR_BADSIG},
	};
	static const char script[] = "#!/bin/sh\nexec cat \"${0%/*}/answer\"\n";
	char *old = env_copy("PATH");
	struct str path = STR_INIT, text = STR_INIT;

	(void)state;
	assert_int_equal(mkdir(sshtool_path("fake"), 0700), 0);
	assert_int_equal(file_write(sshtool_path("fake/ssh-keygen"), script,
			     strlen(script), 0700, FILE_NOSYNC, NULL),
	    0);
	str_addf(&path, "%s:%s", sshtool_path("fake"), old);
	for (size_t i = 0; i < 4; i++) {
		sshtool_write("m", cases[i].text, 1);
		unlink(sshtool_path("m.sig"));
		sshtool_run("ssh-keygen", "-q", "-Y", "sign", "-n", cases[i].ns,
		    "-f", sshtool_path(cases[i].key), sshtool_path("m"), NULL);
		copy("m.sig", "fake/answer");
		setenv("PATH", path.p, 1);
		assert_int_equal(sign_quietly("plain", &text), cases[i].want);
		setenv("PATH", old, 1);
		assert_int_equal(text.n == 0, cases[i].want != 0);
		str_reset(&text);
	}
	sshtool_write("fake/answer", "nonsense\n", 9);
	setenv("PATH", path.p, 1);
	assert_int_equal(sign_quietly("plain", &text), ERR_PARSE);
	setenv("PATH", old, 1);
	free(old);
	str_clear(&path);
	str_clear(&text);
}

/* In a session of its own, whose terminal is the other end of master. */
static void
sign_at_terminal(const char *tty, const char *display)
{
	struct str text = STR_INIT;
	int fd, r;

	setsid();
	fd = open(tty, O_RDWR);
	if (fd == -1 || ioctl(fd, TIOCSCTTY, 0) != 0)
		_exit(100);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (display != NULL)
		setenv("DISPLAY", display, 1);
	setenv("SSH_ASKPASS", "/bin/false", 1);
	r = person_sign(sshtool_path("enc"), "request@writ", slice_str("m"),
	    &text, &err);
	dprintf(2, "ended %d %s\n", r, err.msg);
	_exit(r == 0 && text.n > 100 ? 0 : 1);
}

/* Types phrase when asked; the screen and the exit status come back. */
static int
at_terminal(const char *display, const char *phrase, char *screen, size_t max)
{
	char tty[64];
	int master = posix_openpt(O_RDWR | O_NOCTTY), status;
	size_t n = 0;
	bool typed = false;
	ssize_t got;
	pid_t pid;

	assert_true(master >= 0 && grantpt(master) == 0 &&
	    unlockpt(master) == 0 && ptsname_r(master, tty, 64) == 0);
	pid = fork();
	if (pid == 0)
		sign_at_terminal(tty, display);
	alarm(60);
	screen[0] = '\0';
	while (n < max - 1 &&
	    (got = read(master, screen + n, max - 1 - n)) > 0) {
		n += (size_t)got;
		screen[n] = '\0';
		if (!typed && strstr(screen, "passphrase") != NULL) {
			/* After the terminal stopped its echo. */
			usleep(200000);
			dprintf(master, "%s\n", phrase);
			typed = true;
		}
		if (strstr(screen, "ended") != NULL)
			break;
	}
	waitpid(pid, &status, 0);
	alarm(0);
	close(master);
	assert_true(typed);
	return WEXITSTATUS(status);
}

static void
a_passphrase_is_asked_on_the_terminal(void **state)
{
	char screen[4096];

	(void)state;
	assert_int_equal(at_terminal(NULL, "secret", screen, sizeof(screen)),
	    0);
	assert_null(strstr(screen, "Signing data"));
	assert_null(strstr(screen, "secret"));
}

static void
a_display_does_not_take_the_question_away(void **state)
{
	char screen[4096];

	(void)state;
	assert_int_equal(at_terminal("nowhere:77", "secret", screen,
			     sizeof(screen)),
	    0);
}

static void
a_wrong_passphrase_is_said_on_the_terminal(void **state)
{
	char screen[4096];

	(void)state;
	assert_int_equal(at_terminal(NULL, "wrong", screen, sizeof(screen)), 1);
	assert_non_null(strstr(screen, "incorrect passphrase"));
	assert_non_null(strstr(screen, "for the reason it gave"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_public_key_is_found_wherever_it_is),
	    cmocka_unit_test(a_file_signs),
	    cmocka_unit_test(an_agent_signs),
	    cmocka_unit_test(what_ssh_keygen_says_is_the_message),
	    cmocka_unit_test(without_ssh_keygen_that_is_said),
	    cmocka_unit_test(a_signature_that_is_not_ours_is_refused),
	    cmocka_unit_test(a_passphrase_is_asked_on_the_terminal),
	    cmocka_unit_test(a_display_does_not_take_the_question_away),
	    cmocka_unit_test(a_wrong_passphrase_is_said_on_the_terminal),
	};

	return cmocka_run_group_tests(tests, group_setup, sshtool_teardown);
}

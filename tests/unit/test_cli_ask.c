/* SPDX-License-Identifier: ISC */
/* Questions on the terminal: who may answer, and what no answer means. */
#include "lib/cli/cli.h"

#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static void
expect_has(const char *name, const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("%s: wanted '%s' in: %s", name, part, text);
}

/* Wait until the terminal shows what is typed, or not, five seconds at most. */
static void
wait_for_echo(int fd, bool on)
{
	struct termios t;

	for (int i = 0; i < 5000; i++) {
		assert_int_equal(tcgetattr(fd, &t), 0);
		if (((t.c_lflag & ECHO) != 0) == on)
			return;
		usleep(1000);
	}
	fail_msg("echo was not switched %s", on ? "on" : "off");
}

/*
 * In a child with a terminal of its own: type `input` when a question ends with
 * `prompt` and the echo is on or off, return the child's status; what the
 * terminal showed goes to shown.
 */
static int
at_terminal(int (*ask)(void), const char *prompt, bool echo, const char *input,
    char *shown, size_t max)
{
	size_t n = 0, len = strlen(prompt);
	bool typed = false;
	ssize_t got;
	int fd, status;
	pid_t pid = forkpty(&fd, NULL, NULL, NULL);

	assert_true(pid != -1);
	if (pid == 0)
		_exit(ask());
	while (n + 1 < max && (got = read(fd, shown + n, max - 1 - n)) > 0) {
		n += (size_t)got;
		if (typed || n < len ||
		    memcmp(shown + n - len, prompt, len) != 0)
			continue;
		wait_for_echo(fd, echo);
		assert_int_equal(write(fd, input, strlen(input)),
		    (ssize_t)strlen(input));
		typed = true;
	}
	shown[n] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fd);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
ask_yes(void)
{
	return cli_confirm("really?") ? 1 : 0;
}

static void
only_yes_is_yes(void **state)
{
	static const struct {
		const char *typed;
		int want;
	} cases[] = {
	    {"y\n", 1},
	    {"Yes\n", 1},
	    {"n\n", 0},
	    {"\n", 0},
	    {" y\n", 0},
	    {"maybe yes\n", 0},
	    {"\004", 0}, /* end of input */
	    {"y23456789012345678\n", 0},
	};
	char shown[256];

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		int got = at_terminal(ask_yes, "[y/N] ", true, cases[i].typed,
		    shown, sizeof(shown));

		if (got != cases[i].want)
			fail_msg("%s: got %d", cases[i].typed, got);
		expect_has(cases[i].typed, shown, "really? [y/N] ");
		/* What is said next begins a line. */
		if (shown[strlen(shown) - 1] != '\n')
			fail_msg("%s: ends in: %s", cases[i].typed, shown);
	}
}

/* 0: the passphrase was "secret"; 1: another one; 2: none. */
static int
ask_secret(void)
{
	char out[8];
	size_t n = 0;

	if (cli_ask_passphrase(NULL, "key k", out, sizeof(out), &n) != 0)
		return 2;
	return n == 6 && memcmp(out, "secret", 6) == 0 ? 0 : 1;
}

static void
a_passphrase_is_not_shown(void **state)
{
	char shown[256];

	(void)state;
	unsetenv("SSH_ASKPASS");
	assert_int_equal(at_terminal(ask_secret, "key k: ", false, "secret\n",
			     shown, sizeof(shown)),
	    0);
	expect_has("question", shown, "key k: ");
	assert_null(strstr(shown, "secret"));
	/* One more than there is room for: not cut, refused. */
	assert_int_equal(at_terminal(ask_secret, "key k: ", false,
			     "123456789\n", shown, sizeof(shown)),
	    2);
}

/* In a child without any terminal. */
static int
without_terminal(int (*ask)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid != -1);
	if (pid == 0) {
		if (setsid() == -1 || freopen("/dev/null", "w", stderr) == NULL)
			_exit(99);
		_exit(ask());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
without_a_terminal_nobody_said_yes(void **state)
{
	(void)state;
	unsetenv("SSH_ASKPASS");
	assert_int_equal(without_terminal(ask_yes), 0);
	assert_int_equal(without_terminal(ask_secret), 2);
}

static void
a_program_may_ask_instead(void **state)
{
	static const struct {
		const char *script;
		int want;
	} cases[] = {
	    {"echo secret", 0},
	    {"printf secret", 0},
	    {"[ \"$1\" = 'key k' ] && echo secret", 0},
	    {"echo other", 1},
	    {"echo secret; exit 1", 2},
	    {"exit 0", 2},
	    {"echo 123456789", 2},
	};
	const char *tmp = getenv("TMPDIR");
	char dir[256], path[300], shown[256];

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/test-cli-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/ask", dir);
	setenv("SSH_ASKPASS", path, 1);
	for (size_t i = 0; i < LEN(cases); i++) {
		FILE *f = fopen(path, "w");
		int got;

		assert_non_null(f);
		fprintf(f, "#!/bin/sh\n%s\n", cases[i].script);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(chmod(path, 0700), 0);
		got = without_terminal(ask_secret);
		if (got != cases[i].want)
			fail_msg("%s: got %d", cases[i].script, got);
		/* With a terminal only where it is asked for. */
		setenv("SSH_ASKPASS_REQUIRE", "force", 1);
		assert_int_equal(at_terminal(ask_secret, "key k: ", false, "",
				     shown, sizeof(shown)),
		    cases[i].want);
		assert_string_equal(shown, "");
		unsetenv("SSH_ASKPASS_REQUIRE");
	}
	assert_int_equal(at_terminal(ask_secret, "key k: ", false, "secret\n",
			     shown, sizeof(shown)),
	    0);
	expect_has("question", shown, "key k: ");
	unsetenv("SSH_ASKPASS");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_yes_is_yes),
	    cmocka_unit_test(a_passphrase_is_not_shown),
	    cmocka_unit_test(without_a_terminal_nobody_said_yes),
	    cmocka_unit_test(a_program_may_ask_instead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* Questions to whoever sits at the terminal. */
#include "lib/cli/cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/proc/child.h"

#define LINE_MAX_BYTES 4096

/* One line from fd into out, without its end; false at its end or on error.
 * Byte by byte, so that nothing of what follows is swallowed. */
static bool
read_line(int fd, char *out, size_t max, size_t *n)
{
	size_t len = 0;
	char c;

	while (read(fd, &c, 1) == 1) {
		if (c == '\n') {
			*n = len;
			return true;
		}
		if (len == max)
			break;
		out[len++] = c;
	}
	dprintf(fd, "\n"); /* what is said next begins a line */
	return false;
}

bool
cli_confirm(const char *question)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	char answer[16];
	size_t n = 0;
	bool yes;

	if (fd == -1) {
		cli_warn("no terminal to ask on; -y answers yes");
		return false;
	}
	fflush(stdout);
	dprintf(fd, "%s [y/N] ", question);
	yes = read_line(fd, answer, sizeof(answer), &n) && n > 0 &&
	    (answer[0] == 'y' || answer[0] == 'Y');
	(void)close(fd);
	return yes;
}

bool
cli_has_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd == -1)
		return false;
	(void)close(fd);
	return true;
}

int
cli_ask_line(const char *question, char **out, struct err *e)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	char answer[LINE_MAX_BYTES];
	size_t n = 0;
	bool got;

	if (fd == -1)
		return err_set(e, ERR_DENIED, "no terminal to ask on");
	fflush(stdout);
	dprintf(fd, "%s", question);
	got = read_line(fd, answer, sizeof(answer), &n);
	(void)close(fd);
	if (!got)
		return err_set(e, ERR_DENIED, "no answer was given");
	return (*out = str_dupn(answer, n)) != NULL ? 0 : err_nomem(e);
}

/* $SSH_ASKPASS, as ssh(1) uses it where there is no terminal. */
static int
ask_program(const char *program, const char *what, char *out, size_t max,
    size_t *n)
{
	const char *argv[] = {program, what, NULL};
	struct child_run run = {
	    .argv = argv, .out_max = max + 1, .err_through = true};
	struct child_result res = {0};
	int r = -1;

	if (child_run(&run, &res, NULL) != 0)
		return -1;
	if (res.status == 0 && res.out_len > 0) {
		size_t len = res.out_len;

		if (res.out[len - 1] == '\n')
			len--;
		if (len <= max) {
			memcpy(out, res.out, len);
			*n = len;
			r = 0;
		}
	}
	if (res.out != NULL)
		mem_wipe(res.out, res.out_len);
	child_result_clear(&res);
	return r;
}

int
cli_ask_passphrase(void *ctx, const char *what, char *out, size_t max,
    size_t *n)
{
	const char *program = getenv("SSH_ASKPASS");
	const char *require = getenv("SSH_ASKPASS_REQUIRE");
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios was, quiet;
	bool forced = require != NULL && strcmp(require, "force") == 0;
	bool ok;

	(void)ctx;
	if (program != NULL && program[0] != '\0' && (fd == -1 || forced)) {
		if (fd != -1)
			(void)close(fd);
		return ask_program(program, what, out, max, n);
	}
	if (fd == -1)
		return -1;
	fflush(stdout);
	dprintf(fd, "%s: ", what);
	if (tcgetattr(fd, &was) != 0) {
		(void)close(fd);
		return -1;
	}
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(fd, TCSAFLUSH, &quiet);
	ok = read_line(fd, out, max, n);
	(void)tcsetattr(fd, TCSAFLUSH, &was);
	if (ok)
		dprintf(fd, "\n");
	(void)close(fd);
	return ok ? 0 : -1;
}

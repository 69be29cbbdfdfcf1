/* SPDX-License-Identifier: ISC */
/*
 * Exec channels: a process beside the one that talks to the network, which
 * does nothing but read a notice, run the channel's program, and say how it
 * ended.  A packet each way: the JSON; a byte and a sentence.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/notify/deliver.h"
#include "lib/proc/child.h"

#define HOOK_TEMPFAIL 75 /* EX_TEMPFAIL of sysexits.h: try again */
#define HOOK_OUT_MAX  65536
#define ANSWER_MAX    (1 + NOTICE_ERROR_MAX)

enum answer { ANSWER_SENT = 's', ANSWER_LATER = 'l', ANSWER_FAILED = 'f' };

/* The last line a program wrote to standard error, or the words given. */
static void
say_why(const struct child_result *res, struct err *e)
{
	const char *text = res->err_text, *line;
	size_t n = strlen(text);

	while (n > 0 && text[n - 1] == '\n')
		n--;
	line = text + n;
	while (line > text && line[-1] != '\n')
		line--;
	(void)err_set(e, ERR_SYS, "exit status %d%s%.*s", res->status,
	    n > 0 ? ": " : "", (int)(text + n - line), line);
}

static enum answer
run_hook(const char *const *argv, struct slice in, struct err *e)
{
	struct child_run run = {.argv = argv,
	    .in = in,
	    .out_max = HOOK_OUT_MAX,
	    .timeout_ms = DELIVER_SECS * 1000};
	struct child_result res = {0};
	enum answer a = ANSWER_SENT;

	if (child_run(&run, &res, e) != 0)
		return ANSWER_FAILED;
	if (res.status != 0) {
		say_why(&res, e);
		a = res.status == HOOK_TEMPFAIL ? ANSWER_LATER : ANSWER_FAILED;
	}
	child_result_clear(&res);
	return a;
}

static void
serve(int fd, const char *const *argv, char *packet)
{
	char answer[ANSWER_MAX];
	ssize_t n;

	while ((n = read(fd, packet, NOTICE_MAX)) > 0) {
		struct err e = {0};
		size_t len;

		answer[0] =
		    (char)run_hook(argv, slice_of(packet, (size_t)n), &e);
		len = strnlen(e.msg, NOTICE_ERROR_MAX);
		memcpy(answer + 1, e.msg, len);
		if (write(fd, answer, 1 + len) == -1)
			return;
	}
}

static void __attribute__((noreturn))
hook_main(int fd, const struct channel *c, pid_t parent)
{
	const char **argv = calloc(c->argv.n + 1, sizeof(*argv));
	char *packet = malloc(NOTICE_MAX);
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* What ends a service by name or group ends us by closing fd. */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (fd > 3)
		(void)syscall(SYS_close_range, 3U, (unsigned)fd - 1, 0U);
	(void)syscall(SYS_close_range, (unsigned)fd + 1, ~0U, 0U);
	/* The parent may have died before prctl(). */
	if (argv == NULL || packet == NULL || getppid() != parent)
		_exit(1);
	for (size_t i = 0; i < c->argv.n; i++)
		argv[i] = c->argv.v[i];
	serve(fd, argv, packet);
	_exit(0);
}

int
hook_start(const struct channel *c, int *fd, struct err *e)
{
	pid_t parent = getpid(), pid;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, "make a socket pair");
	if ((pid = fork()) == -1) {
		close(pair[0]);
		close(pair[1]);
		return err_sys(e, "fork");
	}
	if (pid == 0)
		hook_main(pair[1], c, parent);
	close(pair[1]);
	*fd = pair[0];
	return 0;
}

int
deliver_exec(const struct delivery *d, struct err *e)
{
	struct pollfd p = {.fd = d->hook, .events = POLLIN};
	char answer[ANSWER_MAX];
	struct str json = STR_INIT;
	ssize_t n = -1;
	int r = 0;

	notice_encode(d->notice, d->to, &json);
	if (str_check(&json) != 0)
		r = err_nomem(e);
	else if (json.n > NOTICE_MAX)
		r = err_set(e, ERR_LIMIT, "the notice is too long");
	else if (send(d->hook, json.p, json.n, MSG_NOSIGNAL) == -1)
		r = err_sys(e, "reach the process that runs hooks");
	str_clear(&json);
	if (r != 0)
		return r;
	/* The program's own limit ends it first.  A stop shuts the socket. */
	if (poll(&p, 1, (DELIVER_SECS + 5) * 1000) == 1)
		n = recv(d->hook, answer, sizeof(answer), 0);
	if (n < 1)
		return err_set(e, ERR_NET,
		    "the process that runs hooks does not answer");
	if (answer[0] == ANSWER_SENT)
		return 0;
	(void)err_set(e, ERR_SYS, "%.*s", (int)n - 1, answer + 1);
	return answer[0] == ANSWER_LATER ? DELIVER_LATER : ERR_SYS;
}

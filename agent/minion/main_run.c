/* SPDX-License-Identifier: ISC */
/*
 * writ-agent-run: root's part of the agent that is always there, and so does
 * next to nothing: it starts the link, and an applier when the link has asked
 * for something.  It reads no byte of what they say.
 *
 * There is one socket pair.  The link has one end; the other is the applier's,
 * while there is one, and ours to look at meanwhile: when something can be read
 * there and nobody is at work, it is time for an applier.  One that ends badly
 * may not have answered, which the link is told.  Nor may it have read what there
 * is, as where the disk is full or a package half unpacked: the next one waits
 * longer each time, until one ends well.
 *
 * While it stops, no applier is started any more, and a link that has asked sees
 * the end of its socket; or it would wait for an answer, and we for it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/minion/verbs.h"
#include "lib/base/clock.h"
#include "lib/proc/plog.h"

#define NAME      "writ-agent-run"
#define AGAIN_MS  1000  /* before a link that ended is started again */
#define AGAIN_MAX 60000 /* where it ends again and again */
#define STEADY_S  60    /* after which it counts as having run */
#define BAD_MS    100   /* before an applier after one that ended badly */

struct runner {
	const char *config, *state, *user, *agent, *link_path;
	int signals;
	int applier_end, link_end; /* link_end: -1 once it is the link's */
	pid_t link, applier;       /* 0: none */
	bool stopping;
	int again_ms;
	time_t began;
	int bad_ms;         /* 0: the last applier ended well */
	int64_t not_before; /* the next one; clock_mono_ms() */
};

static int
usage(void)
{
	fprintf(stderr,
	    "usage: " NAME " -c CONFIG -s STATE -u USER -a AGENT -l LINK\n");
	return 2;
}

/* --- starting ------------------------------------------------------------- */

static void __attribute__((noreturn)) become(const char *const *argv, int fd)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(fd, VERB_FD) == VERB_FD) /* all others close at exec */
		execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static pid_t
start(const char *const *argv, int fd)
{
	pid_t pid = fork();

	if (pid == 0)
		become(argv, fd);
	if (pid == -1)
		plog(PLOG_ERR, "cannot start a process", "program", argv[0],
		    "error", strerror(errno), NULL);
	return pid > 0 ? pid : 0;
}

static void
hang_up(struct runner *r)
{
	if (r->applier_end != -1)
		(void)close(r->applier_end);
	r->applier_end = -1;
}

static void
start_link(struct runner *r)
{
	const char *argv[] = {
	    r->link_path, "-s", r->state, "-u", r->user, NULL};
	int p[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) != 0) {
		plog(PLOG_ERR, "cannot make a socket", "error", strerror(errno),
		    NULL);
		return;
	}
	hang_up(r);
	r->applier_end = p[0];
	r->link = start(argv, p[1]);
	r->began = time(NULL);
	(void)close(p[1]);
}

/* Before the next applier. */
static void
wait_longer(struct runner *r)
{
	r->bad_ms = r->bad_ms == 0 ? BAD_MS : 2 * r->bad_ms;
	if (r->bad_ms > AGAIN_MAX)
		r->bad_ms = AGAIN_MAX;
	r->not_before = clock_mono_ms() + r->bad_ms;
}

static void
start_applier(struct runner *r)
{
	const char *argv[] = {r->agent, "applier", "--config", r->config,
	    "--state", r->state, NULL};

	r->applier = start(argv, r->applier_end);
	if (r->applier == 0)
		wait_longer(r);
}

/* --- ends ----------------------------------------------------------------- */

/* A frame of lib/proc: uint32 6, uint16 type, uint32 0. */
static void
tell_died(struct runner *r)
{
	const uint8_t f[10] = {0, 0, 0, 6, 0, VERB_DIED, 0, 0, 0, 0};
	char text[24];

	(void)snprintf(text, sizeof(text), "%d", (int)r->applier);
	plog(PLOG_ERR, "an applier ended badly", "pid", text, NULL);
	if (send(r->applier_end, f, sizeof(f), MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)sizeof(f))
		plog(PLOG_ERR, "the link cannot be told", NULL);
}

static void
reap(struct runner *r)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;

		if (pid == r->applier) {
			if (well)
				r->bad_ms = 0;
			else
				wait_longer(r);
			if (!well && r->link != 0)
				tell_died(r);
			r->applier = 0;
		} else if (pid == r->link) {
			r->link = 0;
			if (time(NULL) - r->began >= STEADY_S)
				r->again_ms = AGAIN_MS;
			if (!r->stopping)
				plog(PLOG_ERR, "the link ended", NULL);
		}
	}
}

static void
take_signals(struct runner *r)
{
	struct signalfd_siginfo s;

	while (read(r->signals, &s, sizeof(s)) == (ssize_t)sizeof(s))
		if (s.ssi_signo != SIGCHLD) {
			r->stopping = true;
			if (r->link != 0)
				(void)kill(r->link, SIGTERM);
		}
	reap(r);
}

static bool
set_signals(struct runner *r)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void)signal(SIGPIPE, SIG_IGN);
	return sigprocmask(SIG_BLOCK, &set, NULL) == 0 &&
	    (r->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) != -1;
}

/* A run that is at work is let finish: what stops it half-way is undone, and
 * that is for accidents. */
static bool
is_over(const struct runner *r)
{
	return r->stopping && r->link == 0 && r->applier == 0;
}

/* Until an applier may be started; 0: at once. */
static int
wait_ms(const struct runner *r)
{
	int64_t left = r->bad_ms != 0 ? r->not_before - clock_mono_ms() : 0;

	return left > 0 ? (int)left : 0;
}

static void
serve(struct runner *r)
{
	start_link(r);
	while (!is_over(r)) {
		bool asks = r->applier == 0 && r->link != 0;
		bool idle = r->link == 0 && r->applier == 0 && !r->stopping;
		int wait = asks ? wait_ms(r) : 0;
		struct pollfd p[2] = {{.fd = r->signals, .events = POLLIN},
		    {.fd = asks && wait == 0 ? r->applier_end : -1,
			.events = POLLIN}};
		int n = poll(p, 2, idle ? r->again_ms : wait > 0 ? wait : -1);

		if (n == 0 && idle) {
			start_link(r);
			if ((r->again_ms *= 2) > AGAIN_MAX)
				r->again_ms = AGAIN_MAX;
		}
		if (n > 0 && p[0].revents != 0)
			take_signals(r);
		if (r->stopping && r->applier == 0)
			hang_up(r);
		if (n > 0 && r->applier == 0 && r->link != 0 &&
		    (p[1].revents & POLLIN) != 0 && !r->stopping) {
			uint8_t one;

			/* The end of it is readable as well. */
			if (recv(r->applier_end, &one, 1,
				MSG_PEEK | MSG_DONTWAIT) == 1)
				start_applier(r);
		}
		if (n > 0 && (p[1].revents & POLLIN) == 0 &&
		    (p[1].revents & (POLLHUP | POLLERR)) != 0)
			(void)usleep(1000); /* its end comes as a signal */
	}
}

int
main(int argc, char **argv)
{
	struct runner r = {
	    .applier_end = -1, .again_ms = AGAIN_MS, .signals = -1};
	int c;

	while ((c = getopt(argc, argv, "c:s:u:a:l:")) != -1)
		switch (c) {
		case 'c':
			r.config = optarg;
			break;
		case 's':
			r.state = optarg;
			break;
		case 'u':
			r.user = optarg;
			break;
		case 'a':
			r.agent = optarg;
			break;
		case 'l':
			r.link_path = optarg;
			break;
		default:
			return usage();
		}
	if (optind != argc || r.config == NULL || r.state == NULL ||
	    r.user == NULL || r.agent == NULL || r.link_path == NULL)
		return usage();
	plog_init(NAME, PLOG_INFO);
	if (!set_signals(&r)) {
		plog(PLOG_ERR, "cannot take signals", "error", strerror(errno),
		    NULL);
		return 6;
	}
	serve(&r);
	return 0;
}

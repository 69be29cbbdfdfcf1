/* SPDX-License-Identifier: ISC */
/*
 * writ-agent-link: speaks with a master, see uplink.h.  It starts as root, for
 * the transport key and the spool, and is nobody who can do anything before the
 * first byte from outside.
 *
 *	holds	the transport key, a connection, the socket to the applier
 *	reads	what a master says, what the applier answers
 *	writes	STATE/spool
 *	told	that a log was written to, and not what
 *	never	the host key, other files, starting a program
 */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/minion/spool.h"
#include "agent/minion/uplink.h"
#include "lib/base/file.h"
#include "lib/cli/cli.h"
#include "lib/crypto/secmem.h"
#include "lib/key/key.h"
#include "lib/proc/plog.h"
#include "lib/proc/sandbox.h"

#define NAME "writ-agent-link"

static int
usage(void)
{
	fprintf(stderr, "usage: " NAME " -s STATE -u USER\n");
	return EXIT_USAGE;
}

/* --- the transport key ---------------------------------------------------- */

static int
make_key(const char *path, struct err *e)
{
	struct str text = STR_INIT;
	struct key *k = NULL;
	int r;

	if ((r = key_generate(PUBKEY_ED25519, &k, e)) != 0)
		return r;
	if ((r = key_encode_openssh(k, "writ-agent", NULL, 0, &text, e)) == 0)
		r = file_write(path, text.p, text.n, 0600, FILE_NEW, e);
	str_clear(&text);
	key_free(k);
	return r;
}

/* Text and public half; made where there is none. */
static int
get_key(const char *state, char **text, size_t *n, char **line, struct err *e)
{
	struct str s = STR_INIT;
	struct key *k = NULL;
	char *path = NULL;
	int r;

	if (path_join(state, "transport", &path) != 0)
		return err_nomem(e);
	if (!file_exists(path) && (r = make_key(path, e)) != 0 &&
	    r != ERR_EXISTS)
		goto out;
	if ((r = file_read(path, KEY_FILE_MAX, text, n, e)) != 0 ||
	    (r = key_parse(path, slice_of(*text, *n), NULL, &k, e)) != 0)
		goto out;
	pubkey_add_line(&s, key_public(k), NULL);
	if (str_take(&s, line) != 0)
		r = err_nomem(e);
out:
	key_free(k);
	free(path);
	return r;
}

/* --- places --------------------------------------------------------------- */

/* STATE is root's, and lets the link through to its spool. */
static int
make_spool(const char *state, const char *user, char **spool, struct err *e)
{
	const struct passwd *pw = getpwnam(user);
	char *bundle = NULL;
	int r;

	if (path_join(state, SPOOL_DIR, spool) != 0 ||
	    path_join(*spool, "bundle", &bundle) != 0)
		return err_nomem(e);
	if ((r = file_mkdirs(state, 0711, e)) != 0 ||
	    (r = file_mkdirs(bundle, 0700, e)) != 0)
		goto out;
	if (getuid() != 0)
		goto out;
	if (pw == NULL)
		r = err_set(e, ERR_NOTFOUND, "there is no user '%s'", user);
	else if (chmod(state, 0711) != 0 ||
	    chown(*spool, pw->pw_uid, pw->pw_gid) != 0 ||
	    chown(bundle, pw->pw_uid, pw->pw_gid) != 0)
		r = err_sys(e, "give %s to %s", *spool, user);
out:
	free(bundle);
	return r;
}

/*
 * Somebody may have closed a directory above STATE, which is not ours to open.  By
 * now this is the user, so that the kernel says it, whatever it goes by.
 */
static int
check_way(const char *spool, const char *user, struct err *e)
{
	char *part = NULL;
	int r = 0;

	if (access(spool, R_OK | W_OK | X_OK) == 0)
		return 0;
	if (errno != EACCES || (part = str_dup(spool)) == NULL)
		return err_sys(e, "%s", spool);
	for (size_t i = 1; r == 0 && part[i] != '\0'; i++) {
		if (part[i] != '/')
			continue;
		part[i] = '\0';
		if (access(part, X_OK) != 0)
			r = err_set(e, ERR_DENIED,
			    "%s is closed to %s, who has to get to %s, "
			    "expected chmod o+x",
			    part, user, spool);
		part[i] = '/';
	}
	free(part);
	return r != 0 ? r
		      : err_set(e, ERR_DENIED, "%s is not %s's", spool, user);
}

static int
seal(const char *spool, const char *user, struct err *e)
{
	static const char *const below[] = {"/etc/resolv.conf", "/etc/hosts",
	    "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
	    "/etc/services", "/etc/passwd", "/etc/ssl", "/run/systemd/resolve",
	    "/lib", "/lib64", "/usr/lib", "/etc/ld.so.cache",
	    "/proc/sys/kernel", NULL};
	const char *write_below[] = {spool, NULL};
	const struct sandbox s = {.profile = SANDBOX_KEEPER,
	    .write_below = write_below,
	    .read_below = below};
	int r;

	if (getuid() == 0 &&
	    ((r = privileges_drop(user, e)) != 0 ||
		(r = check_way(spool, user, e)) != 0))
		return r;
	return sandbox_enter(&s, e);
}

/* --- signals -------------------------------------------------------------- */

static void
on_signal(void *ctx, uint32_t events)
{
	struct uplink *u = ctx;
	struct signalfd_siginfo s;

	(void)events;
	/* What is left unread would wake the loop until the applier, which is
	 * let finish, has answered. */
	while (read(u->signals, &s, sizeof(s)) == (ssize_t)sizeof(s))
		continue;
	u->stop = true;
}

static int
watch_signals(struct uplink *u, struct err *e)
{
	struct watch *w = NULL;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
	    (fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) == -1)
		return err_sys(e, "take signals");
	u->signals = fd;
	return loop_add(u->loop, fd, EPOLLIN, on_signal, u, &w, e);
}

static int
serve(const char *state, const char *user, struct err *e)
{
	char *spool = NULL, *text = NULL, *line = NULL;
	struct uplink *u = NULL;
	struct err logs = {0};
	size_t n = 0;
	int r;

	if ((r = make_spool(state, user, &spool, e)) != 0 ||
	    (r = get_key(state, &text, &n, &line, e)) != 0 ||
	    (r = uplink_new(spool, text, line, VERB_FD, &u, e)) != 0)
		goto out;
	if (uplink_watch_logs(u, &logs) != 0)
		plog_err(PLOG_WARN, &logs, "logins are told late", NULL);
	if ((r = watch_signals(u, e)) != 0 || (r = seal(spool, user, e)) != 0)
		goto out;
	mem_wipe(text, n);
	r = uplink_run(u, e);
out:
	uplink_free(u);
	if (text != NULL)
		mem_wipe(text, n);
	free(text);
	free(line);
	free(spool);
	return r;
}

int
main(int argc, char **argv)
{
	const char *state = NULL, *user = NULL;
	struct err e = {0};
	int c, r;

	while ((c = getopt(argc, argv, "s:u:")) != -1) {
		if (c == 's')
			state = optarg;
		else if (c == 'u')
			user = optarg;
		else
			return usage();
	}
	if (optind != argc || state == NULL || user == NULL)
		return usage();
	(void)signal(SIGPIPE, SIG_IGN);
	/* Whoever starts appliers is gone: so are we. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	secmem_harden_process();
	(void)umask(022);
	plog_init(NAME, PLOG_INFO);
	if ((r = serve(state, user, &e)) != 0)
		plog_err(PLOG_ERR, &e, "cannot go on", NULL);
	return cli_exit_status(r);
}

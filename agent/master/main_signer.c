/* SPDX-License-Identifier: ISC */
/*
 * writ-master-signer: holds the key of the fleet's log (log_signer.h).
 *
 * Reads master.yaml and its key, opens its journal, then seals itself: from there
 * on it has one socket that listens, one keeper, and its journal.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/master/config.h"
#include "agent/master/log_signer_proc.h"
#include "lib/base/file.h"
#include "lib/cli/cli.h"
#include "lib/crypto/secmem.h"
#include "lib/proc/plog.h"
#include "lib/proc/sandbox.h"
#include "lib/proc/socket.h"

#define NAME "writ-master-signer"

struct program {
	struct master_config config;
	struct key *log;
	char origin[ORIGIN_MAX];
	struct log_signer *signer;
	uid_t keeper;
	int listen_fd;
};

/*
 * Files are read and made as the user we become.  All memory is locked before a
 * key is in it; root may lift the limit on that for the user.
 */
static int
settle(struct program *p, struct err *e)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	const char *user = p->config.users.signer;
	int r;

	if (geteuid() == 0)
		(void)setrlimit(RLIMIT_MEMLOCK, &all);
	if (user != NULL && geteuid() == 0 &&
	    (r = privileges_drop(user, e)) != 0)
		return r;
	return memory_lock(e);
}

static int
load_key(struct program *p, struct err *e)
{
	int r = key_load_file(p->config.log_key_file, NULL, &p->log, e);

	if (r == ERR_NOTFOUND)
		err_hint(e, "writ-master init makes it");
	return r;
}

static int
open_journal(struct program *p, struct err *e)
{
	const struct log_signer_config c = {
	    .dir = p->config.signer, .log = p->log, .origin = p->origin};

	if (master_origin(&p->config, p->origin) != 0)
		return err_set(e, ERR_LIMIT, "the name is too long for a log");
	return log_signer_open(&c, &p->signer, e);
}

static int
keeper_uid(struct program *p, struct err *e)
{
	const char *user = p->config.users.keeper;
	const struct passwd *pw;

	p->keeper = getuid();
	if (user == NULL)
		return 0;
	if ((pw = getpwnam(user)) == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "%s/master.yaml: there is no user '%s'", p->config.dir,
		    user);
	p->keeper = pw->pw_uid;
	return 0;
}

static int
open_socket(struct program *p, struct err *e)
{
	struct err passed = {0};
	char *path = NULL;
	int r;

	r = socket_passed("signer", &p->listen_fd, &passed);
	if (r != ERR_NOTFOUND) {
		if (r != 0 && e != NULL)
			*e = passed;
		return r;
	}
	if (path_join(p->config.runtime, "signer.sock", &path) != 0)
		return err_nomem(e);
	if ((r = file_mkdirs(p->config.runtime, 0700, e)) == 0)
		r = socket_listen(path, &p->listen_fd, e);
	free(path);
	return r;
}

/* From here on no file is opened but the journal, when it begins anew. */
static int
seal(const struct program *p, struct err *e)
{
	const char *const below[] = {p->config.signer, NULL};
	const struct sandbox s = {
	    .profile = SANDBOX_SIGNER, .write_below = below};

	return sandbox_enter(&s, e);
}

static int
run(struct program *p, const char *dir, struct err *e)
{
	struct log_signer_proc proc = {0};
	const volatile sig_atomic_t *stop;
	sigset_t waiting;
	int r;

	stop = serve_signals(&waiting);
	if ((r = master_config_load(dir, &p->config, e)) != 0)
		return r;
	plog_json(p->config.log_json);
	if ((r = settle(p, e)) != 0 || (r = load_key(p, e)) != 0 ||
	    (r = keeper_uid(p, e)) != 0 || (r = open_socket(p, e)) != 0 ||
	    (r = open_journal(p, e)) != 0 || (r = seal(p, e)) != 0)
		return r;
	proc.signer = p->signer;
	proc.log = key_public(p->log);
	service_notify("READY=1");
	plog(PLOG_INFO, "ready", NULL);
	r = serve(&log_signer_ops, &proc, p->listen_fd, p->keeper, &waiting,
	    stop, e);
	service_notify("STOPPING=1");
	plog(PLOG_INFO, "stopped", NULL);
	return r;
}

static int
usage(void)
{
	fprintf(stderr, "usage: " NAME " [-C DIR]\n");
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct program p = {.listen_fd = -1};
	const char *dir = ".";
	struct err e = {0};
	int c, r;

	while ((c = getopt(argc, argv, "C:")) != -1) {
		if (c != 'C')
			return usage();
		dir = optarg;
	}
	if (optind != argc)
		return usage();
	secmem_harden_process();
	(void)umask(077);
	plog_init(NAME, PLOG_INFO);
	master_config_init(&p.config);
	if ((r = run(&p, dir, &e)) != 0)
		plog_err(PLOG_ERR, &e, "cannot go on", NULL);
	log_signer_close(p.signer);
	if (p.listen_fd >= 0)
		(void)close(p.listen_fd);
	key_free(p.log);
	master_config_clear(&p.config);
	return r == 0 ? 0 : cli_exit_status(r);
}

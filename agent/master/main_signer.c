/* SPDX-License-Identifier: ISC */
/*
 * writ-master-signer: holds the key of the fleet's log (log_signer.h).
 *
 * Reads master.yaml and its key, opens its journal, then seals itself: from there
 * on it has one socket that listens, one keeper, and its journal.
 */
#include <unistd.h>

#include "agent/master/config.h"
#include "agent/master/log_signer_proc.h"
#include "lib/cli/daemon.h"
#include "lib/proc/plog.h"
#include "lib/proc/sandbox.h"
#include "lib/proc/service.h"
#include "lib/proc/socket.h"

struct program {
	struct master_config config;
	struct key *log;
	char origin[ORIGIN_MAX];
	struct log_signer *signer;
	uid_t keeper;
	int listen_fd;
};

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
go_on(struct program *p, const char *dir, struct err *e)
{
	const struct master_config *c = &p->config;
	struct log_signer_proc proc = {0};
	const volatile sig_atomic_t *stop;
	sigset_t waiting;
	int r;

	stop = serve_signals(&waiting);
	if ((r = master_config_load(dir, &p->config, e)) != 0)
		return r;
	plog_json(c->log_json);
	/* Files are read and made as the user we become. */
	if ((r = service_lock(c->users.signer, e)) != 0 ||
	    (r = load_key(p, e)) != 0 ||
	    (r = service_user("master.yaml", c->users.keeper, &p->keeper, e)) !=
		0 ||
	    (r = service_listen(c->runtime, "signer", &p->listen_fd, e)) != 0 ||
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
run(const char *dir, struct err *e)
{
	struct program p = {.listen_fd = -1};
	int r;

	master_config_init(&p.config);
	r = go_on(&p, dir, e);
	log_signer_close(p.signer);
	if (p.listen_fd >= 0)
		(void)close(p.listen_fd);
	key_free(p.log);
	master_config_clear(&p.config);
	return r;
}

int
main(int argc, char **argv)
{
	static const struct daemon d = {"writ-master-signer", 077, run};

	return daemon_main(&d, argc, argv);
}

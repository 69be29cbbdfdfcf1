/* SPDX-License-Identifier: ISC */
/*
 * writ-ca-signer: holds the CA keys and the log's key, believes nobody.
 *
 * Reads configuration, keys and signed policy, opens its journal, then seals
 * itself: from there on it has one socket that listens, one keeper, its journal,
 * and an ssh-agent where keys are kept in one.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "ca/common/config.h"
#include "ca/daemon/pin.h"
#include "ca/signer/signer_proc.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/pages.h"
#include "lib/base/parallel.h"
#include "lib/bundle/bundles.h"
#include "lib/cli/cli.h"
#include "lib/cli/daemon.h"
#include "lib/proc/plog.h"
#include "lib/proc/sandbox.h"
#include "lib/proc/service.h"
#include "lib/proc/socket.h"

struct program {
	struct config config;
	struct bundle_chain *chain; /* as it lay on the disk at the start */
	struct trust trust;
	struct key *user_ca, *host_ca, *log;
	char origin[ORIGIN_MAX];
	char *journal; /* its directory */
	struct signer *signer;
	struct signer_proc *proc;
	uid_t keeper;
	int listen_fd;
};

/* --- keys ----------------------------------------------------------------- */

/* Where nobody sits, a key that is encrypted ends the start with a sentence. */
static const struct passphrase on_terminal = {.ask = cli_ask_passphrase};

static int
load_key(struct program *p, const char *name, struct key **out, struct err *e)
{
	const struct authority *a;

	if (name == NULL)
		return 0;
	if ((a = policy_authority(p->trust.policy, name)) == NULL)
		return err_set(e, ERR_DENIED,
		    "%s/writ.yaml: '%s' is no authority of the signed policy",
		    p->config.dir, name);
	return config_load_key(&p->config, name, a->key,
	    isatty(STDIN_FILENO) ? &on_terminal : NULL, out, e);
}

static int
load_keys(struct program *p, struct err *e)
{
	int r;

	if ((r = load_key(p, config_log_key(&p->config), &p->log, e)) != 0 ||
	    (r = load_key(p, p->config.user_ca, &p->user_ca, e)) != 0 ||
	    (r = load_key(p, p->config.host_ca, &p->host_ca, e)) != 0)
		return r;
	if (!policy_is_log_key(p->trust.policy, p->config.log_name,
		key_public(p->log)))
		return err_set(e, ERR_DENIED,
		    "%s/writ.yaml: '%s' is no key of log '%s' in the signed "
		    "policy",
		    p->config.dir, config_log_key(&p->config),
		    p->config.log_name);
	return 0;
}

/* --- journal -------------------------------------------------------------- */

static int
open_journal(struct program *p, struct err *e)
{
	struct signer_config c = {.user_ca = p->user_ca,
	    .host_ca = p->host_ca,
	    .log = p->log,
	    .origin = p->origin};
	struct signer_seen seen;
	int r;

	if (log_origin(&p->trust.realm, p->config.log_name, p->origin) != 0 ||
	    path_join(p->config.dir, "signer", &p->journal) != 0)
		return err_nomem(e);
	c.dir = p->journal;
	if ((r = signer_open(&c, &p->signer, e)) != 0)
		return r;
	if ((r = pin_check(p->journal, p->chain, &p->trust, e)) != 0)
		return r;
	signer_get_seen(p->signer, &seen);
	if (p->trust.policy->version >= seen.policy_version)
		return 0;
	return err_set(e, ERR_ROLLBACK,
	    "policy version %llu is older than %llu, which the signer has used",
	    (unsigned long long)p->trust.policy->version,
	    (unsigned long long)seen.policy_version);
}

/* --- the program ---------------------------------------------------------- */

/* From here on no file is opened but the journal, when it begins anew. */
static int
seal(const struct program *p, struct err *e)
{
	const char *const below[] = {p->journal, NULL};
	const struct sandbox s = {
	    .profile = SANDBOX_SIGNER, .write_below = below};

	return sandbox_enter(&s, e);
}

static int
load_policy(struct program *p, const char *dir, struct err *e)
{
	int r;

	if ((p->chain = calloc(1, sizeof(*p->chain))) == NULL)
		return err_nomem(e);
	if ((r = bundles_read(dir, p->chain, e)) == 0 &&
	    (r = bundle_chain_accept(p->chain, &p->trust, NULL, clock_now(),
		 e)) < 0)
		err_prefix(e, "%s/bundle", dir);
	return r < 0 ? r : 0;
}

static void
chain_free(struct program *p)
{
	if (p->chain != NULL)
		bundle_chain_clear(p->chain);
	free(p->chain);
	p->chain = NULL;
}

static int
start(struct program *p, const char *dir, struct err *e)
{
	const struct service_config *s;
	int r;

	if ((r = config_load(dir, &p->config, e)) != 0 ||
	    (r = config_check_closed(&p->config, e)) != 0)
		return r;
	s = &p->config.service;
	plog_json(s->log_json);
	/* Files are read and made as the user we become. */
	if ((r = service_lock(s->users.signer, e)) != 0 ||
	    (r = load_policy(p, dir, e)) != 0 || (r = load_keys(p, e)) != 0 ||
	    (r = service_user("writ.yaml", s->users.keeper, &p->keeper, e)) !=
		0 ||
	    (r = service_listen(s->runtime, "signer", &p->listen_fd, e)) != 0 ||
	    (r = open_journal(p, e)) != 0)
		return r;
	chain_free(p);
	return seal(p, e);
}

static int
go_on(struct program *p, const char *dir, struct err *e)
{
	struct signer_proc_config c = {
	    .trust = &p->trust, .origin = p->origin, .log_name = NULL};
	const volatile sig_atomic_t *stop;
	sigset_t waiting;
	int r;

	/* The policy comes from the keeper, and keys stay what they are: SIGHUP
	   is for others. */
	stop = serve_signals(&waiting);
	if ((r = start(p, dir, e)) != 0)
		return r;
	c.signer = p->signer;
	c.log_name = p->config.log_name;
	c.log = key_public(p->log);
	c.user_ca = p->user_ca != NULL ? key_public(p->user_ca) : NULL;
	c.host_ca = p->host_ca != NULL ? key_public(p->host_ca) : NULL;
	if ((r = signer_proc_new(&c, &p->proc, e)) != 0)
		return r;
	parallel_keep();
	service_notify("READY=1");
	plog(PLOG_INFO, "ready", NULL);
	r = serve(&signer_proc_ops, p->proc, p->listen_fd, p->keeper, &waiting,
	    stop, e);
	service_notify("STOPPING=1");
	plog(PLOG_INFO, "stopped", NULL);
	return r;
}

static void
program_clear(struct program *p)
{
	signer_proc_free(p->proc);
	signer_close(p->signer);
	if (p->listen_fd >= 0)
		(void)close(p->listen_fd);
	key_free(p->log);
	key_free(p->user_ca);
	key_free(p->host_ca);
	chain_free(p);
	trust_clear(&p->trust);
	config_clear(&p->config);
	free(p->journal);
}

static int
run(const char *dir, struct err *e)
{
	struct program p = {.listen_fd = -1};
	int r;

	config_init(&p.config);
	trust_init(&p.trust);
	r = go_on(&p, dir, e);
	program_clear(&p);
	return r;
}

int
main(int argc, char **argv)
{
	static const struct daemon d = {"writ-ca-signer", 077, run};

	pages_keep();
	return daemon_main(&d, argc, argv);
}

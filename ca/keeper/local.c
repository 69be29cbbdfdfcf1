/* SPDX-License-Identifier: ISC */
#include "ca/keeper/local.h"

#include <stdlib.h>
#include <string.h>

#include "ca/keeper/local_impl.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/crypto/secmem.h"

/* --- opening -------------------------------------------------------------- */

static int
load_trust(struct local *l, const struct bundle_chain *chain, struct err *e)
{
	struct bundle_input in;
	struct str text = STR_INIT;
	int r;

	if (chain != NULL) {
		bundle_chain_input(chain, &in);
		r = trust_update(&l->trust, &in, NULL, l->now, e);
	} else {
		r = bundles_load(l->config.dir, NULL, l->now, &l->trust, e);
	}
	if (r < 0)
		return r;
	r = trust_expiry(&l->trust, l->now, &text, e);
	if (r >= 0 && text.n > 0 && l->warn != NULL)
		l->warn(l->warn_ctx, text.p);
	str_clear(&text);
	return r < 0 ? r : 0;
}

/*
 * The authorities' keys mostly share a passphrase, so what was typed for one is
 * tried on the next before anybody is asked again.
 */
struct remembered {
	const struct passphrase *inner;
	char *text; /* PASSPHRASE_MAX bytes of locked memory, or NULL */
	size_t n;
	bool have;  /* something was typed */
	bool tried; /* and given for this key already */
};

static int
ask_remembered(void *ctx, const char *what, char *out, size_t max, size_t *n)
{
	struct remembered *m = ctx;
	int r;

	if (m->have && !m->tried && m->n <= max) {
		m->tried = true;
		memcpy(out, m->text, m->n);
		*n = m->n;
		return 0;
	}
	m->tried = true;
	if ((r = m->inner->ask(m->inner->ctx, what, out, max, n)) != 0)
		return r;
	if (*n <= PASSPHRASE_MAX &&
	    (m->text != NULL ||
		secmem_alloc(PASSPHRASE_MAX, (void **)&m->text) == 0)) {
		memcpy(m->text, out, *n);
		m->n = *n;
		m->have = true;
	}
	return 0;
}

static int
load_key(struct local *l, const char *name, struct remembered *m,
    struct key **out, struct err *e)
{
	const struct passphrase pass = {.ask = ask_remembered, .ctx = m};
	const struct authority *a;
	struct err why = {0};
	bool had = m->have;
	int r;

	if (name == NULL)
		return 0;
	if ((a = policy_authority(l->trust.policy, name)) == NULL)
		return err_set(e, ERR_DENIED,
		    "%s/writ.yaml: '%s' is no authority of the signed policy",
		    l->config.dir, name);
	m->tried = false;
	r = config_load_key(&l->config, name, a->key,
	    m->inner != NULL ? &pass : NULL, out, &why);
	/* Not that one: now it has to be asked for. */
	if (r == ERR_BADSIG && had && m->tried)
		r = config_load_key(&l->config, name, a->key, &pass, out, &why);
	if (r != 0 && e != NULL)
		*e = why;
	return r;
}

static const char *
signer_socket(const struct local_options *o)
{
	return o->mode == LOCAL_SERVE ? o->signer_socket : NULL;
}

static int
load_keys(struct local *l, const struct local_options *o, struct err *e)
{
	struct remembered m = {.inner = o->pass};
	int r;

	if (o->mode == LOCAL_READ || signer_socket(o) != NULL)
		return 0;
	r = load_key(l, config_log_key(&l->config), &m, &l->log_key, e);
	if (r == 0 && o->mode != LOCAL_LOG)
		r = load_key(l, l->config.user_ca, &m, &l->user_ca, e);
	if (r == 0 && o->mode != LOCAL_LOG)
		r = load_key(l, l->config.host_ca, &m, &l->host_ca, e);
	secmem_free(m.text);
	return r;
}

/* All keys of the log, and the one that signs is among them. */
static int
log_keys(struct local *l, size_t *n, struct err *e)
{
	const struct authority *keys[POLICY_LOG_KEYS_MAX];
	const char *signs = config_log_key(&l->config);
	bool found = false;

	if ((*n = policy_log_keys(l->trust.policy, l->config.log_name, keys)) ==
	    0)
		return err_set(e, ERR_DENIED,
		    "%s/writ.yaml: log_name '%s' is no log of the signed "
		    "policy",
		    l->config.dir, l->config.log_name);
	for (size_t i = 0; i < *n; i++) {
		memcpy(l->log_pks[i], pubkey_ed25519(keys[i]->key),
		    sizeof(l->log_pks[i]));
		if (strcmp(keys[i]->name, signs) != 0)
			continue;
		found = true;
		memcpy(l->log_pk, l->log_pks[i], sizeof(l->log_pk));
	}
	if (!found)
		return err_set(e, ERR_DENIED,
		    "%s/writ.yaml: log_key '%s' is no key of log '%s' in the "
		    "signed policy",
		    l->config.dir, signs, l->config.log_name);
	return 0;
}

/* What the ledger borrows lives in l. */
static int
ledger_config(struct local *l, struct ledger_config *c, struct err *e)
{
	size_t n_pks;
	int r;

	if ((r = log_keys(l, &n_pks, e)) != 0)
		return r;
	if (config_log_dir(&l->config, &l->log_dir) != 0 ||
	    config_log_url(&l->config, &l->log_url) != 0 ||
	    log_origin(&l->trust.realm, l->config.log_name, l->origin) != 0)
		return err_nomem(e);
	for (size_t i = 0; i < l->config.home.copies.n; i++)
		l->copies[i] = l->config.home.copies.v[i];
	*c = (struct ledger_config){.dir = l->log_dir,
	    .home = l->log_url,
	    .copies = l->copies,
	    .n_copies = l->config.home.copies.n,
	    .origin = l->origin,
	    .pks = l->log_pks,
	    .n_pks = n_pks,
	    .max_lag = l->config.home.max_lag,
	    .classify = leaf_classify,
	    .names = leaf_names,
	    .listed = KEEPER_LISTED,
	    .objects = recorder_objects,
	    .opened = recorder_opened,
	    .objects_ctx = &l->recorder,
	    .warn = l->warn,
	    .warn_ctx = l->warn_ctx};
	config_blob(&l->config, &c->blob);
	return 0;
}

static int
open_ledger(struct local *l, const struct local_options *o, struct err *e)
{
	struct ledger_config c;
	int r;

	if ((r = ledger_config(l, &c, e)) != 0)
		return r;
	c.read_only = o->mode == LOCAL_READ;
	/* Who serves has a thread for them. */
	c.copies_later = o->mode == LOCAL_SERVE;
	if (!c.read_only && (r = file_mkdirs(l->log_dir, 0755, e)) != 0)
		return r;
	return ledger_open(&c, &l->ledger, e);
}

static int
open_here(struct local *l, struct err *e)
{
	struct signer_config c = {.user_ca = l->user_ca,
	    .host_ca = l->host_ca,
	    .log = l->log_key,
	    .origin = l->origin};
	char *dir = NULL;
	int r;

	if (path_join(l->config.dir, "signer", &dir) != 0)
		return err_nomem(e);
	c.dir = dir;
	r = signing_here(&c, &l->signing, e);
	free(dir);
	return r;
}

/* What the signer has signed must be what the log has there. */
static int
compare_head(struct local *l, const struct checkpoint *seen, struct err *e)
{
	struct hash root;
	int r;

	if (seen->size > ledger_size(l->ledger)) {
		r = err_set(e, ERR_ROLLBACK,
		    "log in %s has %llu leaves, the signer has signed for %llu",
		    l->log_dir, (unsigned long long)ledger_size(l->ledger),
		    (unsigned long long)seen->size);
		err_hint(e,
		    "an older disk was restored? recover with writ-ca rebuild "
		    "--from COPY");
		return r;
	}
	/* In one process signing itself finds a fork, at its first head. */
	if (seen->size == 0 || !local_is_remote(l))
		return 0;
	if ((r = ledger_root_at(l->ledger, seen->size, &root, e)) != 0)
		return r;
	if (hash_equal(&root, &seen->root))
		return 0;
	return err_set(e, ERR_ROLLBACK,
	    "log in %s differs from what the signer has signed at %llu leaves "
	    "(a fork)",
	    l->log_dir, (unsigned long long)seen->size);
}

/* The signer must not be ahead of a log that a crash or a restored disk took
 * back. */
static int
open_signer(struct local *l, const char *socket, struct err *e)
{
	struct signer_seen seen;
	int r;

	r = socket != NULL ? local_open_link(l, socket, e) : open_here(l, e);
	if (r != 0 || (r = l->signing.ops->seen(l->signing.ctx, &seen, e)) != 0)
		return r;
	/* The signer would refuse, but after statements had been logged under a
	 * policy that was taken back. */
	if (l->trust.policy->version < seen.policy_version) {
		r = err_set(e, ERR_ROLLBACK,
		    "policy version %llu is older than %llu, which the signer "
		    "has used",
		    (unsigned long long)l->trust.policy->version,
		    (unsigned long long)seen.policy_version);
		err_hint(e,
		    "was its publishing interrupted? writ policy sign once "
		    "more ends it");
		return r;
	}
	return compare_head(l, &seen.head, e);
}

int
local_open(const struct local_options *o, struct local **out, struct err *e)
{
	struct local *l;
	int r;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return err_nomem(e);
	config_init(&l->config);
	trust_init(&l->trust);
	l->now = clock_now();
	l->mode = o->mode;
	l->warn = o->warn;
	l->warn_ctx = o->warn_ctx;
	if ((r = config_load(o->dir, &l->config, e)) != 0 ||
	    (r = load_trust(l, o->chain, e)) != 0 ||
	    (r = load_keys(l, o, e)) != 0 || (r = open_ledger(l, o, e)) != 0 ||
	    (r = keeper_new(l->config.dir, l->ledger, &l->trust, &l->keeper,
		 e)) != 0)
		goto out;
	if (o->mode != LOCAL_READ &&
	    ((r = open_signer(l, signer_socket(o), e)) != 0 ||
		(r = local_recover_krl(l, e)) != 0 ||
		(r = local_log_policy(l, o->chain, e)) != 0 ||
		(r = local_renew_krl(l, e)) != 0))
		goto out;
	*out = l;
	l = NULL;
out:
	local_free(l);
	return r;
}

void
local_free(struct local *l)
{
	if (l == NULL)
		return;
	signing_close(&l->signing);
	local_carried_clear(l);
	free(l->carried);
	keeper_free(l->keeper);
	recorder_clear(&l->recorder);
	ledger_close(l->ledger);
	key_free(l->user_ca);
	key_free(l->host_ca);
	key_free(l->log_key);
	trust_clear(&l->trust);
	config_clear(&l->config);
	free(l->log_dir);
	free(l->log_url);
	free(l);
}

/* --- starting from what is published -------------------------------------- */

int
local_rebuild(const char *dir, const char *from, uint64_t *size, struct err *e)
{
	struct ledger_config c;
	struct local *l;
	int r;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return err_nomem(e);
	config_init(&l->config);
	trust_init(&l->trust);
	l->now = clock_now();
	if ((r = config_load(dir, &l->config, e)) != 0 ||
	    (r = load_trust(l, NULL, e)) != 0 ||
	    (r = ledger_config(l, &c, e)) != 0 ||
	    (r = file_mkdirs(l->log_dir, 0755, e)) != 0 ||
	    (r = ledger_rebuild(&c, from != NULL ? from : l->log_url, e)) !=
		0 ||
	    (r = ledger_open(&c, &l->ledger, e)) != 0 ||
	    (r = open_signer(l, NULL, e)) != 0)
		goto out;
	*size = ledger_size(l->ledger);
out:
	local_free(l);
	return r;
}

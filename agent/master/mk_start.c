/* SPDX-License-Identifier: ISC */
#include "agent/master/mk_start.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/keeper/seal.h"
#include "lib/proc/plog.h"
#include "lib/proc/sandbox.h"
#include "lib/proc/service.h"
#include "lib/statement/leaf.h"

#define SIGNER_MS     10000 /* to wait for a signer that starts too */
#define SIGNER_TRY_MS 200

static void
warn(void *ctx, const char *sentence)
{
	(void)ctx;
	plog(PLOG_WARN, sentence, NULL);
}

/* --- the log and the store ------------------------------------------------ */

static int
log_keys(struct mk *k, size_t *n, struct err *e)
{
	const struct policy *p = content_trust(k->content)->policy;
	const struct authority *keys[POLICY_LOG_KEYS_MAX];

	*n = policy_log_keys(p, k->config.log_name, keys);
	if (*n == 0)
		return err_set(e, ERR_DENIED,
		    "%s/master.yaml: '%s' is no log of the signed policy",
		    k->dir, k->config.log_name);
	for (size_t i = 0; i < *n; i++)
		memcpy(k->log_pks[i], pubkey_ed25519(keys[i]->key),
		    sizeof(k->log_pks[i]));
	return 0;
}

int
mk_open_home(struct mk *k, struct blob_store **out, struct err *e)
{
	return blob_open(k->log_url, &k->blob, out, e);
}

static int
scribe_of(struct mk *k, struct scribe_config *c, struct err *e)
{
	const struct log_home *h = &k->config.home;
	size_t n_pks = 0;
	int r;

	if ((r = log_keys(k, &n_pks, e)) != 0)
		return r;
	if (log_home_dir(h, k->dir, &k->log_dir) != 0 ||
	    log_home_url(h, k->dir, &k->log_url) != 0 ||
	    path_joinf(&k->signer_path, "%s/signer.sock", k->config.runtime) !=
		0)
		return err_nomem(e);
	if ((r = master_origin(&k->config, k->origin)) != 0)
		return err_set(e, r, "the log's name is too long");
	for (size_t i = 0; i < h->copies.n; i++)
		k->copies[i] = h->copies.v[i];
	log_home_blob(h, &k->blob);
	*c = (struct scribe_config){.signer = k->signer_path,
	    .realm = content_trust(k->content)->realm,
	    .tick = k->config.tick,
	    .wake = k->wake,
	    .ledger = {.dir = k->log_dir,
		.home = k->log_url,
		.copies = k->copies,
		.n_copies = h->copies.n,
		.blob = k->blob,
		.origin = k->origin,
		.pks = k->log_pks,
		.n_pks = n_pks,
		.max_lag = h->max_lag,
		.classify = leaf_classify,
		.names = leaf_names,
		.warn = warn}};
	return file_mkdirs(k->log_dir, 0755, e);
}

/* The signer may be starting too. */
static int
open_scribe(struct mk *k, struct err *e)
{
	int64_t until = clock_mono_ms() + SIGNER_MS;
	struct scribe_config c;
	bool said = false;
	int r;

	if ((r = scribe_of(k, &c, e)) != 0)
		return r;
	while ((r = scribe_open(&c, &k->scribe, e)) == ERR_NET &&
	    clock_mono_ms() < until) {
		if (!said)
			plog_err(PLOG_WARN, e, "waits for the signer", NULL);
		said = true;
		(void)usleep(SIGNER_TRY_MS * 1000);
	}
	return r;
}

static int
open_rows(struct mk *k, struct err *e)
{
	const char *path = k->config.store;
	char *dir = str_dupn(path, (size_t)(path_base(path) - path));
	int r = 0;

	if (dir == NULL)
		return err_nomem(e);
	if (dir[0] != '\0')
		r = file_mkdirs(dir, 0700, e);
	free(dir);
	return r != 0 ? r : rows_open(path, k->origin, &k->rows, e);
}

/* The policy in force is in the log before anything is judged by it. */
static int
log_policy(struct mk *k, struct err *e)
{
	struct mk_batch *b = NULL;
	struct mk_item *i;
	size_t n = 0;
	int r;

	if ((r = mk_policy_batch(k, &b, e)) != 0)
		return r;
	scribe_work(k->scribe, &b->sb);
	if ((r = b->sb.r) != 0) {
		if (e != NULL)
			*e = b->sb.e;
		goto out;
	}
	if ((r = rows_begin(k->rows, e)) != 0)
		goto out;
	STAILQ_FOREACH (i, &b->items, link) {
		i->index = b->index[n++];
		if (r == 0)
			r = mk_apply_rows(k, i, e);
	}
	if (r == 0)
		r = rows_commit(k->rows, b->sb.size, e);
	if (r != 0)
		rows_rollback(k->rows);
	k->applied = b->sb.size;
out:
	mk_batch_free(b);
	return r;
}

/* --- all of it ------------------------------------------------------------ */

static int
new_mk(const char *dir, struct mk **out, struct err *e)
{
	struct mk *k;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		return err_nomem(e);
	k->dir = dir;
	k->listen_front = k->listen_control = k->signals = k->wake = -1;
	k->now = clock_now();
	k->now_ms = k->started_ms = clock_mono_ms();
	k->courier.backoff = 100;
	TAILQ_INIT(&k->calls);
	TAILQ_INIT(&k->watchers);
	TAILQ_INIT(&k->asking);
	TAILQ_INIT(&k->dirty);
	TAILQ_INIT(&k->asks);
	STAILQ_INIT(&k->next);
	STAILQ_INIT(&k->unstored);
	master_config_init(&k->config);
	stages_init(&k->stages, MK_STAGES, MK_STAGE_FILES, MK_STAGE_BYTES);
	if (jobs_new(&mk_jobs_ops, k, &k->jobs) != 0) {
		mk_end(k);
		return err_nomem(e);
	}
	*out = k;
	return 0;
}

static int
read_config(struct mk *k, struct err *e)
{
	const struct master_config *c = &k->config;
	int r;

	if ((r = master_config_load(k->dir, &k->config, e)) != 0)
		return r;
	plog_json(c->log_json);
	if ((r = log_home_starts_nothing(&c->home, "master.yaml", e)) != 0)
		return r;
	if (c->ca.address != NULL &&
	    path_joinf(&k->courier_path, "%s/courier.sock", c->runtime) != 0)
		return err_nomem(e);
	return service_user("master.yaml", c->users.front, &k->front_uid, e);
}

static int
seal(const struct mk *k, struct err *e)
{
	/* The courier's socket is connected to again and again. */
	const char *more[] = {k->config.runtime, NULL};
	const struct seal s = {.dir = k->config.dir,
	    .home = &k->config.home,
	    .store = k->config.store,
	    .read = more};

	return keeper_seal(&s, e);
}

static int
start(struct mk *k, struct err *e)
{
	const char *user, *run;
	int r;

	if ((r = read_config(k, e)) != 0 ||
	    (r = service_signals(true, &k->signals, e)) != 0 ||
	    (r = service_wake(&k->wake, e)) != 0)
		return r;
	run = k->config.runtime;
	user = k->config.users.keeper;
	if ((r = dialer_new(user, &k->dialer, e)) != 0 ||
	    (r = user != NULL && geteuid() == 0 ? privileges_drop(user, e)
						: 0) != 0 ||
	    (r = content_open(k->dir, &k->config.realm, &k->content, e)) != 0 ||
	    (r = open_scribe(k, e)) != 0 || (r = open_rows(k, e)) != 0 ||
	    (r = mk_load(k, e)) != 0 || (r = log_policy(k, e)) != 0 ||
	    (r = mk_krl_load(k, e)) != 0 ||
	    (r = rows_ca_next(k->rows, &k->courier.next, e)) != 0 ||
	    (r = service_listen(run, "keeper", &k->listen_front, e)) != 0 ||
	    (r = service_listen(run, "control", &k->listen_control, e)) != 0 ||
	    (r = seal(k, e)) != 0)
		return r;
	conns_init(&k->conns, k->listen_front, k->listen_control, k->front_uid,
	    &mk_conns_ops, k);
	k->now_ms = k->started_ms = clock_mono_ms();
	return scribe_start(k->scribe, e);
}

int
mk_start(const char *dir, struct mk **out, struct err *e)
{
	struct mk *k = NULL;
	int r;

	if ((r = new_mk(dir, &k, e)) != 0)
		return r;
	if ((r = start(k, e)) != 0) {
		mk_end(k);
		return r;
	}
	*out = k;
	return 0;
}

static void
close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

static void
free_batches(struct mk *k)
{
	struct mk_batch *b;

	mk_items_free(&k->next);
	mk_batch_free(k->flying);
	mk_batch_free(k->policy_next);
	k->flying = k->policy_next = NULL;
	while ((b = STAILQ_FIRST(&k->unstored)) != NULL) {
		STAILQ_REMOVE_HEAD(&k->unstored, link);
		mk_batch_free(b);
	}
}

void
mk_end(struct mk *k)
{
	struct mk_call *c;

	if (k == NULL)
		return;
	while ((c = TAILQ_FIRST(&k->calls)) != NULL)
		mk_call_free(k, c);
	/* The scribe borrows from the batch it works on. */
	scribe_stop(k->scribe);
	free_batches(k);
	scribe_free(k->scribe);
	conns_clear(&k->conns);
	stages_clear(&k->stages);
	mk_orders_clear(&k->orders);
	mk_courier_clear(k);
	dialer_free(k->dialer);
	mk_krl_clear(&k->krl);
	jobs_free(k->jobs);
	fleet_hosts_free(k->hosts);
	board_clear(&k->board);
	rows_close(k->rows);
	content_free(k->content);
	close_fd(k->listen_front);
	close_fd(k->listen_control);
	close_fd(k->signals);
	close_fd(k->wake);
	master_config_clear(&k->config);
	free(k->courier_path);
	free(k->signer_path);
	free(k->log_dir);
	free(k->log_url);
	free(k);
}

/* SPDX-License-Identifier: ISC */
#include "ca/keeper/kp_start.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/keeper/seal.h"
#include "lib/proc/plog.h"
#include "lib/proc/sandbox.h"
#include "lib/proc/service.h"

#define SIGNER_MS     10000 /* to wait for a signer that starts too */
#define SIGNER_TRY_MS 200
#define CATCH_UP      2048 /* leaves of a transaction */

/* What lives as long as the process, for struct local's options. */
struct held {
	char *signer;
};

static void
warn(void *ctx, const char *sentence)
{
	(void)ctx;
	plog(PLOG_WARN, sentence, NULL);
}

/* --- the log and the store ------------------------------------------------ */

static int
open_local(struct kp *k, struct local_options *o, struct local **out,
    struct err *e)
{
	int64_t until = clock_mono_ms() + SIGNER_MS;
	bool said = false;
	int r;

	(void)k;
	while ((r = local_open(o, out, e)) == ERR_NET &&
	    o->signer_socket != NULL && clock_mono_ms() < until) {
		if (!said)
			plog_err(PLOG_WARN, e, "waits for the signer", NULL);
		said = true;
		(void)usleep(SIGNER_TRY_MS * 1000);
	}
	return r;
}

static int
apply_leaf(void *ctx, uint64_t index, struct slice bytes)
{
	struct kp *k = ctx;
	struct leaf leaf;
	int r;

	leaf_init(&leaf);
	if ((r = leaf_parse("leaf", bytes, &leaf, &k->e)) == 0)
		r = requests_apply(k->rows, index, &leaf, &k->e);
	leaf_clear(&leaf);
	k->n_changes = 0;
	return r;
}

/* What the log has and the store has not: all of it where the store is new. */
static int
catch_up(struct kp *k, struct local *l, struct err *e)
{
	uint64_t size = ledger_size(l->ledger), from, to;
	int r = 0;

	if (requests_applied(k->rows) > size) {
		(void)err_set(e, ERR_CORRUPT,
		    "%s: knows %llu leaves of the log, which has %llu",
		    k->config.service.store,
		    (unsigned long long)requests_applied(k->rows),
		    (unsigned long long)size);
		err_hint(e,
		    "writ-ca rebuild takes it away; it is made anew "
		    "from the log at the next start");
		return ERR_CORRUPT;
	}
	while (r == 0 && (from = requests_applied(k->rows)) < size) {
		to = size - from > CATCH_UP ? from + CATCH_UP : size;
		r = ledger_each(l->ledger, from, to, apply_leaf, k, e);
		if (r != 0 && k->e.msg[0] != '\0' && e != NULL)
			*e = k->e;
		if (r == 0)
			r = requests_flush(k->rows, e);
	}
	return r;
}

static int
make_parent(const char *path, struct err *e)
{
	char *dir = str_dupn(path, (size_t)(path_base(path) - path));
	int r = 0;

	if (dir == NULL)
		return err_nomem(e);
	if (dir[0] != '\0')
		r = file_mkdirs(dir, 0700, e);
	free(dir);
	return r;
}

static int
open_rows(struct kp *k, struct local *l, struct err *e)
{
	const struct requests_config c = {.path = k->config.service.store,
	    .origin = l->origin,
	    .policy_of = kp_policy_of,
	    .changed = kp_changed,
	    .ctx = k};
	int r;

	if ((r = make_parent(c.path, e)) != 0 ||
	    (r = requests_open(&c, &k->rows, e)) != 0)
		return r;
	if (store_is_new(requests_store(k->rows)))
		plog(PLOG_INFO, "the store is made anew from the log", NULL);
	return catch_up(k, l, e);
}

static int
read_state(struct kp *k, struct local *l, struct err *e)
{
	struct checkpoint published;
	int r;

	if ((r = kp_view_new(k->dir, &k->view, e)) != 0)
		return r;
	if (standing_dup(keeper_standing(l->keeper), &k->standing) != 0)
		return err_nomem(e);
	if ((r = kp_krl_last(l, &k->krl, e)) < 0)
		return r;
	ledger_published(l->ledger, &published);
	k->log_size = ledger_size(l->ledger);
	k->log_published = published.size;
	(void)ledger_copies(l->ledger, k->copies);
	return 0;
}

/* --- all of it ------------------------------------------------------------ */

static int
new_kp(const char *dir, struct kp **out, struct err *e)
{
	struct kp *k;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		return err_nomem(e);
	k->dir = dir;
	k->listen_front = k->listen_control = k->signals = k->wake = -1;
	k->now = clock_now();
	k->log_ok = k->store_ok = k->signer_ok = true;
	k->notify_backoff = 100;
	TAILQ_INIT(&k->board);
	TAILQ_INIT(&k->calls);
	STAILQ_INIT(&k->behind);
	kp_queue_init(&k->notices);
	stages_init(&k->stages, KP_STAGES, KP_STAGE_FILES, KP_STAGE_BYTES);
	config_init(&k->config);
	*out = k;
	return 0;
}

static int
read_config(struct kp *k, struct err *e)
{
	const char *run;
	int r;

	if ((r = config_load(k->dir, &k->config, e)) != 0 ||
	    (r = config_check_closed(&k->config, e)) != 0)
		return r;
	plog_json(k->config.service.log_json);
	if ((r = config_starts_nothing(&k->config, e)) != 0)
		return r;
	run = k->config.service.runtime;
	if (path_joinf(&k->notify_path, "%s/notify.sock", run) != 0 ||
	    path_joinf(&k->signer_path, "%s/signer.sock", run) != 0)
		return err_nomem(e);
	return service_user("writ.yaml", k->config.service.users.front,
	    &k->front_uid, e);
}

/* Where root starts us and writ.yaml names another; before files are made, which
 * are his. */
static int
drop(const struct config *c, struct err *e)
{
	const char *user = c->service.users.keeper;

	return user != NULL && geteuid() == 0 ? privileges_drop(user, e) : 0;
}

static int
seal(const struct kp *k, struct err *e)
{
	char *yaml = NULL;
	const char *more[2] = {NULL};
	const struct seal s = {.dir = k->config.dir,
	    .home = &k->config.home,
	    .store = k->config.service.store,
	    .read = more};
	int r;

	/* It is read again when it is told to. */
	if (path_join(k->config.dir, "writ.yaml", &yaml) != 0)
		return err_nomem(e);
	more[0] = yaml;
	r = keeper_seal(&s, e);
	free(yaml);
	return r;
}

static int
start(struct kp *k, struct local **l, struct err *e)
{
	struct committer_config c = {.wake = -1};
	const char *run;
	int r;

	if ((r = read_config(k, e)) != 0 ||
	    (r = service_signals(true, &k->signals, e)) != 0 ||
	    (r = service_wake(&k->wake, e)) != 0 ||
	    (r = drop(&k->config, e)) != 0)
		return r;
	run = k->config.service.runtime;
	c.local = (struct local_options){.dir = k->dir,
	    .mode = LOCAL_SERVE,
	    .signer_socket = k->signer_path,
	    .warn = warn};
	if ((r = open_local(k, &c.local, l, e)) != 0 ||
	    (r = read_state(k, *l, e)) != 0 || (r = open_rows(k, *l, e)) != 0 ||
	    (r = kp_quota_load(k, e)) != 0 || (r = kp_queue_load(k, e)) != 0 ||
	    (r = service_listen(run, "keeper", &k->listen_front, e)) != 0 ||
	    (r = service_listen(run, "control", &k->listen_control, e)) != 0 ||
	    (r = seal(k, e)) != 0)
		return r;
	conns_init(&k->conns, k->listen_front, k->listen_control, k->front_uid,
	    &kp_conns_ops, k);
	c.opened = *l;
	c.folded = requests_applied(k->rows);
	c.tick = k->config.service.tick;
	c.wake = k->wake;
	if ((r = committer_start(&c, &k->committer, e)) != 0)
		return r;
	*l = NULL;
	return kp_board_load(k, e);
}

int
kp_start(const char *dir, struct kp **out, struct err *e)
{
	struct local *l = NULL;
	struct kp *k = NULL;
	int r;

	if ((r = new_kp(dir, &k, e)) != 0)
		return r;
	if ((r = start(k, &l, e)) != 0) {
		if (k->committer != NULL)
			committer_stop(k->committer);
		kp_end(k);
		local_free(l);
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

void
kp_end(struct kp *k)
{
	struct kp_done *d;
	struct kp_call *c;

	if (k == NULL)
		return;
	while ((c = TAILQ_FIRST(&k->calls)) != NULL)
		kp_call_free(k, c);
	committer_free(k->committer);
	while ((d = STAILQ_FIRST(&k->behind)) != NULL) {
		STAILQ_REMOVE_HEAD(&k->behind, link);
		kp_done_free(d);
	}
	kp_asked_free_all(k);
	conns_clear(&k->conns);
	stages_clear(&k->stages);
	chan_free(k->notify);
	kp_quota_clear(k);
	kp_enrols_clear(&k->enrols);
	kp_queue_clear(&k->notices);
	requests_close(k->rows);
	policy_free(k->policy_then);
	kp_view_free(k->view);
	standing_free(k->standing);
	kp_krl_free(k->krl);
	free(k->changes);
	close_fd(k->listen_front);
	close_fd(k->listen_control);
	close_fd(k->signals);
	close_fd(k->wake);
	config_clear(&k->config);
	free(k->notify_path);
	free(k->signer_path);
	free(k);
}

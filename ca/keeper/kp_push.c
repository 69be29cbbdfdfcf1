/* SPDX-License-Identifier: ISC */
/*
 * put, push: a newer policy, file by file, then the statements that name them.
 * It is verified where it is put in force, by local_reload() and by the signer;
 * here its parts are brought together.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"
#include "lib/keeper/pushed.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

/* --- what was put --------------------------------------------------------- */

/* A person at an address: the front tells connections apart by no more. */
static int
stage_owner(const struct kp_call *c, struct str *out)
{
	str_addf(out, "%s %s", c->person, c->address);
	return str_check(out);
}

/* Whoever has a say in policy has something to put. */
static int
check_officer(const struct kp *k, const struct kp_call *c, struct err *e)
{
	const struct person *who =
	    policy_person(k->view->trust.policy, c->person);

	if (who != NULL && who->officer &&
	    !standing_person_revoked(k->standing, c->person))
		return 0;
	return err_set(e, ERR_DENIED,
	    "%s is no officer, and only officers push a policy", c->person);
}

int
kp_put(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	struct str owner = STR_INIT;
	struct hash h;
	struct jw w;
	int r;

	if ((r = check_officer(k, c, e)) != 0)
		return r;
	if (stage_owner(c, &owner) != 0)
		r = err_nomem(e);
	else
		r = stages_put(&k->stages, owner.p, c->args, k->now, &h, e);
	str_clear(&owner);
	if (r != 0)
		return r;
	jw_init(&w, &a->body, false);
	jw_begin(&w, NULL, '{');
	jw_hex(&w, "sha256", h.b, HASH_LEN);
	jw_end(&w, '}');
	return 0;
}

/* --- a chain -------------------------------------------------------------- */

struct finding {
	struct kp *k;
	const char *owner;
};

/* What was put, or what the policy in force has too. */
static int
find_file(void *ctx, const struct hash *h, struct slice *out, struct err *e)
{
	const struct finding *x = ctx;

	(void)e;
	*out = stages_find(&x->k->stages, x->owner, h);
	if (out->p == NULL)
		*out = kp_view_object(x->k->view, h);
	return out->p != NULL ? 0 : PUSHED_NONE;
}

static int
make_chain(struct kp *k, struct kp_call *c, struct bundle_chain **out,
    struct err *e)
{
	struct str owner = STR_INIT;
	struct finding x = {.k = k};
	int r;

	if (stage_owner(c, &owner) != 0) {
		r = err_nomem(e);
	} else {
		x.owner = owner.p;
		r = pushed_policy(c->args, k->view->chain, find_file, &x, out,
		    e);
	}
	str_clear(&owner);
	return r;
}

int
kp_push(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	struct bundle_chain *chain = NULL;
	struct kp_job *j;
	int r;

	(void)a;
	if ((r = kp_fold_check(k, e)) != 0 ||
	    (r = check_officer(k, c, e)) != 0 ||
	    (r = make_chain(k, c, &chain, e)) != 0)
		return r;
	/* A part for the job to hang on: it has no statement of its own. */
	c->parts = calloc(1, sizeof(*c->parts));
	j = calloc(1, sizeof(*j));
	if (c->parts == NULL || j == NULL) {
		bundle_chain_clear(chain);
		free(chain);
		free(j);
		return err_nomem(e);
	}
	statement_init(&c->parts[0].s, ST_POLICY);
	c->parts[0].call = c;
	c->n_parts = 1;
	issue_result_init(&j->result);
	j->kind = JOB_RELOAD;
	j->chain = chain;
	j->part = &c->parts[0];
	if ((r = committer_put(k->committer, j, false, e)) != 0) {
		kp_job_free(j);
		return r;
	}
	c->open_jobs = 1;
	return KP_LATER;
}

/* --- what became of it ---------------------------------------------------- */

static void
log_reload(struct kp *k, const struct kp_job *j)
{
	char version[24];
	struct str s = STR_INIT;

	if (j->r != 0) {
		plog_err(PLOG_ERR, &j->e, "policy refused, the old one stays",
		    NULL);
		return;
	}
	str_addf(&s, "%llu",
	    (unsigned long long)k->view->trust.policy->version);
	(void)snprintf(version, sizeof(version), "%s", s.p);
	plog(PLOG_INFO, "policy in force", "version", version, NULL);
	str_clear(&s);
}

void
kp_push_job(struct kp *k, struct kp_job *j)
{
	struct kp_call *c = j->part != NULL ? j->part->call : NULL;
	struct str s = STR_INIT, owner = STR_INIT;
	struct jw w;

	log_reload(k, j);
	if (c == NULL) {
		service_notify("READY=1");
		return;
	}
	c->open_jobs = 0;
	if (j->r == 0 && stage_owner(c, &owner) == 0)
		stages_drop(&k->stages, owner.p);
	str_clear(&owner);
	if (j->r != 0) {
		/* Of one that was put together rightly, signatures lack. */
		if (j->r == ERR_DENIED)
			j->e.code = ERR_WAIT;
		kp_call_fail(k, c, &j->e);
		return;
	}
	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_u64(&w, "version", k->view->trust.policy->version);
	jw_end(&w, '}');
	kp_call_end(k, c, 0, &s);
	str_clear(&s);
}

/* SPDX-License-Identifier: ISC */
/* The permission table of the signer, and what each row does. */
#include "ca/signer/signer_proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/common/messages.h"
#include "ca/signer/signer_proc_impl.h"
#include "lib/base/clock.h"
#include "lib/proc/plog.h"

/*
 * Where the conversation stands:
 *
 *	begin ----------- POLICY
 *	a past policy --- POLICY, ACT
 *	one in force ---- POLICY (in force again), ACT, SIGN, SIGN_KRL
 *	a batch waits --- DURABLE alone, which leads back
 */
enum {
	MAY_POLICY = 1,
	MAY_ACT = 2,
	MAY_SIGN = 4,
	MAY_DURABLE = 8,
};

static int take_policy(void *ctx, const struct frame *f, struct err *e);
static int take_act(void *ctx, const struct frame *f, struct err *e);
static int take_sign(void *ctx, const struct frame *f, struct err *e);
static int take_durable(void *ctx, const struct frame *f, struct err *e);
static int take_krl(void *ctx, const struct frame *f, struct err *e);

static const struct frame_rule rules[] = {
    {MSG_POLICY, MAY_POLICY, FRAME_MAX, "policy", take_policy},
    {MSG_ACT, MAY_ACT, 128 * 1024, "act", take_act},
    {MSG_SIGN, MAY_SIGN, FRAME_MAX, "sign", take_sign},
    {MSG_DURABLE, MAY_DURABLE, 1, "durable", take_durable},
    {MSG_SIGN_KRL, MAY_SIGN, FRAME_MAX, "sign a revocation list", take_krl},
};

/* --- answers -------------------------------------------------------------- */

static int
answer(struct signer_proc *p, uint16_t type, uint32_t id, const struct buf *b,
    struct err *e)
{
	struct slice payload = {0};

	if (b != NULL)
		payload = buf_slice(b);
	return chan_send(p->chan, type, id, payload, e);
}

static int
refuse(struct signer_proc *p, uint32_t id, const struct err *why, struct err *e)
{
	struct buf *b = NULL;
	int r;

	plog_err(PLOG_WARN, why, "refused", NULL);
	if (buf_new(&b, 4096) != 0 || refused_frame_encode(why, b) != 0)
		r = err_nomem(e);
	else
		r = answer(p, MSG_REFUSED, id, b, e);
	buf_free(b);
	return r;
}

static struct slice
blob_of(const struct pubkey *k)
{
	return k != NULL ? pubkey_blob(k) : slice_of(NULL, 0);
}

static int
say_seen(struct signer_proc *p, struct err *e)
{
	struct seen_frame s = {.user_ca = blob_of(p->c.user_ca),
	    .host_ca = blob_of(p->c.host_ca),
	    .log = blob_of(p->c.log)};
	struct buf *b = NULL;
	int r;

	signer_get_seen(p->c.signer, &s.seen);
	if (buf_new(&b, 8192) != 0 || seen_frame_encode(&s, b) != 0)
		r = err_nomem(e);
	else
		r = answer(p, MSG_SEEN, 0, b, e);
	buf_free(b);
	return r;
}

/*
 * A journal that failed is read anew at once, so that a disk with room again is
 * enough, and the keeper told what it has: the next batch begins there.
 */
static int
refuse_commit(struct signer_proc *p, uint32_t id, const struct err *why,
    struct err *e)
{
	struct err again = {0};
	int r;

	if (why->code == ERR_RECORD) {
		if (signer_recover(p->c.signer, &again) != 0)
			plog_err(PLOG_ERR, &again, "cannot go on", NULL);
		else if ((r = say_seen(p, e)) != 0)
			return r;
	}
	return refuse(p, id, why, e);
}

/* --- policies ------------------------------------------------------------- */

/* One of the past judges acts and nothing else: its expiry does not count. */
static int
take_past(struct signer_proc *p, const struct bundle_chain *c, struct err *e)
{
	const struct trust *now = p->c.trust;
	struct trust t;
	int r;

	trust_init(&t);
	r = bundle_chain_accept(c, &t, &now->realm, 0, e);
	if (r >= 0 && t.policy->version > now->policy->version)
		r = err_set(e, ERR_ROLLBACK,
		    "policy %llu is of the future, the signer has %llu",
		    (unsigned long long)t.policy->version,
		    (unsigned long long)now->policy->version);
	if (r < 0) {
		trust_clear(&t);
		return r;
	}
	trust_clear(&p->past);
	p->past = t;
	p->permitted |= MAY_ACT;
	return 0;
}

static int
take_in_force(struct signer_proc *p, const struct bundle_chain *c,
    struct err *e)
{
	uint64_t before = p->c.trust->policy->version;
	int r;

	r = bundle_chain_accept(c, p->c.trust, &p->c.trust->realm, clock_now(),
	    e);
	if (r < 0)
		return r;
	if (p->c.trust->policy->version != before) {
		char text[24];

		snprintf(text, sizeof(text), "%llu",
		    (unsigned long long)p->c.trust->policy->version);
		plog(PLOG_INFO, "policy in force", "version", text, NULL);
	}
	p->in_force = true;
	p->permitted |= MAY_ACT | MAY_SIGN;
	return 0;
}

static int
take_policy(void *ctx, const struct frame *f, struct err *e)
{
	struct signer_proc *p = ctx;
	struct bundle_chain *c = NULL;
	struct err why = {0};
	bool past;
	int r;

	if ((r = policy_frame_parse(f->payload, &past, &c, e)) != 0)
		return r;
	if (past && p->in_force)
		r = err_set(e, ERR_DENIED,
		    "a past policy after the one in force");
	else if ((r = past ? take_past(p, c, &why)
			   : take_in_force(p, c, &why)) != 0)
		r = refuse(p, f->id, &why, e);
	else if ((r = say_seen(p, e)) == 0)
		r = answer(p, MSG_OK, f->id, NULL, e);
	bundle_chain_clear(c);
	free(c);
	return r;
}

static int
take_act(void *ctx, const struct frame *f, struct err *e)
{
	return signer_proc_act(ctx, f->payload, e);
}

/* --- certificates --------------------------------------------------------- */

static int
check_batch(struct signer_proc *p, struct sign_frame *f, struct err *e)
{
	int r;

	f->b.trust = p->c.trust;
	f->b.standing = p->standing;
	f->b.now = clock_now();
	memcpy(f->b.head.origin, p->c.origin, strlen(p->c.origin) + 1);
	if ((r = signer_proc_acts_known(p, e)) != 0 ||
	    (r = sign_frame_verify(f, e)) != 0)
		return r;
	return signer_check(p->c.signer, &f->b, e);
}

/* What the batch was judged by is remembered before anything of it is out. */
static int
commit_batch(struct signer_proc *p, const struct sign_frame *f, struct err *e)
{
	struct signer_seen seen;
	int r;

	signer_get_seen(p->c.signer, &seen);
	r = signer_remember_acts(p->c.signer, p->acts, &p->chain,
	    seen.krl_version, e);
	return r != 0 ? r : signer_commit(p->c.signer, &f->b, e);
}

/* Of a batch that is signed: its signatures leave, once the journal has it. */
static int
release_batch(struct signer_proc *p, const struct sign_frame *f,
    const struct str *note, uint32_t id, struct err *e)
{
	struct err why = {0};
	struct buf *b = NULL;
	int r;

	if (commit_batch(p, f, &why) != 0)
		return refuse_commit(p, id, &why, e);
	if (buf_new(&b, FRAME_MAX) != 0 ||
	    signed_frame_encode(slice_of(note->p, note->n), f->b.jobs,
		f->b.n_jobs, b) != 0)
		r = err_nomem(e);
	else
		r = answer(p, MSG_SIGNED, id, b, e);
	buf_free(b);
	return r;
}

static void
forget_batch(struct signer_proc *p)
{
	sign_frame_free(p->batch);
	p->batch = NULL;
	str_clear(&p->note);
}

/*
 * A batch that is sent ahead is signed while the disk works, and its signatures
 * wait here for DURABLE; one that is not leaves at once.
 */
static int
take_sign(void *ctx, const struct frame *f, struct err *e)
{
	struct signer_proc *p = ctx;
	struct sign_frame *batch = NULL;
	struct err why = {0};
	int r;

	if ((r = sign_frame_parse(f->payload, &batch, e)) != 0)
		return r;
	if (!batch->durable) {
		p->batch_id = f->id;
		p->permitted = MAY_DURABLE;
	}
	if (check_batch(p, batch, &why) != 0 ||
	    signer_make(p->c.signer, &batch->b, &p->note, &why) != 0) {
		sign_frame_free(batch);
		str_clear(&p->note);
		return refuse(p, f->id, &why, e);
	}
	if (!batch->durable) {
		p->batch = batch;
		return 0;
	}
	r = release_batch(p, batch, &p->note, f->id, e);
	sign_frame_free(batch);
	str_clear(&p->note);
	return r;
}

/* Long after it was checked, the batch is checked again. */
static int
still_good(struct signer_proc *p, struct err *e)
{
	int64_t now = clock_now();

	if (now - p->batch->b.now <= SIGNER_CLOCK_MAX && now >= p->batch->b.now)
		return 0;
	p->batch->b.now = now;
	return signer_check(p->c.signer, &p->batch->b, e);
}

static int
take_durable(void *ctx, const struct frame *f, struct err *e)
{
	struct signer_proc *p = ctx;
	struct view v = view_slice(f->payload);
	struct err why = {0};
	uint8_t durable;
	int r = 0;

	if (f->id != p->batch_id || view_get_u8(&v, &durable) != 0 ||
	    durable > 1 || view_end(&v) != 0)
		return err_set(e, ERR_PARSE,
		    "frame that says whether a batch is durable: malformed");
	p->permitted = MAY_POLICY | MAY_ACT | MAY_SIGN;
	if (p->batch == NULL)
		return 0; /* its answer was a refusal */
	if (durable == 0)
		r = answer(p, MSG_OK, f->id, NULL, e);
	else if (still_good(p, &why) != 0)
		r = refuse(p, f->id, &why, e);
	else
		r = release_batch(p, p->batch, &p->note, f->id, e);
	forget_batch(p);
	return r;
}

/* --- revocation lists ----------------------------------------------------- */

static int
sign_krl(struct signer_proc *p, struct slice message, struct slice list,
    struct str *block, struct err *e)
{
	uint64_t version;
	int r;

	if ((r = signer_proc_acts_known(p, e)) != 0 ||
	    (r = signer_proc_check_krl(p, message, list, &version, e)) != 0 ||
	    (r = signer_remember_acts(p->c.signer, p->acts, &p->chain, version,
		 e)) != 0)
		return r;
	return signer_sign_krl(p->c.signer, message, block, e);
}

static int
take_krl(void *ctx, const struct frame *f, struct err *e)
{
	struct signer_proc *p = ctx;
	struct view v = view_slice(f->payload);
	struct slice message, list;
	struct str block = STR_INIT;
	struct signer_seen before, after;
	struct err why = {0};
	struct buf *b = NULL;
	bool is_signed;
	int r;

	if (view_get_string(&v, &message) != 0 ||
	    view_get_string(&v, &list) != 0 || view_end(&v) != 0)
		return err_set(e, ERR_PARSE,
		    "frame of a revocation list: malformed");
	signer_get_seen(p->c.signer, &before);
	is_signed = sign_krl(p, message, list, &block, &why) == 0;
	signer_get_seen(p->c.signer, &after);
	/* A version is used up, whatever becomes of the list. */
	if (before.krl_version != after.krl_version &&
	    (r = say_seen(p, e)) != 0)
		goto out;
	if (!is_signed)
		r = refuse_commit(p, f->id, &why, e);
	else if (buf_new(&b, STATEMENT_MAX) != 0 ||
	    buf_put_string(b, block.p, block.n) != 0)
		r = err_nomem(e);
	else
		r = answer(p, MSG_SIGNED, f->id, b, e);
out:
	str_clear(&block);
	buf_free(b);
	return r;
}

/* --- the conversation ----------------------------------------------------- */

int
signer_proc_new(const struct signer_proc_config *c, struct signer_proc **out,
    struct err *e)
{
	struct signer_proc *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return err_nomem(e);
	p->c = *c;
	str_init(&p->note);
	trust_init(&p->past);
	*out = p;
	return 0;
}

static void
forget(struct signer_proc *p)
{
	forget_batch(p);
	trust_clear(&p->past);
	standing_free(p->standing);
	p->standing = NULL;
	p->in_force = false;
	p->permitted = 0;
	p->acts = 0;
	memset(&p->chain, 0, sizeof(p->chain));
}

void
signer_proc_free(struct signer_proc *p)
{
	if (p == NULL)
		return;
	forget(p);
	free(p);
}

int
signer_proc_begin(struct signer_proc *p, struct chan *c, struct err *e)
{
	forget(p);
	p->chan = c;
	if (standing_new(&p->standing) != 0)
		return err_nomem(e);
	p->permitted = MAY_POLICY;
	return say_seen(p, e);
}

int
signer_proc_frame(struct signer_proc *p, const struct frame *f, struct err *e)
{
	return frame_dispatch(rules, sizeof(rules) / sizeof(rules[0]),
	    p->permitted, p, f, e);
}

/* --- for the loop --------------------------------------------------------- */

static int
begin(void *ctx, struct chan *c, struct err *e)
{
	return signer_proc_begin(ctx, c, e);
}

static int
take_frame(void *ctx, const struct frame *f, struct err *e)
{
	return signer_proc_frame(ctx, f, e);
}

/* A batch that waits for its log may still come. */
static bool
busy(void *ctx)
{
	const struct signer_proc *p = ctx;

	return p->batch != NULL;
}

const struct serve_ops signer_proc_ops = {
    .peer = "keeper", .begin = begin, .frame = take_frame, .busy = busy};

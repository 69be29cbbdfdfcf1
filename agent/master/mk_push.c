/* SPDX-License-Identifier: ISC */
/*
 * put, push: a newer policy, fleet or revocation list, file by file, then the
 * statements that name them.  It is verified whole before anything is stored; a
 * fleet that is pushed moves nobody.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_calls.h"
#include "agent/master/mk_impl.h"
#include "lib/keeper/pushed.h"
#include "lib/proc/plog.h"

/* --- what was put --------------------------------------------------------- */

/* Officers and operators sign what is pushed; others have nothing to put. */
static int
check_signer(struct mk *k, const struct mk_call *c, struct err *e)
{
	const struct person *who =
	    policy_person(content_trust(k->content)->policy, c->name);

	if (who != NULL && (who->officer || who->operator))
		return 0;
	return err_set(e, ERR_DENIED,
	    "%s is no officer or operator, and nobody else pushes", c->name);
}

int
mk_put(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	struct hash h;
	struct jw w;
	int r;

	if ((r = check_signer(k, c, e)) != 0 ||
	    (r = stages_put(&k->stages, c->name, c->args, k->now, &h, e)) != 0)
		return r;
	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_hex(&w, "hash", h.b, HASH_LEN);
	jw_end(&w, '}');
	return 0;
}

/* What was put, or what the version in force has too. */
struct finding {
	struct mk *k;
	const char *who;
};

static int
policy_file(void *ctx, const struct hash *h, struct slice *out, struct err *e)
{
	const struct finding *x = ctx;

	(void)e;
	*out = stages_find(&x->k->stages, x->who, h);
	if (out->p == NULL)
		*out = content_policy_file(x->k->content, h);
	return out->p != NULL ? 0 : PUSHED_NONE;
}

static int
fleet_file(void *ctx, const struct hash *h, struct slice *out, struct err *e)
{
	const struct finding *x = ctx;
	const struct fleet_held *held = content_held(x->k->content);

	*out = stages_find(&x->k->stages, x->who, h);
	if (out->p != NULL)
		return 0;
	if (!held->have)
		return PUSHED_NONE;
	return content_fleet_file(x->k->content, held->version, h, NULL, NULL,
	    out, e);
}

/* --- a policy ------------------------------------------------------------- */

/*
 * In force at once for what is judged from here on; its leaf comes before any
 * other.
 */
int
mk_adopt_policy(struct mk *k, const struct bundle_chain *chain,
    struct mk_call *c, struct err *e)
{
	const struct hash was = content_trust(k->content)->policy->hash;
	struct mk_batch *b = NULL;
	const struct policy *p;
	int r;

	if (k->policy_next != NULL)
		return err_set(e, ERR_BUSY,
		    "another policy is on its way into the log");
	if ((c != NULL && (r = mk_parts(c, 1, e)) != 0) ||
	    (r = content_push_policy(k->content, chain, k->now, e)) != 0)
		return r;
	p = content_trust(k->content)->policy;
	if (c != NULL)
		c->parts[0].number = p->version;
	if (hash_equal(&was, &p->hash)) {
		if (c != NULL)
			c->open_parts = 1;
		return 1;
	}
	if ((r = mk_policy_batch(k, &b, e)) != 0) {
		k->r = r; /* it is in force and has no leaf: begin again */
		k->e = e != NULL ? *e : (struct err){0};
		return r;
	}
	/* Its first leaf stands for all of them: they come together. */
	if (c != NULL) {
		STAILQ_FIRST(&b->items)->call = c;
		c->open_parts = 1;
	}
	k->policy_next = b;
	k->keys_changed = true;
	mk_dirty_all(k);
	plog(PLOG_INFO, "another policy is in force", NULL);
	return 0;
}

static int
push_policy(struct mk *k, struct mk_call *c, struct err *e)
{
	struct finding x = {k, c->name};
	struct bundle_chain *chain = NULL;
	int r;

	if ((r = pushed_policy(c->args, content_chain(k->content), policy_file,
		 &x, &chain, e)) != 0)
		return r;
	r = mk_adopt_policy(k, chain, c, e);
	bundle_chain_clear(chain);
	free(chain);
	return r;
}

/* --- a fleet -------------------------------------------------------------- */

/* Takes s: held, and on its way into the log, or neither. */
static int
take_fleet(struct mk *k, struct mk_call *c, struct fleet_chain *chain,
    struct statement *s, struct err *e)
{
	struct mk_item item = {.has_leaf = true, .call = c, .s = *s};
	struct mk_item *i = NULL;
	int r;

	statement_init(s, ST_FLEET);
	if ((r = mk_item_new(&item, &i, e)) != 0)
		return r;
	if ((r = mk_parts(c, 1, e)) != 0 ||
	    (r = content_push_fleet(k->content, chain, k->now, e)) != 0) {
		mk_item_free(i);
		return r;
	}
	c->parts[0].hash = i->s.hash;
	c->parts[0].number = i->s.u.bundle.version;
	mk_item_go(k, i);
	return 0;
}

static int
push_fleet(struct mk *k, struct mk_call *c, struct err *e)
{
	struct fleet_chain chain = {.version = 0};
	struct finding x = {k, c->name};
	struct statement s;
	int r;

	statement_init(&s, ST_FLEET);
	if ((r = mk_can_take(k, e)) != 0 ||
	    (r = pushed_text(c->args, "statement", &chain.statement, e)) != 0 ||
	    (r = statement_parse("statement", chain.statement, &s, e)) != 0 ||
	    (r = mk_unrevoked(k, &s, e)) != 0 ||
	    (r = pushed_text(c->args, "manifest", &chain.manifest, e)) != 0 ||
	    (r = pushed_files(chain.manifest, fleet_file, &x, &chain.files,
		 e)) != 0)
		goto out;
	r = take_fleet(k, c, &chain, &s, e);
out:
	statement_clear(&s);
	fleet_chain_clear(&chain);
	return r;
}

/* --- a revocation list ---------------------------------------------------- */

static int
push_list(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	struct slice text = {0}, list;
	struct statement s;
	struct jw w;
	int r;

	statement_init(&s, ST_KRL);
	if ((r = pushed_text(c->args, "statement", &text, e)) != 0 ||
	    (r = statement_parse("statement", text, &s, e)) != 0)
		goto out;
	if (s.type != ST_KRL) {
		r = err_set(e, ERR_PARSE, "'statement' is no krl statement");
		goto out;
	}
	list = stages_find(&k->stages, c->name, &s.u.krl.file);
	if (list.p == NULL) {
		r = err_set(e, ERR_NOTFOUND, "the list was not put");
		goto out;
	}
	if ((r = mk_krl_take(k, text, list, e)) < 0)
		goto out;
	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_u64(&w, "version", k->krl.version);
	jw_end(&w, '}');
	r = 0;
out:
	free((void *)(uintptr_t)text.p);
	statement_clear(&s);
	return r;
}

int
mk_push(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	const char *what = NULL;
	char quoted[QUOTE_MAX];
	int r;

	if ((r = check_signer(k, c, e)) != 0 ||
	    (r = json_str(c->args, "what", 0, 16, &what, e)) != 0)
		return r;
	if (strcmp(what, "policy") == 0)
		r = push_policy(k, c, e);
	else if (strcmp(what, "fleet") == 0)
		r = push_fleet(k, c, e);
	else if (strcmp(what, "krl") == 0)
		return push_list(k, c, out, e);
	else
		return err_set(e, ERR_PARSE,
		    "'what' is %s, expected policy, fleet or krl",
		    str_quote(quoted, what));
	if (r < 0)
		/* Of one that was put together rightly, signatures lack. */
		return r == ERR_DENIED ? ERR_WAIT : r;
	stages_drop(&k->stages, c->name);
	if (r == 0)
		return MK_LATER;
	mk_part_done(k, c); /* the one in force, once more */
	return MK_ENDED;
}

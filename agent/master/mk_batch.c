/* SPDX-License-Identifier: ISC */
/*
 * Statements into the log, as many together as have come: one batch is under way
 * and the next one gathers meanwhile.  Whoever brought one is answered when its
 * leaf is durable.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_impl.h"
#include "lib/cli/cli.h"
#include "lib/proc/plog.h"

/* --- may anything be taken? ----------------------------------------------- */

int
mk_can_take(const struct mk *k, struct err *e)
{
	if (k->recover) {
		(void)err_set(e, ERR_RECORD, "the log takes nothing: %s",
		    k->log_why.msg);
		err_hint(e, "say the same again in a while");
		return ERR_RECORD;
	}
	if (k->n_unstored >= MK_UNSTORED) {
		(void)err_set(e, ERR_RECORD,
		    "the store lags behind the log: %s", k->store_why.msg);
		err_hint(e, "say the same again in a while");
		return ERR_RECORD;
	}
	return 0;
}

/* --- a batch -------------------------------------------------------------- */

void
mk_batch_free(struct mk_batch *b)
{
	if (b == NULL)
		return;
	mk_items_free(&b->items);
	free(b->leaves);
	free(b->objects);
	free(b->index);
	free(b);
}

static int
new_batch(size_t n, size_t n_objects, struct mk_batch **out)
{
	struct mk_batch *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return ERR_NOMEM;
	STAILQ_INIT(&b->items);
	b->leaves = calloc(n + 1, sizeof(*b->leaves));
	b->index = calloc(n + 1, sizeof(*b->index));
	b->objects = calloc(n_objects + 1, sizeof(*b->objects));
	if (b->leaves == NULL || b->index == NULL || b->objects == NULL) {
		mk_batch_free(b);
		return ERR_NOMEM;
	}
	*out = b;
	return 0;
}

static void
add_object(struct mk_batch *b, struct slice data)
{
	struct scribe_object *o = &b->objects[b->sb.n_objects++];
	char hex[HASH_HEX];
	struct hash h;

	hash_sha256(data.p, data.n, &h);
	hash_hex(&h, hex);
	(void)snprintf(o->key, sizeof(o->key), "policy/%s", hex);
	o->data = data;
}

/* An acceptance is in the log before its token expires, or not at all. */
static void
set_until(const struct mk *k, struct mk_batch *b, const struct statement *s)
{
	const struct fleet_token_row *t;

	if (s->type != ST_ACCEPT || !s->u.accept.has_token ||
	    (t = fleet_hosts_token(k->hosts, &s->u.accept.token)) == NULL)
		return;
	if (b->sb.until == 0 || t->expires < b->sb.until)
		b->sb.until = t->expires;
}

/* Its leaves and objects as the scribe has them. */
static void
finish_batch(const struct mk *k, struct mk_batch *b)
{
	struct mk_item *i;

	STAILQ_FOREACH (i, &b->items, link) {
		if (!i->has_leaf)
			continue;
		b->leaves[b->sb.n++] = statement_bytes(&i->s);
		set_until(k, b, &i->s);
		if (i->targets != NULL)
			add_object(b, slice_of(i->targets, i->n_targets));
	}
	b->sb.leaves = b->leaves;
	b->sb.index = b->index;
	b->sb.objects = b->objects;
}

static int
gather(struct mk *k, struct mk_batch **out)
{
	size_t n = k->n_next < LEDGER_BATCH_MAX ? k->n_next : LEDGER_BATCH_MAX;
	struct mk_batch *b = NULL;
	struct mk_item *i;

	if (new_batch(n, n, &b) != 0)
		return ERR_NOMEM;
	while (n-- > 0) {
		i = STAILQ_FIRST(&k->next);
		STAILQ_REMOVE_HEAD(&k->next, link);
		STAILQ_INSERT_TAIL(&b->items, i, link);
		k->n_next--;
	}
	finish_batch(k, b);
	*out = b;
	return 0;
}

void
mk_batch_go(struct mk *k)
{
	struct mk_batch *b = NULL;

	if (k->flying != NULL || k->recover)
		return;
	if (k->policy_next != NULL) {
		b = k->policy_next;
		k->policy_next = NULL;
	} else if (k->n_next == 0 || gather(k, &b) != 0) {
		/* Without memory they wait for the next turn. */
		return;
	}
	k->flying = b;
	scribe_put(k->scribe, &b->sb);
}

/* --- the policy ----------------------------------------------------------- */

static int
add_leaf(struct mk_batch *b, struct slice text, struct err *e)
{
	struct mk_item *i = calloc(1, sizeof(*i));
	int r;

	if (i == NULL)
		return err_nomem(e);
	statement_init(&i->s, ST_POLICY);
	i->has_leaf = true;
	STAILQ_INSERT_TAIL(&b->items, i, link);
	if ((r = statement_parse("policy", text, &i->s, e)) != 0)
		return r;
	return 0;
}

int
mk_policy_batch(struct mk *k, struct mk_batch **out, struct err *e)
{
	const struct bundle_chain *c = content_chain(k->content);
	const struct trust *t = content_trust(k->content);
	struct mk_batch *b = NULL;
	int r = 0;

	if (new_batch(c->n_roots + 1, c->n_roots + c->files.n + 1, &b) != 0)
		return err_nomem(e);
	b->policy = true;
	for (size_t i = 0; i < c->n_roots && r == 0; i++) {
		add_object(b, c->root_files[i]);
		r = add_leaf(b, c->root_statements[i], e);
	}
	for (size_t i = 0; i < c->files.n; i++)
		add_object(b, slice_of(c->files.v[i].data, c->files.v[i].n));
	add_object(b, c->manifest);
	if (r == 0)
		r = add_leaf(b, c->statement, e);
	if (r != 0) {
		mk_batch_free(b);
		return r;
	}
	b->sb.versions = true;
	b->sb.root = t->root_version;
	b->sb.policy = t->policy->version;
	finish_batch(k, b);
	*out = b;
	return 0;
}

/* --- what became of it ---------------------------------------------------- */

/* The worst of what several statements came to. */
static int
worse(int status, const struct err *e)
{
	int of = e->code != 0 ? cli_exit_status(e->code) : 0;

	return of > status ? of : status;
}

static int
results(const struct mk_call *c, struct str *out)
{
	int status = 0;
	struct jw w;

	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_begin(&w, "results", '[');
	for (size_t i = 0; i < c->n_parts; i++) {
		const struct mk_part *p = &c->parts[i];

		jw_begin(&w, NULL, '{');
		jw_hex(&w, "hash", p->hash.b, HASH_LEN);
		if (p->e.code == 0)
			jw_u64(&w, "index", p->index);
		else
			jw_err(&w, &p->e);
		jw_end(&w, '}');
		status = worse(status, &p->e);
	}
	jw_end(&w, ']');
	jw_end(&w, '}');
	return status;
}

void
mk_part_done(struct mk *k, struct mk_call *c)
{
	struct str s = STR_INIT;
	int status = 0;
	struct jw w;

	if (--c->open_parts > 0)
		return;
	if (c->row->call != CALL_SUBMIT && c->parts[0].e.code != 0) {
		mk_call_fail(k, c, &c->parts[0].e);
		return;
	}
	jw_init(&w, &s, false);
	if (c->row->call == CALL_SUBMIT) {
		status = results(c, &s);
	} else if (c->row->call == CALL_ENROL) {
		mk_enrol_answer(k, c, &s);
	} else {
		jw_begin(&w, NULL, '{');
		jw_u64(&w, c->row->call == CALL_REPORT ? "seq" : "version",
		    c->parts[0].number);
		jw_end(&w, '}');
	}
	mk_call_end(k, c, status, &s);
	str_clear(&s);
}

/* The leaf of one that was there before: from rows. */
static void
find_index(struct mk *k, struct mk_item *i)
{
	if (!i->has_leaf && mk_said_index(k, &i->s.hash, &i->index, NULL) != 0)
		i->index = 0;
}

static void
answer(struct mk *k, struct mk_item *i, const struct err *e)
{
	struct mk_call *c = i->call;
	struct mk_part *p;

	if (c == NULL)
		return;
	i->call = NULL;
	p = &c->parts[i->part];
	if (e != NULL && e->code != 0) {
		p->e = *e;
	} else {
		find_index(k, i);
		p->index = i->index;
	}
	mk_part_done(k, c);
}

static void
succeeded(struct mk *k, struct mk_batch *b)
{
	struct mk_item *i;
	bool stored;
	size_t n = 0;

	STAILQ_FOREACH (i, &b->items, link) {
		if (!i->has_leaf)
			continue;
		i->index = b->index[n++];
		mk_apply(k, i);
	}
	k->applied = b->sb.size;
	stored = mk_batch_store(k, b);
	STAILQ_FOREACH (i, &b->items, link)
		answer(k, i, NULL);
	if (stored)
		mk_batch_free(b);
}

/*
 * What was judged is not in the log, and the next ones were judged after it:
 * they all come to nothing.
 */
static void
failed(struct mk *k, struct mk_batch *b)
{
	struct mk_item *i;

	k->recover = true;
	k->recover_at = k->now_ms;
	k->log_why = b->sb.e;
	plog_err(PLOG_ERR, &b->sb.e, "statements found no way into the log",
	    NULL);
	STAILQ_FOREACH (i, &b->items, link)
		answer(k, i, &b->sb.e);
	STAILQ_FOREACH (i, &k->next, link)
		answer(k, i, &b->sb.e);
	mk_items_free(&k->next);
	k->n_next = 0;
	if (b->policy) {
		/* It is in force, so its leaf comes before any other. */
		b->sb.n = b->sb.n_objects = 0;
		mk_batch_free(b);
		if (mk_policy_batch(k, &k->policy_next, &k->e) != 0)
			k->r = ERR_NOMEM;
		return;
	}
	mk_batch_free(b);
}

void
mk_batch_news(struct mk *k)
{
	struct scribe_batches done = STAILQ_HEAD_INITIALIZER(done);
	struct mk_batch *b = k->flying;

	scribe_take(k->scribe, &done);
	if (STAILQ_EMPTY(&done) || b == NULL)
		return;
	/* There is one at a time. */
	k->flying = NULL;
	if (b->sb.r == 0)
		succeeded(k, b);
	else
		failed(k, b);
}

int
mk_parts(struct mk_call *c, size_t n, struct err *e)
{
	if ((c->parts = calloc(n, sizeof(*c->parts))) == NULL)
		return err_nomem(e);
	c->n_parts = n;
	return 0;
}

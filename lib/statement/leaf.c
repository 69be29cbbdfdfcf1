/* SPDX-License-Identifier: ISC */
/* Leaves that nobody signs, and statements as leaves: written and read. */
#include "lib/statement/leaf.h"

#include <stdlib.h>
#include <string.h>

#include "lib/statement/fields.h"
#include "lib/statement/leaf_impl.h"

/* As many as ca/issue looks at. */
#define DECISIONS_MAX 256
/* The start of every line that the program itself wrote. */
#define PREFIX "{\"v\":1,\"type\":\""

static const char *const issue_keys[] = {"v", "type", "realm", "now", "rules",
    "policy_version", "policy", "request", "decisions", "size", "tbs"};
static const char *const certificate_keys[] = {
    "v", "type", "realm", "request", "issue_index", "certificate"};
static const char *const tick_keys[] = {"v", "type", "realm", "at",
    "root_version", "policy_version", "krl_version"};

void
leaf_init(struct leaf *l)
{
	memset(l, 0, sizeof(*l));
}

void
leaf_clear(struct leaf *l)
{
	switch (l->kind) {
	case LEAF_STATEMENT:
		statement_clear(&l->u.s);
		break;
	case LEAF_ISSUE:
		free(l->u.i.decisions);
		free(l->u.i.tbs);
		break;
	case LEAF_CERTIFICATE:
		free(l->u.c.blob);
		break;
	case LEAF_TICK:
		break;
	}
	leaf_init(l);
}

/* --- out --- */

static void
begin(struct jw *w, struct str *line, const char *type,
    const struct hash *realm)
{
	jw_init(w, line, false);
	jw_begin(w, NULL, '{');
	jw_int(w, "v", 1);
	jw_str(w, "type", type);
	st_write_hash(w, "realm", realm);
}

/* Close the line and append it to out, if it is whole and fits a leaf. */
static int
finish(struct jw *w, struct str *line, struct str *out)
{
	int r;

	jw_end(w, '}');
	str_addc(line, '\n');
	if ((r = str_check(line)) == 0 && line->n > LEAF_MAX)
		r = ERR_LIMIT;
	if (r == 0) {
		str_addn(out, line->p, line->n);
		r = str_check(out);
	}
	str_clear(line);
	return r;
}

int
issue_leaf_encode(const struct issue_leaf *l, struct str *out)
{
	struct str line = STR_INIT;
	struct jw w;

	if (l->n_decisions > DECISIONS_MAX || l->tbs_len > CERT_MAX)
		return ERR_LIMIT;
	begin(&w, &line, "issue", &l->realm);
	jw_time(&w, "now", l->now);
	jw_u64(&w, "rules", l->rules);
	jw_u64(&w, "policy_version", l->policy_version);
	st_write_hash(&w, "policy", &l->policy);
	st_write_hash(&w, "request", &l->request);
	st_write_hashes(&w, "decisions", l->decisions, l->n_decisions);
	jw_u64(&w, "size", l->size);
	jw_base64(&w, "tbs", l->tbs, l->tbs_len);
	return finish(&w, &line, out);
}

int
certificate_leaf_encode(const struct certificate_leaf *l, struct str *out)
{
	struct str line = STR_INIT;
	struct jw w;

	if (l->blob_len > CERT_MAX)
		return ERR_LIMIT;
	begin(&w, &line, "certificate", &l->realm);
	st_write_hash(&w, "request", &l->request);
	jw_u64(&w, "issue_index", l->issue_index);
	jw_base64(&w, "certificate", l->blob, l->blob_len);
	return finish(&w, &line, out);
}

int
tick_leaf_encode(const struct tick_leaf *l, struct str *out)
{
	struct str line = STR_INIT;
	struct jw w;

	begin(&w, &line, "tick", &l->realm);
	jw_time(&w, "at", l->at);
	jw_u64(&w, "root_version", l->root_version);
	jw_u64(&w, "policy_version", l->policy_version);
	jw_u64(&w, "krl_version", l->krl_version);
	return finish(&w, &line, out);
}

/* --- in --- */

/* Base64 of 1 to CERT_MAX bytes into a new block. */
static int
read_blob(const json_t *o, const char *key, uint8_t **out, size_t *n,
    struct err *e)
{
	struct buf *b = NULL;
	const char *s = NULL;
	int r;

	if ((r = json_str(o, key, 0, (CERT_MAX + 2) / 3 * 4, &s, e)) != 0)
		return r;
	if ((r = buf_new(&b, CERT_MAX)) != 0)
		return err_nomem(e);
	if ((r = base64_decode(s, strlen(s), b)) != 0)
		r = err_set(e, r, "field '%s' is malformed, expected base64",
		    key);
	else
		buf_take(b, out, n);
	buf_free(b);
	return r;
}

static int
issue_read(const json_t *o, struct leaf *l, struct err *e)
{
	struct issue_leaf *i = &l->u.i;
	int r;

	if ((r = st_read_hash(o, "realm", &i->realm, e)) != 0 ||
	    (r = json_time(o, "now", 0, &i->now, e)) != 0 ||
	    (r = json_u64(o, "rules", 0, 1, UINT64_MAX, &i->rules, e)) != 0 ||
	    (r = json_u64(o, "policy_version", 0, 1, UINT64_MAX,
		 &i->policy_version, e)) != 0 ||
	    (r = st_read_hash(o, "policy", &i->policy, e)) != 0 ||
	    (r = st_read_hash(o, "request", &i->request, e)) != 0 ||
	    (r = st_read_hashes(o, "decisions", JSON_EMPTY_OK, DECISIONS_MAX,
		 &i->decisions, &i->n_decisions, e)) != 0 ||
	    (r = json_u64(o, "size", 0, 0, UINT64_MAX, &i->size, e)) != 0)
		return r;
	return read_blob(o, "tbs", &i->tbs, &i->tbs_len, e);
}

static int
certificate_read(const json_t *o, struct leaf *l, struct err *e)
{
	struct certificate_leaf *c = &l->u.c;
	int r;

	if ((r = st_read_hash(o, "realm", &c->realm, e)) != 0 ||
	    (r = st_read_hash(o, "request", &c->request, e)) != 0 ||
	    (r = json_u64(o, "issue_index", 0, 0, UINT64_MAX, &c->issue_index,
		 e)) != 0)
		return r;
	return read_blob(o, "certificate", &c->blob, &c->blob_len, e);
}

static int
tick_read(const json_t *o, struct leaf *l, struct err *e)
{
	struct tick_leaf *t = &l->u.t;
	int r;

	if ((r = st_read_hash(o, "realm", &t->realm, e)) != 0 ||
	    (r = json_time(o, "at", 0, &t->at, e)) != 0 ||
	    (r = json_u64(o, "root_version", 0, 0, UINT64_MAX, &t->root_version,
		 e)) != 0 ||
	    (r = json_u64(o, "policy_version", 0, 0, UINT64_MAX,
		 &t->policy_version, e)) != 0)
		return r;
	return json_u64(o, "krl_version", 0, 0, UINT64_MAX, &t->krl_version, e);
}

static int
issue_write(const struct leaf *l, struct str *out)
{
	return issue_leaf_encode(&l->u.i, out);
}

static int
certificate_write(const struct leaf *l, struct str *out)
{
	return certificate_leaf_encode(&l->u.c, out);
}

static int
tick_write(const struct leaf *l, struct str *out)
{
	return tick_leaf_encode(&l->u.t, out);
}

/* The leaves that no person signs. */
static const struct leaf_own owns[] = {
    {LEAF_ISSUE, LTAG_ISSUE, "issue", issue_keys,
	sizeof(issue_keys) / sizeof(issue_keys[0]), issue_read, issue_write},
    {LEAF_CERTIFICATE, LTAG_CERTIFICATE, "certificate", certificate_keys,
	sizeof(certificate_keys) / sizeof(certificate_keys[0]),
	certificate_read, certificate_write},
    {LEAF_TICK, LTAG_TICK, "tick", tick_keys,
	sizeof(tick_keys) / sizeof(tick_keys[0]), tick_read, tick_write},
};
#define N_OWNS (sizeof(owns) / sizeof(owns[0]))

/* Does the line start as one of ours, of this type? */
bool
leaf_has_type(struct slice bytes, const char *type)
{
	size_t at = sizeof(PREFIX) - 1, n = strlen(type);

	return bytes.n > at + n && memcmp(bytes.p, PREFIX, at) == 0 &&
	    memcmp(bytes.p + at, type, n) == 0 && bytes.p[at + n] == '"';
}

const struct leaf_own *
leaf_own_of(struct slice bytes)
{
	for (size_t i = 0; i < N_OWNS; i++)
		if (leaf_has_type(bytes, owns[i].type))
			return &owns[i];
	return NULL;
}

/*
 * Written by this program, so read in its one spelling alone: what was read is
 * written again and must be the same bytes.
 */
static int
parse_own(const struct leaf_own *own, struct slice bytes, struct leaf *l,
    struct err *e)
{
	struct str again = STR_INIT;
	json_t *o = NULL;
	int r;

	l->kind = own->kind;
	if ((r = json_read(bytes, LEAF_MAX, &o, e)) != 0 ||
	    (r = json_known(o, own->keys, own->n_keys, e)) != 0 ||
	    (r = own->read(o, l, e)) != 0)
		goto out;
	if ((r = own->write(l, &again)) != 0)
		(void)err_set(e, r, "%s", err_text(r));
	else if (!slice_equal(slice_of(again.p, again.n), bytes))
		r = err_set(e, ERR_PARSE,
		    "not in its canonical form, expected the bytes that Writ "
		    "writes");
out:
	str_clear(&again);
	json_decref(o);
	return r;
}

int
leaf_parse(const char *name, struct slice bytes, struct leaf *out,
    struct err *e)
{
	const struct leaf_own *own = leaf_own_of(bytes);
	struct leaf l;
	int r;

	leaf_init(&l);
	if (own != NULL) {
		if ((r = parse_own(own, bytes, &l, e)) != 0)
			err_prefix(e, "%s", name);
	} else {
		l.kind = LEAF_STATEMENT;
		r = statement_parse(name, bytes, &l.u.s, e);
	}
	if (r != 0) {
		leaf_clear(&l);
		return r;
	}
	leaf_clear(out);
	*out = l;
	return 0;
}

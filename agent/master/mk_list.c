/* SPDX-License-Identifier: ISC */
/*
 * The call `keys`: hosts, those that ask in, those that were refused, tokens, in
 * this order and numbered through.  An answer has as much as fits into a page, and
 * the number of the first that is not in it; who asks goes on from there.  What
 * comes or goes in between may be told twice or not at all, as in every list that
 * is read while it changes.
 */
#include "agent/master/mk_calls.h"
#include "agent/master/mk_impl.h"

struct page {
	struct mk *k;
	struct jw w;
	const struct str *out;
	size_t most;       /* bytes */
	uint64_t after, n; /* n: entries seen */
	uint64_t next;     /* the first that finds no room; 0: all do */
	struct err *e;
};

/* Is the next entry in this page? */
static bool
is_in(struct page *p)
{
	uint64_t i = p->n++;

	if (i < p->after || p->next != 0)
		return false;
	/* One at least, or nobody would get on. */
	if (i == p->after || p->out->n < p->most)
		return true;
	p->next = i;
	return false;
}

/* Non-zero where the rest need not be looked at. */
static int
is_full(const struct page *p)
{
	return p->next != 0;
}

void
mk_put_fingerprint(struct jw *w, const char *name, const struct pubkey *key)
{
	char text[FINGERPRINT_MAX];

	pubkey_fingerprint(key, text);
	jw_str(w, name, text);
}

void
mk_put_host(struct jw *w, const struct fleet_host_row *row)
{
	jw_str(w, "host", row->id);
	jw_hex(w, "accept", row->accept.b, HASH_LEN);
	jw_hex(w, "enrol", row->enrol.b, HASH_LEN);
	mk_put_fingerprint(w, "fingerprint", row->host_key);
	mk_put_fingerprint(w, "transport", row->transport_key);
	jw_strs(w, "names", row->names);
	jw_strs(w, "roles", row->roles);
	jw_time(w, "since", row->since);
	jw_time(w, "renew_until", row->renew_until);
	if (row->by_token)
		jw_hex(w, "token", row->token.b, HASH_LEN);
	if (row->rejected) {
		jw_bool(w, "rejected", true);
		jw_str(w, "reason", row->reason != NULL ? row->reason : "");
	}
}

static int
put_host(void *ctx, const struct fleet_host_row *row)
{
	struct page *p = ctx;

	if (is_in(p)) {
		jw_begin(&p->w, NULL, '{');
		mk_put_host(&p->w, row);
		jw_end(&p->w, '}');
	}
	return is_full(p);
}

static void
put_asking(struct page *p, const struct fleet_enrol_row *row, const char *from,
    int64_t since, const struct statement *s)
{
	const struct fleet_host_row *has =
	    fleet_hosts_enrol_of(p->k->hosts, row);
	struct jw *w = &p->w;

	jw_begin(w, NULL, '{');
	jw_hex(w, "enrol", s->hash.b, HASH_LEN);
	mk_put_fingerprint(w, "fingerprint", row->host_key);
	jw_str(w, "hostname", s->u.enrol.hostname);
	jw_str(w, "wish", s->by);
	jw_str(w, "from", from);
	jw_time(w, "since", since);
	if (has != NULL)
		jw_str(w, "replaces", has->id);
	jw_strn(w, "statement", (const char *)s->bytes, s->n_bytes);
	jw_end(w, '}');
}

/* The newest of its keys alone: a host that was reinstalled asks anew. */
static int
put_waiting(void *ctx, const char *from, int64_t since, struct slice bytes)
{
	struct page *p = ctx;
	const struct fleet_enrol_row *row;
	struct statement s;
	int r;

	statement_init(&s, ST_ENROL);
	if ((r = statement_parse("store", bytes, &s, p->e)) != 0)
		goto out;
	row = fleet_hosts_enrol(p->k->hosts, &s.hash);
	if (row == NULL || row->rejected || !hash_equal(&row->enrol, &s.hash))
		goto out;
	if (is_in(p))
		put_asking(p, row, from, since, &s);
	r = is_full(p);
out:
	statement_clear(&s);
	return r;
}

static int
put_rejected(void *ctx, const struct fleet_enrol_row *row)
{
	struct page *p = ctx;

	if (row->rejected && is_in(p)) {
		jw_begin(&p->w, NULL, '{');
		jw_hex(&p->w, "enrol", row->enrol.b, HASH_LEN);
		mk_put_fingerprint(&p->w, "fingerprint", row->host_key);
		jw_str(&p->w, "hostname", row->hostname);
		jw_str(&p->w, "reason", row->reason != NULL ? row->reason : "");
		jw_end(&p->w, '}');
	}
	return is_full(p);
}

static int
put_token(void *ctx, const struct fleet_token_row *row)
{
	struct page *p = ctx;

	if (is_in(p)) {
		jw_begin(&p->w, NULL, '{');
		jw_hex(&p->w, "token", row->token.b, HASH_LEN);
		mk_put_fingerprint(&p->w, "fingerprint", row->key);
		jw_str(&p->w, "hosts", row->hosts);
		jw_str(&p->w, "by", row->by);
		jw_strs(&p->w, "roles", row->roles);
		jw_u64(&p->w, "count", row->count);
		jw_u64(&p->w, "left", row->count - row->used);
		jw_time(&p->w, "expires", row->expires);
		jw_end(&p->w, '}');
	}
	return is_full(p);
}

int
mk_put_keys(struct mk *k, uint64_t after, size_t most, struct str *out,
    struct err *e)
{
	struct page p = {
	    .k = k, .out = out, .most = most, .after = after, .e = e};
	int r;

	jw_init(&p.w, out, false);
	jw_begin(&p.w, NULL, '{');
	jw_begin(&p.w, "hosts", '[');
	(void)fleet_hosts_each(k->hosts, put_host, &p);
	jw_end(&p.w, ']');
	jw_begin(&p.w, "waiting", '[');
	if (!is_full(&p) &&
	    (r = rows_each_waiting(k->rows, put_waiting, &p, e)) < 0)
		return r;
	jw_end(&p.w, ']');
	jw_begin(&p.w, "rejected", '[');
	if (!is_full(&p))
		(void)fleet_hosts_each_enrol(k->hosts, put_rejected, &p);
	jw_end(&p.w, ']');
	jw_begin(&p.w, "tokens", '[');
	if (!is_full(&p))
		(void)fleet_hosts_each_token(k->hosts, put_token, &p);
	jw_end(&p.w, ']');
	if (is_full(&p))
		jw_u64(&p.w, "next", p.next);
	jw_end(&p.w, '}');
	return 0;
}

int
mk_keys(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	uint64_t after = 0;
	int r;

	if ((r = json_u64(c->args, "after", JSON_OPTIONAL, 0, UINT64_MAX,
		 &after, e)) != 0)
		return r;
	return mk_put_keys(k, after, MK_PAGE, out, e);
}

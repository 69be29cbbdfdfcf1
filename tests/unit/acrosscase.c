/* SPDX-License-Identifier: ISC */
#include "tests/unit/acrosscase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#define HOST "web-1.example.com"
enum { HK = 50, TK, OTHER_HK, OTHER_TK };

static void
put_key(struct pubkey **out, uint8_t seed)
{
	assert_int_equal(pubkey_dup(fixture_key(seed), out), 0);
}

static void
make_enrol(struct statement *s, uint8_t hk, uint8_t tk)
{
	fixture_statement(s, ST_ENROL, HOST);
	put_key(&s->u.enrol.host_key, hk);
	put_key(&s->u.enrol.transport_key, tk);
	s->u.enrol.hostname = str_dup("web-1");
	fixture_sign(s, FIXTURE_BY(hk, tk));
}

/* In the place of `before`, or NULL. */
static void
make_accept(struct statement *s, const struct statement *of,
    const struct statement *before)
{
	struct acceptance *a = &s->u.accept;

	fixture_statement(s, ST_ACCEPT, PETRA);
	a->host = str_dup(HOST);
	a->enrol = of->hash;
	assert_int_equal(pubkey_dup(of->u.enrol.host_key, &a->host_key), 0);
	assert_int_equal(pubkey_dup(of->u.enrol.transport_key,
			     &a->transport_key),
	    0);
	a->has_replace = before != NULL;
	if (before != NULL)
		a->replace = before->hash;
	assert_int_equal(strs_add(&a->names, HOST), 0);
	a->renew_until = FIXTURE_NOW + 86400 * 365;
	fixture_sign(s, FIXTURE_BY(SEED_PETRA));
}

/* A host asks in and is accepted; with a certificate, in the CA's. */
void
across_accept(const struct acrosscase *x, struct logcase *l, bool certificate)
{
	struct statement renew;
	const struct statement *a = &x->accept;
	struct issue_leaf leaf;
	size_t at;

	(void)logcase_add(l, &x->enrol);
	(void)logcase_add(l, &x->accept);
	if (certificate) {
		fixture_statement(&renew, ST_RENEW, HOST);
		renew.u.renew.accept = x->accept.hash;
		put_key(&renew.u.renew.key, HK);
		fixture_sign(&renew, FIXTURE_BY(HK));
		l->ca = SEED_HOST_CA;
		logcase_decide(l, &renew, &a, 1, &leaf);
		(void)logcase_add(l, &renew);
		at = logcase_issue(l, &leaf, &renew, &a, 1);
		(void)logcase_certificate(l, &leaf, at);
		logcase_issue_clear(&leaf);
		l->ca = SEED_USER_CA;
		statement_clear(&renew);
	}
}

static void
replace(struct acrosscase *x)
{
	struct statement enrol, accept;

	make_enrol(&enrol, OTHER_HK, OTHER_TK);
	make_accept(&accept, &enrol, &x->accept);
	(void)logcase_add(&x->fleet, &enrol);
	(void)logcase_add(&x->fleet, &accept);
	statement_clear(&accept);
	statement_clear(&enrol);
}

void
across_end(struct acrosscase *x, enum across_end how)
{
	struct statement s;

	if (how == ACROSS_REPLACED) {
		replace(x);
		return;
	}
	fixture_statement(&s, how == ACROSS_REJECTED ? ST_REJECT : ST_FORGET,
	    PETRA);
	if (how == ACROSS_REJECTED) {
		s.u.reject.host = str_dup(HOST);
		s.u.reject.reason = str_dup("stolen");
	} else {
		s.u.forget.host = str_dup(HOST);
		s.u.forget.reason = str_dup("sold");
	}
	fixture_sign(&s, FIXTURE_BY(SEED_PETRA));
	(void)logcase_add(&x->fleet, &s);
	statement_clear(&s);
}

void
across_tick(struct logcase *l, int64_t after, uint64_t krl)
{
	const struct tick_leaf t = {.realm = l->realm,
	    .at = FIXTURE_NOW + after,
	    .root_version = 1,
	    .policy_version = 1,
	    .krl_version = krl};
	struct str s = STR_INIT;

	assert_int_equal(tick_leaf_encode(&t, &s), 0);
	(void)logcase_raw(l, s.p, s.n);
	str_clear(&s);
}

/* Of the certificate that alice got; its leaf follows her request and its
 * approval. */
static uint64_t
serial_of_story(const struct logcase *ca)
{
	struct slice bytes = slice_of(ca->leaf[4].p, ca->leaf[4].n);
	struct leaf l;
	uint64_t serial;

	leaf_init(&l);
	assert_int_equal(leaf_parse("", bytes, &l, NULL), 0);
	assert_int_equal(l.kind, LEAF_ISSUE);
	serial = leaf_serial(&l.u.i.request);
	leaf_clear(&l);
	return serial;
}

/* Of what was signed, or of a byte less. */
static void
hash_of_story(const struct logcase *ca, bool same, struct hash *out)
{
	struct slice bytes = slice_of(ca->leaf[4].p, ca->leaf[4].n);
	struct leaf l;

	leaf_init(&l);
	assert_int_equal(leaf_parse("", bytes, &l, NULL), 0);
	hash_sha256(l.u.i.tbs, l.u.i.tbs_len - !same, out);
	leaf_clear(&l);
}

void
across_report_logins(struct acrosscase *x, const struct shown *w, uint64_t seq,
    size_t n)
{
	struct statement s;
	struct report_statement *r = &s.u.report;

	fixture_statement(&s, ST_REPORT, HOST);
	r->seq = seq;
	r->has_previous = seq > 1;
	r->previous = x->reported;
	r->kind = REPORT_LOGINS;
	r->root_version = r->policy_version = 1;
	r->n_events = n;
	r->events = calloc(n, sizeof(*r->events));
	assert_non_null(r->events);
	for (size_t i = 0; i < n; i++) {
		struct login_event *v = &r->events[i];

		v->what = w->refused ? LOGIN_REFUSED : LOGIN_IN;
		v->why = w->refused ? str_dup("revoked") : NULL;
		v->at = FIXTURE_NOW;
		v->account = str_dup("deploy");
		v->method = str_dup(w->by != 0 ? "publickey" : "password");
		v->has_key = w->key != 0;
		if (v->has_key)
			pubkey_hash(fixture_key(w->key), &v->key);
		v->has_cert = w->by != 0;
		if (!v->has_cert)
			continue;
		pubkey_hash(fixture_key(w->by), &v->ca);
		v->serial =
		    w->serial != 0 ? w->serial : serial_of_story(&x->ca);
		v->key_id = str_dup("alice");
		v->has_tbs = w->whole != 0;
		if (v->has_tbs)
			hash_of_story(&x->ca, w->whole == 1, &v->tbs);
	}
	fixture_sign(&s, FIXTURE_BY(HK));
	(void)logcase_add(&x->fleet, &s);
	x->reported = s.hash;
	statement_clear(&s);
}

/* --- both ----------------------------------------------------------------- */

void
across_open(struct acrosscase *x)
{
	logcase_open_fleet(&x->ca, "ca_log", SEED_LOG, SEED_USER_CA, NULL);
	logcase_open_fleet(&x->fleet, LOGCASE_MASTER_LOG, SEED_MASTER_LOG, 0,
	    &x->ca);
	logcase_story(&x->ca);
	make_enrol(&x->enrol, HK, TK);
	make_accept(&x->accept, &x->enrol, NULL);
}

void
across_close(struct acrosscase *x)
{
	logcase_close(&x->ca);
	logcase_close(&x->fleet);
	statement_clear(&x->enrol);
	statement_clear(&x->accept);
}

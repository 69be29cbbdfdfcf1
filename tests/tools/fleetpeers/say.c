/* SPDX-License-Identifier: ISC */
/* What agents and the operator say, signed, and the calls that bring it. */
#include "tests/tools/fleetpeers/peers.h"

#include <stdarg.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/crypto/random.h"

#define LOGINS 100 /* as many as fit a report of 40 KiB */

void
fp_say(const struct fleet *f, struct statement *s, const char *by,
    struct key *k1, struct key *k2, struct str *out)
{
	struct err e = {0};
	size_t n;

	s->realm = f->realm;
	s->by = (char *)(uintptr_t)by;
	s->at = clock_now();
	random_bytes(s->nonce, sizeof(s->nonce));
	fp_need(statement_encode(s, out, &e), "encode", &e);
	n = out->n;
	hash_sha256(out->p, n, &s->hash);
	for (int i = 0; i < 2; i++) {
		struct key *k = i == 0 ? k1 : k2;
		struct str sig = STR_INIT;

		if (k == NULL)
			continue;
		fp_need(key_sshsig(k, statement_namespace(s->type),
			    slice_of(out->p, n), &sig, &e),
		    "sign", &e);
		str_addn(out, sig.p, sig.n);
		str_clear(&sig);
	}
	if (str_check(out) != 0)
		abort();
}

void
fp_say_enrol(struct peer *p, struct str *out)
{
	struct statement s;

	statement_init(&s, ST_ENROL);
	s.u.enrol.host_key = (struct pubkey *)(uintptr_t)key_public(p->host);
	s.u.enrol.transport_key =
	    (struct pubkey *)(uintptr_t)key_public(p->link);
	s.u.enrol.hostname = p->id;
	fp_say(p->f, &s, p->id, p->host, p->link, out);
	p->enrol = s.hash;
}

void
fp_say_accept(struct peer *p, struct str *out)
{
	struct fleet *f = p->f;
	char *name = p->id;
	struct statement s;

	statement_init(&s, ST_ACCEPT);
	s.u.accept.host = p->id;
	s.u.accept.enrol = p->enrol;
	s.u.accept.host_key = (struct pubkey *)(uintptr_t)key_public(p->host);
	s.u.accept.transport_key =
	    (struct pubkey *)(uintptr_t)key_public(p->link);
	s.u.accept.names = (struct strs){.v = &name, .n = 1};
	s.u.accept.renew_until = clock_now() + 86400;
	fp_say(f, &s, f->operator_id, f->operator, NULL, out);
}

/* The next one of this peer. */
static void
say_next(struct peer *p, struct report_statement *r, struct str *out)
{
	struct statement s;

	r->has_previous = p->seq > 0;
	r->previous = p->last;
	r->seq = ++p->seq;
	r->root_version = r->policy_version = 1;
	statement_init(&s, ST_REPORT);
	s.u.report = *r;
	fp_say(p->f, &s, p->id, p->host, NULL, out);
	p->last = s.hash;
}

void
fp_say_report(struct peer *p, struct str *out)
{
	struct report_statement r = {.kind = REPORT_RUN,
	    .fleet_version = 1,
	    .has_job = true,
	    .job = p->job,
	    .enforce = true,
	    .outcome = RUN_UNCHANGED,
	    .states = 5};

	say_next(p, &r, out);
}

/* Its n-th login of all: each has a serial of its own, and ten accounts share
 * them. */
static void
make_login(const struct peer *p, size_t n, struct login_event *v)
{
	static char accounts[][4] = {
	    "u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9"};
	static char session[] = "3b1f0c2a.811.1764400000", from[] = "10.0.0.7",
		    method[] = "publickey",
		    key_id[] = "person/9c1b0f4e7d2a9c1b0f4e7d2a9c1b0f4e";
	const int64_t span = INT64_C(90) * 86400;

	*v = (struct login_event){.what = LOGIN_IN,
	    .at = clock_now() - span +
		span * (int64_t)n / (int64_t)(p->n_reports * LOGINS),
	    .session = session,
	    .account = accounts[n % 10],
	    .from = from,
	    .port = 50112,
	    .method = method,
	    .has_key = true,
	    .key = p->f->realm,
	    .has_cert = true,
	    .ca = p->f->realm,
	    .serial = p->number * 1000000 + n,
	    .key_id = key_id};
}

void
fp_say_logins(struct peer *p, struct str *out)
{
	struct login_event events[LOGINS];
	struct report_statement r = {
	    .kind = REPORT_LOGINS, .events = events, .n_events = LOGINS};

	for (size_t i = 0; i < LOGINS; i++)
		make_login(p, p->reports * LOGINS + i, &events[i]);
	p->reports++;
	say_next(p, &r, out);
}

struct str
fp_call_of(const char *name, ...)
{
	struct str text = STR_INIT;
	const char *key;
	struct jw w;
	va_list ap;

	va_start(ap, name);
	jw_init(&w, &text, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", name);
	while ((key = va_arg(ap, const char *)) != NULL)
		jw_str(&w, key, va_arg(ap, const char *));
	jw_end(&w, '}');
	va_end(ap);
	if (str_check(&text) != 0)
		abort();
	return text;
}

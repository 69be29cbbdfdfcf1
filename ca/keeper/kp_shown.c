/* SPDX-License-Identifier: ISC */
/* One request as people and programs see it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_shown.h"
#include "lib/base/clock.h"

void
kp_short_id(const struct hash *h, char out[KP_SHORT_ID])
{
	char hex[HASH_HEX];

	hash_hex(h, hex);
	memcpy(out, hex, KP_SHORT_ID - 1);
	out[KP_SHORT_ID - 1] = '\0';
}

void
kp_age(int64_t secs, char out[KP_AGE])
{
	if (secs < 0)
		secs = 0;
	if (secs < 120)
		snprintf(out, KP_AGE, "%llds", (long long)secs);
	else if (secs < 7200)
		snprintf(out, KP_AGE, "%lldm", (long long)(secs / 60));
	else if (secs < 172800)
		snprintf(out, KP_AGE, "%lldh", (long long)(secs / 3600));
	else
		snprintf(out, KP_AGE, "%lldd", (long long)(secs / 86400));
}

/* --- one request ---------------------------------------------------------- */

void
shown_clear(struct shown *v)
{
	request_row_clear(&v->row);
	if (v->has_own)
		statement_clear(&v->own);
}

int
shown_get(struct kp *k, const struct hash *h, struct shown *v, struct err *e)
{
	int r;

	memset(v, 0, sizeof(*v));
	if ((r = requests_lend(k->rows, h, k->now, &v->row, e)) != 0)
		return r == 1 ? err_set(e, ERR_NOTFOUND, "no such request") : r;
	v->asked = kp_asked_find(k, h);
	if (v->asked != NULL) {
		v->s = &v->asked->s;
		return 0;
	}
	statement_init(&v->own, ST_REQUEST);
	r = statement_parse("request",
	    slice_of(v->row.statement, v->row.statement_len), &v->own, e);
	if (r != 0) {
		request_row_clear(&v->row);
		return r;
	}
	v->has_own = true;
	v->s = &v->own;
	return 0;
}

static bool
could_decide(const struct kp *k, const struct shown *v, const char *person)
{
	return strcmp(person, v->row.person) != 0 &&
	    !standing_person_revoked(k->standing, person) &&
	    (v->asked == NULL || !kp_has_decided(v->asked, person));
}

static void
put_needs(const struct kp *k, struct jw *w, const struct shown *v)
{
	jw_begin(w, "needs", '[');
	for (size_t i = 0; v->row.state == REQUEST_WAITING &&
	     v->asked != NULL && i < v->asked->n_terms;
	     i++) {
		const struct asked_term *t = &v->asked->terms[i];
		const struct strs *group = kp_view_group(k->view, t->group);
		size_t named = 0;

		jw_begin(w, NULL, '{');
		jw_str(w, "group", t->group);
		jw_int(w, "need", t->need);
		jw_int(w, "have", t->have);
		jw_begin(w, "who", '[');
		for (size_t j = 0; j < group->n && named < KP_WHO_MAX; j++)
			if (could_decide(k, v, group->v[j])) {
				jw_str(w, NULL, group->v[j]);
				named++;
			}
		jw_end(w, ']');
		jw_end(w, '}');
	}
	jw_end(w, ']');
}

static int
put_decision(void *ctx, const struct decision_row *d)
{
	struct jw *w = ctx;

	jw_begin(w, NULL, '{');
	jw_str(w, "person", d->person);
	jw_bool(w, "approve", d->approve);
	if (d->comment[0] != '\0')
		jw_str(w, "comment", d->comment);
	if (d->length != 0)
		jw_int(w, "length", d->length);
	jw_time(w, "at", d->at);
	jw_end(w, '}');
	return 0;
}

static void
put_certificate(struct jw *w, const struct request_row *row)
{
	if (row->state != REQUEST_ISSUED)
		return;
	jw_u64(w, "serial", row->serial);
	jw_str(w, "key_id", row->key_id);
	jw_time(w, "valid_after", row->valid_after);
	jw_time(w, "valid_before", row->valid_before);
	if (row->revoked)
		jw_bool(w, "revoked", true);
}

const char *
shown_why(const struct shown *v)
{
	if (v->row.why[0] != '\0')
		return v->row.why;
	switch (v->row.state) {
	case REQUEST_WAITING:
		return "waits for approvals";
	case REQUEST_ISSUED:
		/* Log or signer failed in between. */
		if (v->row.certificate == NULL)
			return "its certificate is recorded and not signed "
			       "yet, which is tried again";
		return v->row.revoked ? "its certificate was revoked"
				      : "its certificate was issued";
	case REQUEST_ENDED:
		return "nobody decided on it in time";
	case REQUEST_DENIED:
	case REQUEST_REFUSED:
		break;
	}
	return "refused by policy";
}

int
shown_put(struct kp *k, struct jw *w, const struct shown *v, struct err *e)
{
	const struct request *q = &v->s->u.r;
	char hex[HASH_HEX];
	int r;

	hash_hex(&v->row.hash, hex);
	jw_str(w, "id", hex);
	jw_str(w, "state", request_state_name(v->row.state));
	jw_str(w, "why", shown_why(v));
	jw_str(w, "person", v->row.person);
	jw_str(w, "kind", q->kind == CERT_HOST ? "host" : "user");
	jw_str(w, "grant", v->row.grant);
	jw_strs(w, "principals", &q->principals);
	jw_str(w, "reason", q->reason);
	if (q->ticket != NULL)
		jw_str(w, "ticket", q->ticket);
	jw_int(w, "length", q->length);
	jw_time(w, "at", v->row.at);
	if (v->row.state == REQUEST_WAITING)
		jw_time(w, "ends", v->row.ends);
	if (v->asked != NULL && v->asked->break_glass)
		jw_bool(w, "break_glass", true);
	put_needs(k, w, v);
	jw_begin(w, "told", '[');
	r = kp_told_json(k, w, &v->row.hash, e);
	jw_end(w, ']');
	jw_begin(w, "decisions", '[');
	if (r == 0)
		r = requests_decisions(k->rows, &v->row.hash, put_decision, w,
		    e);
	jw_end(w, ']');
	put_certificate(w, &v->row);
	return r;
}

int
kp_put_request(struct kp *k, struct jw *w, const char *key,
    const struct hash *h, struct err *e)
{
	struct shown v;
	int r;

	if ((r = shown_get(k, h, &v, e)) != 0)
		return r;
	jw_begin(w, key, '{');
	r = shown_put(k, w, &v, e);
	jw_end(w, '}');
	shown_clear(&v);
	return r;
}

/* --- as text -------------------------------------------------------------- */

static void
text_needs(const struct kp *k, struct str *out, const struct shown *v)
{
	const struct asked *a = v->asked;

	for (size_t i = 0; a != NULL && i < a->n_terms; i++) {
		const struct asked_term *t = &a->terms[i];
		const struct strs *group = kp_view_group(k->view, t->group);
		size_t named = 0;

		if (t->have >= t->need)
			continue;
		str_addf(out, "  needs       %u of %s:", t->need - t->have,
		    t->group);
		for (size_t j = 0; j < group->n && named < 8; j++)
			if (could_decide(k, v, group->v[j]))
				str_addf(out, "%s %s", named++ > 0 ? "," : "",
				    group->v[j]);
		str_addc(out, '\n');
	}
}

static int
text_decision(void *ctx, const struct decision_row *d)
{
	struct str *out = ctx;
	char at[CLOCK_TEXT], quoted[QUOTE_MAX];

	clock_format(d->at, at);
	str_addf(out, "  %-11s %s, %s", d->approve ? "approved" : "denied",
	    d->person, at);
	if (d->comment[0] != '\0')
		str_addf(out, ": %s", str_quote(quoted, d->comment));
	str_addc(out, '\n');
	return 0;
}

int
kp_text_request(struct kp *k, struct str *out, const struct hash *h,
    struct err *e)
{
	char at[CLOCK_TEXT], span[SPAN_TEXT], hex[HASH_HEX];
	struct shown v;
	int r;

	if ((r = shown_get(k, h, &v, e)) != 0)
		return r;
	hash_hex(h, hex);
	clock_format(v.row.at, at);
	span_format(v.s->u.r.length, span);
	str_addf(out, "%s  %s: %s\n", hex, request_state_name(v.row.state),
	    shown_why(&v));
	str_addf(out, "  asked by    %s, %s\n", v.row.person, at);
	str_addf(out, "  grant       %s, as ", v.row.grant);
	strs_join(&v.s->u.r.principals, ", ", out);
	str_addf(out, ", for %s\n", span);
	str_addf(out, "  reason      %s\n", v.s->u.r.reason);
	if (v.s->u.r.ticket != NULL)
		str_addf(out, "  ticket      %s\n", v.s->u.r.ticket);
	if (v.row.state == REQUEST_WAITING) {
		text_needs(k, out, &v);
		clock_format(v.row.ends, at);
		str_addf(out, "  ends        %s\n", at);
	}
	r = requests_decisions(k->rows, h, text_decision, out, e);
	if (v.row.state == REQUEST_ISSUED) {
		clock_format(v.row.valid_before, at);
		str_addf(out, "  certificate serial %llu, until %s%s\n",
		    (unsigned long long)v.row.serial, at,
		    v.row.revoked ? ", revoked" : "");
	}
	shown_clear(&v);
	return r;
}

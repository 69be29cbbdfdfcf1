/* SPDX-License-Identifier: ISC */
#include "ca/audit/story.h"

#include <stdlib.h>
#include <string.h>

#include "ca/issue/issue.h"
#include "lib/base/clock.h"

const char *
story_event_name(enum story_event v)
{
	static const char *const names[] = {
	    [STORY_REQUEST] = "request",
	    [STORY_DECISION] = "decision",
	    [STORY_CERTIFICATE] = "certificate",
	    [STORY_LOGIN] = "login",
	    [STORY_UNEXPLAINED] = "unexplained",
	    [STORY_SUDO] = "sudo",
	    [STORY_END] = "end",
	    [STORY_REVOKED] = "revoked",
	    [STORY_MISSING] = "missing",
	};

	return names[v];
}

void
story_clear(struct story *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].who);
		free(s->v[i].text);
		free(s->v[i].hash);
		free(s->v[i].log);
		free(s->v[i].object);
	}
	free(s->v);
	*s = (struct story){0};
}

/* Its part is all of p; texts are copied, and text, which is cleared, is taken. */
static int
add(struct story *s, struct story_part p, const char *who, struct str *text,
    const char *hash, const char *log, const char *object)
{
	int r;

	if ((r = vec_grow(&s->v, s->n, &s->cap, STORY_MAX)) != 0) {
		str_clear(text);
		return r;
	}
	p.nth = s->n;
	r = str_take(text, &p.text);
	p.who = str_dup(who);
	p.hash = hash != NULL ? str_dup(hash) : NULL;
	p.log = log != NULL ? str_dup(log) : NULL;
	p.object = object != NULL ? str_dup(object) : NULL;
	s->v[s->n++] = p;
	return r != 0 || p.who == NULL || (p.hash == NULL) != (hash == NULL) ||
		(p.log == NULL) != (log == NULL) ||
		(p.object == NULL) != (object == NULL)
	    ? ERR_NOMEM
	    : 0;
}

/* --- before it ------------------------------------------------------------ */

static int
add_request(struct story *s, const struct audit_certificate *c, const char *log)
{
	const struct request *q = &c->request->u.r;
	struct str text = STR_INIT;
	char hex[HASH_HEX], span[SPAN_TEXT];

	span_format(q->length, span);
	str_add(&text, "asked for ");
	strs_join(&q->principals, ",", &text);
	str_addf(&text, " for %s by grant %s: %s", span, q->grant, q->reason);
	if (q->ticket != NULL)
		str_addf(&text, " (ticket %s)", q->ticket);
	hash_hex(&c->request->hash, hex);
	return add(s,
	    (struct story_part){.at = c->request->at,
		.event = STORY_REQUEST,
		.index = c->request_index},
	    c->request->by, &text, hex, log, NULL);
}

static int
add_decision(struct story *s, const struct statement *d, uint64_t index,
    const char *log)
{
	struct str text = STR_INIT;
	char hex[HASH_HEX], span[SPAN_TEXT];

	str_add(&text, d->u.d.approve ? "approved" : "denied");
	if (d->u.d.length != 0) {
		span_format(d->u.d.length, span);
		str_addf(&text, " for %s", span);
	}
	if (d->u.d.comment != NULL)
		str_addf(&text, ": %s", d->u.d.comment);
	hash_hex(&d->hash, hex);
	return add(s,
	    (struct story_part){
		.at = d->at, .event = STORY_DECISION, .index = index},
	    d->by, &text, hex, log, NULL);
}

static void
add_time(struct str *out, const char *label, uint64_t t)
{
	char text[CLOCK_TEXT];

	clock_format(t > (uint64_t)CLOCK_MAX ? CLOCK_MAX : (int64_t)t, text);
	str_addf(out, "%s%s", label, text);
}

static void
add_option(struct str *out, const struct cert *c, const char *name,
    const char *label)
{
	const struct cert_option *o = cert_option_find(&c->critical, name);

	if (o != NULL && o->value != NULL)
		str_addf(out, ", %s %s", label, o->value);
}

static int
add_certificate(struct story *s, const struct audit_certificate *c,
    const char *log)
{
	char ca[FINGERPRINT_MAX], path[ISSUE_PATH_MAX];
	struct str text = STR_INIT;

	str_addf(&text, "issued serial %llu",
	    (unsigned long long)c->cert->serial);
	add_time(&text, ", from ", c->cert->valid_after);
	add_time(&text, " to ", c->cert->valid_before);
	str_add(&text, ", for ");
	strs_join(&c->cert->principals, ",", &text);
	add_option(&text, c->cert, "source-address", "used from");
	add_option(&text, c->cert, "force-command", "running");
	str_addf(&text, ", presence %s", presence_name(cert_presence(c->cert)));
	pubkey_fingerprint(c->cert->ca, ca);
	issue_record_path(c->cert->valid_after, c->cert->serial, ".json", path);
	return add(s,
	    (struct story_part){.at = c->leaf->now,
		.event = STORY_CERTIFICATE,
		.index = c->index},
	    ca, &text, NULL, log, path);
}

int
story_add_certificate(struct story *s, const struct audit_certificate *c,
    const char *log)
{
	int r = add_request(s, c, log);

	for (size_t i = 0; i < c->n_decisions && r == 0; i++)
		r = add_decision(s, c->decisions[i], c->decision_indexes[i],
		    log);
	return r == 0 ? add_certificate(s, c, log) : r;
}

int
story_add_missing(struct story *s)
{
	struct story_part of = s->v[s->n - 1];
	struct str text = STR_INIT;

	str_addf(&text, "%s is not there; run writ audit verify", of.object);
	return add(s,
	    (struct story_part){
		.at = of.at, .event = STORY_MISSING, .index = of.index},
	    of.who, &text, NULL, of.log, of.object);
}

/* --- as a host saw it ----------------------------------------------------- */

static void
add_word(struct str *out, const char *before, const char *text)
{
	if (text != NULL)
		str_addf(out, "%s%s", before, text);
}

static bool
words_of(const struct login_event *ev, enum story_event *event,
    struct str *text)
{
	switch (ev->what) {
	case LOGIN_IN:
		add_word(text, "saw ", ev->account);
		add_word(text, " log in from ", ev->from);
		if (ev->port != 0)
			str_addf(text, " port %u", (unsigned)ev->port);
		add_word(text, " by ", ev->method);
		if (ev->has_cert)
			str_addf(text, ", certificate serial %llu",
			    (unsigned long long)ev->serial);
		*event = STORY_LOGIN;
		return true;
	case LOGIN_SUDO:
		add_word(text, login_event_denied(ev) ? "refused " : "saw ",
		    ev->account);
		add_word(text, " run as ", ev->as);
		add_word(text, ": ", ev->command);
		add_word(text, "; ", ev->why);
		*event = STORY_SUDO;
		return true;
	case LOGIN_OUT:
		add_word(text, "saw the end of it, of ", ev->account);
		*event = STORY_END;
		return true;
	default:
		return false;
	}
}

int
story_add_use(struct story *s, const struct use *u)
{
	struct str text = STR_INIT;
	enum story_event event;

	if (!words_of(&u->event, &event, &text))
		return 0;
	if (u->clock != 0) {
		str_add(&text, "; ");
		login_clock_describe(u->clock, &text);
	}
	return add(s,
	    (struct story_part){.at = u->event.at,
		.event = event,
		.index = u->index,
		.clock = u->clock},
	    u->host, &text, u->report, NULL, NULL);
}

int
story_add_unexplained(struct story *s, const struct use *u, enum use_kind kind,
    const char *why)
{
	struct str text = STR_INIT;

	str_addf(&text, "%s: %s", use_kind_name(kind), why);
	return add(s,
	    (struct story_part){.at = u->event.at,
		.event = STORY_UNEXPLAINED,
		.index = u->index},
	    u->host, &text, u->report, NULL, NULL);
}

int
story_add_revocation(struct story *s, const struct revocation *v,
    const char *what)
{
	struct str text = STR_INIT;
	char hex[HASH_HEX];

	str_addf(&text, "revoked %s", what);
	add_word(&text, ": ", v->reason);
	hash_hex(&v->hash, hex);
	return add(s,
	    (struct story_part){
		.at = v->at, .event = STORY_REVOKED, .index = v->index},
	    v->by, &text, hex, v->log, NULL);
}

/* --- all of it ------------------------------------------------------------ */

static int
compare(const void *a, const void *b)
{
	const struct story_part *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->event != y->event)
		return x->event < y->event ? -1 : 1;
	return x->nth < y->nth ? -1 : x->nth > y->nth;
}

void
story_sort(struct story *s)
{
	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), compare);
}

static bool
is_of(const struct use *u, const char *session, const char *host)
{
	return u->event.session != NULL &&
	    strcmp(u->event.session, session) == 0 &&
	    (host == NULL || strcmp(u->host, host) == 0);
}

const struct use *
story_login(const struct uses *u, const char *session, const char *host)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->v[i].event.what == LOGIN_IN &&
		    is_of(&u->v[i], session, host))
			return &u->v[i];
	return NULL;
}

/* The hosts that have it, each once. */
static int
hosts_of(const struct uses *u, const char *session, const char *wanted,
    struct strs *out)
{
	for (size_t i = 0; i < u->n; i++)
		if (is_of(&u->v[i], session, wanted) &&
		    !strs_has(out, u->v[i].host) &&
		    strs_add(out, u->v[i].host) != 0)
			return ERR_NOMEM;
	return 0;
}

int
story_host(const struct uses *u, const char *session, const char *wanted,
    const char **host, struct err *e)
{
	char quoted[QUOTE_MAX];
	struct strs hosts = {0};
	struct str list = STR_INIT;
	int r;

	if ((r = hosts_of(u, session, wanted, &hosts)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	str_quote(quoted, session);
	if (hosts.n == 0) {
		r = err_set(e, ERR_NOTFOUND,
		    "no host saw a session %s in that time", quoted);
	} else if (hosts.n > 1) {
		strs_sort(&hosts);
		for (size_t i = 0; i < hosts.n; i++)
			str_addf(&list, "%s%s", i > 0 ? ", " : "", hosts.v[i]);
		r = str_check(&list) != 0
		    ? err_nomem(e)
		    : err_set(e, ERR_USAGE,
			  "%zu hosts have a session %s, expected --host with "
			  "one of %s",
			  hosts.n, quoted, list.p);
	} else {
		for (size_t i = 0; i < u->n; i++)
			if (is_of(&u->v[i], session, wanted))
				*host = u->v[i].host;
	}
out:
	str_clear(&list);
	strs_clear(&hosts);
	return r;
}

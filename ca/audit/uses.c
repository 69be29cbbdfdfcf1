/* SPDX-License-Identifier: ISC */
#include "ca/audit/uses.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/ssh/cidr.h"
#include "lib/ssh/pubkey.h"

/* --- what was issued ------------------------------------------------------ */

const char *
presence_name(enum presence p)
{
	static const char *const names[] = {[PRESENCE_NONE] = "none",
	    [PRESENCE_TOUCH] = "touch",
	    [PRESENCE_PIN] = "pin"};

	return names[p];
}

static void
grant_use_clear(struct grant_use *g)
{
	free(g->person);
	free(g->grant);
	free(g->reason);
	free(g->ticket);
	free(g->approved_by);
	strs_clear(&g->principals);
	free(g->source);
	free(g->log);
	free(g->key_id);
	*g = (struct grant_use){0};
}

void
issued_clear(struct issued *s)
{
	for (size_t i = 0; i < s->n; i++)
		grant_use_clear(&s->v[i]);
	free(s->v);
	*s = (struct issued){0};
}

/* sshd asks a security key for a touch unless the certificate lets it be, and for
 * the PIN where the certificate says so. */
enum presence
cert_presence(const struct cert *c)
{
	if (!pubkey_is_sk(c->key))
		return PRESENCE_NONE;
	if (cert_option_find(&c->critical, "verify-required") != NULL)
		return PRESENCE_PIN;
	return cert_option_find(&c->extensions, "no-touch-required") == NULL
	    ? PRESENCE_TOUCH
	    : PRESENCE_NONE;
}

static int
approvers(const struct audit_certificate *c, char **out)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < c->n_decisions; i++)
		str_addf(&s, "%s%s", i > 0 ? "," : "", c->decisions[i]->by);
	return str_take(&s, out);
}

static int64_t
to_time(uint64_t t)
{
	return t > (uint64_t)CLOCK_MAX ? CLOCK_MAX : (int64_t)t;
}

static int
fill(struct grant_use *g, const struct audit_certificate *c, const char *log)
{
	const struct cert_option *source =
	    cert_option_find(&c->cert->critical, "source-address");
	const struct request *q = &c->request->u.r;

	pubkey_hash(c->cert->ca, &g->ca);
	pubkey_hash(c->cert->key, &g->key);
	g->serial = c->cert->serial;
	hash_sha256(c->leaf->tbs, c->leaf->tbs_len, &g->tbs);
	g->presence = cert_presence(c->cert);
	g->valid_after = to_time(c->cert->valid_after);
	g->valid_before = to_time(c->cert->valid_before);
	g->index = c->index;
	if ((g->person = str_dup(c->request->by)) == NULL ||
	    (g->grant = str_dup(q->grant)) == NULL ||
	    (g->reason = str_dup(q->reason)) == NULL ||
	    (g->log = str_dup(log)) == NULL ||
	    (g->key_id = str_dup(c->cert->key_id != NULL ? c->cert->key_id
							 : "")) == NULL ||
	    approvers(c, &g->approved_by) != 0)
		return ERR_NOMEM;
	if ((q->ticket != NULL && (g->ticket = str_dup(q->ticket)) == NULL) ||
	    (source != NULL && (g->source = str_dup(source->value)) == NULL))
		return ERR_NOMEM;
	for (size_t i = 0; i < c->cert->principals.n; i++)
		if (strs_add(&g->principals, c->cert->principals.v[i]) != 0)
			return ERR_NOMEM;
	return 0;
}

int
issued_add(struct issued *s, const struct audit_certificate *c, const char *log)
{
	size_t cap = s->cap != 0 ? 2 * s->cap : 64;
	struct grant_use *more;

	if (c->cert->kind == CERT_HOST || c->request->type != ST_REQUEST)
		return 0;
	if (s->n == USES_MAX)
		return ERR_LIMIT;
	if (s->n == s->cap) {
		if ((more = realloc(s->v, cap * sizeof(*more))) == NULL)
			return ERR_NOMEM;
		s->v = more;
		s->cap = cap;
	}
	s->v[s->n] = (struct grant_use){0};
	s->sorted = false;
	return fill(&s->v[s->n++], c, log);
}

int
issued_revoke(struct issued *s, struct revocations *r)
{
	int rc = 0;

	for (size_t i = 0; i < s->n && rc == 0; i++) {
		struct grant_use *g = &s->v[i];

		rc = revocations_find(r,
		    &(struct revocable){.serial = g->serial,
			.key_id = g->key_id,
			.person = g->person,
			.key = &g->key,
			.ca = &g->ca},
		    &g->revoked, &g->revoked_what);
	}
	return rc;
}

/* --- both ----------------------------------------------------------------- */

const char *
use_kind_name(enum use_kind k)
{
	static const char *const names[] = {
	    [USE_ISSUED] = "issued",
	    [USE_OUTSIDE] = "outside",
	    [USE_NEVER_ISSUED] = "never issued",
	    [USE_ELSEWHERE] = "elsewhere",
	    [USE_BARE] = "no certificate",
	};

	return names[k];
}

static int
compare(const void *a, const void *b)
{
	const struct grant_use *x = a, *y = b;

	if (x->serial != y->serial)
		return x->serial < y->serial ? -1 : 1;
	return memcmp(x->ca.b, y->ca.b, HASH_LEN);
}

static struct grant_use *
find(struct issued *s, const struct login_event *ev)
{
	const struct grant_use key = {.ca = ev->ca, .serial = ev->serial};

	if (!s->sorted && s->n > 0)
		qsort(s->v, s->n, sizeof(*s->v), compare);
	s->sorted = true;
	return s->n > 0 ? bsearch(&key, s->v, s->n, sizeof(*s->v), compare)
			: NULL;
}

bool
uses_is_ca(const struct policy *p, const struct hash *ca)
{
	struct hash h;

	for (size_t i = 0; i < p->n_authorities; i++) {
		if (!p->authorities[i].user && !p->authorities[i].host)
			continue;
		pubkey_hash(p->authorities[i].key, &h);
		if (hash_equal(&h, ca))
			return true;
	}
	return false;
}

/* An address that cannot be read is in no list. */
static bool
is_from(const char *list, const char *from)
{
	struct cidr address, range;
	char text[CIDR_MAX];
	size_t n;

	if (from == NULL || cidr_parse(from, &address) != 0)
		return false;
	for (const char *s = list; *s != '\0'; s += n + (s[n] == ',')) {
		n = strcspn(s, ",");
		if (n >= sizeof(text))
			continue;
		memcpy(text, s, n);
		text[n] = '\0';
		if (cidr_parse(text, &range) == 0 &&
		    cidr_contains(&range, &address))
			return true;
	}
	return false;
}

/* A principal without "@" is good on every host. */
static bool
is_for_host(const struct strs *principals, const char *host)
{
	for (size_t i = 0; i < principals->n; i++) {
		const char *at = strrchr(principals->v[i], '@');

		if (at == NULL || strcmp(at + 1, host) == 0)
			return true;
	}
	return false;
}

static void
add_why(struct str *why, bool is, const char *text)
{
	if (is)
		str_addf(why, "%s%s", why->n > 0 ? "; " : "", text);
}

static void
look(const struct use *u, const struct grant_use *g, struct str *why)
{
	int64_t at = u->event.at;

	add_why(why, at < g->valid_after - USES_CLOCK_OFF,
	    "before its time began");
	add_why(why, at > g->valid_before + USES_CLOCK_OFF,
	    "after its time was over");
	add_why(why, g->revoked != NULL && at > g->revoked->at + USES_CLOCK_OFF,
	    "after it was revoked");
	add_why(why, g->source != NULL && !is_from(g->source, u->event.from),
	    "from an address that it excludes");
	add_why(why, !is_for_host(&g->principals, u->host),
	    "on a host that it is not for");
}

/* Who has the CA's key can write any serial, but not with the key it is for; and
 * where the host had all of it, with nothing that is not as it was issued. */
static const char *
what_else(const struct grant_use *g, const struct use *u)
{
	if (u->event.has_key && !hash_equal(&g->key, &u->event.key))
		return "for another key";
	if (u->event.has_tbs && !hash_equal(&g->tbs, &u->event.tbs))
		return "another certificate";
	return NULL;
}

int
uses_judge(const struct use *u, struct issued *s, const struct policy *p,
    enum use_kind *kind, const struct grant_use **of, struct str *why)
{
	const char *other = NULL;
	struct grant_use *g;

	*of = NULL;
	if (!u->event.has_cert) {
		*kind = USE_BARE;
		str_addf(why, "by %s",
		    u->event.method != NULL ? u->event.method : "nothing said");
	} else if ((g = find(s, &u->event)) != NULL &&
	    (other = what_else(g, u)) == NULL) {
		g->used = true;
		*of = g;
		look(u, g, why);
		*kind = why->n > 0 ? USE_OUTSIDE : USE_ISSUED;
	} else if (g != NULL) {
		*kind = USE_NEVER_ISSUED;
		str_addf(why, "serial %llu of this CA is %s",
		    (unsigned long long)u->event.serial, other);
	} else if (uses_is_ca(p, &u->event.ca)) {
		*kind = USE_NEVER_ISSUED;
		str_addf(why, "no log has serial %llu of this CA",
		    (unsigned long long)u->event.serial);
	} else {
		*kind = USE_ELSEWHERE;
		str_add(why, "its CA is none of the policy");
	}
	return str_check(why) == 0 ? 0 : ERR_NOMEM;
}

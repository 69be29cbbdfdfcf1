/* SPDX-License-Identifier: ISC */
#include "ca/audit/uses.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/ssh/cidr.h"
#include "lib/ssh/pubkey.h"

/* --- what hosts saw -------------------------------------------------------- */

static void
use_clear(struct use *u)
{
	login_event_clear(&u->event);
	free(u->host);
	free(u->report);
	*u = (struct use){0};
}

void
uses_clear(struct uses *u)
{
	for (size_t i = 0; i < u->n; i++)
		use_clear(&u->v[i]);
	free(u->v);
	*u = (struct uses){0};
}

/* NULL: the row does not say. */
static const char *
cell(const json_t *row, const char *name)
{
	const char *s = json_string_value(json_object_get(row, name));

	return s != NULL && s[0] != '\0' ? s : NULL;
}

static int
bad_cell(const json_t *row, const char *name, const char *expected,
    struct err *e)
{
	char quoted[QUOTE_MAX];
	const char *s = cell(row, name);

	return err_set(e, ERR_PARSE, "'%s' is %s, expected %s", name,
	    s != NULL ? str_quote(quoted, s) : "missing", expected);
}

static int
read_text(const json_t *row, const char *name, size_t max, char **out,
    struct err *e)
{
	const char *s = cell(row, name);

	if (s == NULL)
		return 0;
	if (strlen(s) > max)
		return err_set(e, ERR_LIMIT,
		    "'%s' is longer than %zu characters", name, max);
	return (*out = str_dup(s)) != NULL ? 0 : err_nomem(e);
}

static int
read_number(const json_t *row, const char *name, uint64_t max, uint64_t *out,
    struct err *e)
{
	const char *s = cell(row, name);

	if (s == NULL || parse_u64(s, 0, max, out) == 0)
		return 0;
	return bad_cell(row, name, "a number", e);
}

static int
read_clock(const json_t *row, int64_t *out, struct err *e)
{
	const char *s = cell(row, "clock");
	bool behind = s != NULL && s[0] == '-';
	uint64_t n = 0;

	if (s != NULL &&
	    parse_u64(s + behind, 0, (uint64_t)REPORT_CLOCK_MAX, &n) != 0)
		return bad_cell(row, "clock", "a number of seconds", e);
	*out = behind ? -(int64_t)n : (int64_t)n;
	return 0;
}

static int
read_certificate(const json_t *row, struct login_event *ev, struct err *e)
{
	const char *ca = cell(row, "ca"), *serial = cell(row, "serial");

	if (ca == NULL && serial == NULL)
		return 0;
	if (ca == NULL || hash_from_fingerprint(ca, &ev->ca) != 0)
		return bad_cell(row, "ca", "SHA256:...", e);
	if (serial == NULL ||
	    parse_u64(serial, 0, UINT64_MAX, &ev->serial) != 0)
		return bad_cell(row, "serial", "a number", e);
	ev->has_cert = true;
	return read_text(row, "key_id", LOGIN_KEY_ID_MAX, &ev->key_id, e);
}

static int
read_event(const json_t *row, struct login_event *ev, struct err *e)
{
	const struct {
		const char *name;
		size_t max;
		char **out;
	} texts[] = {
	    {"session", LOGIN_SESSION_MAX, &ev->session},
	    {"account", LOGIN_ACCOUNT_MAX, &ev->account},
	    {"from", LOGIN_FROM_MAX, &ev->from},
	    {"method", LOGIN_METHOD_MAX, &ev->method},
	    {"command", LOGIN_COMMAND_MAX, &ev->command},
	    {"as", LOGIN_ACCOUNT_MAX, &ev->as},
	    {"why", LOGIN_WHY_MAX, &ev->why},
	};
	const char *what = cell(row, "what"), *at = cell(row, "at");
	const char *key = cell(row, "key");
	uint64_t port = 0;
	int r = 0;

	if (what == NULL || login_what_parse(what, &ev->what) != 0)
		return bad_cell(row, "what", "login, refused or another one",
		    e);
	if (at == NULL || clock_parse(at, &ev->at) != 0)
		return bad_cell(row, "at", "a time", e);
	if (key != NULL && hash_from_fingerprint(key, &ev->key) != 0)
		return bad_cell(row, "key", "SHA256:...", e);
	ev->has_key = key != NULL;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && r == 0; i++)
		r = read_text(row, texts[i].name, texts[i].max, texts[i].out,
		    e);
	if (r == 0)
		r = read_number(row, "signatures", UINT64_MAX, &ev->signatures,
		    e);
	if (r == 0)
		r = read_number(row, "port", UINT16_MAX, &port, e);
	ev->port = (uint16_t)port;
	return r != 0 ? r : read_certificate(row, ev, e);
}

static int
read_row(const json_t *row, struct use *u, struct err *e)
{
	int r;

	if (!json_is_object(row))
		return err_set(e, ERR_PARSE, "it is no object");
	if (cell(row, "host") == NULL)
		return bad_cell(row, "host", "the id of a host", e);
	if ((r = read_text(row, "host", ID_MAX, &u->host, e)) != 0 ||
	    (r = read_text(row, "report", HASH_HEX - 1, &u->report, e)) != 0 ||
	    (r = read_number(row, "index", UINT64_MAX, &u->index, e)) != 0 ||
	    (r = read_clock(row, &u->clock, e)) != 0)
		return r;
	return read_event(row, &u->event, e);
}

int
uses_read(const json_t *rows, struct uses *u, struct err *e)
{
	size_t n = json_array_size(rows);
	struct use *more;
	int r;

	if (!json_is_array(rows))
		return err_set(e, ERR_PARSE, "logins: expected a list");
	if (n > USES_MAX - u->n)
		return err_set(e, ERR_LIMIT,
		    "more than %d logins at once; ask for less", USES_MAX);
	if ((more = realloc(u->v, (u->n + n + 1) * sizeof(*more))) == NULL)
		return err_nomem(e);
	u->v = more;
	u->cap = u->n + n + 1;
	for (size_t i = 0; i < n; i++) {
		struct use *x = &u->v[u->n++];

		*x = (struct use){0};
		if ((r = read_row(json_array_get(rows, i), x, e)) != 0) {
			err_prefix(e, "login %zu", i + 1);
			return r;
		}
	}
	return 0;
}

/* --- what was issued ------------------------------------------------------- */

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

static void
key_hash(const struct pubkey *k, struct hash *out)
{
	struct slice blob = pubkey_blob(k);

	hash_sha256(blob.p, blob.n, out);
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

	key_hash(c->cert->ca, &g->ca);
	g->serial = c->cert->serial;
	g->presence = cert_presence(c->cert);
	g->valid_after = to_time(c->cert->valid_after);
	g->valid_before = to_time(c->cert->valid_before);
	g->index = c->index;
	if ((g->person = str_dup(c->request->by)) == NULL ||
	    (g->grant = str_dup(q->grant)) == NULL ||
	    (g->reason = str_dup(q->reason)) == NULL ||
	    (g->log = str_dup(log)) == NULL ||
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

/* --- both ------------------------------------------------------------------ */

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

static bool
is_ca_of(const struct policy *p, const struct hash *ca)
{
	struct hash h;

	for (size_t i = 0; i < p->n_authorities; i++) {
		if (!p->authorities[i].user && !p->authorities[i].host)
			continue;
		key_hash(p->authorities[i].key, &h);
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
	add_why(why, g->source != NULL && !is_from(g->source, u->event.from),
	    "from an address that it excludes");
	add_why(why, !is_for_host(&g->principals, u->host),
	    "on a host that it is not for");
}

int
uses_judge(const struct use *u, struct issued *s, const struct policy *p,
    enum use_kind *kind, const struct grant_use **of, struct str *why)
{
	struct grant_use *g;

	*of = NULL;
	if (!u->event.has_cert) {
		*kind = USE_BARE;
		str_addf(why, "by %s",
		    u->event.method != NULL ? u->event.method : "nothing said");
	} else if ((g = find(s, &u->event)) != NULL) {
		g->used = true;
		*of = g;
		look(u, g, why);
		*kind = why->n > 0 ? USE_OUTSIDE : USE_ISSUED;
	} else if (is_ca_of(p, &u->event.ca)) {
		*kind = USE_NEVER_ISSUED;
		str_addf(why, "no log has serial %llu of this CA",
		    (unsigned long long)u->event.serial);
	} else {
		*kind = USE_ELSEWHERE;
		str_add(why, "its CA is none of the policy");
	}
	return str_check(why) == 0 ? 0 : ERR_NOMEM;
}

/* SPDX-License-Identifier: ISC */
#include "ca/audit/across.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/past.h"
#include "ca/audit/uses.h"

void
across_clear(struct audit_across *x)
{
	for (size_t i = 0; i < x->n_uses; i++)
		free(x->uses[i].object);
	for (size_t i = 0; i < x->n_policies; i++)
		free(x->policies[i].object);
	for (size_t i = 0; i < x->n_acts; i++)
		free(x->acts[i].object);
	free(x->uses);
	free(x->acts);
	free(x->policies);
	free(x->krl_object);
	audit_table_clear(&x->table);
	*x = (struct audit_across){0};
}

/* As findings about that leaf are headed. */
static int
object_of(const struct audit *a, uint64_t index, char **out)
{
	char path[TILE_PATH_MAX];
	struct str s = STR_INIT;

	str_addf(&s, "%s%s", a->label, audit_bundle(a, index, path));
	return str_take(&s, out);
}

/* --- what hosts saw ------------------------------------------------------- */

/* One name for what logins showed, so that many keys of one serial, which a host
 * can make up, do not lie behind each other. */
static void
name_of(const struct login_event *ev, struct hash *out)
{
	uint8_t text[3 * HASH_LEN + 10] = {0}, *end = text + 3 * HASH_LEN;

	memcpy(text, ev->ca.b, HASH_LEN);
	if (ev->has_key)
		memcpy(text + HASH_LEN, ev->key.b, HASH_LEN);
	if (ev->has_tbs)
		memcpy(text + 2 * HASH_LEN, ev->tbs.b, HASH_LEN);
	*end++ = ev->has_key;
	*end++ = ev->has_tbs;
	for (size_t i = 0; i < 8; i++)
		*end++ = (uint8_t)(ev->serial >> (8 * i));
	hash_sha256(text, sizeof(text), out);
}

static struct across_use *
find(struct audit_across *x, const struct hash *name)
{
	size_t cursor = 0;
	uint64_t at;

	while (audit_table_next(&x->table, TABLE_USE, audit_key(name), &cursor,
	    &at))
		if (hash_equal(&x->uses[at].name, name))
			return &x->uses[at];
	return NULL;
}

static int
add_login(struct audit *a, uint64_t index, const struct login_event *ev)
{
	struct audit_across *x = a->across;
	struct across_use *u;
	char *object = NULL;
	struct hash name;

	name_of(ev, &name);
	if ((u = find(x, &name)) != NULL) {
		u->count++;
		return 0;
	}
	if (object_of(a, index, &object) != 0 ||
	    vec_grow(&x->uses, x->n_uses, &x->cap_uses, SIZE_MAX / 256) != 0 ||
	    audit_table_add(&x->table, TABLE_USE, audit_key(&name),
		x->n_uses) != 0) {
		free(object);
		return ERR_NOMEM;
	}
	u = &x->uses[x->n_uses++];
	*u = (struct across_use){.name = name,
	    .ca = ev->ca,
	    .has_key = ev->has_key,
	    .has_tbs = ev->has_tbs,
	    .serial = ev->serial,
	    .object = object,
	    .index = index,
	    .count = 1,
	    .of_policy = a->chain.trust.have &&
		uses_is_ca(a->chain.trust.policy, &ev->ca)};
	if (ev->has_key)
		u->key = ev->key;
	if (ev->has_tbs)
		u->tbs = ev->tbs;
	return 0;
}

int
across_report(struct audit *a, uint64_t index, const struct report_statement *r)
{
	int ret = 0;

	a->counts.reports++;
	for (size_t i = 0; i < r->n_events && ret == 0; i++) {
		if (r->events[i].what != LOGIN_IN)
			continue;
		a->counts.logins++;
		if (a->across != NULL && a->across->fleet &&
		    r->events[i].has_cert)
			ret = add_login(a, index, &r->events[i]);
	}
	return ret;
}

/* --- who is a host, and what is in force ---------------------------------- */

int
across_act(struct audit *a, const struct hash *statement)
{
	struct audit_across *x = a->across;

	if (x == NULL || !x->fleet)
		return 0;
	if (vec_grow(&x->acts, x->n_acts, &x->cap_acts, SIZE_MAX / 64) != 0 ||
	    audit_table_add(&x->table, TABLE_STATEMENT, audit_key(statement),
		x->n_acts) != 0)
		return ERR_NOMEM;
	x->acts[x->n_acts++] = (struct across_act){.name = *statement};
	return 0;
}

/* NULL: no log of the fleet has it. */
static struct across_act *
act_of(const struct audit_across *x, const struct hash *statement)
{
	size_t cursor = 0;
	uint64_t at;

	while (audit_table_next(&x->table, TABLE_STATEMENT,
	    audit_key(statement), &cursor, &at))
		if (hash_equal(&x->acts[at].name, statement))
			return &x->acts[at];
	return NULL;
}

int
across_ended(struct audit *a, uint64_t index, const struct hash *accept,
    const char *how)
{
	struct audit_across *x = a->across;
	struct across_act *act;

	if (x == NULL || !x->fleet || (act = act_of(x, accept)) == NULL ||
	    act->object != NULL)
		return 0;
	if (object_of(a, index, &act->object) != 0)
		return ERR_NOMEM;
	act->how = how;
	act->index = index;
	act->nth_log = x->n_logs;
	x->n_open++;
	return 0;
}

bool
across_is_open(const struct audit *a)
{
	return a->across != NULL && a->across->fleet && a->across->n_open > 0;
}

/* They ended before this tick: nothing tells it any better. */
void
across_tick_at(struct audit *a, int64_t at)
{
	struct audit_across *x = a->across;

	if (x == NULL || !x->fleet || x->n_open == 0)
		return;
	for (size_t i = 0; i < x->n_acts; i++)
		if (x->acts[i].object != NULL && x->acts[i].over == 0 &&
		    x->acts[i].nth_log == x->n_logs)
			x->acts[i].over = at;
	x->n_open = 0;
}

int
across_list(struct audit *a, uint64_t index, uint64_t version)
{
	struct audit_across *x = a->across;
	char *object = NULL;

	if (x == NULL || !x->fleet || version <= x->krl)
		return 0;
	if (object_of(a, index, &object) != 0)
		return ERR_NOMEM;
	free(x->krl_object);
	x->krl_object = object;
	x->krl_index = index;
	x->krl = version;
	return 0;
}

int
across_policy(struct audit *a, uint64_t index, const struct statement *s)
{
	struct audit_across *x = a->across;
	uint64_t version = s->u.bundle.version;
	struct across_policy *p;

	if (x == NULL)
		return 0;
	for (size_t i = 0; i < x->n_policies; i++) {
		p = &x->policies[i];
		if (p->version != version)
			continue;
		if (!hash_equal(&p->hash, &s->hash))
			LEAF_FINDING(a, index, "policy",
			    "is another version %" PRIu64
			    " of the policy than %s, leaf %" PRIu64,
			    version, p->object, p->index);
		return 0;
	}
	if (vec_grow(&x->policies, x->n_policies, &x->cap_policies,
		SIZE_MAX / 128) != 0)
		return ERR_NOMEM;
	p = &x->policies[x->n_policies];
	*p = (struct across_policy){
	    .version = version, .index = index, .hash = s->hash};
	if (object_of(a, index, &p->object) != 0)
		return ERR_NOMEM;
	x->n_policies++;
	return 0;
}

/* --- what was issued ------------------------------------------------------ */

static bool
is_key(const struct pubkey *k, const struct hash *want)
{
	struct hash h;

	pubkey_hash(k, &h);
	return hash_equal(&h, want);
}

static int
by_serial(const void *x, const void *y)
{
	const struct across_use *a = x, *b = y;

	if (a->serial != b->serial)
		return a->serial < b->serial ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

void
across_turn(struct audit_across *x)
{
	x->fleet = false;
	if (x->n_uses > 1)
		qsort(x->uses, x->n_uses, sizeof(*x->uses), by_serial);
}

/* The first of a serial, or where it would be. */
static size_t
first_of(const struct audit_across *x, uint64_t serial)
{
	size_t lo = 0, hi = x->n_uses;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (x->uses[mid].serial < serial)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
across_asks(const struct audit *a, uint64_t serial)
{
	const struct audit_across *x = a->across;
	size_t i;

	if (x == NULL || x->fleet)
		return false;
	i = first_of(x, serial);
	return i < x->n_uses && x->uses[i].serial == serial;
}

int
across_issued(struct audit *a, const struct issue_leaf *l)
{
	struct audit_across *x = a->across;
	uint64_t serial = leaf_serial(&l->request);
	struct hash tbs;
	struct cert c;
	int r;

	if (!across_asks(a, serial))
		return 0;
	cert_init(&c);
	hash_sha256(l->tbs, l->tbs_len, &tbs);
	r = cert_parse_tbs(slice_of(l->tbs, l->tbs_len), &c, NULL);
	for (size_t i = first_of(x, serial);
	     r == 0 && i < x->n_uses && x->uses[i].serial == serial; i++) {
		struct across_use *u = &x->uses[i];

		if (c.serial != serial || !is_key(c.ca, &u->ca))
			continue;
		if ((u->has_key && !is_key(c.key, &u->key)) ||
		    (u->has_tbs && !hash_equal(&u->tbs, &tbs)))
			u->other = true;
		else
			u->met = true;
	}
	cert_clear(&c);
	/* A certificate that does not parse is a finding of its own. */
	return r == ERR_NOMEM ? r : 0;
}

/* Is it a finding? */
static bool
judge_act(struct audit *a, uint64_t index, const struct issue_leaf *l,
    const struct across_act *act)
{
	if (act == NULL && l->now + ACROSS_CLOCKS_OFF > a->across->until)
		return false; /* it may still come */
	if (act == NULL)
		LEAF_FINDING(a, index, "host",
		    "is a host's certificate by a statement that no log of the "
		    "fleet has");
	else if (act->over != 0 && l->now > act->over + ACROSS_CLOCKS_OFF)
		LEAF_FINDING(a, index, "host",
		    "is a host's certificate, made after its host was "
		    "%s: %s, leaf %" PRIu64,
		    act->how, act->object, act->index);
	else
		return false;
	return true;
}

void
across_renewed(struct audit *a, uint64_t index, const struct issue_leaf *l)
{
	const struct audit_across *x = a->across;

	if (x == NULL || x->fleet || x->n_logs == 0)
		return;
	/* What ends its host, or makes it one, may still come. */
	if (l->now + ACROSS_CLOCKS_OFF > x->until &&
	    past_keep_later(a, index) != 0)
		a->r->failed = true;
	for (size_t i = 0; i < l->n_decisions; i++)
		if (judge_act(a, index, l, act_of(x, &l->decisions[i])))
			return;
}

/* --- the end -------------------------------------------------------------- */

void
across_log(struct audit *a)
{
	struct audit_across *x = a->across;

	if (x == NULL)
		return;
	if (!x->fleet) {
		if (a->last_krl > x->krl_ca)
			x->krl_ca = a->last_krl;
		return;
	}
	x->n_open = 0;
	hash_sha256v((const struct slice[]){slice_of(x->logs.b, HASH_LEN),
			 slice_str(a->name)},
	    2, &x->logs);
	if (x->n_logs++ == 0 || a->last_tick < x->until)
		x->until = a->last_tick;
	if (a->chain.trust.have && !audit_is_master(a))
		OBJECT_FINDING(a, STAGE_HEAD, "checkpoint", "checkpoint",
		    "is of '%s', which is no log of a master by the policy",
		    a->name);
}

#define LOGINS(n) text_plural((n), "login", "logins")

static void
tell_use(const struct across_use *u, struct audit_report *r)
{
	char ca[FINGERPRINT_MAX];

	if (u->met)
		return;
	hash_fingerprint(&u->ca, ca);
	if (u->other)
		finding_add(r, "", STAGE_LEAF, "login", false, u->object,
		    u->index,
		    "%" PRIu64 " %s by serial %" PRIu64
		    " of CA %s, which was issued to another key, or "
		    "is another certificate",
		    u->count, LOGINS(u->count), u->serial, ca);
	else if (u->of_policy)
		finding_add(r, "", STAGE_LEAF, "login", false, u->object,
		    u->index,
		    "%" PRIu64 " %s by serial %" PRIu64
		    " of CA %s, which no log has: never issued",
		    u->count, LOGINS(u->count), u->serial, ca);
	else
		finding_add(r, "", STAGE_LEAF, "elsewhere", true, u->object,
		    u->index,
		    "%" PRIu64 " %s by serial %" PRIu64
		    " of CA %s, which is none of the policy",
		    u->count, LOGINS(u->count), u->serial, ca);
}

void
across_finish(const struct audit_across *x, struct audit_report *r)
{
	for (size_t i = 0; i < x->n_uses; i++)
		tell_use(&x->uses[i], r);
	if (x->krl > x->krl_ca)
		finding_add(r, "", STAGE_LEAF, "krl", false, x->krl_object,
		    x->krl_index,
		    "goes by revocation list %" PRIu64 ", %" PRIu64
		    " is the last that the CA made",
		    x->krl, x->krl_ca);
}

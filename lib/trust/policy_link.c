/* SPDX-License-Identifier: ISC */
/*
 * What a policy says across its files: one person in several places, names
 * that must stand for something, keys that must be one person's alone.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/trust/policy.h"
#include "lib/trust/policy_impl.h"

/* "ca.yaml:3:5", for the second place of a message. */
#define PLACE_MAX 192
static const char *
place(char out[PLACE_MAX], struct conf_pos pos)
{
	struct str s = STR_INIT;

	str_addf(&s, "%s:%u:%u", pos.file, pos.line, pos.col);
	out[0] = '\0';
	if (s.n < PLACE_MAX)
		memcpy(out, s.p, s.n + 1);
	str_clear(&s);
	return out;
}

static int
by_id(const void *a, const void *b)
{
	const struct mention *x = a, *y = b;
	int c = strcmp(x->person.id, y->person.id);

	if (c == 0)
		c = (x->kind > y->kind) - (x->kind < y->kind);
	return c != 0 ? c : (x->seq > y->seq) - (x->seq < y->seq);
}

static const struct person_key *
find_key(const struct person *person, const struct pubkey *k)
{
	for (size_t i = 0; i < person->n_keys; i++)
		if (pubkey_equal(person->keys[i].key, k))
			return &person->keys[i];
	return NULL;
}

/*
 * A key of the second mention goes to the first.  An officer who is an
 * operator too gives the same key in both places of root.yaml; anywhere else
 * the same key twice is a slip.
 */
static void
join_key(struct conf_in *in, struct person *to, struct person_key *key)
{
	const struct person_key *old = find_key(to, key->key);
	char where[PLACE_MAX];
	int r;

	if (old != NULL) {
		if (!key->of_root)
			conf_error(in->diags, key->pos,
			    "key of '%s' is there twice, expected once "
			    "(%s has it)",
			    to->id, place(where, old->pos));
		return;
	}
	r = vec_grow(&to->keys, to->n_keys, &to->cap_keys, POLICY_KEYS_MAX);
	if (r == ERR_NOMEM) {
		conf_nomem(in);
	} else if (r != 0) {
		conf_error(in->diags, key->pos,
		    "too many keys of '%s', expected at most %d", to->id,
		    POLICY_KEYS_MAX);
	} else {
		to->keys[to->n_keys++] = *key;
		*key = (struct person_key){0};
	}
}

static void
join(struct conf_in *in, struct person *to, struct mention *m,
    const struct mention *before)
{
	char where[PLACE_MAX];

	if (m->kind == before->kind)
		conf_error(in->diags, m->person.pos,
		    "person '%s' is given twice, expected once (%s has it)",
		    to->id, place(where, before->person.pos));
	for (size_t i = 0; i < m->person.n_keys; i++)
		join_key(in, to, &m->person.keys[i]);
	to->officer = to->officer || m->person.officer;
	to->operator= to->operator|| m->person.operator;
	if (to->groups.n == 0) {
		to->groups = m->person.groups;
		m->person.groups = (struct strs){0};
	}
}

/* Takes m's person as a new one of the policy. */
static bool
start_person(struct conf_in *in, struct mention *m)
{
	struct reading *rd = in->ctx;
	struct policy *p = rd->p;
	char *id;

	if ((id = str_dup(m->person.id)) == NULL) {
		conf_nomem(in);
		return false;
	}
	p->people[p->n_people++] = m->person;
	/* What later mentions of this person are compared with. */
	m->person = (struct person){.id = id, .pos = m->person.pos};
	return true;
}

static void
end_person(struct conf_in *in, const struct person *person, bool has_keys)
{
	if (!has_keys)
		conf_error(in->diags, person->pos,
		    "person '%s' has no keys, expected 'keys' (only who has "
		    "them in root.yaml goes without)",
		    person->id);
}

/* Sorting puts the mentions of one person side by side, root.yaml's first. */
static void
link_people(struct conf_in *in)
{
	struct reading *rd = in->ctx;
	struct policy *p = rd->p;
	bool has_keys = false;

	if (rd->n_mentions == 0)
		return;
	p->people = calloc(rd->n_mentions, sizeof(*p->people));
	if (p->people == NULL) {
		conf_nomem(in);
		return;
	}
	p->cap_people = rd->n_mentions;
	qsort(rd->mentions, rd->n_mentions, sizeof(*rd->mentions), by_id);
	for (size_t i = 0; i < rd->n_mentions; i++) {
		struct mention *m = &rd->mentions[i];
		const char *next = i + 1 < rd->n_mentions ? m[1].person.id : "";

		if (i > 0 && strcmp(m[-1].person.id, m->person.id) == 0) {
			join(in, &p->people[p->n_people - 1], m, m - 1);
		} else {
			has_keys = false;
			if (!start_person(in, m))
				return;
		}
		has_keys = has_keys || m->has_keys;
		if (strcmp(next, m->person.id) != 0)
			end_person(in, &p->people[p->n_people - 1], has_keys);
	}
}

static void
check_key_owners(struct conf_in *in, const struct key_ref *v, size_t n)
{
	const struct reading *rd = in->ctx;
	char where[PLACE_MAX];

	for (size_t i = 1; i < n; i++) {
		const struct person *a = &rd->p->people[v[i - 1].owner];
		const struct person *b = &rd->p->people[v[i].owner];

		if (a == b || pubkey_compare(v[i - 1].key, v[i].key) != 0)
			continue;
		conf_error(in->diags, find_key(b, v[i].key)->pos,
		    "key of '%s' is a key of '%s' too, expected one person a "
		    "key (%s has it)",
		    b->id, a->id, place(where, find_key(a, v[i].key)->pos));
	}
}

static void
index_person_keys(struct conf_in *in)
{
	struct reading *rd = in->ctx;
	struct policy *p = rd->p;
	struct key_ref *v;
	size_t n = 0;

	for (size_t i = 0; i < p->n_people; i++)
		n += p->people[i].n_keys;
	if (n == 0)
		return;
	if ((v = calloc(n, sizeof(*v))) == NULL) {
		conf_nomem(in);
		return;
	}
	n = 0;
	for (size_t i = 0; i < p->n_people; i++)
		for (size_t j = 0; j < p->people[i].n_keys; j++)
			v[n++] = (struct key_ref){
			    .key = p->people[i].keys[j].key, .owner = i};
	policy_sort_keys(v, n);
	p->index->person_keys = v;
	p->index->n_person_keys = n;
	check_key_owners(in, v, n);
}

static int
by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Every group that has a member, sorted, each once. */
static void
link_groups(struct conf_in *in)
{
	struct reading *rd = in->ctx;
	struct policy *p = rd->p;
	const char **all;
	size_t n = 0;

	for (size_t i = 0; i < p->n_people; i++)
		n += p->people[i].groups.n;
	if (n == 0)
		return;
	if ((all = calloc(n, sizeof(*all))) == NULL) {
		conf_nomem(in);
		return;
	}
	n = 0;
	for (size_t i = 0; i < p->n_people; i++)
		for (size_t j = 0; j < p->people[i].groups.n; j++)
			all[n++] = p->people[i].groups.v[j];
	qsort(all, n, sizeof(*all), by_text);
	for (size_t i = 0; i < n; i++) {
		const struct person *same;

		if (i > 0 && strcmp(all[i - 1], all[i]) == 0)
			continue;
		if (strs_add(&p->groups, all[i]) != 0)
			conf_nomem(in);
		if ((same = policy_person(p, all[i])) != NULL)
			conf_error(in->diags, same->pos,
			    "'%s' is a person and a group, expected a name "
			    "for one of them alone",
			    all[i]);
	}
	free(all);
}

static bool
is_group(const struct policy *p, const char *name)
{
	return p->groups.n > 0 &&
	    bsearch(&name, p->groups.v, p->groups.n, sizeof(*p->groups.v),
		by_text) != NULL;
}

static void
link_refs(struct conf_in *in)
{
	const struct reading *rd = in->ctx;
	const struct policy *p = rd->p;
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < rd->n_refs; i++) {
		const struct ref *ref = &rd->refs[i];

		if (ref->kind >= REF_USER || is_group(p, ref->name))
			continue;
		(void)str_quote(quoted, ref->name);
		if (ref->kind != REF_TO)
			conf_error(in->diags, ref->pos,
			    "%s is no group, expected one that has a member",
			    quoted);
		else if (policy_person(p, ref->name) == NULL)
			conf_error(in->diags, ref->pos,
			    "%s is neither a person nor a group, expected one "
			    "that the policy has",
			    quoted);
	}
}

static void
check_threshold(struct conf_in *in, const char *name, unsigned n,
    size_t persons, const char *what)
{
	const struct reading *rd = in->ctx;

	if (n > persons)
		conf_error(in->diags, rd->p->thresholds_pos,
		    "threshold '%s' is %u, expected at most %zu, the number "
		    "of %s",
		    name, n, persons, what);
}

static void
check_thresholds(struct conf_in *in)
{
	const struct reading *rd = in->ctx;
	const struct policy *p = rd->p;
	size_t officers = 0, operators = 0;

	for (size_t i = 0; i < p->n_people; i++) {
		officers += p->people[i].officer;
		operators += p->people[i].operator;
	}
	check_threshold(in, "root", p->thresholds.root, officers, "officers");
	check_threshold(in, "policy", p->thresholds.policy, officers,
	    "officers");
	check_threshold(in, "fleet", p->thresholds.fleet, operators,
	    "operators");
	if (operators > 0 && p->thresholds.fleet == 0 &&
	    in->diags->n_errors == 0)
		conf_error(in->diags, p->thresholds_pos,
		    "thresholds has no 'fleet', expected it where there are "
		    "operators");
}

static int
by_name(const void *a, const void *b)
{
	const struct name_ref *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void
index_grants(struct conf_in *in)
{
	struct reading *rd = in->ctx;
	struct policy *p = rd->p;
	struct name_ref *v;

	if (p->n_grants == 0)
		return;
	if ((v = calloc(p->n_grants, sizeof(*v))) == NULL) {
		conf_nomem(in);
		return;
	}
	for (size_t i = 0; i < p->n_grants; i++)
		v[i] = (struct name_ref){.name = p->grants[i].name, .i = i};
	qsort(v, p->n_grants, sizeof(*v), by_name);
	p->index->grants = v;
}

/* A bundle holds the rules of so many zones. */
static void
check_zones(struct conf_in *in)
{
	const struct reading *rd = in->ctx;
	struct strs zones = {0};

	for (size_t i = 0; i < rd->p->n_grants; i++) {
		const struct hours *h = &rd->p->grants[i].hours;

		if (h->zone == NULL || strs_has(&zones, h->zone))
			continue;
		if (zones.n == POLICY_ZONES_MAX) {
			conf_error(in->diags, h->zone_pos,
			    "one time zone too many, expected at most %d in "
			    "a policy",
			    POLICY_ZONES_MAX);
			break;
		}
		if (strs_add(&zones, h->zone) != 0)
			conf_nomem(in);
	}
	strs_clear(&zones);
}

void
policy_link(struct conf_in *in)
{
	const struct reading *rd = in->ctx;

	link_people(in);
	/* What a broken file would have said is not missing elsewhere. */
	if (in->diags->failed || rd->broken)
		return;
	index_person_keys(in);
	link_groups(in);
	link_refs(in);
	check_thresholds(in);
	check_zones(in);
	policy_link_authorities(in);
	index_grants(in);
}

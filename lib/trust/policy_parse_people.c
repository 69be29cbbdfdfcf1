/* SPDX-License-Identifier: ISC */
/*
 * root.yaml, and persons wherever they stand.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/ssh/lint.h"
#include "lib/trust/policy.h"
#include "lib/trust/policy_impl.h"

#define YEAR (365 * INT64_C(86400))

/* What a policy set that is to be adopted holds where a key belongs. */
#define PLACEHOLDER "REPLACE"

static bool
has_key(const struct person *person, const struct pubkey *k)
{
	for (size_t i = 0; i < person->n_keys; i++)
		if (pubkey_equal(person->keys[i].key, k))
			return true;
	return false;
}

static void
read_key(struct conf_in *in, const struct yaml_node *n, struct person *person)
{
	struct person_key key = {.pos = n->pos};
	struct err e = {0};
	int r;

	if (strncmp(n->text, PLACEHOLDER, sizeof(PLACEHOLDER) - 1) == 0) {
		conf_error(in->diags, n->pos,
		    "a placeholder stands for the key of '%s', expected the "
		    "line of that person's public key file",
		    person->id);
		return;
	}
	if ((r = pubkey_parse_line(n->text, n->n, &key.key, &key.comment,
		 &e)) == 0 &&
	    (r = lint_subject(key.key, &e)) == 0 && has_key(person, key.key))
		r = err_set(&e, ERR_EXISTS,
		    "key of '%s' is there twice, "
		    "expected once",
		    person->id);
	if (r == 0)
		r = vec_grow(&person->keys, person->n_keys, &person->cap_keys,
		    POLICY_KEYS_MAX);
	if (r == 0) {
		person->keys[person->n_keys++] = key;
		return;
	}
	if (r == ERR_NOMEM)
		conf_nomem(in);
	else
		conf_error(in->diags, n->pos, "%s", e.msg);
	pubkey_free(key.key);
	free(key.comment);
}

static void
read_keys(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct person *person = field;

	if (!conf_is_texts(in, k, n))
		return;
	for (size_t i = 0; i < n->n; i++)
		read_key(in, n->items[i], person);
}

#define KEYS(is_required)                                        \
	{                                                        \
		.name = "keys", .read = read_keys, .min = 1,     \
		.max = POLICY_KEYS_MAX, .required = is_required, \
		.expect = "a list of public key lines"           \
	}

static const struct conf_key signer_keys[] = {KEYS(true)};
static const struct conf_key member_keys[] = {
    KEYS(false), /* an officer's are in root.yaml */
    {.name = "groups",
	.read = conf_texts,
	.offset = offsetof(struct person, groups),
	.min = 1,
	.max = POLICY_GROUPS_MAX,
	.check = policy_check_name,
	.expect = "a list of groups"},
};

static bool
add_mention(struct conf_in *in, struct mention *m)
{
	struct reading *rd = in->ctx;
	int r = vec_grow(&rd->mentions, rd->n_mentions, &rd->cap_mentions,
	    POLICY_PEOPLE_MAX);

	if (r == 0) {
		m->seq = rd->n_mentions;
		rd->mentions[rd->n_mentions++] = *m;
		return true;
	}
	if (r == ERR_NOMEM)
		conf_nomem(in);
	else
		conf_error(in->diags, m->person.pos,
		    "too many persons, expected at most %d", POLICY_PEOPLE_MAX);
	return false;
}

void
policy_read_person(struct conf_in *in, enum mention_kind kind, const char *id,
    struct conf_pos pos, const struct yaml_node *n)
{
	struct mention m = {.kind = kind};
	char quoted[QUOTE_MAX];

	if (!id_is_valid(id)) {
		conf_error(in->diags, pos,
		    "%s is not the id of a person, expected 1 to %d of a-z "
		    "0-9 . _ @ + -",
		    str_quote(quoted, id), ID_MAX);
		return;
	}
	m.person.pos = pos;
	m.person.officer = kind == AS_OFFICER;
	m.person.operator= kind == AS_OPERATOR;
	if ((m.person.id = str_dup(id)) == NULL) {
		conf_nomem(in);
		return;
	}
	if (kind == AS_MEMBER)
		conf_map(in, pos, "a person", n, member_keys,
		    POLICY_COUNT(member_keys), &m.person);
	else
		conf_map(in, pos, "a person", n, signer_keys,
		    POLICY_COUNT(signer_keys), &m.person);
	m.has_keys = kind != AS_MEMBER || n == NULL || n->kind != YAML_MAP ||
	    yaml_get(n, "keys") != NULL;
	for (size_t i = 0; i < m.person.n_keys; i++)
		m.person.keys[i].of_root = kind != AS_MEMBER;
	if (!add_mention(in, &m))
		policy_person_clear(&m.person);
}

void
policy_read_people(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, enum mention_kind kind)
{
	if (!conf_is(in, k, n, YAML_MAP))
		return;
	if (n->n == 0)
		conf_error(in->diags, n->pos, "'%s' is empty, expected %s",
		    k->name, k->expect);
	for (size_t i = 0; i < n->n; i++)
		policy_read_person(in, kind, n->pairs[i].key, n->pairs[i].pos,
		    n->pairs[i].value);
}

static void
read_officers(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	(void)field;
	policy_read_people(in, k, n, AS_OFFICER);
}

static void
read_operators(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	(void)field;
	policy_read_people(in, k, n, AS_OPERATOR);
}

#define THRESHOLD(word, field, is_required)                             \
	{                                                               \
		.name = word, .read = conf_unsigned,                    \
		.offset = offsetof(struct thresholds, field), .min = 1, \
		.max = POLICY_PEOPLE_MAX, .required = is_required,      \
		.expect = "a number of persons, 1 or more"              \
	}

static const struct conf_key threshold_keys[] = {
    THRESHOLD("root", root, true), THRESHOLD("policy", policy, true),
    THRESHOLD("fleet", fleet, false), /* needed where operators are */
};

static void
read_thresholds(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct policy *p = field;

	p->thresholds_pos = n->pos;
	conf_map(in, n->pos, k->name, n, threshold_keys,
	    POLICY_COUNT(threshold_keys), &p->thresholds);
}

static void
read_expires(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct policy *p = field;

	p->expires_pos = n->pos;
	conf_time(in, k, n, &p->root_expires);
}

static const struct conf_key root_keys[] = {
    {.name = "version",
	.read = conf_u64,
	.offset = offsetof(struct policy, root_version),
	.min = 1,
	.max = 1000000,
	.required = true,
	.expect = "a number, 1 for the first root and one more each time"},
    {.name = "expires",
	.read = read_expires,
	.required = true,
	.expect = "a date, or a time such as 2028-11-01T12:00:00Z"},
    {.name = "grace",
	.read = conf_span,
	.offset = offsetof(struct policy, grace),
	.min = 1,
	.max = YEAR,
	.expect = "a span such as 14d, at most 365d"},
    {.name = "officers",
	.read = read_officers,
	.required = true,
	.expect = "persons and their keys"},
    {.name = "operators",
	.read = read_operators,
	.expect = "persons and their keys"},
    {.name = "thresholds",
	.read = read_thresholds,
	.required = true,
	.expect = "a mapping of root, policy, fleet"},
};

void
policy_read_root(struct conf_in *in, const struct yaml_node *root)
{
	struct reading *rd = in->ctx;

	rd->p->grace = 14 * INT64_C(86400);
	conf_map(in, (struct conf_pos){.file = rd->file, .line = 1, .col = 1},
	    "root.yaml", root, root_keys, POLICY_COUNT(root_keys), rd->p);
}

/* SPDX-License-Identifier: ISC */
/*
 * ca.yaml but for its grants, and audit.yaml.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/trust/policy.h"
#include "lib/trust/policy_impl.h"

static void
read_members(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	(void)field;
	policy_read_people(in, k, n, AS_MEMBER);
}

static void
read_new_keys(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct strs *self_keys = field;

	if (!conf_is(in, k, n, YAML_MAP))
		return;
	for (size_t i = 0; i < n->n; i++) {
		const struct yaml_pair *pair = &n->pairs[i];
		struct conf_key who = {
		    .name = pair->key, .expect = "self or officers"};

		policy_add_ref_at(in, REF_NEW_KEYS, pair->key, pair->pos);
		if (!conf_is(in, &who, pair->value, YAML_TEXT))
			continue;
		if (strcmp(pair->value->text, "self") == 0) {
			if (strs_add(self_keys, pair->key) != 0)
				conf_nomem(in);
		} else if (strcmp(pair->value->text, "officers") != 0) {
			conf_bad(in, &who, pair->value);
		}
	}
	strs_sort(self_keys);
}

static void
read_names(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, enum ref_kind kind, void *field)
{
	if (!conf_is_texts(in, k, n))
		return;
	conf_texts(in, k, n, field);
	for (size_t i = 0; i < n->n; i++)
		policy_add_ref(in, kind, n->items[i]);
}

static void
read_user_cas(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	read_names(in, k, n, REF_USER, field);
}

static void
read_host_cas(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	read_names(in, k, n, REF_HOST, field);
}

static void
read_logs(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	read_names(in, k, n, REF_LOG, field);
}

static void
read_masters(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	read_names(in, k, n, REF_MASTER, field);
}

#define NAMES(word, reader, field, is_required)                                \
	{                                                                      \
		.name = word, .read = reader,                                  \
		.offset = offsetof(struct policy, field), .min = 1, .max = 64, \
		.required = is_required, .check = policy_check_name,           \
		.expect = "a list of names of authorities/NAME.pub"            \
	}

/* Whether user or host is needed, grants say. */
static const struct conf_key authority_keys[] = {
    NAMES("user", read_user_cas, user_cas, false),
    NAMES("host", read_host_cas, host_cas, false),
    NAMES("log", read_logs, logs, true),
    NAMES("master", read_masters, masters, false),
};

static void
read_authorities(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	conf_map(in, n->pos, k->name, n, authority_keys,
	    POLICY_COUNT(authority_keys), field);
}

static const struct conf_key ca_keys[] = {
    {.name = "people", .read = read_members, .expect = "persons"},
    {.name = "new_keys",
	.read = read_new_keys,
	.offset = offsetof(struct policy, self_keys),
	.expect = "groups, each with self or officers"},
    {.name = "authorities",
	.read = read_authorities,
	.required = true,
	.expect = "a mapping of user, host, log, master"},
    {.name = "grants",
	.read = policy_read_grants,
	.expect = "a mapping of grants"},
    {.name = "quota",
	.read = conf_unsigned,
	.offset = offsetof(struct policy, quota),
	.min = 1,
	.max = 1000000,
	.expect = "a number of requests a person a day, 1 to 1000000"},
};

void
policy_read_ca(struct conf_in *in, const struct yaml_node *root)
{
	struct reading *rd = in->ctx;

	rd->p->quota = 2000;
	conf_map(in, (struct conf_pos){.file = rd->file, .line = 1, .col = 1},
	    "ca.yaml", root, ca_keys, POLICY_COUNT(ca_keys), rd->p);
}

/* A fingerprint as ssh-keygen and sshd's log print it. */
static bool
check_fingerprint(struct conf_in *in, const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];
	struct hash h;

	if (hash_from_fingerprint(n->text, &h) == 0)
		return true;
	conf_error(in->diags, n->pos,
	    "%s is not a fingerprint, expected SHA256: and 43 characters, as "
	    "ssh-keygen -l prints it",
	    str_quote(quoted, n->text));
	return false;
}

/* A host id or a glob over ids. */
static bool
check_host(struct conf_in *in, const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	if (id_glob_is_valid(n->text, n->n))
		return true;
	conf_error(in->diags, n->pos,
	    "%s is not a host, expected an id or a pattern of ids",
	    str_quote(quoted, n->text));
	return false;
}

#define EXCEPTION(field) .offset = offsetof(struct known_exception, field)

static const struct conf_key exception_keys[] = {
    {.name = "account",
	.read = conf_text,
	EXCEPTION(account),
	.required = true,
	.min = 1,
	.max = 64,
	.expect = "the account that is logged in to"},
    {.name = "key",
	.read = conf_text,
	EXCEPTION(key),
	.min = 1,
	.max = FINGERPRINT_MAX,
	.check = check_fingerprint,
	.expect = "the fingerprint of a key"},
    {.name = "ca",
	.read = conf_text,
	EXCEPTION(ca),
	.min = 1,
	.max = FINGERPRINT_MAX,
	.check = check_fingerprint,
	.expect = "the fingerprint of a certificate authority"},
    {.name = "hosts",
	.read = conf_texts,
	EXCEPTION(hosts),
	.required = true,
	.min = 1,
	.max = POLICY_LIST_MAX,
	.check = check_host,
	.expect = "a list of hosts"},
    {.name = "reason",
	.read = conf_text,
	EXCEPTION(reason),
	.required = true,
	.min = 1,
	.max = POLICY_REASON_MAX,
	.expect = "why this login is accepted"},
    {.name = "owner",
	.read = conf_text,
	EXCEPTION(owner),
	.required = true,
	.min = 1,
	.max = ID_MAX,
	.expect = "the person who answers for it"},
    {.name = "expires",
	.read = conf_time,
	EXCEPTION(expires),
	.required = true,
	.expect = "a date, or a time such as 2028-11-01T12:00:00Z"},
};

static void
read_exceptions(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct policy *p = field;

	if (!conf_is_list(in, k, n))
		return;
	for (size_t i = 0; i < n->n; i++) {
		const struct yaml_node *item = n->items[i];
		struct known_exception *x;

		if (vec_grow(&p->exceptions, p->n_exceptions,
			&p->cap_exceptions, 10000) != 0) {
			conf_nomem(in);
			return;
		}
		x = &p->exceptions[p->n_exceptions++];
		*x = (struct known_exception){.pos = item->pos};
		conf_map(in, item->pos, "an exception", item, exception_keys,
		    POLICY_COUNT(exception_keys), x);
		if (item->kind == YAML_MAP &&
		    (yaml_get(item, "key") == NULL) ==
			(yaml_get(item, "ca") == NULL))
			conf_error(in->diags, item->pos,
			    "an exception, expected either 'key' or 'ca'");
	}
}

static const struct conf_key audit_keys[] = {
    {.name = "exceptions",
	.read = read_exceptions,
	.max = 10000,
	.required = true,
	.expect = "a list of known exceptions"},
};

void
policy_read_audit(struct conf_in *in, const struct yaml_node *root)
{
	struct reading *rd = in->ctx;

	conf_map(in, (struct conf_pos){.file = rd->file, .line = 1, .col = 1},
	    "audit.yaml", root, audit_keys, POLICY_COUNT(audit_keys), rd->p);
}

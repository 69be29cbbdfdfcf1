/* SPDX-License-Identifier: ISC */
/*
 * What the files of the policy parser share; nobody else includes it.
 *
 * Reading has two halves.  Each file is read by its tables, which fills the
 * policy and notes every mention of a person and every name that stands for
 * something elsewhere.  Then policy_link() joins the mentions of one person
 * and resolves the names, since files may come in any order.
 */
#ifndef LIB_TRUST_POLICY_IMPL_H
#define LIB_TRUST_POLICY_IMPL_H

#include "lib/conf/schema.h"
#include "lib/trust/policy.h"

#define POLICY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A key and the index of whoever has it; sorted by key. */
struct key_ref {
	const struct pubkey *key;
	size_t owner;
};

struct name_ref {
	const char *name;
	size_t i;
};

struct policy_index {
	struct strs files; /* names that positions borrow */
	struct key_ref *person_keys;
	size_t n_person_keys;
	struct key_ref *authority_keys; /* one an authority */
	struct name_ref *grants;        /* sorted by name */
};

/* Where a person is named: the order is the order of joining. */
enum mention_kind { AS_OFFICER, AS_OPERATOR, AS_MEMBER };

struct mention {
	struct person person;
	enum mention_kind kind;
	size_t seq;    /* order of the files */
	bool has_keys; /* says `keys`, good or bad */
};

enum ref_kind {
	REF_TO,       /* a group or person */
	REF_APPROVER, /* a group */
	REF_NEW_KEYS, /* a group */
	REF_USER,     /* authorities, by the list that names them */
	REF_HOST,
	REF_LOG,
	REF_MASTER
};

struct ref {
	enum ref_kind kind;
	const char *name; /* borrowed from the YAML tree */
	struct conf_pos pos;
};

struct reading { /* conf_in.ctx of all readers */
	struct policy *p;
	const struct policy_files *files;
	const char *file; /* being read; the index's */
	struct mention *mentions;
	size_t n_mentions, cap_mentions;
	struct ref *refs;
	size_t n_refs, cap_refs;
	struct yaml_doc ca; /* alive for refs */
	bool broken;        /* a file is no YAML at all */
};

/* Names of groups, grants and authorities: [a-z0-9][a-z0-9._-]{0,63}. */
bool policy_name_is_valid(const char *s);
/* conf_key.check for such a name. */
bool policy_check_name(struct conf_in *in, const struct yaml_node *n);

/* A person where a file names him; keys is the table of that place. */
void policy_read_person(struct conf_in *in, enum mention_kind kind,
    const char *id, struct conf_pos pos, const struct yaml_node *n);
/* A mapping of persons: officers, operators, people. */
void policy_read_people(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, enum mention_kind kind);
void policy_add_ref(
    struct conf_in *in, enum ref_kind kind, const struct yaml_node *n);
/* A name that must be a group's, person's or authority's: its position. */
void policy_add_ref_at(struct conf_in *in, enum ref_kind kind, const char *name,
    struct conf_pos pos);

/* The files, each by its tables. */
void policy_read_root(struct conf_in *in, const struct yaml_node *root);
void policy_read_ca(struct conf_in *in, const struct yaml_node *root);
void policy_read_audit(struct conf_in *in, const struct yaml_node *root);
/* conf_key.read for `grants:`; field is unused. */
void policy_read_grants(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field);
/* conf_key.read of `hours:` (field: struct hours) and `ticket:` (the grant). */
void policy_read_hours(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field);
void policy_read_ticket(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field);
void policy_grant_clear(struct grant *g);

/* Join, resolve, check between files, build the index. */
void policy_link(struct conf_in *in);
void policy_link_authorities(struct conf_in *in);
void policy_person_clear(struct person *person);

/* Of policy_check(): warnings of what audit.yaml excepts. */
void policy_check_exceptions(const struct policy *p, int64_t now,
    struct conf_diags *diags);

/* Sorts refs by key; NULL keys never occur. */
void policy_sort_keys(struct key_ref *v, size_t n);
const struct key_ref *policy_find_key(
    const struct key_ref *v, size_t n, const struct pubkey *k);

#endif

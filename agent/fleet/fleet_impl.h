/* SPDX-License-Identifier: ISC */
/*
 * What the files of the fleet parser share; nobody else includes it.
 *
 * Reading has two halves, as the policy's: each file is read by its tables,
 * which notes every name that stands for something elsewhere; then fleet_link()
 * resolves the names, since files may come in any order.
 */
#ifndef AGENT_FLEET_FLEET_IMPL_H
#define AGENT_FLEET_FLEET_IMPL_H

#include "agent/fleet/fleet.h"
#include "lib/conf/schema.h"

#define FLEET_COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct pillar_file {
	const char *name;		/* docs' */
	const struct yaml_node *root;	/* NULL: nothing but comments */
	struct conf_pos pos;
};

struct fleet_docs {
	struct strs	    names;	/* that positions borrow */
	struct yaml_doc	   *v;		/* alive as long as the fleet */
	size_t		    n;
	struct pillar_file *pillar;	/* sorted by name */
	size_t		    n_pillar;
	bool		    some_pillar;
};

enum ref_kind { REF_STATES, REF_PILLAR };

struct ref {
	enum ref_kind kind;
	const char *name;	/* borrowed from the YAML tree */
	struct conf_pos pos;
};

struct reading {		/* conf_in.ctx of all readers */
	struct fleet *f;
	const char *file;	/* being read; the docs' */
	struct ref *refs;
	size_t n_refs, cap_refs;
	size_t n_states;	/* of all files */
	bool broken;		/* a file is no YAML at all */
};

/* Names of states, files and roles: [a-z0-9][a-z0-9._-]{0,63}. */
bool fleet_name_is_valid(const char *s);
/* conf_key.check for such a name, and for a glob over ids. */
bool fleet_check_name(struct conf_in *in, const struct yaml_node *n);
bool fleet_check_glob(struct conf_in *in, const struct yaml_node *n);
/* conf_key.read of an expression; field: struct expr *. */
void fleet_read_expr(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field);
/* conf_key.read of names of files; field: struct strs.  Notes a reference for
 * each. */
void fleet_read_files(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field, enum ref_kind kind);

/* NULL: there is none. */
const struct pillar_file *fleet_pillar_file(const struct fleet *f,
    const char *name);

/* The files, each by its tables. */
void fleet_read_fleet(struct conf_in *in, const struct yaml_node *root);
void fleet_read_top(struct conf_in *in, const struct yaml_node *root);
/* out is zero. */
void fleet_read_states(struct conf_in *in, const struct yaml_node *root,
    struct fleet_file *out);
void fleet_state_clear(struct fleet_state *s);

/* What is wrong between files. */
void fleet_link(struct conf_in *in);

/* An error at pos: "what: a -> b -> a", name() of each of v. */
void fleet_say_cycle(struct conf_diags *d, struct conf_pos pos,
    const char *what, const size_t *v, size_t n,
    const char *(*name)(const void *ctx, size_t i), const void *ctx);
/* The list that says the k-th requisite of s, counted over all three, and its
 * place there: NULL past the last. */
const char *fleet_requisite(const struct fleet_state *s, size_t k,
    struct conf_pos *pos);

#endif

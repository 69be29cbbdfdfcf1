/* SPDX-License-Identifier: ISC */
/*
 * The fleet's policy, read: how hosts behave and where their masters are
 * (fleet.yaml), which host gets what (top.yaml), the states (states/NAME.yaml)
 * and what differs between hosts (pillar/NAME.yaml).  writ-fleet(5) is the
 * language.
 *
 * A fleet is immutable after fleet_parse(), and what it hands out is borrowed
 * from it.  The parameters of a state stay a tree of YAML: what they mean is
 * the kind's to say (agent/states/state.h), after a highstate was compiled for
 * one host (agent/fleet/highstate.h).  Pure: files come in as bytes.
 */
#ifndef AGENT_FLEET_FLEET_H
#define AGENT_FLEET_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/conf/diag.h"
#include "lib/conf/expr.h"
#include "lib/conf/yaml.h"
#include "lib/trust/policy.h"

#define FLEET_MASTERS_MAX 16
#define FLEET_ROLES_MAX	  256
#define FLEET_STATES_MAX  4096	/* of all files */
#define FLEET_ENTRIES_MAX 1024	/* of top.yaml, states and pillar each */
#define FLEET_LIST_MAX	  256
#define FLEET_NAME_MAX	  64	/* of a state, file, role: [a-z0-9._-] */

struct fleet_master {
	char *address;		/* "master.example.com:2023"; port 2023 unless
				   said */
	char *key;		/* authorities/KEY.pub of the policy bundle */
	struct conf_pos pos;
};

struct fleet_role {
	char	   *name;
	struct strs hosts;	/* ids, or globs over ids; never empty */
	struct conf_pos pos;
};

/* Who is spared one state, why, and until when. */
struct fleet_exception {
	struct expr *match;
	char	    *reason;
	char	    *owner;	/* a person */
	int64_t	     expires;	/* end of that day, UTC */
	struct conf_pos pos;
};

#define FLEET_REQUISITES 3	/* require, watch, onchanges: in this order */

/* One state as it is written; its parameters are not yet looked into. */
struct fleet_state {
	char	   *id;		/* once in all files that a host gets */
	char	   *kind;	/* "sshd_config" */
	const struct yaml_node *params;
	struct strs require, watch, onchanges; /* ids of states */
	/* Those lists as they stand, for positions; NULL: not said. */
	const struct yaml_node *requisites[FLEET_REQUISITES];
	struct expr *when;	/* NULL: always; may ask for grains */
	struct fleet_exception *exceptions;
	size_t	    n_exceptions;
	struct strs cis;
	char	   *why;	/* NULL: not said */
	struct conf_pos pos;	/* of the id */
	struct conf_pos kind_pos, when_pos;
};

/* A file of states: "ssh" is states/ssh.yaml. */
struct fleet_file {
	char		   *name;
	struct strs	    include;	/* names of other files */
	struct fleet_state *states;	/* in the file's order */
	size_t		    n_states;
	struct conf_pos	    pos;
};

struct fleet_top {			/* of states: or of pillar: */
	struct expr *match;
	struct strs  names;		/* files, each once */
	struct conf_pos pos;		/* of match */
};

#define FLEET_PORT 2023		/* of a master that says none */

enum fleet_drift { FLEET_REPAIR, FLEET_REPORT };

struct fleet {				/* fleet_parse / fleet_free */
	struct fleet_master *masters;
	size_t		     n_masters;
	int64_t		     interval, splay; /* seconds; 30 m, 10 m */
	int64_t		     confirm_within;  /* seconds; 60 */
	enum fleet_drift     on_drift;
	struct fleet_role   *roles;
	size_t		     n_roles;
	struct fleet_top    *states, *pillar;
	size_t		     n_states, n_pillar;
	struct fleet_file   *files;	/* sorted by name */
	size_t		     n_files;
	/* Inside: documents that nodes point into; pillar trees by name. */
	struct fleet_docs   *docs;
};

/*
 * Parse the files of a fleet bundle (paths below fleet/).  Every fault goes to
 * diags with its position; with an error among them the result is ERR_PARSE (or
 * ERR_NOMEM) and *out is untouched.
 *
 * Checked here: what is wrong in itself and between files - unknown keys, types,
 * a file of top.yaml or include that is not there, an include cycle (by name),
 * a requisite no file defines, a requisite cycle (by name), a state id twice in
 * a file, an unknown role or grain in an expression, pillar that is matched by
 * more than id and role.  A warning is a file that nothing names.  Kinds and
 * their parameters are fleet_check()'s, in agent/states.
 *
 * FLEET_SOME_PILLAR: on a host, which has only the pillar files that its own
 * entries of top.yaml name; one that is missing there is an error when it is
 * used, not before.
 */
enum { FLEET_SOME_PILLAR = 1 };
int  fleet_parse(const struct policy_files *files, unsigned flags,
     struct fleet **out, struct conf_diags *diags) MUST_CHECK;
void fleet_free(struct fleet *f);

/* The file of states of that name, or NULL. */
const struct fleet_file *fleet_file(const struct fleet *f, const char *name);
/* The roles that fleet.yaml gives to a host id, appended to out, sorted. */
int  fleet_roles(const struct fleet *f, const char *host_id,
     struct strs *out) MUST_CHECK;
/* The pillar files that a host with this id and these roles gets, each once. */
int  fleet_pillar_files(const struct fleet *f, const char *host_id,
     const struct strs *roles, struct strs *out) MUST_CHECK;
/* The tree of a pillar file; NULL where there is none. */
const struct yaml_node *fleet_pillar(const struct fleet *f, const char *name);

/* The i-th pillar file, by name: its tree (NULL: nothing but comments) and its
 * name; false past the last. */
bool fleet_pillar_at(const struct fleet *f, size_t i, const char **name,
     const struct yaml_node **root);

/* Call fn with each expression: of top.yaml, `when` and exceptions.  A value
 * other than 0 ends it and is returned. */
int  fleet_each_expr(const struct fleet *f,
     int (*fn)(void *ctx, const struct expr *x, struct conf_pos pos),
     void *ctx) MUST_CHECK;

#endif

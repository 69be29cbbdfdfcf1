/* SPDX-License-Identifier: ISC */
/*
 * The highstate of one host: every state that top.yaml gives it, with pillar
 * and grains put in, in the order in which they run.
 *
 * Compiling is the same function for `writ fleet check`, for the master's
 * counting before a job is signed, and for the agent.  Pure.
 */
#ifndef AGENT_FLEET_HIGHSTATE_H
#define AGENT_FLEET_HIGHSTATE_H

#include "agent/fleet/fleet.h"

#define HIGHSTATE_STATES_MAX 4096
#define HIGHSTATE_NODES_MAX  1000000	/* values read while ${...} is put in */
#define HIGHSTATE_DEPTH_MAX  32		/* of parameters */
#define PILLAR_DEPTH_MAX     32		/* ${...} that lead to ${...} */

#define GRAINS_MAX     256
#define GRAIN_NAME_MAX 64	/* bytes; [a-z0-9_.] */
#define GRAIN_MAX      255	/* bytes of a value */

/*
 * What a host says of itself ("os" = "debian"): never believed where it
 * matters who the host is.  These are all; a host says each of them, "unknown"
 * where it cannot tell.  The third is what `check` takes where no expression
 * names a value.
 */
#define GRAIN_LIST(X)							     \
	X("arch", "machine, as uname -m has it", "x86_64")		     \
	X("cpus", "how many processors it may use", "2")		     \
	X("hostname", "the name it has given itself", "host")		     \
	X("init", "systemd, or the name of process 1", "systemd")	     \
	X("kernel", "release, as uname -r has it", "6.1.0")		     \
	X("memory_mb", "MiB of memory", "2048")				     \
	X("openssh", "version of sshd: 9.2p1", "9.2p1")			     \
	X("os", "ID of os-release", "debian")				     \
	X("os_codename", "VERSION_CODENAME of os-release", "bookworm")	     \
	X("os_version", "VERSION_ID of os-release", "12")		     \
	X("virtual", "none, or what systemd-detect-virt says", "none")

struct grain_kind {
	const char *name, *what, *example;
};
extern const struct grain_kind grain_kinds[];	/* sorted by name */
extern const size_t grain_kinds_n;
const struct grain_kind *grain_kind(const char *name); /* or NULL */

struct grain {
	char *name, *value;
};
struct grains {			/* sorted by name; grains_clear */
	struct grain *v;
	size_t	      n, cap;
};
int  grains_set(struct grains *g, const char *name, const char *value)
     MUST_CHECK;		/* ERR_LIMIT, ERR_NOMEM */
const char *grains_get(const struct grains *g, const char *name);
void grains_clear(struct grains *g);

/* Who a highstate is for.  id and roles come from the acceptance and
 * fleet.yaml, never from the host. */
struct fleet_host {
	const char	    *id;
	const struct strs   *roles;
	const struct grains *grains;
	int64_t		     now;	/* for exceptions that have expired */
};

/* One state of one host. */
struct hstate {
	const struct fleet_state *decl;	/* id, kind, cis, why, positions */
	const struct yaml_node *params;	/* ${...} put in; the highstate's, and
					   NULL where off */
	/* Indices into v of states that run before this one. */
	size_t *require, *watch, *onchanges;
	size_t	n_require, n_watch, n_onchanges;
	const struct fleet_exception *excepted; /* NULL: none in force */
	bool	off;			/* `when` is false here */
};

struct highstate {		/* highstate_compile / highstate_free */
	struct hstate *v;	/* in running order: requisites first, else the
				   order of top.yaml and the files */
	size_t	       n;
	/* Inside. */
	struct highstate_mem *mem;
};

/*
 * Compile.  Faults go to diags, with the positions of the files: an unknown
 * ${...} or pillar name, a pillar cycle (by name), a value of the wrong kind in
 * a text, a state id twice, a requisite that this host does not get.  ERR_PARSE
 * when there was an error, ERR_LIMIT, ERR_NOMEM; *out is untouched then.
 * f must outlive *out.
 */
int  highstate_compile(const struct fleet *f, const struct fleet_host *host,
     struct highstate **out, struct conf_diags *diags) MUST_CHECK;
void highstate_free(struct highstate *h);

/* As YAML for people: what `writ fleet plan --host H` shows.  ERR_NOMEM. */
int  highstate_describe(const struct highstate *h, struct str *out) MUST_CHECK;

#endif

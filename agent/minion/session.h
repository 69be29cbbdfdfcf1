/* SPDX-License-Identifier: ISC */
/*
 * From signed bundles to the states of this host: everything between a command
 * and the driver.
 */
#ifndef AGENT_MINION_SESSION_H
#define AGENT_MINION_SESSION_H

#include "agent/minion/bundle_dir.h"
#include "agent/minion/config.h"
#include "agent/states/params.h"

#define STATE_DIR "/var/lib/writ/agent"
#define RUN_DIR	  "/run/writ-agent"
#define MASTERS_MAX 64		/* addresses, all masters' */

struct session_opts {		/* NULL: as agent.yaml says, or a default */
	const char *config;	/* CONFIG_PATH */
	const char *state_dir;	/* STATE_DIR */
	const char *local, *root, *id;
};

struct session {		/* session_open / session_close */
	struct host	   *host;
	char		   *id, *state_dir, *stage;
	struct agent_config config;
	struct agent_bundles	    bundles;
	struct fleet	   *fleet;
	struct strs	    roles, masters;
	struct grains	    grains;
	struct highstate   *hs;
	struct states	    states;
	struct state_env    env;
};

/*
 * Read, verify, compile, parse.  What was accepted is remembered at once, so
 * nothing older is taken later.  Warnings of expiry go to standard error.
 * Errors as of each part; ERR_PARSE names file, line and column.
 */
int  session_open(const struct session_opts *o, struct session *s,
     struct err *e) MUST_CHECK;
/*
 * The same with a policy and a fleet that were judged already, for a host that a
 * master has: trust and roles (of its acceptance) are borrowed, files are taken
 * over, and pillar must be this host's and all of it (ERR_DENIED).  o says the
 * id.
 */
struct session_given {
	const struct trust *trust;
	struct policy_files *files;
	const struct strs *roles;
};
int  session_open_given(const struct session_opts *o,
     const struct session_given *g, struct session *s, struct err *e)
     MUST_CHECK;
void session_close(struct session *s);

#endif

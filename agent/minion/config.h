/* SPDX-License-Identifier: ISC */
/*
 * agent.yaml: who this host is, whom it trusts first, and who comes to mend it.
 * All of it may be said on the command line instead; writ-agent(8) lists it.
 */
#ifndef AGENT_MINION_CONFIG_H
#define AGENT_MINION_CONFIG_H

#include "lib/base/err.h"

#define CONFIG_PATH "/etc/writ/agent.yaml"

struct operator_way {		/* the operator's login that must stay */
	char *account, *address, *principal;
};
struct agent_config {		/* zero-initialise; agent_config_clear */
	char *id;		/* of the host */
	char *root;		/* SHA256:..., the realm */
	char *local;		/* directory with the bundles */
	struct operator_way operator;
};
/* A file that is missing says nothing.  ERR_PARSE with file:line:column. */
int  agent_config_read(const char *path, struct agent_config *out, struct err *e)
     MUST_CHECK;
void agent_config_clear(struct agent_config *c);

#endif

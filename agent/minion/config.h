/* SPDX-License-Identifier: ISC */
/*
 * agent.yaml: who this host is, whom it trusts first, and who comes to mend it.
 * All of it may be said on the command line instead; writ-agent(8) lists it.
 */
#ifndef AGENT_MINION_CONFIG_H
#define AGENT_MINION_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

#define CONFIG_PATH "/etc/writ/agent.yaml"

struct operator_way {		/* the operator's login that must stay */
	char *account, *address, *principal;
};
struct agent_master {
	char *address;		/* HOST:PORT */
	char *key;		/* public key line of its transport key */
};
#define AGENT_MASTERS_MAX 16
struct agent_config {		/* zero-initialise; agent_config_clear */
	char *id;		/* of the host */
	char *root;		/* SHA256:..., the realm */
	char *local;		/* directory with the bundles */
	struct operator_way operator;
	/* Of a host that has a master: */
	struct agent_master *masters;	/* until a fleet names others */
	size_t n_masters;
	char *user;		/* whom the link becomes; NULL: writ-agent */
	char *host_key;		/* NULL: HOST_KEY_PATH */
	unsigned ssh_port;	/* where sshd listens; 0: 22 */
	bool  no_logins;	/* who logs in is not reported */
	char *token;		/* file of the key that lets this host in, or NULL */
};
#define HOST_KEY_PATH "/etc/ssh/ssh_host_ed25519_key"
#define AGENT_USER    "writ-agent"
/* A file that is missing says nothing.  ERR_PARSE with file:line:column. */
int  agent_config_read(const char *path, struct agent_config *out, struct err *e)
     MUST_CHECK;
void agent_config_clear(struct agent_config *c);

#endif

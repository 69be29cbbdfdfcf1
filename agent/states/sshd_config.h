/* SPDX-License-Identifier: ISC */
/*
 * Parameters of the state sshd_config, and its parts that are pure.
 *
 *	settings: {MaxAuthTries: 4, AllowGroups: [ops, admins]}
 *	match:
 *	  - when: {Group: sftponly}
 *	    settings: {ForceCommand: internal-sftp}
 *	ensure: absent		# take our settings away
 */
#ifndef AGENT_STATES_SSHD_CONFIG_H
#define AGENT_STATES_SSHD_CONFIG_H

#include "agent/states/sshd_want.h"
#include "lib/conf/schema.h"

struct sshd_config_params {
	struct sshd_want want;
	bool absent;
};
/* As state_ops.parse and .params_clear. */
void sshd_config_parse(struct conf_in *in, const struct yaml_node *n,
    void *params);
void sshd_config_params_clear(void *params);

/* The tree as a state in YAML, appended to out. */
int sshd_config_show(const struct sshd_tree *t, struct str *out) MUST_CHECK;

#endif

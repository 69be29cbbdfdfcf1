/* SPDX-License-Identifier: ISC */
/*
 * The kernel's rules, read, changed and put back.
 */
#ifndef AGENT_STATES_FW_HOST_H
#define AGENT_STATES_FW_HOST_H

#include "agent/states/fw_rules.h"
#include "agent/states/host.h"
#include "agent/states/state.h"

#define FW_RULES_V4 "/etc/writ/firewall/rules.v4"
#define FW_RULES_V6 "/etc/writ/firewall/rules.v6"
#define FW_FAMILIES 2

struct fw_tools {
	const char *save, *restore;
	const char *there;	/* a file that is there when the kernel has the
				   family; NULL: it always has */
	const char *rules;	/* for the boot */
};
extern const struct fw_tools fw_families[FW_FAMILIES]; /* by enum fw_family */

/* Does the kernel have the family?  Where it has not, nothing is guarded.  As
 * host_exists(). */
int fw_has_family(struct host *h, enum fw_family family, struct err *e)
    MUST_CHECK;
/* What is live; *legacy (may be NULL): the other kind of tables holds rules
 * too.  As host_run_ok(); ERR_LIMIT. */
int fw_read_live(struct host *h, enum fw_family family, struct fw_live *out,
    bool *legacy, struct err *e) MUST_CHECK;
/* Make rules live, in one transaction. */
int fw_load(struct host *h, enum fw_family family, const struct strs *rules,
    struct err *e) MUST_CHECK;

/* As struct state_ops has them. */
int fw_snapshot(struct host *h, const void *params, struct str *out,
    struct err *e) MUST_CHECK;
int fw_restore(struct host *h, struct slice snapshot, struct err *e) MUST_CHECK;
int fw_proof(struct host *h, const struct state_env *env, const void *params,
    struct err *e) MUST_CHECK;

#endif

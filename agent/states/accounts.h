/* SPDX-License-Identifier: ISC */
/*
 * The accounts of a host, as its own name service has them: asked of getent(1)
 * and id(1), so that directories count as well as /etc/passwd.
 */
#ifndef AGENT_STATES_ACCOUNTS_H
#define AGENT_STATES_ACCOUNTS_H

#include "agent/states/host.h"

#define ACCOUNT_NO 1		/* answer: there is none */

struct account {		/* account_clear */
	char *name, *home, *shell;
	uint64_t uid, gid;
};

/* By name.  ACCOUNT_NO; ERR_PARSE (getent says something else), as host_run():
 * ERR_NOTFOUND is that there is no getent. */
int  account_find(struct host *h, const char *name, struct account *out,
     struct err *e) MUST_CHECK;
void account_clear(struct account *a);
/* Names of the groups an account is in, its own first.  ACCOUNT_NO: no such
 * account. */
int  account_groups(struct host *h, const char *name, struct strs *out,
     struct err *e) MUST_CHECK;
/* Accounts that are in a group whose name is in a list of sshd's patterns:
 * members first, then those whose own group it is. */
int  group_members(struct host *h, const char *patterns, struct strs *out,
     struct err *e) MUST_CHECK;
/* Names of all accounts that can be listed. */
int  account_names(struct host *h, struct strs *out, struct err *e) MUST_CHECK;

#endif

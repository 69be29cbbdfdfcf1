/* SPDX-License-Identifier: ISC */
/*
 * The lock-out proof for sshd: who would still get in?
 *
 * `sshd -t` is content with AllowGroups of a group that nobody is in.  So the
 * rules by which sshd refuses an account are gone through here, with sshd's own
 * effective values for that very connection (sshd_admits.h), and with the
 * accounts and files of the host that they name.
 */
#ifndef AGENT_STATES_SSHD_PROOF_H
#define AGENT_STATES_SSHD_PROOF_H

#include "agent/states/sshd_look.h"

/*
 * h is the host as it would be.  Of the operator where env names one, his
 * account's whole way in: account, shell, lists, methods, and the certificate,
 * its algorithms and its CA's, where env->operator_principal says that he has
 * one.  Else that the lists let anybody in at all.
 *
 * ERR_DENIED: "alice would be locked out: ..."; as host_run().
 */
int sshd_proof(struct host *h, const struct state_env *env, struct err *e)
    MUST_CHECK;

#endif

/* SPDX-License-Identifier: ISC */
/* What the keeper's process gives up before anybody is heard. */
#ifndef CA_KEEPER_KP_SEAL_H
#define CA_KEEPER_KP_SEAL_H

#include "ca/common/config.h"
#include "lib/base/err.h"

/* Become the keeper's user where root starts us and writ.yaml names one; before
 * files are made, which are his.  Answers of privileges_drop(). */
int kp_drop(const struct config *c, struct err *e) MUST_CHECK;

/*
 * The sandbox: files of the log, its copies, the store and the policy in force
 * alone, and what names of hosts and S3 need.  Before threads; ERR_NOMEM, and
 * those of sandbox_enter().
 */
int kp_seal(const struct config *c, struct err *e) MUST_CHECK;

#endif

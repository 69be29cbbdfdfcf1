/* SPDX-License-Identifier: ISC */
/* The keeper's process made ready, and taken down. */
#ifndef CA_KEEPER_KP_START_H
#define CA_KEEPER_KP_START_H

#include <sys/types.h>

#include "ca/keeper/keeper_proc.h"
#include "ca/keeper/kp_impl.h"

/* Everything open, the store as far as the log, the committer at work. */
int  kp_start(const char *dir, struct kp **out,
     struct err *e) MUST_CHECK;
void kp_end(struct kp *k);
/* As whom whoever connects there has to run. */
uid_t kp_peer_uid(const struct kp *k, enum kp_conn_kind kind);

#endif

/* SPDX-License-Identifier: ISC */
/* The keeper's process made ready, and taken down. */
#ifndef CA_KEEPER_KP_START_H
#define CA_KEEPER_KP_START_H

#include "ca/keeper/keeper_proc.h"
#include "ca/keeper/kp_impl.h"

/* Everything open, the store as far as the log, the committer at work. */
int  kp_start(const char *dir, struct kp **out,
     struct err *e) MUST_CHECK;
void kp_end(struct kp *k);

#endif

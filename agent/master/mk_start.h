/* SPDX-License-Identifier: ISC */
/* The master's keeper from nothing to ready, and back; where it is sealed. */
#ifndef AGENT_MASTER_MK_START_H
#define AGENT_MASTER_MK_START_H

#include "agent/master/mk_impl.h"

/* Configuration, signals, user, bundles, log, store, sockets, seal, thread. */
int  mk_start(const char *dir, struct mk **out, struct err *e) MUST_CHECK;
void mk_end(struct mk *k);	/* NULL allowed */

#endif

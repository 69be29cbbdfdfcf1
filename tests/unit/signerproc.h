/* SPDX-License-Identifier: ISC */
/* The signer of a deployment as a process of its own, without its sandbox. */
#ifndef TESTS_UNIT_SIGNERPROC_H
#define TESTS_UNIT_SIGNERPROC_H

#include <sys/types.h>

#include "tests/unit/deployment.h"

struct signerproc {
	pid_t pid; /* 0: none */
	char  socket[TMPDIR_MAX + 20];
};

/* Begin to listen, then go on in a child: who connects waits for it. */
void signerproc_start(struct signerproc *p, const struct deployment *d);
/* SIGTERM, or as a crash; then it is gone. */
void signerproc_stop(struct signerproc *p);
void signerproc_kill(struct signerproc *p);

#endif

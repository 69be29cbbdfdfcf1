/* SPDX-License-Identifier: ISC */
/*
 * Inside `writ-ca run`: the processes of the service, their sockets, and how
 * one is started.  run.c decides when.
 */
#ifndef CA_DAEMON_LAUNCH_H
#define CA_DAEMON_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ca/common/config.h"
#include "lib/base/err.h"

#define LAUNCH_SOCKETS_MAX 2

/* In the order they are started; they stop the other way round. */
enum { RUN_SIGNER, RUN_NOTIFY, RUN_KEEPER, RUN_FRONT, N_RUN };

struct launch_socket {
	const char *name; /* "keeper": LISTEN_FDNAMES, and RUNTIME/keeper.sock */
	int client;	  /* which of the processes connects; -1: root alone */
};

struct launch_program {
	const char *name; /* of its binary */
	struct launch_socket sockets[LAUNCH_SOCKETS_MAX];
	size_t n_sockets;
};
extern const struct launch_program launch_programs[N_RUN];

struct launch {			/* launch_init / launch_clear */
	const char *dir;	/* -C */
	struct config config;
	char *where;		/* directory of the four programs */
	int fds[N_RUN][LAUNCH_SOCKETS_MAX];
	int ready;		/* where children say READY=1 */
	char ready_name[64];	/* as NOTIFY_SOCKET has it */
};
void launch_init(struct launch *l, const char *dir);
void launch_clear(struct launch *l);

/*
 * Read the configuration, find the programs, make the runtime directory and
 * bind every socket in it.  ERR_BUSY: a service of this directory runs already;
 * ERR_NOTFOUND: a program or a user is missing.
 */
int launch_open(struct launch *l, struct err *e) MUST_CHECK;

/* Start one of them: it dies with us.  ERR_SYS. */
int launch_start(struct launch *l, int which, pid_t *pid, struct err *e)
    MUST_CHECK;

/* The next process that said READY=1; false: none now. */
bool launch_next_ready(struct launch *l, pid_t *pid);

#endif

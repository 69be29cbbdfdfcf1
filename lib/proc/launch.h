/* SPDX-License-Identifier: ISC */
/*
 * A service without systemd: its processes, their sockets, and how one of them is
 * started.  supervise.h decides when.
 *
 * Whoever starts them reads nothing from anybody and holds no key; the sockets
 * stay open while a process is away, so that who connects waits and is not
 * refused.
 */
#ifndef LIB_PROC_LAUNCH_H
#define LIB_PROC_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

#define LAUNCH_SOCKETS_MAX  2
#define LAUNCH_PROGRAMS_MAX 8

struct launch_socket {
	const char *name; /* "keeper": LISTEN_FDNAMES, and RUNTIME/keeper.sock */
	int client;	  /* which of the programs connects; -1: root alone */
};

struct launch_program {
	const char *name; /* of its binary */
	struct launch_socket sockets[LAUNCH_SOCKETS_MAX];
	size_t n_sockets;
	/* In which round it is asked to end: those of round 0 first, those of the
	   next once they are gone. */
	unsigned round;
	bool	 secrets; /* credentials of a bucket, in the environment, are its */
};

struct launch_service {
	const char *name;	/* "writ-ca": its own program */
	const char *config_name; /* "writ.yaml", for messages */
	const struct launch_program *programs; /* in the order they are started */
	size_t	    n;
	const char *alone;	/* a socket that answers where the service runs */
	const char *all;	/* the programs in words, for messages */
};

struct launch {			/* launch_init / launch_clear */
	const struct launch_service *s;
	const char *dir;	/* -C; borrowed */
	const char *runtime;	/* where the sockets are; borrowed */
	/* Whom each program's process becomes, NULL: it stays who we are. */
	const char *users[LAUNCH_PROGRAMS_MAX];
	char *where;		/* directory of the programs */
	int fds[LAUNCH_PROGRAMS_MAX][LAUNCH_SOCKETS_MAX];
	int ready;		/* where children say READY=1 */
	char ready_name[64];	/* as NOTIFY_SOCKET has it */
};
void launch_init(struct launch *l, const struct launch_service *s,
    const char *dir);
void launch_clear(struct launch *l);

/*
 * runtime and users are set: find the programs, make the runtime directory and
 * bind every socket in it.  ERR_BUSY: a service of this directory runs already;
 * ERR_NOTFOUND: a program or a user is missing; ERR_SYS, ERR_NOMEM.
 */
int launch_open(struct launch *l, struct err *e) MUST_CHECK;

/* Start one of them: it dies with us.  ERR_SYS. */
int launch_start(struct launch *l, int which, pid_t *pid, struct err *e)
    MUST_CHECK;

/* The next process that said READY=1; false: none now. */
bool launch_next_ready(struct launch *l, pid_t *pid);

#endif

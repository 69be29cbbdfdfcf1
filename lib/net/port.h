/* SPDX-License-Identifier: ISC */
/* Whether a port can be listened at, and who does if not. */
#ifndef LIB_NET_PORT_H
#define LIB_NET_PORT_H

#include "lib/base/err.h"

#define PORT_WHO_MAX 64
#define PORT_TAKEN   1

/*
 * Try to listen at "HOST:PORT" (as dest_listen() has it).  0: it can be done;
 * PORT_TAKEN: somebody does, and who is his program's name, or "" where that
 * cannot be seen; ERR_PARSE, ERR_NOTFOUND (no such address), ERR_DENIED,
 * ERR_SYS, ERR_NOMEM.
 */
int port_is_free(const char *address, char who[PORT_WHO_MAX], struct err *e)
    MUST_CHECK;

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Where a service is, as people write it: HOST, USER@HOST, HOST:PORT,
 * [V6]:PORT, or ssh://[USER@]HOST[:PORT].  Pure.
 */
#ifndef LIB_NET_DEST_H
#define LIB_NET_DEST_H

#include <stdint.h>

#include "lib/base/err.h"

#define DEST_MAX 512

struct dest {		/* dest_clear */
	char	*user;	/* NULL: none said */
	char	*host;	/* a name, or an address without brackets */
	unsigned port;	/* 0: none said */
};

/*
 * What a shell, ssh(1) or a known_hosts file could take for something else is
 * refused: ERR_PARSE, says what was expected.  ERR_LIMIT, ERR_NOMEM.
 */
int  dest_parse(const char *text, struct dest *out, struct err *e) MUST_CHECK;
void dest_clear(struct dest *d);

/*
 * Where to listen: "HOST:PORT" in its parts.  HOST is "*" for all addresses, an
 * address, in brackets where it is IPv6, or a name.  host is a new string.
 * ERR_PARSE, ERR_NOMEM.
 */
int  dest_listen(const char *text, char **host, uint16_t *port) MUST_CHECK;

#endif

/* SPDX-License-Identifier: ISC */
/* Addresses and ranges of them, as source-address has them.  Pure. */
#ifndef LIB_SSH_CIDR_H
#define LIB_SSH_CIDR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

#define CIDR_MAX 49		/* bytes: INET6_ADDRSTRLEN and "/128" */

struct cidr {
	unsigned bits;		/* of an address: 32 or 128 */
	unsigned mask;		/* leading bits that count */
	uint8_t	 addr[16];
};

/*
 * "10.0.0.0/8", "fd00::/8", or one address.  ERR_PARSE: not one; a mask with a
 * leading zero, too long.  Host bits are kept for cidr_has_host_bits().
 */
int  cidr_parse(const char *s, struct cidr *out) MUST_CHECK;
bool cidr_has_host_bits(const struct cidr *c);
/* ::ffff:a.b.c.d, or a range within those. */
bool cidr_is_mapped(const struct cidr *c);
bool cidr_contains(const struct cidr *outer, const struct cidr *inner);

#endif

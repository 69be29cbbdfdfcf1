/* SPDX-License-Identifier: ISC */
#include "lib/ssh/cidr.h"

#include <arpa/inet.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/ssh/lint.h"

/* "/N", or nothing: the whole address. */
static int
parse_mask(const char *slash, unsigned bits, unsigned *out)
{
	uint64_t mask = bits;

	if (slash != NULL && parse_u64(slash + 1, 0, bits, &mask) != 0)
		return ERR_PARSE;
	*out = (unsigned)mask;
	return 0;
}

int
cidr_parse(const char *s, struct cidr *out)
{
	const char *slash = strchr(s, '/');
	const size_t len = slash != NULL ? (size_t)(slash - s) : strlen(s);
	struct cidr c = {0};
	char addr[CIDR_MAX + 1];

	if (strlen(s) > CIDR_MAX)
		return ERR_PARSE;
	memcpy(addr, s, len);
	addr[len] = '\0';
	if (inet_pton(AF_INET, addr, c.addr) == 1)
		c.bits = 32;
	else if (inet_pton(AF_INET6, addr, c.addr) == 1)
		c.bits = 128;
	else
		return ERR_PARSE;
	if (parse_mask(slash, c.bits, &c.mask) != 0)
		return ERR_PARSE;
	*out = c;
	return 0;
}

static bool
bit(const uint8_t *addr, unsigned i)
{
	return (addr[i / 8] >> (7 - i % 8) & 1) != 0;
}

bool
cidr_has_host_bits(const struct cidr *c)
{
	for (unsigned i = c->mask; i < c->bits; i++)
		if (bit(c->addr, i))
			return true;
	return false;
}

bool
cidr_is_mapped(const struct cidr *c)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return c->bits == 128 && c->mask >= 96 &&
	    memcmp(c->addr, prefix, sizeof(prefix)) == 0;
}

bool
cidr_contains(const struct cidr *outer, const struct cidr *inner)
{
	if (outer->bits != inner->bits || outer->mask > inner->mask)
		return false;
	for (unsigned i = 0; i < outer->mask; i++)
		if (bit(outer->addr, i) != bit(inner->addr, i))
			return false;
	return true;
}

bool
cidr_inside(const char *a, const char *b)
{
	struct cidr inner, outer;

	return lint_source(a, NULL) == 0 && lint_source(b, NULL) == 0 &&
	    cidr_parse(a, &inner) == 0 && cidr_parse(b, &outer) == 0 &&
	    cidr_contains(&outer, &inner);
}

/* SPDX-License-Identifier: ISC */
/*
 * Names of a certificate, all from the hash of the request, so that one
 * request has one certificate and a name leads back to what was asked.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ca/issue/issue.h"

#include "lib/base/clock.h"

#define KEY_ID_BYTES 16

uint64_t
issue_serial(const struct hash *request)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | request->b[i];
	/* 63 bits: databases and Java have no unsigned numbers.  A KRL cannot
	   revoke 0 (facts: OpenSSH takes it for "no serial"). */
	v &= INT64_MAX;
	return v != 0 ? v : 1;
}

void
issue_key_id(const char *person, const struct hash *request,
    char out[ISSUE_KEY_ID_MAX])
{
	char hex[2 * KEY_ID_BYTES + 1];

	hex_encode(request->b, KEY_ID_BYTES, hex);
	(void)snprintf(out, ISSUE_KEY_ID_MAX, "%.*s/%s", ID_MAX, person, hex);
}

void
issue_record_path(uint64_t valid_after, uint64_t serial, const char *suffix,
    char out[ISSUE_PATH_MAX])
{
	struct civil c;

	clock_civil(valid_after < (uint64_t)CLOCK_MAX ? (int64_t)valid_after
						      : CLOCK_MAX,
	    &c);
	(void)snprintf(out, ISSUE_PATH_MAX,
	    "records/%04d/%02d/%02d/%" PRIu64 "%s", (int)c.year, c.month, c.day,
	    serial, suffix);
}

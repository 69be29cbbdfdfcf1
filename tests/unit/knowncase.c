/* SPDX-License-Identifier: ISC */
#include "tests/unit/knowncase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int
kc_parse(const char *audit, struct policy **out, struct conf_diags *d)
{
	static const char ca[] =
	    "people: {a: {keys: [<4>], groups: [g]}}\n" AUTHORITIES
	    "grants: {x: {to: [g], principals: [x], max: 1h, approve: none}}\n";

	return pc_parse_texts(NULL, ca, "audit.yaml", audit, out, d);
}

struct policy *
kc_policy(const char *audit)
{
	struct conf_diags d = {0};
	struct policy *p = NULL;

	if (kc_parse(audit, &p, &d) != 0)
		fail_msg("%s", d.v[0].text);
	conf_diags_clear(&d);
	return p;
}

struct use
kc_login(const char *host, const char *account, unsigned key, unsigned ca)
{
	struct use u = {.host = (char *)(uintptr_t)host,
	    .event = {.what = LOGIN_IN,
		.at = KNOWN_NOW - 60,
		.account = (char *)(uintptr_t)account,
		.has_key = key != 0,
		.has_cert = ca != 0,
		.serial = 41}};

	if (key != 0)
		pubkey_hash(fixture_key(key), &u.event.key);
	if (ca != 0)
		pubkey_hash(fixture_key(ca), &u.event.ca);
	return u;
}

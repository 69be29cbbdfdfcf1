/* SPDX-License-Identifier: ISC */
#include "tests/unit/statementcase.h"

int
sc_parse(const char *text, struct statement *s, struct err *e)
{
	return statement_parse_message("m", slice_str(text), s, e);
}

const struct sc_good sc_good[N_SC_GOOD] = {
    {"a request", ST_REQUEST, REQUEST "}\n"},
    {"a request with every option", ST_REQUEST,
	HEAD("request") ",\"kind\":\"host\",\"grant\":\"hosts\",\"key\":\"" KEY
			"\",\"principals\":[\"a.example.com\",\"b.example."
			"com\"],"
			"\"reason\":\"d\xc5\xafvod "
			"\\\"x\\\"\",\"ticket\":\"CHG-1\","
			"\"for\":\"90d\",\"not_before\":\"2026-03-03T00:00:"
			"00Z\","
			"\"source\":[\"10.0.0.0/8\",\"fd00::/8\"],"
			"\"force_command\":\"/bin/true\",\"extensions\":[]}\n"},
    {"a decision of one request", ST_DECISION,
	DECISION(",\"outcomes\":[" OUTCOME "]")},
    {"a decision that shortens and comments", ST_DECISION,
	DECISION(",\"for\":\"30m\",\"comment\":\"ok\",\"outcomes\":[{"
		 "\"kind\":\"user\",\"principals\":[\"deploy\"],\"for\":\"1h\","
		 "\"source\":[\"10.0.0.0/8\"],\"force_command\":\"/bin/true\","
		 "\"extensions\":[\"permit-X11-forwarding\",\"permit-pty\"],"
		 "\"requests\":[\"" HASH_A "\",\"" HASH_B "\"]}]")},
    {"a denial", ST_DECISION,
	HEAD("decision") ",\"policy\":\"" HASH_B
			 "\",\"verdict\":\"deny\",\"outcomes\":[" OUTCOME
			 "]}\n"},
    {"a decision of keys", ST_DECISION, DECISION(",\"keys\":[\"" HASH_A "\"]")},
    {"a revocation of serials", ST_REVOKE,
	HEAD("revoke") ",\"serials\":[\"1\",\"18446744073709551615\"],"
		       "\"reason\":\"lost\"}\n"},
    {"a revocation of a key id", ST_REVOKE,
	HEAD("revoke") ",\"key_id\":\"alice@example.com/00\","
		       "\"reason\":\"lost\"}\n"},
    {"a revocation of a person", ST_REVOKE,
	HEAD("revoke") ",\"person\":\"bob@example.com\",\"reason\":\"left\"}"
		       "\n"},
    {"a revocation of a key", ST_REVOKE,
	HEAD("revoke") ",\"key\":\"" KEY "\",\"reason\":\"stolen\"}\n"},
    {"a key added", ST_KEY,
	HEAD("key") ",\"action\":\"add\",\"key\":\"" KEY "\"}\n"},
    {"a key retired", ST_KEY,
	HEAD("key") ",\"action\":\"retire\",\"key\":\"" KEY "\"}\n"},
    {"a root", ST_ROOT,
	HEAD("root") ",\"version\":\"1\",\"file\":\"" HASH_A "\"}\n"},
    {"a first bundle", ST_POLICY, BUNDLE("1", "")},
    {"a later bundle with zones", ST_POLICY,
	BUNDLE("2",
	    ",\"previous\":\"" HASH_B
	    "\",\"zones\":{\"America/New_York\":\"EST5EDT,M3.2.0,M11.1.0\","
	    "\"Europe/Vilnius\":\"EET-2EEST,M3.5.0/3,M10.5.0/4\"}")},
    {"a revocation list", ST_KRL,
	HEAD("krl") ",\"version\":\"7\",\"file\":\"" HASH_A
		    "\",\"size\":\"44\",\"next_update\":"
		    "\"2026-03-02T11:00:00Z\"}\n"},
};

int
sc_verify(struct slice bytes, struct statement *s, struct err *e)
{
	int r = statement_parse("r1.req", bytes, s, e);

	return r != 0 ? r : statement_verify(s, e);
}

/* SPDX-License-Identifier: ISC */
/*
 * What a host believes of who it is: an acceptance with what came along, and a
 * rename, each next to one that differs by a step and is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/trust/fleet_accepted.h"
#include "tests/unit/alloc.h"
#include "tests/unit/hostcase.h"

enum { AT_TOKEN, AT_ENROL, AT_ACCEPT, PARTS };

struct look {
	const char *name;
	struct hoststep parts[PARTS]; /* a token only where it says so */
	uint8_t hk, tk;               /* of this host; default HK_1, TK_1 */
	int64_t since;                /* after NOW - DAY */
	int64_t now;                  /* after NOW */
	bool no_trust, no_token, swapped;
	int want;
	const char *says;
};

#define ASKED [AT_ENROL] = ENROL_1
#define GIVEN(...) \
	[AT_ACCEPT] = {.type = ST_ACCEPT, .ref = AT_ENROL, __VA_ARGS__}
#define TOKENED(...) [AT_TOKEN] = {.type = ST_TOKEN, __VA_ARGS__}

static const struct look acceptances[] = {
    {.name = "by an operator", .parts = {ASKED, GIVEN(.at = 0)}},
    {.name = "by an officer",
	.want = ERR_DENIED,
	.says = "not an operator",
	.parts = {ASKED, GIVEN(.by = OLGA, .seeds = {SEED_OLGA})}},
    {.name = "of another realm",
	.want = ERR_DENIED,
	.says = "another realm",
	.parts = {ASKED, GIVEN(.other_realm = true)}},
    {.name = "where nothing is trusted",
	.want = ERR_DENIED,
	.says = "no policy is trusted",
	.no_trust = true,
	.parts = {ASKED, GIVEN(.at = 0)}},
    {.name = "of another host key",
	.want = ERR_DENIED,
	.says = "of other keys than this host's",
	.hk = HK_2,
	.parts = {ASKED, GIVEN(.at = 0)}},
    {.name = "of another transport key",
	.want = ERR_DENIED,
	.says = "of other keys than this host's",
	.tk = TK_2,
	.parts = {ASKED, GIVEN(.at = 0)}},
    {.name = "of what one key did not sign",
	.want = ERR_DENIED,
	.says = "not signed by both keys",
	.parts = {[AT_ENROL] = {.type = ST_ENROL, .seeds = {HK_1}},
	    GIVEN(.at = 0)}},
    {.name = "of another enrol statement",
	.want = ERR_DENIED,
	.says = "of another enrol statement",
	.parts = {ASKED, GIVEN(.wrong_ref = true)}},
    {.name = "of the second of the one held",
	.since = DAY,
	.parts = {ASKED, GIVEN(.at = 0)}},
    {.name = "older than the one held",
	.want = ERR_ROLLBACK,
	.says = "older than the one held",
	.since = DAY + 1,
	.parts = {ASKED, GIVEN(.at = 0)}},
    {.name = "of a clock 300 s ahead", .parts = {ASKED, GIVEN(.at = 300)}},
    {.name = "from the future",
	.want = ERR_DENIED,
	.says = "from the future, 2026-03-02T10:05:01Z: the clock here says "
		"2026-03-02T10:00:00Z",
	.parts = {ASKED, GIVEN(.at = 301)}},
    {.name = "one in the place of another",
	.want = ERR_PARSE,
	.says = "enrol statement in the place of another",
	.swapped = true,
	.parts = {ASKED, GIVEN(.at = 0)}},
    {.name = "that ends another",
	.parts = {ASKED, GIVEN(.wrong_replace = true)}},
    {.name = "that ends another, by an officer",
	.want = ERR_DENIED,
	.says = "not an operator",
	.parts = {ASKED,
	    GIVEN(.wrong_replace = true, .by = OLGA, .seeds = {SEED_OLGA})}},
    {.name = "that ends another, of another realm",
	.want = ERR_DENIED,
	.says = "another realm",
	.parts = {ASKED, GIVEN(.wrong_replace = true, .other_realm = true)}},
    {.name = "that ends another, of a clock 300 s ahead",
	.parts = {ASKED, GIVEN(.wrong_replace = true, .at = 300)}},
    {.name = "that ends another, from the future",
	.want = ERR_DENIED,
	.says = "from the future, 2026-03-02T10:05:01Z: the clock here says "
		"2026-03-02T10:00:00Z",
	.parts = {ASKED, GIVEN(.wrong_replace = true, .at = 301)}},
    {.name = "that ends another, in its last second",
	.now = 5,
	.parts = {ASKED, GIVEN(.wrong_replace = true, .until = 5)}},
    {.name = "that ends another, past its end",
	.want = ERR_EXPIRED,
	.says = "past its renew_until, ",
	.now = 6,
	.parts = {ASKED, GIVEN(.wrong_replace = true, .until = 5)}},
    {.name = "by a token",
	.parts = {TOKENED(.count = 1), ASKED, GIVEN(.token = 1)}},
    {.name = "by a token that is not there",
	.want = ERR_NOTFOUND,
	.says = "by a token, which is not there",
	.no_token = true,
	.parts = {TOKENED(.count = 1), ASKED, GIVEN(.token = 1)}},
    {.name = "by a token, fetched in its last second",
	.now = 10,
	.parts = {TOKENED(.expires = 10), ASKED, GIVEN(.token = 1)}},
    {.name = "by a token, fetched a second after it expired",
	.now = 11,
	.parts = {TOKENED(.expires = 10), ASKED, GIVEN(.token = 1)}},
    {.name = "by a token, fetched a month after it expired",
	.now = 30 * DAY,
	.parts = {TOKENED(.expires = 10), ASKED, GIVEN(.token = 1)}},
    {.name = "by a token, made in its last second, fetched later",
	.now = DAY,
	.parts = {TOKENED(.expires = 10), ASKED, GIVEN(.token = 1, .at = 10)}},
    {.name = "by a token, made a second after it expired",
	.want = ERR_EXPIRED,
	.says = "token expired",
	.parts = {TOKENED(.expires = 10), ASKED, GIVEN(.token = 1, .at = 11)}},
    {.name = "by a token, made a second after it expired, fetched later",
	.want = ERR_EXPIRED,
	.says = "token expired",
	.now = DAY,
	.parts = {TOKENED(.expires = 10), ASKED, GIVEN(.token = 1, .at = 11)}},
    {.name = "by a token, as long before it as clocks may differ",
	.now = DAY,
	.parts = {TOKENED(.at = 300), ASKED, GIVEN(.token = 1)}},
    {.name = "by a token, made before it",
	.want = ERR_DENIED,
	.says = "older than its token",
	.now = DAY,
	.parts = {TOKENED(.at = 301), ASKED, GIVEN(.token = 1)}},
    {.name = "by a token, of a clock 300 s ahead",
	.parts = {TOKENED(.count = 1), ASKED, GIVEN(.token = 1, .at = 300)}},
    {.name = "by a token, from the future",
	.want = ERR_DENIED,
	.says = "from the future, 2026-03-02T10:05:01Z: the clock here says "
		"2026-03-02T10:00:00Z",
	.parts = {TOKENED(.count = 1), ASKED, GIVEN(.token = 1, .at = 301)}},
    {.name = "by a token, past its own end",
	.want = ERR_EXPIRED,
	.says = "past its renew_until, ",
	.now = DAY + 1,
	.parts = {TOKENED(.expires = 10), ASKED,
	    GIVEN(.token = 1, .until = DAY)}},
    {.name = "by a token, with more than it gives of renewal",
	.want = ERR_DENIED,
	.says = "days of renewal at most",
	.parts = {TOKENED(.count = 1), ASKED,
	    GIVEN(.token = 1, .until = 366 * DAY + 1)}},
    {.name = "past its end",
	.want = ERR_EXPIRED,
	.says = "past its renew_until, ",
	.now = 6,
	.parts = {ASKED, GIVEN(.until = 5)}},
    {.name = "by a token for others",
	.want = ERR_DENIED,
	.says = "db-*.example.com",
	.parts = {TOKENED(.hosts = "db-*.example.com"), ASKED,
	    GIVEN(.token = 1)}},
    {.name = "by a token of an officer",
	.want = ERR_DENIED,
	.says = "not an operator",
	.parts = {TOKENED(.by = OLGA, .seeds = {SEED_OLGA}), ASKED,
	    GIVEN(.token = 1)}},
    {.name = "by another key than the token's",
	.want = ERR_DENIED,
	.says = "token",
	.parts = {TOKENED(.count = 1), ASKED,
	    GIVEN(.token = 1, .seeds = {TK_3})}},
    {.name = "by a token with a role it does not give",
	.want = ERR_DENIED,
	.says = "role",
	.parts = {TOKENED(.role = "web"), ASKED,
	    GIVEN(.token = 1, .role = "db")}},
};

static uint8_t
or_usual(uint8_t seed, uint8_t usual)
{
	return seed != 0 ? seed : usual;
}

static void
set_trust(const struct hostrun *u, struct trust *t, bool have)
{
	*t = (struct trust){
	    .have = have, .realm = *fixture_realm(), .policy = u->policy};
}

static void
make_parts(struct hostrun *u, const struct look *c)
{
	hostcase_open(u);
	for (size_t i = 0; i < PARTS; i++)
		if (c->parts[i].type != 0)
			hostcase_make(u, &c->parts[i], &u->s[i]);
}

static int
look_at(const struct hostrun *u, const struct look *c, struct err *e)
{
	const struct statement *token = &u->s[AT_TOKEN];
	struct trust t;

	set_trust(u, &t, !c->no_trust);
	if (c->parts[AT_TOKEN].type == 0 || c->no_token)
		token = NULL;
	return fleet_accepted(&t, &u->s[c->swapped ? AT_ENROL : AT_ACCEPT],
	    &u->s[AT_ENROL], token, fixture_key(or_usual(c->hk, HK_1)),
	    fixture_key(or_usual(c->tk, TK_1)), NOW - DAY + c->since,
	    NOW + c->now, e);
}

static void
which_acceptance_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(acceptances) / sizeof(acceptances[0]);
	     i++) {
		const struct look *c = &acceptances[i];
		struct hostrun u;
		struct err e = {0};
		int r;

		make_parts(&u, c);
		r = look_at(&u, c, &e);
		if (r != c->want || (r != 0 && strstr(e.msg, c->says) == NULL))
			fail_msg("%s: %d '%s', expected %d '%s'", c->name, r,
			    e.msg, c->want, c->says != NULL ? c->says : "");
		hostcase_close(&u);
	}
}

/* --- renames --- */

static const struct rename {
	const char *name;
	struct hoststep step;
	const char *host;      /* this host; default WEB_1 */
	int64_t since;         /* after NOW */
	bool no_trust, unread; /* unread: not verified */
	int want;
	const char *says;
} renames[] = {
    {.name = "by an operator", .step = {.type = ST_RENAME, .to = WEB_2}},
    {.name = "by the other one",
	.step =
	    {.type = ST_RENAME, .to = WEB_2, .by = PAUL, .seeds = {PAUL_KEY}}},
    {.name = "signed by the other one",
	.want = ERR_DENIED,
	.says = "not signed by a key that root.yaml gives",
	.step = {.type = ST_RENAME, .to = WEB_2, .seeds = {PAUL_KEY}}},
    {.name = "by an officer",
	.want = ERR_DENIED,
	.says = "not an operator",
	.step =
	    {.type = ST_RENAME, .to = WEB_2, .by = OLGA, .seeds = {SEED_OLGA}}},
    {.name = "by the host",
	.want = ERR_DENIED,
	.says = "not an operator",
	.step = {.type = ST_RENAME, .to = WEB_2, .by = WEB_1, .seeds = {HK_1}}},
    {.name = "not verified",
	.want = ERR_BADSIG,
	.says = "not verified",
	.unread = true,
	.step = {.type = ST_RENAME, .to = WEB_2}},
    {.name = "of another realm",
	.want = ERR_DENIED,
	.says = "another realm",
	.step = {.type = ST_RENAME, .to = WEB_2, .other_realm = true}},
    {.name = "where nothing is trusted",
	.want = ERR_DENIED,
	.says = "no policy is trusted",
	.no_trust = true,
	.step = {.type = ST_RENAME, .to = WEB_2}},
    {.name = "of another host",
	.want = ERR_DENIED,
	.says = "is of web-1.example.com, and this host is web-2",
	.host = WEB_2,
	.step = {.type = ST_RENAME, .to = "www.example.com"}},
    {.name = "in the second of the last",
	.since = 3,
	.step = {.type = ST_RENAME, .to = WEB_2, .at = 3}},
    {.name = "a second before the last",
	.want = ERR_ROLLBACK,
	.says = "older than what was last said",
	.since = 3,
	.step = {.type = ST_RENAME, .to = WEB_2, .at = 2}},
    {.name = "of a clock 300 s ahead",
	.step = {.type = ST_RENAME, .to = WEB_2, .at = 300}},
    {.name = "from the future",
	.want = ERR_DENIED,
	.says = "from the future, 2026-03-02T10:05:01Z: the clock here says "
		"2026-03-02T10:00:00Z",
	.step = {.type = ST_RENAME, .to = WEB_2, .at = 301}},
    {.name = "a forget in its place",
	.want = ERR_PARSE,
	.says = "forget statement, expected a rename",
	.step = {.type = ST_FORGET}},
};

static int
rename_of(const struct hostrun *u, const struct rename *c, struct err *e)
{
	struct trust t;

	set_trust(u, &t, !c->no_trust);
	return fleet_renamed(&t, &u->s[0], c->host != NULL ? c->host : WEB_1,
	    NOW + c->since, NOW, e);
}

static void
which_rename_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(renames) / sizeof(renames[0]); i++) {
		const struct rename *c = &renames[i];
		struct hostrun u;
		struct err e = {0};
		int r;

		hostcase_open(&u);
		hostcase_make(&u, &c->step, &u.s[0]);
		if (c->unread)
			u.s[0].verified = false;
		r = rename_of(&u, c, &e);
		if (r != c->want || (r != 0 && strstr(e.msg, c->says) == NULL))
			fail_msg("%s: %d '%s', expected %d '%s'", c->name, r,
			    e.msg, c->want, c->says != NULL ? c->says : "");
		hostcase_close(&u);
	}
}

/* --- memory --- */

static const struct look by_token = {
    .parts = {TOKENED(.role = "web"), ASKED, GIVEN(.token = 1, .role = "web")}};

static int
accept_it(void *arg)
{
	return look_at(arg, &by_token, NULL);
}

/* Not one that fails lets a host be accepted, or refused for good. */
static void
every_allocation_may_fail(void **state)
{
	struct hostrun u;

	(void)state;
	make_parts(&u, &by_token);
	assert_true(alloc_each(accept_it, &u) > 10);
	hostcase_close(&u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(which_acceptance_counts),
	    cmocka_unit_test(which_rename_counts),
	    cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

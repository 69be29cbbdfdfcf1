/* SPDX-License-Identifier: ISC */
/*
 * What is said of hosts, in the order of a log, for tests.
 */
#ifndef TESTS_UNIT_HOSTCASE_H
#define TESTS_UNIT_HOSTCASE_H

#include <stdint.h>

#include "lib/trust/fleet_hosts.h"
#include "lib/trust/standing.h"
#include "tests/unit/fixture.h"

#define DAY   86400
#define NOW   FIXTURE_NOW
#define WEB_1 "web-1.example.com"
#define WEB_2 "web-2.example.com"
#define PAUL  "paul@example.com"

enum {
	HK_1 = 50, /* host and transport keys of hosts */
	TK_1,
	HK_2,
	TK_2,
	TK_3,
	TOKEN_KEY = 60,
	PAUL_KEY = 61, /* an operator as well */
};

/* A statement of a case.  What is zero is as usual: by Petra, or for enrol, an
 * acceptance by a token, renew and report by the host; signed by who should. */
struct hoststep {
	enum statement_type type;
	int64_t at; /* after NOW, seconds */
	const char *by;
	uint8_t seeds[3];
	bool same; /* the statement of step `ref` once more */
	bool other_realm;
	const char *host, *to; /* default WEB_1 */
	uint8_t hk, tk;        /* default HK_1, TK_1 */
	int ref;               /* the step whose statement it names */
	int replace, token;    /* steps, counted from 1; 0: none */
	bool wrong_ref, wrong_replace;
	const char *name, *role; /* default: the id; none */
	int64_t until;           /* after NOW; default 365 d */
	const char *hosts;       /* of a token; default web-*.example.com */
	uint64_t count, seq;     /* default 1 */
	int64_t expires;         /* of a token; after NOW, default 1 d */
	bool no_previous;
};

#define STEPS 9
struct hostcase {
	const char *name;
	int64_t now; /* after NOW */
	bool no_clock;
	bool standing; /* key TK_3 and person WEB_2 are revoked */
	int want;
	const char *says;
	struct hoststep steps[STEPS];
};

struct hostrun {
	struct policy *policy;
	struct standing *standing;
	struct fleet_hosts *hosts;
	struct statement s[STEPS];
	size_t n;
};

void hostcase_open(struct hostrun *u);
void hostcase_close(struct hostrun *u);
/* The statement of a step, signed. */
void hostcase_make(struct hostrun *u, const struct hoststep *p,
    struct statement *s);
/* What fleet_hosts says to it; what only looks must say the same. */
int  hostcase_judge(struct hostrun *u, const struct hostcase *c,
    const struct statement *s, struct err *e);
size_t hostcase_steps(const struct hostcase *c);
/* All steps count; their statements are u->s, by number. */
void hostcase_play(struct hostrun *u, const struct hostcase *c);
/* All steps but the last count, and the last comes to what c wants; whatever
 * does not ends the test. */
void hostcase_run(const struct hostcase *c);
/* Each row of a table. */
#define HOSTCASES(t) hostcase_run_all(t, sizeof(t) / sizeof((t)[0]))
void hostcase_run_all(const struct hostcase *c, size_t n);

/* Steps that many cases have. */
#define ENROL_1	 {.type = ST_ENROL}
#define ENROL_2	 {.type = ST_ENROL, .hk = HK_2, .tk = TK_2}
#define ACCEPT_1 {.type = ST_ACCEPT}
#define TOKEN	 {.type = ST_TOKEN, .count = 2, .role = "web"}
#define BY_TOKEN {.type = ST_ACCEPT, .ref = 1, .token = 1}
#define REPORT_1 {.type = ST_REPORT}
#define IN_1	 ENROL_1, ACCEPT_1
#define IN_2                                                            \
	IN_1, ENROL_2,                                                  \
	{                                                               \
		.type = ST_ACCEPT, .host = WEB_2, .ref = 2, .hk = HK_2, \
		.tk = TK_2                                              \
	}

#endif

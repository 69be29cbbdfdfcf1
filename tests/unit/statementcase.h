/* SPDX-License-Identifier: ISC */
/*
 * Messages of statements as text: one of each type that is good, and the parts
 * of which tests make others.
 */
#ifndef TESTS_UNIT_STATEMENTCASE_H
#define TESTS_UNIT_STATEMENTCASE_H

#include "lib/statement/statement.h"

#define REALM "1111111111111111111111111111111111111111111111111111111111111111"
#define HASH_A \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NONCE "000102030405060708090a0b0c0d0e0f"
#define KEY            \
	"ssh-ed25519 " \
	"AAAAC3NzaC1lZDI1NTE5AAAAIB5VAc4IsQv73W+91htMRpLTWUoqwlw1yA3dsVLNj4l+"

/* The start of a message of this type, signed by nobody. */
#define HEAD(type)                                                         \
	"{\"v\":1,\"type\":\"" type "\",\"realm\":\"" REALM                \
	"\",\"by\":\"alice@example.com\",\"at\":\"2026-03-02T10:00:00Z\"," \
	"\"nonce\":\"" NONCE "\""
#define REQUEST                                                  \
	HEAD("request")                                          \
	",\"kind\":\"user\",\"grant\":\"deploy\",\"key\":\"" KEY \
	"\",\"principals\":[\"deploy\"],\"reason\":\"ship it\",\"for\":\"1h\""
#define OUTCOME                                                          \
	"{\"kind\":\"user\",\"principals\":[\"deploy\"],\"for\":\"1h\"," \
	"\"extensions\":[],\"requests\":[\"" HASH_A "\"]}"
#define DECISION(rest)   \
	HEAD("decision") \
	",\"policy\":\"" HASH_B "\",\"verdict\":\"approve\"" rest "}\n"
#define BUNDLE(version, rest)                                                \
	HEAD("policy")                                                       \
	",\"version\":\"" version "\",\"expires\":\"2026-08-29T10:00:00Z\"," \
	"\"manifest\":\"" HASH_A "\",\"size\":\"120\"" rest "}\n"

#define N_SC_GOOD 16
extern const struct sc_good {
	const char *name;
	enum statement_type type;
	const char *text;
} sc_good[N_SC_GOOD];

/* The message alone, signed by nobody; faults begin with "m: ". */
int sc_parse(const char *text, struct statement *s, struct err *e);
/* With its signatures, of a file "r1.req". */
int sc_verify(struct slice bytes, struct statement *s, struct err *e);

#endif

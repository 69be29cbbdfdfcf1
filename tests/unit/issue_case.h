/* SPDX-License-Identifier: ISC */
/*
 * A request, its decisions and a policy to try issue_decide() on.
 *
 * issue_case_open() makes alice's usual request (fixture_request()), not yet
 * signed; a test changes what it is about, signs, adds decisions, runs.  What
 * fails here ends the test with a message.
 */
#ifndef TESTS_UNIT_ISSUE_CASE_H
#define TESTS_UNIT_ISSUE_CASE_H

#include <stdint.h>

#include "ca/issue/issue.h"
#include "tests/unit/fixture.h"

#define ISSUE_CASE_DECISIONS 8

/*
 * Grants: deploy (approvers 1), free (approve none, 10.0.0.0/8 and fd00::/8,
 * two extensions), office (approve none, hours), root-change (approvers 1,
 * leads 1), many (seniors 1, approvers 2), forced (a command), hosts.
 */
extern const char ISSUE_CASE_YAML[];

struct issue_case {
	struct policy	       *policy;
	struct standing	       *standing;
	struct statement	request;
	struct statement	decisions[ISSUE_CASE_DECISIONS];
	const struct statement *list[ISSUE_CASE_DECISIONS];
	size_t			n;
	struct issue_input	in;
	struct issue_result	r;
};

void issue_case_open(struct issue_case *c);
void issue_case_close(struct issue_case *c);
/* Forget request and decisions, begin with another person's usual request. */
void issue_case_again(struct issue_case *c, const char *by);
/* The grant of that name, to be changed. */
struct grant *issue_case_grant(struct issue_case *c, const char *name);
/* Replace a list by the words of text. */
void issue_case_words(struct strs *l, const char *text);
void issue_case_text(char **field, const char *text);

/* Sign the request. */
void issue_case_ask(struct issue_case *c, const uint8_t *seeds);
/*
 * One more approval, of what issue_decide() shows, to be changed before
 * issue_case_decide() signs it.  The request must be signed.
 */
struct statement *issue_case_decision(struct issue_case *c, const char *by);
void issue_case_decide(struct issue_case *c, const uint8_t *seeds);
/* Both: an approval without a change. */
void issue_case_approve(struct issue_case *c, const char *by,
    const uint8_t *seeds);
/* Apply a revocation of a person or of a key, by officers. */
void issue_case_revoke(struct issue_case *c, const char *person,
    const struct pubkey *key, const uint8_t *seeds);
/* Of a serial or of a key id. */
void issue_case_revoke_cert(struct issue_case *c, uint64_t serial,
    const char *key_id, const uint8_t *seeds);

/* A row of a table: alice's usual request under `free`; what it does not say
 * stays. */
struct issue_row {
	const char *name, *rule;
	const char *grant, *principals, *reason, *ticket;
	const char *source, *command, *extensions;
	int64_t length, at, now, not_before; /* of times: from FIXTURE_NOW on */
	uint8_t subject;
	const char *hint; /* part of it */
};
/* Change the request as the row says, and sign it. */
void issue_case_ask_row(struct issue_case *c, const struct issue_row *row);

/* Run; the verdict's rule must be this one. */
void issue_case_expect(struct issue_case *c, const char *what,
    const char *rule);
/* It is ready: the leaf of its certificate, with the decisions that count.  Of
 * leaf only tbs is allocated; free() it. */
void issue_case_leaf(struct issue_case *c,
    struct hash decisions[ISSUE_CASE_DECISIONS], struct issue_leaf *leaf);

#endif

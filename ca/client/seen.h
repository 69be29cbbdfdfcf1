/* SPDX-License-Identifier: ISC */
/*
 * A request as the CA tells of it (ca/common/calls.md), checked field by field,
 * so that what is printed of it is clean text.  The CA's word, no more: whoever
 * decides reads the statements themselves.
 *
 * Everything is borrowed from the JSON object.
 */
#ifndef CA_CLIENT_SEEN_H
#define CA_CLIENT_SEEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

enum seen_state {
	SEEN_WAITING = 1,
	SEEN_ISSUED,
	SEEN_DENIED,
	SEEN_REFUSED,
	SEEN_ENDED,
};

struct seen {
	const char     *id, *person, *grant, *reason;
	const char     *why, *ticket;	/* NULL: none */
	enum seen_state state;
	bool		host, break_glass, revoked;
	const json_t   *principals;	/* of strings; the rest of objects, */
	const json_t   *needs, *told, *decisions; /* NULL: none */
	int64_t		length, at;
	int64_t		ends;		/* 0: unknown */
	uint64_t	serial;		/* 0: none */
	int64_t		valid_before;	/* 0: none */
};

/* ERR_PARSE, ERR_LIMIT: which field. */
int seen_parse(const json_t *o, struct seen *out, struct err *e) MUST_CHECK;

const char *seen_state_name(enum seen_state s);
/* "deploy,viewer" */
void seen_principals(const struct seen *q, struct str *s);
/* One line on what it waits for: "1 of approvers (olga, ivan)". */
void seen_needs(const struct seen *q, struct str *s);
/* One line on whom was told, by what, when; nothing where nobody was. */
void seen_told(const struct seen *q, struct str *s);
/* A line for each decision: who, what, when, the comment. */
void seen_decisions(const struct seen *q, struct str *s);
/* All of it, several lines, indented as statement_describe() does. */
void seen_describe(const struct seen *q, struct str *s);
/* What is in no statement of the requester's, as an object: state, why, needs,
 * told, decisions, ends, serial, revoked, valid_before. */
struct jw;
void seen_json(const struct seen *q, struct jw *w, const char *key);

#endif

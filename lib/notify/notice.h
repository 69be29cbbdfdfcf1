/* SPDX-License-Identifier: ISC */
/*
 * A notice: something that persons should know now, and what became of telling
 * them.  Both are JSON objects between the processes of writ-ca.
 *
 *	{"kind": "waiting", "id": HEX64, "to": [PERSON...],
 *	 "groups": [GROUP...]?, "person": PERSON?, "grant": NAME?,
 *	 "principals": [...]?, "reason": TEXT?, "ticket": TEXT?,
 *	 "text": SENTENCE, "how": TEXT?}
 *
 * kind is a word that channels choose by; to may be empty, when nobody is left
 * who could decide; groups are those whose members are told; text is the
 * sentence for people and how what they can do about it.  reason and ticket are
 * what an engineer typed: whoever formats a notice takes them for hostile.
 *
 *	{"id": HEX64, "person": PERSON, "how": CHANNEL, "sent": true|false,
 *	 "error": SENTENCE?}
 *
 * Pure.
 */
#ifndef LIB_NOTIFY_NOTICE_H
#define LIB_NOTIFY_NOTICE_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

#define NOTICE_MAX	   65536 /* bytes of its JSON */
#define NOTICE_TO_MAX	   256	 /* persons */
#define NOTICE_TEXT_MAX	   8192	 /* bytes of text, reason, how */
#define NOTICE_KIND_MAX	   32
#define NOTICE_ERROR_MAX   200	 /* bytes of a TOLD's error */

struct notice { /* notice_init / notice_clear; absent texts are NULL */
	char *kind, *id, *person, *grant, *reason, *ticket, *text, *how;
	struct strs to, groups, principals;
};
void notice_init(struct notice *n);
void notice_clear(struct notice *n);

/* A kind is [a-z_-]{1,32}. */
bool notice_kind_is_valid(const char *s);

/* out is after notice_init().  ERR_PARSE, ERR_LIMIT, ERR_NOMEM. */
int notice_parse(struct slice json, struct notice *out, struct err *e)
    MUST_CHECK;
/* The same object, of these persons; v: 1 first, for whoever reads it outside.
 * Failure is the str's. */
void notice_encode(const struct notice *n, const struct strs *to,
    struct str *out);
int notice_dup(const struct notice *from, struct notice *out) MUST_CHECK;

struct told { /* borrowed */
	const char *id, *person, *how;
	bool sent;
	const char *error; /* NULL or "": none */
};
void told_encode(const struct told *t, struct str *out);

#endif

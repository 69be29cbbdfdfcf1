/* SPDX-License-Identifier: ISC */
/*
 * A report of logins for people: one page of HTML that needs nothing else, not a
 * script, a font or a picture from elsewhere, and forbids itself to fetch any.
 *
 * It is read on paper and aloud as well: tables have captions and heads, what is
 * wrong is said in words and not by colour, and without a script all of it is
 * there but the filter.  Pure.
 */
#ifndef CA_AUDIT_PAGE_H
#define CA_AUDIT_PAGE_H

#include "ca/audit/gaps.h"

struct page {			/* all borrowed */
	const char	    *title;	/* of the deployment: its log */
	const char	    *realm;	/* SHA256:... */
	int64_t		     made, since, until;
	const struct uses   *uses;	/* logins, and ends of sessions */
	struct issued	    *issued;
	const struct policy *policy;
	const struct gaps   *gaps;
};
/* Appended.  Whatever a host or a person wrote is text there and nothing else.
 * ERR_NOMEM. */
int page_write(const struct page *p, struct str *out) MUST_CHECK;

/* Of text, what HTML would take for more than that is written otherwise; NULL is
 * nothing. */
void page_text(struct str *out, const char *text);

#endif

/* SPDX-License-Identifier: ISC */
/* What page.c writes, put in order by page_order.c. */
#ifndef CA_AUDIT_PAGE_IMPL_H
#define CA_AUDIT_PAGE_IMPL_H

#include "ca/audit/page.h"

struct seen {			/* a login, judged */
	const struct use *use;
	const struct grant_use *of;	/* NULL: none */
	enum use_kind kind;
	bool known;			/* an exception excepts it */
	int64_t end;			/* 0: not known */
};
struct by {			/* the same, by one of its names */
	const char *name;
	const struct seen *x;
};
struct order {			/* sorted by name, then by time */
	struct by *v;
	size_t n_names;			/* those that are somebody's */
};
struct page_order {		/* zero-initialise / page_order_clear */
	struct seen *v;			/* in the order of time */
	size_t n;
	struct order hosts, persons;
	const struct use **ends;
	size_t n_ends;
	size_t n_issued;		/* since page.since */
};

/* ERR_NOMEM. */
int  page_order_make(const struct page *p, struct page_order *o) MUST_CHECK;
void page_order_clear(struct page_order *o);

#endif

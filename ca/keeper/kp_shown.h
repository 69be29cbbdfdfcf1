/* SPDX-License-Identifier: ISC */
/* What the files that show requests share. */
#ifndef CA_KEEPER_KP_SHOWN_H
#define CA_KEEPER_KP_SHOWN_H

#include "ca/keeper/kp_impl.h"

/* A request with its statement parsed: of the board, or for the moment. */
struct shown {
	struct request_row row;
	const struct asked *asked; /* NULL: not at hand */
	const struct statement *s;
	struct statement own;
	bool has_own;
};

/* ERR_NOTFOUND, and those of the store. */
int  shown_get(struct kp *k, const struct hash *h, struct shown *v,
     struct err *e) MUST_CHECK;
void shown_clear(struct shown *v);
/* Its fields, into an object that is open. */
int  shown_put(struct kp *k, struct jw *w, const struct shown *v,
     struct err *e) MUST_CHECK;
const char *shown_why(const struct shown *v);

/* Hashes to be shown: the store has one cursor a statement. */
struct picked {
	struct hash *v;
	size_t n, cap;
};

int picked_add(struct picked *p, const struct hash *h) MUST_CHECK;
int picked_json(struct kp *k, const struct picked *p, struct str *out,
    struct err *e) MUST_CHECK;
/* own: those of one who looks at his own; none: said where there are none. */
int picked_text(struct kp *k, const struct picked *p, bool own,
    const char *none, struct str *out, struct err *e) MUST_CHECK;

#endif

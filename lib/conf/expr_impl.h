/* SPDX-License-Identifier: ISC */
/* What the two files of match expressions share; nobody else includes it. */
#ifndef LIB_CONF_EXPR_IMPL_H
#define LIB_CONF_EXPR_IMPL_H

#include "lib/conf/expr.h"

enum expr_kind {
	X_GLOB,		/* the text is a glob over ids */
	X_EQ, X_NE, X_LIKE, X_IN, /* word and values */
	X_NOT,		/* a */
	X_AND, X_OR,	/* a, b */
};

struct expr_node {
	enum expr_kind kind;
	char	   *word;	/* "id", "role", a grain */
	struct strs values;	/* one, but for X_IN */
	size_t	    a, b;	/* indices of earlier nodes */
};

struct expr {
	char		 *text;
	struct expr_node *v;	/* the last is the whole */
	size_t		  n, cap;
};

#endif

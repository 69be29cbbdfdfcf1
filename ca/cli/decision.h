/* SPDX-License-Identifier: ISC */
/*
 * A decision in the making, whether its subjects are files or a CA's requests:
 * shown to whoever decides, and signed for as shown.
 */
#ifndef CA_CLI_DECISION_H
#define CA_CLI_DECISION_H

#include "ca/cli/cli.h"

/* What is decided on: a request, or a key statement. */
struct subject {		/* subject_init / subject_clear */
	const char *path;	/* what it is called: a file, or an id */
	struct statement s;	/* verified */
	struct issue_result result; /* of a request */
};
void subject_init(struct subject *u, const char *path);
void subject_clear(struct subject *u);

struct deciding {
	const struct cli_args *a;
	bool approve;
	int64_t length; /* --for, or 0 */
	struct cli_world world;
	const struct person *who;
	char *key_path;
	struct subject *subjects;
	size_t n;
};

/* The statement is verified, of this realm, and something to decide on. */
int decision_check(const struct deciding *d, struct subject *u, struct err *e)
    MUST_CHECK;
/* What policy makes of it, with these decisions; to approve what it refuses is
 * ERR_DENIED. */
int decision_evaluate(const struct deciding *d, struct subject *u,
    const struct statement *const *decisions, size_t n, struct err *e)
    MUST_CHECK;
/* One subject in full, and a warning where the decision would not count. */
int decision_show(const struct deciding *d, const struct subject *u,
    struct err *e) MUST_CHECK;
/* "Approve this?", unless -y.  ERR_DENIED: no. */
int decision_confirm(const struct deciding *d, struct err *e) MUST_CHECK;

/*
 * Sign for all subjects: one signature for as many as a statement holds, 200 or
 * fewer where long names fill it sooner; take() gets each with its subjects.
 */
int decision_sign(const struct deciding *d,
    int (*take)(void *ctx, const struct subject *u, size_t n, struct slice text,
	struct err *e),
    void *ctx, struct err *e) MUST_CHECK;

#endif

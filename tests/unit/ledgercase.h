/* SPDX-License-Identifier: ISC */
/*
 * A log in a directory of its own, with a second one for a copy, for tests of
 * the ledger; whatever fails ends the test.
 */
#ifndef TESTS_UNIT_LEDGERCASE_H
#define TESTS_UNIT_LEDGERCASE_H

#include "lib/ledger/ledger.h"
#include "tests/unit/tmpdir.h"

#define ORIGIN "writ.invalid/0123456789abcdef/test"

/* The log's key. */
extern uint8_t lc_pks[1][32], *lc_pk, lc_sk[64];

struct fixture {
	char dir[TMPDIR_MAX]; /* holds a, b, copy */
	char a[96], copy[96];
	const char *copies[1];
	struct ledger_config c;
	char warned[1024];
	size_t asked; /* calls of objects() */
};

/* What a ledger is told: a leaf "3:anything" has tag 3; one that begins with 2:
 * has a record, up to a point. */
void lc_classify(struct slice leaf, uint8_t *tag, struct hash *name);
int  lc_objects(void *ctx, uint64_t index, struct slice leaf,
    int (*put)(void *pctx, const char *key, struct slice data,
	const char *content_type),
    void *pctx, struct err *e);

int  lc_setup(void **state);
int  lc_teardown(void **state);
void lc_remove_tree(const char *path);
/* A path in the fixture's directory; valid until the next call. */
char *lc_in(const struct fixture *f, const char *name);
uint64_t lc_file_size(const char *path); /* 0 where there is none */

struct ledger *lc_open_ledger(struct fixture *f);
int  lc_open_fails(struct fixture *f, struct err *e); /* its answer */
void lc_leaf_text(uint64_t i, char out[64]);
void lc_grow(struct ledger *l, uint64_t size); /* to so many leaves */
char *lc_sign_head(const struct checkpoint *c);
int  lc_try_publish(struct ledger *l, struct err *e);
void lc_publish(struct ledger *l);
/* Everything of a log of that size is there, through the ledger and as files. */
void lc_check(struct ledger *l, uint64_t size);
void lc_check_files(const char *path, uint64_t size);

#endif

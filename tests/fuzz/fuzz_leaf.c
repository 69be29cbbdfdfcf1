/* SPDX-License-Identifier: ISC */
/* A leaf: indexed as what it is, whatever its spelling. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/statement/leaf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The tags a statement of each type may have. */
static bool
fits(const struct statement *s, uint8_t tag)
{
	static const uint8_t tags[] = {
	    [ST_REQUEST] = LTAG_REQUEST,
	    [ST_DECISION] = LTAG_DECISION,
	    [ST_REVOKE] = LTAG_REVOKE,
	    [ST_KEY] = LTAG_KEY,
	    [ST_ROOT] = LTAG_ROOT,
	    [ST_POLICY] = LTAG_POLICY,
	    [ST_KRL] = LTAG_KRL,
	    [ST_FLEET] = LTAG_FLEET,
	    [ST_JOB] = LTAG_JOB,
	    [ST_ENROL] = LTAG_ENROL,
	    [ST_ACCEPT] = LTAG_ACCEPT,
	    [ST_REJECT] = LTAG_REJECT,
	    [ST_RENAME] = LTAG_RENAME,
	    [ST_FORGET] = LTAG_FORGET,
	    [ST_TOKEN] = LTAG_TOKEN,
	    [ST_RENEW] = LTAG_RENEW,
	    [ST_REPORT] = LTAG_REPORT,
	};

	if (s->type == ST_DECISION && s->u.d.n_keys > 0)
		return tag == LTAG_KEY_DECISION;
	return s->type >= ST_REQUEST && s->type <= ST_LAST &&
	    tag == tags[s->type];
}

static void
check(const struct leaf *l, struct slice bytes, uint8_t tag,
    const struct hash *name)
{
	struct str out = STR_INIT;
	struct hash want;
	int r = 0;

	switch (l->kind) {
	case LEAF_STATEMENT:
		if (!fits(&l->u.s, tag) || !hash_equal(name, &l->u.s.hash))
			abort();
		return;
	case LEAF_ISSUE:
		leaf_serial_name(leaf_serial(&l->u.i.request), &want);
		if (tag != LTAG_ISSUE || !hash_equal(name, &want))
			abort();
		r = issue_leaf_encode(&l->u.i, &out);
		break;
	case LEAF_CERTIFICATE:
		leaf_serial_name(leaf_serial(&l->u.c.request), &want);
		if (tag != LTAG_CERTIFICATE || !hash_equal(name, &want))
			abort();
		r = certificate_leaf_encode(&l->u.c, &out);
		break;
	case LEAF_TICK:
		if (tag != LTAG_TICK)
			abort();
		r = tick_leaf_encode(&l->u.t, &out);
		break;
	}
	if (r != 0 || !slice_equal(slice_of(out.p, out.n), bytes))
		abort();
	str_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct leaf l;
	struct hash name;
	struct err e = {0};
	uint8_t tag;

	leaf_init(&l);
	leaf_classify(slice_of(data, n), &tag, &name);
	if (leaf_parse("fuzz", slice_of(data, n), &l, &e) == 0)
		check(&l, slice_of(data, n), tag, &name);
	else if (e.msg[0] == '\0')
		abort();
	leaf_clear(&l);
	return 0;
}

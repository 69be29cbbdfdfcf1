/* SPDX-License-Identifier: ISC */
/*
 * What a person's tool reads of a CA's policy before a signature says whether it
 * is one: the answer of the call `policy`, its manifest, and the judgement of the
 * chain with no file at hand.  Nothing of it may be believed under a root that
 * nobody has a key for.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ca/client/chain.h"
#include "lib/base/json.h"

/* Two roots and a policy fit, as do texts beyond their limits. */
#define ANSWER_MAX (2 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must_be_bounded(const struct bundle_chain *c)
{
	if (c->n_roots > BUNDLE_ROOTS_MAX || c->statement.n > STATEMENT_MAX ||
	    c->manifest.n > BUNDLE_MANIFEST_MAX || c->version == 0)
		abort();
	for (size_t i = 0; i < c->n_roots; i++)
		if (c->root_files[i].n > POLICY_FILE_MAX ||
		    c->root_statements[i].n > STATEMENT_MAX)
			abort();
}

/* By the chain's own first root, as a CA that lies would have it pinned, and by
 * one that is nobody's. */
static void
must_not_be_believed(const struct bundle_chain *c)
{
	struct hash pins[2] = {0};

	if (c->n_roots > 0)
		hash_sha256(c->root_files[0].p, c->root_files[0].n, &pins[1]);
	for (size_t i = 0; i < 2; i++) {
		struct bundle_input in;
		struct trust t;
		struct err e = {0};

		trust_init(&t);
		bundle_chain_input(c, &in);
		/* Without the files no policy can follow, whoever signed. */
		if (trust_update(&t, &in, &pins[i], 0, &e) >= 0 ||
		    e.msg[0] == '\0' || t.have)
			abort();
		trust_clear(&t);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bundle_chain *c = calloc(1, sizeof(*c));
	struct manifest m = {0};
	json_t *body = NULL;
	struct err e = {0};

	if (c == NULL)
		return 0;
	if (json_read(slice_of(data, n), ANSWER_MAX, &body, &e) == 0 &&
	    chain_parse(body, c, &e) == 0) {
		must_be_bounded(c);
		if (manifest_parse(c->manifest, &m, &e) == 0)
			manifest_clear(&m);
		must_not_be_believed(c);
	} else if (e.msg[0] == '\0') {
		abort();
	}
	json_decref(body);
	bundle_chain_clear(c);
	free(c);
	return 0;
}

/* SPDX-License-Identifier: ISC */
#include "tests/unit/logsignercase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct log_signer_config
lsc_config(const struct world *w, const char *origin)
{
	const struct log_signer_config c = {
	    .dir = w->dir, .log = w->key, .origin = origin};

	return c;
}

int
lsc_reopen(struct world *w)
{
	const struct log_signer_config c = lsc_config(w, LSC_ORIGIN);

	log_signer_close(w->s);
	w->s = NULL;
	memset(&w->e, 0, sizeof(w->e));
	return log_signer_open(&c, &w->s, &w->e);
}

int
lsc_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	tmpdir_make(w->dir, "logsigner");
	snprintf(w->journal, sizeof(w->journal), "%s/journal", w->dir);
	assert_int_equal(key_generate(PUBKEY_ED25519, &w->key, NULL), 0);
	assert_int_equal(lsc_reopen(w), 0);
	*state = w;
	return 0;
}

int
lsc_teardown(void **state)
{
	struct world *w = *state;
	char lock[TMPDIR_MAX + 16];

	log_signer_close(w->s);
	key_free(w->key);
	snprintf(lock, sizeof(lock), "%s/lock", w->dir);
	unlink(w->journal);
	unlink(lock);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

struct log_leaf
lsc_leaf(uint64_t *n, uint64_t value, struct merkle_edge *edge)
{
	struct hash h;

	*n = value;
	merkle_leaf(n, sizeof(*n), &h);
	if (edge != NULL)
		merkle_append(edge, &h);
	return (struct log_leaf){.bytes = slice_of(n, sizeof(*n))};
}

uint64_t
lsc_size(const struct world *w)
{
	struct checkpoint head;

	log_signer_head(w->s, &head);
	return head.size;
}

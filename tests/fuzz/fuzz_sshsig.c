/* SPDX-License-Identifier: ISC */
/* An SSH signature: its blob and its armor. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ssh/sshsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Written and read again it is the same, and signs nothing by itself. */
static void
check_sshsig(const struct sshsig *s)
{
	struct str text = STR_INIT;
	struct sk_flags flags;
	struct sshsig again;
	size_t used = 0;
	struct err e;

	sshsig_init(&again);
	if (sshsig_add_armor(&text, s->key, s->ns, s->hash,
		slice_of(s->sig, s->sig_len)) != 0 ||
	    sshsig_parse_armor(slice_of(text.p, text.n), &again, &used, &e) !=
		0 ||
	    used != text.n || !pubkey_equal(s->key, again.key) ||
	    strcmp(s->ns, again.ns) != 0 || strcmp(s->hash, again.hash) != 0 ||
	    !slice_equal(slice_of(s->sig, s->sig_len),
		slice_of(again.sig, again.sig_len)))
		abort();
	if (sshsig_verify(s, s->ns, slice_str("never signed"), &flags, &e) == 0)
		abort();
	sshsig_clear(&again);
	str_clear(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sshsig s;
	size_t used;
	struct err e;

	sshsig_init(&s);
	if (sshsig_parse(slice_of(data, n), &s, &e) == 0)
		check_sshsig(&s);
	if (sshsig_parse_armor(slice_of(data, n), &s, &used, &e) == 0) {
		if (used > n)
			abort();
		check_sshsig(&s);
	}
	sshsig_clear(&s);
	return 0;
}

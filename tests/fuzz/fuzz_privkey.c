/* SPDX-License-Identifier: ISC */
/* Private keys as files hold them: OpenSSH's format and PEM. */
#include <stdlib.h>

#include "lib/key/key.h"
#include "lib/key/key_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Nobody is asked for a passphrase: bcrypt and PBKDF2 are slow by design, and
 * nothing is parsed meanwhile.
 */
static void
exercise(struct slice text)
{
	struct key *k = NULL;
	struct buf *sig = NULL;
	struct err e = {0};

	if (key_parse("fuzz", text, NULL, &k, &e) != 0) {
		/* Nothing half-made, and a sentence. */
		if (k != NULL || e.msg[0] == '\0')
			abort();
		return;
	}
	/* What was accepted can sign, and its signature verifies. */
	if (buf_new(&sig, KEY_SIG_MAX) != 0 ||
	    key_sign(k, slice_str("m"), sig, NULL) != 0 ||
	    pubkey_verify(key_public(k), key_sig_alg(k), buf_slice(sig),
		slice_str("m"), NULL, NULL) != 0)
		abort();
	buf_free(sig);
	key_free(k);
}

/* Half of the inputs are the decoded bytes, so that mutation gets deep. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pubkey *pub = NULL;
	struct str text = STR_INIT;

	if (size < 1 || size > 16384)
		return 0;
	if (data[0] == '-') {
		exercise(slice_of(data, size));
		return 0;
	}
	str_add(&text, OPENSSH_BEGIN "\n");
	str_add_base64(&text, data, size);
	str_add(&text, "\n" OPENSSH_END "\n");
	exercise(slice_of(text.p, text.n));
	if (key_openssh_public("fuzz", slice_of(text.p, text.n), &pub, NULL) ==
	    0)
		pubkey_free(pub);
	str_clear(&text);
	return 0;
}

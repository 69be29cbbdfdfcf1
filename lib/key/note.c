/* SPDX-License-Identifier: ISC */
#include "lib/key/note.h"

int
key_sign_checkpoint(struct key *k, const struct checkpoint *head,
    struct str *note, struct err *e)
{
	const uint8_t *pk = pubkey_ed25519(key_public(k));
	struct str text = STR_INIT, whole = STR_INIT;
	uint8_t sig[64];
	int r;

	if (pk == NULL)
		return err_set(e, ERR_DENIED, "log key is not Ed25519");
	if ((r = checkpoint_encode(head, &text)) != 0 ||
	    (r = key_sign_ed25519(k, slice_str(text.p), sig, e)) != 0 ||
	    (r = checkpoint_note(head, pk, sig, &whole)) != 0) {
		err_prefix(e, "sign checkpoint");
		goto out;
	}
	str_addn(note, whole.p, whole.n);
	if (str_check(note) != 0)
		r = err_nomem(e);
out:
	str_clear(&whole);
	str_clear(&text);
	return r;
}

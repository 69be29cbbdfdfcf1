/* SPDX-License-Identifier: ISC */
#include "tests/unit/keycase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct err kc_err;

int
kc_teardown(void **state)
{
	(void)state;
	kc_err = (struct err){0};
	return 0;
}

int kc_asked;

static int
answer(void *ctx, const char *what, char *out, size_t max, size_t *n)
{
	const char *phrase = ctx;

	kc_asked++;
	assert_non_null(what);
	assert_int_equal(max, PASSPHRASE_MAX);
	if (phrase == NULL)
		return 1;
	*n = strlen(phrase);
	memcpy(out, phrase, *n);
	return 0;
}

struct passphrase
kc_says(const char *phrase)
{
	kc_asked = 0;
	return (struct passphrase){answer, (void *)(uintptr_t)phrase};
}

struct pubkey *
kc_public_of(const char *name)
{
	struct pubkey *pub = NULL;
	size_t n;
	char *line = sshtool_read(name, &n);

	assert_int_equal(pubkey_parse_line(line, n, &pub, NULL, NULL), 0);
	free(line);
	return pub;
}

/* The key is that of NAME.pub, and what it signs verifies. */
void
kc_assert_works(struct key *k, const struct pubkey *pub)
{
	struct slice msg = slice_str("a message");
	struct buf *sig = NULL;

	assert_true(pubkey_equal(key_public(k), pub));
	assert_int_equal(buf_new(&sig, 8192), 0);
	for (int i = 0; i < 2; i++) {
		buf_reset(sig);
		assert_int_equal(key_sign(k, msg, sig, &kc_err), 0);
		assert_int_equal(pubkey_verify(pub, key_sig_alg(k),
				     buf_slice(sig), msg, NULL, &kc_err),
		    0);
	}
	buf_free(sig);
}

const struct kc_kind kc_kinds[N_KC_KINDS] = {
    {"ed25519", PUBKEY_ED25519, "ed25519", "256", "ssh-ed25519"},
    {"p256", PUBKEY_ECDSA256, "ecdsa", "256", "ecdsa-sha2-nistp256"},
    {"p384", PUBKEY_ECDSA384, "ecdsa", "384", "ecdsa-sha2-nistp384"},
    {"p521", PUBKEY_ECDSA521, "ecdsa", "521", "ecdsa-sha2-nistp521"},
    {"rsa", PUBKEY_RSA, "rsa", "2048", "rsa-sha2-512"},
};

int
kc_setup(void **state)
{
	if (sshtool_setup(state) != 0)
		return 1;
	for (size_t i = 0; i < N_KC_KINDS; i++)
		sshtool_run("ssh-keygen", "-q", "-t", kc_kinds[i].t, "-b",
		    kc_kinds[i].bits, "-N", "", "-C", "a comment", "-f",
		    sshtool_path(kc_kinds[i].name), NULL);
	return 0;
}

/* A copy of a key, converted by ssh-keygen -p with these options. */
void
kc_convert(const char *from, const char *to, const char *o1, const char *v1,
    const char *pass)
{
	size_t n;
	char *text = sshtool_read(from, &n);

	sshtool_write(to, text, n);
	free(text);
	sshtool_run("ssh-keygen", "-q", "-p", "-P", "", "-N", pass, "-f",
	    sshtool_path(to), o1, v1, NULL);
}

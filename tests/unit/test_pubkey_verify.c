/* SPDX-License-Identifier: ISC */
/* Signatures of ssh-keygen and of tokens, verified by the keys that made them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ssh/cert.h"
#include "lib/ssh/pubkey.h"
#include "lib/ssh/sshsig.h"
#include "tests/unit/mutate.h"
#include "tests/unit/sshdata.h"

/* --- verifying ------------------------------------------------------------*/

/* A signature of ssh-keygen's, its key, and the bytes that it signed. */
struct signature {
	struct sshsig s;
	struct buf *msg;
};

static void
signature_load(struct signature *out, const char *key, const char *hash)
{
	char file[64], *text, *msg;
	size_t n, used;

	snprintf(file, sizeof(file), "%s.%s.sig", key, hash);
	text = data_read(file, &n);
	sshsig_init(&out->s);
	assert_int_equal(sshsig_parse_armor(slice_of(text, n), &out->s, &used,
			     NULL),
	    0);
	free(text);
	msg = data_read("message", &n);
	assert_int_equal(buf_new(&out->msg, 1024), 0);
	assert_int_equal(sshsig_signed_data("test@writ", hash, slice_of(msg, n),
			     out->msg),
	    0);
	free(msg);
}

static void
signature_clear(struct signature *s)
{
	sshsig_clear(&s->s);
	buf_free(s->msg);
}

static void
sig_is_refused(const uint8_t *p, size_t n, void *arg)
{
	struct signature *s = arg;
	int r;

	r = pubkey_verify(s->s.key, NULL, slice_of(p, n), buf_slice(s->msg),
	    NULL, NULL);
	if (r != ERR_BADSIG && r != ERR_PARSE)
		fail_msg("%s: %d with %s", pubkey_type_name(s->s.key), r,
		    mutate_what());
}

static void
every_flip_and_cut_of_a_signature_is_refused(void **state)
{
	struct sk_flags flags = {true, true, true, 1};
	struct signature s;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		signature_load(&s, data_types[i], "sha512");
		assert_int_equal(pubkey_verify(s.s.key, NULL,
				     slice_of(s.s.sig, s.s.sig_len),
				     buf_slice(s.msg), &flags, NULL),
		    0);
		assert_false(flags.is_sk || flags.present || flags.verified);
		mutate_each(s.s.sig, s.s.sig_len, sig_is_refused, &s);
		signature_clear(&s);
	}
}

static void
only_the_algorithm_asked_for_is_accepted(void **state)
{
	struct signature s;
	struct slice sig;
	struct err e = {0};

	(void)state;
	signature_load(&s, "rsa3072", "sha512");
	sig = slice_of(s.s.sig, s.s.sig_len);
	assert_int_equal(pubkey_verify(s.s.key, "rsa-sha2-512", sig,
			     buf_slice(s.msg), NULL, &e),
	    0);
	assert_int_equal(pubkey_verify(s.s.key, "rsa-sha2-256", sig,
			     buf_slice(s.msg), NULL, &e),
	    ERR_PARSE);
	assert_non_null(strstr(e.msg, "expected rsa-sha2-256"));
	signature_clear(&s);
}

static void
rsa_with_sha1_is_refused(void **state)
{
	struct buf *blob = data_cert("rsa-sha1");
	struct err e = {0};
	struct cert c;

	(void)state;
	cert_init(&c);
	assert_int_equal(cert_parse(buf_slice(blob), &c, NULL), 0);
	assert_int_equal(cert_verify(&c, buf_slice(blob), &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "'ssh-rsa'"));
	cert_clear(&c);
	buf_free(blob);
}

static void
token_flags_are_read_and_are_signed(void **state)
{
	static const struct {
		uint8_t flags;
		bool present, verified;
	} cases[] = {{0, false, false}, {1, true, false}, {4, false, true},
	    {5, true, true}, {0x41, true, false}};
	static const enum pubkey_type types[] = {
	    PUBKEY_SK_ED25519, PUBKEY_SK_ECDSA256};
	const struct slice msg = slice_str("message");
	struct sk_flags f;
	struct token *t;
	struct buf *b;

	(void)state;
	assert_int_equal(buf_new(&b, 1024), 0);
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		t = token_new(types[i % 2]);
		token_sign(t, msg, cases[i / 2].flags, 0x01020304, b);
		f = (struct sk_flags){0};
		assert_int_equal(pubkey_verify(token_pubkey(t), NULL,
				     buf_slice(b), msg, &f, NULL),
		    0);
		assert_true(f.is_sk);
		assert_int_equal(f.present, cases[i / 2].present);
		assert_int_equal(f.verified, cases[i / 2].verified);
		assert_int_equal(f.counter, 0x01020304);
		assert_int_equal(pubkey_verify(token_pubkey(t), NULL,
				     buf_slice(b), slice_str("massage"), &f,
				     NULL),
		    ERR_BADSIG);
		buf_reset(b);
		token_free(t);
	}
	buf_free(b);
}

static void
token_sig_is_refused(const uint8_t *p, size_t n, void *arg)
{
	const struct sk_flags before = {true, false, true, 99};
	struct sk_flags f = before;
	int r;

	r = pubkey_verify(arg, NULL, slice_of(p, n), slice_str("m"), &f, NULL);
	if (r != ERR_BADSIG && r != ERR_PARSE)
		fail_msg("%d with %s", r, mutate_what());
	/* What a signature that does not verify says is not passed on. */
	assert_int_equal(f.counter, before.counter);
	assert_int_equal(f.present, before.present);
}

static void
every_flip_and_cut_of_a_token_signature_is_refused(void **state)
{
	static const enum pubkey_type types[] = {
	    PUBKEY_SK_ED25519, PUBKEY_SK_ECDSA256};
	struct pubkey *k;
	struct token *t;
	struct buf *b;

	(void)state;
	assert_int_equal(buf_new(&b, 1024), 0);
	for (size_t i = 0; i < 2; i++) {
		t = token_new(types[i]);
		token_sign(t, slice_str("m"), 1, 7, b);
		assert_int_equal(pubkey_dup(token_pubkey(t), &k), 0);
		mutate_each(buf_slice(b).p, buf_len(b), token_sig_is_refused,
		    k);
		/* and one byte more */
		assert_int_equal(buf_put_u8(b, 0), 0);
		token_sig_is_refused(buf_slice(b).p, buf_len(b), k);
		buf_reset(b);
		pubkey_free(k);
		token_free(t);
	}
	buf_free(b);
}

static void
signature_of_an_ed25519_key_is_none_of_its_token_twin(void **state)
{
	struct pubkey *twin = data_pubkey("sk-ed25519");
	struct signature s;

	(void)state;
	signature_load(&s, "ed25519", "sha512");
	assert_int_equal(pubkey_verify(twin, NULL,
			     slice_of(s.s.sig, s.s.sig_len), buf_slice(s.msg),
			     NULL, NULL),
	    ERR_PARSE);
	pubkey_free(twin);
	signature_clear(&s);
}

/* Whose first use of a key is at the same time. */
struct race {
	const struct signature *s;
	bool wrong;
};

static void *
verify_often(void *arg)
{
	struct race *race = arg;
	const struct sshsig *s = &race->s->s;

	for (int i = 0; i < 20; i++)
		if (pubkey_verify(s->key, NULL, slice_of(s->sig, s->sig_len),
			buf_slice(race->s->msg), NULL, NULL) != 0)
			race->wrong = true;
	return NULL;
}

static void
one_key_serves_many_threads(void **state)
{
	struct race race[4];
	struct signature s;
	pthread_t t[4];

	(void)state;
	for (size_t k = 0; k < 5; k++) {
		signature_load(&s, data_types[k], "sha512");
		for (size_t i = 0; i < 4; i++) {
			race[i] = (struct race){&s, false};
			assert_int_equal(pthread_create(&t[i], NULL,
					     verify_often, &race[i]),
			    0);
		}
		for (size_t i = 0; i < 4; i++) {
			assert_int_equal(pthread_join(t[i], NULL), 0);
			assert_false(race[i].wrong);
		}
		signature_clear(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_flip_and_cut_of_a_signature_is_refused),
	    cmocka_unit_test(only_the_algorithm_asked_for_is_accepted),
	    cmocka_unit_test(rsa_with_sha1_is_refused),
	    cmocka_unit_test(token_flags_are_read_and_are_signed),
	    cmocka_unit_test(
		every_flip_and_cut_of_a_token_signature_is_refused),
	    cmocka_unit_test(
		signature_of_an_ed25519_key_is_none_of_its_token_twin),
	    cmocka_unit_test(one_key_serves_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

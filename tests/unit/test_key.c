/* SPDX-License-Identifier: ISC */
/* Keys made, written, and what they sign. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/parallel.h"
#include "lib/crypto/ed25519.h"
#include "lib/key/key.h"
#include "lib/ssh/sshsig.h"
#include "tests/unit/alloc.h"
#include "tests/unit/keycase.h"
#include "tests/unit/sshtool.h"

static void
generated_keys_go_through_a_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_KC_KINDS; i++) {
		struct key *k = NULL, *again = NULL;
		struct str text = STR_INIT;
		struct passphrase p = kc_says(PASS);

		print_message("%s\n", kc_kinds[i].name);
		assert_int_equal(key_generate(kc_kinds[i].type, &k, &kc_err),
		    0);
		kc_assert_works(k, key_public(k));
		assert_int_equal(key_encode_openssh(k, "", NULL, 0, &text,
				     &kc_err),
		    0);
		assert_int_equal(key_parse("x", slice_of(text.p, text.n), NULL,
				     &again, &kc_err),
		    0);
		kc_assert_works(again, key_public(k));
		key_free(again);
		again = NULL;
		str_clear(&text);
		assert_int_equal(key_encode_openssh(k, "c", PASS, strlen(PASS),
				     &text, &kc_err),
		    0);
		assert_int_equal(key_parse("x", slice_of(text.p, text.n), &p,
				     &again, &kc_err),
		    0);
		kc_assert_works(again, key_public(k));
		key_free(again);
		key_free(k);
		str_clear(&text);
	}
}

static void
a_generated_rsa_key_has_3072_bits(void **state)
{
	struct key *k = NULL;

	(void)state;
	assert_int_equal(key_generate(PUBKEY_RSA, &k, &kc_err), 0);
	assert_int_equal(pubkey_bits(key_public(k)), 3072);
	key_free(k);
	k = NULL;
	assert_int_equal(key_generate(PUBKEY_SK_ED25519, &k, &kc_err),
	    ERR_USAGE);
	assert_null(k);
}

static void
writing_refuses_a_dirty_comment_and_an_empty_passphrase(void **state)
{
	struct key *k = NULL;
	struct str text = STR_INIT;

	(void)state;
	assert_int_equal(key_generate(PUBKEY_ED25519, &k, &kc_err), 0);
	assert_int_equal(key_encode_openssh(k, "a\nb", NULL, 0, &text, &kc_err),
	    ERR_PARSE);
	assert_int_equal(key_encode_openssh(k, "", "", 0, &text, &kc_err),
	    ERR_LIMIT);
	assert_int_equal(text.n, 0);
	key_free(k);
}

static void
a_key_has_the_comment_of_its_file(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {{"a comment", "a comment"}, {"", ""},
	    {"writ-token:00 web db", "writ-token:00 web db"}};
	struct key *k = NULL, *again = NULL;
	struct str text = STR_INIT;

	(void)state;
	assert_int_equal(key_generate(PUBKEY_ED25519, &k, &kc_err), 0);
	assert_string_equal(key_comment(k), "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(key_encode_openssh(k, cases[i].in, NULL, 0,
				     &text, &kc_err),
		    0);
		assert_int_equal(key_parse("x", slice_of(text.p, text.n), NULL,
				     &again, &kc_err),
		    0);
		assert_string_equal(key_comment(again), cases[i].out);
		key_free(again);
		again = NULL;
		str_clear(&text);
	}
	key_free(k);
}

static void
ed25519_signatures_can_be_had_raw(void **state)
{
	struct slice msg = slice_str("note");
	struct key *k = NULL;
	uint8_t sig[64] = {0};

	(void)state;
	assert_int_equal(key_generate(PUBKEY_ED25519, &k, &kc_err), 0);
	assert_int_equal(key_sign_ed25519(k, msg, sig, &kc_err), 0);
	assert_true(ed25519_verify(pubkey_ed25519(key_public(k)), msg.p, msg.n,
	    sig));
	key_free(k);
	k = NULL;
	assert_int_equal(key_generate(PUBKEY_ECDSA256, &k, &kc_err), 0);
	assert_int_equal(key_sign_ed25519(k, msg, sig, &kc_err), ERR_CRYPTO);
	key_free(k);
}

struct many {
	struct key *key;
	int r[200];
};

static void
sign_and_verify(void *ctx, size_t i)
{
	struct many *m = ctx;
	struct slice msg = slice_of(&i, sizeof(i));
	struct buf *sig = NULL;

	if ((m->r[i] = buf_new(&sig, 1024)) == 0 &&
	    (m->r[i] = key_sign(m->key, msg, sig, NULL)) == 0)
		m->r[i] = pubkey_verify(key_public(m->key), NULL,
		    buf_slice(sig), msg, NULL, NULL);
	buf_free(sig);
}

static void
several_threads_may_sign_with_one_ed25519_key(void **state)
{
	struct many m = {.key = NULL};
	struct key *other = NULL;

	(void)state;
	assert_int_equal(key_generate(PUBKEY_ED25519, &m.key, NULL), 0);
	assert_true(key_is_shared(m.key));
	parallel_for(200, sign_and_verify, &m);
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(m.r[i], 0);
	/* One of OpenSSL's has one context, and says no. */
	assert_int_equal(key_generate(PUBKEY_ECDSA256, &other, NULL), 0);
	assert_false(key_is_shared(other));
	key_free(other);
	key_free(m.key);
}

static void
sshsig_blocks_verify(void **state)
{
	struct slice msg = slice_str("statement\n");

	(void)state;
	for (size_t i = 0; i < N_KC_KINDS; i++) {
		struct key *k = NULL;
		struct str text = STR_INIT;
		struct sshsig s;
		size_t used = 0;

		assert_int_equal(key_load_file(sshtool_path(kc_kinds[i].name),
				     NULL, &k, &kc_err),
		    0);
		assert_int_equal(key_sshsig(k, "request@writ", msg, &text,
				     &kc_err),
		    0);
		sshsig_init(&s);
		assert_int_equal(sshsig_parse_armor(slice_of(text.p, text.n),
				     &s, &used, &kc_err),
		    0);
		assert_int_equal(used, text.n);
		assert_string_equal(s.hash, "sha512");
		assert_int_equal(sshsig_verify(&s, "request@writ", msg, NULL,
				     &kc_err),
		    0);
		sshsig_clear(&s);
		str_clear(&text);
		key_free(k);
	}
}

/* AddressSanitizer makes mlock() do nothing, with success. */
#if defined(__SANITIZE_ADDRESS__)
#define MLOCK_IS_REAL false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MLOCK_IS_REAL false
#endif
#endif
#ifndef MLOCK_IS_REAL
#define MLOCK_IS_REAL true
#endif

/* In a process of its own: root is above the limit, and it cannot be undone. */
static void
without_lockable_memory_a_key_is_refused_with_the_reason(void **state)
{
	const struct rlimit none = {0, 0};
	struct key *k = NULL;
	int status = 0, r;
	pid_t pid;

	(void)state;
	if (!MLOCK_IS_REAL)
		skip();
	pid = fork();
	if (pid == 0) {
		if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 ||
		    (geteuid() == 0 && setuid(65534) != 0))
			_exit(100);
		r = key_generate(PUBKEY_ED25519, &k, &kc_err);
		if (r != ERR_NOMEM || k != NULL)
			_exit(1);
		_exit(strstr(kc_err.msg, "ulimit -l") != NULL ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

struct text {
	char *p;
	size_t n;
	bool encode;
};

static int
load_once(void *arg)
{
	struct text *t = arg;
	struct passphrase p = kc_says(PASS);
	struct key *k = NULL;
	int r;

	r = key_parse("x", slice_of(t->p, t->n), &p, &k, &kc_err);
	key_free(k);
	return r;
}

static int
encode_once(void *arg)
{
	struct str out = STR_INIT;
	int r;

	r = key_encode_openssh(arg, "c", NULL, 0, &out, &kc_err);
	str_clear(&out);
	return r;
}

static int
sshsig_once(void *arg)
{
	struct str out = STR_INIT;
	int r;

	r = key_sshsig(arg, "n@w", slice_str("m"), &out, &kc_err);
	str_clear(&out);
	return r;
}

static void
every_failing_allocation_is_reported(void **state)
{
	struct key *k = NULL;

	(void)state;
	kc_convert("ed25519", "enc", "-a", "1", PASS);
	kc_convert("p256", "pem", "-m", "PKCS8", "");
	for (size_t i = 0; i < N_KC_KINDS + 2; i++) {
		struct text t;

		t.p = sshtool_read(i < N_KC_KINDS ? kc_kinds[i].name
			: i == N_KC_KINDS         ? "enc"
						  : "pem",
		    &t.n);
		assert_true(alloc_each(load_once, &t) >= 3);
		free(t.p);
	}
	for (size_t i = 0; i < N_KC_KINDS; i++) {
		assert_int_equal(key_load_file(sshtool_path(kc_kinds[i].name),
				     NULL, &k, &kc_err),
		    0);
		assert_true(alloc_each(encode_once, k) >= 3);
		assert_true(alloc_each(sshsig_once, k) >= 2);
		key_free(k);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(generated_keys_go_through_a_file),
	    T(a_generated_rsa_key_has_3072_bits),
	    T(writing_refuses_a_dirty_comment_and_an_empty_passphrase),
	    T(a_key_has_the_comment_of_its_file),
	    T(ed25519_signatures_can_be_had_raw),
	    T(several_threads_may_sign_with_one_ed25519_key),
	    T(sshsig_blocks_verify),
	    T(without_lockable_memory_a_key_is_refused_with_the_reason),
	    T(every_failing_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, kc_setup, sshtool_teardown);
}

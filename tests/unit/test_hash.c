/* SPDX-License-Identifier: ISC */
/* Hashes, Ed25519, random bytes and locked memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/crypto/ed25519.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secmem.h"
#include "tests/unit/mutate.h"

/* FIPS 180-2 appendix B and the empty message. */
static const struct {
	const char *in, *sha256, *sha512;
} vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
	"47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};

static void
sha256_and_sha512_agree_with_fips_180(void **state)
{
	char hex[HASH_HEX], hex512[2 * HASH512_LEN + 1];
	uint8_t wide[HASH512_LEN];
	struct hash h;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		hash_sha256(vectors[i].in, strlen(vectors[i].in), &h);
		hash_hex(&h, hex);
		assert_string_equal(hex, vectors[i].sha256);
		hash_sha512(vectors[i].in, strlen(vectors[i].in), wide);
		hex_encode(wide, sizeof(wide), hex512);
		assert_string_equal(hex512, vectors[i].sha512);
	}
}

static void
sha1_agrees_with_fips_180(void **state)
{
	uint8_t out[HASH1_LEN];
	char hex[2 * HASH1_LEN + 1];

	(void)state;
	hash_sha1("abc", 3, out);
	hex_encode(out, sizeof(out), hex);
	assert_string_equal(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static void
parts_hash_as_their_concatenation(void **state)
{
	const struct slice parts[] = {
	    slice_str("a"), slice_of(NULL, 0), slice_str("bc")};
	struct hash one, other;

	(void)state;
	hash_sha256("abc", 3, &one);
	hash_sha256v(parts, 3, &other);
	assert_true(hash_equal(&one, &other));
	hash_sha256v(parts, 2, &other);
	assert_false(hash_equal(&one, &other));
}

static void
fingerprint_is_what_ssh_keygen_prints(void **state)
{
	struct hash h, back;
	char fp[FINGERPRINT_MAX];

	(void)state;
	hash_sha256("abc", 3, &h);
	hash_fingerprint(&h, fp);
	assert_string_equal(fp,
	    "SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0");
	assert_int_equal(hash_from_fingerprint(fp, &back), 0);
	assert_true(hash_equal(&h, &back));
}

static void
text_forms_have_one_spelling(void **state)
{
	static const char *const bad_fp[] = {"",
	    "SHA256:", "MD5:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
	    "SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa",
	    "SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
	    /* the last digit holds four bits: two more are not zero */
	    "SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa1",
	    "SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa2",
	    "SHA256:ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
	    "sha256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0"};
	static const char *const bad_hex[] = {"", "ba",
	    "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015adx",
	    "xa7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"};
	struct hash h = {{42}};

	(void)state;
	for (size_t i = 0; i < sizeof(bad_fp) / sizeof(*bad_fp); i++)
		assert_int_equal(hash_from_fingerprint(bad_fp[i], &h),
		    ERR_PARSE);
	for (size_t i = 0; i < sizeof(bad_hex) / sizeof(*bad_hex); i++)
		assert_int_equal(hash_from_hex(bad_hex[i], &h), ERR_PARSE);
	assert_int_equal(h.b[0], 42);
	assert_int_equal(hash_from_hex(vectors[1].sha256, &h), 0);
	assert_int_equal(h.b[0], 0xba);
}

static void *
hash_often(void *arg)
{
	struct hash h;

	for (int i = 0; i < 1000; i++) {
		hash_sha256("abc", 3, &h);
		if (h.b[0] != 0xba || h.b[31] != 0xad)
			*(bool *)arg = true;
	}
	return NULL;
}

static void
threads_hash_each_for_itself(void **state)
{
	pthread_t t[4];
	bool wrong[4] = {false};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, hash_often,
				     &wrong[i]),
		    0);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(t[i], NULL), 0);
		assert_false(wrong[i]);
	}
}

/* RFC 8032 7.1, tests 1 and 2. */
static const struct {
	const char *seed, *pk, *msg, *sig;
} eddsa[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
	"5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
	"72",
	"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
	"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
};

static void
ed25519_agrees_with_rfc_8032(void **state)
{
	uint8_t seed[32], sk[64], sig[64], msg[1];
	char hex[129];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(eddsa) / sizeof(*eddsa); i++) {
		n = strlen(eddsa[i].msg) / 2;
		assert_int_equal(hex_decode(eddsa[i].seed, 64, seed, 32), 0);
		assert_int_equal(hex_decode(eddsa[i].msg, 2 * n, msg, n), 0);
		ed25519_from_seed(seed, sk);
		hex_encode(sk + 32, 32, hex);
		assert_string_equal(hex, eddsa[i].pk);
		ed25519_sign(sk, msg, n, sig);
		hex_encode(sig, 64, hex);
		assert_string_equal(hex, eddsa[i].sig);
		assert_true(ed25519_verify(sk + 32, msg, n, sig));
		assert_false(ed25519_verify(sk + 32, "x", 1, sig));
	}
}

static uint8_t good_sk[ED25519_SK_LEN];

static void
flipped_is_refused(const uint8_t *p, size_t n, void *arg)
{
	(void)n;
	(void)arg;
	if (ed25519_verify(good_sk + 32, "m", 1, p))
		fail_msg("verifies with %s", mutate_what());
}

static void
ed25519_refuses_every_flipped_bit(void **state)
{
	const uint8_t seed[ED25519_SEED_LEN] = {7};
	uint8_t sig[ED25519_SIG_LEN];

	(void)state;
	ed25519_from_seed(seed, good_sk);
	ed25519_sign(good_sk, "m", 1, sig);
	assert_int_equal(mutate_bits(sig, sizeof(sig), flipped_is_refused,
			     NULL),
	    512);
}

static void
ed25519_points_of_small_order_are_weak(void **state)
{
	/* y of each, little-endian in hex; the sign bit set or not. */
	static const char *const weak[] = {
	    "0000000000000000000000000000000000000000000000000000000000000000",
	    "0000000000000000000000000000000000000000000000000000000000000080",
	    "0100000000000000000000000000000000000000000000000000000000000000",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"};
	uint8_t pk[32];

	(void)state;
	for (size_t i = 0; i < sizeof(weak) / sizeof(*weak); i++) {
		assert_int_equal(hex_decode(weak[i], 64, pk, 32), 0);
		assert_true(ed25519_is_weak(pk));
	}
	for (size_t i = 0; i < sizeof(eddsa) / sizeof(*eddsa); i++) {
		assert_int_equal(hex_decode(eddsa[i].pk, 64, pk, 32), 0);
		assert_false(ed25519_is_weak(pk));
	}
}

static void
random_bytes_differ_and_fill_all(void **state)
{
	uint8_t a[64] = {0}, b[64] = {0}, seen[64] = {0};

	(void)state;
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	/* Each byte is set sometimes: 64 misses in a row are 2^-512. */
	for (int round = 0; round < 64; round++) {
		random_bytes(a, sizeof(a));
		for (size_t i = 0; i < sizeof(a); i++)
			seen[i] |= a[i];
	}
	for (size_t i = 0; i < sizeof(seen); i++)
		assert_int_not_equal(seen[i], 0);
}

static void
secret_memory_is_given_and_taken_back(void **state)
{
	void *p = NULL;

	(void)state;
	assert_int_equal(secmem_alloc(100, &p), 0);
	memset(p, 0xa5, 100);
	secmem_free(p);
	secmem_free(NULL);
}

/* In a child, since a limit cannot be raised again by everybody. */
static void
secret_memory_that_cannot_be_locked_is_refused(void **state)
{
	const struct rlimit none = {0, 0};
	void *p = NULL;
	pid_t pid;
	int status;

	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	/* These sanitizers make mlock() a success that does nothing. */
	skip();
#endif
	fflush(NULL);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		/* Root may lock without limit, so be somebody else. */
		if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 ||
		    (getuid() == 0 && setuid(65534) != 0))
			_exit(2);
		_exit(secmem_alloc(100, &p) == ERR_NOMEM && p == NULL ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
hardened_process_dumps_no_core(void **state)
{
	struct rlimit limit;
	pid_t pid;
	int status;

	(void)state;
	fflush(NULL);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		secmem_harden_process();
		_exit(getrlimit(RLIMIT_CORE, &limit) == 0 &&
			    limit.rlim_cur == 0 && limit.rlim_max == 0
			? 0
			: 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sha256_and_sha512_agree_with_fips_180),
	    cmocka_unit_test(sha1_agrees_with_fips_180),
	    cmocka_unit_test(parts_hash_as_their_concatenation),
	    cmocka_unit_test(fingerprint_is_what_ssh_keygen_prints),
	    cmocka_unit_test(text_forms_have_one_spelling),
	    cmocka_unit_test(threads_hash_each_for_itself),
	    cmocka_unit_test(ed25519_agrees_with_rfc_8032),
	    cmocka_unit_test(ed25519_refuses_every_flipped_bit),
	    cmocka_unit_test(ed25519_points_of_small_order_are_weak),
	    cmocka_unit_test(random_bytes_differ_and_fill_all),
	    cmocka_unit_test(secret_memory_is_given_and_taken_back),
	    cmocka_unit_test(secret_memory_that_cannot_be_locked_is_refused),
	    cmocka_unit_test(hardened_process_dumps_no_core),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* Private keys that are refused, each with the reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/crypto/bcrypt_pbkdf.h"
#include "lib/key/key.h"
#include "lib/key/key_impl.h"
#include "tests/unit/keycase.h"
#include "tests/unit/mutate.h"
#include "tests/unit/sshtool.h"

static void
what_is_no_private_key_is_named(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
	    {"", "not a private key"},
	    {"\n \t", "not a private key"},
	    {"hello", "not a private key"},
	    {"ssh-ed25519 AAAA", "a public key"},
	    {"-----BEGIN PUBLIC KEY-----\n", "a public key"},
	    {"-----BEGIN CERTIFICATE-----\n", "X.509"},
	    {"PuTTY-User-Key-File-3: ssh-ed25519", "PuTTY"},
	    {"-----BEGIN PRIVATE KEY-----\nAAAA\n", "malformed PEM"},
	    {OPENSSH_BEGIN "\nAAAA\n", "no line"},
	    {OPENSSH_BEGIN "\nAA!A\n" OPENSSH_END "\n", "base64"},
	    {OPENSSH_BEGIN "\nAAAA\n" OPENSSH_END "\n", "openssh-key-v1"},
	    {OPENSSH_BEGIN "\n" OPENSSH_END "\nmore", "more text"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct key *k = NULL;

		assert_int_equal(key_parse("NAME", slice_str(cases[i].text),
				     NULL, &k, &kc_err),
		    ERR_PARSE);
		if (strstr(kc_err.msg, cases[i].says) == NULL ||
		    strncmp(kc_err.msg, "NAME: ", 6) != 0)
			fail_msg("case %zu: %s", i, kc_err.msg);
	}
}

static void
files_that_others_may_read_are_refused(void **state)
{
	const char *path = sshtool_path("ed25519");
	struct key *k = NULL;

	(void)state;
	for (mode_t bit = 1; bit <= 040; bit <<= 1) {
		chmod(path, 0600 | bit);
		assert_int_equal(key_load_file(path, NULL, &k, &kc_err),
		    ERR_DENIED);
		assert_non_null(strstr(kc_err.hint, "chmod 600"));
	}
	chmod(path, 0400);
	assert_int_equal(key_load_file(path, NULL, &k, &kc_err), 0);
	key_free(k);
	chmod(path, 0600);
	k = NULL;
	assert_int_equal(key_load_file(sshtool_path(""), NULL, &k, &kc_err),
	    ERR_DENIED);
	assert_int_equal(key_load_file(sshtool_path("absent"), NULL, &k,
			     &kc_err),
	    ERR_NOTFOUND);
	assert_null(k);
}

static void
a_file_of_another_user_is_refused(void **state)
{
	const char *path = sshtool_path("foreign");
	struct key *k = NULL;
	size_t n;
	char *text;

	(void)state;
	if (geteuid() != 0)
		skip();
	text = sshtool_read("ed25519", &n);
	sshtool_write("foreign", text, n);
	free(text);
	assert_int_equal(chown(path, 12345, 12345), 0);
	assert_int_equal(key_load_file(path, NULL, &k, &kc_err), ERR_DENIED);
	assert_non_null(strstr(kc_err.msg, "12345"));
}

static void
a_file_of_64_kib_is_read_and_a_larger_one_refused(void **state)
{
	struct key *k = NULL;
	size_t n;
	char *text = sshtool_read("ed25519", &n);
	char *big = malloc(KEY_FILE_MAX + 1);

	(void)state;
	memset(big, '\n', KEY_FILE_MAX + 1);
	memcpy(big, text, n);
	sshtool_write("big", big, KEY_FILE_MAX);
	assert_int_equal(key_load_file(sshtool_path("big"), NULL, &k, &kc_err),
	    0);
	key_free(k);
	k = NULL;
	sshtool_write("big", big, KEY_FILE_MAX + 1);
	assert_int_equal(key_load_file(sshtool_path("big"), NULL, &k, &kc_err),
	    ERR_LIMIT);
	assert_int_equal(key_parse("x", slice_of(big, KEY_FILE_MAX + 1), NULL,
			     &k, &kc_err),
	    ERR_LIMIT);
	free(text);
	free(big);
}

/* The decoded bytes of an unencrypted file, and back to a file. */
static struct buf *
unarmored(const char *name)
{
	struct buf *b = NULL, *flat = NULL;
	size_t n;
	char *text = sshtool_read(name, &n);
	const char *p = strchr(text, '\n'), *end = strstr(text, OPENSSH_END);

	assert_int_equal(buf_new(&b, 65536), 0);
	assert_int_equal(buf_new(&flat, 65536), 0);
	for (; p < end; p++)
		if (*p != '\n')
			assert_int_equal(buf_put_u8(flat, (uint8_t)*p), 0);
	assert_int_equal(base64_decode((const char *)buf_slice(flat).p,
			     buf_len(flat), b),
	    0);
	buf_free(flat);
	free(text);
	return b;
}

static int
parse_blob(const uint8_t *p, size_t n, const struct passphrase *pass,
    struct key **k)
{
	struct str text = STR_INIT;
	int r;

	str_add(&text, OPENSSH_BEGIN "\n");
	str_add_base64(&text, p, n);
	str_add(&text, "\n" OPENSSH_END "\n");
	r = key_parse("x", slice_of(text.p, text.n), pass, k, &kc_err);
	str_clear(&text);
	return r;
}

/* A file may say anything of its key, and no escape sequence gets out of it. */
static void
a_dirty_comment_is_none(void **state)
{
	struct buf *b = unarmored("ed25519");
	struct slice v = buf_slice(b);
	uint8_t *copy = malloc(v.n), *comment;
	struct key *k = NULL;

	(void)state;
	assert_non_null(copy);
	memcpy(copy, v.p, v.n);
	comment = memmem(copy, v.n, "a comment", 9);
	assert_non_null(comment);
	assert_int_equal(parse_blob(copy, v.n, NULL, &k), 0);
	assert_string_equal(key_comment(k), "a comment");
	key_free(k);
	k = NULL;
	comment[1] = 0x1b;
	assert_int_equal(parse_blob(copy, v.n, NULL, &k), 0);
	assert_string_equal(key_comment(k), "");
	key_free(k);
	free(copy);
	buf_free(b);
}

/* Either refused, or the very same key: a bit of check or comment. */
static void
check_mutation(const uint8_t *p, size_t n, void *arg)
{
	struct key *k = NULL;
	int r = parse_blob(p, n, NULL, &k);

	if (r == 0 && !pubkey_equal(key_public(k), arg))
		fail_msg("%s: another key came out", mutate_what());
	if (r != 0 && (k != NULL || kc_err.msg[0] == '\0'))
		fail_msg("%s: no message, or a key", mutate_what());
	key_free(k);
}

/* Bytes that may change unseen: the comment and its length. */
static size_t comment_from, comment_to, accepted;

static void
check_flip(const uint8_t *p, size_t n, void *arg)
{
	struct key *k = NULL;

	check_mutation(p, n, arg);
	if (parse_blob(p, n, NULL, &k) != 0)
		return;
	key_free(k);
	accepted++;
	if (mutate_at() < comment_from || mutate_at() >= comment_to)
		fail_msg("%s: accepted", mutate_what());
}

static void
check_cut(const uint8_t *p, size_t n, void *arg)
{
	struct key *k = NULL;

	(void)arg;
	if (parse_blob(p, n, NULL, &k) == 0)
		fail_msg("%s: accepted", mutate_what());
}

static void
bit_flips_and_cuts_never_give_another_key(void **state)
{
	struct buf *b = unarmored("ed25519");
	struct pubkey *pub = kc_public_of("ed25519.pub");
	struct slice s = buf_slice(b);
	const uint8_t *comment = memmem(s.p, s.n, "a comment", 9);

	(void)state;
	assert_non_null(comment);
	comment_from = (size_t)(comment - s.p) - 4;
	comment_to = (size_t)(comment - s.p) + 9;
	accepted = 0;
	(void)mutate_bits(s.p, s.n, check_flip, pub);
	assert_in_range(accepted, 8 * 9, 8 * 9 + 1);
	(void)mutate_cuts(s.p, s.n, check_cut, pub);
	buf_free(b);
	pubkey_free(pub);
	b = unarmored("p256");
	pub = kc_public_of("p256.pub");
	(void)mutate_each(buf_slice(b).p, buf_len(b), check_mutation, pub);
	buf_free(b);
	pubkey_free(pub);
}

static void
damaged_pem_is_refused(void **state)
{
	struct key *k = NULL;
	size_t n;
	char *text;

	(void)state;
	kc_convert("p256", "pem", "-m", "PKCS8", "");
	text = sshtool_read("pem", &n);
	for (size_t cut = 0; cut < n - 26; cut++) {
		assert_true(key_parse("x", slice_of(text, cut), NULL, &k,
				&kc_err) != 0);
		assert_null(k);
	}
	free(text);
}

static void
a_file_that_asks_for_too_many_rounds_is_refused(void **state)
{
	struct passphrase p = kc_says(PASS);
	struct key *k = NULL;
	struct buf *b;
	uint8_t *raw;
	size_t n, at;

	(void)state;
	kc_convert("ed25519", "enc", "-Z", "aes256-ctr", PASS);
	b = unarmored("enc");
	/* magic, cipher, kdf, length of options, salt: then the rounds. */
	at = 15 + 4 + 10 + 4 + 6 + 4 + 4 + 16;
	buf_take(b, &raw, &n);
	assert_int_equal(raw[at + 3], 16);
	raw[at + 2] = (BCRYPT_ROUNDS_MAX + 1) >> 8;
	raw[at + 3] = (BCRYPT_ROUNDS_MAX + 1) & 0xff;
	assert_int_equal(parse_blob(raw, n, &p, &k), ERR_LIMIT);
	raw[at + 2] = raw[at + 3] = 0;
	assert_int_equal(parse_blob(raw, n, &p, &k), ERR_LIMIT);
	assert_int_equal(kc_asked, 0);
	free(raw);
	buf_free(b);
}

static void
a_seed_with_another_public_half_is_refused(void **state)
{
	struct buf *b = unarmored("ed25519");
	struct key *k = NULL;
	uint8_t *raw;
	size_t n, seed;

	(void)state;
	buf_take(b, &raw, &n);
	buf_free(b);
	/* From the end: padding up to 8, comment, 64 bytes of secret. */
	for (seed = n - 1; raw[seed] != 't'; seed--)
		continue;
	seed -= 8 + 4 + 64;
	raw[seed] ^= 1;
	assert_int_equal(parse_blob(raw, n, NULL, &k), ERR_PARSE);
	assert_non_null(strstr(kc_err.msg, "does not belong"));
	free(raw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_dirty_comment_is_none),
	    T(what_is_no_private_key_is_named),
	    T(files_that_others_may_read_are_refused),
	    T(a_file_of_another_user_is_refused),
	    T(a_file_of_64_kib_is_read_and_a_larger_one_refused),
	    T(bit_flips_and_cuts_never_give_another_key),
	    T(damaged_pem_is_refused),
	    T(a_file_that_asks_for_too_many_rounds_is_refused),
	    T(a_seed_with_another_public_half_is_refused),
	};

	return cmocka_run_group_tests(tests, kc_setup, sshtool_teardown);
}

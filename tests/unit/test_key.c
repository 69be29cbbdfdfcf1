/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/base/parallel.h"
#include "lib/crypto/bcrypt_pbkdf.h"
#include "lib/crypto/ed25519.h"
#include "lib/key/key.h"
#include "lib/key/key_impl.h"
#include "lib/ssh/sshsig.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"
#include "tests/unit/sshtool.h"

#define PASS "a Passphrase with blanks"

static struct err err;

static int
teardown(void **state)
{
	(void)state;
	err = (struct err){0};
	return 0;
}

static int asked;

static int
answer(void *ctx, const char *what, char *out, size_t max, size_t *n)
{
	const char *phrase = ctx;

	asked++;
	assert_non_null(what);
	assert_int_equal(max, PASSPHRASE_MAX);
	if (phrase == NULL)
		return 1;
	*n = strlen(phrase);
	memcpy(out, phrase, *n);
	return 0;
}

static struct passphrase
says(const char *phrase)
{
	asked = 0;
	return (struct passphrase){answer, (void *)(uintptr_t)phrase};
}

static struct pubkey *
public_of(const char *name)
{
	struct pubkey *pub = NULL;
	size_t n;
	char *line = sshtool_read(name, &n);

	assert_int_equal(pubkey_parse_line(line, n, &pub, NULL, NULL), 0);
	free(line);
	return pub;
}

/* The key is that of NAME.pub, and what it signs verifies. */
static void
assert_works(struct key *k, const struct pubkey *pub)
{
	struct slice msg = slice_str("a message");
	struct buf *sig = NULL;

	assert_true(pubkey_equal(key_public(k), pub));
	assert_int_equal(buf_new(&sig, 8192), 0);
	for (int i = 0; i < 2; i++) {
		buf_reset(sig);
		assert_int_equal(key_sign(k, msg, sig, &err), 0);
		assert_int_equal(pubkey_verify(pub, key_sig_alg(k),
				     buf_slice(sig), msg, NULL, &err),
		    0);
	}
	buf_free(sig);
}

static const struct kind {
	const char *name;
	enum pubkey_type type;
	const char *t, *bits; /* as ssh-keygen has it */
	const char *alg;
} kinds[] = {
    {"ed25519", PUBKEY_ED25519, "ed25519", "256", "ssh-ed25519"},
    {"p256", PUBKEY_ECDSA256, "ecdsa", "256", "ecdsa-sha2-nistp256"},
    {"p384", PUBKEY_ECDSA384, "ecdsa", "384", "ecdsa-sha2-nistp384"},
    {"p521", PUBKEY_ECDSA521, "ecdsa", "521", "ecdsa-sha2-nistp521"},
    {"rsa", PUBKEY_RSA, "rsa", "2048", "rsa-sha2-512"},
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int
group_setup(void **state)
{
	if (sshtool_setup(state) != 0)
		return 1;
	for (size_t i = 0; i < N_KINDS; i++)
		sshtool_run("ssh-keygen", "-q", "-t", kinds[i].t, "-b",
		    kinds[i].bits, "-N", "", "-C", "a comment", "-f",
		    sshtool_path(kinds[i].name), NULL);
	return 0;
}

static void
every_type_loads_from_openssh_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_KINDS; i++) {
		char pub_name[64];
		struct pubkey *pub;
		struct key *k = NULL;

		print_message("%s\n", kinds[i].name);
		snprintf(pub_name, sizeof(pub_name), "%s.pub", kinds[i].name);
		pub = public_of(pub_name);
		assert_int_equal(key_load_file(sshtool_path(kinds[i].name),
				     NULL, &k, &err),
		    0);
		assert_string_equal(key_sig_alg(k), kinds[i].alg);
		assert_works(k, pub);
		key_free(k);
		pubkey_free(pub);
	}
}

/* A copy of a key, converted by ssh-keygen -p with these options. */
static void
convert(const char *from, const char *to, const char *o1, const char *v1,
    const char *pass)
{
	size_t n;
	char *text = sshtool_read(from, &n);

	sshtool_write(to, text, n);
	free(text);
	sshtool_run("ssh-keygen", "-q", "-p", "-P", "", "-N", pass, "-f",
	    sshtool_path(to), o1, v1, NULL);
}

static void
check_loads(const char *name, const char *pub_name, const char *pass)
{
	struct passphrase p = says(pass);
	struct pubkey *pub = public_of(pub_name);
	struct key *k = NULL;

	if (key_load_file(sshtool_path(name), &p, &k, &err) != 0)
		fail_msg("%s: %s", name, err.msg);
	assert_int_equal(asked, pass != NULL);
	assert_works(k, pub);
	key_free(k);
	pubkey_free(pub);
}

static void
every_aes_cipher_of_ssh_keygen_is_read(void **state)
{
	static const char *const ciphers[] = {"aes256-ctr", "aes192-ctr",
	    "aes128-ctr", "aes256-cbc", "aes192-cbc", "aes128-cbc",
	    "aes256-gcm@openssh.com", "aes128-gcm@openssh.com"};
	struct passphrase wrong;
	struct key *k = NULL;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		print_message("%s\n", ciphers[i]);
		convert("ed25519", "enc", "-Z", ciphers[i], PASS);
		check_loads("enc", "ed25519.pub", PASS);
		wrong = says(PASS "x");
		assert_int_equal(key_load_file(sshtool_path("enc"), &wrong, &k,
				     &err),
		    ERR_BADSIG);
		assert_non_null(strstr(err.msg, "wrong passphrase"));
		assert_null(k);
	}
	convert("rsa", "enc", "-Z", "aes256-ctr", PASS);
	check_loads("enc", "rsa.pub", PASS);
	convert("p521", "enc", "-a", "3", PASS);
	check_loads("enc", "p521.pub", PASS);
}

static void
a_cipher_openssl_lacks_is_named(void **state)
{
	struct passphrase p = says(PASS);
	struct key *k = NULL;

	(void)state;
	convert("ed25519", "enc", "-Z", "chacha20-poly1305@openssh.com", PASS);
	assert_int_equal(key_load_file(sshtool_path("enc"), &p, &k, &err),
	    ERR_PARSE);
	assert_non_null(strstr(err.msg, "'chacha20-poly1305@openssh.com'"));
	assert_int_equal(asked, 0);
}

static void
pem_forms_of_ssh_keygen_are_read(void **state)
{
	static const char *const forms[] = {"PEM", "PKCS8"};

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		for (size_t i = 1; i < N_KINDS; i++) {
			char pub[64];

			print_message("%s %s\n", forms[f], kinds[i].name);
			snprintf(pub, sizeof(pub), "%s.pub", kinds[i].name);
			convert(kinds[i].name, "pem", "-m", forms[f], "");
			check_loads("pem", pub, NULL);
			convert(kinds[i].name, "pem", "-m", forms[f], PASS);
			check_loads("pem", pub, PASS);
		}
	}
}

static void
a_wrong_passphrase_of_a_pem_file_says_so(void **state)
{
	static const char *const forms[] = {"PEM", "PKCS8"};
	struct passphrase p;
	struct key *k = NULL;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		convert("p256", "pem", "-m", forms[f], PASS);
		p = says("something else");
		assert_int_equal(key_load_file(sshtool_path("pem"), &p, &k,
				     &err),
		    ERR_BADSIG);
		assert_int_equal(asked, 1);
		p = says(NULL);
		assert_int_equal(key_load_file(sshtool_path("pem"), &p, &k,
				     &err),
		    ERR_DENIED);
		assert_non_null(strstr(err.msg, "no passphrase given"));
		assert_int_equal(key_load_file(sshtool_path("pem"), NULL, &k,
				     &err),
		    ERR_DENIED);
		assert_non_null(strstr(err.msg, "nobody to ask"));
	}
}

static void
keys_of_openssl_are_read(void **state)
{
	static const struct {
		const char *alg, *opt;
		int want;
		const char *type;
	} cases[] = {
	    {"ED25519", NULL, 0, "ssh-ed25519"},
	    {"EC", "ec_paramgen_curve:P-256", 0, "ecdsa-sha2-nistp256"},
	    {"EC", "ec_paramgen_curve:P-521", 0, "ecdsa-sha2-nistp521"},
	    {"RSA", "rsa_keygen_bits:2048", 0, "ssh-rsa"},
	    {"EC", "ec_paramgen_curve:secp256k1", ERR_PARSE, "another curve"},
	    {"RSA", "rsa_keygen_bits:1024", ERR_LIMIT, "1024"},
	    {"X25519", NULL, ERR_PARSE, "X25519"},
	    {"ED448", NULL, ERR_PARSE, "ED448"},
	    {"RSA-PSS", "rsa_keygen_bits:2048", ERR_PARSE, "RSA-PSS"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct key *k = NULL;

		print_message("%s %s\n", cases[i].alg,
		    cases[i].opt != NULL ? cases[i].opt : "");
		sshtool_run("openssl", "genpkey", "-quiet", "-algorithm",
		    cases[i].alg, "-out", sshtool_path("ossl"),
		    cases[i].opt != NULL ? "-pkeyopt" : NULL, cases[i].opt,
		    NULL);
		assert_int_equal(key_load_file(sshtool_path("ossl"), NULL, &k,
				     &err),
		    cases[i].want);
		if (cases[i].want == 0) {
			assert_string_equal(pubkey_type_name(key_public(k)),
			    cases[i].type);
			assert_works(k, key_public(k));
		} else if (strstr(err.msg, cases[i].type) == NULL) {
			fail_msg("%s", err.msg);
		}
		key_free(k);
	}
}

static void
a_compressed_point_and_curve_parameters_are_read(void **state)
{
	struct key *k = NULL, *again = NULL;

	(void)state;
	sshtool_run("openssl", "ecparam", "-name", "prime256v1", "-genkey",
	    "-out", sshtool_path("params"), NULL);
	assert_int_equal(key_load_file(sshtool_path("params"), NULL, &k, &err),
	    0);
	sshtool_run("openssl", "ec", "-in", sshtool_path("params"),
	    "-conv_form", "compressed", "-out", sshtool_path("compressed"),
	    NULL);
	chmod(sshtool_path("compressed"), 0600);
	assert_int_equal(key_load_file(sshtool_path("compressed"), NULL, &again,
			     &err),
	    0);
	assert_works(again, key_public(k));
	key_free(k);
	key_free(again);
}

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
				     NULL, &k, &err),
		    ERR_PARSE);
		if (strstr(err.msg, cases[i].says) == NULL ||
		    strncmp(err.msg, "NAME: ", 6) != 0)
			fail_msg("case %zu: %s", i, err.msg);
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
		assert_int_equal(key_load_file(path, NULL, &k, &err),
		    ERR_DENIED);
		assert_non_null(strstr(err.hint, "chmod 600"));
	}
	chmod(path, 0400);
	assert_int_equal(key_load_file(path, NULL, &k, &err), 0);
	key_free(k);
	chmod(path, 0600);
	k = NULL;
	assert_int_equal(key_load_file(sshtool_path(""), NULL, &k, &err),
	    ERR_DENIED);
	assert_int_equal(key_load_file(sshtool_path("absent"), NULL, &k, &err),
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
	assert_int_equal(key_load_file(path, NULL, &k, &err), ERR_DENIED);
	assert_non_null(strstr(err.msg, "12345"));
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
	assert_int_equal(key_load_file(sshtool_path("big"), NULL, &k, &err), 0);
	key_free(k);
	k = NULL;
	sshtool_write("big", big, KEY_FILE_MAX + 1);
	assert_int_equal(key_load_file(sshtool_path("big"), NULL, &k, &err),
	    ERR_LIMIT);
	assert_int_equal(key_parse("x", slice_of(big, KEY_FILE_MAX + 1), NULL,
			     &k, &err),
	    ERR_LIMIT);
	free(text);
	free(big);
}

static void
generated_keys_go_through_a_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_KINDS; i++) {
		struct key *k = NULL, *again = NULL;
		struct str text = STR_INIT;
		struct passphrase p = says(PASS);

		print_message("%s\n", kinds[i].name);
		assert_int_equal(key_generate(kinds[i].type, &k, &err), 0);
		assert_works(k, key_public(k));
		assert_int_equal(key_encode_openssh(k, "", NULL, 0, &text,
				     &err),
		    0);
		assert_int_equal(key_parse("x", slice_of(text.p, text.n), NULL,
				     &again, &err),
		    0);
		assert_works(again, key_public(k));
		key_free(again);
		again = NULL;
		str_clear(&text);
		assert_int_equal(key_encode_openssh(k, "c", PASS, strlen(PASS),
				     &text, &err),
		    0);
		assert_int_equal(key_parse("x", slice_of(text.p, text.n), &p,
				     &again, &err),
		    0);
		assert_works(again, key_public(k));
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
	assert_int_equal(key_generate(PUBKEY_RSA, &k, &err), 0);
	assert_int_equal(pubkey_bits(key_public(k)), 3072);
	key_free(k);
	k = NULL;
	assert_int_equal(key_generate(PUBKEY_SK_ED25519, &k, &err), ERR_USAGE);
	assert_null(k);
}

static void
writing_refuses_a_dirty_comment_and_an_empty_passphrase(void **state)
{
	struct key *k = NULL;
	struct str text = STR_INIT;

	(void)state;
	assert_int_equal(key_generate(PUBKEY_ED25519, &k, &err), 0);
	assert_int_equal(key_encode_openssh(k, "a\nb", NULL, 0, &text, &err),
	    ERR_PARSE);
	assert_int_equal(key_encode_openssh(k, "", "", 0, &text, &err),
	    ERR_LIMIT);
	assert_int_equal(text.n, 0);
	key_free(k);
}

static void
ed25519_signatures_can_be_had_raw(void **state)
{
	struct slice msg = slice_str("note");
	struct key *k = NULL;
	uint8_t sig[64] = {0};

	(void)state;
	assert_int_equal(key_generate(PUBKEY_ED25519, &k, &err), 0);
	assert_int_equal(key_sign_ed25519(k, msg, sig, &err), 0);
	assert_true(ed25519_verify(pubkey_ed25519(key_public(k)), msg.p, msg.n,
	    sig));
	key_free(k);
	k = NULL;
	assert_int_equal(key_generate(PUBKEY_ECDSA256, &k, &err), 0);
	assert_int_equal(key_sign_ed25519(k, msg, sig, &err), ERR_CRYPTO);
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
	for (size_t i = 0; i < N_KINDS; i++) {
		struct key *k = NULL;
		struct str text = STR_INIT;
		struct sshsig s;
		size_t used = 0;

		assert_int_equal(key_load_file(sshtool_path(kinds[i].name),
				     NULL, &k, &err),
		    0);
		assert_int_equal(key_sshsig(k, "request@writ", msg, &text,
				     &err),
		    0);
		sshsig_init(&s);
		assert_int_equal(sshsig_parse_armor(slice_of(text.p, text.n),
				     &s, &used, &err),
		    0);
		assert_int_equal(used, text.n);
		assert_string_equal(s.hash, "sha512");
		assert_int_equal(sshsig_verify(&s, "request@writ", msg, NULL,
				     &err),
		    0);
		sshsig_clear(&s);
		str_clear(&text);
		key_free(k);
	}
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
	r = key_parse("x", slice_of(text.p, text.n), pass, k, &err);
	str_clear(&text);
	return r;
}

/* Either refused, or the very same key: a bit of check or comment. */
static void
check_mutation(const uint8_t *p, size_t n, void *arg)
{
	struct key *k = NULL;
	int r = parse_blob(p, n, NULL, &k);

	if (r == 0 && !pubkey_equal(key_public(k), arg))
		fail_msg("%s: another key came out", mutate_what());
	if (r != 0 && (k != NULL || err.msg[0] == '\0'))
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
	struct pubkey *pub = public_of("ed25519.pub");
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
	pub = public_of("p256.pub");
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
	convert("p256", "pem", "-m", "PKCS8", "");
	text = sshtool_read("pem", &n);
	for (size_t cut = 0; cut < n - 26; cut++) {
		assert_true(key_parse("x", slice_of(text, cut), NULL, &k,
				&err) != 0);
		assert_null(k);
	}
	free(text);
}

static void
a_file_that_asks_for_too_many_rounds_is_refused(void **state)
{
	struct passphrase p = says(PASS);
	struct key *k = NULL;
	struct buf *b;
	uint8_t *raw;
	size_t n, at;

	(void)state;
	convert("ed25519", "enc", "-Z", "aes256-ctr", PASS);
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
	assert_int_equal(asked, 0);
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
	assert_non_null(strstr(err.msg, "does not belong"));
	free(raw);
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
		r = key_generate(PUBKEY_ED25519, &k, &err);
		if (r != ERR_NOMEM || k != NULL)
			_exit(1);
		_exit(strstr(err.msg, "ulimit -l") != NULL ? 0 : 2);
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
	struct passphrase p = says(PASS);
	struct key *k = NULL;
	int r;

	r = key_parse("x", slice_of(t->p, t->n), &p, &k, &err);
	key_free(k);
	return r;
}

static int
encode_once(void *arg)
{
	struct str out = STR_INIT;
	int r;

	r = key_encode_openssh(arg, "c", NULL, 0, &out, &err);
	str_clear(&out);
	return r;
}

static int
sshsig_once(void *arg)
{
	struct str out = STR_INIT;
	int r;

	r = key_sshsig(arg, "n@w", slice_str("m"), &out, &err);
	str_clear(&out);
	return r;
}

static void
every_failing_allocation_is_reported(void **state)
{
	struct key *k = NULL;

	(void)state;
	convert("ed25519", "enc", "-a", "1", PASS);
	convert("p256", "pem", "-m", "PKCS8", "");
	for (size_t i = 0; i < N_KINDS + 2; i++) {
		struct text t;

		t.p = sshtool_read(i < N_KINDS ? kinds[i].name
			: i == N_KINDS         ? "enc"
					       : "pem",
		    &t.n);
		assert_true(alloc_each(load_once, &t) >= 3);
		free(t.p);
	}
	for (size_t i = 0; i < N_KINDS; i++) {
		assert_int_equal(key_load_file(sshtool_path(kinds[i].name),
				     NULL, &k, &err),
		    0);
		assert_true(alloc_each(encode_once, k) >= 3);
		assert_true(alloc_each(sshsig_once, k) >= 2);
		key_free(k);
	}
}

#define T(f) cmocka_unit_test_teardown(f, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(every_type_loads_from_openssh_format),
	    T(every_aes_cipher_of_ssh_keygen_is_read),
	    T(a_cipher_openssl_lacks_is_named),
	    T(pem_forms_of_ssh_keygen_are_read),
	    T(a_wrong_passphrase_of_a_pem_file_says_so),
	    T(keys_of_openssl_are_read),
	    T(a_compressed_point_and_curve_parameters_are_read),
	    T(what_is_no_private_key_is_named),
	    T(files_that_others_may_read_are_refused),
	    T(a_file_of_another_user_is_refused),
	    T(a_file_of_64_kib_is_read_and_a_larger_one_refused),
	    T(generated_keys_go_through_a_file),
	    T(a_generated_rsa_key_has_3072_bits),
	    T(writing_refuses_a_dirty_comment_and_an_empty_passphrase),
	    T(ed25519_signatures_can_be_had_raw),
	    T(several_threads_may_sign_with_one_ed25519_key),
	    T(sshsig_blocks_verify),
	    T(bit_flips_and_cuts_never_give_another_key),
	    T(damaged_pem_is_refused),
	    T(a_file_that_asks_for_too_many_rounds_is_refused),
	    T(a_seed_with_another_public_half_is_refused),
	    T(without_lockable_memory_a_key_is_refused_with_the_reason),
	    T(every_failing_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, group_setup, sshtool_teardown);
}

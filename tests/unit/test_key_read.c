/* SPDX-License-Identifier: ISC */
/* Private keys that are read: every type, format and cipher there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "lib/key/key.h"
#include "tests/unit/keycase.h"
#include "tests/unit/sshtool.h"

static void
every_type_loads_from_openssh_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_KC_KINDS; i++) {
		char pub_name[64];
		struct pubkey *pub;
		struct key *k = NULL;

		print_message("%s\n", kc_kinds[i].name);
		snprintf(pub_name, sizeof(pub_name), "%s.pub",
		    kc_kinds[i].name);
		pub = kc_public_of(pub_name);
		assert_int_equal(key_load_file(sshtool_path(kc_kinds[i].name),
				     NULL, &k, &kc_err),
		    0);
		assert_string_equal(key_sig_alg(k), kc_kinds[i].alg);
		kc_assert_works(k, pub);
		key_free(k);
		pubkey_free(pub);
	}
}

static void
check_loads(const char *name, const char *pub_name, const char *pass)
{
	struct passphrase p = kc_says(pass);
	struct pubkey *pub = kc_public_of(pub_name);
	struct key *k = NULL;

	if (key_load_file(sshtool_path(name), &p, &k, &kc_err) != 0)
		fail_msg("%s: %s", name, kc_err.msg);
	assert_int_equal(kc_asked, pass != NULL);
	kc_assert_works(k, pub);
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
		kc_convert("ed25519", "enc", "-Z", ciphers[i], PASS);
		check_loads("enc", "ed25519.pub", PASS);
		wrong = kc_says(PASS "x");
		assert_int_equal(key_load_file(sshtool_path("enc"), &wrong, &k,
				     &kc_err),
		    ERR_BADSIG);
		assert_non_null(strstr(kc_err.msg, "wrong passphrase"));
		assert_null(k);
	}
	kc_convert("rsa", "enc", "-Z", "aes256-ctr", PASS);
	check_loads("enc", "rsa.pub", PASS);
	kc_convert("p521", "enc", "-a", "3", PASS);
	check_loads("enc", "p521.pub", PASS);
}

static void
a_cipher_openssl_lacks_is_named(void **state)
{
	struct passphrase p = kc_says(PASS);
	struct key *k = NULL;

	(void)state;
	kc_convert("ed25519", "enc", "-Z", "chacha20-poly1305@openssh.com",
	    PASS);
	assert_int_equal(key_load_file(sshtool_path("enc"), &p, &k, &kc_err),
	    ERR_PARSE);
	assert_non_null(strstr(kc_err.msg, "'chacha20-poly1305@openssh.com'"));
	assert_int_equal(kc_asked, 0);
}

static void
pem_forms_of_ssh_keygen_are_read(void **state)
{
	static const char *const forms[] = {"PEM", "PKCS8"};

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		for (size_t i = 1; i < N_KC_KINDS; i++) {
			char pub[64];

			print_message("%s %s\n", forms[f], kc_kinds[i].name);
			snprintf(pub, sizeof(pub), "%s.pub", kc_kinds[i].name);
			kc_convert(kc_kinds[i].name, "pem", "-m", forms[f], "");
			check_loads("pem", pub, NULL);
			kc_convert(kc_kinds[i].name, "pem", "-m", forms[f],
			    PASS);
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
		kc_convert("p256", "pem", "-m", forms[f], PASS);
		p = kc_says("something else");
		assert_int_equal(key_load_file(sshtool_path("pem"), &p, &k,
				     &kc_err),
		    ERR_BADSIG);
		assert_int_equal(kc_asked, 1);
		p = kc_says(NULL);
		assert_int_equal(key_load_file(sshtool_path("pem"), &p, &k,
				     &kc_err),
		    ERR_DENIED);
		assert_non_null(strstr(kc_err.msg, "no passphrase given"));
		assert_int_equal(key_load_file(sshtool_path("pem"), NULL, &k,
				     &kc_err),
		    ERR_DENIED);
		assert_non_null(strstr(kc_err.msg, "nobody to ask"));
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
				     &kc_err),
		    cases[i].want);
		if (cases[i].want == 0) {
			assert_string_equal(pubkey_type_name(key_public(k)),
			    cases[i].type);
			kc_assert_works(k, key_public(k));
		} else if (strstr(kc_err.msg, cases[i].type) == NULL) {
			fail_msg("%s", kc_err.msg);
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
	assert_int_equal(key_load_file(sshtool_path("params"), NULL, &k,
			     &kc_err),
	    0);
	sshtool_run("openssl", "ec", "-in", sshtool_path("params"),
	    "-conv_form", "compressed", "-out", sshtool_path("compressed"),
	    NULL);
	chmod(sshtool_path("compressed"), 0600);
	assert_int_equal(key_load_file(sshtool_path("compressed"), NULL, &again,
			     &kc_err),
	    0);
	kc_assert_works(again, key_public(k));
	key_free(k);
	key_free(again);
}

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
	};

	return cmocka_run_group_tests(tests, kc_setup, sshtool_teardown);
}

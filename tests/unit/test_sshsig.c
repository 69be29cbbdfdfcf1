/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ssh/sshsig.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"
#include "tests/unit/sshdata.h"

static char *message;
static size_t message_len;

static int
setup(void **state)
{
	(void)state;
	message = data_read("message", &message_len);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(message);
	return 0;
}

static struct slice
msg(void)
{
	return slice_of(message, message_len);
}

static char *
armor_of(const char *key, const char *hash, size_t *n)
{
	char file[64];

	snprintf(file, sizeof(file), "%s.%s.sig", key, hash);
	return data_read(file, n);
}

static void
load(struct sshsig *s, const char *key, const char *hash)
{
	size_t n, used;
	char *text = armor_of(key, hash, &n);

	sshsig_init(s);
	assert_int_equal(sshsig_parse_armor(slice_of(text, n), s, &used, NULL),
	    0);
	assert_int_equal(used, n);
	free(text);
}

static void
signatures_of_ssh_keygen_verify(void **state)
{
	static const char *const hashes[] = {"sha256", "sha512"};
	struct pubkey *k;
	struct sshsig s;
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		load(&s, data_types[i / 2], hashes[i % 2]);
		k = data_pubkey(data_types[i / 2]);
		assert_true(pubkey_equal(k, s.key));
		assert_string_equal(s.ns, "test@writ");
		assert_string_equal(s.hash, hashes[i % 2]);
		if (sshsig_verify(&s, "test@writ", msg(), NULL, &e) != 0)
			fail_msg("%s: %s", data_types[i / 2], e.msg);
		pubkey_free(k);
		sshsig_clear(&s);
	}
}

static void
armor_is_written_as_ssh_keygen_writes_it(void **state)
{
	struct str out = STR_INIT;
	struct sshsig s;
	char *text;
	size_t n;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		load(&s, data_types[i], "sha512");
		text = armor_of(data_types[i], "sha512", &n);
		str_reset(&out);
		assert_int_equal(sshsig_add_armor(&out, s.key, s.ns, s.hash,
				     slice_of(s.sig, s.sig_len)),
		    0);
		assert_string_equal(out.p, text);
		free(text);
		sshsig_clear(&s);
	}
	str_clear(&out);
}

static void
another_namespace_is_refused_and_named(void **state)
{
	static const char *const others[] = {
	    "test@writx", "test@wri", "", "file", "Test@writ"};
	struct sshsig s;
	struct err e;

	(void)state;
	load(&s, "ed25519", "sha512");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		e = (struct err){0};
		assert_int_equal(sshsig_verify(&s, others[i], msg(), NULL, &e),
		    ERR_BADSIG);
		assert_non_null(strstr(e.msg, "'test@writ'"));
	}
	/* nor does it verify when it only claims the other one */
	free(s.ns);
	s.ns = str_dup("file");
	assert_int_equal(sshsig_verify(&s, "file", msg(), NULL, &e),
	    ERR_BADSIG);
	sshsig_clear(&s);
}

static void
another_message_or_hash_is_refused(void **state)
{
	struct sshsig s;

	(void)state;
	load(&s, "ed25519", "sha512");
	assert_int_equal(sshsig_verify(&s, "test@writ",
			     slice_of(message, message_len - 1), NULL, NULL),
	    ERR_BADSIG);
	assert_int_equal(sshsig_verify(&s, "test@writ", slice_of(NULL, 0), NULL,
			     NULL),
	    ERR_BADSIG);
	free(s.hash);
	s.hash = str_dup("sha256");
	assert_int_equal(sshsig_verify(&s, "test@writ", msg(), NULL, NULL),
	    ERR_BADSIG);
	sshsig_clear(&s);
}

static void
another_key_is_refused(void **state)
{
	struct sshsig s;

	(void)state;
	load(&s, "ed25519", "sha512");
	pubkey_free(s.key);
	s.key = data_pubkey("ed25519-2");
	assert_int_equal(sshsig_verify(&s, "test@writ", msg(), NULL, NULL),
	    ERR_BADSIG);
	pubkey_free(s.key);
	s.key = data_pubkey("ecdsa256");
	assert_int_equal(sshsig_verify(&s, "test@writ", msg(), NULL, NULL),
	    ERR_BADSIG);
	sshsig_clear(&s);
}

/* The blob again, since only the armor is on disk. */
static struct buf *
blob_of(const struct sshsig *s, const char *ns, const char *reserved,
    const char *hash)
{
	const struct slice k = pubkey_blob(s->key);
	struct buf *b;
	int r = 0;

	assert_int_equal(buf_new(&b, 65536), 0);
	r |= buf_put(b, "SSHSIG", 6);
	r |= buf_put_u32(b, 1);
	r |= buf_put_string(b, k.p, k.n);
	r |= buf_put_cstring(b, ns);
	r |= buf_put_cstring(b, reserved);
	r |= buf_put_cstring(b, hash);
	r |= buf_put_string(b, s->sig, s->sig_len);
	assert_int_equal(r, 0);
	return b;
}

static void
mutant_never_verifies(const uint8_t *p, size_t n, void *arg)
{
	struct sshsig s;

	(void)arg;
	sshsig_init(&s);
	if (sshsig_parse(slice_of(p, n), &s, NULL) == 0 &&
	    sshsig_verify(&s, "test@writ", msg(), NULL, NULL) == 0)
		fail_msg("verifies with %s", mutate_what());
	sshsig_clear(&s);
}

static void
every_flip_and_cut_of_a_blob_is_refused(void **state)
{
	struct sshsig s;
	struct buf *b;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		load(&s, data_types[i], "sha512");
		b = blob_of(&s, s.ns, "", s.hash);
		mutate_each(buf_slice(b).p, buf_len(b), mutant_never_verifies,
		    NULL);
		buf_free(b);
		sshsig_clear(&s);
	}
}

static void
mutant_armor_never_verifies(const uint8_t *p, size_t n, void *arg)
{
	struct sshsig s;
	size_t used;

	(void)arg;
	sshsig_init(&s);
	if (sshsig_parse_armor(slice_of(p, n), &s, &used, NULL) == 0 &&
	    sshsig_verify(&s, "test@writ", msg(), NULL, NULL) == 0)
		fail_msg("verifies with %s", mutate_what());
	sshsig_clear(&s);
}

static void
every_flip_and_cut_of_an_armor_is_refused(void **state)
{
	size_t n;
	char *text = armor_of("ed25519", "sha512", &n);

	(void)state;
	mutate_each(text, n, mutant_armor_never_verifies, NULL);
	free(text);
}

static void
token_signature_says_touch_and_pin(void **state)
{
	struct token *t = token_new(PUBKEY_SK_ECDSA256);
	struct str armor = STR_INIT;
	struct sk_flags flags = {0};
	struct buf *data, *sig;
	struct sshsig s;
	size_t used;

	(void)state;
	assert_int_equal(buf_new(&data, 256), 0);
	assert_int_equal(buf_new(&sig, 256), 0);
	assert_int_equal(sshsig_signed_data("test@writ", "sha256", msg(), data),
	    0);
	token_sign(t, buf_slice(data), 0x05, 3, sig);
	assert_int_equal(sshsig_add_armor(&armor, token_pubkey(t), "test@writ",
			     "sha256", buf_slice(sig)),
	    0);
	sshsig_init(&s);
	assert_int_equal(sshsig_parse_armor(slice_of(armor.p, armor.n), &s,
			     &used, NULL),
	    0);
	assert_int_equal(sshsig_verify(&s, "test@writ", msg(), &flags, NULL),
	    0);
	assert_true(flags.is_sk && flags.present && flags.verified);
	assert_int_equal(flags.counter, 3);
	sshsig_clear(&s);
	str_clear(&armor);
	buf_free(data);
	buf_free(sig);
	token_free(t);
}

static void
fields_keep_the_rules(void **state)
{
	static const struct {
		const char *name, *ns, *reserved, *hash;
		int want;
	} cases[] = {
	    {"as it should be", "n", "", "sha512", 0},
	    {"64 bytes of namespace",
		"0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef",
		"", "sha512", 0},
	    {"65 bytes of namespace",
		"0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdefg",
		"", "sha512", ERR_LIMIT},
	    {"empty namespace", "", "", "sha512", ERR_PARSE},
	    {"line end in the namespace", "a\nb", "", "sha512", ERR_PARSE},
	    {"reserved", "n", "x", "sha512", ERR_PARSE},
	    {"sha384", "n", "", "sha384", ERR_PARSE},
	    {"no hash", "n", "", "", ERR_PARSE},
	};
	struct sshsig base, s;
	struct buf *b;
	struct err e;
	int r;

	(void)state;
	load(&base, "ed25519", "sha512");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		b = blob_of(&base, cases[i].ns, cases[i].reserved,
		    cases[i].hash);
		sshsig_init(&s);
		e = (struct err){0};
		if ((r = sshsig_parse(buf_slice(b), &s, &e)) != cases[i].want)
			fail_msg("%s: %d %s", cases[i].name, r, e.msg);
		sshsig_clear(&s);
		/* and a byte behind it */
		assert_int_equal(buf_put_u8(b, 0), 0);
		assert_int_not_equal(sshsig_parse(buf_slice(b), &s, &e), 0);
		buf_free(b);
	}
	sshsig_clear(&base);
}

static void
signed_data_of_what_cannot_be_is_refused(void **state)
{
	struct buf *b;

	(void)state;
	assert_int_equal(buf_new(&b, 256), 0);
	assert_int_equal(sshsig_signed_data("", "sha512", msg(), b), ERR_PARSE);
	assert_int_equal(sshsig_signed_data("n", "md5", msg(), b), ERR_PARSE);
	assert_int_equal(buf_len(b), 0);
	buf_free(b);
}

#define B "-----BEGIN SSH SIGNATURE-----\n"
#define E "-----END SSH SIGNATURE-----\n"

static void
armor_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = {"", B, E, B E, " " B "AAAA\n" E,
	    B "AAAA\n", B "AAAA\n-----END SSH SIGNATURE-----", B "AAAA\n\n" E,
	    B "AA AA\n" E, B "AAAA \n" E, B "AAAA\r\n" E,
	    "-----BEGIN SSH SIGNATURE-----\r\nAAAA\n" E,
	    B "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	      "AAAAAAAAAAAAAAAAAAA\n" E};
	struct sshsig s;
	struct err e;
	size_t used = 77;

	(void)state;
	sshsig_init(&s);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		e = (struct err){0};
		if (sshsig_parse_armor(slice_str(bad[i]), &s, &used, &e) !=
		    ERR_PARSE)
			fail_msg("case %zu", i);
		assert_int_not_equal(e.msg[0], 0);
		assert_int_equal(used, 77);
	}
}

/* The armor of ssh-keygen with other line lengths. */
static int
reflow(size_t columns)
{
	size_t n, used, at = 0;
	char *text = armor_of("ed25519", "sha512", &n);
	struct str s = STR_INIT;
	struct sshsig sig;
	int r;

	str_add(&s, B);
	for (char *p = text + strlen(B); *p != '-'; p++) {
		if (*p == '\n')
			continue;
		if (at == columns) {
			str_addc(&s, '\n');
			at = 0;
		}
		str_addc(&s, *p);
		at++;
	}
	str_add(&s, "\n" E "text behind it\n");
	sshsig_init(&sig);
	r = sshsig_parse_armor(slice_of(s.p, s.n), &sig, &used, NULL);
	if (r == 0)
		assert_string_equal(s.p + used, "text behind it\n");
	sshsig_clear(&sig);
	str_clear(&s);
	free(text);
	return r;
}

static void
lines_of_1_to_76_columns_are_accepted(void **state)
{
	(void)state;
	assert_int_equal(reflow(1), 0);
	assert_int_equal(reflow(70), 0);
	assert_int_equal(reflow(76), 0);
	assert_int_equal(reflow(77), ERR_PARSE);
}

static void
armor_without_an_end_stops_at_the_limit(void **state)
{
	struct str s = STR_INIT;
	struct sshsig sig;
	size_t used;

	(void)state;
	str_add(&s, B);
	while (s.n < SSHSIG_ARMOR_MAX + 100)
		str_add(&s, "AAAA\n");
	str_add(&s, E);
	sshsig_init(&sig);
	assert_int_equal(sshsig_parse_armor(slice_of(s.p, s.n), &sig, &used,
			     NULL),
	    ERR_LIMIT);
	str_clear(&s);
}

static void
blob_longer_than_the_limit_is_refused(void **state)
{
	static uint8_t big[SSHSIG_MAX + 1];
	struct sshsig s;

	(void)state;
	sshsig_init(&s);
	assert_int_equal(sshsig_parse(slice_of(big, sizeof(big)), &s, NULL),
	    ERR_LIMIT);
	assert_int_equal(sshsig_parse(slice_of(big, sizeof(big) - 1), &s, NULL),
	    ERR_PARSE);
}

static int
all_that_allocates(void *arg)
{
	const struct slice *text = arg;
	struct str s = STR_INIT;
	struct buf *b = NULL;
	struct sshsig sig;
	size_t used;
	int r;

	sshsig_init(&sig);
	if ((r = sshsig_parse_armor(*text, &sig, &used, NULL)) != 0 ||
	    (r = sshsig_verify(&sig, "test@writ", msg(), NULL, NULL)) != 0 ||
	    (r = buf_new(&b, 1024)) != 0 ||
	    (r = sshsig_signed_data("n", "sha512", msg(), b)) != 0)
		goto out;
	r = sshsig_add_armor(&s, sig.key, sig.ns, sig.hash,
	    slice_of(sig.sig, sig.sig_len));
out:
	sshsig_clear(&sig);
	str_clear(&s);
	buf_free(b);
	return r;
}

static void
every_failing_allocation_is_reported(void **state)
{
	struct slice s;
	size_t n;
	char *text;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		text = armor_of(data_types[i], "sha512", &n);
		s = slice_of(text, n);
		assert_true(alloc_each(all_that_allocates, &s) > 8);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signatures_of_ssh_keygen_verify),
	    cmocka_unit_test(armor_is_written_as_ssh_keygen_writes_it),
	    cmocka_unit_test(another_namespace_is_refused_and_named),
	    cmocka_unit_test(another_message_or_hash_is_refused),
	    cmocka_unit_test(another_key_is_refused),
	    cmocka_unit_test(every_flip_and_cut_of_a_blob_is_refused),
	    cmocka_unit_test(every_flip_and_cut_of_an_armor_is_refused),
	    cmocka_unit_test(token_signature_says_touch_and_pin),
	    cmocka_unit_test(fields_keep_the_rules),
	    cmocka_unit_test(signed_data_of_what_cannot_be_is_refused),
	    cmocka_unit_test(armor_that_is_none_is_refused),
	    cmocka_unit_test(lines_of_1_to_76_columns_are_accepted),
	    cmocka_unit_test(armor_without_an_end_stops_at_the_limit),
	    cmocka_unit_test(blob_longer_than_the_limit_is_refused),
	    cmocka_unit_test(every_failing_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/ed25519.h"
#include "lib/ssh/pubkey.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"
#include "tests/unit/sshdata.h"

static const struct {
	const char *file, *type, *shown, *application;
	enum pubkey_type t;
	unsigned bits;
	bool is_sk;
} keys[] = {
    {"ed25519", "ssh-ed25519", "ED25519", "", PUBKEY_ED25519, 256, false},
    {"ecdsa256", "ecdsa-sha2-nistp256", "ECDSA", "", PUBKEY_ECDSA256, 256,
	false},
    {"ecdsa384", "ecdsa-sha2-nistp384", "ECDSA", "", PUBKEY_ECDSA384, 384,
	false},
    {"ecdsa521", "ecdsa-sha2-nistp521", "ECDSA", "", PUBKEY_ECDSA521, 521,
	false},
    {"rsa2048", "ssh-rsa", "RSA", "", PUBKEY_RSA, 2048, false},
    {"rsa3072", "ssh-rsa", "RSA", "", PUBKEY_RSA, 3072, false},
    {"sk-ed25519", "sk-ssh-ed25519@openssh.com", "ED25519-SK",
	"ssh:", PUBKEY_SK_ED25519, 256, true},
    {"sk-ecdsa256", "sk-ecdsa-sha2-nistp256@openssh.com", "ECDSA-SK",
	"ssh:", PUBKEY_SK_ECDSA256, 256, true},
};
#define N_KEYS (sizeof(keys) / sizeof(*keys))

static void
every_type_is_read_and_written_back(void **state)
{
	struct pubkey *k, *again;
	struct str s = STR_INIT;
	char file[64], *text, *comment;
	struct hash h, want;
	size_t n;

	(void)state;
	for (size_t i = 0; i < N_KEYS; i++) {
		snprintf(file, sizeof(file), "%s.pub", keys[i].file);
		text = data_read(file, &n);
		assert_int_equal(pubkey_parse_line(text, n, &k, &comment, NULL),
		    0);
		assert_int_equal(pubkey_type(k), keys[i].t);
		assert_string_equal(pubkey_type_name(k), keys[i].type);
		assert_string_equal(pubkey_short_name(k), keys[i].shown);
		assert_string_equal(pubkey_application(k), keys[i].application);
		assert_int_equal(pubkey_bits(k), keys[i].bits);
		assert_int_equal(pubkey_is_sk(k), keys[i].is_sk);
		assert_int_equal(pubkey_ed25519(k) != NULL,
		    keys[i].t == PUBKEY_ED25519);
		pubkey_hash(k, &h);
		hash_sha256(pubkey_blob(k).p, pubkey_blob(k).n, &want);
		assert_true(hash_equal(&h, &want));
		str_reset(&s);
		pubkey_add_line(&s, k, comment);
		str_addc(&s, '\n');
		assert_string_equal(s.p, text);

		assert_int_equal(pubkey_parse(pubkey_blob(k), &again, NULL), 0);
		assert_true(pubkey_equal(k, again));
		pubkey_free(again);
		assert_int_equal(pubkey_dup(k, &again), 0);
		assert_true(pubkey_equal(k, again));
		pubkey_free(again);
		pubkey_free(k);
		free(comment);
		free(text);
	}
	str_clear(&s);
}

static void
keys_sort_by_length_and_bytes(void **state)
{
	struct pubkey *a = data_pubkey("ed25519"), *b = data_pubkey("rsa3072");
	struct pubkey *c = data_pubkey("ed25519-2");

	(void)state;
	assert_true(pubkey_compare(a, b) < 0);
	assert_true(pubkey_compare(b, a) > 0);
	assert_int_equal(pubkey_compare(a, a), 0);
	assert_true((pubkey_compare(a, c) < 0) == (pubkey_compare(c, a) > 0));
	assert_false(pubkey_equal(a, c));
	pubkey_free(a);
	pubkey_free(b);
	pubkey_free(c);
}

#define ED "AAAAC3NzaC1lZDI1NTE5AAAAI"
/* The base64 of a real key, so that what is wrong is what the row says. */
#define GOOD           \
	"ssh-ed25519 " \
	"AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"

static const struct {
	const char *name, *line, *comment; /* NULL: refused */
	const char *says;
} lines[] = {
    {"no comment", GOOD, "", NULL},
    {"end of line", GOOD "\n", "", NULL},
    {"DOS end of line", GOOD " a b\r\n", "a b", NULL},
    {"two blanks and a tab", GOOD "  \ta b \n", "a b", NULL},
    {"UTF-8 comment", GOOD " Z\xc3\xbcrich", "Z\xc3\xbcrich", NULL},
    {"empty", "", NULL, "is not a key type"},
    {"type alone", "ssh-ed25519", NULL, "cut short"},
    {"leading blank", " " GOOD, NULL, "is not a key type"},
    {"options first", "restrict " GOOD, NULL, "is not a key type"},
    {"two lines", GOOD "\n" GOOD "\n", NULL, "not base64"},
    {"control byte in the comment", GOOD " a\x1b[1m", NULL, "comment"},
    {"tab in the comment", GOOD " a\tb", NULL, "comment"},
    {"bidirectional comment", GOOD " \xe2\x80\xae", NULL, "comment"},
    {"another type in front",
	"ssh-rsa "
	"AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
	NULL, "another one"},
    {"bad base64", "ssh-ed25519 " ED "?", NULL, "not base64"},
    {"cut", "ssh-ed25519 " ED "A==", NULL, "32 bytes"},
    {"unknown type", "ssh-dss AAAAB3NzaC1kc3M=", NULL, "is not a key type"},
    {"certificate", "ssh-ed25519-cert-v01@openssh.com AAAA", NULL,
	"certificate"},
};

static void
lines_are_read_strictly(void **state)
{
	struct pubkey *k;
	struct err e;
	char *comment;
	int r;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		k = NULL;
		comment = NULL;
		e = (struct err){0};
		r = pubkey_parse_line(lines[i].line, strlen(lines[i].line), &k,
		    &comment, &e);
		if ((r == 0) != (lines[i].comment != NULL))
			fail_msg("%s: %d %s", lines[i].name, r, e.msg);
		if (r == 0) {
			assert_string_equal(comment, lines[i].comment);
		} else {
			assert_int_equal(r, ERR_PARSE);
			assert_null(k);
			assert_null(comment);
			if (strstr(e.msg, lines[i].says) == NULL)
				fail_msg("%s: %s", lines[i].name, e.msg);
		}
		pubkey_free(k);
		free(comment);
	}
}

static void
line_longer_than_the_limit_is_refused(void **state)
{
	struct str s = STR_INIT;
	struct pubkey *k;

	(void)state;
	str_add(&s, GOOD " ");
	while (s.n < PUBKEY_LINE_MAX)
		str_addc(&s, 'x');
	assert_int_equal(pubkey_parse_line(s.p, s.n, &k, NULL, NULL), 0);
	pubkey_free(k);
	str_addc(&s, 'x');
	assert_int_equal(pubkey_parse_line(s.p, s.n, &k, NULL, NULL),
	    ERR_LIMIT);
	str_clear(&s);
}

/* --- blobs that are wrong by the least step --------------------------------*/

static int
parse_built(struct buf *b, struct err *e)
{
	struct pubkey *k = NULL;
	int r;

	*e = (struct err){0};
	r = pubkey_parse(buf_slice(b), &k, e);
	pubkey_free(k);
	buf_reset(b);
	return r;
}

static void
put_rsa(struct buf *b, const uint8_t *x, size_t x_len, const uint8_t *n,
    size_t n_len)
{
	assert_int_equal(buf_put_cstring(b, "ssh-rsa"), 0);
	assert_int_equal(buf_put_string(b, x, x_len), 0);
	assert_int_equal(buf_put_string(b, n, n_len), 0);
}

static void
rsa_numbers_keep_the_rules(void **state)
{
	static uint8_t n[1 + 2049];
	static const struct {
		const char *name;
		uint8_t x[10];
		size_t x_len, n_len; /* n with its sign byte */
		uint8_t first, last; /* of n */
		int want;
	} cases[] = {
	    {"2048 bits", {1, 0, 1}, 3, 257, 0x80, 1, 0},
	    {"2047 bits", {1, 0, 1}, 3, 256, 0x40, 1, ERR_LIMIT},
	    {"16384 bits", {1, 0, 1}, 3, 2049, 0x80, 1, 0},
	    {"16385 bits", {1, 0, 1}, 3, 2049, 1, 1, ERR_LIMIT},
	    {"exponent 3", {3}, 1, 257, 0x80, 1, 0},
	    {"exponent 1", {1}, 1, 257, 0x80, 1, ERR_PARSE},
	    {"exponent 0", {0}, 0, 257, 0x80, 1, ERR_PARSE},
	    {"even exponent", {1, 0, 0}, 3, 257, 0x80, 1, ERR_PARSE},
	    {"64 bits of exponent", {0, 0x80, 0, 0, 0, 0, 0, 0, 1}, 9, 257,
		0x80, 1, 0},
	    {"65 bits of exponent", {1, 0, 0, 0, 0, 0, 0, 0, 1}, 9, 257, 0x80,
		1, ERR_PARSE},
	    {"exponent with a zero in front", {0, 1, 0, 1}, 4, 257, 0x80, 1,
		ERR_PARSE},
	    {"negative exponent", {0x81, 0, 1}, 3, 257, 0x80, 1, ERR_PARSE},
	    {"even modulus", {1, 0, 1}, 3, 257, 0x80, 2, ERR_PARSE},
	    {"no modulus", {1, 0, 1}, 3, 0, 0, 0, ERR_PARSE},
	};
	struct err e;
	struct buf *b;
	int r;

	(void)state;
	assert_int_equal(buf_new(&b, 16384), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const size_t len = cases[i].n_len;
		/* The sign byte is there where the top bit is set. */
		const size_t top = cases[i].first & 0x80 ? 1 : 0;

		memset(n, 0, sizeof(n));
		if (len > 0) {
			n[top] = cases[i].first;
			n[len - 1] |= cases[i].last;
		}
		put_rsa(b, cases[i].x, cases[i].x_len, n, len);
		if ((r = parse_built(b, &e)) != cases[i].want)
			fail_msg("%s: %d %s", cases[i].name, r, e.msg);
	}
	buf_free(b);
}

static void
modulus_with_a_zero_byte_too_many_is_refused(void **state)
{
	uint8_t n[258] = {0};
	struct err e;
	struct buf *b;

	(void)state;
	n[2] = 0x80;
	n[257] = 1;
	assert_int_equal(buf_new(&b, 16384), 0);
	put_rsa(b, (const uint8_t *)"\x03", 1, n, sizeof(n));
	assert_int_equal(parse_built(b, &e), ERR_PARSE);
	put_rsa(b, (const uint8_t *)"\x03", 1, n + 1, sizeof(n) - 1);
	assert_int_equal(parse_built(b, &e), 0);
	buf_free(b);
}

static void
point_off_the_curve_is_refused(void **state)
{
	static const char *const files[] = {
	    "ecdsa256", "ecdsa384", "ecdsa521", "sk-ecdsa256"};
	uint8_t blob[512];
	struct pubkey *k, *other = NULL;
	struct err e;
	size_t n, at;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		k = data_pubkey(files[i]);
		n = pubkey_blob(k).n;
		memcpy(blob, pubkey_blob(k).p, n);
		/* type, curve, length, 0x04: then comes x */
		at = 4 + strlen(pubkey_type_name(k)) + 4 + 8 + 4;
		assert_int_equal(blob[at], 0x04);
		for (int form = 0; form < 8; form++) {
			blob[at] = (uint8_t)form;
			assert_int_equal(pubkey_parse(slice_of(blob, n), &other,
					     NULL),
			    form == 4 ? 0 : ERR_PARSE);
			if (form == 4)
				pubkey_free(other);
		}
		blob[at] = 0x04;
		blob[at + 20] ^= 1;
		e = (struct err){0};
		assert_int_equal(pubkey_parse(slice_of(blob, n), &other, &e),
		    ERR_PARSE);
		assert_non_null(strstr(e.msg, "point"));
		pubkey_free(k);
	}
}

/* x + p is congruent to x and, on P-521, still fits: p is 2^521 - 1. */
static void
coordinate_beyond_the_prime_is_refused(void **state)
{
	struct pubkey *k = data_pubkey("ecdsa521"), *other = NULL;
	const struct slice b = pubkey_blob(k);
	uint8_t blob[512], *x;

	(void)state;
	memcpy(blob, b.p, b.n);
	x = blob + b.n - 2 * 66;
	x[0] = (uint8_t)(x[0] + 2);
	for (size_t i = 66; i-- > 0;)
		if (x[i]-- != 0)
			break;
	assert_int_equal(pubkey_parse(slice_of(blob, b.n), &other, NULL),
	    ERR_PARSE);
	pubkey_free(k);
}

static void
point_at_infinity_is_refused(void **state)
{
	struct err e;
	struct buf *b;

	(void)state;
	assert_int_equal(buf_new(&b, 1024), 0);
	assert_int_equal(buf_put_cstring(b, "ecdsa-sha2-nistp256"), 0);
	assert_int_equal(buf_put_cstring(b, "nistp256"), 0);
	assert_int_equal(buf_put_string(b, "\0", 1), 0);
	assert_int_equal(parse_built(b, &e), ERR_PARSE);
	buf_free(b);
}

static void
curve_of_another_type_is_refused(void **state)
{
	struct pubkey *k = data_pubkey("ecdsa384");
	struct slice part = pubkey_public_part(k);
	struct err e;
	struct buf *b;

	(void)state;
	assert_int_equal(buf_new(&b, 1024), 0);
	assert_int_equal(buf_put_cstring(b, "ecdsa-sha2-nistp256"), 0);
	assert_int_equal(buf_put_slice(b, part), 0);
	assert_int_equal(parse_built(b, &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "expected nistp256"));
	pubkey_free(k);
	buf_free(b);
}

static void
ed25519_key_of_small_order_is_refused(void **state)
{
	uint8_t pk[32] = {1};
	struct err e;
	struct buf *b;

	(void)state;
	assert_int_equal(buf_new(&b, 1024), 0);
	assert_int_equal(buf_put_cstring(b, "ssh-ed25519"), 0);
	assert_int_equal(buf_put_string(b, pk, 32), 0);
	assert_int_equal(parse_built(b, &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "small order"));
	buf_free(b);
}

static void
application_must_be_text(void **state)
{
	static const struct {
		const char *p;
		size_t n;
		int want;
	} cases[] = {{"ssh:", 4, 0}, {"", 0, 0}, {"ssh:a b", 7, 0},
	    {"ssh:\0x", 6, ERR_PARSE}, {"ssh:\x1b[m", 7, ERR_PARSE}};
	const uint8_t seed[32] = {9};
	uint8_t sk[64];
	struct err e;
	struct buf *b;

	(void)state;
	ed25519_from_seed(seed, sk);
	assert_int_equal(buf_new(&b, 1024), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(buf_put_cstring(b,
				     "sk-ssh-ed25519@openssh.com"),
		    0);
		assert_int_equal(buf_put_string(b, sk + 32, 32), 0);
		assert_int_equal(buf_put_string(b, cases[i].p, cases[i].n), 0);
		assert_int_equal(parse_built(b, &e), cases[i].want);
	}
	buf_free(b);
}

static void
blob_longer_than_the_limit_is_refused(void **state)
{
	static uint8_t big[PUBKEY_BLOB_MAX + 1];
	struct pubkey *k;

	(void)state;
	assert_int_equal(pubkey_parse(slice_of(big, sizeof(big)), &k, NULL),
	    ERR_LIMIT);
	assert_int_equal(pubkey_parse(slice_of(big, sizeof(big) - 1), &k, NULL),
	    ERR_PARSE);
}

/* What parses has its own bytes: there is no second encoding of a key. */
static void
parsed_is_kept(const uint8_t *p, size_t n, void *arg)
{
	struct pubkey *k = NULL;

	(void)arg;
	if (pubkey_parse(slice_of(p, n), &k, NULL) == 0 &&
	    !slice_equal(pubkey_blob(k), slice_of(p, n)))
		fail_msg("another key with %s", mutate_what());
	pubkey_free(k);
}

static void
cut_is_refused(const uint8_t *p, size_t n, void *arg)
{
	struct pubkey *k = NULL;

	(void)arg;
	if (pubkey_parse(slice_of(p, n), &k, NULL) == 0)
		fail_msg("accepted when %s", mutate_what());
}

static void
every_flip_and_cut_of_a_blob_is_survived(void **state)
{
	struct pubkey *k;
	struct slice b;

	(void)state;
	for (size_t i = 0; i < N_KEYS; i++) {
		k = data_pubkey(keys[i].file);
		b = pubkey_blob(k);
		assert_int_equal(mutate_bits(b.p, b.n, parsed_is_kept, NULL),
		    8 * b.n);
		assert_int_equal(mutate_cuts(b.p, b.n, cut_is_refused, NULL),
		    b.n);
		pubkey_free(k);
	}
}

static void
byte_behind_a_blob_is_refused(void **state)
{
	struct pubkey *k;
	struct err e;
	struct buf *b;

	(void)state;
	assert_int_equal(buf_new(&b, 16384), 0);
	for (size_t i = 0; i < N_KEYS; i++) {
		k = data_pubkey(keys[i].file);
		assert_int_equal(buf_put_slice(b, pubkey_blob(k)), 0);
		assert_int_equal(buf_put_u8(b, 0), 0);
		assert_int_equal(parse_built(b, &e), ERR_PARSE);
		pubkey_free(k);
	}
	buf_free(b);
}

/* --- memory ---------------------------------------------------------------*/

static int
parse_and_dup(void *arg)
{
	const char *line = arg;
	struct pubkey *k = NULL, *copy = NULL;
	char *comment = NULL;
	int r;

	r = pubkey_parse_line(line, strlen(line), &k, &comment, NULL);
	if (r == 0)
		r = pubkey_dup(k, &copy);
	pubkey_free(copy);
	pubkey_free(k);
	free(comment);
	return r;
}

static void
every_failing_allocation_is_reported(void **state)
{
	char file[64], *text;
	size_t n;

	(void)state;
	for (size_t i = 0; i < N_KEYS; i++) {
		snprintf(file, sizeof(file), "%s.pub", keys[i].file);
		text = data_read(file, &n);
		assert_true(alloc_each(parse_and_dup, text) >= 4);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_type_is_read_and_written_back),
	    cmocka_unit_test(keys_sort_by_length_and_bytes),
	    cmocka_unit_test(lines_are_read_strictly),
	    cmocka_unit_test(line_longer_than_the_limit_is_refused),
	    cmocka_unit_test(rsa_numbers_keep_the_rules),
	    cmocka_unit_test(modulus_with_a_zero_byte_too_many_is_refused),
	    cmocka_unit_test(point_off_the_curve_is_refused),
	    cmocka_unit_test(coordinate_beyond_the_prime_is_refused),
	    cmocka_unit_test(point_at_infinity_is_refused),
	    cmocka_unit_test(curve_of_another_type_is_refused),
	    cmocka_unit_test(ed25519_key_of_small_order_is_refused),
	    cmocka_unit_test(application_must_be_text),
	    cmocka_unit_test(blob_longer_than_the_limit_is_refused),
	    cmocka_unit_test(every_flip_and_cut_of_a_blob_is_survived),
	    cmocka_unit_test(byte_behind_a_blob_is_refused),
	    cmocka_unit_test(every_failing_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

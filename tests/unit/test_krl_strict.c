/* SPDX-License-Identifier: ISC */
/* Lists of what is revoked, built by hand and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/ssh/krl_impl.h"
#include "tests/unit/krlcase.h"
#include "tests/unit/mutate.h"
#include "tests/unit/sshdata.h"

static void
put_header(struct buf *b)
{
	int r = 0;

	r |= buf_put(b, "SSHKRL\n", 8);
	r |= buf_put_u32(b, 1);
	r |= buf_put_u64(b, 1);
	r |= buf_put_u64(b, 1);
	r |= buf_put_u64(b, 0);
	r |= buf_put_string(b, NULL, 0);
	r |= buf_put_string(b, NULL, 0);
	assert_int_equal(r, 0);
}

struct section {
	const char *name;
	uint8_t type;
	const char *data;
	size_t n;
	int want;
};

static void
put_section(struct buf *b, const struct section *c)
{
	int r = 0;

	r |= buf_put_u8(b, c->type);
	r |= buf_put_string(b, c->data, c->n);
	assert_int_equal(r, 0);
}

/* The list, or NULL where it is refused; whichever is wanted of the section. */
static struct krl *
read_list(const struct buf *b, const struct section *c)
{
	struct krl *k = NULL;
	struct err e = {0};
	int r = krl_parse(buf_slice(b), &k, &e);

	if (r != c->want || (r != 0) != (e.msg[0] != '\0'))
		fail_msg("%s: %d %s", c->name, r, e.msg);
	return k;
}

#define BYTES(s) s, sizeof(s) - 1
#define SERIAL7  "\0\0\0\0\0\0\0\7"
#define SERIAL0  "\0\0\0\0\0\0\0\0"
#define LAST     "\377\377\377\377\377\377\377\377"

static void
sections_are_read_strictly(void **state)
{
	static const struct section cases[] = {
	    {"signature", 4, BYTES(""), ERR_PARSE},
	    {"unknown", 6, BYTES(""), ERR_PARSE},
	    {"extension", 255, BYTES("\0\0\0\1x\0\0\0\0\1y"), 0},
	    {"critical extension", 255, BYTES("\0\0\0\1x\1\0\0\0\1y"),
		ERR_PARSE},
	    {"cut extension", 255, BYTES("\0\0\0\1x\0\0\0\0\1"), ERR_PARSE},
	    {"SHA1", 3, BYTES("\0\0\0\24aaaaaaaaaaaaaaaaaaaa"), 0},
	    {"short SHA1", 3, BYTES("\0\0\0\23aaaaaaaaaaaaaaaaaaa"), ERR_PARSE},
	    {"short SHA256", 5, BYTES("\0\0\0\24aaaaaaaaaaaaaaaaaaaa"),
		ERR_PARSE},
	    {"key of another type", 2, BYTES("\0\0\0\1k"), 0},
	    {"empty key", 2, BYTES("\0\0\0\0"), ERR_PARSE},
	    {"no CA", 1, BYTES(""), ERR_PARSE},
	    {"any CA", 1, BYTES("\0\0\0\0\0\0\0\0"), 0},
	    {"bad CA", 1, BYTES("\0\0\0\1k\0\0\0\0"), ERR_PARSE},
	};
	struct buf *b;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(buf_new(&b, 1024), 0);
		put_header(b);
		put_section(b, &cases[i]);
		krl_free(read_list(b, &cases[i]));
		buf_free(b);
	}
}

static void
sections_of_a_ca_are_read_strictly(void **state)
{
	static const struct {
		struct section in;
		uint64_t yes, no; /* a serial that is revoked; 0: none */
	} cases[] = {
	    {{"serial", 0x20, BYTES(SERIAL7), 0}, 7, 8},
	    {{"serial 0", 0x20, BYTES(SERIAL0), ERR_PARSE}, 0, 0},
	    {{"cut serial", 0x20, BYTES("\0\0\0\0\0\0\0"), ERR_PARSE}, 0, 0},
	    {{"range", 0x21, BYTES(SERIAL7 LAST), 0}, UINT64_MAX, 6},
	    {{"range from 0", 0x21, BYTES(SERIAL0 SERIAL7), ERR_PARSE}, 0, 0},
	    {{"range backwards", 0x21, BYTES(LAST SERIAL7), ERR_PARSE}, 0, 0},
	    {{"range and more", 0x21, BYTES(SERIAL7 SERIAL7 "x"), ERR_PARSE}, 0,
		0},
	    {{"bitmap", 0x22, BYTES(SERIAL7 "\0\0\0\2\1\2"), 0}, 8, 7},
	    {{"top of a bitmap", 0x22, BYTES(SERIAL7 "\0\0\0\2\1\2"), 0}, 15,
		16},
	    {{"empty bitmap", 0x22, BYTES(SERIAL7 "\0\0\0\0"), 0}, 0, 7},
	    {{"bitmap of serial 0", 0x22, BYTES(SERIAL0 "\0\0\0\1\1"),
		 ERR_PARSE},
		0, 0},
	    {{"bitmap from 1", 0x22, BYTES(SERIAL0 "\0\0\0\1\2"), 0}, 1, 2},
	    {{"bitmap to the end", 0x22, BYTES(LAST "\0\0\0\1\1"), 0},
		UINT64_MAX, 1},
	    {{"bitmap past the end", 0x22, BYTES(LAST "\0\0\0\1\2"), ERR_PARSE},
		0, 0},
	    {{"negative bitmap", 0x22, BYTES(SERIAL7 "\0\0\0\1\200"),
		 ERR_PARSE},
		0, 0},
	    {{"bitmap and more", 0x22, BYTES(SERIAL7 "\0\0\0\1\1x"), ERR_PARSE},
		0, 0},
	    {{"key id with NUL", 0x23, BYTES("\0\0\0\2a\0"), ERR_PARSE}, 0, 0},
	    {{"extension", 0x39, BYTES("\0\0\0\1x\0\0\0\0\1y"), 0}, 0, 7},
	    {{"critical extension", 0x39, BYTES("\0\0\0\1x\1\0\0\0\1y"),
		 ERR_PARSE},
		0, 0},
	    {{"unknown", 0x24, BYTES(""), ERR_PARSE}, 0, 0},
	};
	struct subject s = {"ed25519", "ecdsa256", "x", 0};
	struct pubkey *ca = data_pubkey("ed25519");
	struct buf *b, *section;
	struct krl *k;
	int r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *name = cases[i].in.name;

		assert_int_equal(buf_new(&b, 1024), 0);
		assert_int_equal(buf_new(&section, 1024), 0);
		r = buf_put_string(section, pubkey_blob(ca).p,
		    pubkey_blob(ca).n);
		r |= buf_put_string(section, NULL, 0);
		put_section(section, &cases[i].in);
		put_header(b);
		r |= buf_put_u8(b, 1);
		r |= buf_put_buf(b, section);
		assert_int_equal(r, 0);
		k = read_list(b, &cases[i].in);
		s.serial = cases[i].yes;
		if (k != NULL && s.serial != 0 && !krlcase_revokes(k, &s))
			fail_msg("%s: revokes too little", name);
		s.serial = cases[i].no;
		if (k != NULL && krlcase_revokes(k, &s))
			fail_msg("%s: revokes too much", name);
		krl_free(k);
		buf_free(b);
		buf_free(section);
	}
	pubkey_free(ca);
}

static void
survived(const uint8_t *p, size_t n, void *arg)
{
	struct krl *k = NULL, *again = NULL;
	struct buf *b;

	(void)arg;
	if (krl_parse(slice_of(p, n), &k, NULL) == 0) {
		b = krlcase_encode(k);
		if (krl_parse(buf_slice(b), &again, NULL) != 0)
			fail_msg("not read again: %s", mutate_what());
		buf_free(b);
	}
	krl_free(k);
	krl_free(again);
}

static void
every_flip_and_cut_of_a_list_is_survived(void **state)
{
	static const char *const names[] = {
	    "mixed.krl", "bitmap.krl", "sha1.krl", "ids.krl", "serials.krl"};
	char *text;
	size_t n;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		text = data_read(names[i], &n);
		mutate_each(text, n, survived, NULL);
		free(text);
	}
}

static void
list_longer_than_the_limit_is_refused(void **state)
{
	char *big = calloc(1, (size_t)KRL_MAX + 1);
	struct krl *k;

	(void)state;
	assert_non_null(big);
	assert_int_equal(krl_parse(slice_of(big, (size_t)KRL_MAX + 1), &k,
			     NULL),
	    ERR_LIMIT);
	assert_int_equal(krl_parse(slice_of(big, KRL_MAX), &k, NULL),
	    ERR_PARSE);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sections_are_read_strictly),
	    cmocka_unit_test(sections_of_a_ca_are_read_strictly),
	    cmocka_unit_test(every_flip_and_cut_of_a_list_is_survived),
	    cmocka_unit_test(list_longer_than_the_limit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

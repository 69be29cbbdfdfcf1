/* SPDX-License-Identifier: ISC */
/* Signed notes, checkpoints, proofs in a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/crypto/ed25519.h"
#include "lib/tlog/checkpoint.h"
#include "lib/tlog/note.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"

#define ORIGIN "writ.invalid/0123456789abcdef/ca_log"
#define DASH   "\xe2\x80\x94 "
#define VNAME  "example.com/foo"
#define VSIG                                                                \
	DASH VNAME " Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Zt" \
		   "g1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"

static uint8_t pk[32], sk[64];
static char *note; /* a checkpoint of 70,000 leaves */
static struct checkpoint head;

static char *
sign_text(const char *text)
{
	struct str s = STR_INIT;
	uint8_t sig[64];
	char *out;

	ed25519_sign(sk, text, strlen(text), sig);
	str_addf(&s, "%s\n", text);
	assert_int_equal(note_add_signature(ORIGIN, pk, sig, &s), 0);
	assert_int_equal(str_take(&s, &out), 0);
	return out;
}

static int
make_note(void **state)
{
	struct str s = STR_INIT;
	const uint8_t seed[32] = {7};
	uint8_t sig[64];
	char *text;

	(void)state;
	ed25519_from_seed(seed, sk);
	memcpy(pk, sk + 32, 32);
	snprintf(head.origin, sizeof(head.origin), "%s", ORIGIN);
	head.size = 70000;
	hash_sha256("root", 4, &head.root);
	assert_int_equal(checkpoint_encode(&head, &s), 0);
	assert_int_equal(str_take(&s, &text), 0);
	ed25519_sign(sk, text, strlen(text), sig);
	free(text);
	assert_int_equal(checkpoint_note(&head, pk, sig, &s), 0);
	return str_take(&s, &note);
}

static int
free_note(void **state)
{
	(void)state;
	free(note);
	return 0;
}

static int
open_text(const char *text, struct checkpoint *c)
{
	return checkpoint_open(slice_str(text), ORIGIN, pk, c, NULL);
}

static void
vector_key(uint8_t out[32])
{
	static const char b64[] =
	    "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
	struct buf *b = NULL;

	assert_int_equal(buf_new(&b, 64), 0);
	assert_int_equal(base64_decode(b64, strlen(b64), b), 0);
	memcpy(out, buf_slice(b).p + 1, 32);
	buf_free(b);
}

static void
the_vector_of_signed_note_has_its_vkey_and_verifies(void **state)
{
	struct slice text = slice_str("");
	struct str s = STR_INIT;
	uint8_t key[32];

	(void)state;
	vector_key(key);
	assert_int_equal(note_vkey(VNAME, key, &s), 0);
	assert_string_equal(s.p,
	    "example.com/foo+530d903a+AekyeRrm56hApGFky"
	    "QR4ZCbV54Id2LKaANYcrnKv3U2k");
	str_clear(&s);
	assert_int_equal(
	    note_open(slice_str("This is an example message.\n\n" VSIG), VNAME,
		key, &text, NULL),
	    0);
	assert_true(slice_is(text, "This is an example message.\n"));
	assert_int_equal(
	    note_open(slice_str("This is an example massage.\n\n" VSIG), VNAME,
		key, &text, NULL),
	    ERR_BADSIG);
}

static void
a_text_may_hold_empty_lines(void **state)
{
	char *signed_text = sign_text("one\n\ntwo\n");
	struct slice text;

	(void)state;
	assert_int_equal(note_open(slice_str(signed_text), ORIGIN, pk, &text,
			     NULL),
	    0);
	assert_true(slice_is(text, "one\n\ntwo\n"));
	free(signed_text);
}

static void
a_checkpoint_comes_back_as_it_was_signed(void **state)
{
	struct checkpoint c;

	(void)state;
	assert_int_equal(open_text(note, &c), 0);
	assert_memory_equal(&c, &head, sizeof(c));
	assert_true(strstr(note, ORIGIN "\n70000\n") == note);
}

static void
refuse(const uint8_t *p, size_t n, void *arg)
{
	struct checkpoint c;

	(void)arg;
	if (checkpoint_open(slice_of(p, n), ORIGIN, pk, &c, NULL) == 0)
		fail_msg("accepted: %s", mutate_what());
}

static void
every_flipped_bit_and_every_cut_of_a_note_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mutate_each(note, strlen(note), refuse, NULL),
	    9 * strlen(note));
}

static void
texts_that_are_no_checkpoints_are_refused_though_signed(void **state)
{
	static const char root[] =
	    "gAOTvmZ8E2YwJQZW3wFBrIEfTFT1ZlcXXWVh3jvnoJQ=";
	static const struct {
		const char *name, *before, *after;
		int want;
	} cases[] = {
	    {"as it should be", ORIGIN "\n5\n", "\n", 0},
	    {"another origin", "writ.invalid/0/x\n5\n", "\n", ERR_BADSIG},
	    {"a leading zero", ORIGIN "\n05\n", "\n", ERR_PARSE},
	    {"a sign", ORIGIN "\n+5\n", "\n", ERR_PARSE},
	    {"a blank", ORIGIN "\n5 \n", "\n", ERR_PARSE},
	    {"no size", ORIGIN "\n\n", "\n", ERR_PARSE},
	    {"2^64", ORIGIN "\n18446744073709551616\n", "\n", ERR_PARSE},
	    {"an extension line", ORIGIN "\n5\n", "\nmore\n", ERR_PARSE},
	    {"a longer root", ORIGIN "\n5\n", "AAAA\n", ERR_PARSE},
	    {"a line missing", ORIGIN "\n", "\n", ERR_PARSE},
	};
	struct checkpoint c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str s = STR_INIT;
		char *text;
		int r;

		str_addf(&s, "%s%s%s", cases[i].before, root, cases[i].after);
		text = sign_text(s.p);
		str_clear(&s);
		r = open_text(text, &c);
		free(text);
		if (r != cases[i].want)
			fail_msg("%s: %d", cases[i].name, r);
	}
}

/* The note with other text where the signatures are. */
static int
open_with(const char *before, const char *after)
{
	const char *sig = strstr(note, DASH);
	struct str s = STR_INIT;
	struct checkpoint c;
	char *text;
	int r;

	str_addn(&s, note, (size_t)(sig - note));
	str_addf(&s, "%s%s%s", before, sig, after);
	assert_int_equal(str_take(&s, &text), 0);
	r = open_text(text, &c);
	free(text);
	return r;
}

static void
signatures_of_others_are_passed_over(void **state)
{
	static const char other[] = DASH "w.example/1 AAAAAAAA\n";

	(void)state;
	assert_int_equal(open_with(other, ""), 0);
	assert_int_equal(open_with("", other), 0);
	assert_int_equal(open_with(VSIG, other), 0);
	/* The same name, another key. */
	assert_int_equal(open_with("", DASH ORIGIN " AAAAAAAA\n"), 0);
}

static void
signature_lines_of_another_form_are_refused(void **state)
{
	static const struct {
		const char *name, *line;
	} cases[] = {
	    {"no dash", "- w.example AAAAAAAA\n"},
	    {"no name", DASH " AAAAAAAA\n"},
	    {"no base64", DASH "w.example\n"},
	    {"empty base64", DASH "w.example \n"},
	    {"a plus in the name", DASH "w+x AAAAAAAA\n"},
	    {"a blank of Unicode", DASH "w\xc2\xa0x AAAAAAAA\n"},
	    {"a wide blank", DASH "w\xe3\x80\x80x AAAAAAAA\n"},
	    {"nothing but an id", DASH "w.example AAAAAA==\n"},
	    {"trailing bits", DASH "w.example AAAAAAB=\n"},
	    {"no padding", DASH "w.example AAAAAAA\n"},
	    {"two blanks", DASH "w.example  AAAAAAAA\n"},
	    {"a blank behind", DASH "w.example AAAAAAAA \n"},
	    {"a carriage return", DASH "w.example AAAAAAAA\r\n"},
	    {"an empty line behind", "\n"},
	    {"no LF at the end", DASH "w.example AAAAAAAA"},
	    {"bytes that are not UTF-8", DASH "w\xff AAAAAAAA\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (open_with("", cases[i].line) == 0)
			fail_msg("accepted: %s", cases[i].name);
}

static void
a_note_has_as_many_signatures_as_the_limit_says(void **state)
{
	struct str s = STR_INIT;

	(void)state;
	for (int i = 1; i < NOTE_SIGS_MAX; i++)
		str_addf(&s, DASH "w%d AAAAAAAA\n", i);
	assert_int_equal(open_with(s.p, ""), 0);
	str_add(&s, DASH "w AAAAAAAA\n");
	assert_int_equal(open_with(s.p, ""), ERR_LIMIT);
	str_clear(&s);
}

static void
a_note_is_as_long_as_the_limit_says(void **state)
{
	struct slice text;
	struct str s = STR_INIT;
	char *at, *above;

	(void)state;
	at = sign_text("x\n");
	for (size_t n = NOTE_MAX - strlen(at); n > 0; n--)
		str_addc(&s, 'x');
	free(at);
	str_add(&s, "x\n");
	at = sign_text(s.p);
	assert_int_equal(strlen(at), NOTE_MAX);
	assert_int_equal(note_open(slice_str(at), ORIGIN, pk, &text, NULL), 0);
	free(at);
	str_reset(&s);
	for (size_t n = 0; n < NOTE_MAX; n++)
		str_addc(&s, 'x');
	str_addc(&s, '\n');
	above = sign_text(s.p);
	assert_int_equal(note_open(slice_str(above), ORIGIN, pk, &text, NULL),
	    ERR_LIMIT);
	free(above);
	str_clear(&s);
}

static void
names_of_logs_make_origins(void **state)
{
	struct hash realm;
	char out[ORIGIN_MAX], name[102];

	(void)state;
	memset(&realm, 0xa5, sizeof(realm));
	assert_int_equal(log_origin(&realm, "ca_log", out), 0);
	assert_string_equal(out, "writ.invalid/a5a5a5a5a5a5a5a5/ca_log");
	assert_int_equal(log_origin(&realm, "", out), ERR_PARSE);
	assert_int_equal(log_origin(&realm, "a+b", out), ERR_PARSE);
	assert_int_equal(log_origin(&realm, "a b", out), ERR_PARSE);
	assert_int_equal(log_origin(&realm, "a/b", out), ERR_PARSE);
	memset(name, 'a', 101);
	name[101] = '\0';
	assert_int_equal(log_origin(&realm, name, out), ERR_LIMIT);
	name[100] = '\0';
	assert_int_equal(log_origin(&realm, name, out), 0);
}

static void
a_key_without_a_proper_name_has_no_vkey(void **state)
{
	struct str s = STR_INIT;

	(void)state;
	assert_int_equal(note_vkey("", pk, &s), ERR_PARSE);
	assert_int_equal(note_vkey("a+b", pk, &s), ERR_PARSE);
	assert_int_equal(note_vkey("a b", pk, &s), ERR_PARSE);
	assert_int_equal(note_vkey("a\nb", pk, &s), ERR_PARSE);
	assert_int_equal(s.n, 0);
}

static char *
make_proof(size_t n)
{
	struct hash hashes[MERKLE_PROOF_MAX];
	struct str s = STR_INIT;
	char *text;

	for (size_t i = 0; i < n; i++)
		memset(&hashes[i], (int)i, sizeof(hashes[i]));
	assert_int_equal(tlog_proof_encode(1234, hashes, n, slice_str(note),
			     &s),
	    0);
	assert_int_equal(str_take(&s, &text), 0);
	return text;
}

static void
a_proof_comes_back_as_it_was_written(void **state)
{
	struct tlog_proof p;
	char *text;

	(void)state;
	for (size_t n = 0; n <= MERKLE_PROOF_MAX; n++) {
		text = make_proof(n);
		assert_int_equal(tlog_proof_parse(slice_str(text), &p, NULL),
		    0);
		assert_int_equal(p.index, 1234);
		assert_int_equal(p.n, n);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p.proof[i].b[31], i);
		assert_true(slice_is(p.note, note));
		free(text);
	}
}

/* What parses must be what was written, or be another proof. */
static void
reencode(const uint8_t *p, size_t n, void *arg)
{
	struct str s = STR_INIT;
	struct tlog_proof t;

	(void)arg;
	if (tlog_proof_parse(slice_of(p, n), &t, NULL) != 0)
		return;
	assert_int_equal(tlog_proof_encode(t.index, t.proof, t.n, t.note, &s),
	    0);
	if (!slice_equal(slice_of(s.p, s.n), slice_of(p, n)))
		fail_msg("two texts, one proof: %s", mutate_what());
	str_clear(&s);
}

static void
a_proof_has_one_text(void **state)
{
	char *text = make_proof(3);

	(void)state;
	assert_int_equal(mutate_each(text, strlen(text), reencode, NULL),
	    9 * strlen(text));
	free(text);
}

static void
texts_that_are_no_proofs_are_refused(void **state)
{
#define HEAD  "c2sp.org/tlog-proof@v1\n"
#define HASH0 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	static const struct {
		const char *text;
		int want;
	} cases[] = {
	    {HEAD "index 0\n\nnote", 0},
	    {HEAD "index 0\n" HASH0 "\nnote", 0},
	    {"", ERR_PARSE},
	    {"c2sp.org/tlog-proof@v2\nindex 0\n\nnote", ERR_PARSE},
	    {HEAD, ERR_PARSE},
	    {HEAD "index 00\n\nnote", ERR_PARSE},
	    {HEAD "index -1\n\nnote", ERR_PARSE},
	    {HEAD "index \n\nnote", ERR_PARSE},
	    {HEAD "Index 0\n\nnote", ERR_PARSE},
	    {HEAD "index 18446744073709551616\n\nnote", ERR_PARSE},
	    {HEAD "extra AAAA\nindex 0\n\nnote", ERR_PARSE},
	    {HEAD "index 0\nAAAA\n\nnote", ERR_PARSE},
	    {HEAD "index 0\n" HASH0, ERR_PARSE},
	    {HEAD "index 0\n\n", ERR_PARSE},
	};
	struct tlog_proof p;
	struct str s = STR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = tlog_proof_parse(slice_str(cases[i].text), &p, NULL);

		if (r != cases[i].want)
			fail_msg("case %zu: %d", i, r);
	}
	str_add(&s, HEAD "index 0\n");
	for (int i = 0; i <= MERKLE_PROOF_MAX; i++)
		str_add(&s, HASH0);
	str_add(&s, "\nnote");
	assert_int_equal(tlog_proof_parse(slice_of(s.p, s.n), &p, NULL),
	    ERR_LIMIT);
	str_clear(&s);
}

static int
all_of_it(void *arg)
{
	struct str s = STR_INIT;
	struct tlog_proof p;
	struct checkpoint c;
	uint8_t sig[64] = {0};
	char *text;
	int r;

	(void)arg;
	if ((r = note_vkey(ORIGIN, pk, &s)) == 0 &&
	    (r = checkpoint_note(&head, pk, sig, &s)) == 0)
		str_reset(&s);
	if (r == 0)
		r = checkpoint_open(slice_str(note), ORIGIN, pk, &c, NULL);
	if (r == 0)
		r = tlog_proof_encode(0, &c.root, 1, slice_str(note), &s);
	if (r == 0)
		r = str_take(&s, &text);
	else
		str_clear(&s);
	if (r == 0) {
		r = tlog_proof_parse(slice_str(text), &p, NULL);
		free(text);
	}
	return r;
}

static void
memory_that_runs_out_is_said(void **state)
{
	(void)state;
	assert_true(alloc_each(all_of_it, NULL) >= 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_vector_of_signed_note_has_its_vkey_and_verifies),
	    cmocka_unit_test(a_text_may_hold_empty_lines),
	    cmocka_unit_test(a_checkpoint_comes_back_as_it_was_signed),
	    cmocka_unit_test(
		every_flipped_bit_and_every_cut_of_a_note_is_refused),
	    cmocka_unit_test(
		texts_that_are_no_checkpoints_are_refused_though_signed),
	    cmocka_unit_test(signatures_of_others_are_passed_over),
	    cmocka_unit_test(signature_lines_of_another_form_are_refused),
	    cmocka_unit_test(a_note_has_as_many_signatures_as_the_limit_says),
	    cmocka_unit_test(a_note_is_as_long_as_the_limit_says),
	    cmocka_unit_test(names_of_logs_make_origins),
	    cmocka_unit_test(a_key_without_a_proper_name_has_no_vkey),
	    cmocka_unit_test(a_proof_comes_back_as_it_was_written),
	    cmocka_unit_test(a_proof_has_one_text),
	    cmocka_unit_test(texts_that_are_no_proofs_are_refused),
	    cmocka_unit_test(memory_that_runs_out_is_said),
	};

	return cmocka_run_group_tests(tests, make_note, free_note);
}

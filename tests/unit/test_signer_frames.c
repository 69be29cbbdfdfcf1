/* SPDX-License-Identifier: ISC */
/* What keeper and signer say to each other, as bytes: read as it was written,
 * and nothing that is nearly that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ca/signer/signer_frames.h"
#include "lib/proc/frame.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"
#include "tests/unit/signer_case.h"

static struct buf *
new_buf(void)
{
	struct buf *b = NULL;

	assert_int_equal(buf_new(&b, FRAME_MAX), 0);
	return b;
}

/* One way to read a payload; 0 or ERR_*. */
typedef int reader(struct slice payload, struct err *e);

/* Cut anywhere it is refused, with words; with any bit flipped it is read or
 * refused, and with memory short it says so. */
struct trial {
	reader *read;
	struct slice bytes;
};

static void
cut(const uint8_t *p, size_t n, void *arg)
{
	const struct trial *t = arg;
	struct err e = {0};

	if (t->read(slice_of(p, n), &e) >= 0 || e.msg[0] == '\0')
		fail_msg("%s: taken", mutate_what());
}

static void
flip(const uint8_t *p, size_t n, void *arg)
{
	const struct trial *t = arg;
	struct err e = {0};

	if (t->read(slice_of(p, n), &e) < 0 && e.msg[0] == '\0')
		fail_msg("%s: refused without a word", mutate_what());
}

static int
starve(void *arg)
{
	const struct trial *t = arg;

	return t->read(t->bytes, NULL);
}

static void
is_strict(reader *read, const struct buf *b)
{
	struct trial t = {read, buf_slice(b)};
	struct str longer = STR_INIT;
	struct err e = {0};

	if (read(t.bytes, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(mutate_cuts(t.bytes.p, t.bytes.n, cut, &t), t.bytes.n);
	(void)mutate_bits(t.bytes.p, t.bytes.n, flip, &t);
	str_addn(&longer, (const char *)t.bytes.p, t.bytes.n);
	str_addc(&longer, '\0');
	assert_true(read(slice_of(longer.p, longer.n), &e) < 0);
	str_clear(&longer);
}

/* --- SIGN ----------------------------------------------------------------- */

static int
read_sign(struct slice payload, struct err *e)
{
	struct sign_frame *f = NULL;
	int r = sign_frame_parse(payload, &f, e);

	sign_frame_free(f);
	return r;
}

static void
a_batch_is_read_as_it_was_written(void **state)
{
	struct sign_frame *f = NULL;
	struct signer_case s;
	struct err e = {0};
	struct buf *b;

	(void)state;
	for (int before = 0; before < 2; before++) {
		signer_case_open(&s, before == 1);
		b = signer_case_frame(&s, before == 1);
		assert_int_equal(sign_frame_parse(buf_slice(b), &f, &e), 0);
		assert_int_equal(f->durable, before == 1);
		assert_int_equal(f->b.head.size, SIGNER_CASE_LEAVES);
		assert_true(hash_equal(&f->b.head.root, &s.b.head.root));
		assert_int_equal(f->b.n_consistency, 1);
		assert_true(hash_equal(f->b.consistency, &s.proof[0]));
		assert_int_equal(f->tail.edge.size, SIGNER_CASE_LEAVES - 2);
		assert_int_equal(f->tail.n, 2);
		assert_int_equal(f->n_statements, 2);
		assert_int_equal(f->b.n_jobs, 1);
		assert_int_equal(f->b.jobs[0].index, s.job.index);
		assert_int_equal(f->b.jobs[0].resign, before == 1);
		assert_int_equal(f->b.jobs[0].n_inclusion, s.job.n_inclusion);
		assert_true(slice_equal(f->b.jobs[0].bytes, s.job.bytes));
		assert_true(hash_equal(&f->b.jobs[0].request->hash,
		    &s.c.request.hash));
		assert_int_equal(f->b.jobs[0].n_decisions, 1);
		assert_false(f->b.jobs[0].request->verified);
		assert_int_equal(sign_frame_verify(f, &e), 0);
		assert_true(f->b.jobs[0].request->verified);
		sign_frame_free(f);
		f = NULL;
		is_strict(read_sign, b);
		buf_free(b);
		signer_case_close(&s);
	}
}

static void
a_batch_says_when_memory_is_out(void **state)
{
	struct signer_case s;
	struct trial t = {.read = read_sign};
	struct buf *b;

	(void)state;
	signer_case_open(&s, true);
	b = signer_case_frame(&s, true);
	t.bytes = buf_slice(b);
	assert_true(alloc_each(starve, &t) > 5);
	buf_free(b);
	signer_case_close(&s);
}

static void
a_statement_that_many_name_is_sent_once(void **state)
{
	struct signer_job jobs[50];
	struct sign_frame *f = NULL;
	struct signer_case s;
	struct err e = {0};
	struct buf *b;

	(void)state;
	signer_case_open(&s, false);
	for (size_t i = 0; i < 50; i++)
		jobs[i] = s.job;
	s.b.jobs = jobs;
	s.b.n_jobs = 50;
	b = signer_case_frame(&s, true);
	assert_int_equal(sign_frame_parse(buf_slice(b), &f, &e), 0);
	assert_int_equal(f->n_statements, 2);
	assert_int_equal(f->b.n_jobs, 50);
	sign_frame_free(f);
	buf_free(b);
	signer_case_close(&s);
}

static void
a_bad_signature_is_found_among_many(void **state)
{
	struct sign_frame *f = NULL;
	struct signer_case s;
	struct err e = {0};
	struct buf *b;
	uint8_t *p;

	(void)state;
	signer_case_open(&s, false);
	b = signer_case_frame(&s, true);
	p = memmem(buf_slice(b).p, buf_len(b), "\"nonce\":\"", 9);
	assert_non_null(p);
	p[9] = p[9] == 'a' ? 'b' : 'a';
	assert_int_equal(sign_frame_parse(buf_slice(b), &f, &e), 0);
	assert_int_equal(sign_frame_verify(f, &e), ERR_BADSIG);
	sign_frame_free(f);
	buf_free(b);
	signer_case_close(&s);
}

/* Numbers that promise more than there are bytes, or than may be. */
static void
a_number_makes_no_room(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint32_t n;
		int want;
	} cases[] = {
	    {"proof", 1 + 8 + 32, 65, ERR_LIMIT},
	    /* One hash of proof, the size 4, and its one hash. */
	    {"leaves", 1 + 8 + 32 + 4 + 32 + 8 + 32, 4097, ERR_LIMIT},
	    {"leaves", 1 + 8 + 32 + 4 + 32 + 8 + 32, 4096, ERR_PARSE},
	    {"statements", 1 + 8 + 32 + 4 + 32 + 8 + 32 + 4 + 64, 8193,
		ERR_LIMIT},
	    {"statements", 1 + 8 + 32 + 4 + 32 + 8 + 32 + 4 + 64, 8192,
		ERR_PARSE},
	};
	struct signer_case s;
	struct buf *b;

	(void)state;
	signer_case_open(&s, false);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = {0};
		uint8_t *p;
		int r;

		b = signer_case_frame(&s, true);
		p = (uint8_t *)(uintptr_t)buf_slice(b).p + cases[i].at;
		p[0] = p[1] = 0;
		p[2] = (uint8_t)(cases[i].n >> 8);
		p[3] = (uint8_t)cases[i].n;
		if ((r = read_sign(buf_slice(b), &e)) != cases[i].want)
			fail_msg("%s: %d, expected %d", cases[i].name, r,
			    cases[i].want);
		buf_free(b);
	}
	signer_case_close(&s);
}

/* --- SIGNED --------------------------------------------------------------- */

static int
read_signed(struct slice payload, struct err *e)
{
	struct signer_job jobs[2] = {{.cert = NULL}};
	struct str note = STR_INIT;
	int r = signed_frame_parse(payload, jobs, 2, &note, e);

	for (size_t i = 0; i < 2; i++) {
		if (r != 0)
			assert_null(jobs[i].cert);
		buf_free(jobs[i].cert);
	}
	str_clear(&note);
	return r;
}

static void
certificates_come_back_each_to_its_job(void **state)
{
	struct signer_job jobs[2] = {{.cert = NULL}}, got[2] = {{.cert = NULL}};
	struct trial t = {.read = read_signed};
	struct str note = STR_INIT;
	struct buf *b = new_buf();
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		jobs[i].cert = new_buf();
		assert_int_equal(buf_put_cstring(jobs[i].cert,
				     i == 0 ? "one" : "another"),
		    0);
	}
	assert_int_equal(signed_frame_encode(slice_str("note"), jobs, 2, b), 0);
	assert_int_equal(signed_frame_parse(buf_slice(b), got, 2, &note, &e),
	    0);
	assert_string_equal(note.p, "note");
	for (size_t i = 0; i < 2; i++)
		assert_true(slice_equal(buf_slice(got[i].cert),
		    buf_slice(jobs[i].cert)));
	/* More or fewer than were asked for. */
	str_clear(&note);
	assert_int_equal(signed_frame_parse(buf_slice(b), got, 1, &note, &e),
	    ERR_PARSE);
	is_strict(read_signed, b);
	t.bytes = buf_slice(b);
	assert_true(alloc_each(starve, &t) > 1);
	for (size_t i = 0; i < 2; i++) {
		buf_free(jobs[i].cert);
		buf_free(got[i].cert);
	}
	str_clear(&note);
	buf_free(b);
}

/* --- the others ----------------------------------------------------------- */

static int
read_seen(struct slice payload, struct err *e)
{
	struct seen_frame s;

	return seen_frame_parse(payload, &s, e);
}

static void
what_was_seen_is_told(void **state)
{
	struct seen_frame s = {.user_ca = slice_str("user"),
	    .host_ca = slice_str(""),
	    .log = slice_str("log")};
	struct seen_frame got;
	struct buf *b = new_buf();
	struct err e = {0};

	(void)state;
	s.seen.head.size = UINT64_C(1) << 40;
	s.seen.head.root = fixture_hash(0x5a);
	s.seen.root_version = 3;
	s.seen.policy_version = 4;
	s.seen.krl_version = 5;
	assert_int_equal(seen_frame_encode(&s, b), 0);
	assert_int_equal(seen_frame_parse(buf_slice(b), &got, &e), 0);
	assert_int_equal(got.seen.head.size, s.seen.head.size);
	assert_true(hash_equal(&got.seen.head.root, &s.seen.head.root));
	assert_int_equal(got.seen.root_version, 3);
	assert_int_equal(got.seen.policy_version, 4);
	assert_int_equal(got.seen.krl_version, 5);
	assert_true(slice_is(got.user_ca, "user"));
	assert_int_equal(got.host_ca.n, 0);
	assert_true(slice_is(got.log, "log"));
	is_strict(read_seen, b);
	buf_free(b);
}

static int
read_policy(struct slice payload, struct err *e)
{
	struct bundle_chain *c = NULL;
	bool past;
	int r = policy_frame_parse(payload, &past, &c, e);

	if (r == 0) {
		bundle_chain_clear(c);
		free(c);
	}
	return r;
}

static void
a_policy_arrives_whole(void **state)
{
	struct bundle_chain c, *got = NULL;
	struct trial t = {.read = read_policy};
	struct buf *b = new_buf(), *same = new_buf();
	struct err e = {0};
	bool past = false;

	(void)state;
	memset(&c, 0, sizeof(c));
	c.n_roots = 2;
	for (size_t i = 0; i < 2; i++) {
		c.root_files[i] = slice_str("root file");
		c.root_statements[i] = slice_str("root");
	}
	c.statement = slice_str("policy");
	c.manifest = slice_str("manifest");
	assert_int_equal(policy_files_add(&c.files, "ca.yaml", "ca", 2), 0);
	assert_int_equal(policy_files_add(&c.files, "root.yaml", "r", 1), 0);
	assert_int_equal(policy_frame_encode(&c, true, b), 0);
	assert_int_equal(policy_frame_parse(buf_slice(b), &past, &got, &e), 0);
	assert_true(past);
	assert_int_equal(policy_frame_encode(got, true, same), 0);
	assert_true(slice_equal(buf_slice(b), buf_slice(same)));
	is_strict(read_policy, b);
	t.bytes = buf_slice(b);
	assert_true(alloc_each(starve, &t) > 5);
	bundle_chain_clear(got);
	free(got);
	policy_files_clear(&c.files);
	buf_free(b);
	buf_free(same);
}

static int
read_act(struct slice payload, struct err *e)
{
	struct act_owners owners = {0};
	struct slice statement;
	int r = act_frame_parse(payload, &statement, &owners, e);

	act_owners_clear(&owners);
	return r;
}

static void
an_act_comes_with_the_owners_of_its_serials(void **state)
{
	struct act_owners o = {0}, got = {0};
	struct trial t = {.read = read_act};
	struct buf *b = new_buf();
	struct slice statement;
	struct err e = {0};

	(void)state;
	assert_int_equal(act_owners_add(&o, 7, ALICE), 0);
	assert_int_equal(act_owners_add(&o, UINT64_MAX, BOB), 0);
	assert_int_equal(act_frame_encode(slice_str("act"), &o, b), 0);
	assert_int_equal(act_frame_parse(buf_slice(b), &statement, &got, &e),
	    0);
	assert_true(slice_is(statement, "act"));
	assert_string_equal(act_owner(&got, 7), ALICE);
	assert_string_equal(act_owner(&got, UINT64_MAX), BOB);
	assert_null(act_owner(&got, 8));
	is_strict(read_act, b);
	t.bytes = buf_slice(b);
	assert_true(alloc_each(starve, &t) > 1);
	act_owners_clear(&o);
	act_owners_clear(&got);
	buf_free(b);
}

static int
read_refused(struct slice payload, struct err *e)
{
	struct err why;

	return refused_frame_parse(payload, &why, e);
}

static void
a_refusal_keeps_its_code_and_words(void **state)
{
	struct err why = {0}, got = {0}, e = {0};
	struct buf *b = new_buf();
	struct trial t = {read_refused, {NULL, 0}};

	(void)state;
	(void)err_set(&why, ERR_EXPIRED, "policy ended");
	err_hint(&why, "sign another");
	assert_int_equal(refused_frame_encode(&why, b), 0);
	assert_int_equal(refused_frame_parse(buf_slice(b), &got, &e), 0);
	assert_int_equal(got.code, ERR_EXPIRED);
	assert_string_equal(got.msg, "policy ended");
	assert_string_equal(got.hint, "sign another");
	t.bytes = buf_slice(b);
	(void)mutate_cuts(t.bytes.p, t.bytes.n, cut, &t);
	/* No code is success. */
	memset((uint8_t *)(uintptr_t)t.bytes.p, 0, 4);
	assert_int_equal(refused_frame_parse(t.bytes, &got, &e), ERR_PARSE);
	buf_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_batch_is_read_as_it_was_written),
	    cmocka_unit_test(a_batch_says_when_memory_is_out),
	    cmocka_unit_test(a_statement_that_many_name_is_sent_once),
	    cmocka_unit_test(a_bad_signature_is_found_among_many),
	    cmocka_unit_test(a_number_makes_no_room),
	    cmocka_unit_test(certificates_come_back_each_to_its_job),
	    cmocka_unit_test(what_was_seen_is_told),
	    cmocka_unit_test(a_policy_arrives_whole),
	    cmocka_unit_test(an_act_comes_with_the_owners_of_its_serials),
	    cmocka_unit_test(a_refusal_keeps_its_code_and_words),
	};

	return cmocka_run_group_tests_name("signer frames", tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* What one process says to the signer, or the signer to it: the first byte says
 * which payload the rest is. */
#include <stdint.h>
#include <stdlib.h>

#include "ca/signer/signer_frames.h"
#include "lib/proc/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What was read is written as it was. */
static void
same(int r, struct buf *b, struct slice payload)
{
	if (r != 0 || !slice_equal(buf_slice(b), payload))
		abort();
}

/* Statements that nobody names are left out, so it is read again. */
static void
try_sign(struct slice payload, struct buf *b, struct err *e)
{
	struct sign_frame *f = NULL, *again = NULL;
	size_t next = 0;
	int r;

	if (sign_frame_parse(payload, &f, e) != 0)
		return;
	(void)!sign_frame_verify(f, NULL);
	r = sign_frame_encode(&f->b, f->durable, &next, b, e);
	/* One job that names a large statement often is thought not to fit. */
	if (r != ERR_LIMIT &&
	    (r != 0 || sign_frame_parse(buf_slice(b), &again, e) != 0 ||
		again->b.n_jobs != next))
		abort();
	sign_frame_free(again);
	sign_frame_free(f);
}

static void
try_signed(struct slice payload, struct err *e)
{
	struct signer_job jobs[2] = {{.cert = NULL}};
	struct str note = STR_INIT;

	(void)!signed_frame_parse(payload, jobs, 2, &note, e);
	buf_free(jobs[0].cert);
	buf_free(jobs[1].cert);
	str_clear(&note);
}

static void
try_policy(struct slice payload, struct buf *b, struct err *e)
{
	struct bundle_chain *c = NULL;
	bool past;

	if (policy_frame_parse(payload, &past, &c, e) != 0)
		return;
	same(policy_frame_encode(c, past, b), b, payload);
	bundle_chain_clear(c);
	free(c);
}

static void
try_act(struct slice payload, struct buf *b, struct err *e)
{
	struct act_owners owners = {0};
	struct slice statement;

	if (act_frame_parse(payload, &statement, &owners, e) == 0)
		same(act_frame_encode(statement, &owners, b), b, payload);
	act_owners_clear(&owners);
}

static void
try_refused(struct slice payload, struct err *e)
{
	struct err why = {0};

	/* Nothing that is refused may look as if it were not. */
	if (refused_frame_parse(payload, &why, e) == 0 && why.code == 0)
		abort();
}

static void
try_seen(struct slice payload, struct buf *b, struct err *e)
{
	struct seen_frame s;

	if (seen_frame_parse(payload, &s, e) == 0)
		same(seen_frame_encode(&s, b), b, payload);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice payload;
	struct buf *b = NULL;
	struct err e = {0};

	if (n == 0 || n > FRAME_MAX || buf_new(&b, FRAME_MAX) != 0)
		return 0;
	payload = slice_of(data + 1, n - 1);
	switch (data[0]) {
	case 's':
		try_sign(payload, b, &e);
		break;
	case 'S':
		try_signed(payload, &e);
		break;
	case 'p':
		try_policy(payload, b, &e);
		break;
	case 'a':
		try_act(payload, b, &e);
		break;
	case 'v':
		try_seen(payload, b, &e);
		break;
	case 'r':
		try_refused(payload, &e);
		break;
	}
	buf_free(b);
	return 0;
}

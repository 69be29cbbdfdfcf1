/* SPDX-License-Identifier: ISC */
/* Attacks on SIGN: batches with one lie each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/signer/signer_frames.h"
#include "tests/tools/hostilekeeper/keeper.h"

/* The tail with this job's leaf as it is now, and the head that comes of it. */
static void
log_has(struct sign_frame *f, struct signer_job *j)
{
	struct merkle_edge edge = f->tail.edge;

	if (j->index < edge.size || j->index - edge.size >= f->tail.n)
		hk_die("the leaf is not in the tail");
	merkle_leaf(j->bytes.p, j->bytes.n, &f->leaves[j->index - edge.size]);
	for (size_t i = 0; i < f->tail.n; i++)
		merkle_append(&edge, &f->leaves[i]);
	merkle_root(&edge, &f->b.head.root);
}

/* Another leaf for the job, said to be in the log. */
static void
leaf_is(struct sign_frame *f, struct signer_job *j, const struct issue_leaf *l)
{
	struct str text = STR_INIT;
	char *p;
	size_t n;

	hk_must(issue_leaf_encode(l, &text));
	n = text.n;
	hk_must(str_take(&text, &p));
	j->bytes = slice_of(p, n);
	log_has(f, j);
}

void
hk_replace(uint8_t *p, size_t n, const char *what, const char *with)
{
	size_t len = strlen(what);
	uint8_t *at = memmem(p, n, what, len);

	if (at == NULL)
		hk_die("there is no '%s' in it", what);
	memcpy(at, with, len);
}

/* A statement that says `with` in the place of `what`, under the old signature.
 */
static const struct statement *
reworded(const struct statement *s, const char *what, const char *with)
{
	struct statement *forged = calloc(1, sizeof(*forged));
	struct slice old = statement_bytes(s);
	uint8_t *p = malloc(old.n);
	struct err e = {0};

	if (forged == NULL || p == NULL)
		hk_die("out of memory");
	memcpy(p, old.p, old.n);
	hk_replace(p, old.n, what, with);
	statement_init(forged, s->type);
	if (statement_parse("forged", slice_of(p, old.n), forged, &e) != 0)
		hk_die("%s", e.msg);
	free(p);
	return forged;
}

static void
forge_request(struct sign_frame *f)
{
	struct signer_job *j = &f->b.jobs[0];
	struct issue_leaf l = *j->leaf;

	j->request = reworded(j->request, "\"deploy\"", "\"viewer\"");
	l.request = j->request->hash;
	leaf_is(f, j, &l);
}

static void
forge_approval(struct sign_frame *f)
{
	struct signer_job *j = &f->b.jobs[0];
	struct issue_leaf l = *j->leaf;

	if (j->n_decisions == 0)
		hk_die("nobody decided");
	j->decisions = memcpy(calloc(j->n_decisions, sizeof(*j->decisions)),
	    j->decisions, j->n_decisions * sizeof(*j->decisions));
	*(const struct statement **)(uintptr_t)&j->decisions[0] =
	    reworded(j->decisions[0], "olga@", "ivan@");
	l.n_decisions = j->n_decisions;
	leaf_is(f, j, &l);
}

/* Nobody approved, and the leaf says so. */
static void
no_approval(struct sign_frame *f)
{
	struct signer_job *j = &f->b.jobs[0];
	struct issue_leaf l = *j->leaf;

	if (j->n_decisions == 0)
		hk_die("nobody decided");
	j->n_decisions = l.n_decisions = 0;
	leaf_is(f, j, &l);
}

/* A certificate for more than was asked. */
static void
other_certificate(struct sign_frame *f)
{
	struct signer_job *j = &f->b.jobs[0];
	struct issue_leaf l = *j->leaf;

	if ((l.tbs = malloc(l.tbs_len)) == NULL)
		hk_die("out of memory");
	memcpy(l.tbs, j->leaf->tbs, l.tbs_len);
	hk_replace(l.tbs, l.tbs_len, "deploy", "root00");
	leaf_is(f, j, &l);
}

static void
old_time(struct sign_frame *f)
{
	struct signer_job *j = &f->b.jobs[0];
	struct issue_leaf l = *j->leaf;

	l.now -= 3600;
	leaf_is(f, j, &l);
}

/* The head does not have the leaf that it is asked to sign for. */
static void
not_in_log(struct sign_frame *f)
{
	struct signer_job *j = &f->b.jobs[0];
	struct slice leaf = j->bytes;

	j->bytes = slice_str("another leaf");
	log_has(f, j);
	j->bytes = leaf;
}

/* A tree as large that has another past. */
static void
forked_head(struct sign_frame *f)
{
	for (unsigned i = 0; i < 64; i++)
		if (f->tail.edge.size >> i & 1) {
			f->tail.edge.h[i].b[0] ^= 1;
			log_has(f, &f->b.jobs[0]);
			return;
		}
	hk_die("the log is empty");
}

/* The tree before the tail, one leaf smaller than what was signed. */
static void
older_head(struct sign_frame *f)
{
	if (f->tail.edge.size < 2)
		hk_die("the log is empty");
	f->b.n_jobs = 0;
	f->tail.n = 0;
	f->tail.edge = (struct merkle_edge){0};
	merkle_append(&f->tail.edge, &f->leaves[0]);
	merkle_root(&f->tail.edge, &f->b.head.root);
	f->b.head.size = 1;
	f->b.n_consistency = 0;
}

static void
as_it_was(struct sign_frame *f)
{
	(void)f;
}

static const struct {
	const char *name;
	void (*change)(struct sign_frame *f);
} sign_attacks[] = {
    {"honest", as_it_was},
    {"without-acts", as_it_was},
    {"forged-request", forge_request},
    {"forged-approval", forge_approval},
    {"no-approval", no_approval},
    {"other-certificate", other_certificate},
    {"old-time", old_time},
    {"not-in-log", not_in_log},
    {"forked-head", forked_head},
    {"older-head", older_head},
};

bool
hk_attack_sign(struct chan *signer, const struct said *s, const char *name)
{
	struct buf *out = hk_buffer(FRAME_MAX);
	struct sign_frame *f = NULL;
	struct err e = {0};
	size_t i, next = 0;

	for (i = 0; i < sizeof(sign_attacks) / sizeof(sign_attacks[0]); i++)
		if (strcmp(sign_attacks[i].name, name) == 0)
			break;
	if (i == sizeof(sign_attacks) / sizeof(sign_attacks[0]))
		return false;
	if (s->v[s->n - 1].type != MSG_SIGN)
		hk_die("what was held is not a SIGN");
	if (sign_frame_parse(s->v[s->n - 1].payload, &f, &e) != 0)
		hk_die("%s", e.msg);
	sign_attacks[i].change(f);
	if (sign_frame_encode(&f->b, true, &next, out, &e) != 0)
		hk_die("%s", e.msg);
	hk_say(signer, MSG_SIGN, buf_slice(out));
	if (hk_answer(signer))
		puts("signed");
	sign_frame_free(f);
	buf_free(out);
	return true;
}

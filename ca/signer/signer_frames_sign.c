/* SPDX-License-Identifier: ISC */
/* SIGN as it is written: a head, how it came to be, and certificates to sign
 * under it. */
#include <stdlib.h>
#include <string.h>

#include "ca/signer/signer_frames.h"
#include "lib/proc/frame.h"

/*
 * Statements that many jobs name are written once: a table by hash, of a power
 * of two places, at most half of them taken.
 */
struct known {
	struct place {
		const struct statement *s;
		uint32_t n;
	} * v;
	size_t mask, n;
};

struct writer {
	const struct signer_batch *b;
	struct buf *statements, *jobs;
	struct known known;
	uint32_t n_jobs;
};

static struct place *
find_place(const struct known *k, const struct statement *s)
{
	size_t i;

	memcpy(&i, s->hash.b, sizeof(i));
	for (i &= k->mask;
	     k->v[i].s != NULL && !hash_equal(&k->v[i].s->hash, &s->hash);
	     i = (i + 1) & k->mask)
		;
	return &k->v[i];
}

static int
put_hashes(struct buf *b, const struct hash *v, size_t n)
{
	int r = buf_put_u32(b, (uint32_t)n);

	for (size_t i = 0; i < n && r == 0; i++)
		r = buf_put(b, v[i].b, HASH_LEN);
	return r;
}

static int
put_edge(struct buf *b, const struct merkle_edge *edge)
{
	int r = buf_put_u64(b, edge->size);

	for (unsigned i = 0; i < 64 && r == 0; i++)
		if (edge->size >> i & 1)
			r = buf_put(b, edge->h[i].b, HASH_LEN);
	return r;
}

/* What comes before statements and jobs. */
static int
put_head(const struct signer_batch *b, bool durable, struct buf *out)
{
	int r;

	if ((r = buf_put_u8(out, durable)) != 0 ||
	    (r = buf_put_u64(out, b->head.size)) != 0 ||
	    (r = buf_put(out, b->head.root.b, HASH_LEN)) != 0 ||
	    (r = put_hashes(out, b->consistency, b->n_consistency)) != 0 ||
	    (r = put_edge(out, &b->tail->edge)) != 0)
		return r;
	return put_hashes(out, b->tail->leaves, b->tail->n);
}

/* The number of a statement in the table, which it joins if it is new. */
static int
put_statement(struct writer *w, const struct statement *s)
{
	struct place *p = find_place(&w->known, s);
	struct slice bytes = statement_bytes(s);
	int r;

	if (p->s == NULL) {
		if (w->known.n == SIGN_STATEMENTS_MAX)
			return ERR_LIMIT;
		if ((r = buf_put_string(w->statements, bytes.p, bytes.n)) != 0)
			return r;
		*p = (struct place){s, (uint32_t)w->known.n++};
	}
	return buf_put_u32(w->jobs, p->n);
}

static int
put_job(struct writer *w, const struct signer_job *j)
{
	int r;

	if ((r = buf_put_string(w->jobs, j->bytes.p, j->bytes.n)) != 0 ||
	    (r = buf_put_u64(w->jobs, j->index)) != 0 ||
	    (r = buf_put_u8(w->jobs, j->resign)) != 0 ||
	    (r = put_statement(w, j->request)) != 0 ||
	    (r = buf_put_u32(w->jobs, (uint32_t)j->n_decisions)) != 0)
		return r;
	for (size_t i = 0; i < j->n_decisions && r == 0; i++)
		r = put_statement(w, j->decisions[i]);
	if (r == 0)
		r = put_hashes(w->jobs, j->inclusion, j->n_inclusion);
	return r;
}

/* A bound of what a job takes besides statements that are there already. */
static size_t
most_of(const struct writer *w, const struct signer_job *j)
{
	size_t n =
	    64 + j->bytes.n + j->n_inclusion * HASH_LEN + 4 * j->n_decisions;

	if (find_place(&w->known, j->request)->s == NULL)
		n += 4 + j->request->n_bytes;
	for (size_t i = 0; i < j->n_decisions; i++)
		if (find_place(&w->known, j->decisions[i])->s == NULL)
			n += 4 + j->decisions[i]->n_bytes;
	return n;
}

static bool
fits(const struct writer *w, const struct signer_job *j, size_t head)
{
	size_t statements = w->known.n + 1 + j->n_decisions;

	return w->n_jobs < SIGN_JOBS_MAX && statements <= SIGN_STATEMENTS_MAX &&
	    head + 8 + buf_len(w->statements) + buf_len(w->jobs) +
		most_of(w, j) <=
	    FRAME_MAX;
}

/* Bytes of n at most a frame's: more of them go in another. */
static size_t
frame_part(size_t n)
{
	return n < FRAME_MAX ? n : FRAME_MAX;
}

/* Room for what follows, so that hundreds of kilobytes do not move each time
 * that they are doubled.  A decision of many is with jobs that lie together. */
static int
make_room(struct writer *w, const struct signer_batch *b)
{
	const struct statement *before = NULL;
	size_t statements = 0, jobs = 0;
	int r;

	for (size_t i = 0; i < b->n_jobs; i++) {
		const struct signer_job *j = &b->jobs[i];

		jobs += 64 + j->bytes.n + j->n_inclusion * HASH_LEN +
		    4 * j->n_decisions;
		statements += 4 + j->request->n_bytes;
		for (size_t k = 0; k < j->n_decisions; k++)
			if (j->decisions[k] != before) {
				before = j->decisions[k];
				statements += 4 + before->n_bytes;
			}
	}
	if ((r = buf_expect(w->statements, frame_part(statements))) != 0)
		return r;
	return buf_expect(w->jobs, frame_part(jobs));
}

static int
writer_new(struct writer *w, const struct signer_batch *b)
{
	size_t places = 16;

	/* Jobs of a frame name so many statements at most. */
	for (size_t i = 0; i < b->n_jobs; i++)
		w->known.n += 1 + b->jobs[i].n_decisions;
	while (places < 2 * w->known.n && places < 2 * SIGN_STATEMENTS_MAX)
		places *= 2;
	w->known.n = 0;
	w->known.mask = places - 1;
	if ((w->known.v = calloc(places, sizeof(*w->known.v))) == NULL)
		return ERR_NOMEM;
	if (buf_new(&w->statements, FRAME_MAX) != 0 ||
	    buf_new(&w->jobs, FRAME_MAX) != 0)
		return ERR_NOMEM;
	return make_room(w, b);
}

int
sign_frame_encode(const struct signer_batch *b, bool durable, size_t *next,
    struct buf *out, struct err *e)
{
	struct writer w = {.b = b};
	size_t i = *next;
	int r;

	if ((r = writer_new(&w, b)) != 0 ||
	    (r = put_head(b, durable, out)) != 0)
		goto out;
	for (; i < b->n_jobs && fits(&w, &b->jobs[i], buf_len(out)); i++) {
		if ((r = put_job(&w, &b->jobs[i])) != 0)
			goto out;
		w.n_jobs++;
	}
	if (i == *next && i < b->n_jobs) {
		r = ERR_LIMIT;
		goto out;
	}
	if ((r = buf_expect(out,
		 8 + buf_len(w.statements) + buf_len(w.jobs))) != 0 ||
	    (r = buf_put_u32(out, (uint32_t)w.known.n)) != 0 ||
	    (r = buf_put_slice(out, buf_slice(w.statements))) != 0 ||
	    (r = buf_put_u32(out, w.n_jobs)) != 0 ||
	    (r = buf_put_slice(out, buf_slice(w.jobs))) != 0)
		goto out;
	*next = i;
out:
	buf_free(w.statements);
	buf_free(w.jobs);
	free(w.known.v);
	if (r != 0)
		(void)err_set(e, r, "batch for the signer: %s", err_text(r));
	return r;
}

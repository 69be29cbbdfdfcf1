/* SPDX-License-Identifier: ISC */
#include "lib/trust/fleet_place.h"

#include <stdlib.h>
#include <string.h>

#include "lib/tlog/merkle.h"
#include "lib/tlog/note.h"

#define TARGET_LINE (sizeof("1000 ") + ID_MAX + 1)

static void
leaf_of(unsigned batch, const char *host, struct hash *out)
{
	char line[TARGET_LINE];
	int n = snprintf(line, sizeof(line), "%u %s\n", batch, host);

	merkle_leaf(line, (size_t)n, out);
}

/* --- a place, as a host gets it ------------------------------------------- */

static int
malformed(const char *expected, struct err *e)
{
	return err_set(e, ERR_PARSE, "place among targets: expected %s",
	    expected);
}

static int
read_target(struct slice line, struct place *out, struct err *e)
{
	char text[TARGET_LINE];
	struct target t;

	if (line.n >= sizeof(text) || memchr(line.p, '\0', line.n) != NULL)
		return malformed("BATCH HOST in its second line", e);
	memcpy(text, line.p, line.n);
	text[line.n] = '\0';
	if (target_read(text, &t) != 0)
		return malformed("BATCH HOST in its second line", e);
	out->batch = t.batch;
	(void)snprintf(out->host, sizeof(out->host), "%s", t.host);
	leaf_of(out->batch, out->host, &out->leaf);
	return 0;
}

int
place_parse(struct slice text, struct place *out, struct err *e)
{
	struct view v = view_slice(text);
	struct place p = {.n = 0};
	struct slice line;
	int r;

	if (text.n > PLACE_MAX)
		return err_set(e, ERR_LIMIT,
		    "place among targets of %zu bytes, expected at most %d",
		    text.n, PLACE_MAX);
	if (note_line(&v, &line) != 0 || note_number(line, &p.index) != 0)
		return malformed("a number in its first line", e);
	if (note_line(&v, &line) != 0)
		return malformed("BATCH HOST in its second line", e);
	if ((r = read_target(line, &p, e)) != 0)
		return r;
	for (; v.n > 0; p.n++) {
		if (p.n == PLACE_HASHES_MAX)
			return malformed("at most 17 hashes", e);
		if (note_line(&v, &line) != 0)
			return malformed("LF at its end", e);
		if ((r = note_hash(line, &p.proof[p.n])) != 0)
			return r == ERR_NOMEM
			    ? err_nomem(e)
			    : malformed("the base64 of 32 bytes", e);
	}
	*out = p;
	return 0;
}

int
place_check(const struct place *p, const struct job_statement *j, struct err *e)
{
	if (merkle_check_inclusion(&p->leaf, p->index, j->hosts, p->proof, p->n,
		&j->tree) != 0)
		return err_set(e, ERR_PARSE,
		    "place %llu among targets is not in the tree of %llu hosts "
		    "that the job names",
		    (unsigned long long)p->index, (unsigned long long)j->hosts);
	return 0;
}

/* --- all of them, as who keeps TARGETS has them --------------------------- */

struct targets_tree {
	uint64_t n;
	struct hash root;
	/* Perfect subtrees of 2^l leaves, n >> l of them, from at[l] on. */
	size_t at[PLACE_HASHES_MAX];
	struct hash v[];
};

static int
get(void *ctx, unsigned level, uint64_t index, struct hash *out, struct err *e)
{
	const struct targets_tree *t = ctx;

	(void)e;
	*out = t->v[t->at[level] + index];
	return 0;
}

static struct merkle_source
source_of(const struct targets_tree *t)
{
	return (struct merkle_source){.get = get, .ctx = (void *)(uintptr_t)t};
}

/* All levels above the leaves. */
static void
fill(struct targets_tree *t)
{
	size_t below = 0, n = (size_t)t->n;

	for (unsigned l = 1; l < PLACE_HASHES_MAX && t->n >> l > 0; l++) {
		t->at[l] = n;
		for (size_t i = 0; i < t->n >> l; i++)
			merkle_node(&t->v[below + 2 * i],
			    &t->v[below + 2 * i + 1], &t->v[n++]);
		below = t->at[l];
	}
}

int
targets_tree_new(const struct targets *t, struct targets_tree **out)
{
	struct targets_tree *new;
	struct merkle_source src;

	if (t->n == 0 || t->n > TARGETS_HOSTS_MAX)
		return ERR_LIMIT;
	new = calloc(1, sizeof(*new) + 2 * t->n * sizeof(new->v[0]));
	if (new == NULL)
		return ERR_NOMEM;
	new->n = t->n;
	for (size_t i = 0; i < t->n; i++)
		leaf_of(t->v[i].batch, t->v[i].host, &new->v[i]);
	fill(new);
	src = source_of(new);
	/* get() does not fail. */
	(void)!merkle_source_root(&src, new->n, &new->root, NULL);
	*out = new;
	return 0;
}

void
targets_tree_free(struct targets_tree *t)
{
	free(t);
}

void
targets_tree_root(const struct targets_tree *t, struct hash *out)
{
	*out = t->root;
}

int
targets_tree_place(const struct targets_tree *t, uint64_t index, unsigned batch,
    const char *host, struct str *out, struct err *e)
{
	const struct merkle_source src = source_of(t);
	struct hash proof[MERKLE_PROOF_MAX];
	size_t n;
	int r;

	if ((r = merkle_prove_inclusion(&src, index, t->n, proof, &n, e)) != 0)
		return r;
	str_addf(out, "%llu\n%u %s\n", (unsigned long long)index, batch, host);
	for (size_t i = 0; i < n; i++) {
		str_add_base64(out, proof[i].b, HASH_LEN);
		str_addc(out, '\n');
	}
	return str_check(out) == 0 ? 0 : err_nomem(e);
}

/* --- a job and its TARGETS ------------------------------------------------ */

static void
root_of(const struct targets *t, struct hash *out)
{
	struct merkle_edge edge = {.size = 0};
	struct hash leaf;

	for (size_t i = 0; i < t->n; i++) {
		leaf_of(t->v[i].batch, t->v[i].host, &leaf);
		merkle_append(&edge, &leaf);
	}
	merkle_root(&edge, out);
}

int
job_set_targets(struct job_statement *j, struct slice text, struct err *e)
{
	struct targets t = {0};
	int r;

	if ((r = targets_parse(text, &t, e)) != 0)
		return r;
	hash_sha256(text.p, text.n, &j->targets);
	j->targets_size = text.n;
	j->hosts = t.n;
	root_of(&t, &j->tree);
	targets_clear(&t);
	return 0;
}

int
job_check_targets(const struct job_statement *j, struct slice text,
    struct targets *out, struct err *e)
{
	struct targets t = {0};
	struct hash h;
	int r;

	if (text.n != j->targets_size)
		return err_set(e, ERR_PARSE,
		    "TARGETS of %zu bytes, expected the %llu that the job "
		    "names",
		    text.n, (unsigned long long)j->targets_size);
	hash_sha256(text.p, text.n, &h);
	if (!hash_equal(&h, &j->targets))
		return err_set(e, ERR_PARSE,
		    "TARGETS differs from what the job names");
	if ((r = targets_parse(text, &t, e)) != 0)
		return r;
	root_of(&t, &h);
	if (t.n != j->hosts)
		r = err_set(e, ERR_PARSE,
		    "TARGETS has %zu hosts, expected the %llu that the job "
		    "names",
		    t.n, (unsigned long long)j->hosts);
	else if (!hash_equal(&h, &j->tree))
		r = err_set(e, ERR_PARSE,
		    "the tree over TARGETS is not the one that the job names");
	else if (out != NULL) {
		*out = t;
		return 0;
	}
	targets_clear(&t);
	return r;
}

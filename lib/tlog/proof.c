/* SPDX-License-Identifier: ISC */
/*
 * A proof in a file (C2SP tlog-proof): leaf index, inclusion proof and the
 * checkpoint it leads to.  Nothing to be fetched, nobody to be asked.
 */
#include <string.h>

#include "lib/tlog/checkpoint.h"
#include "lib/tlog/note.h"

static const char header[] = "c2sp.org/tlog-proof@v1";
static const char index_is[] = "index ";
#define INDEX_LEN (sizeof(index_is) - 1)

int
tlog_proof_encode(uint64_t index, const struct hash *proof, size_t n,
    struct slice note, struct str *out)
{
	if (n > MERKLE_PROOF_MAX || note.n > NOTE_MAX)
		return ERR_LIMIT;
	str_addf(out, "%s\n%s%llu\n", header, index_is,
	    (unsigned long long)index);
	for (size_t i = 0; i < n; i++) {
		str_add_base64(out, proof[i].b, sizeof(proof[i].b));
		str_addc(out, '\n');
	}
	str_addc(out, '\n');
	str_addn(out, (const char *)note.p, note.n);
	return str_check(out);
}

static int
get_index(struct view *v, uint64_t *out)
{
	struct slice line;

	if (note_line(v, &line) != 0 || line.n < INDEX_LEN ||
	    memcmp(line.p, index_is, INDEX_LEN) != 0)
		return ERR_PARSE;
	return note_number(slice_of(line.p + INDEX_LEN, line.n - INDEX_LEN),
	    out);
}

int
tlog_proof_parse(struct slice text, struct tlog_proof *out, struct err *e)
{
	struct tlog_proof p = {.n = 0};
	struct view v = view_slice(text);
	struct slice line;
	int r;

	if (note_line(&v, &line) != 0 || !slice_is(line, header))
		return err_set(e, ERR_PARSE, "not a proof, expected '%s' first",
		    header);
	if (get_index(&v, &p.index) != 0)
		return err_set(e, ERR_PARSE,
		    "proof: expected 'index' and a number in the second line");
	for (;;) {
		if (note_line(&v, &line) != 0)
			return err_set(e, ERR_PARSE,
			    "proof: expected an empty line and a checkpoint");
		if (line.n == 0)
			break;
		if (p.n == MERKLE_PROOF_MAX)
			return err_set(e, ERR_LIMIT,
			    "proof: more than %d hashes", MERKLE_PROOF_MAX);
		if ((r = note_hash(line, &p.proof[p.n])) != 0)
			return r == ERR_NOMEM
			    ? err_nomem(e)
			    : err_set(e, r,
				  "proof: line %zu is not the base64 of "
				  "32 bytes",
				  p.n + 3);
		p.n++;
	}
	if (v.n == 0 || v.n > NOTE_MAX)
		return err_set(e, v.n == 0 ? ERR_PARSE : ERR_LIMIT,
		    "proof: a checkpoint of %zu bytes, expected 1 to %d", v.n,
		    NOTE_MAX);
	p.note = slice_of(v.p, v.n);
	*out = p;
	return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * Strict, since a lax reader of notes misses flipped bits: base64 whose
 * trailing bits are not zero, and a vertical tab where a line should end, are
 * what Python's own functions let through.
 */
#include "lib/tlog/note.h"

#include <string.h>

#include "lib/crypto/ed25519.h"
#include "lib/tlog/checkpoint.h"

#define KEY_ID_LEN  4
#define ALG_ED25519 0x01
#define SIG_MAX     4096 /* of other algorithms, decoded */

static const char dash[] = "\xe2\x80\x94 "; /* U+2014 and a blank */
#define DASH_LEN (sizeof(dash) - 1)

int
note_line(struct view *v, struct slice *out)
{
	const uint8_t *lf = v->n == 0 ? NULL : memchr(v->p, '\n', v->n);
	struct slice rest;

	if (lf == NULL || view_get(v, (size_t)(lf - v->p) + 1, &rest) != 0)
		return ERR_PARSE;
	*out = slice_of(rest.p, rest.n - 1);
	return 0;
}

int
note_number(struct slice text, uint64_t *out)
{
	char digits[21];

	if (text.n == 0 || text.n >= sizeof(digits) ||
	    memchr(text.p, '\0', text.n) != NULL)
		return ERR_PARSE;
	memcpy(digits, text.p, text.n);
	digits[text.n] = '\0';
	return parse_u64(digits, 0, UINT64_MAX, out);
}

int
note_hash(struct slice text, struct hash *out)
{
	struct buf *b = NULL;
	int r;

	if ((r = buf_new(&b, HASH_LEN)) != 0)
		return r;
	r = base64_decode((const char *)text.p, text.n, b);
	if (r == ERR_LIMIT || (r == 0 && buf_len(b) != HASH_LEN))
		r = ERR_PARSE;
	if (r == 0)
		memcpy(out->b, buf_slice(b).p, HASH_LEN);
	buf_free(b);
	return r;
}

bool
note_name_ok(struct slice name)
{
	/* The blanks of Unicode that text_is_clean() lets pass. */
	static const char *const blanks[] = {" ", "+", "\xc2\xa0",
	    "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82",
	    "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
	    "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a",
	    "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

	if (name.n == 0 || name.n > NOTE_NAME_MAX ||
	    !text_is_clean((const char *)name.p, name.n, NULL))
		return false;
	for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++)
		if (memmem(name.p, name.n, blanks[i], strlen(blanks[i])) !=
		    NULL)
			return false;
	return true;
}

static void
key_id(struct slice name, const uint8_t pk[32], uint8_t out[KEY_ID_LEN])
{
	static const uint8_t sep[] = {'\n', ALG_ED25519};
	const struct slice parts[] = {
	    name, slice_of(sep, sizeof(sep)), slice_of(pk, 32)};
	struct hash h;

	hash_sha256v(parts, 3, &h);
	memcpy(out, h.b, KEY_ID_LEN);
}

int
note_vkey(const char *name, const uint8_t pk[32], struct str *out)
{
	uint8_t id[KEY_ID_LEN], typed[33] = {ALG_ED25519};

	if (!note_name_ok(slice_str(name)))
		return ERR_PARSE;
	key_id(slice_str(name), pk, id);
	memcpy(typed + 1, pk, 32);
	str_addf(out, "%s+", name);
	str_add_hex(out, id, sizeof(id));
	str_addc(out, '+');
	str_add_base64(out, typed, sizeof(typed));
	return str_check(out);
}

int
note_add_signature(const char *name, const uint8_t pk[32],
    const uint8_t sig[64], struct str *out)
{
	uint8_t blob[KEY_ID_LEN + ED25519_SIG_LEN];

	if (!note_name_ok(slice_str(name)))
		return ERR_PARSE;
	key_id(slice_str(name), pk, blob);
	memcpy(blob + KEY_ID_LEN, sig, ED25519_SIG_LEN);
	str_addf(out, "%s%s ", dash, name);
	str_add_base64(out, blob, sizeof(blob));
	str_addc(out, '\n');
	return str_check(out);
}

/* The text ends before the last empty line; it keeps its LF. */
static int
note_split(struct slice note, struct slice *text, struct view *sigs,
    struct err *e)
{
	size_t at = note.n;
	struct view lines;
	struct slice line;

	if (note.n > NOTE_MAX)
		return err_set(e, ERR_LIMIT,
		    "a note has %zu bytes, at most %d are read", note.n,
		    NOTE_MAX);
	lines = view_slice(note);
	while (lines.n > 0)
		if (note_line(&lines, &line) != 0 ||
		    !text_is_clean((const char *)line.p, line.n, NULL))
			return err_set(e, ERR_PARSE,
			    "not a note: expected lines of clean text that "
			    "each end in LF");
	while (at >= 2 && (note.p[at - 1] != '\n' || note.p[at - 2] != '\n'))
		at--;
	if (at < 2)
		return err_set(e, ERR_PARSE,
		    "not a note: expected text, an empty line and signatures");
	*text = slice_of(note.p, at - 1);
	*sigs = view_of(note.p + at, note.n - at);
	return 0;
}

/* Is this line by the key?  1: yes and it verifies, 0: another's, or ERR_*. */
static int
line_verify(struct slice line, struct slice name, const uint8_t pk[32],
    struct slice text, struct err *e)
{
	static const char what[] =
	    "not a signature line, expected a dash, a name and base64";
	struct buf *b = NULL;
	struct slice who, sig;
	uint8_t id[KEY_ID_LEN];
	const uint8_t *blank;
	int r;

	if (line.n < DASH_LEN || memcmp(line.p, dash, DASH_LEN) != 0)
		return err_set(e, ERR_PARSE, "%s", what);
	line = slice_of(line.p + DASH_LEN, line.n - DASH_LEN);
	blank = line.n == 0 ? NULL : memchr(line.p, ' ', line.n);
	if (blank == NULL)
		return err_set(e, ERR_PARSE, "%s", what);
	who = slice_of(line.p, (size_t)(blank - line.p));
	sig = slice_of(blank + 1, line.n - who.n - 1);
	if ((r = buf_new(&b, SIG_MAX)) != 0)
		return err_nomem(e);
	r = base64_decode((const char *)sig.p, sig.n, b);
	if (r == ERR_NOMEM) {
		(void)err_nomem(e);
		goto out;
	}
	sig = buf_slice(b);
	if (r != 0 || !note_name_ok(who) || sig.n <= KEY_ID_LEN) {
		r = err_set(e, ERR_PARSE, "%s", what);
		goto out;
	}
	key_id(name, pk, id);
	if (!slice_equal(who, name) || memcmp(sig.p, id, KEY_ID_LEN) != 0)
		goto out;
	if (sig.n == KEY_ID_LEN + ED25519_SIG_LEN &&
	    ed25519_verify(pk, text.p, text.n, sig.p + KEY_ID_LEN))
		r = 1;
	else
		r = err_set(e, ERR_BADSIG,
		    "the signature of '%.*s' does not verify", (int)name.n,
		    (const char *)name.p);
out:
	buf_free(b);
	return r;
}

int
note_open(struct slice note, const char *name, const uint8_t pk[32],
    struct slice *text, struct err *e)
{
	struct slice body, line;
	bool signed_by = false;
	struct view sigs;
	size_t n = 0;
	int r;

	if ((r = note_split(note, &body, &sigs, e)) != 0)
		return r;
	while (sigs.n > 0) {
		if (n++ == NOTE_SIGS_MAX)
			return err_set(e, ERR_LIMIT,
			    "a note has more than %d signatures",
			    NOTE_SIGS_MAX);
		if ((r = note_line(&sigs, &line)) != 0)
			return err_set(e, r, "a signature line without LF");
		r = line_verify(line, slice_str(name), pk, body, e);
		if (r < 0)
			return r;
		signed_by = signed_by || r == 1;
	}
	if (!signed_by)
		return err_set(e, ERR_BADSIG,
		    "no signature by the key of '%s', expected one", name);
	*text = body;
	return 0;
}

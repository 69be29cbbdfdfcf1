/* SPDX-License-Identifier: ISC */
/* The text form of SSHSIG: base64 between a BEGIN and an END line. */
#include <stdlib.h>
#include <string.h>

#include "lib/ssh/sshsig.h"

#define BEGIN       "-----BEGIN SSH SIGNATURE-----\n"
#define END         "-----END SSH SIGNATURE-----\n"
#define COLUMNS     70 /* as ssh-keygen writes */
#define COLUMNS_MAX 76 /* as PROTOCOL.sshsig allows */

static bool
starts_with(struct slice s, const char *what)
{
	const size_t n = strlen(what);

	return s.n >= n && memcmp(s.p, what, n) == 0;
}

/*
 * The lines up to the END line, without their ends, into *joined; *used is
 * where the END line starts.
 */
static int
join_lines(struct slice text, struct str *joined, size_t *used, struct err *e)
{
	struct slice rest = text;
	const uint8_t *lf;
	size_t len;

	while (!starts_with(rest, END)) {
		lf = rest.n > 0 ? memchr(rest.p, '\n', rest.n) : NULL;
		if (lf == NULL)
			return err_set(e, ERR_PARSE,
			    "SSH signature is cut short, expected an "
			    "END SSH SIGNATURE line");
		len = (size_t)(lf - rest.p);
		if (len == 0 || len > COLUMNS_MAX)
			return err_set(e, ERR_PARSE,
			    "a line of the SSH signature has %zu columns, "
			    "expected 1 to %d of base64",
			    len, COLUMNS_MAX);
		str_addn(joined, (const char *)rest.p, len);
		rest = slice_of(lf + 1, rest.n - len - 1);
	}
	*used = text.n - rest.n;
	return str_check(joined) == 0 ? 0 : err_nomem(e);
}

int
sshsig_parse_armor(struct slice text, struct sshsig *out, size_t *used,
    struct err *e)
{
	const size_t head = strlen(BEGIN), tail = strlen(END);
	struct str joined = STR_INIT;
	struct buf *b = NULL;
	size_t n = 0;
	int r;

	if (!starts_with(text, BEGIN))
		return err_set(e, ERR_PARSE,
		    "not an SSH signature, expected a line "
		    "-----BEGIN SSH SIGNATURE-----");
	/* What is behind the longest block is none of its lines. */
	if (text.n > SSHSIG_ARMOR_MAX)
		text.n = SSHSIG_ARMOR_MAX;
	r = join_lines(slice_of(text.p + head, text.n - head), &joined, &n, e);
	if (r != 0) {
		if (r == ERR_PARSE && text.n == SSHSIG_ARMOR_MAX)
			r = err_set(e, ERR_LIMIT,
			    "SSH signature has no end "
			    "within %d bytes",
			    SSHSIG_ARMOR_MAX);
		goto out;
	}
	if ((r = buf_new(&b, SSHSIG_MAX)) != 0 ||
	    (r = base64_decode(joined.p, joined.n, b)) != 0) {
		(void)err_set(e, r, "SSH signature: %s",
		    r == ERR_PARSE ? "expected canonical base64" : err_text(r));
		goto out;
	}
	if ((r = sshsig_parse(buf_slice(b), out, e)) != 0)
		goto out;
	*used = head + n + tail;
out:
	buf_free(b);
	str_clear(&joined);
	return r;
}

static int
put_blob(struct buf *b, const struct pubkey *key, const char *ns,
    const char *hash, struct slice sig)
{
	const struct slice k = pubkey_blob(key);
	int r;

	if ((r = buf_put(b, "SSHSIG", 6)) != 0 ||
	    (r = buf_put_u32(b, 1)) != 0 ||
	    (r = buf_put_string(b, k.p, k.n)) != 0 ||
	    (r = buf_put_cstring(b, ns)) != 0 ||
	    (r = buf_put_string(b, NULL, 0)) != 0 ||
	    (r = buf_put_cstring(b, hash)) != 0)
		return r;
	return buf_put_string(b, sig.p, sig.n);
}

int
sshsig_add_armor(struct str *out, const struct pubkey *key, const char *ns,
    const char *hash, struct slice sig)
{
	struct str text = STR_INIT;
	struct buf *b = NULL;
	int r;

	if ((r = buf_new(&b, SSHSIG_MAX)) != 0 ||
	    (r = put_blob(b, key, ns, hash, sig)) != 0)
		goto out;
	str_add_base64(&text, buf_slice(b).p, buf_len(b));
	if ((r = str_check(&text)) != 0)
		goto out;
	str_add(out, BEGIN);
	for (size_t at = 0; at < text.n; at += COLUMNS) {
		const size_t left = text.n - at;

		str_addn(out, text.p + at, left < COLUMNS ? left : COLUMNS);
		str_addc(out, '\n');
	}
	str_add(out, END);
	r = str_check(out);
out:
	buf_free(b);
	str_clear(&text);
	return r;
}

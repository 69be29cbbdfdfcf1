/* SPDX-License-Identifier: ISC */
/* Public keys as people hold them: "TYPE BASE64 COMMENT". */
#include <stdlib.h>
#include <string.h>

#include "lib/ssh/pubkey.h"
#include "lib/ssh/pubkey_impl.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next word of the line, and past the blanks behind it. */
static struct slice
next_word(const char **p, const char *end)
{
	const char *start = *p, *q = start;
	struct slice word;

	while (q < end && !is_blank(*q))
		q++;
	word = slice_of(start, (size_t)(q - start));
	while (q < end && is_blank(*q))
		q++;
	*p = q;
	return word;
}

/* Without the end of line and blanks before it. */
static size_t
trimmed(const char *line, size_t n)
{
	if (n > 0 && line[n - 1] == '\n')
		n--;
	if (n > 0 && line[n - 1] == '\r')
		n--;
	while (n > 0 && is_blank(line[n - 1]))
		n--;
	return n;
}

static int
check_type(struct slice type, struct err *e)
{
	char quoted[QUOTE_MAX];

	if (pubkey_impl_find(type, false) != NULL)
		return 0;
	if (pubkey_impl_find(type, true) != NULL)
		return err_set(e, ERR_PARSE,
		    "this is a certificate of type "
		    "%.*s, expected a plain public key",
		    (int)type.n, (const char *)type.p);
	return err_set(e, ERR_PARSE,
	    "%s is not a key type, expected a public "
	    "key line that starts with one such as ssh-ed25519",
	    str_quoten(quoted, (const char *)type.p, type.n));
}

static int
parse_words(struct slice type, struct slice text, struct pubkey **out,
    struct err *e)
{
	struct pubkey *k = NULL;
	struct buf *b = NULL;
	int r;

	if ((r = buf_new(&b, PUBKEY_BLOB_MAX)) != 0)
		return err_nomem(e);
	if ((r = base64_decode((const char *)text.p, text.n, b)) != 0) {
		(void)err_set(e, r,
		    r == ERR_PARSE ? "public key is not base64"
				   : "public key: %s",
		    err_text(r));
		goto out;
	}
	if ((r = pubkey_parse(buf_slice(b), &k, e)) != 0)
		goto out;
	if (!slice_is(type, k->impl->name)) {
		r = err_set(e, ERR_PARSE,
		    "public key is of type %s, but its "
		    "line says another one",
		    k->impl->name);
		goto out;
	}
	*out = k;
	k = NULL;
out:
	pubkey_free(k);
	buf_free(b);
	return r;
}

int
pubkey_parse_line(const char *line, size_t n, struct pubkey **out,
    char **comment, struct err *e)
{
	struct slice type, text;
	struct pubkey *k = NULL;
	const char *p = line, *end;
	char *rest;
	int r;

	if (n > PUBKEY_LINE_MAX)
		return err_set(e, ERR_LIMIT,
		    "public key line is %zu bytes, expected at most %d", n,
		    PUBKEY_LINE_MAX);
	end = line + trimmed(line, n);
	type = next_word(&p, end);
	text = next_word(&p, end);
	if ((r = check_type(type, e)) != 0)
		return r;
	if (!text_is_clean(p, (size_t)(end - p), NULL))
		return err_set(e, ERR_PARSE,
		    "comment of a public key has "
		    "control or invisible characters, expected one line of "
		    "text");
	if ((r = parse_words(type, text, &k, e)) != 0)
		return r;
	if (comment != NULL) {
		if ((rest = str_dupn(p, (size_t)(end - p))) == NULL) {
			pubkey_free(k);
			return err_nomem(e);
		}
		*comment = rest;
	}
	*out = k;
	return 0;
}

void
pubkey_add_line(struct str *s, const struct pubkey *k, const char *comment)
{
	str_add(s, k->impl->name);
	str_addc(s, ' ');
	str_add_base64(s, k->blob, k->blob_len);
	if (comment != NULL && *comment != '\0') {
		str_addc(s, ' ');
		str_add(s, comment);
	}
}

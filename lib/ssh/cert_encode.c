/* SPDX-License-Identifier: ISC */
/* Certificates written: their options, bytes and lines. */
#include <stdlib.h>
#include <string.h>

#include "lib/ssh/cert.h"

void
cert_options_clear(struct cert_options *o)
{
	for (size_t i = 0; i < o->n; i++) {
		free(o->v[i].name);
		free(o->v[i].value);
	}
	memset(o, 0, sizeof(*o));
}

/* Where this name is, or would be. */
static size_t
position(const struct cert_options *o, const char *name)
{
	size_t i = 0;

	while (i < o->n && strcmp(o->v[i].name, name) < 0)
		i++;
	return i;
}

const struct cert_option *
cert_option_find(const struct cert_options *o, const char *name)
{
	const size_t i = position(o, name);

	return i < o->n && strcmp(o->v[i].name, name) == 0 ? &o->v[i] : NULL;
}

int
cert_option_add(struct cert_options *o, const char *name, const char *value)
{
	struct cert_option new = {NULL, NULL};
	size_t at;

	if (cert_option_find(o, name) != NULL)
		return ERR_EXISTS;
	if (o->n == CERT_OPTIONS_MAX ||
	    (value != NULL && strlen(value) > CERT_OPTION_MAX))
		return ERR_LIMIT;
	if ((new.name = str_dup(name)) == NULL ||
	    (value != NULL && (new.value = str_dup(value)) == NULL)) {
		free(new.name);
		return ERR_NOMEM;
	}
	at = position(o, name);
	memmove(&o->v[at + 1], &o->v[at], (o->n - at) * sizeof(o->v[0]));
	o->v[at] = new;
	o->n++;
	return 0;
}

static bool
value_equal(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

bool
cert_options_equal(const struct cert_options *a, const struct cert_options *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].name, b->v[i].name) != 0 ||
		    !value_equal(a->v[i].value, b->v[i].value))
			return false;
	return true;
}

/*
 * Lists are strings within a string, and data twice so.  The outer length is
 * counted first: an inner buffer a list would cost more than all the rest.
 */
static int
put_principals(struct buf *b, const struct strs *l)
{
	size_t n = 0;
	int r;

	if (l->n > CERT_PRINCIPALS_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < l->n; i++)
		n += 4 + strlen(l->v[i]);
	if (n > CERT_MAX)
		return ERR_LIMIT;
	r = buf_put_u32(b, (uint32_t)n);
	for (size_t i = 0; i < l->n && r == 0; i++)
		r = buf_put_cstring(b, l->v[i]);
	return r;
}

static size_t
data_length(const struct cert_option *o)
{
	return o->value == NULL ? 0 : 4 + strlen(o->value);
}

static int
put_options(struct buf *b, const struct cert_options *l)
{
	const struct cert_option *o;
	size_t n = 0;
	int r;

	for (o = l->v; o < l->v + l->n; o++)
		n += 4 + strlen(o->name) + 4 + data_length(o);
	if (n > CERT_MAX)
		return ERR_LIMIT;
	r = buf_put_u32(b, (uint32_t)n);
	for (o = l->v; o < l->v + l->n && r == 0; o++) {
		if ((r = buf_put_cstring(b, o->name)) == 0 &&
		    (r = buf_put_u32(b, (uint32_t)data_length(o))) == 0 &&
		    o->value != NULL)
			r = buf_put_cstring(b, o->value);
	}
	return r;
}

int
cert_encode_tbs(const struct cert *c, struct buf *out)
{
	const struct slice ca = pubkey_blob(c->ca);
	const size_t start = buf_len(out);
	int r;

	if ((r = buf_put_cstring(out, cert_type_name(pubkey_type(c->key)))) !=
		0 ||
	    (r = buf_put_string(out, c->nonce, c->nonce_len)) != 0 ||
	    (r = buf_put_slice(out, pubkey_public_part(c->key))) != 0 ||
	    (r = buf_put_u64(out, c->serial)) != 0 ||
	    (r = buf_put_u32(out, c->kind)) != 0 ||
	    (r = buf_put_cstring(out, c->key_id)) != 0 ||
	    (r = put_principals(out, &c->principals)) != 0 ||
	    (r = buf_put_u64(out, c->valid_after)) != 0 ||
	    (r = buf_put_u64(out, c->valid_before)) != 0 ||
	    (r = put_options(out, &c->critical)) != 0 ||
	    (r = put_options(out, &c->extensions)) != 0 ||
	    (r = buf_put_string(out, NULL, 0)) != 0 || /* reserved */
	    (r = buf_put_string(out, ca.p, ca.n)) != 0)
		goto out;
	/* What cannot be read again must not be signed. */
	if (buf_len(out) - start > CERT_MAX)
		r = ERR_LIMIT;
out:
	if (r != 0)
		buf_truncate(out, start);
	return r;
}

int
cert_add_line(struct str *s, struct slice blob, const char *comment)
{
	struct view v = view_slice(blob);
	struct slice type;

	if (view_get_string(&v, &type) != 0 || type.n == 0 ||
	    !text_is_clean((const char *)type.p, type.n, NULL))
		return ERR_PARSE;
	str_addn(s, (const char *)type.p, type.n);
	str_addc(s, ' ');
	str_add_base64(s, blob.p, blob.n);
	if (comment != NULL && *comment != '\0') {
		str_addc(s, ' ');
		str_add(s, comment);
	}
	return str_check(s);
}

/* The bytes up to the next blank or end of line. */
static size_t
word_length(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && strchr(" \t\r\n", p[i]) == NULL)
		i++;
	return i;
}

static size_t
blank_length(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	return i;
}

/* A comment says nothing that is signed; it only has to be one line. */
static bool
one_line(const char *p, size_t n)
{
	if (n > 0 && p[n - 1] == '\n')
		n--;
	return memchr(p, '\n', n) == NULL && memchr(p, '\0', n) == NULL;
}

static int
check_type(const char *type, size_t type_len, struct slice blob, struct err *e)
{
	struct view v = view_slice(blob);
	char quoted[QUOTE_MAX];
	struct slice name;

	if (view_get_string(&v, &name) == 0 &&
	    slice_equal(name, slice_of(type, type_len)))
		return 0;
	return err_set(e, ERR_PARSE,
	    "certificate line says type %s, but its "
	    "bytes another one",
	    str_quoten(quoted, type, type_len));
}

int
cert_parse_line(const char *line, size_t n, struct buf *b, struct err *e)
{
	const size_t start = buf_len(b);
	const char *type = line;
	size_t type_len, len;
	int r;

	if (n > CERT_LINE_MAX)
		return err_set(e, ERR_LIMIT,
		    "certificate line is %zu bytes, expected at most %d", n,
		    CERT_LINE_MAX);
	type_len = word_length(line, n);
	len = type_len + blank_length(line + type_len, n - type_len);
	line += len;
	n -= len;
	len = word_length(line, n);
	if (type_len == 0 || len == 0 || !one_line(line, n))
		return err_set(e, ERR_PARSE,
		    "not a certificate, expected one line: type, base64, "
		    "comment");
	if ((r = base64_decode(line, len, b)) == ERR_PARSE)
		return err_set(e, r, "certificate is not base64");
	if (r != 0)
		return err_set(e, r, "certificate: %s", err_text(r));
	r = check_type(type, type_len,
	    slice_of(buf_slice(b).p + start, buf_len(b) - start), e);
	if (r != 0)
		buf_truncate(b, start);
	return r;
}

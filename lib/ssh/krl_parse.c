/* SPDX-License-Identifier: ISC */
/* Revocation lists read, as krl.c of OpenSSH reads them. */
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/hash.h"
#include "lib/ssh/krl_impl.h"

#define BITMAP_BYTES_MAX (1 << 21) /* as OpenSSH: 2^24 bits */

/* A parser of one kind of section gets its bytes and eats them all. */
struct section {
	uint8_t type;
	const char *what;
	int (*parse)(struct krl *k, struct krl_ca *c, struct view *v,
	    struct err *e);
};

static int
failed(int r, const char *what, struct err *e)
{
	if (r == ERR_NOMEM)
		return err_nomem(e);
	if (r == ERR_LIMIT)
		return err_set(e, r,
		    "revocation list has too many entries, "
		    "expected at most %d, of %d CAs",
		    KRL_ENTRIES_MAX, KRL_CAS_MAX);
	return err_set(e, r,
	    "%s of the revocation list is malformed or cut "
	    "short",
	    what);
}

static int
parse_serial_list(struct krl *k, struct krl_ca *c, struct view *v,
    struct err *e)
{
	uint64_t serial;
	int r;

	while (v->n > 0) {
		if ((r = view_get_u64(v, &serial)) != 0 ||
		    (r = krl_put_range(k, &c->serials, serial, serial)) != 0)
			return failed(r, "list of serials", e);
	}
	return 0;
}

static int
parse_serial_range(struct krl *k, struct krl_ca *c, struct view *v,
    struct err *e)
{
	uint64_t lo, hi;
	int r;

	if ((r = view_get_u64(v, &lo)) != 0 ||
	    (r = view_get_u64(v, &hi)) != 0 ||
	    (r = krl_put_range(k, &c->serials, lo, hi)) != 0)
		return failed(r, "range of serials", e);
	return 0;
}

static bool
bit(struct slice number, size_t i)
{
	return (number.p[number.n - 1 - i / 8] >> (i % 8) & 1) != 0;
}

/* Bit i of the number says serial offset + i: each run of ones is a range. */
static int
put_bitmap(struct krl *k, struct krl_ranges *out, uint64_t offset,
    struct slice bits)
{
	const size_t n = 8 * bits.n;
	size_t start, i = 0;
	int r;

	while (i < n) {
		if (!bit(bits, i)) {
			i++;
			continue;
		}
		for (start = i; i < n && bit(bits, i);)
			i++;
		if (i - 1 > UINT64_MAX - offset)
			return ERR_PARSE;
		r = krl_put_range(k, out, offset + start, offset + i - 1);
		if (r != 0)
			return r;
	}
	return 0;
}

static int
parse_serial_bitmap(struct krl *k, struct krl_ca *c, struct view *v,
    struct err *e)
{
	struct slice bits;
	uint64_t offset;
	int r;

	if ((r = view_get_u64(v, &offset)) != 0 ||
	    (r = view_get_mpint(v, &bits)) != 0)
		return failed(r, "bitmap of serials", e);
	if (bits.n > BITMAP_BYTES_MAX)
		return failed(ERR_PARSE, "bitmap of serials", e);
	if ((r = put_bitmap(k, &c->serials, offset, bits)) != 0)
		return failed(r, "bitmap of serials", e);
	return 0;
}

static int
parse_key_ids(struct krl *k, struct krl_ca *c, struct view *v, struct err *e)
{
	struct slice id;
	int r;

	while (v->n > 0) {
		if ((r = view_get_string(v, &id)) != 0)
			return failed(r, "list of key ids", e);
		if (id.n > 0 && memchr(id.p, '\0', id.n) != NULL)
			return failed(ERR_PARSE, "list of key ids", e);
		if ((r = krl_put_item(k, &c->ids, id)) != 0)
			return failed(r, "list of key ids", e);
	}
	return 0;
}

/* What a reader may pass over, or not. */
static int
parse_extension(struct krl *k, struct krl_ca *c, struct view *v, struct err *e)
{
	struct slice name, contents;
	char quoted[QUOTE_MAX];
	uint8_t critical;

	(void)k;
	(void)c;
	if (view_get_string(v, &name) != 0 || view_get_u8(v, &critical) != 0 ||
	    view_get_string(v, &contents) != 0)
		return failed(ERR_PARSE, "extension", e);
	if (critical != 0)
		return err_set(e, ERR_PARSE,
		    "revocation list has the "
		    "critical extension %s, which is not known",
		    str_quoten(quoted, (const char *)name.p, name.n));
	return 0;
}

static int
parse_section(const struct section *table, size_t n_table, struct krl *k,
    struct krl_ca *c, struct view *v, struct err *e)
{
	struct view data;
	uint8_t type;
	int r;

	if (view_get_u8(v, &type) != 0 || view_get_view(v, &data) != 0)
		return failed(ERR_PARSE, "section", e);
	for (size_t i = 0; i < n_table; i++) {
		if (table[i].type != type)
			continue;
		if ((r = table[i].parse(k, c, &data, e)) != 0)
			return r;
		return data.n == 0 ? 0 : failed(ERR_PARSE, table[i].what, e);
	}
	return err_set(e, ERR_PARSE,
	    "revocation list has a section of type "
	    "%u, which is not known or not allowed",
	    type);
}

static const struct section of_ca[] = {
    {KRL_CERT_SERIAL_LIST, "list of serials", parse_serial_list},
    {KRL_CERT_SERIAL_RANGE, "range of serials", parse_serial_range},
    {KRL_CERT_SERIAL_BITMAP, "bitmap of serials", parse_serial_bitmap},
    {KRL_CERT_KEY_ID, "list of key ids", parse_key_ids},
    {KRL_CERT_EXTENSION, "extension", parse_extension},
};

/* An empty key: of any CA. */
static int
parse_ca(struct krl *k, struct view *v, struct krl_ca **out, struct err *e)
{
	struct pubkey *ca = NULL;
	struct slice blob, reserved;
	int r;

	if (view_get_string(v, &blob) != 0 ||
	    view_get_string(v, &reserved) != 0)
		return failed(ERR_PARSE, "section of a CA", e);
	if (blob.n > 0 && (r = pubkey_parse(blob, &ca, e)) != 0) {
		err_prefix(e, "CA in the revocation list");
		return r;
	}
	if ((r = krl_ca_get(k, ca, out)) != 0)
		(void)failed(r, "section of a CA", e);
	pubkey_free(ca);
	return r;
}

static int
parse_certificates(struct krl *k, struct krl_ca *c, struct view *v,
    struct err *e)
{
	int r;

	if ((r = parse_ca(k, v, &c, e)) != 0)
		return r;
	while (v->n > 0 && r == 0)
		r = parse_section(of_ca, sizeof(of_ca) / sizeof(*of_ca), k, c,
		    v, e);
	return r;
}

/* Strings of one length, or of any where len is 0. */
static int
parse_strings(struct krl *k, struct krl_set *s, size_t len, const char *what,
    struct view *v, struct err *e)
{
	struct slice one;
	int r;

	while (v->n > 0) {
		if ((r = view_get_string(v, &one)) != 0)
			return failed(r, what, e);
		if (len != 0 ? one.n != len
			     : one.n == 0 || one.n > PUBKEY_BLOB_MAX)
			return failed(ERR_PARSE, what, e);
		if ((r = krl_put_item(k, s, one)) != 0)
			return failed(r, what, e);
	}
	return 0;
}

/* Not read as keys: a list may revoke keys of types that are not ours. */
static int
parse_keys(struct krl *k, struct krl_ca *c, struct view *v, struct err *e)
{
	(void)c;
	return parse_strings(k, &k->keys, 0, "list of keys", v, e);
}

static int
parse_sha1(struct krl *k, struct krl_ca *c, struct view *v, struct err *e)
{
	(void)c;
	return parse_strings(k, &k->sha1, HASH1_LEN, "list of SHA1 hashes", v,
	    e);
}

static int
parse_sha256(struct krl *k, struct krl_ca *c, struct view *v, struct err *e)
{
	(void)c;
	return parse_strings(k, &k->sha256, HASH_LEN, "list of SHA256 hashes",
	    v, e);
}

/* No KRL_SIGNATURE: OpenSSH 9.4 and later refuse a list that has one. */
static const struct section of_list[] = {
    {KRL_CERTIFICATES, "section of a CA", parse_certificates},
    {KRL_EXPLICIT_KEY, "list of keys", parse_keys},
    {KRL_SHA1, "list of SHA1 hashes", parse_sha1},
    {KRL_SHA256, "list of SHA256 hashes", parse_sha256},
    {KRL_EXTENSION, "extension", parse_extension},
};

static int
parse_header(struct krl *k, struct view *v, struct err *e)
{
	struct slice magic, reserved;
	uint64_t version, generated, flags;
	char *comment = NULL;
	uint32_t format;
	int r;

	if (view_get(v, KRL_MAGIC_LEN, &magic) != 0 ||
	    memcmp(magic.p, KRL_MAGIC, KRL_MAGIC_LEN) != 0)
		return err_set(e, ERR_PARSE,
		    "not a revocation list, "
		    "expected it to start with SSHKRL");
	if (view_get_u32(v, &format) != 0 || format != KRL_FORMAT_VERSION)
		return err_set(e, ERR_PARSE,
		    "revocation list is of another format, expected 1");
	if (view_get_u64(v, &version) != 0 ||
	    view_get_u64(v, &generated) != 0 || generated > INT64_MAX ||
	    view_get_u64(v, &flags) != 0 || view_get_string(v, &reserved) != 0)
		return failed(ERR_PARSE, "header", e);
	if ((r = view_get_cstring(v, &comment)) != 0)
		return failed(r, "comment", e);
	if ((r = krl_set(k, version, (int64_t)generated, comment)) != 0)
		(void)failed(r, "comment", e);
	free(comment);
	return r;
}

int
krl_parse(struct slice blob, struct krl **out, struct err *e)
{
	struct view v = view_slice(blob);
	struct krl *k = NULL;
	int r;

	if (blob.n > KRL_MAX)
		return err_set(e, ERR_LIMIT,
		    "revocation list is %zu bytes, expected at most %d", blob.n,
		    KRL_MAX);
	if ((r = krl_new(&k)) != 0)
		return err_nomem(e);
	if ((r = parse_header(k, &v, e)) != 0)
		goto out;
	while (v.n > 0) {
		r = parse_section(of_list, sizeof(of_list) / sizeof(*of_list),
		    k, NULL, &v, e);
		if (r != 0)
			goto out;
	}
	krl_compact(k);
	*out = k;
	k = NULL;
out:
	krl_free(k);
	return r;
}

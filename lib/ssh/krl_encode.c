/* SPDX-License-Identifier: ISC */
/*
 * Revocation lists written: sections in a fixed order, everything in them
 * sorted and merged, so that equal content gives equal bytes.
 *
 * Serials are a list of single ones and a section a range; the bitmaps that
 * ssh-keygen also writes would save bytes for dense serials, and ours are
 * hashes.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/ssh/krl_impl.h"

static int
put_single_serials(struct buf *b, const struct krl_ranges *r)
{
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < r->n; i++)
		n += r->v[i].lo == r->v[i].hi;
	if (n == 0)
		return 0;
	if ((rc = buf_put_u8(b, KRL_CERT_SERIAL_LIST)) != 0 ||
	    (rc = buf_put_u32(b, (uint32_t)(8 * n))) != 0)
		return rc;
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].lo == r->v[i].hi &&
		    (rc = buf_put_u64(b, r->v[i].lo)) != 0)
			return rc;
	return 0;
}

static int
put_serial_ranges(struct buf *b, const struct krl_ranges *r)
{
	int rc;

	for (size_t i = 0; i < r->n; i++) {
		if (r->v[i].lo == r->v[i].hi)
			continue;
		if ((rc = buf_put_u8(b, KRL_CERT_SERIAL_RANGE)) != 0 ||
		    (rc = buf_put_u32(b, 16)) != 0 ||
		    (rc = buf_put_u64(b, r->v[i].lo)) != 0 ||
		    (rc = buf_put_u64(b, r->v[i].hi)) != 0)
			return rc;
	}
	return 0;
}

static int
put_serials(struct buf *b, const struct krl_ranges *r)
{
	struct krl_ranges copy;
	int rc;

	if ((rc = krl_ranges_copy(r, &copy)) != 0)
		return rc;
	krl_ranges_compact(&copy);
	if ((rc = put_single_serials(b, &copy)) == 0)
		rc = put_serial_ranges(b, &copy);
	krl_ranges_clear(&copy);
	return rc;
}

/* A section of strings, left out where there are none. */
static int
put_set(struct buf *b, uint8_t type, const struct krl_set *s)
{
	struct slice *v = NULL;
	size_t n = 0, len = 0;
	int r;

	if (s->n == 0)
		return 0;
	if ((r = krl_set_sorted(s, &v, &n)) != 0)
		return r;
	for (size_t i = 0; i < n; i++)
		len += 4 + v[i].n;
	if (len > KRL_MAX) {
		r = ERR_LIMIT;
		goto out;
	}
	if ((r = buf_put_u8(b, type)) != 0 ||
	    (r = buf_put_u32(b, (uint32_t)len)) != 0)
		goto out;
	for (size_t i = 0; i < n && r == 0; i++)
		r = buf_put_string(b, v[i].p, v[i].n);
out:
	free(v);
	return r;
}

static int
put_ca(struct buf *out, const struct krl_ca *c)
{
	const struct slice ca =
	    c->ca != NULL ? pubkey_blob(c->ca) : slice_of(NULL, 0);
	struct buf *b = NULL;
	int r;

	if (c->serials.n == 0 && c->ids.n == 0)
		return 0;
	if ((r = buf_new(&b, KRL_MAX)) != 0 ||
	    (r = buf_put_string(b, ca.p, ca.n)) != 0 ||
	    (r = buf_put_string(b, NULL, 0)) != 0 || /* reserved */
	    (r = put_serials(b, &c->serials)) != 0 ||
	    (r = put_set(b, KRL_CERT_KEY_ID, &c->ids)) != 0 ||
	    (r = buf_put_u8(out, KRL_CERTIFICATES)) != 0 ||
	    (r = buf_put_buf(out, b)) != 0)
		goto out;
out:
	buf_free(b);
	return r;
}

/* That of any CA first, then as the keys sort. */
static int
compare_cas(const void *a, const void *b)
{
	const struct krl_ca *x = *(const struct krl_ca *const *)a;
	const struct krl_ca *y = *(const struct krl_ca *const *)b;

	if (x->ca == NULL || y->ca == NULL)
		return (x->ca != NULL) - (y->ca != NULL);
	return pubkey_compare(x->ca, y->ca);
}

static int
put_cas(struct buf *out, const struct krl *k)
{
	const struct krl_ca *sorted[KRL_CAS_MAX];
	int r = 0;

	for (size_t i = 0; i < k->n_cas; i++)
		sorted[i] = &k->cas[i];
	qsort(sorted, k->n_cas, sizeof(*sorted), compare_cas);
	for (size_t i = 0; i < k->n_cas && r == 0; i++)
		r = put_ca(out, sorted[i]);
	return r;
}

int
krl_encode(const struct krl *k, struct buf *out)
{
	const size_t start = buf_len(out);
	int r;

	if ((r = buf_put(out, KRL_MAGIC, KRL_MAGIC_LEN)) != 0 ||
	    (r = buf_put_u32(out, KRL_FORMAT_VERSION)) != 0 ||
	    (r = buf_put_u64(out, k->version)) != 0 ||
	    (r = buf_put_u64(out, (uint64_t)k->generated)) != 0 ||
	    (r = buf_put_u64(out, 0)) != 0 ||          /* flags */
	    (r = buf_put_string(out, NULL, 0)) != 0 || /* reserved */
	    (r = buf_put_cstring(out, k->comment)) != 0 ||
	    (r = put_cas(out, k)) != 0 ||
	    (r = put_set(out, KRL_EXPLICIT_KEY, &k->keys)) != 0 ||
	    (r = put_set(out, KRL_SHA1, &k->sha1)) != 0 ||
	    (r = put_set(out, KRL_SHA256, &k->sha256)) != 0)
		goto out;
	if (buf_len(out) - start > KRL_MAX)
		r = ERR_LIMIT;
out:
	if (r != 0)
		buf_truncate(out, start);
	return r;
}

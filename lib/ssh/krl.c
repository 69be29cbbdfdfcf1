/* SPDX-License-Identifier: ISC */
/* Revocation lists built, and asked. */
#include "lib/ssh/krl.h"

#include <stdlib.h>
#include <string.h>

#include "lib/crypto/hash.h"
#include "lib/ssh/krl_impl.h"

int
krl_new(struct krl **out)
{
	struct krl *k;

	if ((k = calloc(1, sizeof(*k))) == NULL ||
	    (k->comment = str_dup("")) == NULL) {
		free(k);
		return ERR_NOMEM;
	}
	*out = k;
	return 0;
}

void
krl_free(struct krl *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->n_cas; i++) {
		pubkey_free(k->cas[i].ca);
		krl_ranges_clear(&k->cas[i].serials);
		krl_set_clear(&k->cas[i].ids);
	}
	free(k->cas);
	krl_set_clear(&k->keys);
	krl_set_clear(&k->sha1);
	krl_set_clear(&k->sha256);
	free(k->comment);
	free(k);
}

int
krl_set(struct krl *k, uint64_t version, int64_t generated, const char *comment)
{
	char *copy;

	if (generated < 0 || !text_is_clean(comment, strlen(comment), NULL))
		return ERR_PARSE;
	if ((copy = str_dup(comment)) == NULL)
		return ERR_NOMEM;
	free(k->comment);
	k->comment = copy;
	k->version = version;
	k->generated = generated;
	return 0;
}

uint64_t
krl_version(const struct krl *k)
{
	return k->version;
}

int64_t
krl_generated(const struct krl *k)
{
	return k->generated;
}

/* --- adding ---------------------------------------------------------------*/

static bool
same_ca(const struct pubkey *a, const struct pubkey *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return pubkey_equal(a, b);
}

static const struct krl_ca *
find_ca(const struct krl *k, const struct pubkey *ca)
{
	for (size_t i = 0; i < k->n_cas; i++)
		if (same_ca(k->cas[i].ca, ca))
			return &k->cas[i];
	return NULL;
}

int
krl_ca_get(struct krl *k, const struct pubkey *ca, struct krl_ca **out)
{
	const struct krl_ca *found = find_ca(k, ca);
	struct krl_ca new = {0};
	int r;

	if (found == NULL) {
		r = vec_grow(&k->cas, k->n_cas, &k->cap_cas, KRL_CAS_MAX);
		if (r != 0)
			return r;
		if (ca != NULL && (r = pubkey_dup(ca, &new.ca)) != 0)
			return r;
		found = &k->cas[k->n_cas];
		k->cas[k->n_cas++] = new;
	}
	*out = &k->cas[found - k->cas];
	return 0;
}

void
krl_compact(struct krl *k)
{
	krl_set_compact(&k->keys);
	krl_set_compact(&k->sha1);
	krl_set_compact(&k->sha256);
	k->n_entries = k->keys.n + k->sha1.n + k->sha256.n;
	for (size_t i = 0; i < k->n_cas; i++) {
		krl_ranges_compact(&k->cas[i].serials);
		krl_set_compact(&k->cas[i].ids);
		k->n_entries += k->cas[i].serials.n + k->cas[i].ids.n;
	}
}

/* Entries that are there twice count only until they are looked for. */
static int
make_room(struct krl *k)
{
	if (k->n_entries < KRL_ENTRIES_MAX)
		return 0;
	krl_compact(k);
	return k->n_entries < KRL_ENTRIES_MAX ? 0 : ERR_LIMIT;
}

int
krl_put_range(struct krl *k, struct krl_ranges *r, uint64_t lo, uint64_t hi)
{
	size_t before;
	int rc;

	if (lo == 0 || lo > hi)
		return ERR_PARSE;
	if (krl_ranges_cover(r, lo, hi))
		return 0;
	if ((rc = make_room(k)) != 0)
		return rc;
	before = r->n;
	if ((rc = krl_ranges_add(r, lo, hi)) != 0)
		return rc;
	k->n_entries = k->n_entries - before + r->n;
	return 0;
}

int
krl_put_item(struct krl *k, struct krl_set *s, struct slice bytes)
{
	size_t before;
	int r;

	if (krl_set_has_sorted(s, bytes))
		return 0;
	if ((r = make_room(k)) != 0)
		return r;
	before = s->n;
	if ((r = krl_set_add(s, bytes)) != 0)
		return r;
	k->n_entries = k->n_entries - before + s->n;
	return 0;
}

int
krl_add_serials(struct krl *k, const struct pubkey *ca, uint64_t lo,
    uint64_t hi)
{
	struct krl_ca *c;
	int r;

	if (ca == NULL || lo == 0 || lo > hi)
		return ERR_PARSE;
	if ((r = krl_ca_get(k, ca, &c)) != 0)
		return r;
	return krl_put_range(k, &c->serials, lo, hi);
}

int
krl_add_key_id(struct krl *k, const struct pubkey *ca, const char *id)
{
	struct krl_ca *c;
	int r;

	if (*id == '\0')
		return ERR_PARSE;
	if (strlen(id) > CERT_MAX) /* no certificate has it */
		return ERR_LIMIT;
	if ((r = krl_ca_get(k, ca, &c)) != 0)
		return r;
	return krl_put_item(k, &c->ids, slice_str(id));
}

int
krl_add_key(struct krl *k, const struct pubkey *key)
{
	return krl_put_item(k, &k->keys, pubkey_blob(key));
}

/* --- asking ---------------------------------------------------------------*/

bool
krl_revokes_key(const struct krl *k, const struct pubkey *key)
{
	const struct slice blob = pubkey_blob(key);
	uint8_t sha1[HASH1_LEN];
	struct hash h;

	if (krl_set_has(&k->keys, blob))
		return true;
	if (k->sha256.n > 0) {
		pubkey_hash(key, &h);
		if (krl_set_has(&k->sha256, slice_of(h.b, sizeof(h.b))))
			return true;
	}
	if (k->sha1.n > 0) {
		hash_sha1(blob.p, blob.n, sha1);
		return krl_set_has(&k->sha1, slice_of(sha1, sizeof(sha1)));
	}
	return false;
}

static bool
section_revokes(const struct krl_ca *s, const struct cert *c)
{
	if (s == NULL)
		return false;
	if (krl_set_has(&s->ids, slice_str(c->key_id)))
		return true;
	return c->serial != 0 && krl_ranges_has(&s->serials, c->serial);
}

bool
krl_revokes_cert(const struct krl *k, const struct cert *c)
{
	return krl_revokes_key(k, c->key) || krl_revokes_key(k, c->ca) ||
	    section_revokes(find_ca(k, NULL), c) ||
	    section_revokes(find_ca(k, c->ca), c);
}

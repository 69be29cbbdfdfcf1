/* SPDX-License-Identifier: ISC */
#include "lib/ssh/sshsig.h"

#include <stdlib.h>
#include <string.h>

#include "lib/crypto/hash.h"

static const char magic[] = "SSHSIG";
#define MAGIC_LEN (sizeof(magic) - 1)
#define VERSION   1

/* Signed bytes: magic, namespace, reserved, hash name, hash. */
#define SIGNED_MAX \
	(MAGIC_LEN + 4 + SSHSIG_NAMESPACE_MAX + 4 + 4 + 6 + 4 + HASH512_LEN)

void
sshsig_init(struct sshsig *s)
{
	memset(s, 0, sizeof(*s));
}

void
sshsig_clear(struct sshsig *s)
{
	pubkey_free(s->key);
	free(s->ns);
	free(s->hash);
	free(s->sig);
	sshsig_init(s);
}

static bool
hash_is_known(const char *name)
{
	return strcmp(name, "sha512") == 0 || strcmp(name, "sha256") == 0;
}

static int
parse_head(struct view *v, struct err *e)
{
	struct slice s;
	uint32_t version;

	if (view_get(v, MAGIC_LEN, &s) != 0 || !slice_is(s, magic))
		return err_set(e, ERR_PARSE,
		    "not an SSH signature, expected it to start with SSHSIG");
	if (view_get_u32(v, &version) != 0 || version != VERSION)
		return err_set(e, ERR_PARSE,
		    "SSH signature is of another version, expected 1");
	return 0;
}

static int
parse_namespace(struct view *v, struct sshsig *s, struct err *e)
{
	char *ns = NULL;
	size_t n;
	int r;

	if ((r = view_get_cstring(v, &ns)) != 0)
		return r == ERR_NOMEM ? err_nomem(e)
				      : err_set(e, r,
					    "namespace of the SSH signature is "
					    "malformed or cut short");
	s->ns = ns;
	n = strlen(ns);
	if (n == 0)
		return err_set(e, ERR_PARSE,
		    "namespace of the SSH signature is empty");
	if (n > SSHSIG_NAMESPACE_MAX)
		return err_set(e, ERR_LIMIT,
		    "namespace of the SSH signature "
		    "is %zu bytes, expected at most %d",
		    n, SSHSIG_NAMESPACE_MAX);
	if (!text_is_clean(ns, n, NULL))
		return err_set(e, ERR_PARSE,
		    "namespace of the SSH signature "
		    "has control or invisible characters, expected text");
	return 0;
}

static int
parse_hash(struct view *v, struct sshsig *s, struct err *e)
{
	struct slice reserved;
	int r;

	/* OpenSSH signs an empty one whatever stands here, so other bytes
	 * would be bytes that nobody signed. */
	if (view_get_string(v, &reserved) != 0 || reserved.n != 0)
		return err_set(e, ERR_PARSE,
		    "reserved field of the SSH signature is not empty");
	if ((r = view_get_cstring(v, &s->hash)) == ERR_NOMEM)
		return err_nomem(e);
	if (r != 0 || !hash_is_known(s->hash))
		return err_set(e, ERR_PARSE,
		    "hash of the SSH signature is "
		    "not known, expected sha256 or sha512");
	return 0;
}

static int
parse_blob(struct view *v, struct sshsig *s, struct err *e)
{
	struct slice blob, sig;
	int r;

	if ((r = parse_head(v, e)) != 0)
		return r;
	if (view_get_string(v, &blob) != 0)
		return err_set(e, ERR_PARSE,
		    "key of the SSH signature is cut short");
	if ((r = pubkey_parse(blob, &s->key, e)) != 0) {
		err_prefix(e, "key of the SSH signature");
		return r;
	}
	if ((r = parse_namespace(v, s, e)) != 0 ||
	    (r = parse_hash(v, s, e)) != 0)
		return r;
	if (view_get_string(v, &sig) != 0 || sig.n == 0 || view_end(v) != 0)
		return err_set(e, ERR_PARSE,
		    "SSH signature is cut short, or more bytes follow it");
	if ((s->sig = (uint8_t *)str_dupn(sig.p, sig.n)) == NULL)
		return err_nomem(e);
	s->sig_len = sig.n;
	return 0;
}

int
sshsig_parse(struct slice blob, struct sshsig *out, struct err *e)
{
	struct view v = view_slice(blob);
	struct sshsig new;
	int r;

	if (blob.n > SSHSIG_MAX)
		return err_set(e, ERR_LIMIT,
		    "SSH signature is %zu bytes, expected at most %d", blob.n,
		    SSHSIG_MAX);
	sshsig_init(&new);
	if ((r = parse_blob(&v, &new, e)) != 0) {
		sshsig_clear(&new);
		return r;
	}
	sshsig_clear(out);
	*out = new; /* moved to the caller */
	return 0;
}

/* Room for SIGNED_MAX bytes at out; the number written. */
static size_t
signed_data(const char *ns, const char *hash, struct slice msg, uint8_t *out)
{
	const bool is_256 = strcmp(hash, "sha256") == 0;
	uint8_t digest[HASH512_LEN];
	struct hash h;
	const struct slice parts[] = {
	    slice_str(ns),
	    slice_of(NULL, 0),
	    slice_str(hash),
	    slice_of(digest, is_256 ? HASH_LEN : HASH512_LEN),
	};
	uint8_t *q = out;

	if (is_256) {
		hash_sha256(msg.p, msg.n, &h);
		memcpy(digest, h.b, HASH_LEN);
	} else {
		hash_sha512(msg.p, msg.n, digest);
	}
	memcpy(q, magic, MAGIC_LEN);
	q += MAGIC_LEN;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		/* The lengths are all below 256. */
		memset(q, 0, 3);
		q[3] = (uint8_t)parts[i].n;
		if (parts[i].n > 0)
			memcpy(q + 4, parts[i].p, parts[i].n);
		q += 4 + parts[i].n;
	}
	return (size_t)(q - out);
}

static bool
namespace_is_valid(const char *ns)
{
	const size_t n = strlen(ns);

	return n > 0 && n <= SSHSIG_NAMESPACE_MAX;
}

int
sshsig_signed_data(const char *ns, const char *hash, struct slice msg,
    struct buf *out)
{
	uint8_t data[SIGNED_MAX];

	if (!namespace_is_valid(ns) || !hash_is_known(hash))
		return ERR_PARSE;
	return buf_put(out, data, signed_data(ns, hash, msg, data));
}

int
sshsig_verify(const struct sshsig *s, const char *ns, struct slice msg,
    struct sk_flags *flags, struct err *e)
{
	char theirs[QUOTE_MAX], ours[QUOTE_MAX];
	uint8_t data[SIGNED_MAX];
	size_t n;
	int r;

	if (strcmp(s->ns, ns) != 0 || !namespace_is_valid(ns))
		return err_set(e, ERR_BADSIG,
		    "signature is for the namespace %s, expected %s",
		    str_quote(theirs, s->ns), str_quote(ours, ns));
	n = signed_data(ns, s->hash, msg, data);
	r = pubkey_verify(s->key, NULL, slice_of(s->sig, s->sig_len),
	    slice_of(data, n), flags, e);
	/*
	 * To who asks whether this key signed that, a signature which is none
	 * of such a key is a no like any other; the sentence stays.
	 */
	if (r == ERR_PARSE) {
		r = ERR_BADSIG;
		if (e != NULL)
			e->code = r;
	}
	return r;
}

/* SPDX-License-Identifier: ISC */
#include "ca/daemon/pin.h"

#include <stdlib.h>

#include "lib/base/file.h"
#include "lib/base/json.h"

#define PIN_MAX 1024 /* bytes of the file */

struct pin {
	struct hash realm, root;
	uint64_t root_version;
};

static int
parse(struct slice text, struct pin *out, struct err *e)
{
	static const char *const keys[] = {"realm", "root_version", "root"};
	json_t *o = NULL;
	int r;

	if ((r = json_read(text, PIN_MAX, &o, e)) == 0 &&
	    (r = json_known(o, keys, sizeof(keys) / sizeof(keys[0]), e)) == 0 &&
	    (r = json_hex(o, "realm", 0, out->realm.b, HASH_LEN, e)) == 0 &&
	    (r = json_u64(o, "root_version", 0, 1, BUNDLE_ROOTS_MAX,
		 &out->root_version, e)) == 0)
		r = json_hex(o, "root", 0, out->root.b, HASH_LEN, e);
	json_decref(o);
	return r;
}

/* ERR_NOTFOUND: there is none yet. */
static int
read_pin(const char *path, struct pin *out, struct err *e)
{
	char *text = NULL;
	size_t n;
	int r;

	if ((r = file_read(path, PIN_MAX, &text, &n, e)) != 0)
		return r;
	/* A broken one is no reason to trust whatever lies there. */
	if ((r = parse(slice_of(text, n), out, e)) != 0) {
		err_prefix(e, "%s", path);
		r = r == ERR_NOMEM ? r : ERR_CORRUPT;
	}
	free(text);
	return r;
}

static int
write_pin(const char *path, const struct trust *t, struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;
	int r;

	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_hex(&w, "realm", t->realm.b, HASH_LEN);
	jw_u64(&w, "root_version", t->root_version);
	jw_hex(&w, "root", t->root->root_hash.b, HASH_LEN);
	jw_end(&w, '}');
	str_addc(&s, '\n');
	r = str_check(&s) != 0 ? err_nomem(e)
			       : file_write(path, s.p, s.n, 0600, 0, e);
	str_clear(&s);
	return r;
}

static int
follows(const struct pin *p, const struct bundle_chain *c,
    const struct trust *t, struct err *e)
{
	char is[FINGERPRINT_MAX], was[FINGERPRINT_MAX];
	const struct slice *file;
	struct hash root;

	if (!hash_equal(&p->realm, &t->realm)) {
		hash_fingerprint(&t->realm, is);
		hash_fingerprint(&p->realm, was);
		return err_set(e, ERR_DENIED,
		    "the policy is of realm %s, expected %s, which the signer "
		    "has served",
		    is, was);
	}
	if (t->root_version < p->root_version || c->n_roots < p->root_version)
		return err_set(e, ERR_ROLLBACK,
		    "root.yaml version %llu is older than %llu, which the "
		    "signer has used",
		    (unsigned long long)t->root_version,
		    (unsigned long long)p->root_version);
	file = &c->root_files[p->root_version - 1];
	hash_sha256(file->p, file->n, &root);
	if (hash_equal(&root, &p->root))
		return 0;
	return err_set(e, ERR_ROLLBACK,
	    "root.yaml version %llu is another than the one that the signer "
	    "has used",
	    (unsigned long long)p->root_version);
}

int
pin_check(const char *signer_dir, const struct bundle_chain *c,
    const struct trust *t, struct err *e)
{
	struct err why = {0};
	struct pin p = {0};
	char *path = NULL;
	int r;

	if (path_join(signer_dir, "trust", &path) != 0)
		return err_nomem(e);
	r = read_pin(path, &p, &why);
	if (r == 0 && (r = follows(&p, c, t, &why)) == 0 &&
	    p.root_version == t->root_version)
		goto out;
	if (r == 0 || r == ERR_NOTFOUND)
		r = write_pin(path, t, &why);
out:
	if (r != 0 && e != NULL)
		*e = why;
	free(path);
	return r;
}

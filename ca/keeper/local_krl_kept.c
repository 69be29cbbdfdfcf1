/* SPDX-License-Identifier: ISC */
/*
 * Files of revocation lists that have a leaf and are not at the log's home yet.
 *
 * LOG/krl-next/<sha256> holds each from before its leaf until it is put, so that
 * it is there whatever comes in between: a later revocation is enough for the
 * list of then not to come out of the log again.  What a statement that never
 * became a leaf leaves there is of no use and does no harm.
 */
#include <stdlib.h>
#include <unistd.h>

#include "ca/keeper/local_impl.h"
#include "lib/base/file.h"

static int
kept_path(const struct local *l, const struct hash *h, char **out)
{
	char hex[HASH_HEX];

	hash_hex(h, hex);
	return path_joinf(out, "%s/krl-next/%s", l->log_dir, hex);
}

int
local_keep_krl(struct local *l, const struct hash *h, struct slice list,
    struct err *e)
{
	char *path = NULL, *dir = NULL;
	int r;

	if (kept_path(l, h, &path) != 0 ||
	    path_join(l->log_dir, "krl-next", &dir) != 0)
		r = err_nomem(e);
	else if ((r = file_mkdirs(dir, 0755, e)) == 0)
		r = file_write(path, list.p, list.n, 0644, 0, e);
	free(path);
	free(dir);
	return r;
}

void
local_drop_krl(const struct local *l, const struct hash *h)
{
	char *path = NULL;

	if (kept_path(l, h, &path) == 0)
		(void)unlink(path);
	free(path);
}

int
local_put_krl(struct local *l, const struct hash *h, struct err *e)
{
	char key[4 + HASH_HEX], *path = NULL, *list = NULL;
	struct err why = {0};
	struct hash is;
	size_t n;
	int r;

	if (kept_path(l, h, &path) != 0)
		return err_nomem(e);
	r = file_read(path, KRL_MAX, &list, &n, &why);
	if (r == 0)
		hash_sha256(list, n, &is);
	if (r == ERR_NOTFOUND || (r == 0 && !hash_equal(&is, h))) {
		r = 1;
	} else if (r != 0) {
		if (e != NULL)
			*e = why;
	} else {
		local_krl_key(h, key);
		r = ledger_put_object(l->ledger, key, slice_of(list, n), e);
		if (r >= 0) {
			(void)unlink(path);
			r = 0;
		}
	}
	free(list);
	free(path);
	return r;
}

/* 0: it is there; 1: it is not. */
static int
is_at_home(struct local *l, const struct hash *h, struct err *e)
{
	struct blob_store *home = NULL;
	struct blob_config bc;
	char key[4 + HASH_HEX];
	uint8_t *bytes = NULL;
	struct hash is;
	size_t n;
	int r;

	local_krl_key(h, key);
	config_blob(&l->config, &bc);
	if ((r = blob_open(l->log_url, &bc, &home, e)) != 0)
		return r;
	r = blob_get(home, key, KRL_MAX, &bytes, &n, e);
	if (r == 0) {
		hash_sha256(bytes, n, &is);
		r = hash_equal(&is, h) ? 0 : 1;
	} else if (r == ERR_NOTFOUND) {
		r = 1;
	}
	free(bytes);
	blob_close(home);
	return r;
}

/* The list that a statement names, made again as it was at its time. */
static int
make_again(struct local *l, const struct statement *s, struct err *e)
{
	char key[4 + HASH_HEX];
	struct buf *b = NULL;
	struct hash h;
	int r;

	if ((r = buf_new(&b, KRL_MAX)) != 0)
		return err_nomem(e);
	if ((r = keeper_krl(l->keeper, s->u.krl.version, s->at, b, e)) != 0)
		goto out;
	hash_sha256(buf_slice(b).p, buf_len(b), &h);
	local_krl_key(&s->u.krl.file, key);
	if (!hash_equal(&h, &s->u.krl.file))
		r = err_set(e, ERR_CORRUPT,
		    "%s: cannot be made again from the log", key);
	else if ((r = ledger_put_object(l->ledger, key, buf_slice(b), e)) > 0)
		r = 0;
out:
	buf_free(b);
	return r;
}

static int
recover_one(struct local *l, uint64_t index, struct err *e)
{
	const struct hash *file;
	uint8_t *bytes = NULL;
	struct leaf leaf;
	size_t n;
	int r;

	leaf_init(&leaf);
	if ((r = ledger_read(l->ledger, index, &bytes, &n, e)) == 0)
		r = leaf_parse("revocation list", slice_of(bytes, n), &leaf, e);
	file = &leaf.u.s.u.krl.file;
	if (r == 0 && (r = local_put_krl(l, file, e)) == 1 &&
	    (r = is_at_home(l, file, e)) == 1)
		r = make_again(l, &leaf.u.s, e);
	free(bytes);
	leaf_clear(&leaf);
	return r;
}

int
local_recover_krl(struct local *l, struct err *e)
{
	struct checkpoint published;
	const uint64_t *at;
	size_t n;
	int r;

	ledger_published(l->ledger, &published);
	if (published.size == ledger_size(l->ledger))
		return 0;
	if ((r = ledger_listed(l->ledger, LTAG_KRL, &at, &n, e)) != 0)
		return r;
	for (size_t i = n; i > 0 && at[i - 1] >= published.size; i--)
		if ((r = recover_one(l, at[i - 1], e)) != 0)
			return r;
	l->krl_owed = false;
	return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * Copies of a log that catch up by themselves.
 *
 * A directory is compared with the journal each time a ledger is opened; a
 * bucket when it is first written to, since nobody should wait for a bucket
 * that is away, but then anew in each process.  A copy that is ahead of us, or
 * of another tree, stops all commits, and is remembered as suspect, so that
 * the next process asks before it does anything.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/ledger/ledger_impl.h"

#define RETRY_SECS LEDGER_COPY_AGAIN

/* Not by a clock that may be set: nobody should wait an hour more for that. */
static int64_t
mono_secs(void)
{
	return clock_mono_ms() / 1000;
}

static bool
is_bucket(const struct copy *c)
{
	return strncmp(c->url, "s3://", 5) == 0;
}

/* --- catching up ------------------------------------------------------------
 */

static int
add_key(void *ctx, const struct blob_info *info)
{
	struct strs *l = ctx;

	if (info->deleted || info->other ||
	    (l->n > 0 && strcmp(l->v[l->n - 1], info->key) == 0))
		return 0;
	return strs_add(l, info->key);
}

/* The files that statements name: policy/ and krl/, in order. */
static int
list_objects(struct blob_store *s, struct strs *out, struct err *e)
{
	int r;

	strs_clear(out);
	if ((r = blob_list(s, "krl/", add_key, out, e)) == 0)
		r = blob_list(s, "policy/", add_key, out, e);
	return r == ERR_NOMEM ? err_nomem(e) : r;
}

static int
copy_object(struct ledger *l, struct blob_store *dst, const char *key,
    struct err *e)
{
	uint8_t *p = NULL;
	size_t n;
	int r;

	r = blob_get(l->home, key, BLOB_OBJECT_MAX, &p, &n, e);
	if (r == 0) {
		ledger_waits(l, dst, true);
		r = blob_put(dst, key, slice_of(p, n), 0, e);
		ledger_waits(l, dst, false);
	}
	free(p);
	return r < 0 ? r : 0;
}

int
copy_objects(struct ledger *l, struct blob_store *dst, struct err *e)
{
	struct strs ours = {0}, theirs = {0};
	int r;

	if ((r = list_objects(l->home, &ours, e)) != 0)
		goto out;
	ledger_waits(l, dst, true);
	r = list_objects(dst, &theirs, e);
	ledger_waits(l, dst, false);
	if (r != 0)
		goto out;
	for (size_t i = 0, k = 0; i < ours.n && r == 0; i++) {
		while (k < theirs.n && strcmp(theirs.v[k], ours.v[i]) < 0)
			k++;
		if (k == theirs.n || strcmp(theirs.v[k], ours.v[i]) != 0)
			r = copy_object(l, dst, ours.v[i], e);
	}
out:
	strs_clear(&ours);
	strs_clear(&theirs);
	return r;
}

int
copy_from_home(struct ledger *l, struct blob_store *dst, uint64_t have,
    struct err *e)
{
	uint64_t size = l->published.size;
	size_t n = l->note_len;
	/* Another one may be published meanwhile. */
	char *note = str_dupn(l->note, n);
	int r;

	if (note == NULL)
		return err_nomem(e);
	if ((r = copy_objects(l, dst, e)) == 0 &&
	    (r = ledger_put_leaves(l, dst, 0, have, size, e)) == 0)
		r = ledger_put_head(l, dst, size, slice_of(note, n), e);
	free(note);
	return r;
}

/* Open the copy and compare it; a copy that is ahead or forked is the answer
 * ERR_ROLLBACK or ERR_CORRUPT, kept in l->refused. */
static int
compare(struct ledger *l, struct copy *c, struct err *e)
{
	struct checkpoint head;
	char *note = NULL;
	bool foreign;
	size_t n;
	int r;

	if (c->store == NULL &&
	    (r = blob_open(c->url, &l->c.blob, &c->store, e)) != 0)
		return r;
	ledger_waits(l, c->store, true);
	r = ledger_head_at(l, c->store, &head, &note, &n, &foreign, e);
	ledger_waits(l, c->store, false);
	if (r == ERR_NOTFOUND) {
		c->size = c->objects = 0;
		c->compared = true;
		c->suspect = false;
		return 0;
	}
	if (r != 0)
		return r;
	free(note);
	r = ledger_compare(l, c->url, &head, e);
	c->suspect = r == ERR_ROLLBACK || r == ERR_CORRUPT;
	if (r == 0) {
		c->size = head.size;
		c->compared = true;
	} else if (c->suspect && e != NULL) {
		l->refused = *e;
		copy_state_save(l, c);
	}
	return r;
}

static int
catch_up(struct ledger *l, struct copy *c, size_t n_objects, struct err *e)
{
	uint64_t size;
	int r;

	if (!c->compared && (r = compare(l, c, e)) != 0)
		return r;
	size = l->published.size;
	if (c->size == size && c->objects == n_objects)
		return 0;
	if (l->note != NULL)
		r = copy_from_home(l, c->store, c->size, e);
	else
		r = copy_objects(l, c->store, e);
	if (r == 0) {
		c->size = size;
		c->objects = n_objects;
	}
	return r;
}

/* One copy, and what became of it. */
static bool
tend(struct ledger *l, struct copy *c, size_t n_objects)
{
	struct copy before = *c;
	struct err e = {0};

	if (catch_up(l, c, n_objects, &e) == 0) {
		c->since = c->retry_at = 0;
	} else {
		c->retry_at = mono_secs() + RETRY_SECS;
		if (c->since == 0)
			c->since = clock_now();
		ledger_warn(l, "copy %s is behind: %s", c->url, e.msg);
	}
	if (before.size != c->size || before.since != c->since ||
	    before.objects != c->objects || before.suspect != c->suspect)
		copy_state_save(l, c);
	return c->since == 0;
}

static int
count_objects(struct ledger *l, size_t *n, struct err *e)
{
	struct strs keys = {0};
	int r = list_objects(l->home, &keys, e);

	*n = keys.n;
	strs_clear(&keys);
	return r;
}

bool
copies_catch_up(struct ledger *l)
{
	struct err e = {0};
	bool level = true;
	size_t n;

	if (l->c.n_copies == 0)
		return true;
	if (count_objects(l, &n, &e) != 0) {
		ledger_warn(l, "the copies are behind: %s", e.msg);
		return false;
	}
	for (size_t i = 0; i < l->c.n_copies; i++) {
		if (l->copies[i].retry_at <= mono_secs())
			(void)tend(l, &l->copies[i], n);
		level = level && l->copies[i].since == 0;
	}
	return level;
}

void
ledger_copies_apart(struct ledger *l, void (*waits)(void *ctx, bool begins),
    void *ctx)
{
	l->copy_waits = waits;
	l->copy_ctx = ctx;
}

bool
ledger_copies_met(const struct ledger *l)
{
	for (size_t i = 0; i < l->c.n_copies; i++)
		if (is_bucket(&l->copies[i]) && !l->copies[i].compared &&
		    l->copies[i].retry_at == 0)
			return false;
	return true;
}

void
copies_put_object(struct ledger *l, const char *key, struct slice data)
{
	/* Apart they get it with what is published next. */
	for (size_t i = 0; i < l->c.n_copies && !copies_are_apart(l); i++) {
		struct copy *c = &l->copies[i];
		struct err e = {0};
		int r = 0;

		if (c->retry_at > mono_secs())
			continue;
		if (c->store == NULL)
			r = blob_open(c->url, &l->c.blob, &c->store, &e);
		if (r == 0)
			r = blob_put(c->store, key, data, 0, &e);
		if (r < 0) {
			c->retry_at = mono_secs() + RETRY_SECS;
			ledger_warn(l, "copy %s lacks %s so far: %s", c->url,
			    key, e.msg);
		}
	}
}

/*
 * Before anything is appended: is a copy that opening passed over, since it is
 * across the network, ahead of us?  One that does not answer is behind.
 */
static int
meet(struct ledger *l, struct copy *c, int64_t now)
{
	struct err why = {0};
	int r;

	if (c->compared || !is_bucket(c) || c->retry_at > mono_secs())
		return 0;
	r = compare(l, c, &why);
	if (r == 0 || r == ERR_NOMEM || c->suspect)
		return r == ERR_NOMEM ? r : 0;
	c->retry_at = mono_secs() + RETRY_SECS;
	if (c->since == 0)
		c->since = now;
	copy_state_save(l, c);
	ledger_warn(l, "copy %s is behind: %s", c->url, why.msg);
	return 0;
}

/* All are met first, whatever home is like: others wait for that alone, and for
 * none that is met and slow. */
bool
ledger_catch_up(struct ledger *l)
{
	for (size_t i = 0; i < l->c.n_copies; i++) {
		struct copy *c = &l->copies[i];

		if (meet(l, c, clock_now()) != 0 || c->suspect)
			c->retry_at = mono_secs() + RETRY_SECS;
	}
	return copies_catch_up(l);
}

static bool
is_too_far(const struct ledger *l, const struct copy *c, int64_t now)
{
	return l->c.max_lag != 0 && c->since != 0 &&
	    now - c->since > l->c.max_lag;
}

int
ledger_copies_hold(const struct ledger *l, struct err *e)
{
	int64_t now = clock_now();

	for (size_t i = 0; i < l->c.n_copies && l->refused.code == 0; i++) {
		const struct copy *c = &l->copies[i];

		if (is_too_far(l, c, now))
			return err_set(e, ERR_RECORD,
			    "nothing is recorded while copy %s is behind for "
			    "more than %lld s; it has %llu of %llu leaves",
			    c->url, (long long)l->c.max_lag, LL(c->size),
			    LL(l->published.size));
	}
	if (l->refused.code != 0 && e != NULL)
		*e = l->refused;
	return l->refused.code;
}

int
copies_allow(struct ledger *l, struct err *e)
{
	size_t n;
	int r;

	for (size_t i = 0; i < l->c.n_copies; i++) {
		struct copy *c = &l->copies[i];
		int64_t now = clock_now();

		if (l->copy_waits == NULL && meet(l, c, now) != 0)
			return err_nomem(e);
		/* Later than now: the clock was set back. */
		if (c->since > now ||
		    (c->size < l->published.size && c->since == 0)) {
			c->since = now;
			copy_state_save(l, c);
		}
		if (!is_too_far(l, c, now) || l->copy_waits != NULL)
			continue;
		if ((r = count_objects(l, &n, e)) != 0)
			return r;
		(void)tend(l, c, n);
	}
	return ledger_copies_hold(l, e);
}

size_t
ledger_copies(const struct ledger *l, struct ledger_copy out[LEDGER_COPIES_MAX])
{
	for (size_t i = 0; i < l->c.n_copies; i++)
		out[i] = (struct ledger_copy){.size = l->copies[i].size,
		    .behind_since = l->copies[i].since};
	return l->c.n_copies;
}

int
copies_open(struct ledger *l, struct err *e)
{
	int r;

	if (l->c.n_copies > LEDGER_COPIES_MAX)
		return err_set(e, ERR_LIMIT, "%zu copies, at most %d",
		    l->c.n_copies, LEDGER_COPIES_MAX);
	for (size_t i = 0; i < l->c.n_copies && !l->c.read_only; i++) {
		struct copy *c = &l->copies[i];
		struct err why = {0};

		c->url = l->c.copies[i];
		if (path_joinf(&c->path, "%s/copy.%zu", l->c.dir, i) != 0)
			return err_nomem(e);
		copy_state_load(c);
		if (is_bucket(c) && !c->suspect)
			continue;
		r = compare(l, c, &why);
		if (r == ERR_ROLLBACK || r == ERR_CORRUPT || r == ERR_NOMEM) {
			if (e != NULL)
				*e = why;
			return r;
		}
		if (r != 0)
			ledger_warn(l, "copy %s: %s", c->url, why.msg);
	}
	return 0;
}

void
copies_close(struct ledger *l)
{
	for (size_t i = 0; i < LEDGER_COPIES_MAX; i++) {
		blob_close(l->copies[i].store);
		free(l->copies[i].path);
	}
}

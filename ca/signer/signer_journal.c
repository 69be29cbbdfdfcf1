/* SPDX-License-Identifier: ISC */
/* The signer's journal: what it has signed and seen, and will not go back
 * behind. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/signer/signer_impl.h"
#include "lib/base/file.h"

/*
 * Past this the journal is put aside and begun anew with its last head.  All of
 * it is read and checked at each start, so this is half a millisecond of every
 * single `writ sign`; at 4 MB it was a fifth of one.
 */
#define JOURNAL_FULL (512 * 1024)
#define JOURNAL_ROOM (256 * 1024)

int
signer_encode_head(const struct signer_seen *seen, int64_t at, struct buf *b)
{
	int r;

	if ((r = buf_put_u8(b, RECORD_HEAD)) != 0 ||
	    (r = buf_put_u64(b, (uint64_t)at)) != 0 ||
	    (r = buf_put_u64(b, seen->head.size)) != 0 ||
	    (r = buf_put(b, seen->head.root.b, HASH_LEN)) != 0 ||
	    (r = buf_put_u64(b, seen->root_version)) != 0 ||
	    (r = buf_put_u64(b, seen->policy_version)) != 0)
		return r;
	return 0;
}

int
signer_encode_acts(const struct signer_seen *seen, struct buf *b)
{
	int r;

	if ((r = buf_put_u8(b, RECORD_ACTS)) != 0 ||
	    (r = buf_put_u64(b, seen->acts)) != 0 ||
	    (r = buf_put(b, seen->acts_chain.b, HASH_LEN)) != 0)
		return r;
	return buf_put_u64(b, seen->krl_version);
}

static int
replay_head(struct signer *s, struct view *v)
{
	struct signer_seen seen = s->seen;
	struct slice root;
	uint64_t at;

	if (view_get_u64(v, &at) != 0 ||
	    view_get_u64(v, &seen.head.size) != 0 ||
	    view_get(v, HASH_LEN, &root) != 0 ||
	    view_get_u64(v, &seen.root_version) != 0 ||
	    view_get_u64(v, &seen.policy_version) != 0 || view_end(v) != 0)
		return ERR_CORRUPT;
	memcpy(seen.head.root.b, root.p, HASH_LEN);
	memcpy(seen.head.origin, s->config.origin,
	    strlen(s->config.origin) + 1);
	s->seen = seen;
	return 0;
}

static int
replay_acts(struct signer *s, struct view *v)
{
	struct signer_seen seen = s->seen;
	struct slice chain;

	if (view_get_u64(v, &seen.acts) != 0 ||
	    view_get(v, HASH_LEN, &chain) != 0 ||
	    view_get_u64(v, &seen.krl_version) != 0 || view_end(v) != 0)
		return ERR_CORRUPT;
	memcpy(seen.acts_chain.b, chain.p, HASH_LEN);
	s->seen = seen;
	return 0;
}

static int
replay(void *ctx, uint64_t base, uint64_t nth, struct slice record)
{
	struct view v = view_slice(record);
	struct signer *s = ctx;
	uint8_t which;

	(void)nth;
	s->restarts = base;
	if (view_get_u8(&v, &which) != 0)
		return ERR_CORRUPT;
	if (which == RECORD_HEAD)
		return replay_head(s, &v);
	if (which == RECORD_ACTS)
		return replay_acts(s, &v);
	return which == RECORD_CERT ? 0 : ERR_CORRUPT;
}

int
signer_open(const struct signer_config *c, struct signer **out, struct err *e)
{
	struct signer *s = NULL;
	char *lock = NULL;
	int r;

	if (strlen(c->origin) >= ORIGIN_MAX)
		return err_set(e, ERR_LIMIT, "origin of the log is too long");
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return err_nomem(e);
	s->config = *c;
	s->lock = -1;
	if (path_join(c->dir, "journal", &s->path) != 0 ||
	    path_join(c->dir, "lock", &lock) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = file_mkdirs(c->dir, 0700, e)) != 0 ||
	    (r = file_lock(lock, &s->lock, e)) != 0)
		goto out;
	r = journal_open(s->path, JOURNAL_ROOM, false, replay, s, &s->journal,
	    e);
	if (r != 0) {
		err_prefix(e, "signer's journal");
		goto out;
	}
	*out = s;
	s = NULL;
out:
	free(lock);
	signer_close(s);
	return r;
}

void
signer_close(struct signer *s)
{
	if (s == NULL)
		return;
	journal_close(s->journal);
	if (s->lock != -1)
		(void)close(s->lock);
	free(s->path);
	free(s);
}

void
signer_get_seen(const struct signer *s, struct signer_seen *out)
{
	*out = s->seen;
}

/*
 * Keep the full journal beside the new one: it is the only other witness of
 * what was signed.  A crash between the two steps leaves a second name for the
 * same file, and the next restart finds the name taken and goes on.
 */
int
signer_restart_when_full(struct signer *s, int64_t now, struct err *e)
{
	struct buf *head = NULL;
	char *aside = NULL;
	struct slice records[2];
	int r;

	if (journal_bytes(s->journal) < JOURNAL_FULL)
		return 0;
	if (path_joinf(&aside, "%s.%llu", s->path,
		(unsigned long long)s->restarts) != 0 ||
	    buf_new(&head, RECORD_HEAD_LEN + RECORD_ACTS_LEN) != 0 ||
	    signer_encode_head(&s->seen, now, head) != 0 ||
	    signer_encode_acts(&s->seen, head) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if (link(s->path, aside) != 0 && errno != EEXIST) {
		r = err_sys(e, "%s", aside);
		goto out;
	}
	records[0] = slice_of(buf_slice(head).p, RECORD_HEAD_LEN);
	records[1] =
	    slice_of(buf_slice(head).p + RECORD_HEAD_LEN, RECORD_ACTS_LEN);
	r = journal_restart(s->journal, s->restarts + 1, records, 2, e);
	if (r == 0)
		s->restarts++;
out:
	buf_free(head);
	free(aside);
	return r;
}

/* --- after it failed ------------------------------------------------------ */

static bool
is_behind(const struct signer_seen *is, const struct signer_seen *was)
{
	return is->head.size < was->head.size ||
	    (is->head.size == was->head.size &&
		!hash_equal(&is->head.root, &was->head.root)) ||
	    is->root_version < was->root_version ||
	    is->policy_version < was->policy_version || is->acts < was->acts ||
	    is->krl_version < was->krl_version;
}

int
signer_recover(struct signer *s, struct err *e)
{
	struct signer again = {.config = s->config};
	int r;

	r = journal_open(s->path, JOURNAL_ROOM, false, replay, &again,
	    &again.journal, e);
	if (r != 0) {
		err_prefix(e, "signer's journal");
		return r;
	}
	if (is_behind(&again.seen, &s->seen)) {
		journal_close(again.journal);
		return err_set(e, ERR_ROLLBACK,
		    "signer's journal: %s has less than was signed", s->path);
	}
	journal_close(s->journal);
	s->journal = again.journal;
	s->seen = again.seen;
	s->restarts = again.restarts;
	return 0;
}

/* SPDX-License-Identifier: ISC */
#include "agent/master/log_signer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/key/note.h"
#include "lib/ledger/journal.h"
#include "lib/tlog/merkle.h"

/*
 * A record of the journal is all that there is to know: the byte 'H', u64 the
 * time, string origin, u64 size, then for each bit that is set in size, from the
 * lowest on, the 32 bytes of the edge at that level.  The last one counts.  Of
 * older journals: the byte 'E', and no time.
 */
#define RECORD_HEAD  'H'
#define RECORD_EDGE  'E'
#define RECORD_MAX   (1 + 8 + 4 + ORIGIN_MAX + 8 + 64 * HASH_LEN)
#define JOURNAL_ROOM (256 * 1024)
#define JOURNAL_FULL (512 * 1024) /* then it is begun anew */
#define LEAVES_MAX   (UINT64_C(1) << 62)

struct log_signer {
	struct log_signer_config config;
	struct merkle_edge edge; /* as it was signed */
	struct merkle_edge grown;
	int64_t signed_at;       /* by the clock then; 0: not known */
	struct journal *journal; /* NULL: it cannot be read any more */
	char *path;
	int lock;
};

static int
encode(const struct log_signer *s, const struct merkle_edge *edge, int64_t at,
    struct buf *b)
{
	int r;

	if ((r = buf_put_u8(b, RECORD_HEAD)) != 0 ||
	    (r = buf_put_u64(b, (uint64_t)at)) != 0 ||
	    (r = buf_put_cstring(b, s->config.origin)) != 0 ||
	    (r = buf_put_u64(b, edge->size)) != 0)
		return r;
	for (unsigned i = 0; i < 64 && r == 0; i++)
		if ((edge->size >> i & 1) != 0)
			r = buf_put(b, edge->h[i].b, HASH_LEN);
	return r;
}

static int
parse(struct slice record, struct slice *origin, struct merkle_edge *edge,
    int64_t *at)
{
	struct view v = view_slice(record);
	uint64_t when = 0;
	struct slice h;
	uint8_t which;

	memset(edge, 0, sizeof(*edge));
	if (view_get_u8(&v, &which) != 0 ||
	    (which != RECORD_HEAD && which != RECORD_EDGE) ||
	    (which == RECORD_HEAD && view_get_u64(&v, &when) != 0) ||
	    when > CLOCK_MAX || view_get_string(&v, origin) != 0 ||
	    view_get_u64(&v, &edge->size) != 0 || edge->size > LEAVES_MAX)
		return ERR_CORRUPT;
	*at = (int64_t)when;
	for (unsigned i = 0; i < 64; i++) {
		if ((edge->size >> i & 1) == 0)
			continue;
		if (view_get(&v, HASH_LEN, &h) != 0)
			return ERR_CORRUPT;
		memcpy(edge->h[i].b, h.p, HASH_LEN);
	}
	return view_end(&v) != 0 ? ERR_CORRUPT : 0;
}

/* A tree never shrinks from one record to the next. */
static int
replay(void *ctx, uint64_t base, uint64_t nth, struct slice record)
{
	struct log_signer *s = ctx;
	struct merkle_edge edge;
	struct slice origin;
	int64_t at;

	(void)base;
	(void)nth;
	if (parse(record, &origin, &edge, &at) != 0 ||
	    !slice_is(origin, s->config.origin) || edge.size < s->edge.size)
		return ERR_CORRUPT;
	s->edge = edge;
	s->signed_at = at;
	return 0;
}

static int
open_journal(struct log_signer *s, struct err *e)
{
	struct err why = {0};
	int r = journal_open(s->path, JOURNAL_ROOM, false, replay, s,
	    &s->journal, &why);

	if (r == 0)
		return 0;
	/* What replay() returned has no words yet. */
	if (why.msg[0] == '\0')
		(void)err_set(&why, r,
		    "%s: a record that is damaged, or of another log than %s",
		    s->path, s->config.origin);
	if (e != NULL)
		*e = why;
	err_prefix(e, "signer's journal");
	return r;
}

int
log_signer_open(const struct log_signer_config *c, struct log_signer **out,
    struct err *e)
{
	struct log_signer *s = NULL;
	char *lock = NULL;
	int r;

	if (strlen(c->origin) >= ORIGIN_MAX)
		return err_set(e, ERR_LIMIT, "origin of the log is too long");
	if (pubkey_type(key_public(c->log)) != PUBKEY_ED25519)
		return err_set(e, ERR_PARSE,
		    "the log's key is no Ed25519 key, which alone signs heads");
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return err_nomem(e);
	s->config = *c;
	if (s->config.now == NULL)
		s->config.now = clock_now;
	s->lock = -1;
	if (path_join(c->dir, "journal", &s->path) != 0 ||
	    path_join(c->dir, "lock", &lock) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = file_mkdirs(c->dir, 0700, e)) != 0 ||
	    (r = file_lock(lock, &s->lock, e)) != 0 ||
	    (r = open_journal(s, e)) != 0)
		goto out;
	log_signer_drop(s);
	*out = s;
	s = NULL;
out:
	free(lock);
	log_signer_close(s);
	return r;
}

void
log_signer_close(struct log_signer *s)
{
	if (s == NULL)
		return;
	if (s->journal != NULL)
		journal_close(s->journal);
	if (s->lock != -1)
		(void)close(s->lock);
	free(s->path);
	free(s);
}

void
log_signer_head(const struct log_signer *s, struct checkpoint *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->origin, s->config.origin, strlen(s->config.origin) + 1);
	out->size = s->edge.size;
	merkle_root(&s->edge, &out->root);
}

/* --- signing -------------------------------------------------------------- */

/*
 * After a write that failed nobody knows what is on the disk but whoever reads
 * it: less than was signed is not believed, what was about to be signed is as
 * good as signed.  Without a journal nothing is signed, and each call looks again.
 */
static int
recover(struct log_signer *s, struct err *e)
{
	struct merkle_edge was = s->edge;
	int64_t at = s->signed_at;
	int r;

	if (s->journal != NULL)
		journal_close(s->journal);
	s->journal = NULL;
	memset(&s->edge, 0, sizeof(s->edge));
	r = open_journal(s, e);
	log_signer_drop(s);
	if (r == 0 && s->edge.size >= was.size)
		return 0;
	if (r == 0) {
		r = err_set(e, ERR_ROLLBACK,
		    "signer's journal: %s has less than was signed", s->path);
		journal_close(s->journal);
		s->journal = NULL;
	}
	s->edge = was;
	s->signed_at = at;
	log_signer_drop(s);
	return r;
}

/* What has grown is signed for, as soon as this is durable. */
static int
remember(struct log_signer *s, struct err *e)
{
	int64_t at = s->config.now();
	struct buf *b = NULL;
	struct slice record;
	int r;

	if (at < 0 || at > CLOCK_MAX)
		at = 0; /* a clock that says nothing */
	if (buf_new(&b, RECORD_MAX) != 0 || encode(s, &s->grown, at, b) != 0) {
		r = err_nomem(e);
		goto out;
	}
	record = buf_slice(b);
	if ((r = journal_append(s->journal, &record, 1, e)) != 0) {
		err_prefix(e, "signer's journal");
		if (r == ERR_RECORD)
			(void)!recover(s, NULL);
		goto out;
	}
	s->edge = s->grown;
	s->signed_at = at;
	/* One that cannot be begun anew is full, not wrong. */
	if (journal_bytes(s->journal) >= JOURNAL_FULL)
		(void)!journal_restart(s->journal, journal_base(s->journal) + 1,
		    &record, 1, NULL);
out:
	buf_free(b);
	return r;
}

static int
check(const struct log_signer *s, uint64_t from, size_t n, struct err *e)
{
	if (from < s->grown.size)
		return err_set(e, ERR_ROLLBACK,
		    "the log goes on from %llu leaves, and %llu are signed",
		    (unsigned long long)from,
		    (unsigned long long)s->grown.size);
	if (from > s->grown.size)
		return err_set(e, ERR_DENIED,
		    "leaves from %llu on do not follow the %llu that are "
		    "signed",
		    (unsigned long long)from,
		    (unsigned long long)s->grown.size);
	if (from == 0 && n == 0)
		return err_set(e, ERR_DENIED, "the log has no leaf yet");
	if (n > LEAVES_MAX - from)
		return err_set(e, ERR_LIMIT, "no log has so many leaves");
	return 0;
}

/* When the leaves that come were certainly not there; a clock that was ahead then
 * does no harm once it is right. */
static int64_t
without_them(const struct log_signer *s)
{
	int64_t now = s->config.now();

	return now < s->signed_at ? now : s->signed_at;
}

void
log_signer_drop(struct log_signer *s)
{
	s->grown = s->edge;
}

int
log_signer_grow(struct log_signer *s, uint64_t from,
    const struct log_leaf *leaves, size_t n, struct err *e)
{
	int64_t at = without_them(s);
	struct hash h;
	int r;

	if ((s->journal == NULL && (r = recover(s, e)) != 0) ||
	    (r = check(s, from, n, e)) != 0)
		goto out;
	for (size_t i = 0; i < n; i++) {
		if ((r = log_token_check(&leaves[i], at, e)) != 0)
			goto out;
		merkle_leaf(leaves[i].bytes.p, leaves[i].bytes.n, &h);
		merkle_append(&s->grown, &h);
	}
out:
	if (r != 0)
		log_signer_drop(s);
	return r;
}

int
log_signer_sign(struct log_signer *s, struct str *note, struct err *e)
{
	struct checkpoint head;
	int r;

	if (s->grown.size > s->edge.size && (r = remember(s, e)) != 0) {
		log_signer_drop(s);
		return r;
	}
	log_signer_head(s, &head);
	return key_sign_checkpoint(s->config.log, &head, note, e);
}

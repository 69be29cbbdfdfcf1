/* SPDX-License-Identifier: ISC */
/* Reading a journal: its records, its end, and whether it is damaged. */
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/pages.h"
#include "lib/ledger/batch.h"
#include "lib/ledger/journal_impl.h"

#define READ_TRIES 3

/*
 * Is a record that checks out at `at`?  first and last bound its number, so
 * that a candidate is cheaply refused.  Returns the bytes it takes, or 0.
 */
static uint64_t
record_at(const struct journal *j, const uint8_t *p, uint64_t n, uint64_t at,
    uint64_t first, uint64_t last)
{
	uint8_t sum[BATCH_SUM];
	uint64_t len, nth;

	if (n - at < BATCH_HEAD + BATCH_ALIGN)
		return 0;
	len = get_be(p + at + 16, 4);
	nth = get_be(p + at + 24, 8);
	if (len == 0 || len > JOURNAL_RECORD_MAX || nth < first || nth > last ||
	    get_be(p + at + 20, 4) > at - FIRST || batch_stored(len) > n - at)
		return 0;
	batch_sum(j->key, p + at + BATCH_SUM,
	    (size_t)batch_stored(len) - BATCH_SUM, sum);
	return memcmp(sum, p + at, BATCH_SUM) == 0 ? batch_stored(len) : 0;
}

static bool
all_zero(const uint8_t *p, uint64_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, (size_t)n - 1) == 0);
}

/* Is there a record behind `at` whose batch began behind it? */
static bool
later_batch(const struct journal *j, const uint8_t *p, uint64_t n, uint64_t at)
{
	for (uint64_t i = at + BATCH_ALIGN; i + BATCH_HEAD + BATCH_ALIGN <= n;
	     i += BATCH_ALIGN) {
		uint64_t most =
		    j->n + (i - at) / (BATCH_HEAD + BATCH_ALIGN) + 1;

		if (record_at(j, p, n, i, j->n, most) != 0 &&
		    i - get_be(p + i + 20, 4) > at)
			return true;
	}
	return false;
}

/* What is in a file: its bytes, and where the last that is not zero may be. */
struct content {
	uint8_t *p;
	uint64_t n, data;
};

/* Up to ZEROS bytes; fewer at the end of the file. */
static int
read_at(const struct journal *j, uint8_t *p, uint64_t at, uint64_t *n,
    struct err *e)
{
	for (*n = 0; *n < ZEROS;) {
		ssize_t r = pread(j->fd, p + *n, (size_t)(ZEROS - *n),
		    (off_t)(at + *n));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(e, "read %s", j->path);
		if (r == 0)
			break;
		*n += (uint64_t)r;
	}
	return 0;
}

/*
 * Most of a journal is zeros.  They are looked at in one place and not copied,
 * and calloc() gives memory that costs nothing until it is written to.
 */
static int
load(const struct journal *j, struct content *c, struct err *e)
{
	uint8_t *piece = NULL;
	uint64_t got = 0;
	struct stat st;
	int r = 0;

	if (fstat(j->fd, &st) != 0)
		return err_sys(e, "read %s", j->path);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > 2 * BATCH_MAX)
		return err_set(e, ERR_CORRUPT, "%s is not a journal", j->path);
	*c = (struct content){.n = (uint64_t)st.st_size};
	c->p = calloc(1, (size_t)c->n + 1);
	piece = malloc(ZEROS);
	if (c->p == NULL || piece == NULL)
		r = err_nomem(e);
	for (uint64_t at = 0; r == 0 && at < c->n; at += got) {
		if ((r = read_at(j, piece, at, &got, e)) != 0 || got == 0)
			break;
		if (got > c->n - at)
			got = c->n - at; /* it grows as we read */
		if (all_zero(piece, got))
			continue;
		pages_expect(c->p + at, (size_t)got);
		memcpy(c->p + at, piece, (size_t)got);
		c->data = at + got;
	}
	free(piece);
	if (r != 0) {
		free(c->p);
		c->p = NULL;
	}
	return r;
}

/* Find the records and the end.  *torn: other bytes than zeros follow it. */
static int
scan(struct journal *j, const struct content *c, bool *torn, struct err *e)
{
	const uint8_t *p = c->p;
	uint64_t all, n = c->n;

	if (journal_header_read(j, p, n) != 0)
		return err_set(e, ERR_CORRUPT,
		    "%s is not a journal or its first bytes are damaged",
		    j->path);
	j->size = n;
	j->n = 0;
	j->end = FIRST;
	while ((all = record_at(j, p, n, j->end, j->n, j->n)) != 0) {
		j->end += all;
		j->n++;
	}
	*torn = c->data > j->end && !all_zero(p + j->end, c->data - j->end);
	if (*torn && later_batch(j, p, c->data, j->end))
		return err_set(e, ERR_CORRUPT,
		    "%s is damaged: record %llu at byte %llu does not check "
		    "out and later ones do",
		    j->path, (unsigned long long)j->n,
		    (unsigned long long)j->end);
	return 0;
}

static int
hand_out(const struct journal *j, const uint8_t *p,
    const struct journal_replay *to)
{
	uint64_t at = FIRST;
	int r;

	for (uint64_t i = 0; i < j->n && to->each != NULL; i++) {
		uint64_t len = get_be(p + at + 16, 4);

		r = to->each(to->ctx, j->base, i,
		    slice_of(p + at + BATCH_HEAD, (size_t)len));
		if (r != 0)
			return r;
		at += batch_stored(len);
	}
	return 0;
}

/*
 * Make what was replayed durable, since a process may have been killed before
 * its fdatasync, and blank what a crash left behind the end, so that it can
 * never be taken for a record of later batches.
 */
static int
settle(struct journal *j, bool torn, struct err *e)
{
	if (torn && journal_zero_at(j->fd, j->end, j->size) != 0)
		return err_sys(e, "write %s", j->path);
	if (fdatasync(j->fd) != 0)
		return err_sys(e, "fdatasync %s", j->path);
	return 0;
}

int
journal_replay(struct journal *j, const struct journal_replay *to,
    struct err *e)
{
	struct content c = {.p = NULL};
	bool torn = false;
	int r = 0;

	/* A reader may see a batch, and miss the one before, while the writer
	 * is at work; not three times in a row. */
	for (int i = 0; i < (j->read_only ? READ_TRIES : 1); i++) {
		free(c.p);
		if ((r = load(j, &c, e)) != 0)
			return r;
		if ((r = scan(j, &c, &torn, e)) == 0)
			break;
	}
	if (r == 0 && !j->read_only)
		r = settle(j, torn, e);
	if (r == 0)
		r = hand_out(j, c.p, to);
	if (r == 0) {
		*to->content = c.p;
		c.p = NULL;
	}
	free(c.p);
	return r;
}

/* SPDX-License-Identifier: ISC */
/*
 * The file, all numbers big-endian:
 *
 *   0	16 "writ journal 1\n\0"
 *   16	16 random, the key of every checksum in this file
 *   32	 8 base
 *   40	 8 zero
 *   48	16 checksum of bytes 0..47
 *   512	records, each at a multiple of 16:
 *		16 checksum of what follows, with the zeros at its end
 *		 4 length of the bytes, 1..JOURNAL_RECORD_MAX
 *		 4 distance back to where its batch begins
 *		 8 number of the record in this file, from 0
 *		   the bytes, and zeros up to a multiple of 16
 *   and zeros to the end of the file.
 *
 * The zeros are written, not just reserved, so that fdatasync has no extents
 * to turn into written ones: that makes it 1.3 times as fast.
 *
 * A crash during an append leaves any part of one batch, in any order.  So a
 * record that does not check out is the end, unless a record follows that
 * belongs to a batch that began later: that one was only written after the
 * fdatasync of the one before, which is damaged therefore.  The key is random,
 * so nobody can put bytes into a record that look like a later one.  The
 * checksum is SipHash, 128 bits, since a megabyte of SHA-256 at each start
 * would cost more than signing does.
 */
#include "lib/ledger/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/ledger/batch.h"
#include "lib/ledger/journal_impl.h"

static int
open_file(struct journal *j, bool *made, struct err *e)
{
	int flags = (j->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW;

	j->fd = open(j->path, flags);
	if (j->fd >= 0)
		return 0;
	if (errno != ENOENT)
		return err_sys(e, "open %s", j->path);
	if (j->read_only)
		return err_set(e, ERR_NOTFOUND, "no journal at %s", j->path);
	*made = true;
	return journal_begin(j, 0, NULL, 0, e);
}

int
journal_open_kept(const char *path, uint64_t room, bool read_only,
    int (*each)(void *ctx, uint64_t base, uint64_t nth, struct slice record),
    void *ctx, uint8_t **content, struct journal **out, struct err *e)
{
	const struct journal_replay to = {content, each, ctx};
	struct journal *j = calloc(1, sizeof(*j));
	bool made = false;
	int r;

	*content = NULL;
	if (j == NULL)
		return err_nomem(e);
	j->fd = -1;
	j->read_only = read_only;
	j->room = round_up(room < FIRST ? FIRST : room, BATCH_ALIGN);
	if ((j->path = str_dup(path)) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = open_file(j, &made, e)) != 0)
		goto out;
	if (!made && (r = journal_replay(j, &to, e)) != 0)
		goto out;
	*out = j;
	j = NULL;
out:
	journal_close(j);
	return r;
}

int
journal_open(const char *path, uint64_t room, bool read_only,
    int (*each)(void *ctx, uint64_t base, uint64_t nth, struct slice record),
    void *ctx, struct journal **out, struct err *e)
{
	uint8_t *content;
	int r = journal_open_kept(path, room, read_only, each, ctx, &content,
	    out, e);

	free(content);
	return r;
}

void
journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	if (j->fd >= 0)
		(void)close(j->fd);
	free(j->path);
	free(j);
}

uint64_t
journal_base(const struct journal *j)
{
	return j->base;
}

uint64_t
journal_bytes(const struct journal *j)
{
	return j->end - FIRST;
}

/*
 * Write the batch and make it durable, growing the file first: with zeros, but
 * for what the batch itself is about to fill.
 */
static int
append(struct journal *j, const uint8_t *p, uint64_t bytes, struct err *e)
{
	uint64_t end = j->end + bytes, size = round_up(end, j->room);
	const char *why = "";

	if (size > j->size) {
		if (journal_zero_at(j->fd, end > j->size ? end : j->size,
			size) != 0)
			goto failed;
		j->size = size;
	}
	if (journal_write_at(j->fd, p, bytes, j->end) == 0 &&
	    fdatasync(j->fd) == 0)
		return 0;
failed:
	j->broken = true;
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		why = "the disk is full: ";
	return err_set(e, ERR_RECORD,
	    "cannot be recorded, %swrite %s: %s; nothing is recorded until it "
	    "is opened again",
	    why, j->path, strerror(errno));
}

static int
usable(const struct journal *j, struct err *e)
{
	if (!j->broken && !j->read_only)
		return 0;
	return err_set(e, ERR_RECORD, "cannot be recorded, %s %s", j->path,
	    j->read_only ? "is open for reading only"
			 : "failed before and has to be opened again");
}

static int
append_batch(struct journal *j, const struct batch *b, struct err *e)
{
	int r;

	if (j->end + b->bytes > BATCH_MAX)
		return batch_limit(e);
	if ((r = append(j, b->p, b->bytes, e)) == 0) {
		j->end += b->bytes;
		j->n += b->n;
	}
	return r;
}

int
journal_append(struct journal *j, const struct slice *records, size_t n,
    struct err *e)
{
	struct batch b = {.key = j->key, .nth = j->n, .n = n};
	int r;

	if (n == 0)
		return 0;
	if ((r = usable(j, e)) == 0 && (r = batch_copy(&b, records, e)) == 0)
		r = append_batch(j, &b, e);
	batch_clear(&b);
	return r;
}

int
journal_append_made(struct journal *j, const size_t *len, size_t n,
    void (*fill)(void *ctx, size_t i, uint8_t *to), void *ctx, uint8_t **block,
    struct err *e)
{
	struct batch b = {
	    .key = j->key, .nth = j->n, .n = n, .fill = fill, .ctx = ctx};
	int r;

	*block = NULL;
	if ((r = usable(j, e)) == 0 && (r = batch_make(&b, len, e)) == 0 &&
	    (r = append_batch(j, &b, e)) == 0) {
		*block = b.p;
		b.p = NULL;
	}
	batch_clear(&b);
	return r;
}

int
journal_restart(struct journal *j, uint64_t base, const struct slice *records,
    size_t n, struct err *e)
{
	if (j->broken || j->read_only)
		return err_set(e, ERR_RECORD, "%s cannot be begun anew",
		    j->path);
	return journal_begin(j, base, records, n, e);
}

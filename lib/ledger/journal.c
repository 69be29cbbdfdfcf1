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

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/pages.h"
#include "lib/base/str.h"
#include "lib/crypto/random.h"
#include "lib/ledger/batch.h"

#define MAGIC      "writ journal 1\n" /* and its NUL */
#define SUMMED     48                 /* bytes of the header */
#define FIRST      512                /* offset of the first record */
#define ZEROS      65536
#define READ_TRIES 3

struct journal {
	char *path;
	int fd;
	uint64_t room;
	uint64_t base;
	uint64_t end;  /* where the next record goes */
	uint64_t size; /* of the file; zeros from end on */
	uint64_t n;    /* records */
	uint8_t key[BATCH_KEY];
	bool read_only;
	bool broken; /* what is on the disk is not known */
};

static const uint8_t zeros[ZEROS];

static int
write_at(int fd, const uint8_t *p, uint64_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t put = pwrite(fd, p, (size_t)n, (off_t)at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put == 0)
			errno = ENOSPC;
		if (put <= 0)
			return ERR_SYS;
		p += put;
		n -= (uint64_t)put;
		at += (uint64_t)put;
	}
	return 0;
}

static int
zero_at(int fd, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t n = to - from < ZEROS ? to - from : ZEROS;

		if (write_at(fd, zeros, n, from) != 0)
			return ERR_SYS;
		from += n;
	}
	return 0;
}

static void
header_make(uint8_t out[FIRST], const uint8_t key[BATCH_KEY], uint64_t base)
{
	memset(out, 0, FIRST);
	memcpy(out, MAGIC, sizeof(MAGIC));
	memcpy(out + 16, key, BATCH_KEY);
	put_be(out + 32, base, 8);
	batch_sum(key, out, SUMMED, out + SUMMED);
}

static int
header_read(struct journal *j, const uint8_t *p, uint64_t n)
{
	uint8_t want[FIRST];

	if (n < FIRST)
		return ERR_CORRUPT;
	memcpy(j->key, p + 16, BATCH_KEY);
	j->base = get_be(p + 32, 8);
	header_make(want, j->key, j->base);
	return memcmp(p, want, FIRST) == 0 ? 0 : ERR_CORRUPT;
}

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

struct replay {
	uint8_t **content; /* what is handed out stays there */
	int (*each)(void *ctx, uint64_t base, uint64_t nth,
	    struct slice record);
	void *ctx;
};

/* Find the records and the end.  *torn: other bytes than zeros follow it. */
static int
scan(struct journal *j, const struct content *c, bool *torn, struct err *e)
{
	const uint8_t *p = c->p;
	uint64_t all, n = c->n;

	if (header_read(j, p, n) != 0)
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
hand_out(const struct journal *j, const uint8_t *p, const struct replay *to)
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
	if (torn && zero_at(j->fd, j->end, j->size) != 0)
		return err_sys(e, "write %s", j->path);
	if (fdatasync(j->fd) != 0)
		return err_sys(e, "fdatasync %s", j->path);
	return 0;
}

static int
replay(struct journal *j, const struct replay *to, struct err *e)
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

/* A file beside j->path, whole and synced, that holds base and records. */
static int
make_file(const struct journal *j, const char *tmp,
    const uint8_t key[BATCH_KEY], uint64_t base, const struct slice *records,
    size_t n, int *out, uint64_t *end, uint64_t *size, struct err *e)
{
	struct batch b = {.key = key, .n = n};
	uint8_t head[FIRST];
	int fd = -1, r;

	if ((r = batch_copy(&b, records, e)) != 0)
		goto out;
	header_make(head, key, base);
	*size = round_up(FIRST + b.bytes, j->room);
	(void)unlink(tmp);
	fd =
	    open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fchmod(fd, 0600) != 0 ||
	    write_at(fd, head, FIRST, 0) != 0 ||
	    write_at(fd, b.p, b.bytes, FIRST) != 0 ||
	    zero_at(fd, FIRST + b.bytes, *size) != 0 || fsync(fd) != 0) {
		r = err_sys(e, "write %s", tmp);
		goto out;
	}
	*end = FIRST + b.bytes;
	*out = fd;
	fd = -1;
	r = 0;
out:
	if (fd >= 0) {
		(void)close(fd);
		(void)unlink(tmp);
	}
	batch_clear(&b);
	return r;
}

static int
tmp_name(const char *path, char **out, struct err *e)
{
	int dir = (int)(path_base(path) - path);

	if (path_joinf(out, "%.*s%s%s", dir, path, FILE_TMP_PREFIX,
		path_base(path)) != 0)
		return err_nomem(e);
	return 0;
}

/* Put a new file in the place of the journal; j changes once it is there. */
static int
begin(struct journal *j, uint64_t base, const struct slice *records, size_t n,
    struct err *e)
{
	uint8_t key[BATCH_KEY];
	char *tmp = NULL;
	uint64_t end = 0, size = 0;
	int fd = -1, r;

	if ((r = tmp_name(j->path, &tmp, e)) != 0)
		return r;
	random_bytes(key, sizeof(key));
	r = make_file(j, tmp, key, base, records, n, &fd, &end, &size, e);
	if (r != 0)
		goto out;
	if (rename(tmp, j->path) != 0) {
		r = err_sys(e, "rename %s to %s", tmp, j->path);
		(void)close(fd);
		(void)unlink(tmp);
		goto out;
	}
	if (j->fd >= 0)
		(void)close(j->fd);
	j->fd = fd;
	j->base = base;
	j->n = n;
	j->end = end;
	j->size = size;
	memcpy(j->key, key, sizeof(key));
	if ((r = file_sync_parent(j->path, e)) != 0)
		j->broken = true;
out:
	free(tmp);
	return r;
}

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
	return begin(j, 0, NULL, 0, e);
}

int
journal_open_kept(const char *path, uint64_t room, bool read_only,
    int (*each)(void *ctx, uint64_t base, uint64_t nth, struct slice record),
    void *ctx, uint8_t **content, struct journal **out, struct err *e)
{
	const struct replay to = {content, each, ctx};
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
	if (!made && (r = replay(j, &to, e)) != 0)
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
		if (zero_at(j->fd, end > j->size ? end : j->size, size) != 0)
			goto failed;
		j->size = size;
	}
	if (write_at(j->fd, p, bytes, j->end) == 0 && fdatasync(j->fd) == 0)
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
	return begin(j, base, records, n, e);
}

/* SPDX-License-Identifier: ISC */
/* A journal's file: header, bytes and zeros, and a new one in its place. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/crypto/random.h"
#include "lib/ledger/batch.h"
#include "lib/ledger/journal_impl.h"

#define MAGIC  "writ journal 1\n" /* and its NUL */
#define SUMMED 48                 /* bytes of the header */

static const uint8_t zeros[ZEROS];

int
journal_write_at(int fd, const uint8_t *p, uint64_t n, uint64_t at)
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

int
journal_zero_at(int fd, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t n = to - from < ZEROS ? to - from : ZEROS;

		if (journal_write_at(fd, zeros, n, from) != 0)
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

int
journal_header_read(struct journal *j, const uint8_t *p, uint64_t n)
{
	uint8_t want[FIRST];

	if (n < FIRST)
		return ERR_CORRUPT;
	memcpy(j->key, p + 16, BATCH_KEY);
	j->base = get_be(p + 32, 8);
	header_make(want, j->key, j->base);
	return memcmp(p, want, FIRST) == 0 ? 0 : ERR_CORRUPT;
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
	    journal_write_at(fd, head, FIRST, 0) != 0 ||
	    journal_write_at(fd, b.p, b.bytes, FIRST) != 0 ||
	    journal_zero_at(fd, FIRST + b.bytes, *size) != 0 ||
	    fsync(fd) != 0) {
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
int
journal_begin(struct journal *j, uint64_t base, const struct slice *records,
    size_t n, struct err *e)
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

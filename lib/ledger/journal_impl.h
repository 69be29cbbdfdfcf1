/* SPDX-License-Identifier: ISC */
/* What the files of a journal share; for them alone. */
#ifndef LIB_LEDGER_JOURNAL_IMPL_H
#define LIB_LEDGER_JOURNAL_IMPL_H

#include "lib/ledger/batch.h"
#include "lib/ledger/journal.h"

#define FIRST 512 /* offset of the first record */
#define ZEROS 65536

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

struct journal_replay {
	uint8_t **content; /* what is handed out stays there */
	int (*each)(void *ctx, uint64_t base, uint64_t nth,
	    struct slice record);
	void *ctx;
};

/* --- journal_file.c */

/* ERR_SYS, and errno is set. */
int journal_write_at(int fd, const uint8_t *p, uint64_t n, uint64_t at)
    MUST_CHECK;
int journal_zero_at(int fd, uint64_t from, uint64_t to) MUST_CHECK;
/* Key and base, of the first n bytes of a file.  ERR_CORRUPT. */
int journal_header_read(struct journal *j, const uint8_t *p, uint64_t n)
    MUST_CHECK;
/* Put a new file in the place of the journal; j changes once it is there.
 * Errors as journal_restart(). */
int journal_begin(struct journal *j, uint64_t base,
    const struct slice *records, size_t n, struct err *e) MUST_CHECK;

/* --- journal_replay.c */

/* Find the end and hand out the records.  Errors as journal_open(). */
int journal_replay(struct journal *j, const struct journal_replay *to,
    struct err *e) MUST_CHECK;

#endif

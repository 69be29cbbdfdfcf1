/* SPDX-License-Identifier: ISC */
/*
 * A file of records that is durable one fdatasync a batch.
 *
 * Preallocated; each record has a checksum over length, batch, sequence and
 * bytes.  The first one that does not check out ends the journal if nothing but
 * zeros or one torn batch follows, which is what a crash leaves; anything else
 * is damage.  The beginning of journal.c draws it.
 * What a file cannot tell is that its last batch was once whole: whoever needs
 * to know compares with what was published, or signed.  One writer, which the
 * caller sees to.
 * Used by the log (leaves) and by the signer (what it has signed).
 */
#ifndef LIB_LEDGER_JOURNAL_H
#define LIB_LEDGER_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define JOURNAL_RECORD_MAX (1024 * 1024)

struct journal; /* opaque */

/*
 * Open or create (mode 0600, room bytes preallocated) and replay: each(), which
 * may be NULL, gets every record in order, borrowed; non-zero ends and is
 * returned.  What it gets is durable, except where read_only.  base is a number
 * of the creator's, kept in the header; 0 in a new journal.  read_only: nothing
 * is created, cut or appended.
 * ERR_CORRUPT, ERR_SYS (ENOSPC: says so), ERR_NOTFOUND (read_only), ERR_NOMEM.
 */
int journal_open(const char *path, uint64_t room, bool read_only,
    int (*each)(void *ctx, uint64_t base, uint64_t nth, struct slice record),
    void *ctx, struct journal **out, struct err *e) MUST_CHECK;
/* The same; the records stay where each() gets them, in *content, which the
 * caller frees.  NULL: there were none. */
int journal_open_kept(const char *path, uint64_t room, bool read_only,
    int (*each)(void *ctx, uint64_t base, uint64_t nth, struct slice record),
    void *ctx, uint8_t **content, struct journal **out,
    struct err *e) MUST_CHECK;
void journal_close(struct journal *j);
uint64_t journal_base(const struct journal *j);
uint64_t journal_bytes(const struct journal *j); /* of records, as stored */

/*
 * Append and fdatasync.  ERR_RECORD; after that the journal takes no more.
 * ERR_LIMIT (a record of 0 bytes or above the maximum, 2 GiB in all) and
 * ERR_NOMEM: nothing was tried.
 */
int journal_append(struct journal *j, const struct slice *records, size_t n,
    struct err *e) MUST_CHECK;
/*
 * As journal_append(), of records that are made where they go: fill(ctx, i, to)
 * writes the len[i] bytes of record i, from several threads at a time.  *block
 * is the memory that they lie in, the caller's to free; NULL on failure.
 */
int journal_append_made(struct journal *j, const size_t *len, size_t n,
    void (*fill)(void *ctx, size_t i, uint8_t *to), void *ctx, uint8_t **block,
    struct err *e) MUST_CHECK;
/*
 * Begin anew with a base and these records, atomically (a new file renamed
 * over the old one).  ERR_SYS, ERR_NOMEM, ERR_LIMIT: the old one goes on; but
 * when the directory cannot be fsynced the new one is there and takes no more.
 */
int journal_restart(struct journal *j, uint64_t base,
    const struct slice *records, size_t n, struct err *e) MUST_CHECK;

#endif

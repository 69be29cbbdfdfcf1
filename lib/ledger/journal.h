/* SPDX-License-Identifier: ISC */
/*
 * A file of records that is durable one fdatasync a batch.
 *
 * Preallocated; each record is length, checksum over length, sequence and
 * bytes, then the bytes.  The first record that does not check out ends the
 * journal if nothing but zeros or one torn batch follows, which is what a
 * crash leaves; anything else is damage.  lib/ledger/README.md draws it.
 * Used by the log (leaves) and by the signer (what it has signed).
 */
#ifndef LIB_LEDGER_JOURNAL_H
#define LIB_LEDGER_JOURNAL_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define JOURNAL_RECORD_MAX (1024 * 1024)

struct journal; /* opaque */

/*
 * Open or create (mode 0600, room bytes preallocated) and replay: each() gets
 * every record in order; non-zero ends and is returned.  base is a number of
 * the creator's, kept in the header.  read_only: nothing is created or cut.
 * ERR_CORRUPT, ERR_SYS (ENOSPC: says so), ERR_NOTFOUND (read_only), ERR_NOMEM.
 */
int journal_open(const char *path, uint64_t room, bool read_only,
    int (*each)(void *ctx, uint64_t base, uint64_t nth, struct slice record),
    void *ctx, struct journal **out, struct err *e) MUST_CHECK;
void journal_close(struct journal *j);
uint64_t journal_base(const struct journal *j);
uint64_t journal_bytes(const struct journal *j); /* of records, as stored */

/* Append and fdatasync.  ERR_RECORD; after that the journal takes no more. */
int journal_append(struct journal *j, const struct slice *records, size_t n,
    struct err *e) MUST_CHECK;
/* Begin anew with a base and these records, atomically (a new file renamed
 * over the old one). */
int journal_restart(struct journal *j, uint64_t base,
    const struct slice *records, size_t n, struct err *e) MUST_CHECK;

#endif

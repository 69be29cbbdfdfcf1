/* SPDX-License-Identifier: ISC */
/*
 * A host that gets another name.  It lies in STATE under its hash and is named by
 * `held`, so that one write makes the host another one, or none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/minion/applier.h"
#include "agent/minion/spool.h"
#include "lib/base/file.h"
#include "lib/trust/fleet_accepted.h"

#define RENAME_FILE (sizeof("rename.") + HASH_HEX)

static void
file_name(const struct hash *h, char out[RENAME_FILE])
{
	char hex[HASH_HEX];

	hash_hex(h, hex);
	(void)snprintf(out, RENAME_FILE, "rename.%s", hex);
}

int
applier_read_rename(struct applier *a, struct err *e)
{
	char name[RENAME_FILE], *text = NULL;
	size_t n;
	int r;

	if (a->held.host[0] == '\0' || !a->held.has_renamed)
		return 0;
	file_name(&a->held.renamed, name);
	if ((r = applier_read(a, name, STATEMENT_MAX, &text, &n, e)) == 0 &&
	    (r = statement_parse("the rename that is held", slice_of(text, n),
		 &a->rename, e)) == 0 &&
	    (a->rename.type != ST_RENAME ||
		!hash_equal(&a->rename.hash, &a->held.renamed)))
		r = err_set(e, ERR_CORRUPT,
		    "%s/%s is not the rename that is held", a->state_dir, name);
	free(text);
	return r;
}

void
applier_drop_rename(const struct applier *a, const struct hash *h)
{
	char name[RENAME_FILE], *path = NULL;

	file_name(h, name);
	if (path_join(a->state_dir, name, &path) == 0)
		(void)unlink(path);
	free(path);
}

static int
keep(struct applier *a, struct statement *s, struct err *e)
{
	struct held before = a->held;
	char name[RENAME_FILE];
	int r;

	file_name(&s->hash, name);
	if ((r = applier_write(a, name, statement_bytes(s), e)) != 0)
		return r;
	memset(a->held.host, 0, sizeof(a->held.host));
	memcpy(a->held.host, s->u.rename.to, strlen(s->u.rename.to));
	a->held.has_renamed = true;
	a->held.renamed = s->hash;
	a->held.accepted_at = s->at;
	if ((r = applier_save(a, e)) != 0) {
		a->held = before;
		return r;
	}
	if (before.has_renamed)
		applier_drop_rename(a, &before.renamed);
	return 0;
}

int
verb_rename(struct applier *a, struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_RENAME);
	if ((r = applier_is_accepted(a, e)) == 0 &&
	    (r = applier_read_statement(a, SPOOL_RENAME, &s, e)) == 0 &&
	    (r = applier_unrevoked(a, &s, "rename", e)) == 0 &&
	    (r = fleet_renamed(&a->trust, &s, a->held.host, a->held.accepted_at,
		 a->now, e)) == 0 &&
	    (r = keep(a, &s, e)) == 0) {
		statement_clear(&a->rename);
		a->rename = s;
		statement_init(&s, ST_RENAME);
	}
	statement_clear(&s);
	return r;
}

/* SPDX-License-Identifier: ISC */
/*
 * What an auditor keeps of a log from one audit to the next, so that older
 * leaves need not be read again; inside ca/audit alone.
 *
 * It goes as far as the last full bundle, and holds the roots of all bundles
 * before; by them and what follows the signed root must come out, so a state of
 * another tree is found out, and so is an older leaf that is looked up (the
 * request of a new certificate) and is not what it was.  What policy, people and
 * hosts were made of is there as it was logged, and is verified and gone through
 * again; of the rest there is a name and an index.  Who may write the file may
 * leave something out: it is the auditor's own, as the earlier checkpoint is.
 */
#ifndef CA_AUDIT_PAST_H
#define CA_AUDIT_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "ca/audit/audit_impl.h"

#define PAST_MAX (UINT32_C(1) << 31) /* bytes of a file */

/* A statement, or what one denies, by 64 bits of a hash. */
struct past_name {
	uint64_t key, index;
	uint8_t	 tag;		/* TABLE_STATEMENT, TABLE_DENIES */
};
/* A leaf to go through again. */
struct past_leaf {
	uint64_t    index;
	uint8_t	   *bytes;
	size_t	    n;
	bool	    report;	/* the last one of its host, */
	struct hash by;		/* whose id hashes to this */
};
struct audit_past {
	bool	    have;	/* an earlier audit left it */
	uint64_t    size;	/* its leaves: full bundles */
	uint64_t    until;	/* the next one's */
	struct hash realm;
	char	    origin[ORIGIN_MAX];
	bool	    fleet;	/* gone through as a log of the fleet */
	struct hash across;	/* of the fleet's logs it was compared with */
	uint8_t	   *note;	/* the head then */
	size_t	    n_note;
	int64_t	    last_tick;	/* as of size, or until; so are these */
	uint64_t    last_krl, foreign_krl;
	struct hash *roots;	/* of its bundles */
	struct audit_issue *issues;
	size_t	    n_issues;
	/* From here on the audit adds its own. */
	struct past_name *names;
	size_t	    n_names, cap_names;
	struct past_leaf *leaves;
	size_t	    n_leaves, cap_leaves;
	uint64_t   *later;	/* renewed certificates that the fleet's logs
				   have not come to */
	size_t	    n_later, cap_later;
	uint64_t   *heads;	/* sizes of checkpoints/N that were checked,
				   ascending */
	size_t	    n_heads, cap_heads;
	struct hash *lists;	/* files below krl/ */
	size_t	    n_lists, cap_lists;
	struct audit_table hosts;	/* the report's leaf, by its host */
};

/* --- past_file.c --------------------------------------------------------- */

void past_free(struct audit_past *s);
/* An empty one with what is not the file's.  ERR_NOMEM. */
int  past_new(struct audit_past **out) MUST_CHECK;
/* ERR_NOTFOUND: no such file.  ERR_CORRUPT: it is none, or damaged.  ERR_LIMIT,
 * ERR_SYS, ERR_NOMEM. */
int  past_read(const char *path, struct audit_past *s, struct err *e)
     MUST_CHECK;
/* The same from bytes: nothing in it leads past its leaves, and past_encode()
 * gives these bytes again.  ERR_PARSE, ERR_NOMEM. */
int  past_parse(struct slice bytes, struct audit_past *s) MUST_CHECK;
/* All of it as bytes.  ERR_NOMEM, ERR_LIMIT. */
int  past_encode(const struct audit_past *s, struct buf *out) MUST_CHECK;

/* --- past.c -------------------------------------------------------------- */

/* Nothing of it is taken: the audit begins at the first leaf.  ERR_NOMEM. */
int  past_forget(struct audit *a) MUST_CHECK;
/* The nth leaf is the last report of the host whose id hashes to that. */
int  past_note_host(struct audit_past *s, size_t nth, const struct hash *by)
     MUST_CHECK;
/* All of these do nothing where the audit has no state. */

/* Read what the configuration names, and take it where it was made with the
 * same logs of the fleet; else a notice says so. */
int  past_open(struct audit *a, struct err *e) MUST_CHECK;
/* Was checkpoints/SIZE checked before? */
bool past_has_head(const struct audit *a, const char *key);
bool past_has_list(const struct audit *a, const struct hash *file);
/* past_resume.c.  Before the walk: be where the earlier audit was, at leaf a->resumed. */
int  past_resume(struct audit *a, struct err *e) MUST_CHECK;
/* A leaf that is sound; closes: a tick after something that ended a host. */
int  past_keep(struct audit *a, const struct audit_slot *s, bool closes)
     MUST_CHECK;
int  past_keep_later(struct audit *a, uint64_t index) MUST_CHECK;
/* At the end: to the report, for audit_report_keep(). */
int  past_give(struct audit *a, struct err *e) MUST_CHECK;

#endif

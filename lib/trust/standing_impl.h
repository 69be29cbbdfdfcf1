/* SPDX-License-Identifier: ISC */
/*
 * What the files of standing share; nobody else includes it.
 */
#ifndef LIB_TRUST_STANDING_IMPL_H
#define LIB_TRUST_STANDING_IMPL_H

#include "lib/trust/standing.h"

#define STANDING_ENTRIES_MAX 1000000	/* of one set */
#define STANDING_WAITS_MAX   100000	/* key statements that wait, of all */
#define STANDING_WAITING_MAX 8		/* key statements of one person that
					   wait for officers */

/*
 * A set of things revoked, retired or added, in the order they came.  Found by
 * the SHA-256 of kind and content, so that nobody can choose what collides and
 * no random is needed.
 */
enum entry_kind {
	ENTRY_SERIAL = 1,
	ENTRY_KEY_ID,
	ENTRY_PERSON,
	ENTRY_KEY,		/* revoked */
	ENTRY_RETIRED,		/* a key, by its person */
	ENTRY_ADDED,		/* a key, to the person in text */
};

struct entry {
	enum entry_kind kind;
	uint64_t	serial;
	char	       *text;	/* key id or person; NULL: neither */
	struct pubkey  *key;	/* NULL: not about a key */
	struct hash	name;
};

struct entry_set {		/* zero-initialise; entry_set_clear */
	struct entry *v;
	size_t	      n, cap;
	uint32_t     *table;	/* index + 1; 0: free; a power of two */
	size_t	      n_table;
};

/* Add; what is there already stays once.  On failure the set is unchanged.
 * ERR_NOMEM, ERR_LIMIT. */
int entry_add_serials(struct entry_set *t, const uint64_t *v, size_t n)
    MUST_CHECK;
int entry_add_text(struct entry_set *t, enum entry_kind kind, const char *s)
    MUST_CHECK;
/* person may be NULL. */
int entry_add_key(struct entry_set *t, enum entry_kind kind,
    const struct pubkey *k, const char *person) MUST_CHECK;
bool entry_has_serial(const struct entry_set *t, uint64_t serial);
bool entry_has_text(const struct entry_set *t, enum entry_kind kind,
    const char *s);
/* The entry, valid until the next change, or NULL. */
const struct entry *entry_find_key(const struct entry_set *t,
    enum entry_kind kind, const struct pubkey *k);
int  entry_set_dup(const struct entry_set *from, struct entry_set *out)
     MUST_CHECK;
void entry_set_clear(struct entry_set *t);

/* One that waits for officers. */
struct waiting {
	struct hash    name;	/* of the key statement */
	char	      *person;
	struct pubkey *key;
	struct pubkey *older;	/* the key that vouched for it */
	struct strs    approved;	/* officers */
};

struct standing {
	struct entry_set entries;	/* all but ENTRY_ADDED */
	struct entry_set added;		/* ENTRY_ADDED alone */
	struct waiting	*waiting;	/* in the order of the log */
	size_t		 n_waiting, cap_waiting;
	struct fleet_hosts *hosts;	/* NULL: none yet */
};

/* STANDING_IDLE, with the reason. */
int standing_idle(struct err *why, int code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* The officer among the signers of s whose key of root.yaml still counts; who
 * (NULL allowed) restricts it to this person. */
const struct person *standing_officer(const struct standing *st,
    const struct policy *p, const struct statement *s, const char *who);
/* How many officers, as persons, signed s with such keys. */
size_t standing_count_officers(const struct standing *st,
    const struct policy *p, const struct statement *s);

/* One file a family of statements. */
int standing_apply_key(struct standing *st, const struct policy *p,
    const struct statement *s, struct err *why) MUST_CHECK;
int standing_apply_decision(struct standing *st, const struct policy *p,
    const struct statement *s, struct err *why) MUST_CHECK;
int standing_apply_revoke(struct standing *st, const struct policy *p,
    const struct statement *s,
    const char *(*owner_of_serial)(void *ctx, uint64_t serial), void *ctx,
    struct err *why) MUST_CHECK;


void waiting_clear(struct waiting *w);
/* Of an officer who is revoked, or one of whose keys is: what he has approved
 * and still waits for others has to be approved anew. */
void standing_withdraw_word(struct standing *st, const char *officer);
/* Drop those whose person or key has been revoked meanwhile. */
void standing_sweep_waiting(struct standing *st);

#endif

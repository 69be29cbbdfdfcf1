/* SPDX-License-Identifier: ISC */
/* What the files over the keeper's store share: every statement of SQL. */
#ifndef CA_KEEPER_REQUESTS_IMPL_H
#define CA_KEEPER_REQUESTS_IMPL_H

#include <sys/queue.h>

#include "ca/keeper/requests.h"

#define REQUESTS_KIND	 0x57524954	/* "WRIT" */
#define REQUESTS_VERSION 1

/* Where a request's columns are read: see read_row(). */
#define REQUEST_COLUMNS                                                  \
	"idx, hash, serial, person, grant_name, kind, at, ends, state, " \
	"why, statement, key_id, valid_after, valid_before, certificate, " \
	"revoked"

#define REQUESTS_SQL(X)                                                     \
	X(META_GET, "SELECT value FROM meta WHERE name = ?")                \
	X(META_PUT, "INSERT OR REPLACE INTO meta (name, value) "            \
		    "VALUES (?, ?)")                                        \
	X(ADD_REQUEST,                                                      \
	    "INSERT OR IGNORE INTO requests (idx, hash, serial, person, "   \
	    "grant_name, kind, at, ends, state, why, statement, key_id, "   \
	    "valid_after, valid_before, certificate, subject) VALUES "      \
	    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")             \
	X(SET_REQUEST,                                                      \
	    "UPDATE requests SET state = ?, why = ?, key_id = ?, "          \
	    "valid_after = ?, valid_before = ?, certificate = ? "           \
	    "WHERE hash = ?")                                               \
	X(ADD_DECISION,                                                     \
	    "INSERT OR IGNORE INTO decisions (request, idx, person, "       \
	    "approve, length, comment, at) VALUES (?, ?, ?, ?, ?, ?, ?)")   \
	X(ADD_TEXT, "INSERT OR IGNORE INTO texts (idx, hash, statement) "   \
		    "VALUES (?, ?, ?)")                                     \
	X(ADD_ACT, "INSERT OR IGNORE INTO acts (idx, hash, statement) "     \
		   "VALUES (?, ?, ?)")                                      \
	X(SET_STATE, "UPDATE requests SET state = ?, why = ? "              \
		     "WHERE hash = ? AND state = 1")                        \
	X(REVOKE_SERIAL, "UPDATE requests SET revoked = 1 WHERE "           \
			 "serial = ? AND (hash BETWEEN ? AND ? OR "         \
			 "hash BETWEEN ? AND ?)")                           \
	X(REVOKE_KEY_ID,                                                    \
	    "UPDATE requests SET revoked = 1 WHERE key_id = ?")             \
	X(REVOKE_SUBJECT,                                                   \
	    "UPDATE requests SET revoked = 1 WHERE subject = ?")            \
	X(REVOKE_PERSON,                                                    \
	    "UPDATE requests SET revoked = 1 WHERE person = ?")             \
	X(WAITING_OF, "SELECT hash FROM requests WHERE state = 1 AND "      \
		      "person = ?")                                         \
	X(REVOKED_NOW, "SELECT hash FROM requests WHERE revoked = 1 AND "   \
		       "(serial = ? OR key_id = ? OR subject = ? OR "       \
		       "person = ?) AND state = 2")                         \
	X(GET, "SELECT " REQUEST_COLUMNS " FROM requests WHERE hash = ?")   \
	X(FIND, "SELECT hash FROM requests WHERE hash BETWEEN ? AND ? "     \
		"LIMIT 2")                                                  \
	X(OF_PERSON, "SELECT " REQUEST_COLUMNS " FROM requests "            \
		     "WHERE person = ? ORDER BY idx DESC LIMIT ?")          \
	X(WAITING, "SELECT " REQUEST_COLUMNS " FROM requests "              \
		   "WHERE state = 1 ORDER BY idx")                          \
	X(OVERDUE, "SELECT hash FROM requests WHERE state = 1 AND "         \
		   "ends <= ? LIMIT ?")                                     \
	X(UNSIGNED, "SELECT " REQUEST_COLUMNS " FROM requests "             \
		    "WHERE state = 2 AND certificate IS NULL "              \
		    "AND valid_before > ? ORDER BY idx")                    \
	X(DECISIONS,                                                        \
	    "SELECT d.person, d.approve, d.length, d.comment, d.at, "       \
	    "t.statement FROM decisions d JOIN texts t ON t.idx = d.idx "   \
	    "WHERE d.request = ? ORDER BY d.idx")                           \
	X(HAS_TEXT, "SELECT 1 FROM texts WHERE hash = ?")                   \
	X(ACTS, "SELECT idx, statement FROM acts WHERE idx >= ? "           \
		"ORDER BY idx LIMIT ?")                                     \
	X(ACT, "SELECT statement FROM acts WHERE hash = ?")                 \
	X(SINCE, "SELECT person, count(*) FROM requests WHERE at >= ? "     \
		 "GROUP BY person")                                         \
	X(TOTALS, "SELECT state, count(*) FROM requests GROUP BY state")    \
	X(NOTICE_LAST, "SELECT max(id) FROM notices")                       \
	X(NOTICE_LOAD, "SELECT id, request, kind, due, body, tries "        \
		       "FROM notices WHERE state = 0 ORDER BY id")          \
	X(NOTICE_PUT, "INSERT OR REPLACE INTO notices (id, request, kind, " \
		      "due, body, state, tries) "                           \
		      "VALUES (?, ?, ?, ?, ?, ?, ?)")                       \
	X(NOTICE_HAS, "SELECT 1 FROM notices WHERE request = ? AND "        \
		      "kind = ?")                                           \
	X(NOTICE_DROP, "DELETE FROM notices WHERE state <> 0 AND "          \
		       "due < ?")                                           \
	X(TOLD_ADD, "INSERT OR REPLACE INTO told (request, person, how, "   \
		    "at, sent) VALUES (?, ?, ?, ?, ?)")                     \
	X(TOLD, "SELECT person, how, at, sent FROM told WHERE request = ? " \
		"ORDER BY at, person")

enum requests_sql {
#define X(name, text) SQL_##name,
	REQUESTS_SQL(X)
#undef X
	SQL_N
};

/*
 * What the store has not got yet (requests_recent.c): rows that are new or
 * changed, with what was decided on and told of each.
 */
struct recent_text {		/* a decision, as the log has it */
	uint64_t    idx;
	struct hash hash;
	char	   *bytes;
	size_t	    n;
	struct recent_text *bucket;
	TAILQ_ENTRY(recent_text) link;
};
struct recent_decision {
	const struct recent_text *text;
	char   *person, *comment;
	bool	approve;
	int64_t length, at;
};
struct recent_told {
	char   *person, *how;
	int64_t at;
	bool	sent;
};
struct recent {
	struct request_row row;
	struct hash subject;	/* where it is new */
	bool known;		/* there is such a request; else row is its hash
				   alone: decisions may come first */
	bool stored, changed;	/* the row */
	bool alone;		/* the store has nothing about it */
	struct recent_decision *decisions;
	size_t n_decisions, cap_decisions;
	struct recent_told *told;
	size_t n_told, cap_told;
	struct recent *bucket;
	TAILQ_ENTRY(recent) link;
};
#define RECENT_BUCKETS 4096
/* Rows and decisions before they are written: a page of an index has some 80
 * keys at random, so it is written once for the more of them, the more wait. */
#define RECENT_MAX     4096

struct requests {
	struct store *store;
	struct requests_config c;
	uint64_t next;		/* leaf that is to be applied */
	struct hash policy;	/* in force at `next`; zero: none yet */
	bool has_policy;
	struct recent *recent[RECENT_BUCKETS];
	struct recent_text *text[RECENT_BUCKETS];
	TAILQ_HEAD(, recent) recents;
	TAILQ_HEAD(, recent_text) texts;
	size_t n_recent, n_texts;
	uint64_t stored;	/* leaves that the store has */
};

/* NULL: not at hand. */
struct recent *recent_find(struct requests *q, const struct hash *h);
/* Of the store where it is not at hand.  0; 1: there is no such request, and
 * *out (NULL, or not known) is what is at hand of it; ERR_*. */
int  recent_fetch(struct requests *q, const struct hash *h,
     struct recent **out, struct err *e) MUST_CHECK;
int  recent_new(struct requests *q, const struct hash *h, struct recent **out,
     struct err *e) MUST_CHECK;
const struct recent_text *recent_text_find(const struct requests *q,
     const struct hash *h);
int  recent_text_add(struct requests *q, uint64_t idx,
     const struct statement *s, const struct recent_text **out,
     struct err *e) MUST_CHECK;
int  recent_decide(struct recent *r, const struct recent_text *text,
     const struct statement *s, struct err *e) MUST_CHECK;
void recent_clear(struct requests *q);
/* Decisions that came before the row, which is new. */
int  requests_decided_before(struct requests *q, struct recent *n,
     int (*each)(void *ctx, const struct decision_row *d), void *ctx,
     struct err *e) MUST_CHECK;
int  requests_put_applied(struct requests *q, uint64_t n, struct err *e)
     MUST_CHECK;
/* Whoever wants to know is told. */
void requests_changed(struct requests *q, const struct hash *request,
     enum request_change what);
/*
 * What changes rows that nobody has named, and what is no request: rare, and
 * easier said in SQL.  All of the rest is in the store before.
 */
int  requests_apply_straight(struct requests *q, uint64_t index,
     const struct statement *s, struct err *e) MUST_CHECK;

/* A row as SQL_GET has it, and without its memory. */
int requests_read_row(struct store_stmt *t, struct request_row *r,
    struct err *e) MUST_CHECK;
/* What the row says at that time, in memory of its own. */
int requests_row_dup(const struct request_row *from, int64_t now,
    struct request_row *out, struct err *e) MUST_CHECK;
/* A request that nobody decided on in time has ended, whatever its row says. */
void requests_derive_state(struct request_row *r, int64_t now);
struct slice requests_hash_slice(const struct hash *h);
/* Zeros where s is none. */
void requests_hash_from(struct slice s, struct hash *out);

/* Text of a row into a new string.  ERR_NOMEM. */
int requests_blob_dup(struct slice from, uint8_t **out, size_t *n) MUST_CHECK;

#endif

/* SPDX-License-Identifier: ISC */
/* What the files over the keeper's store share: every statement of SQL. */
#ifndef CA_KEEPER_REQUESTS_IMPL_H
#define CA_KEEPER_REQUESTS_IMPL_H

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
	    "grant_name, kind, at, ends, state, why, statement, subject, "  \
	    "key_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, '', ?, ?, '')")     \
	X(ADD_DECISION,                                                     \
	    "INSERT OR IGNORE INTO decisions (request, idx, person, "       \
	    "approve, length, comment, at) VALUES (?, ?, ?, ?, ?, ?, ?)")   \
	X(ADD_TEXT, "INSERT OR IGNORE INTO texts (idx, hash, statement) "   \
		    "VALUES (?, ?, ?)")                                     \
	X(ADD_ACT, "INSERT OR IGNORE INTO acts (idx, hash, statement) "     \
		   "VALUES (?, ?, ?)")                                      \
	X(ISSUE, "UPDATE requests SET state = 2, why = '', key_id = ?, "    \
		 "valid_after = ?, valid_before = ? WHERE hash = ?")        \
	X(CERTIFY, "UPDATE requests SET certificate = ? WHERE hash = ?")    \
	X(SET_STATE, "UPDATE requests SET state = ?, why = ? "              \
		     "WHERE hash = ? AND state = 1")                        \
	X(REVOKE_SERIAL,                                                    \
	    "UPDATE requests SET revoked = 1 WHERE serial = ?")             \
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
	X(NOTICE_ADD, "INSERT INTO notices (request, kind, due, body) "     \
		      "VALUES (?, ?, ?, ?)")                                \
	X(NOTICE_HAS, "SELECT 1 FROM notices WHERE request = ? AND "        \
		      "kind = ?")                                           \
	X(NOTICE_DUE, "SELECT id, request, kind, body, tries FROM notices " \
		      "WHERE state = 0 AND due <= ? ORDER BY due LIMIT ?")  \
	X(NOTICE_LATER, "UPDATE notices SET due = ?, tries = tries + 1 "    \
			"WHERE id = ?")                                     \
	X(NOTICE_DONE, "UPDATE notices SET state = ?, body = '' "           \
		       "WHERE id = ?")                                      \
	X(NOTICE_WAITING, "SELECT count(*) FROM notices WHERE state = 0")   \
	X(NOTICE_REQUEST, "SELECT request FROM notices WHERE id = ?")       \
	X(NOTICE_DROP, "DELETE FROM notices WHERE state <> 0 AND "          \
		       "due < ?")                                           \
	X(NOTICE_TRIM, "DELETE FROM notices WHERE state = 0 AND id NOT IN " \
		       "(SELECT id FROM notices WHERE state = 0 "           \
		       "ORDER BY id DESC LIMIT ?)")                         \
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

struct requests {
	struct store *store;
	struct requests_config c;
	uint64_t applied;	/* leaves, committed ones */
	uint64_t next;		/* leaves, those of this transaction too */
	struct hash policy;	/* in force at `next`; zero: none yet */
	bool has_policy;
};

/* Text of a row into a new string.  ERR_NOMEM. */
int requests_blob_dup(struct slice from, uint8_t **out, size_t *n) MUST_CHECK;

#endif

/* SPDX-License-Identifier: ISC */
/* What the files of the master's store share: its statements, and the store. */
#ifndef AGENT_MASTER_ROWS_IMPL_H
#define AGENT_MASTER_ROWS_IMPL_H

#include "agent/master/rows.h"
#include "lib/store/store.h"

#define LOGIN_COLUMNS                                                          \
	"id, host, seq, came, report, at, until, count, what, source, "        \
	"session, account, origin, port, method, key, ca, serial, key_id, "    \
	"signatures, command, runs_as, why, clock, tbs"
/*
 * Which index is not left to guessing: each gives rows in the order that is
 * promised, so that none is looked at in vain and none sorted.
 */
#define LOGINS_BY(name, after, which)                                          \
	"SELECT " LOGIN_COLUMNS " FROM logins INDEXED BY logins_" name         \
	" WHERE " after " AND at <= ?4" which " ORDER BY at, host, id"
#define AFTER_HOST "(at, host, id) > (?1, ?2, ?3)"

#define ROWS_SQL(X)                                                            \
	X(META_GET, "SELECT value FROM meta WHERE name = ?")                   \
	X(META_PUT, "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)") \
	X(ACT_PUT,                                                             \
	    "INSERT OR IGNORE INTO acts (idx, hash, statement) "               \
	    "VALUES (?, ?, ?)")                                                \
	X(ACT, "SELECT statement FROM acts WHERE hash = ?")                    \
	X(ACT_FIND, "SELECT idx FROM acts WHERE hash = ?")                     \
	X(ACTS,                                                                \
	    "SELECT idx, 0, statement FROM acts UNION ALL "                    \
	    "SELECT idx, 1, report FROM hosts WHERE report NOT NULL "          \
	    "ORDER BY 1")                                                      \
	X(ACTS_FROM,                                                           \
	    "SELECT idx, 0, statement FROM acts WHERE idx >= ? "               \
	    "ORDER BY idx LIMIT ?")                                            \
	X(REPORT_PUT,                                                          \
	    "INSERT INTO hosts (id, idx, at, report) VALUES (?, ?, ?, ?) "     \
	    "ON CONFLICT (id) DO UPDATE SET idx = excluded.idx, "              \
	    "at = excluded.at, report = excluded.report")                      \
	X(RUN_PUT,                                                             \
	    "INSERT INTO hosts (id, run_at, run) VALUES (?, ?, ?) "            \
	    "ON CONFLICT (id) DO UPDATE SET run_at = excluded.run_at, "        \
	    "run = excluded.run")                                              \
	X(HOST_RENAME, "UPDATE OR REPLACE hosts SET id = ? WHERE id = ?")      \
	X(HOST_FORGET, "DELETE FROM hosts WHERE id = ?")                       \
	X(CERTIFICATE_PUT,                                                     \
	    "INSERT INTO hosts (id, certificate) VALUES (?, ?) "               \
	    "ON CONFLICT (id) DO UPDATE SET "                                  \
	    "certificate = excluded.certificate")                              \
	X(ALARMS_PUT,                                                          \
	    "INSERT INTO hosts (id, alarms) VALUES (?, ?) "                    \
	    "ON CONFLICT (id) DO UPDATE SET alarms = excluded.alarms")         \
	X(HOST,                                                                \
	    "SELECT id, idx, at, report, run_at, run, certificate, alarms "    \
	    "FROM hosts WHERE id = ?")                                         \
	X(HOSTS,                                                               \
	    "SELECT id, idx, at, report, run_at, run, certificate, alarms "    \
	    "FROM hosts ORDER BY id")                                          \
	X(OBJECT_PUT,                                                          \
	    "INSERT OR IGNORE INTO objects (hash, data) VALUES (?, ?)")        \
	X(OBJECT, "SELECT data FROM objects WHERE hash = ?")                   \
	X(JOB_PUT,                                                             \
	    "INSERT OR REPLACE INTO jobs (hash, opened, state) "               \
	    "VALUES (?, ?, ?)")                                                \
	X(JOB, "SELECT opened, state FROM jobs WHERE hash = ?")                \
	X(AWAY_PUT, "INSERT OR IGNORE INTO away (job, host) VALUES (?, ?)")    \
	X(AWAY, "SELECT host FROM away WHERE job = ? ORDER BY host")           \
	X(PART_PUT,                                                            \
	    "INSERT OR REPLACE INTO parts (job, host, idx, report) "           \
	    "VALUES (?, ?, ?, ?)")                                             \
	X(PARTS, "SELECT host, report FROM parts WHERE job = ? ORDER BY idx")  \
	X(LOGIN_PUT,                                                           \
	    "INSERT OR IGNORE INTO logins (" LOGIN_COLUMNS ") VALUES "         \
	    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, " \
	    "?, ?, ?, ?)")                                                     \
	X(LOGINS, LOGINS_BY("at", AFTER_HOST, ""))                             \
	X(LOGINS_HOST,                                                         \
	    LOGINS_BY("host", "(at, id) > (?1, ?3)", " AND host = ?5"))        \
	X(LOGINS_ACCOUNT,                                                      \
	    LOGINS_BY("account", AFTER_HOST, " AND account = ?5"))             \
	X(LOGINS_SERIAL,                                                       \
	    LOGINS_BY("serial", AFTER_HOST, " AND serial = ?5"))               \
	X(WAITING_PUT,                                                         \
	    "INSERT OR IGNORE INTO waiting (hash, origin, since, statement) "  \
	    "VALUES (?, ?, ?, ?)")                                             \
	X(WAITING_TRIM,                                                        \
	    "DELETE FROM waiting WHERE hash IN (SELECT hash FROM waiting "     \
	    "ORDER BY since DESC LIMIT -1 OFFSET ?)")                          \
	X(WAITING_COUNT, "SELECT count(*) FROM waiting")                       \
	X(WAITING_DROP, "DELETE FROM waiting WHERE hash = ?")                  \
	X(WAITING,                                                             \
	    "SELECT origin, since, statement FROM waiting "                    \
	    "WHERE hash = ?")                                                  \
	X(WAITING_ALL,                                                         \
	    "SELECT origin, since, statement FROM waiting "                    \
	    "ORDER BY since, hash")

enum rows_sql {
#define X(name, text) SQL_##name,
	ROWS_SQL(X)
#undef X
	SQL_N
};

struct rows {
	struct store *store;
	uint64_t applied;
	int64_t n_waiting; /* rows, so that none are counted for each new one */
};

/* rows.c */
struct slice rows_hash_slice(const struct hash *h);

#endif

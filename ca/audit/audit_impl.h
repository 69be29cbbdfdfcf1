/* SPDX-License-Identifier: ISC */
/*
 * What the files of the auditor share; nobody else includes it.
 *
 * One audit goes: list the objects (objects.c), choose the head (heads.c),
 * walk the leaves in chunks (leaves.c: parse and verify on all cores, then go
 * through them in order; tree.c: hash and compare tiles; chain.c: policies;
 * issue_check.c: certificates; records.c: what was made of them), and at last
 * compare what is left over.
 */
#ifndef CA_AUDIT_AUDIT_IMPL_H
#define CA_AUDIT_AUDIT_IMPL_H

#include "ca/audit/audit.h"
#include "ca/audit/source.h"
#include "ca/audit/table.h"
#include "ca/issue/issue.h"
#include "lib/base/plural.h"
#include "lib/ssh/cert.h"
#include "lib/tlog/merkle.h"
#include "lib/tlog/tile.h"
#include "lib/trust/bundle.h"
#include "lib/trust/fleet_bundle.h"
#include "lib/trust/fleet_job.h"
#include "lib/trust/standing.h"

#define TILE_BYTES	 (TILE_WIDTH * HASH_LEN)
#define CHUNK_BLOCKS	 16
#define CHUNK_LEAVES	 (CHUNK_BLOCKS * TILE_WIDTH)
#define CHUNK_BYTES	 (32 * 1024 * 1024) /* read of one chunk, then stop */
#define READERS		 8

/* Order of the report. */
enum stage { STAGE_HEAD, STAGE_TREE, STAGE_LEAF, STAGE_RECORD, STAGE_OBJECT };

/* Behind a number of them. */
#define LEAVES(n) text_plural((n), "leaf", "leaves")

/* --- findings.c ---------------------------------------------------------- */

/* Add one.  object may be NULL; label is put before it. */
void finding_add(struct audit_report *r, const char *label, enum stage stage,
    const char *kind, bool notice, const char *object, uint64_t index,
    const char *fmt, ...) PRINTF_LIKE(8, 9);

/* --- reader.c: an open log ------------------------------------------------ */

#define AUDIT_KEPT 8

struct audit_log {
	struct blob_store  *store;
	struct audit_source source;
	struct checkpoint   head;
	uint8_t		   *note;
	size_t		    n_note;
	char		   *name;
	struct audit_table  table;	/* requests and decisions */
	/* Decisions that were shown last: one is of many requests, and long. */
	struct audit_kept {
		struct statement s;
		uint64_t	 index;
		bool		 is;
	}		    kept[AUDIT_KEPT];
	size_t		    n_kept;	/* were ever kept */
};

/* --- the audit ------------------------------------------------------------ */

/* A tile that was listed. */
struct tile_seen {
	uint64_t index;
	uint16_t width;
	uint8_t	 level;
	uint64_t bytes;
};

/* One version of a key that has several, or a delete marker. */
struct version_seen {
	char *key, *version;
	bool  deleted;
};

/* A signed note: `checkpoint`, an older version of it, or checkpoints/N. */
struct audit_head {
	char	   *key;	/* "checkpoint", "checkpoints/90" */
	char	   *version;	/* NULL: the newest */
	uint8_t	   *note;
	size_t	    n;
	struct checkpoint claim; /* as it stands there */
	struct hash at;		/* root of our first claim.size leaves */
	struct hash at_t;	/* the same by the hash tiles */
	bool	    have_at;
};

struct audit_issue {
	uint64_t serial, index, valid_after;
	uint64_t certificate;	/* its leaf, or AUDIT_NO_INDEX */
	bool	 known_path;	/* valid_after is known: judged */
};

/* The policies as the leaves bring them. */
struct audit_chain {		/* chain_clear */
	struct trust   trust;
	struct str    *root_file, *root_statement; /* all, ascending */
	size_t	       n_roots, cap_file, cap_statement;
	size_t	       n_taken;	/* of them, held by trust */
};

struct audit_slot {		/* a leaf of the chunk */
	uint64_t     index;
	struct slice bytes;
	struct hash  hash;	/* of the leaf */
	struct hash  name;
	uint8_t	     tag;
	bool	     old;	/* before since: not judged again */
	bool	     again;	/* of a state: gone through, not judged */
	bool	     parsed;
	struct leaf  leaf;
	struct cert  cert;	/* of a certificate leaf */
	int	     r;
	struct err   e;
};

struct audit_block {
	uint64_t     index;
	unsigned     width;
	uint8_t	    *entries, *hashes;	/* NULL: not there */
	size_t	     n_entries, n_hashes;
	size_t	     used;		/* bytes that the leaves take */
	unsigned     read_e, read_t;	/* widths of the tiles read */
	struct slice leaf[TILE_WIDTH];
	unsigned     n_leaves;
	struct hash  e[TILE_WIDTH];	/* by the leaves */
	struct hash  t[TILE_WIDTH];	/* by the hash tile */
	size_t	     first_slot;
};

/* A certificate to be decided again. */
struct audit_job {
	uint64_t		 index;
	const struct issue_leaf *leaf;
	const struct statement	*request;
	const struct statement **decisions; /* counted */
	const struct statement **all;	    /* and denials, in log order */
	size_t			 n_all;
	const struct policy	*policy;
	struct str		 record;
	char			 path[ISSUE_PATH_MAX];
	int			 r;	/* ERR_NOMEM alone stops the audit */
	struct err		 e;
};

/* An object of records/ to compare. */
struct audit_compare {
	uint64_t   index;
	char	   path[ISSUE_PATH_MAX];
	struct str want;
	int	   r;
	struct err e;
};

struct pooled {
	uint64_t    index;
	struct leaf leaf;
};

struct audit_across;
struct audit {
	const struct audit_config *c;
	struct audit_report	  *r;
	const char		  *label;
	struct audit_across	  *across;	/* NULL: one log alone */
	struct audit_counts	   counts;
	struct blob_store	  *store;
	struct blob_store	  *readers[READERS];
	struct audit_source	   source;

	/* objects.c */
	struct tile_seen    *tiles;
	size_t		     n_tiles, cap_tiles;
	struct version_seen *versions;
	size_t		     n_versions, cap_versions;
	struct strs	     files;	/* policy/..., krl/... */
	struct strs	     logs;	/* names below logs/ */
	uint64_t	     n_older;	/* versions of `checkpoint` */
	uint64_t	     grown;	/* the log's size now, if it grew */
	struct strs	     early;	/* records of no leaf that was judged */

	/* motion.c */
	struct later_leaf {
		uint8_t	 tag;
		uint64_t serial;
	}		    *later;	/* from head.size to grown */
	size_t		     n_later, cap_later;

	/* heads.c */
	struct audit_head   *heads;
	size_t		     n_heads, cap_heads;
	struct checkpoint    head;	/* the one audited */
	struct slice	     head_note;
	char		     name[ID_MAX + 1];
	struct audit_log_key {
		uint8_t	 pk[32];
		uint64_t from, until;	/* leaves: the policies that begin to,
					   and cease to, name it */
	}		    *keys;	/* of NAME */
	size_t		     n_keys, cap_keys;
	uint64_t	     since;

	/* tree.c */
	struct merkle_edge   edge_e, edge_t;
	struct hash	    *e8, *t8;	/* roots of full blocks */
	size_t		     n8, cap_e8, cap_t8;
	struct bad_leaf {
		uint64_t index;
		bool	 cut;	/* the bundle ends or does not split there */
	}		    *bad;
	size_t		     n_bad, cap_bad;
	bool		     truth_t;	/* the hash tiles give the root, the
					   leaves do not */
	uint64_t	     walked;	/* leaves gone through */

	/* leaves.c */
	struct audit_block  *blocks;
	size_t		     n_blocks;
	struct audit_slot   *slots;
	size_t		     n_slots;
	struct audit_table   table;
	struct audit_chain   chain;
	struct standing	    *standing;
	uint64_t	     changed;	/* 1 + last leaf that changed it */
	struct hash	    *refs;	/* of policy/ and krl/ files */
	size_t		     n_refs, cap_refs;
	bool		     no_policy_said;
	int64_t		     last_tick;
	uint64_t	     last_krl;
	uint64_t	     foreign_krl; /* that ticks name, of another log */

	/* look_back.c */
	struct pooled	   **pool;
	size_t		     n_pool, cap_pool;
	struct audit_table   pool_at;

	/* fleet.c */
	struct fleet_held    fleet;
	struct fleet_last    last_job;

	/* issue_check.c */
	struct audit_issue  *issues;
	size_t		     n_issues, cap_issues;
	struct audit_job   **jobs;
	size_t		     n_jobs, cap_jobs;
	char		    *owner;

	/* records.c */
	struct audit_compare *compare;
	size_t		     n_compare, cap_compare;

	/* past.c */
	struct audit_past  *past;	/* NULL: none is kept */
	uint64_t	     resumed;	/* leaves that an earlier audit judged,
					   by its state */
};

/* The bundle that holds a leaf, for messages. */
const char *audit_bundle(const struct audit *a, uint64_t index,
    char out[TILE_PATH_MAX]);
#define LEAF_FINDING(a, i, kind, ...)                                          \
	do {                                                                   \
		char path_[TILE_PATH_MAX];                                     \
		finding_add((a)->r, (a)->label, STAGE_LEAF, kind, false,       \
		    audit_bundle(a, i, path_), i, __VA_ARGS__);                \
	} while (0)
#define LEAF_NOTICE(a, i, kind, ...)                                           \
	do {                                                                   \
		char path_[TILE_PATH_MAX];                                     \
		finding_add((a)->r, (a)->label, STAGE_LEAF, kind, true,        \
		    audit_bundle(a, i, path_), i, __VA_ARGS__);                \
	} while (0)
#define OBJECT_FINDING(a, stage, kind, object, ...)                            \
	finding_add((a)->r, (a)->label, stage, kind, false, object,            \
	    AUDIT_NO_INDEX, __VA_ARGS__)

/* objects.c */
int  audit_list(struct audit *a, struct err *e) MUST_CHECK;
/*
 * An object, its nth version that is not deleted.  Answers 1 when there is
 * none (so many); AUDIT_UNREADABLE when it is no file, or larger than max,
 * with the reason in e.
 */
#define AUDIT_UNREADABLE 2
int  audit_get(struct audit *a, const char *key, size_t nth, size_t max,
     uint8_t **out, size_t *n, struct err *e) MUST_CHECK;
bool audit_has_versions(const struct audit *a, const char *key);
const char *audit_version(const struct audit *a, const char *key, size_t nth);
/* The narrowest listed tile of at least width, or NULL. */
const struct tile_seen *audit_tile(const struct audit *a, unsigned level,
    uint64_t index, unsigned width);
/* The first listed tile of that level and index and the one past the last. */
void audit_tiles_of(const struct audit *a, unsigned level, uint64_t index,
    size_t *from, size_t *to);
/* The serial of a record, and whether it is that of a signed certificate; false:
 * it is none by its name. */
bool audit_record_name(const char *key, uint64_t *serial, bool *certificate);
/* policy/ and krl/: does each hash to its name and is each referred to? */
int  audit_check_files(struct audit *a, struct err *e) MUST_CHECK;
/* Read policy/<sha256>; 1: missing or wrong, a finding was made.  size 0: any.
 */
int  audit_file(struct audit *a, const char *dir, const struct hash *h,
     size_t max, uint64_t index, struct str *out, struct err *e) MUST_CHECK;

/* heads.c */
int  audit_heads_load(struct audit *a, struct err *e) MUST_CHECK;
int  audit_heads_choose(struct audit *a, struct err *e) MUST_CHECK;
/* Leaves [edge.size, edge.size + n) are these: note roots of heads there, by
 * the leaves or by the hash tiles. */
void audit_heads_pass(struct audit *a, const struct merkle_edge *edge,
     const struct hash *leaves, unsigned n, bool tiles);
/* How many leaves has the log by now?  In a->grown, 0: no more. */
int  audit_heads_grown(struct audit *a, struct err *e) MUST_CHECK;
void audit_heads_check(struct audit *a);
/* The policy that stands at index names these keys of the log: they may sign
 * heads that have it, and keys it does not name none that do. */
int  audit_keys_add(struct audit *a, const struct policy *p, uint64_t index)
     MUST_CHECK;

/* motion.c */
/* Wait, a while, until the log has grown by the tiles and heads that are there. */
int  audit_wait_for_head(struct audit *a, struct err *e) MUST_CHECK;
/* The same of a->early; findings about those that stay of no leaf. */
int  audit_wait_for_records(struct audit *a, struct err *e) MUST_CHECK;
void audit_tell_grown(struct audit *a);

/* blocks.c */
int  audit_block_load(struct audit *a, struct audit_block *b, struct err *e)
     MUST_CHECK;
void audit_block_clear(struct audit_block *b);
/* out, where the tile lies. */
const char *audit_seen_path(const struct tile_seen *s,
    char out[TILE_PATH_MAX]);
/* The nth version of the narrowest tile that is wide enough.  1: none. */
int  audit_get_tile(struct audit *a, unsigned level, uint64_t index,
     unsigned width, size_t nth, uint8_t **out, size_t *n, unsigned *read,
     struct err *e) MUST_CHECK;
/* A finding. */
void audit_missing_tile(struct audit *a, unsigned level, uint64_t index,
     unsigned width);

/* tree.c */
/* Hashes of its leaves are in e.  1: neither leaves nor hashes are there. */
int  audit_block_take(struct audit *a, struct audit_block *b, struct err *e)
     MUST_CHECK;
/* After the last block: who is right, and the tiles above. */
int  audit_tree_finish(struct audit *a, struct err *e) MUST_CHECK;

/* chain.c */
void chain_init(struct audit_chain *c);
void chain_clear(struct audit_chain *c);
/* A root leaf; a policy leaf.  1: it does not hold, a finding was made. */
int  audit_chain_root(struct audit *a, struct audit_chain *c, uint64_t index,
     const struct statement *s, struct err *e) MUST_CHECK;
int  audit_chain_policy(struct audit *a, struct audit_chain *c,
     uint64_t index, const struct statement *s, struct err *e) MUST_CHECK;

/* leaves.c */
int  audit_walk(struct audit *a, struct err *e) MUST_CHECK;
/* The slots: each for itself; a statement, after those before it. */
void audit_look(struct audit *a);
int  audit_statement_leaf(struct audit *a, const struct audit_slot *s,
     struct err *e) MUST_CHECK;
void audit_chunk_clear(struct audit *a);

/* look_back.c */
/* Is a leaf part of what policy and standing are made of? */
bool audit_is_lasting(uint8_t tag);
/* Every statement stands once. */
int  audit_register(struct audit *a, const struct audit_slot *s, struct err *e)
     MUST_CHECK;
/* What was read again, after each chunk. */
void audit_pool_clear(struct audit *a);
/* A parsed and verified leaf before the current one; NULL and *r = 0: there is
 * none that is sound. */
const struct leaf *audit_leaf(struct audit *a, uint64_t index, int *r,
    struct err *e);
const struct statement *audit_statement(struct audit *a,
    enum statement_type type, const struct hash *h, uint64_t before,
    uint64_t *index, int *r, struct err *e);

/* What a certificate was asked by: a request, or a renewal. */
const struct statement *audit_request(struct audit *a, const struct hash *h,
    uint64_t before, int *r, struct err *e);
/* A statement of a type that counts about that one. */
const struct statement *audit_counted(struct audit *a,
    const struct statement *request, const struct hash *h, uint64_t before,
    uint64_t *index, int *r, struct err *e);

/* fleet.c */
/* Is this the log of a master that the policy names? */
bool audit_is_master(const struct audit *a);
bool audit_is_of_fleet(const struct statement *s);
int  audit_fleet_leaf(struct audit *a, const struct audit_slot *s,
     struct err *e) MUST_CHECK;
/* What makes a host, noted; an acceptance by a token; a tick's list. */
int  audit_host_act(struct audit *a, const struct statement *s) MUST_CHECK;
/* Asked before it counts: which acceptance does it end, if it may?  "rejected",
 * static, or NULL: none. */
const char *audit_host_ends(const struct audit *a, const struct statement *s,
     struct hash *accept);
void audit_token_in_time(struct audit *a, const struct audit_slot *s);
int  audit_list_named(struct audit *a, const struct audit_slot *s,
     uint64_t version) MUST_CHECK;

/* issue_check.c */
int  audit_issue_leaf(struct audit *a, const struct audit_slot *s,
     struct err *e) MUST_CHECK;
int  audit_certificate_leaf(struct audit *a, const struct audit_slot *s,
     struct err *e) MUST_CHECK;
/* Old ones: noted, not judged. */
int  audit_issue_note(struct audit *a, const struct audit_slot *s) MUST_CHECK;
/* Decide what waits, before policy or standing change. */
int  audit_flush(struct audit *a, struct err *e) MUST_CHECK;
struct audit_issue *audit_issue_of(struct audit *a, uint64_t serial);
const char *audit_owner(void *audit, uint64_t serial);
void audit_job_free(struct audit_job *j);

/* records.c */
/* want moves into the list. */
int  audit_expect(struct audit *a, uint64_t index, const char *path,
     struct str *want) MUST_CHECK;
int  audit_compare_records(struct audit *a, struct err *e) MUST_CHECK;
int  audit_list_records(struct audit *a, struct err *e) MUST_CHECK;
/* The line of -cert.pub. */
int  audit_certificate_line(const struct cert *c, struct slice blob,
     struct str *out) MUST_CHECK;

/* audit.c: the same with a label, for merged logs and those of a fleet. */
int  audit_verify_labelled(const struct audit_config *c, const char *label,
     struct audit_across *across, struct audit_report *r, struct err *e)
     MUST_CHECK;

#endif

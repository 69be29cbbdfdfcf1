/* SPDX-License-Identifier: ISC */
/*
 * People, keys, signed statements and policies for unit tests, all in memory:
 * no process, no file, no random.
 *
 * A person's key is an Ed25519 key whose seed is one byte repeated 32 times,
 * so that a test names a key by a number.  Everything here ends the test with
 * a message when it fails; what a test expects to fail, it calls itself.
 *
 * Policy texts may say <N> where a public key line belongs: "keys: [<4>]"
 * becomes "keys: [ssh-ed25519 AAAA...]" with the key of seed 4.
 */
#ifndef TESTS_UNIT_FIXTURE_H
#define TESTS_UNIT_FIXTURE_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"
#include "lib/ssh/pubkey.h"
#include "lib/statement/statement.h"
#include "lib/trust/policy.h"

/* The cast of FIXTURE_ROOT_YAML and FIXTURE_CA_YAML, by seed. */
enum fixture_seed {
	SEED_OLGA = 1,		/* officer, approvers */
	SEED_IVAN = 2,		/* officer, approvers */
	SEED_PETRA = 3,		/* operator */
	SEED_ALICE = 4,		/* engineers */
	SEED_BOB = 5,		/* engineers, leads */
	SEED_LENA = 6,		/* engineers, leads */
	SEED_CAROL = 7,		/* clerks: no grant, new keys by officers */
	SEED_OLGA_2 = 11,	/* a second key of olga's, in root.yaml */
	SEED_ALICE_2 = 14,	/* a second key of alice's, in ca.yaml */
	SEED_ALICE_NEW = 24,	/* nobody's yet */
	SEED_SUBJECT = 40,	/* to be certified */
	SEED_USER_CA = 101,
	SEED_HOST_CA = 102,
	SEED_LOG = 103,
	SEED_EMERGENCY_CA = 104,
	SEED_EMERGENCY_LOG = 105,
	SEED_MALLORY = 200,	/* nobody's */
};
#define OLGA  "olga@example.com"
#define IVAN  "ivan@example.com"
#define PETRA "petra@example.com"
#define ALICE "alice@example.com"
#define BOB   "bob@example.com"
#define LENA  "lena@example.com"
#define CAROL "carol@example.com"

/* Monday 2026-03-02T10:00:00Z: when the fixture's statements are made. */
#define FIXTURE_NOW INT64_C(1772445600)

/* The public key of a seed and its line "ssh-ed25519 AAAA..."; both live as
 * long as the program. */
const struct pubkey *fixture_key(uint8_t seed);
const char *fixture_line(uint8_t seed);
/* Appends an SSH signature blob (string algorithm, string signature) over
 * msg, as a CA or a key behind lib/key makes it. */
void fixture_raw_sign(uint8_t seed, struct slice msg, struct buf *out);
/* The 64 bytes alone. */
void fixture_ed25519(uint8_t seed, struct slice msg, uint8_t sig[64]);

/* SHA-256 of FIXTURE_ROOT_YAML as fixture_expand() makes it. */
const struct hash *fixture_realm(void);
/* 64 equal digits: a hash that is told apart at a glance. */
struct hash fixture_hash(uint8_t byte);

/*
 * A statement to fill in: type, realm fixture_realm(), by, at FIXTURE_NOW, and
 * a nonce that no other statement of this run has.  statement_clear() it.
 */
void fixture_statement(struct statement *s, enum statement_type type,
    const char *by);
/* The usual request: user certificate, grant deploy, principal deploy, one
 * hour, a reason, subject SEED_SUBJECT. */
void fixture_request(struct statement *s, const char *by);
/* A decision that approves these requests (n >= 1) as asked: one outcome a
 * request, with the request's own principals, length and options (permit-pty
 * where it says none), shown under `policy`. */
void fixture_decision(struct statement *s, const char *by,
    const struct hash *policy, const struct statement *const *requests,
    size_t n);

/*
 * Sign.  seeds ends with 0.  fixture_sign() replaces the content of s by the
 * encoded, signed, parsed and verified statement; fixture_sign_text() appends
 * message and blocks to out, under any namespace, without looking at the
 * message; FIXTURE_BY(1, 2) is a list of seeds.
 */
#define FIXTURE_BY(...) ((const uint8_t[]){__VA_ARGS__, 0})
void fixture_sign(struct statement *s, const uint8_t *seeds);
void fixture_sign_text(const char *message, const char *ns,
    const uint8_t *seeds, struct str *out);

/* Two officers (root 2, policy 1), a small company, the authorities above. */
extern const char FIXTURE_ROOT_YAML[];
extern const char FIXTURE_CA_YAML[];

/* text with every <N> replaced; the caller frees. */
char *fixture_expand(const char *text);
/* Add a file, its text expanded. */
void fixture_file(struct policy_files *f, const char *path, const char *text);
/*
 * The files of a deployment: root.yaml, ca.yaml (NULL: the texts above) and
 * authorities/{user_ca,host_ca,ca_log,emergency_ca,emergency_log}.pub.
 */
void fixture_files(struct policy_files *f, const char *root_yaml,
    const char *ca_yaml);
/*
 * The parsed policy of those files, with hash fixture_hash(0xb1), version 1,
 * expires 180 days after FIXTURE_NOW and the rules of the zones Europe/Vilnius,
 * America/New_York and Australia/Sydney.  policy_free() it.
 */
struct policy *fixture_policy(const char *root_yaml, const char *ca_yaml);

/*
 * A signed bundle of files.  fixture_bundle() makes MANIFEST and the policy
 * statement over it (realm, version, previous or NULL) and appends both;
 * fixture_root() the root statement of the root.yaml given (expanded already).
 */
struct fixture_bundle {
	struct hash	   realm;
	uint64_t	   version;
	const struct hash *previous;	/* NULL: none */
	int64_t		   expires;
	const char	  *by;		/* "olga@example.com" */
	const uint8_t	  *seeds;
};
void fixture_bundle(const struct fixture_bundle *b,
    const struct policy_files *files, struct str *statement,
    struct str *manifest);
void fixture_root(const struct hash *realm, uint64_t version,
    struct slice root_yaml, const char *by, const uint8_t *seeds,
    struct str *out);

#endif

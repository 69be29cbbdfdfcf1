/* SPDX-License-Identifier: ISC */
/*
 * Issuing in process: parse the subject's key line, put it into the outcome
 * that policy gave, encode, sign.  Against the signing alone, by the same
 * library, of bytes as many, with whatever that library lets one prepare.
 *
 *	bench_issue ratio TYPE	ed25519 p256 rsa3072: "RATIO A/s B/s"
 *	bench_issue rate	ed25519: certificates a CPU second
 *	bench_issue full|raw N [TYPE]	do N and end, for callgrind
 */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <string.h>

#include "lib/crypto/random.h"
#include "lib/key/key.h"
#include "lib/ssh/cert.h"
#include "tests/bench/bench.h"

#define BATCH 64 /* requests in flight share one */

struct issuing {
	struct key *ca;
	struct cert outcome; /* all but key and nonce */
	struct str line;
	uint8_t nonces[BATCH][CERT_NONCE_LEN];
	size_t n_nonces;
	struct buf *tbs; /* what raw signing signs */
	/* raw */
	uint8_t sk[crypto_sign_SECRETKEYBYTES];
	EVP_PKEY *evp;
	EVP_MD_CTX *ctx;
	const EVP_MD *md;
};

/* As ca/daemon draws them: for a batch at once. */
static uint8_t *
next_nonce(struct issuing *g)
{
	if (g->n_nonces == 0) {
		random_bytes(g->nonces, sizeof(g->nonces));
		g->n_nonces = BATCH;
	}
	return g->nonces[--g->n_nonces];
}

static struct buf *
issue(struct issuing *g)
{
	struct buf *blob = NULL, *sig = NULL;
	struct pubkey *subject = NULL;
	struct cert c = g->outcome;
	struct err e = {0};

	bench_need(pubkey_parse_line(g->line.p, g->line.n, &subject, NULL, &e),
	    "parse", &e);
	c.key = subject;
	c.nonce = next_nonce(g);
	c.nonce_len = CERT_NONCE_LEN;
	if (buf_new(&blob, CERT_MAX) != 0 || buf_new(&sig, 4096) != 0 ||
	    cert_encode_tbs(&c, blob) != 0)
		bench_die("encode", &e);
	bench_need(key_sign(g->ca, buf_slice(blob), sig, &e), "sign", &e);
	if (buf_put_buf(blob, sig) != 0)
		bench_die("encode", &e);
	buf_free(sig);
	pubkey_free(subject);
	return blob;
}

static void
issue_full(void *ctx)
{
	buf_free(issue(ctx));
}

static void
raw_sodium(void *ctx)
{
	const struct issuing *g = ctx;
	const struct slice m = buf_slice(g->tbs);
	uint8_t sig[crypto_sign_BYTES];

	if (crypto_sign_detached(sig, NULL, m.p, m.n, g->sk) != 0)
		abort();
}

static void
raw_openssl(void *ctx)
{
	struct issuing *g = ctx;
	const struct slice m = buf_slice(g->tbs);
	uint8_t sig[1024];
	size_t n = sizeof(sig);

	if (EVP_DigestSignInit(g->ctx, NULL, g->md, NULL, g->evp) != 1 ||
	    EVP_DigestSign(g->ctx, sig, &n, m.p, m.n) != 1)
		abort();
}

/* --- the two sides of each type ------------------------------------------- */

static const struct side {
	const char *name;
	enum pubkey_type type;
	bench_op *raw;
} sides[] = {
    {"ed25519", PUBKEY_ED25519, raw_sodium},
    {"p256", PUBKEY_ECDSA256, raw_openssl},
    {"rsa3072", PUBKEY_RSA, raw_openssl},
};

static void
prepare_raw(struct issuing *g, enum pubkey_type t)
{
	uint8_t pk[crypto_sign_PUBLICKEYBYTES];

	(void)crypto_sign_keypair(pk, g->sk);
	if (t == PUBKEY_ED25519)
		return;
	g->md = t == PUBKEY_RSA ? EVP_sha512() : EVP_sha256();
	g->evp = t == PUBKEY_RSA ? EVP_RSA_gen(3072U) : EVP_EC_gen("P-256");
	g->ctx = EVP_MD_CTX_new();
	if (g->evp == NULL || g->ctx == NULL)
		abort();
}

static char *
copy(const char *s)
{
	char *c = str_dup(s);

	if (c == NULL)
		abort();
	return c;
}

static void
fill_outcome(struct cert *c, const struct key *ca)
{
	cert_init(c);
	c->serial = UINT64_C(0x1234567890abcdef);
	c->kind = CERT_USER;
	c->key_id = copy("alice@example.com/00112233445566778899aabbccddeeff");
	c->valid_after = 1772445600;
	c->valid_before = 1772449200;
	if (strs_add(&c->principals, "deploy") != 0 ||
	    strs_add(&c->principals, "viewer") != 0 ||
	    cert_option_add(&c->critical, "source-address",
		"10.0.0.0/8,fd00::/8") != 0 ||
	    cert_option_add(&c->extensions, "permit-pty", NULL) != 0 ||
	    pubkey_dup(key_public(ca), &c->ca) != 0)
		abort();
}

/* Both sides sign the same bytes; and what issue() makes is a certificate. */
static void
keep_signed_part(struct buf *blob)
{
	const struct slice all = buf_slice(blob);
	struct err e = {0};
	struct cert c;

	cert_init(&c);
	bench_need(cert_parse(all, &c, &e), "parse", &e);
	bench_need(cert_verify(&c, all, &e), "verify", &e);
	buf_truncate(blob, c.tbs_len);
	cert_clear(&c);
}

/* Everything is given back at the program's end. */
static void
prepare(struct issuing *g, enum pubkey_type t)
{
	struct key *subject = NULL;
	struct err e = {0};

	bench_need(key_generate(t, &g->ca, &e), "key", &e);
	bench_need(key_generate(PUBKEY_ED25519, &subject, &e), "key", &e);
	str_init(&g->line);
	pubkey_add_line(&g->line, key_public(subject), "alice@laptop");
	if (str_check(&g->line) != 0)
		abort();
	fill_outcome(&g->outcome, g->ca);
	prepare_raw(g, t);
	g->tbs = issue(g);
	keep_signed_part(g->tbs);
	key_free(subject);
}

static const struct side *
find_side(const char *name)
{
	for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++)
		if (strcmp(sides[i].name, name) == 0)
			return &sides[i];
	fprintf(stderr, "bench_issue: no type %s\n", name);
	exit(2);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const bool ratio = strcmp(what, "ratio") == 0 && argc == 3;
	const struct side *s = find_side(ratio ? argv[2]
		: argc == 4                    ? argv[3]
					       : "ed25519");
	struct issuing g = {0};

	prepare(&g, s->type);
	if (ratio) {
		struct bench_result r = bench_rounds(CLOCK_PROCESS_CPUTIME_ID,
		    issue_full, &g, s->raw, &g);

		printf("%.3f %.0f %.0f\n", r.ratio, r.a, r.b);
	} else if (strcmp(what, "rate") == 0) {
		printf("%.0f\n",
		    bench_rate(CLOCK_PROCESS_CPUTIME_ID, issue_full, &g));
	} else if (argc >= 3 &&
	    (strcmp(what, "full") == 0 || strcmp(what, "raw") == 0)) {
		bench_op *op = *what == 'f' ? issue_full : s->raw;

		for (long n = strtol(argv[2], NULL, 10); n > 0; n--)
			op(&g);
	} else {
		fprintf(stderr,
		    "usage: bench_issue ratio TYPE | rate | full|raw N "
		    "[TYPE]\n");
		return 2;
	}
	return 0;
}

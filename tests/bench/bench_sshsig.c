/* SPDX-License-Identifier: ISC */
/*
 * Verifying an SSHSIG in process: read the armored block, build what was
 * signed, verify.  Against verifying alone of the same bytes by libsodium.
 *
 *	bench_sshsig ratio	"RATIO A/s B/s"
 *	bench_sshsig files DIR	write msg, msg.sig, allowed_signers into DIR
 *	bench_sshsig rate DIR	signatures a CPU second, of those files
 */
#include <sodium.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/key/key.h"
#include "lib/ssh/sshsig.h"
#include "tests/bench/bench.h"

#define NAMESPACE "request@writ"
#define WHO       "alice@example.com"

/* What a request looks like: a line of JSON of the usual length. */
static const char message[] =
    "{\"v\":1,\"type\":\"request\",\"realm\":"
    "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\","
    "\"by\":\"alice@example.com\",\"at\":\"2026-03-02T10:00:00Z\",\"nonce\":"
    "\"00112233445566778899aabbccddeeff\",\"kind\":\"user\",\"grant\":"
    "\"deploy\",\"key\":\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE7SVx4Ykm09sN"
    "cKMkYt5rPiLVbdXXTlLGG7yoQ5uUxP\",\"principals\":[\"deploy\"],\"reason\":"
    "\"roll out 4.2 of the shop\",\"for\":\"1h\"}\n";

struct verifying {
	struct slice msg;
	struct str armor;
	/* raw */
	uint8_t pk[crypto_sign_PUBLICKEYBYTES];
	uint8_t sig[crypto_sign_BYTES];
	struct buf *data;
};

static void
verify_full(void *ctx)
{
	struct verifying *g = ctx;
	struct err e = {0};
	struct sshsig s;
	size_t used;

	sshsig_init(&s);
	bench_need(sshsig_parse_armor(slice_of(g->armor.p, g->armor.n), &s,
		       &used, &e),
	    "parse", &e);
	bench_need(sshsig_verify(&s, NAMESPACE, g->msg, NULL, &e), "verify",
	    &e);
	sshsig_clear(&s);
}

static void
verify_raw(void *ctx)
{
	struct verifying *g = ctx;
	const struct slice d = buf_slice(g->data);

	if (crypto_sign_verify_detached(g->sig, d.p, d.n, g->pk) != 0)
		abort();
}

static struct key *
sign(struct verifying *g)
{
	struct key *k = NULL;
	struct err e = {0};

	g->msg = slice_str(message);
	str_init(&g->armor);
	bench_need(key_generate(PUBKEY_ED25519, &k, &e), "key", &e);
	bench_need(key_sshsig(k, NAMESPACE, g->msg, &g->armor, &e), "sign", &e);
	return k;
}

static void
compare(void)
{
	struct verifying g = {0};
	struct key *k = sign(&g);
	struct bench_result r;
	struct err e = {0};

	if (buf_new(&g.data, 1024) != 0 ||
	    sshsig_signed_data(NAMESPACE, "sha512", g.msg, g.data) != 0)
		abort();
	bench_need(key_sign_ed25519(k, buf_slice(g.data), g.sig, &e), "sign",
	    &e);
	memcpy(g.pk, pubkey_ed25519(key_public(k)), sizeof(g.pk));
	r = bench_rounds(CLOCK_PROCESS_CPUTIME_ID, verify_full, &g, verify_raw,
	    &g);
	printf("%.3f %.0f %.0f\n", r.ratio, r.a, r.b);
	buf_free(g.data);
	str_clear(&g.armor);
	key_free(k);
}

static void
put(const char *dir, const char *name, const void *p, size_t n)
{
	struct err e = {0};
	char *path = NULL;

	if (path_join(dir, name, &path) != 0)
		abort();
	bench_need(file_write(path, p, n, 0600, 0, &e), path, &e);
	free(path);
}

static void
write_files(const char *dir)
{
	struct verifying g = {0};
	struct key *k = sign(&g);
	struct str line = STR_INIT;

	str_add(&line, WHO " ");
	pubkey_add_line(&line, key_public(k), NULL);
	str_addc(&line, '\n');
	if (str_check(&line) != 0)
		abort();
	put(dir, "allowed_signers", line.p, line.n);
	put(dir, "msg", g.msg.p, g.msg.n);
	put(dir, "msg.sig", g.armor.p, g.armor.n);
	str_clear(&line);
	str_clear(&g.armor);
	key_free(k);
}

static void
print_rate(const char *dir)
{
	struct verifying g = {.msg = slice_str(message)};
	struct err e = {0};
	char *path = NULL;

	str_init(&g.armor);
	if (path_join(dir, "msg.sig", &path) != 0)
		abort();
	bench_need(file_read(path, SSHSIG_ARMOR_MAX, &g.armor.p, &g.armor.n,
		       &e),
	    path, &e);
	free(path);
	printf("%.0f\n", bench_rate(CLOCK_PROCESS_CPUTIME_ID, verify_full, &g));
	free(g.armor.p);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "ratio") == 0 && argc == 2) {
		compare();
	} else if (strcmp(what, "files") == 0 && argc == 3) {
		write_files(argv[2]);
	} else if (strcmp(what, "rate") == 0 && argc == 3) {
		print_rate(argv[2]);
	} else {
		fprintf(stderr,
		    "usage: bench_sshsig ratio | files DIR | rate DIR\n");
		return 2;
	}
	return 0;
}

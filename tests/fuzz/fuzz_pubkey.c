/* SPDX-License-Identifier: ISC */
/* A public key: its blob, its line, and a signature that it should refuse. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ssh/pubkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Whoever finds a signature of these over "fuzz" has earned a crash. */
static const char *const signers[] = {
    "ssh-ed25519 "
    "AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
    "sk-ssh-ed25519@openssh.com "
    "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAINdamAGCsQq31Uv+08lkBzoO4XLz"
    "2qYjJa8CGmj3B1EaAAAABHNzaDo=",
    /* 0x04 and the generator of P-256 */
    "ecdsa-sha2-nistp256 "
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGsX0fLhLEJH+Lzm5WOkQP"
    "J3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=",
};

static void
check_key(const struct pubkey *k)
{
	struct pubkey *again = NULL;
	struct str s = STR_INIT;
	char fp[FINGERPRINT_MAX];

	pubkey_fingerprint(k, fp);
	pubkey_add_line(&s, k, pubkey_application(k));
	if (pubkey_parse_line(s.p, s.n, &again, NULL, NULL) != 0 ||
	    !pubkey_equal(k, again))
		abort();
	pubkey_free(again);
	again = NULL;
	if (pubkey_dup(k, &again) != 0 || !pubkey_equal(k, again))
		abort();
	pubkey_free(again);
	str_clear(&s);
}

static void
check_signature(const char *line, struct slice sig)
{
	struct sk_flags flags;
	struct pubkey *k;

	if (pubkey_parse_line(line, strlen(line), &k, NULL, NULL) != 0 ||
	    pubkey_verify(k, NULL, sig, slice_str("fuzz"), &flags, NULL) == 0)
		abort();
	pubkey_free(k);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pubkey *k = NULL;
	char *comment = NULL;
	struct err e;

	if (pubkey_parse(slice_of(data, n), &k, &e) == 0) {
		if (!slice_equal(pubkey_blob(k), slice_of(data, n)))
			abort();
		check_key(k);
		pubkey_free(k);
	}
	if (pubkey_parse_line((const char *)data, n, &k, &comment, &e) == 0) {
		check_key(k);
		pubkey_free(k);
		free(comment);
	}
	for (size_t i = 0; i < sizeof(signers) / sizeof(*signers); i++)
		check_signature(signers[i], slice_of(data, n));
	return 0;
}

/* SPDX-License-Identifier: ISC */
#include "lib/crypto/hmac.h"

#include <sodium.h>

#include "lib/crypto/sodium.h"

void
hmac_sha256(struct slice key, struct slice message, struct hash *out)
{
	crypto_auth_hmacsha256_state st;

	sodium_ready();
	(void)crypto_auth_hmacsha256_init(&st, key.p, key.n);
	(void)crypto_auth_hmacsha256_update(&st, message.p, message.n);
	(void)crypto_auth_hmacsha256_final(&st, out->b);
	mem_wipe(&st, sizeof(st));
}

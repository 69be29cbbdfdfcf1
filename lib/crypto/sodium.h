/* SPDX-License-Identifier: ISC */
/* libsodium, made ready once.  For the files of lib/crypto alone. */
#ifndef LIB_CRYPTO_SODIUM_H
#define LIB_CRYPTO_SODIUM_H

/* Call before any function of libsodium; cheap after the first time.  Ends the
 * program where the library cannot start, since then there is no random. */
void sodium_ready(void);

#endif

/* SPDX-License-Identifier: ISC */
/* Random bytes from the kernel (getrandom through libsodium). */
#ifndef LIB_CRYPTO_RANDOM_H
#define LIB_CRYPTO_RANDOM_H

#include <stddef.h>

void random_bytes(void *p, size_t n);

#endif

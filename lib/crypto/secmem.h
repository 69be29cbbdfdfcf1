/* SPDX-License-Identifier: ISC */
/*
 * Memory for secrets: locked, not in core dumps, guarded, wiped when freed
 * (libsodium's sodium_malloc).
 */
#ifndef LIB_CRYPTO_SECMEM_H
#define LIB_CRYPTO_SECMEM_H

#include <stddef.h>

#include "lib/base/err.h"

/* ERR_NOMEM, also when the memory lock limit (RLIMIT_MEMLOCK) is reached. */
int  secmem_alloc(size_t n, void **out) MUST_CHECK;
void secmem_free(void *p); /* NULL allowed */
/* No core dumps, not traceable by others of the same user.  Once, at start. */
void secmem_harden_process(void);

#endif

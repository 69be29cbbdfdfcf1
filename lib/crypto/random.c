/* SPDX-License-Identifier: ISC */
#include "lib/crypto/random.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "lib/crypto/sodium.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
start(void)
{
	/* It fails only where the kernel has no random numbers to give. */
	if (sodium_init() < 0)
		abort();
}

void
sodium_ready(void)
{
	if (pthread_once(&once, start) != 0)
		abort();
}

void
random_bytes(void *p, size_t n)
{
	sodium_ready();
	randombytes_buf(p, n);
}

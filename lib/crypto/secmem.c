/* SPDX-License-Identifier: ISC */
#include "lib/crypto/secmem.h"

#include <sodium.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "lib/crypto/sodium.h"

int
secmem_alloc(size_t n, void **out)
{
	void *p;

	sodium_ready();
	if ((p = sodium_malloc(n)) == NULL)
		return ERR_NOMEM;
	/*
	 * sodium_malloc() goes on where the pages cannot be locked.  Secrets
	 * that may be swapped out are not what was asked for, so ask again and
	 * listen to the answer; locking twice is harmless.
	 */
	if (n > 0 && mlock(p, n) != 0) {
		sodium_free(p);
		return ERR_NOMEM;
	}
	*out = p;
	return 0;
}

void
secmem_free(void *p)
{
	sodium_free(p);
}

void
secmem_harden_process(void)
{
	const struct rlimit none = {0, 0};

	/*
	 * Either fails only where a sandbox forbids it, and then the other one
	 * still holds; a program that refused to start would be no safer.
	 */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
}

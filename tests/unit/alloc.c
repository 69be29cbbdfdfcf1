/* SPDX-License-Identifier: ISC */
#include "tests/unit/alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "lib/base/err.h"

#define ALLOC_MANY 100000 /* no test needs more: it would never end */

static atomic_size_t tried;   /* since alloc_fail_nth() */
static atomic_size_t fail_at; /* 0: none */
static atomic_bool held;

/* The linker gives these names to what it found, and ours to the callers. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
int __real_vasprintf(char **out, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_vasprintf(char **out, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
int __wrap_asprintf(char **out, const char *fmt, ...) PRINTF_LIKE(2, 3);

static bool
fails(void)
{
	size_t n;

	if (atomic_load(&held))
		return false;
	n = atomic_fetch_add(&tried, 1) + 1;
	if (n != atomic_load(&fail_at))
		return false;
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *
__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

char *
__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : __real_strndup(s, n);
}

int
__wrap_vasprintf(char **out, const char *fmt, va_list ap)
{
	return fails() ? -1 : __real_vasprintf(out, fmt, ap);
}

int
__wrap_asprintf(char **out, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = __wrap_vasprintf(out, fmt, ap);
	va_end(ap);
	return r;
}

/* Before main(), since jansson wants it before anything else of its own. */
__attribute__((constructor)) static void
hook_jansson(void)
{
	json_set_alloc_funcs(__wrap_malloc, free);
}

void
alloc_hold(bool on)
{
	atomic_store(&held, on);
}

void
alloc_fail_nth(size_t n)
{
	atomic_store(&tried, 0);
	atomic_store(&fail_at, n);
}

size_t
alloc_count(void)
{
	return atomic_load(&tried);
}

bool
alloc_failed(void)
{
	size_t at = atomic_load(&fail_at);

	return at > 0 && atomic_load(&tried) >= at;
}

size_t
alloc_each(int (*run)(void *arg), void *arg)
{
	for (size_t n = 1; n <= ALLOC_MANY; n++) {
		bool hit;
		int r;

		alloc_fail_nth(n);
		r = run(arg);
		hit = alloc_failed();
		alloc_fail_nth(0);
		if (!hit) {
			if (r != 0)
				fail_msg("with all its memory: %s (%d)",
				    err_text(r), r);
			return n - 1;
		}
		if (r != ERR_NOMEM)
			fail_msg("with allocation %zu failing: got %d (%s), "
				 "expected ERR_NOMEM",
			    n, r, err_text(r));
	}
	fail_msg("more than %d allocations", ALLOC_MANY);
	return 0;
}

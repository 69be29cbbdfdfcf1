/* SPDX-License-Identifier: ISC */
#include "lib/cli/width.h"

#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

/* Loaded once, kept until the program ends; 0 where there is none. */
static locale_t
utf8(void)
{
	static locale_t loaded;
	static int tried;

	if (!tried)
		loaded = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	tried = 1;
	return loaded;
}

/* Without a locale: bytes that go on with a character take nothing. */
static size_t
step_bytes(const char *s, size_t *columns)
{
	*columns = ((unsigned char)*s & 0xc0) != 0x80;
	return 1;
}

/* The character at s, of at most n bytes: its length, and its columns.  n > 0,
 * and the locale is that of utf8(). */
static size_t
step(const char *s, size_t n, size_t *columns)
{
	mbstate_t state = {0};
	wchar_t ch;
	size_t len;
	int width;

	*columns = 1;
	if ((unsigned char)*s < 0x80)
		return 1;
	if ((len = mbrtowc(&ch, s, n, &state)) > n)
		return 1;
	if ((width = wcwidth(ch)) >= 0)
		*columns = (size_t)width;
	return len;
}

/* Bytes of the first n that take no more columns than those; takes is what they
 * take. */
static size_t
measure(const char *s, size_t n, size_t columns, size_t *takes)
{
	locale_t own = utf8(), before = (locale_t)0;
	size_t i = 0, len, width;

	if (own != (locale_t)0)
		before = uselocale(own);
	*takes = 0;
	for (; i < n; i += len) {
		len = own != (locale_t)0 ? step(s + i, n - i, &width)
					 : step_bytes(s + i, &width);
		if (width > columns - *takes)
			break;
		*takes += width;
	}
	if (own != (locale_t)0)
		(void)uselocale(before);
	return i;
}

size_t
width_of(const char *s, size_t n)
{
	size_t takes;

	(void)measure(s, n, SIZE_MAX, &takes);
	return takes;
}

size_t
width_cut(const char *s, size_t columns)
{
	size_t takes;

	return measure(s, strlen(s), columns, &takes);
}

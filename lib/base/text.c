/* SPDX-License-Identifier: ISC */
#include "lib/base/str.h"

#include <string.h>

/*
 * What nobody can see, or what changes what others see: the C1 controls, all
 * of Unicode's Default_Ignorable_Code_Point (zero-width, joiners, fillers,
 * variation selectors, tags), the bidirectional controls, line and paragraph
 * separators, interlinear annotation, noncharacters of the first plane.  The
 * noncharacters U+xxFFFE and U+xxFFFF are tested by their low bits.  Sorted.
 */
static const struct range {
	uint32_t lo, hi;
} unclean[] = {
    {0x0080, 0x009f},   /* C1 */
    {0x00ad, 0x00ad},   /* soft hyphen */
    {0x034f, 0x034f},   /* combining grapheme joiner */
    {0x061c, 0x061c},   /* Arabic letter mark */
    {0x115f, 0x1160},   /* Hangul fillers */
    {0x17b4, 0x17b5},   /* Khmer inherent vowels */
    {0x180b, 0x180f},   /* Mongolian selectors and vowel separator */
    {0x200b, 0x200f},   /* zero-width, directional marks */
    {0x2028, 0x202e},   /* line, paragraph; embeddings and overrides */
    {0x2060, 0x206f},   /* word joiner, invisible operators, isolates */
    {0x3164, 0x3164},   /* Hangul filler */
    {0xfdd0, 0xfdef},   /* noncharacters */
    {0xfe00, 0xfe0f},   /* variation selectors */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xffa0, 0xffa0},   /* halfwidth Hangul filler */
    {0xfff0, 0xfffb},   /* unassigned ignorables, annotation */
    {0x1bca0, 0x1bca3}, /* shorthand format controls */
    {0x1d173, 0x1d17a}, /* musical format controls */
    {0xe0000, 0xe0fff}, /* tags, more variation selectors */
};

static bool
is_unclean(uint32_t cp)
{
	size_t lo = 0, hi = sizeof(unclean) / sizeof(unclean[0]);

	if ((cp & 0xfffe) == 0xfffe)
		return true;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (cp > unclean[mid].hi)
			lo = mid + 1;
		else if (cp < unclean[mid].lo)
			hi = mid;
		else
			return true;
	}
	return false;
}

/*
 * The length of the well-formed UTF-8 sequence (Unicode table 3-7: shortest
 * form, no surrogates, up to U+10FFFF) at s, and its code point; 0 if there
 * is none.  n > 0.
 */
static size_t
decode(const unsigned char *s, size_t n, uint32_t *out)
{
	uint32_t cp, least;
	size_t len;

	if (s[0] < 0x80) {
		*out = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		len = 2;
		least = 0x80;
	} else if ((s[0] & 0xf0) == 0xe0) {
		len = 3;
		least = 0x800;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		len = 4;
		least = 0x10000;
	} else {
		return 0;
	}
	if (len > n)
		return 0;
	cp = s[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s[i] & 0x3f);
	}
	if (cp < least || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*out = cp;
	return len;
}

/*
 * How many bytes at s are ASCII, and with printable no control either, in whole
 * words: nearly all text is, and is read several times on its way.
 */
static size_t
plain_words(const unsigned char *s, size_t n, bool printable)
{
	const uint64_t ones = UINT64_MAX / 0xff, high = ones << 7;
	size_t i = 0;

	for (; n - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t w, odd;

		memcpy(&w, s + i, sizeof(w));
		odd = w;
		/* No sum or difference below carries into another byte while
		 * all bytes so far are ASCII. */
		if (printable)
			odd |= (w - 0x20 * ones) | (w + ones);
		if ((odd & high) != 0)
			break;
	}
	return i;
}

bool
text_is_utf8(const char *s, size_t n, size_t *bad_at)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t i = plain_words(u, n, false);

	while (i < n) {
		uint32_t cp;
		size_t len = u[i] < 0x80 ? 1 : decode(u + i, n - i, &cp);

		if (len == 0) {
			if (bad_at != NULL)
				*bad_at = i;
			return false;
		}
		i += len;
	}
	return true;
}

bool
text_is_clean(const char *s, size_t n, size_t *bad_at)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t i = plain_words(u, n, true);

	while (i < n) {
		uint32_t cp;
		size_t len;

		if (u[i] >= 0x20 && u[i] < 0x7f) {
			i++;
			continue;
		}
		if (u[i] < 0x80)
			break;
		len = decode(u + i, n - i, &cp);
		if (len == 0 || is_unclean(cp))
			break;
		i += len;
	}
	if (i == n)
		return true;
	if (bad_at != NULL)
		*bad_at = i;
	return false;
}

void
str_add_shown(struct str *s, const char *p, size_t n)
{
	size_t clean = 0;

	for (size_t i = 0; i < n; i++) {
		if (text_is_clean(p + i, n - i, &clean))
			clean = n - i;
		str_addn(s, p + i, clean);
		i += clean;
		if (i < n && (p[i] == '\t' || p[i] == '\n'))
			str_addc(s, p[i]);
		else if (i < n)
			str_addf(s, "\\x%02x", (unsigned)(uint8_t)p[i]);
	}
}

size_t
text_length(const char *s, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			count++;
	return count;
}

static bool
is_id_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
	    c == '_' || c == '@' || c == '+' || c == '-';
}

bool
id_is_valid(const char *s)
{
	size_t n = 0;

	for (; s[n] != '\0'; n++)
		if (n == ID_MAX || !is_id_char(s[n]))
			return false;
	return n > 0;
}

bool
id_glob_is_valid(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_id_char(s[i]) && s[i] != '*' && s[i] != '?')
			return false;
	return n > 0 && n <= ID_MAX;
}

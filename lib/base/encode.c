/* SPDX-License-Identifier: ISC */
#include "lib/base/str.h"

#include <stdlib.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char b64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "abcdefghijklmnopqrstuvwxyz0123456789+/";

int
parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	bool fits = true;
	uint64_t v = 0;

	if (s[0] == '\0' || (s[0] == '0' && s[1] != '\0'))
		return ERR_PARSE;
	for (; *s != '\0'; s++) {
		unsigned d = (unsigned)(unsigned char)*s - '0';

		if (d > 9)
			return ERR_PARSE;
		if (v > (UINT64_MAX - d) / 10)
			fits = false; /* go on: a bad byte is the worse news */
		else
			v = v * 10 + d;
	}
	if (!fits || v < min || v > max)
		return ERR_LIMIT;
	*out = v;
	return 0;
}

/* The value of each lower-case hex digit plus one; 0 for what is none. */
static const uint8_t hex_values[256] = {
    ['0'] = 1,
    ['1'] = 2,
    ['2'] = 3,
    ['3'] = 4,
    ['4'] = 5,
    ['5'] = 6,
    ['6'] = 7,
    ['7'] = 8,
    ['8'] = 9,
    ['9'] = 10,
    ['a'] = 11,
    ['b'] = 12,
    ['c'] = 13,
    ['d'] = 14,
    ['e'] = 15,
    ['f'] = 16,
};

int
hex_decode(const char *s, size_t s_len, uint8_t *out, size_t n)
{
	const uint8_t *d = (const uint8_t *)s;

	if (s_len / 2 != n || s_len % 2 != 0)
		return ERR_PARSE;
	for (size_t i = 0; i < s_len; i++)
		if (hex_values[d[i]] == 0)
			return ERR_PARSE;
	for (size_t i = 0; i < n; i++, d += 2)
		out[i] = (uint8_t)((hex_values[d[0]] - 1U) << 4 |
		    (hex_values[d[1]] - 1U));
	return 0;
}

void
hex_encode(const void *p, size_t n, char *out)
{
	const uint8_t *d = p;

	for (size_t i = 0; i < n; i++) {
		*out++ = hex_digits[d[i] >> 4];
		*out++ = hex_digits[d[i] & 15];
	}
	*out = '\0';
}

void
str_add_hex(struct str *s, const void *p, size_t n)
{
	const uint8_t *d = p;
	char part[129];

	while (n > 0) {
		size_t k = n < 64 ? n : 64;

		hex_encode(d, k, part);
		str_addn(s, part, 2 * k);
		d += k;
		n -= k;
	}
	mem_wipe(part, sizeof(part));
}

/* Up to 3 bytes as 4 characters. */
static void
b64_group(const uint8_t *d, size_t n, char *out)
{
	uint32_t v = (uint32_t)d[0] << 16 | (n > 1 ? (uint32_t)d[1] << 8 : 0) |
	    (n > 2 ? d[2] : 0);

	out[0] = b64_digits[v >> 18];
	out[1] = b64_digits[v >> 12 & 63];
	out[2] = n > 1 ? b64_digits[v >> 6 & 63] : '=';
	out[3] = n > 2 ? b64_digits[v & 63] : '=';
}

void
str_add_base64(struct str *s, const void *p, size_t n)
{
	const uint8_t *d = p;
	char part[256];

	while (n > 0) {
		size_t k = n < 192 ? n : 192, o = 0;

		for (size_t i = 0; i < k; i += 3, o += 4)
			b64_group(d + i, k - i, part + o);
		str_addn(s, part, o);
		d += k;
		n -= k;
	}
	mem_wipe(part, sizeof(part));
}

/* The value of each base64 digit plus one; 0 for what is none. */
static const uint8_t b64_values[256] = {['A'] = 1,
    ['B'] = 2,
    ['C'] = 3,
    ['D'] = 4,
    ['E'] = 5,
    ['F'] = 6,
    ['G'] = 7,
    ['H'] = 8,
    ['I'] = 9,
    ['J'] = 10,
    ['K'] = 11,
    ['L'] = 12,
    ['M'] = 13,
    ['N'] = 14,
    ['O'] = 15,
    ['P'] = 16,
    ['Q'] = 17,
    ['R'] = 18,
    ['S'] = 19,
    ['T'] = 20,
    ['U'] = 21,
    ['V'] = 22,
    ['W'] = 23,
    ['X'] = 24,
    ['Y'] = 25,
    ['Z'] = 26,
    ['a'] = 27,
    ['b'] = 28,
    ['c'] = 29,
    ['d'] = 30,
    ['e'] = 31,
    ['f'] = 32,
    ['g'] = 33,
    ['h'] = 34,
    ['i'] = 35,
    ['j'] = 36,
    ['k'] = 37,
    ['l'] = 38,
    ['m'] = 39,
    ['n'] = 40,
    ['o'] = 41,
    ['p'] = 42,
    ['q'] = 43,
    ['r'] = 44,
    ['s'] = 45,
    ['t'] = 46,
    ['u'] = 47,
    ['v'] = 48,
    ['w'] = 49,
    ['x'] = 50,
    ['y'] = 51,
    ['z'] = 52,
    ['0'] = 53,
    ['1'] = 54,
    ['2'] = 55,
    ['3'] = 56,
    ['4'] = 57,
    ['5'] = 58,
    ['6'] = 59,
    ['7'] = 60,
    ['8'] = 61,
    ['9'] = 62,
    ['+'] = 63,
    ['/'] = 64};

/*
 * Four characters, `used` of which carry bits (2, 3 or 4; the others are
 * padding that was checked), to used - 1 bytes.
 */
static int
b64_ungroup(const char *s, size_t used, uint8_t *out)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		unsigned x = b64_values[(unsigned char)s[i]];

		if (i >= used)
			x = 1;
		else if (x == 0)
			return ERR_PARSE;
		v = v << 6 | (x - 1);
	}
	/* Canonical: the bits that fall off are zero. */
	if ((used == 2 && (v & 0xffff) != 0) || (used == 3 && (v & 0xff) != 0))
		return ERR_PARSE;
	out[0] = (uint8_t)(v >> 16);
	if (used > 2)
		out[1] = (uint8_t)(v >> 8);
	if (used > 3)
		out[2] = (uint8_t)v;
	return 0;
}

int
base64_decode(const char *s, size_t n, struct buf *b)
{
	size_t old = buf_len(b), pad = 0;
	uint8_t *to;
	int r;

	if (n % 4 != 0)
		return ERR_PARSE;
	if (n == 0)
		return 0;
	if (s[n - 1] == '=')
		pad = s[n - 2] == '=' ? 2 : 1;
	if ((r = buf_reserve(b, n / 4 * 3 - pad, &to)) != 0)
		return r;
	for (size_t i = 0; i < n; i += 4, to += 3) {
		r = b64_ungroup(s + i, i + 4 < n ? 4 : 4 - pad, to);
		if (r != 0) {
			buf_truncate(b, old);
			return r;
		}
	}
	return 0;
}

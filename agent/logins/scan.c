/* SPDX-License-Identifier: ISC */
#include "agent/logins/scan.h"

#include <string.h>

#include "lib/base/str.h"

#define ADDRESS_MAX 64 /* bytes; what an event holds */

bool
scan_front(struct slice *s, const char *text)
{
	size_t n = strlen(text);

	if (s->n < n || memcmp(s->p, text, n) != 0)
		return false;
	*s = slice_of(s->p + n, s->n - n);
	return true;
}

bool
scan_end(struct slice *s, const char *text)
{
	size_t n = strlen(text);

	if (s->n < n || memcmp(s->p + s->n - n, text, n) != 0)
		return false;
	s->n -= n;
	return true;
}

bool
scan_word(struct slice *s, struct slice *out)
{
	size_t n = 0;

	while (n < s->n && s->p[n] != ' ')
		n++;
	if (n == 0)
		return false;
	*out = slice_of(s->p, n);
	n += n < s->n;
	*s = slice_of(s->p + n, s->n - n);
	return true;
}

bool
scan_last_word(struct slice *s, struct slice *out)
{
	size_t n = 0;

	while (n < s->n && s->p[s->n - n - 1] != ' ')
		n++;
	if (n == 0)
		return false;
	*out = slice_of(s->p + s->n - n, n);
	n += n < s->n;
	s->n -= n;
	return true;
}

static void
split_at(struct slice *s, size_t at, size_t n, struct slice *after)
{
	*after = slice_of(s->p + at + n, s->n - at - n);
	s->n = at;
}

bool
scan_split(struct slice *s, const char *text, struct slice *after)
{
	size_t n = strlen(text);
	const uint8_t *at = s->n >= n ? memmem(s->p, s->n, text, n) : NULL;

	if (at == NULL)
		return false;
	split_at(s, (size_t)(at - s->p), n, after);
	return true;
}

bool
scan_split_last(struct slice *s, const char *text, struct slice *after)
{
	size_t n = strlen(text);

	for (size_t i = s->n >= n ? s->n - n + 1 : 0; i-- > 0;) {
		if (memcmp(s->p + i, text, n) != 0)
			continue;
		split_at(s, i, n, after);
		return true;
	}
	return false;
}

bool
scan_number(struct slice s, uint64_t *out)
{
	char text[24];

	if (s.n == 0 || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return strlen(text) == s.n && parse_u64(text, 0, UINT64_MAX, out) == 0;
}

bool
scan_fingerprint(struct slice s, struct hash *out)
{
	char text[FINGERPRINT_MAX];

	if (s.n >= sizeof(text) || s.n == 0)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return strlen(text) == s.n && hash_from_fingerprint(text, out) == 0;
}

/* With the zone of a link-local one; also UNKNOWN, where there is no socket. */
bool
scan_is_address(struct slice s)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz"
				  "0123456789.:%_-";

	for (size_t i = 0; i < s.n; i++)
		if (memchr(set, s.p[i], sizeof(set) - 1) == NULL)
			return false;
	return s.n > 0 && s.n <= ADDRESS_MAX;
}

bool
scan_peer(struct slice *s, struct slice *address, uint16_t *port)
{
	struct slice rest = *s, word;
	uint64_t n;

	if (!scan_word(&rest, address) || !scan_is_address(*address) ||
	    !scan_front(&rest, "port ") || !scan_word(&rest, &word) ||
	    !scan_number(word, &n) || n > UINT16_MAX)
		return false;
	*port = (uint16_t)n;
	*s = rest;
	return true;
}

char *
scan_clean(struct slice s, size_t max)
{
	struct str out = STR_INIT;
	char *text = NULL;
	size_t fits = 0; /* of what is written, where "..." could follow */

	for (size_t i = 0; i < s.n && out.n <= max; i++) {
		if (out.n + 3 <= max)
			fits = out.n;
		if (s.p[i] >= ' ' && s.p[i] <= '~')
			str_addc(&out, (char)s.p[i]);
		else
			str_addf(&out, "\\x%02x", s.p[i]);
	}
	if (out.n > max && str_check(&out) == 0) {
		struct str cut = STR_INIT;

		str_addn(&cut, out.p, fits);
		str_add(&cut, "...");
		str_clear(&out);
		out = cut;
	}
	return str_take(&out, &text) == 0 ? text : NULL;
}

/* SPDX-License-Identifier: ISC */
#include "lib/tlog/tile.h"

#include <stdio.h>
#include <string.h>

#define ENTRY_MAX  65535
#define GROUPS_MAX 7 /* of three digits, in 64 bits */

/* The number of a tile in groups of three digits, all but the last with x. */
static void
put_index(uint64_t index, char *out, size_t room)
{
	unsigned groups[GROUPS_MAX], n = 0;
	size_t at = 0;

	do {
		groups[n++] = (unsigned)(index % 1000);
		index /= 1000;
	} while (index != 0);
	while (n-- > 0)
		at += (size_t)snprintf(out + at, room - at,
		    n > 0 ? "x%03u/" : "%03u", groups[n]);
}

void
tile_path(const struct tile *t, char out[TILE_PATH_MAX])
{
	char index[5 * GROUPS_MAX];
	int n;

	put_index(t->index, index, sizeof(index));
	if (t->level == TILE_ENTRIES)
		n = snprintf(out, TILE_PATH_MAX, "tile/entries/%s", index);
	else
		n = snprintf(out, TILE_PATH_MAX, "tile/%u/%s", t->level % 64,
		    index);
	if (t->width < TILE_WIDTH)
		(void)snprintf(out + n, TILE_PATH_MAX - (size_t)n, ".p/%u",
		    t->width % TILE_WIDTH);
}

/* Up to max digits; the number of them, 0 where there is none. */
static size_t
get_digits(const char *s, size_t max, unsigned *out)
{
	size_t n = 0;

	for (*out = 0; n < max && s[n] >= '0' && s[n] <= '9'; n++)
		*out = *out * 10 + (unsigned)(s[n] - '0');
	return n;
}

static const char *
get_index(const char *s, uint64_t *out)
{
	bool more = true;

	for (*out = 0; more; s += 3) {
		unsigned group;

		if ((more = *s == 'x'))
			s++;
		if (get_digits(s, 3, &group) != 3 ||
		    *out > (UINT64_MAX - group) / 1000)
			return NULL;
		*out = *out * 1000 + group;
		if (more && s[3] != '/')
			return NULL;
		if (more)
			s++;
	}
	return s;
}

int
tile_parse_path(const char *path, struct tile *out)
{
	struct tile t = {.width = TILE_WIDTH};
	char again[TILE_PATH_MAX];
	const char *s = path;
	size_t n;

	if (strlen(path) >= TILE_PATH_MAX || strncmp(s, "tile/", 5) != 0)
		return ERR_PARSE;
	s += 5;
	if (strncmp(s, "entries/", 8) == 0) {
		t.level = TILE_ENTRIES;
		s += 8;
	} else {
		n = get_digits(s, 2, &t.level);
		if (n == 0 || s[n] != '/' || t.level > 63)
			return ERR_PARSE;
		s += n + 1;
	}
	if ((s = get_index(s, &t.index)) == NULL)
		return ERR_PARSE;
	if (strncmp(s, ".p/", 3) == 0) {
		n = get_digits(s + 3, 3, &t.width);
		if (n == 0 || t.width == 0 || t.width >= TILE_WIDTH)
			return ERR_PARSE;
		s += 3 + n;
	}
	/* What is left to refuse are zeros in front and bytes behind. */
	tile_path(&t, again);
	if (*s != '\0' || strcmp(again, path) != 0)
		return ERR_PARSE;
	*out = t;
	return 0;
}

unsigned
tile_width(unsigned level, uint64_t index, uint64_t size)
{
	uint64_t n, full;

	if (level == TILE_ENTRIES)
		level = 0;
	n = level >= 8 ? 0 : size >> (8 * level);
	full = n / TILE_WIDTH;
	if (index < full)
		return TILE_WIDTH;
	return index == full ? (unsigned)(n % TILE_WIDTH) : 0;
}

unsigned
tile_levels(uint64_t size)
{
	unsigned n = 0;

	for (; size != 0; size >>= 8)
		n++;
	return n;
}

int
entries_put(struct buf *b, struct slice entry)
{
	size_t before = buf_len(b);
	int r;

	if (entry.n > ENTRY_MAX)
		return ERR_LIMIT;
	if ((r = buf_put_u16(b, (uint16_t)entry.n)) == 0 &&
	    (r = buf_put_slice(b, entry)) != 0)
		buf_truncate(b, before);
	return r;
}

int
entries_get(struct view *v, struct slice *out)
{
	struct view ahead = *v;
	uint16_t n;
	int r;

	if ((r = view_get_u16(&ahead, &n)) != 0 ||
	    (r = view_get(&ahead, n, out)) != 0)
		return r;
	*v = ahead;
	return 0;
}

/* SPDX-License-Identifier: ISC */
#include "ca/daemon/tar.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

#define BLOCK 512

struct header { /* all of it text: numbers are octal and end with NUL */
	char name[100];
	char mode[8], uid[8], gid[8];
	char size[12], mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6], version[2];
	char user[32], group[32];
	char major[8], minor[8];
	char prefix[155];
	char rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

static unsigned
sum_of(const struct header *h)
{
	const unsigned char *p = (const unsigned char *)h;
	unsigned sum = 0;

	/* The field itself counts as blanks. */
	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= offsetof(struct header, checksum) &&
			i < offsetof(struct header, type)
		    ? ' '
		    : p[i];
	return sum;
}

/* One rule for both directions: what is written can be read. */
static bool
path_is_safe(const char *path)
{
	const char *part = path;

	for (const char *p = path; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	for (;;) {
		size_t n = strcspn(part, "/");

		if (n == 0 || (n == 1 && part[0] == '.') ||
		    (n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		if (part[n] == '\0')
			return true;
		part += n + 1;
	}
}

/* --- writing -------------------------------------------------------------- */

/* Where to cut a path so that both parts fit; NULL: nowhere. */
static const char *
cut_path(const char *path)
{
	size_t n = strlen(path);

	if (n <= sizeof(((struct header *)0)->name))
		return path;
	for (const char *p = strchr(path, '/'); p != NULL;
	     p = strchr(p + 1, '/'))
		if ((size_t)(p - path) <= 155 && strlen(p + 1) <= 100)
			return p + 1;
	return NULL;
}

static void
octal(char *to, size_t n, uint64_t v)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%0*llo", (int)n - 1,
	    (unsigned long long)v);
	memcpy(to, text, n);
}

static int
put_header(struct buf *b, const char *path, unsigned mode, int64_t mtime,
    size_t size)
{
	const char *name = cut_path(path);
	struct header h;
	char sum[16];

	if (name == NULL || strlen(path) > TAR_PATH_MAX ||
	    size >= (UINT64_C(1) << 33))
		return ERR_LIMIT;
	memset(&h, 0, sizeof(h));
	memcpy(h.name, name, strlen(name));
	if (name != path)
		memcpy(h.prefix, path, (size_t)(name - path) - 1);
	octal(h.mode, sizeof(h.mode), mode & 0777);
	octal(h.uid, sizeof(h.uid), 0);
	octal(h.gid, sizeof(h.gid), 0);
	octal(h.size, sizeof(h.size), size);
	octal(h.mtime, sizeof(h.mtime), mtime > 0 ? (uint64_t)mtime : 0);
	h.type = '0';
	memcpy(h.magic, "ustar", 6);
	memcpy(h.version, "00", 2);
	(void)snprintf(sum, sizeof(sum), "%06o", sum_of(&h));
	memcpy(h.checksum, sum, 6);
	h.checksum[6] = '\0';
	h.checksum[7] = ' ';
	return buf_put(b, &h, sizeof(h));
}

static int
pad(struct buf *b, size_t n)
{
	uint8_t *at;

	return n == 0 ? 0 : buf_reserve(b, n, &at);
}

int
tar_add(struct buf *b, const char *path, unsigned mode, int64_t mtime,
    struct slice data)
{
	size_t before = buf_len(b);
	int r;

	if (!path_is_safe(path))
		return ERR_PARSE;
	if ((r = put_header(b, path, mode, mtime, data.n)) == 0 &&
	    (r = buf_put_slice(b, data)) == 0)
		r = pad(b, (BLOCK - data.n % BLOCK) % BLOCK);
	if (r != 0)
		buf_truncate(b, before);
	return r;
}

int
tar_end(struct buf *b)
{
	return pad(b, (size_t)2 * BLOCK);
}

/* --- reading -------------------------------------------------------------- */

/* Octal digits, then NUL or a blank or the field's end. */
static bool
read_octal(const char *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;
	size_t i = 0;

	while (i < n && p[i] >= '0' && p[i] <= '7')
		v = v * 8 + (uint64_t)(p[i++] - '0');
	if (i == 0 || (i < n && p[i] != '\0' && p[i] != ' '))
		return false;
	*out = v;
	return true;
}

static bool
is_zero(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != 0)
			return false;
	return true;
}

static int
read_path(const struct header *h, struct tar_entry *out, struct err *e)
{
	size_t prefix = strnlen(h->prefix, sizeof(h->prefix));
	char quoted[QUOTE_MAX];

	(void)snprintf(out->path, sizeof(out->path), "%.*s%s%.*s", (int)prefix,
	    h->prefix, prefix > 0 ? "/" : "",
	    (int)strnlen(h->name, sizeof(h->name)), h->name);
	if (path_is_safe(out->path))
		return 0;
	return err_set(e, ERR_PARSE,
	    "%s is no path that a backup has: relative, without '..'",
	    str_quote(quoted, out->path));
}

static int
read_header(const struct header *h, struct tar_entry *out, uint64_t *size,
    struct err *e)
{
	char quoted[QUOTE_MAX];
	uint64_t sum, mode;
	int r;

	if (memcmp(h->magic, "ustar", 6) != 0 ||
	    !read_octal(h->checksum, sizeof(h->checksum), &sum) ||
	    sum != sum_of(h) || !read_octal(h->mode, sizeof(h->mode), &mode) ||
	    !read_octal(h->size, sizeof(h->size), size))
		return err_set(e, ERR_PARSE,
		    "not a ustar archive, or it is damaged");
	if ((r = read_path(h, out, e)) != 0)
		return r;
	if (h->type != '0' && h->type != '\0')
		return err_set(e, ERR_PARSE,
		    "%s is no regular file, expected nothing else",
		    str_quote(quoted, out->path));
	out->mode = (unsigned)mode & 0777;
	return 0;
}

int
tar_next(struct view *v, struct tar_entry *out, struct err *e)
{
	struct slice block, padding;
	struct header h;
	uint64_t size = 0;
	int r;

	if (view_get(v, BLOCK, &block) != 0)
		return err_set(e, ERR_PARSE, "the archive is cut short");
	if (is_zero(block)) {
		if (!is_zero(slice_of(v->p, v->n)))
			return err_set(e, ERR_PARSE,
			    "something follows the archive's end");
		return TAR_END;
	}
	memcpy(&h, block.p, sizeof(h));
	if ((r = read_header(&h, out, &size, e)) != 0)
		return r;
	if (size > v->n || view_get(v, (size_t)size, &out->data) != 0 ||
	    view_get(v, (size_t)((BLOCK - size % BLOCK) % BLOCK), &padding) !=
		0)
		return err_set(e, ERR_PARSE, "the archive is cut short");
	return 0;
}

/* SPDX-License-Identifier: ISC */
#include "lib/net/dest.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

static const char alnum[] = "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/* Nothing but alnum and these, and not an option. */
static bool
is_word(const char *p, size_t n, const char *also)
{
	if (n == 0 || p[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (strchr(alnum, p[i]) == NULL && strchr(also, p[i]) == NULL)
			return false;
	return true;
}

void
dest_clear(struct dest *d)
{
	free(d->user);
	free(d->host);
	memset(d, 0, sizeof(*d));
}

static int
refuse(const char *text, struct err *e)
{
	char quoted[QUOTE_MAX];

	return err_set(e, ERR_PARSE,
	    "%s is no address, expected HOST, USER@HOST, HOST:PORT or "
	    "ssh://USER@HOST:PORT",
	    str_quote(quoted, text));
}

/* HOST, [V6] or a bare V6: where it ends, and what follows. */
static bool
split_host(const char *p, const char **host, size_t *n, const char **rest)
{
	const char *end = strchr(p, ']'), *colon = strchr(p, ':');

	if (p[0] == '[') {
		if (end == NULL ||
		    !is_word(p + 1, (size_t)(end - p - 1), ":.%"))
			return false;
		*host = p + 1;
		*n = (size_t)(end - p - 1);
		*rest = end + 1;
		return true;
	}
	*host = p;
	if (colon != NULL && strchr(colon + 1, ':') != NULL) {
		*n = strlen(p);
		*rest = p + *n;
		return is_word(p, *n, ":.%");
	}
	*n = colon != NULL ? (size_t)(colon - p) : strlen(p);
	*rest = p + *n;
	return is_word(p, *n, "._-");
}

int
dest_parse(const char *text, struct dest *out, struct err *e)
{
	const char *p = text, *at, *host, *rest;
	struct dest d = {0};
	uint64_t port = 0;
	size_t n;

	if (strlen(text) > DEST_MAX)
		return err_set(e, ERR_LIMIT, "an address has at most %d bytes",
		    DEST_MAX);
	if (strncmp(p, "ssh://", 6) == 0) {
		p += 6;
		if ((n = strlen(p)) > 0 && p[n - 1] == '/')
			return refuse(text, e);
	}
	at = strrchr(p, '@');
	if (at != NULL && !is_word(p, (size_t)(at - p), "._-+@"))
		return refuse(text, e);
	if (!split_host(at != NULL ? at + 1 : p, &host, &n, &rest))
		return refuse(text, e);
	if (*rest != '\0' &&
	    (*rest != ':' || parse_u64(rest + 1, 1, 65535, &port) != 0))
		return refuse(text, e);
	d.port = (unsigned)port;
	if ((d.host = str_dupn(host, n)) == NULL ||
	    (at != NULL && (d.user = str_dupn(p, (size_t)(at - p))) == NULL)) {
		dest_clear(&d);
		return err_nomem(e);
	}
	*out = d;
	return 0;
}

int
dest_listen(const char *text, char **host, uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	size_t n;
	uint64_t v;

	if (colon == NULL || parse_u64(colon + 1, 1, 65535, &v) != 0)
		return ERR_PARSE;
	n = (size_t)(colon - text);
	if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	} else if (n == 0 || strcspn(text, ":[]") < n) {
		return ERR_PARSE;
	}
	if ((*host = str_dupn(text, n)) == NULL)
		return ERR_NOMEM;
	*port = (uint16_t)v;
	return 0;
}

/* SPDX-License-Identifier: ISC */
/* The public calls: check what comes in, then leave it to the kind of store. */
#include "lib/blob/blob.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/blob/ops.h"

static bool
key_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
	    c == '/';
}

static bool
part_ok(const char *p, size_t n)
{
	return n > 0 && !(n == 1 && p[0] == '.') &&
	    !(n == 2 && p[0] == '.' && p[1] == '.');
}

int
blob_key_check(const char *key)
{
	const char *part = key, *p;

	if (strnlen(key, BLOB_KEY_MAX + 1) > BLOB_KEY_MAX)
		return ERR_PARSE;
	for (p = key;; p++) {
		if (*p == '/' || *p == '\0') {
			if (!part_ok(part, (size_t)(p - part)))
				return ERR_PARSE;
			if (*p == '\0')
				return 0;
			part = p + 1;
		} else if (!key_char(*p)) {
			return ERR_PARSE;
		}
	}
}

static int
key_refused(const char *key, struct err *e)
{
	char q[QUOTE_MAX];

	return err_set(e, ERR_PARSE,
	    "%s is not an object key, expected parts of [A-Za-z0-9._-] "
	    "joined by '/', at most %d bytes",
	    str_quote(q, key), BLOB_KEY_MAX);
}

/* A listing may begin in the middle of a name, so a prefix is not a key. */
static bool
prefix_ok(const char *prefix)
{
	size_t n = strnlen(prefix, BLOB_KEY_MAX + 1);

	if (n > BLOB_KEY_MAX || prefix[0] == '/' ||
	    strstr(prefix, "//") != NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!key_char(prefix[i]))
			return false;
	for (const char *p = prefix, *slash; (slash = strchr(p, '/')) != NULL;
	     p = slash + 1)
		if (!part_ok(p, (size_t)(slash - p)))
			return false;
	return true;
}

int
blob_open(const char *url, const struct blob_config *config,
    struct blob_store **out, struct err *e)
{
	static const struct blob_config defaults;
	struct blob_store *s = NULL;
	char q[QUOTE_MAX];
	int r;

	if (config == NULL)
		config = &defaults;
	if (strncmp(url, "s3://", 5) == 0)
		r = s3_open(url + 5, config, &s, e);
	else if (strncmp(url, "dir:", 4) == 0)
		r = dir_open(url + 4, &s, e);
	else if (url[0] == '\0' || strstr(url, "://") != NULL)
		r = err_set(e, ERR_PARSE,
		    "%s is not a store, expected dir:PATH or "
		    "s3://BUCKET[/PREFIX]",
		    str_quote(q, url));
	else
		r = dir_open(url, &s, e);
	if (r != 0)
		return r;
	if ((s->url = str_dup(url)) == NULL) {
		blob_close(s);
		return err_nomem(e);
	}
	*out = s;
	return 0;
}

void
blob_close(struct blob_store *s)
{
	if (s == NULL)
		return;
	s->ops->close(s);
	free(s->url);
	free(s);
}

const char *
blob_url(const struct blob_store *s)
{
	return s->url;
}

bool
blob_is_remote(const struct blob_store *s)
{
	return s->remote;
}

int
blob_probe(struct blob_store *s, struct err *e)
{
	return s->ops->probe(s, e);
}

int
blob_put_many(struct blob_store *s, struct blob_item *items, size_t n,
    struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (blob_key_check(items[i].key) != 0)
			return key_refused(items[i].key, e);
		if (items[i].data.n > BLOB_OBJECT_MAX)
			return err_set(e, ERR_LIMIT,
			    "object '%s' has %zu bytes, at most %d are stored",
			    items[i].key, items[i].data.n, BLOB_OBJECT_MAX);
		items[i].result = s->remote ? ERR_NET : ERR_SYS;
	}
	return n == 0 ? 0 : s->ops->put_many(s, items, n, e);
}

int
blob_put(struct blob_store *s, const char *key, struct slice data,
    unsigned flags, struct err *e)
{
	struct blob_item it = {.key = key, .data = data, .flags = flags};
	int r = blob_put_many(s, &it, 1, e);

	return r != 0 ? r : it.result;
}

int
blob_get(struct blob_store *s, const char *key, size_t max, uint8_t **out,
    size_t *n, struct err *e)
{
	if (blob_key_check(key) != 0)
		return key_refused(key, e);
	return s->ops->get(s, key, NULL, max, out, n, e);
}

int
blob_get_version(struct blob_store *s, const char *key, const char *version,
    size_t max, uint8_t **out, size_t *n, struct err *e)
{
	if (blob_key_check(key) != 0)
		return key_refused(key, e);
	return s->ops->get(s, key, version, max, out, n, e);
}

int
blob_exists(struct blob_store *s, const char *key, struct err *e)
{
	if (blob_key_check(key) != 0)
		return key_refused(key, e);
	return s->ops->exists(s, key, e);
}

int
blob_list(struct blob_store *s, const char *prefix,
    int (*each)(void *ctx, const struct blob_info *info), void *ctx,
    struct err *e)
{
	char q[QUOTE_MAX];

	if (!prefix_ok(prefix))
		return err_set(e, ERR_PARSE,
		    "%s is not the beginning of an object key",
		    str_quote(q, prefix));
	return s->ops->list(s, prefix, each, ctx, e);
}

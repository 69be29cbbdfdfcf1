/* SPDX-License-Identifier: ISC */
/* Diffs stay on their hosts: asked for when somebody wants to see one. */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_calls.h"
#include "agent/master/mk_impl.h"
#include "lib/crypto/random.h"

#define DIFF_MAX (768 * 1024) /* bytes of one */

void
mk_ask_free(struct mk *k, struct mk_ask *a)
{
	if (a->call != NULL)
		a->call->ask = NULL;
	TAILQ_REMOVE(&a->host->asks, a, link);
	TAILQ_REMOVE(&k->asks, a, all);
	mk_dirty(k, a->host);
	free(a);
}

void
mk_asks_sweep(struct mk *k)
{
	struct err e = {0};
	struct mk_ask *a;

	/* The oldest first, and each waits as long. */
	while ((a = TAILQ_FIRST(&k->asks)) != NULL &&
	    k->now_ms >= a->until_ms) {
		struct mk_call *c = a->call;

		(void)err_set(&e, ERR_NET, "%s has not answered within %d s",
		    a->host->id, MK_ASK_SECS);
		mk_ask_free(k, a);
		if (c != NULL)
			mk_call_fail(k, c, &e);
	}
}

int
mk_show_diff(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	const char *host = NULL;
	struct mk_host *h;
	struct mk_ask *a;
	uint8_t id[16];
	struct hash diff;
	size_t n = 0;
	int r;

	(void)out;
	if ((r = json_str(c->args, "host", 0, ID_MAX, &host, e)) != 0 ||
	    (r = json_hex(c->args, "hash", 0, diff.b, HASH_LEN, e)) != 0)
		return r;
	if ((h = board_find(&k->board, host)) == NULL || mk_row(k, h) == NULL)
		return err_set(e, ERR_NOTFOUND, "there is no such host");
	if (h->attend == NULL)
		return err_set(e, ERR_NET, "%s is not connected", h->id);
	TAILQ_FOREACH (a, &h->asks, link)
		n++;
	if (n >= MK_ASKS_MAX)
		return err_set(e, ERR_BUSY, "%zu diffs are asked of %s already",
		    n, h->id);
	if ((a = calloc(1, sizeof(*a))) == NULL)
		return err_nomem(e);
	random_bytes(id, sizeof(id));
	hex_encode(id, sizeof(id), a->id);
	a->diff = diff;
	a->host = h;
	a->call = c;
	a->until_ms = k->now_ms + MK_ASK_SECS * 1000;
	c->ask = a;
	TAILQ_INSERT_TAIL(&h->asks, a, link);
	TAILQ_INSERT_TAIL(&k->asks, a, all);
	mk_dirty(k, h);
	return MK_LATER;
}

/* The person's call ends with what its host says. */
static void
pass_on(struct mk *k, struct mk_ask *a, const char *text, const char *error)
{
	struct mk_call *c = a->call;
	struct str s = STR_INIT;
	struct err e = {0};
	struct jw w;

	mk_ask_free(k, a);
	if (c == NULL)
		return;
	if (text == NULL) {
		(void)err_set(&e, ERR_NOTFOUND, "%s", error);
		mk_call_fail(k, c, &e);
		return;
	}
	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "text", text);
	jw_end(&w, '}');
	mk_call_end(k, c, 0, &s);
	str_clear(&s);
}

/* A diff has lines: it is UTF-8 without other control characters. */
static int
read_text(struct mk_call *c, const char **out, struct err *e)
{
	const json_t *t = json_object_get(c->args, "text");
	const char *p;
	size_t n;

	*out = NULL;
	if (t == NULL)
		return 0;
	if (!json_is_string(t))
		return err_set(e, ERR_PARSE, "'text' is no text");
	p = json_string_value(t);
	n = json_string_length(t);
	if (n > DIFF_MAX)
		return err_set(e, ERR_LIMIT, "'text' has more than %d bytes",
		    DIFF_MAX);
	while (n > 0) {
		size_t line = strcspn(p, "\n\t");

		if (!text_is_clean(p, line, NULL))
			return err_set(e, ERR_PARSE, "'text' is not clean");
		p += line + (line < n);
		n -= line + (line < n);
	}
	*out = json_string_value(t);
	return 0;
}

int
mk_diff(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	const char *id = NULL, *text = NULL, *error = NULL;
	struct mk_ask *a;
	int r;

	if ((r = json_str(c->args, "id", 0, 32, &id, e)) != 0 ||
	    (r = json_str(c->args, "error", JSON_OPTIONAL, 1024, &error, e)) !=
		0 ||
	    (r = read_text(c, &text, e)) != 0)
		return r;
	if ((text == NULL) == (error == NULL))
		return err_set(e, ERR_PARSE,
		    "expected one of 'text' and 'error'");
	TAILQ_FOREACH (a, &c->host->asks, link)
		if (strcmp(a->id, id) == 0)
			break;
	if (a == NULL)
		return err_set(e, ERR_NOTFOUND, "nobody asked %s for that",
		    c->host->id);
	pass_on(k, a, text, error);
	str_add(out, "{}");
	return 0;
}

/* SPDX-License-Identifier: ISC */
#include "lib/notify/notice.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"

void
notice_init(struct notice *n)
{
	memset(n, 0, sizeof(*n));
}

void
notice_clear(struct notice *n)
{
	char *texts[] = {n->kind, n->id, n->person, n->grant, n->reason,
	    n->ticket, n->text, n->how};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
	strs_clear(&n->to);
	strs_clear(&n->groups);
	strs_clear(&n->principals);
	notice_init(n);
}

bool
notice_kind_is_valid(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz_-");

	return s[n] == '\0' && n > 0 && n <= NOTICE_KIND_MAX;
}

static const char *const known[] = {"kind", "id", "to", "groups", "person",
    "grant", "principals", "reason", "ticket", "text", "how"};

static int
check_words(const struct notice *n, struct err *e)
{
	char quoted[QUOTE_MAX];

	if (!notice_kind_is_valid(n->kind))
		return err_set(e, ERR_PARSE,
		    "'kind' is %s, expected a word such as waiting",
		    str_quote(quoted, n->kind));
	if (n->person != NULL && !id_is_valid(n->person))
		return err_set(e, ERR_PARSE, "'person' is %s, expected an id",
		    str_quote(quoted, n->person));
	for (size_t i = 0; i < n->to.n; i++)
		if (!id_is_valid(n->to.v[i]))
			return err_set(e, ERR_PARSE,
			    "'to' has %s, expected ids of persons",
			    str_quote(quoted, n->to.v[i]));
	return 0;
}

int
notice_parse(struct slice json, struct notice *out, struct err *e)
{
	const unsigned may = JSON_OPTIONAL | JSON_EMPTY_OK;
	struct notice n;
	json_t *o = NULL;
	int r;

	notice_init(&n);
	if ((r = json_read(json, NOTICE_MAX, &o, e)) != 0 ||
	    (r = json_known(o, known, sizeof(known) / sizeof(known[0]), e)) !=
		0 ||
	    (r = json_strdup(o, "kind", 0, NOTICE_KIND_MAX, &n.kind, e)) != 0 ||
	    (r = json_strdup(o, "id", 0, 128, &n.id, e)) != 0 ||
	    (r = json_strs(o, "to", JSON_EMPTY_OK, NOTICE_TO_MAX, ID_MAX, &n.to,
		 e)) != 0 ||
	    (r = json_strs(o, "groups", may, 64, ID_MAX, &n.groups, e)) != 0 ||
	    (r = json_strdup(o, "person", JSON_OPTIONAL, ID_MAX, &n.person,
		 e)) != 0 ||
	    (r = json_strdup(o, "grant", JSON_OPTIONAL, 256, &n.grant, e)) !=
		0 ||
	    (r = json_strs(o, "principals", may, 1000, 1024, &n.principals,
		 e)) != 0 ||
	    (r = json_strdup(o, "reason", may, NOTICE_TEXT_MAX, &n.reason,
		 e)) != 0 ||
	    (r = json_strdup(o, "ticket", may, NOTICE_TEXT_MAX, &n.ticket,
		 e)) != 0 ||
	    (r = json_strdup(o, "text", 0, NOTICE_TEXT_MAX, &n.text, e)) != 0 ||
	    (r = json_strdup(o, "how", may, NOTICE_TEXT_MAX, &n.how, e)) != 0 ||
	    (r = check_words(&n, e)) != 0) {
		err_prefix(e, "notice");
		goto out;
	}
	*out = n;
	notice_init(&n);
out:
	notice_clear(&n);
	json_decref(o);
	return r;
}

static void
add_text(struct jw *w, const char *key, const char *v)
{
	if (v != NULL && v[0] != '\0')
		jw_str(w, key, v);
}

static void
add_list(struct jw *w, const char *key, const struct strs *l)
{
	if (l->n > 0)
		jw_strs(w, key, l);
}

void
notice_encode(const struct notice *n, const struct strs *to, struct str *out)
{
	struct jw w;

	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_int(&w, "v", 1);
	jw_str(&w, "kind", n->kind);
	jw_str(&w, "id", n->id);
	jw_strs(&w, "to", to);
	add_list(&w, "groups", &n->groups);
	add_text(&w, "person", n->person);
	add_text(&w, "grant", n->grant);
	add_list(&w, "principals", &n->principals);
	add_text(&w, "reason", n->reason);
	add_text(&w, "ticket", n->ticket);
	jw_str(&w, "text", n->text);
	add_text(&w, "how", n->how);
	jw_end(&w, '}');
}

static int
dup_text(const char *from, char **to)
{
	if (from == NULL)
		return 0;
	return (*to = str_dup(from)) != NULL ? 0 : ERR_NOMEM;
}

int
notice_dup(const struct notice *from, struct notice *out)
{
	struct notice n;
	int r;

	notice_init(&n);
	if ((r = dup_text(from->kind, &n.kind)) != 0 ||
	    (r = dup_text(from->id, &n.id)) != 0 ||
	    (r = dup_text(from->person, &n.person)) != 0 ||
	    (r = dup_text(from->grant, &n.grant)) != 0 ||
	    (r = dup_text(from->reason, &n.reason)) != 0 ||
	    (r = dup_text(from->ticket, &n.ticket)) != 0 ||
	    (r = dup_text(from->text, &n.text)) != 0 ||
	    (r = dup_text(from->how, &n.how)) != 0 ||
	    (r = strs_dup(&from->to, &n.to)) != 0 ||
	    (r = strs_dup(&from->groups, &n.groups)) != 0 ||
	    (r = strs_dup(&from->principals, &n.principals)) != 0) {
		notice_clear(&n);
		return r;
	}
	*out = n;
	return 0;
}

void
told_encode(const struct told *t, struct str *out)
{
	struct jw w;

	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "id", t->id);
	jw_str(&w, "person", t->person);
	jw_str(&w, "how", t->how);
	jw_bool(&w, "sent", t->sent);
	if (!t->sent && t->error != NULL && t->error[0] != '\0')
		jw_str(&w, "error", t->error);
	jw_end(&w, '}');
}

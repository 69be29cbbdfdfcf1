/* SPDX-License-Identifier: ISC */
/*
 * What is wanted of sshd, and looking at a host for it.
 */
#include "agent/states/sshd_want.h"

#include <stdlib.h>
#include <string.h>

void
sshd_block_clear(struct sshd_block *b)
{
	for (size_t i = 0; i < b->n; i++)
		strs_clear(&b->v[i].values);
	free(b->v);
	strs_clear(&b->when);
	*b = (struct sshd_block){0};
}

void
sshd_want_clear(struct sshd_want *w)
{
	sshd_block_clear(&w->all);
	for (size_t i = 0; i < w->n_match; i++)
		sshd_block_clear(&w->match[i]);
	free(w->match);
	*w = (struct sshd_want){0};
}

const struct sshd_setting *
sshd_block_find(const struct sshd_block *b, const struct sshd_word *word)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].word == word)
			return &b->v[i];
	return NULL;
}

int
sshd_want_add(struct sshd_want *w, const char *name, const char *value)
{
	const struct sshd_word *word = sshd_word(name);
	struct sshd_block *b = &w->all;
	int r;

	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].word == word)
			return strs_add(&b->v[i].values, value);
	if ((r = vec_grow(&b->v, b->n, &b->cap, SSHD_VALUES_MAX)) != 0)
		return r;
	b->v[b->n] = (struct sshd_setting){.word = word};
	if ((r = strs_add(&b->v[b->n].values, value)) != 0) {
		strs_clear(&b->v[b->n].values);
		return r;
	}
	b->n++;
	return 0;
}

bool
sshd_is_ours(const char *file)
{
	return strcmp(file, SSHD_OURS_CONFIG) == 0 ||
	    strcmp(file, SSHD_OURS_CA) == 0;
}

/* --- looking ------------------------------------------------------------- */
/* Is name one of the lines of text? */
static bool
is_line(const char *text, const char *name, size_t n)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (len == n && strncmp(text, name, n) == 0)
			return true;
		text += len + (text[len] == '\n');
	}
	return false;
}

static int
add_unknown(struct sshd_seen *s, const struct sshd_setting *set,
    const char *name, size_t n)
{
	struct str text = STR_INIT;
	char quoted[QUOTE_MAX];
	int r;

	if (set->pos.file != NULL)
		str_addf(&text, "%s:%u:%u: ", set->pos.file, set->pos.line,
		    set->pos.col);
	str_addf(&text, "%s: %s is not known to this sshd (%s)",
	    set->word->name, str_quoten(quoted, name, n),
	    s->version_text != NULL ? s->version_text : "of unknown version");
	if ((r = str_check(&text)) == 0)
		r = strs_add(&s->unknown, text.p);
	str_clear(&text);
	return r;
}

/* The names of a list of algorithms against `ssh -Q`, which is of the same
 * release: sshd itself has no such question. */
static int
look_algorithms(struct host *h, const struct sshd_setting *set,
    struct sshd_seen *s, struct err *e)
{
	const char *const argv[] = {"ssh", "-Q", set->word->query, NULL};
	const char *p = set->values.v[0];
	struct child_result got = {0};
	struct err why = {0};
	int r;

	/* Without the client nobody can tell before `sshd -t`. */
	if ((r = host_run(h, argv, slice_str(""), &got, &why)) == ERR_NOTFOUND)
		return 0;
	if (r != 0)
		return err_set(e, r, "%s", why.msg);
	if (got.status != 0) /* a release without that question */
		p = "";
	p += strspn(p, "+-^");
	while (r == 0 && *p != '\0') {
		size_t n = strcspn(p, ",");

		if (memchr(p, '*', n) == NULL && memchr(p, '?', n) == NULL &&
		    !is_line(got.out, p, n) && add_unknown(s, set, p, n) != 0)
			r = err_nomem(e);
		p += n + (p[n] == ',');
	}
	child_result_clear(&got);
	return r;
}

static int
look_block(struct host *h, const struct sshd_block *b, struct sshd_seen *s,
    struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->n; i++) {
		const struct sshd_setting *set = &b->v[i];

		if (s->version != 0 && set->word->since > s->version) {
			if (add_unknown(s, set, set->word->name,
				strlen(set->word->name)) != 0)
				r = err_nomem(e);
		} else if (set->word->query != NULL) {
			r = look_algorithms(h, set, s, e);
		}
	}
	return r;
}

int
sshd_want_look(struct host *h, const struct state_env *env, const char *own,
    const struct sshd_want *w, struct sshd_seen *out, struct err *e)
{
	const struct strs *whens[SSHD_BLOCKS_MAX];
	struct sshd_seen s = {0};
	int r;

	for (size_t i = 0; i < w->n_match; i++)
		whens[i] = &w->match[i].when;
	if ((r = sshd_look(h, env, own, (struct sshd_whens){whens, w->n_match},
		 &s, e)) != 0)
		return r;
	if (s.installed) {
		r = look_block(h, &w->all, &s, e);
		for (size_t i = 0; r == 0 && i < w->n_match; i++)
			r = look_block(h, &w->match[i], &s, e);
	}
	if (r != 0) {
		sshd_seen_clear(&s);
		return r;
	}
	*out = s;
	return 0;
}

int
sshd_sign(struct host *h, const char *own, struct str *out, struct err *e)
{
	static const char *const always[] = {SSHD_PROGRAM, SSHD_DEFAULTS,
	    "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", SSHD_DIR,
	    SSHD_OURS_CONFIG, SSHD_OURS_CA};
	char defaults[HOST_PATH_MAX + 1];
	struct sshd_tree t = {0};
	int r;

	if ((r = host_resolve(h, SSHD_DEFAULTS, true, defaults, e)) != 0 ||
	    (r = sshd_tree_read(h, own, &t, e)) != 0)
		return r;
	if (t.unread.n > 0 || t.odd != NULL) {
		sshd_tree_clear(&t);
		return 1;
	}
	r = state_sign_path(h, defaults, out, e);
	for (size_t i = 0; r == 0 && i < sizeof(always) / sizeof(*always); i++)
		r = state_sign_path(h, always[i], out, e);
	for (size_t i = 0; r == 0 && i < t.files.n; i++)
		r = state_sign_path(h, t.files.v[i], out, e);
	for (size_t i = 0; r == 0 && i < t.linked.n; i++)
		r = state_sign_path(h, t.linked.v[i], out, e);
	sshd_tree_clear(&t);
	return r;
}

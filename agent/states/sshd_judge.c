/* SPDX-License-Identifier: ISC */
/*
 * What is wanted against what sshd says, class by class.
 */
#include "agent/states/sshd_want.h"

#include <stdlib.h>
#include <string.h>

const struct sshd_entry *
sshd_winner(const struct sshd_tree *t, const struct sshd_word *word,
    const struct sshd_class *c)
{
	const struct sshd_entry *all = NULL;

	for (size_t i = 0; i < t->n; i++) {
		const struct sshd_entry *x = &t->v[i];

		if (x->word != word)
			continue;
		if (x->match != 0 && sshd_match_holds(t, x->match, c))
			return x;
		if (x->match == 0 && all == NULL)
			all = x;
	}
	return all;
}

static int
add_values(const struct sshd_setting *s, struct strs *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && s != NULL && i < s->values.n; i++)
		if (!strs_has(out, s->values.v[i]))
			r = strs_add(out, s->values.v[i]);
	return r;
}

/* What a class should have: *known false where the state does not say. */
static int
expected(const struct sshd_want *w, const struct sshd_word *word,
    const struct sshd_class *c, struct strs *out, bool *known)
{
	bool adds = (word->flags & SSHD_ADDS) != 0;
	const struct sshd_setting *s;
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n_match; i++) {
		if (!sshd_when_holds(&w->match[i].when, c) ||
		    (s = sshd_block_find(&w->match[i], word)) == NULL)
			continue;
		r = add_values(s, out);
		if (!adds)
			goto done;
	}
	if (r == 0)
		r = add_values(sshd_block_find(&w->all, word), out);
done:
	*known = out->n > 0;
	return r;
}

/* One keyword over all classes. */
struct verdict {
	const struct sshd_want *w;
	const struct sshd_seen *s;
	const struct sshd_word *word;
	struct strs texts; /* what is (not) so ... */
	struct strs names; /* ... and for which classes */
	size_t classes;    /* that are asked, and the keyword is said for */
};

static void
verdict_clear(struct verdict *v)
{
	strs_clear(&v->texts);
	strs_clear(&v->names);
}

/* text moves into the list, or class joins those that have it. */
static int
note(struct verdict *v, struct str *text, const char *class)
{
	struct str names = STR_INIT;
	int r = str_check(text);

	for (size_t i = 0; r == 0 && i < v->texts.n; i++) {
		if (strcmp(v->texts.v[i], text->p) != 0)
			continue;
		str_addf(&names, "%s, %s", v->names.v[i], class);
		free(v->names.v[i]);
		v->names.v[i] = NULL;
		return str_take(&names, &v->names.v[i]);
	}
	if (r == 0 && (r = strs_add(&v->texts, text->p)) == 0)
		r = strs_add(&v->names, class);
	return r;
}

static void
describe(const struct verdict *v, const struct sshd_class *c,
    const struct strs *want, const struct strs *have, bool same,
    struct str *out)
{
	const struct sshd_entry *by = sshd_winner(&v->s->tree, v->word, c);

	str_addf(out, "%s ", v->word->name);
	if (!same) {
		strs_join(have, " ", out);
		if (have->n == 0)
			str_add(out, "unset");
		str_add(out, " -> ");
	}
	strs_join(want, " ", out);
	if (same)
		return;
	if (by != NULL)
		str_addf(out, " (%s:%u)", by->file, by->line);
	else
		str_add(out, " (sshd's default)");
}

/* Look at one class; those that are, or are not, as wanted are noted. */
static int
judge_class(struct verdict *v, const struct sshd_class *c, bool good)
{
	const struct strs *have = sshd_dump_get(&c->dump, v->word->name);
	const struct strs *ports = sshd_dump_get(&c->dump, "port");
	struct strs want = {0};
	struct str text = STR_INIT;
	bool known, same = false;
	int r;

	r = expected(v->w, v->word, c, &want, &known);
	if (r != 0 || !known)
		goto out;
	if ((v->word->flags & SSHD_UNSEEN) != 0) {
		const struct sshd_entry *by =
		    sshd_winner(&v->s->tree, v->word, c);

		same = by != NULL && sshd_is_ours(by->file);
	} else if ((r = sshd_values_same(v->word, &want, have, ports, &same)) !=
	    0) {
		goto out;
	}
	if (same == good) {
		describe(v, c, &want, have, same, &text);
		r = note(v, &text, c->name);
	}
out:
	str_clear(&text);
	strs_clear(&want);
	return r;
}

/* How many classes are in a list of names that note() made. */
static size_t
count_names(const char *names)
{
	size_t n = 1;

	for (; (names = strstr(names, ", ")) != NULL; names += 2)
		n++;
	return n;
}

static size_t
count_asked(const struct sshd_seen *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_classes; i++)
		n += s->classes[i].not_asked == NULL;
	return n;
}

static int
report(const struct verdict *v, bool good, struct strs *out)
{
	const size_t asked = count_asked(v->s);
	struct str s = STR_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->texts.n; i++) {
		str_reset(&s);
		str_add(&s, v->texts.v[i]);
		if (count_names(v->names.v[i]) != asked)
			str_addf(&s, good ? " (%s)" : " for %s", v->names.v[i]);
		else if (good)
			str_addf(&s, " (all %zu classes)", asked);
		if ((r = str_check(&s)) == 0)
			r = strs_add(out, s.p);
	}
	str_clear(&s);
	return r;
}

static int
judge_word(const struct sshd_want *w, const struct sshd_seen *s,
    const struct sshd_word *word, bool good, struct strs *out)
{
	struct verdict v = {.w = w, .s = s, .word = word};
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n_classes; i++)
		if (s->classes[i].not_asked == NULL)
			r = judge_class(&v, &s->classes[i], good);
	if (r == 0)
		r = report(&v, good, out);
	verdict_clear(&v);
	return r;
}

/* Each keyword of the state, once. */
static int
judge(const struct sshd_want *w, const struct sshd_seen *s, bool good,
    struct strs *out)
{
	size_t n;
	const struct sshd_word *words = sshd_words(&n);
	int r = 0;

	if (!s->installed || s->broken != NULL)
		return 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		bool wanted = sshd_block_find(&w->all, &words[i]) != NULL;

		for (size_t j = 0; !wanted && j < w->n_match; j++)
			wanted =
			    sshd_block_find(&w->match[j], &words[i]) != NULL;
		if (wanted)
			r = judge_word(w, s, &words[i], good, out);
	}
	return r;
}

int
sshd_want_differences(const struct sshd_want *w, const struct sshd_seen *s,
    struct strs *out)
{
	return judge(w, s, false, out);
}

int
sshd_want_proofs(const struct sshd_want *w, const struct sshd_seen *s,
    struct strs *out)
{
	struct str text = STR_INIT;
	int r = judge(w, s, true, out);

	for (size_t i = 0; r == 0 && i < s->n_classes; i++) {
		if (s->classes[i].not_asked == NULL)
			continue;
		str_reset(&text);
		str_addf(&text, "%s: not asked, %s", s->classes[i].name,
		    s->classes[i].not_asked);
		if ((r = str_check(&text)) == 0)
			r = strs_add(out, text.p);
	}
	for (size_t i = 0; r == 0 && i < s->tree.unread.n; i++) {
		str_reset(&text);
		str_addf(&text, "not read: %s", s->tree.unread.v[i]);
		if ((r = str_check(&text)) == 0)
			r = strs_add(out, text.p);
	}
	str_clear(&text);
	return r;
}

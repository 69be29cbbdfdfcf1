/* SPDX-License-Identifier: ISC */
/*
 * The drop-in: its text, and the changes that put it first or take it away.
 */
#include "agent/states/sshd_want.h"
#include "agent/states/words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* Does another file say this line already?  Twice, it would count twice. */
static bool
said_elsewhere(const struct sshd_tree *t, const struct sshd_word *word,
    const char *value)
{
	struct str s = STR_INIT;
	bool found = false;

	for (size_t i = 0; !found && i < t->n; i++) {
		const struct sshd_entry *x = &t->v[i];

		if (x->word != word || x->match != 0 || sshd_is_ours(x->file))
			continue;
		str_reset(&s);
		strs_join(&x->args, " ", &s);
		found = strcasecmp(s.p, value) == 0;
	}
	str_clear(&s);
	return found;
}

static void
render_value(const struct sshd_word *word, const char *value, struct str *out)
{
	bool quote =
	    (word->flags & SSHD_LIST) != 0 && strpbrk(value, " #") != NULL;

	str_addf(out, quote ? " \"%s\"" : " %s", value);
}

static void
render_setting(const struct sshd_setting *s, const struct sshd_tree *t,
    const char *indent, struct str *out)
{
	if ((s->word->flags & SSHD_LINES) != 0) {
		for (size_t i = 0; i < s->values.n; i++)
			if (!said_elsewhere(t, s->word, s->values.v[i]))
				str_addf(out, "%s%s %s\n", indent,
				    s->word->name, s->values.v[i]);
		return;
	}
	str_addf(out, "%s%s", indent, s->word->name);
	for (size_t i = 0; i < s->values.n; i++)
		render_value(s->word, s->values.v[i], out);
	str_addc(out, '\n');
}

int
sshd_want_render(const struct sshd_want *w, const struct sshd_tree *t,
    struct str *out)
{
	bool any = false;

	str_add(out, STATE_MARK);
	for (size_t i = 0; i < w->all.n; i++)
		render_setting(&w->all.v[i], t, "", out);
	for (size_t i = 0; i < w->n_match; i++) {
		str_add(out, "Match ");
		strs_join(&w->match[i].when, " ", out);
		str_addc(out, '\n');
		for (size_t j = 0; j < w->match[i].n; j++)
			render_setting(&w->match[i].v[j], t, "\t", out);
	}
	for (size_t i = 0; i < w->all.n; i++) {
		if ((w->all.v[i].word->flags & SSHD_MATCH) == 0)
			continue;
		if (!any)
			str_add(out, "Match all\n");
		any = true;
		render_setting(&w->all.v[i], t, "\t", out);
	}
	return str_check(out);
}

/* --- a file as it is ----------------------------------------------------- */
void
sshd_file_clear(struct sshd_file *f)
{
	free(f->text);
	free(f->odd);
	*f = (struct sshd_file){0};
}

int
sshd_file_look(struct host *h, const char *path, struct sshd_file *out,
    struct err *e)
{
	struct sshd_file f = {0};
	struct err why = {0};
	int r;

	if ((r = host_stat(h, path, &f.st, &why)) == 0)
		r = host_read(h, path, HOST_FILE_MAX, &f.text, &f.n, &why);
	if (r == ERR_NOTFOUND)
		r = 0;
	else if (r == ERR_DENIED || r == ERR_LIMIT)
		r = (f.odd = str_dup(why.msg)) != NULL ? 0 : err_nomem(e);
	else if (r != 0)
		(void)err_set(e, r, "%s", why.msg);
	if (r != 0) {
		sshd_file_clear(&f);
		return r;
	}
	*out = f;
	return 0;
}

bool
sshd_file_is(const struct sshd_file *f, struct slice text, mode_t mode)
{
	return f->text != NULL && slice_equal(slice_of(f->text, f->n), text) &&
	    (f->st.mode & 07777) == mode && f->st.uid == 0 && f->st.gid == 0;
}

/* --- the plan ------------------------------------------------------------ */
static const char include_line[] = "Include " SSHD_OURS "\n";

/* Is the word said by the state, anywhere? */
static bool
wanted(const struct sshd_want *w, const struct sshd_word *word)
{
	bool found = sshd_block_find(&w->all, word) != NULL;

	for (size_t i = 0; !found && i < w->n_match; i++)
		found = sshd_block_find(&w->match[i], word) != NULL;
	return found;
}

/*
 * What is read before our drop-in and would win over it, or NULL in *file.
 * What adds up does not win: `Match all` has the last word on it.
 */
static void
ahead_of_us(const struct sshd_want *w, const struct sshd_tree *t,
    const char **file, unsigned *line)
{
	*file = NULL;
	for (size_t i = 0; i < t->own_entries && *file == NULL; i++) {
		const struct sshd_entry *x = &t->v[i];

		if (x->match != 0 || x->word == NULL || sshd_is_ours(x->file) ||
		    (x->word->flags & SSHD_ADDS) != 0 || !wanted(w, x->word))
			continue;
		*file = x->file;
		*line = x->line;
	}
	for (size_t i = 0; i < t->own_matches && *file == NULL; i++)
		if (!sshd_is_ours(t->matches[i].file)) {
			*file = t->matches[i].file;
			*line = t->matches[i].line;
		}
}

/* Does value stand in the setting?  Of "Subsystem NAME PROGRAM" the name alone
 * is asked: the same name with another program is a conflict. */
static bool
clashes(const struct sshd_setting *s, const char *value)
{
	size_t name = strcspn(value, " ");
	bool named = (s->word->flags & SSHD_AMONG) != 0;
	bool clash = !named;

	for (size_t i = 0; i < s->values.n; i++) {
		const char *mine = s->values.v[i];

		if (strcasecmp(mine, value) == 0)
			return false;
		if (named && s->word->type == SSHD_TEXT &&
		    strcspn(mine, " ") == name &&
		    strncmp(mine, value, name) == 0)
			clash = true;
	}
	return clash;
}

/* A line of somebody else's that adds to what we want alone: 1 with a note. */
static int
plan_conflicts(const struct sshd_want *w, const struct sshd_tree *t,
    struct plan *out)
{
	struct str s = STR_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->n; i++) {
		const struct sshd_entry *x = &t->v[i];
		const struct sshd_setting *set = x->word != NULL &&
			x->match == 0 && !sshd_is_ours(x->file) &&
			(x->word->flags & SSHD_LINES) != 0
		    ? sshd_block_find(&w->all, x->word)
		    : NULL;

		if (set == NULL)
			continue;
		str_reset(&s);
		strs_join(&x->args, " ", &s);
		if ((r = str_check(&s)) == 0 && clashes(set, s.p) &&
		    (r = plan_note(out, PLAN_IMPOSSIBLE,
			 "%s:%u: says %s %s, which adds to what the policy "
			 "says; "
			 "take that line out",
			 x->file, x->line, x->word->name, s.p)) == 0)
			r = 1;
	}
	str_clear(&s);
	return r;
}

/* What can be said before anything is compared: 1 with a note. */
static int
plan_in_the_way(const struct sshd_want *w, const struct sshd_seen *s,
    const struct sshd_file *have, const char *own, struct plan *out)
{
	int r;

	if (!s->installed)
		r = plan_note(out, PLAN_IMPOSSIBLE,
		    "no program sshd, expected openssh-server to be installed");
	else if (s->tree.absent)
		r = plan_note(out, PLAN_IMPOSSIBLE,
		    SSHD_MAIN " is missing, expected that of openssh-server");
	else if (s->tree.odd != NULL)
		r = plan_note(out, PLAN_IMPOSSIBLE, "%s", s->tree.odd);
	else if (s->unknown.n > 0)
		r = plan_note(out, PLAN_IMPOSSIBLE, "%s%s", s->unknown.v[0],
		    s->unknown.n > 1 ? " (and more)" : "");
	else if (have->odd != NULL)
		r = plan_note(out, PLAN_IMPOSSIBLE, "%s", have->odd);
	else if (s->tree.own_nested != 0)
		r = plan_note(out, PLAN_IMPOSSIBLE,
		    "%s:%u: an Include of " SSHD_DIR
		    " in this Match block; put it first in the file",
		    s->tree.matches[s->tree.own_nested - 1].file,
		    s->tree.matches[s->tree.own_nested - 1].line);
	else if (have->text != NULL && !S_ISREG(have->st.mode))
		r = plan_note(out, PLAN_IMPOSSIBLE, "%s is no file", own);
	else
		return plan_conflicts(w, &s->tree, out);
	return r == 0 ? 1 : r;
}

/* The main file with our Include ahead of everything it says. */
static int
plan_include(const struct sshd_want *w, const struct sshd_seen *s,
    struct plan *out)
{
	const struct sshd_tree *t = &s->tree;
	struct str text = STR_INIT;
	const char *file;
	unsigned line;
	int r;

	ahead_of_us(w, t, &file, &line);
	if (t->own_times > 0 && file == NULL)
		return 0;
	str_addn(&text, t->text, t->first);
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		str_addc(&text, '\n');
	str_add(&text, include_line);
	str_addn(&text, t->text + t->first, t->text_n - t->first);
	if ((r = str_check(&text)) == 0) {
		const struct slice data = slice_of(text.p, text.n);
		mode_t mode = s->main_st.mode & 07777;

		r = file != NULL
		    ? plan_file(out, SSHD_MAIN, mode, s->main_st.uid,
			  s->main_st.gid, data, true,
			  "read " SSHD_OURS " first (%s:%u is ahead of it)",
			  file, line)
		    : plan_file(out, SSHD_MAIN, mode, s->main_st.uid,
			  s->main_st.gid, data, true,
			  "read " SSHD_OURS " (no Include reads it)");
	}
	str_clear(&text);
	return r;
}

/* Is one of the lines that would count twice in text? */
static bool
has_lines(const struct sshd_want *w)
{
	for (size_t i = 0; i < w->all.n; i++)
		if ((w->all.v[i].word->flags & SSHD_LINES) != 0)
			return true;
	return false;
}

static int
join(const struct strs *l, const char *none, struct str *out)
{
	strs_join(l, ", ", out);
	if (l->n == 0)
		str_add(out, none);
	return str_check(out);
}

static int
plan_dropin(const struct sshd_want *w, const struct sshd_seen *s,
    const char *own, const struct sshd_file *have, const struct strs *differ,
    struct plan *out)
{
	struct str text = STR_INIT, what = STR_INIT;
	int r;

	if ((r = sshd_want_render(w, &s->tree, &text)) == 0 &&
	    !sshd_file_is(have, slice_of(text.p, text.n), 0644) &&
	    (r = join(differ, "say it in a file of our own", &what)) == 0)
		r = plan_file(out, own, 0644, 0, 0, slice_of(text.p, text.n),
		    true, "%s", what.p);
	str_clear(&text);
	str_clear(&what);
	return r;
}

/* What goes before every file, after words about what sshd says. */
static void
add_options(const struct sshd_seen *s, struct str *out)
{
	if (s->options.n == 0)
		return;
	str_add(out, "; SSHD_OPTS of " SSHD_DEFAULTS " goes first: ");
	strs_join(&s->options, " ", out);
}

/* Nothing to write, and yet it is not so. */
static int
plan_stuck(const struct sshd_seen *s, const struct strs *differ,
    struct plan *out)
{
	struct str text = STR_INIT;
	int r;

	if (s->broken != NULL)
		return plan_note(out, PLAN_IMPOSSIBLE,
		    "sshd does not take its configuration: %s", s->broken);
	if ((r = join(differ, "", &text)) == 0)
		add_options(s, &text);
	if (r == 0 && (r = str_check(&text)) == 0)
		r = plan_note(out, PLAN_IMPOSSIBLE,
		    "our file is in place, and yet sshd says %s", text.p);
	str_clear(&text);
	return r;
}

int
sshd_want_plan(const struct sshd_want *w, const struct sshd_seen *s,
    const char *own, const struct sshd_file *have, struct plan *out,
    struct err *e)
{
	struct strs differ = {0};
	size_t before = out->n;
	int r;

	if ((r = plan_in_the_way(w, s, have, own, out)) != 0)
		return r == 1 ? 0 : err_nomem(e);
	if ((r = sshd_want_differences(w, s, &differ)) == 0 &&
	    (r = plan_dropin(w, s, own, have, &differ, out)) == 0)
		r = plan_include(w, s, out);
	/* Read at our Include and again at the late one, lines that add up
	   would be there twice. */
	if (r == 0 && out->n > before && s->tree.own_times > 0 &&
	    strcmp(out->v[out->n - 1].path, SSHD_MAIN) == 0 && has_lines(w))
		r = plan_note(out, PLAN_IMPOSSIBLE,
		    SSHD_MAIN ": its Include of " SSHD_DIR
			      " comes too late (%s); put it first",
		    out->v[out->n - 1].what);
	else if (r == 0 && out->n == before &&
	    (s->broken != NULL || differ.n > 0))
		r = plan_stuck(s, &differ, out);
	else if (r == 0 && out->n == before)
		r = sshd_want_proofs(w, s, &out->proofs);
	strs_clear(&differ);
	return r == 0 ? 0 : err_nomem(e);
}

int
sshd_want_unplan(const struct sshd_seen *s, const char *own,
    const struct sshd_file *have, bool other_there, struct plan *out,
    struct err *e)
{
	const struct sshd_tree *t = &s->tree;
	const char *at = t->text != NULL ? strstr(t->text, include_line) : NULL;
	struct str text = STR_INIT;
	int r;

	if (have->text == NULL && have->odd == NULL)
		return 0;
	if (have->odd != NULL)
		return plan_note(out, PLAN_IMPOSSIBLE, "%s", have->odd) == 0
		    ? 0
		    : err_nomem(e);
	r = plan_absent(out, own, true, "take our settings away");
	/* Our Include goes with the last file of ours. */
	if (r == 0 && at != NULL && !other_there &&
	    (at == t->text || at[-1] == '\n')) {
		str_addn(&text, t->text, (size_t)(at - t->text));
		str_add(&text, at + sizeof(include_line) - 1);
		if ((r = str_check(&text)) == 0)
			r = plan_file(out, SSHD_MAIN, s->main_st.mode & 07777,
			    s->main_st.uid, s->main_st.gid,
			    slice_of(text.p, text.n), true,
			    "take our Include away");
	}
	str_clear(&text);
	return r == 0 ? 0 : err_nomem(e);
}

int
sshd_want_validate(struct host *h, const struct state_env *env, const char *own,
    const struct sshd_want *w, struct err *e)
{
	const char *const argv[] = {"sshd", "-t", NULL};
	struct sshd_seen s = {0};
	struct strs differ = {0};
	struct str text = STR_INIT;
	int r;

	if ((r = sshd_want_look(h, env, own, w, &s, e)) != 0)
		return r;
	if ((r = host_run_ok(h, argv, slice_str(""), NULL, e)) != 0)
		goto out;
	if (s.broken != NULL) {
		r = err_set(e, ERR_DENIED, "sshd -T: %s", s.broken);
	} else if (sshd_want_differences(w, &s, &differ) != 0 ||
	    join(&differ, "", &text) != 0) {
		r = err_nomem(e);
	} else if (differ.n > 0) {
		add_options(&s, &text);
		r = str_check(&text) != 0
		    ? err_nomem(e)
		    : err_set(e, ERR_DENIED,
			  "with the change sshd would say %s", text.p);
	}
out:
	str_clear(&text);
	strs_clear(&differ);
	sshd_seen_clear(&s);
	return r;
}

/* SPDX-License-Identifier: ISC */
#include "agent/minion/show.h"

#include <inttypes.h>

#include "lib/base/json.h"
#include "lib/base/plural.h"

static const char *const ends[] = {
    [RUN_END_NOTHING] = "nothing",
    [RUN_END_WOULD] = "would",
    [RUN_END_DONE] = "done",
    [RUN_END_WAITS] = "waits",
    [RUN_END_REFUSED] = "refused",
    [RUN_END_UNDONE] = "undone",
    [RUN_END_BROKEN] = "broken",
};

static void
indented(const char *text, struct str *out)
{
	size_t n;

	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = 0;
		while (text[n] != '\0' && text[n] != '\n')
			n++;
		str_add(out, "    ");
		str_addn(out, text, n);
		str_addc(out, '\n');
	}
}

static void
state_text(const struct run_state *s, struct str *out)
{
	str_addf(out, "%-14s %-14s %s", run_result_name(s->result),
	    s->s->ops->name, s->s->h->decl->id);
	if (s->note != NULL && s->note[0] != '\0')
		str_addf(out, ": %s", s->note);
	str_addc(out, '\n');
	for (size_t i = 0; i < s->plan.n; i++)
		str_addf(out, "  %s%s\n", s->plan.v[i].what,
		    s->plan.v[i].way_in ? s->plan.v[i].takes_away
			    ? "  [takes access away]"
			    : "  [way in]"
					: "");
	if (s->tell && s->plan.n == 0)
		str_add(out, "  is told of the change it watches\n");
	if (s->diff != NULL)
		indented(s->diff, out);
	if (s->result == RESULT_CHANGED)
		for (size_t i = 0; i < s->plan.proofs.n; i++)
			str_addf(out, "  seen: %s\n", s->plan.proofs.v[i]);
}

static bool
is_worth_a_line(const struct run_state *s)
{
	return (s->result != RESULT_OK && s->result != RESULT_OFF) || s->tell;
}

static void
end_text(const struct run_out *r, const struct err *why, struct str *out)
{
	const char *changes = text_plural(r->n_changes, "change", "changes");
	char plan[HASH_HEX];

	hash_hex(&r->plan, plan);
	switch (r->end) {
	case RUN_END_NOTHING:
		str_addf(out, "nothing to change in %zu %s\n", r->n,
		    text_plural(r->n, "state", "states"));
		break;
	case RUN_END_WOULD:
		str_addf(out, "%zu %s%s, plan %s\n", r->n_changes, changes,
		    r->way_in ? ", a way in among them" : "", plan);
		break;
	case RUN_END_DONE:
		str_addf(out, "run %" PRIu64 ": %zu %s made%s\n", r->number,
		    r->n_changes, changes,
		    r->later ? "; packages made the rest of the plan another: "
			       "look at it anew"
			     : "");
		break;
	case RUN_END_WAITS:
		str_addf(out,
		    "run %" PRIu64 ": %zu %s made, and undone unless %s "
		    "confirmed: log in anew, and\n"
		    "    writ-agent confirm\n",
		    r->number, r->n_changes, changes,
		    text_plural(r->n_changes, "it is", "they are"));
		break;
	case RUN_END_REFUSED:
		str_addf(out, "nothing was changed: %s\n", why->msg);
		break;
	case RUN_END_UNDONE:
		str_addf(out, "run %" PRIu64 " was undone: %s\n", r->number,
		    why->msg);
		break;
	case RUN_END_BROKEN:
		str_addf(out, "run %" PRIu64 ": %s\n", r->number, why->msg);
		break;
	}
	if (r->n_failed > 0)
		str_addf(out, "%zu %s could not be brought about\n",
		    r->n_failed, text_plural(r->n_failed, "state", "states"));
	for (size_t i = 0; i < r->left.n; i++)
		str_addf(out,
		    "no longer in the policy, and stays as it is: %s\n",
		    r->left.v[i]);
}

void
show_text(const struct run_out *r, const struct err *why, bool quiet,
    struct str *out)
{
	for (size_t i = 0; i < r->n; i++)
		if (!quiet || is_worth_a_line(&r->v[i]))
			state_text(&r->v[i], out);
	end_text(r, why, out);
}

static void
change_json(struct jw *w, const struct change *c)
{
	struct hash hash;

	jw_begin(w, NULL, '{');
	jw_str(w, "what", c->what);
	jw_bool(w, "way_in", c->way_in);
	jw_bool(w, "takes_away", c->takes_away);
	if (c->kind == CHANGE_FILE) {
		jw_str(w, "path", c->path);
		if (!c->absent) {
			hash_sha256(c->data, c->n, &hash);
			jw_hex(w, "sha256", hash.b, HASH_LEN);
		}
	}
	jw_end(w, '}');
}

static void
state_json(struct jw *w, const struct run_state *s)
{
	const struct fleet_state *d = s->s->h->decl;

	jw_begin(w, NULL, '{');
	jw_str(w, "id", d->id);
	jw_str(w, "kind", s->s->ops->name);
	jw_str(w, "result", run_result_name(s->result));
	if (s->note != NULL)
		jw_str(w, "note", s->note);
	jw_bool(w, "by_signs", s->known);
	if (d->cis.n > 0)
		jw_strs(w, "cis", &d->cis);
	jw_begin(w, "changes", '[');
	for (size_t i = 0; i < s->plan.n; i++)
		change_json(w, &s->plan.v[i]);
	jw_end(w, ']');
	if (s->diff != NULL)
		jw_str(w, "diff", s->diff);
	jw_strs(w, "seen", &s->plan.proofs);
	jw_end(w, '}');
}

void
show_json(const struct run_out *r, const struct err *why, const char *host_id,
    struct str *out)
{
	struct jw w;

	jw_init(&w, out, true);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "host", host_id);
	jw_str(&w, "end", ends[r->end]);
	jw_hex(&w, "plan", r->plan.b, HASH_LEN);
	jw_u64(&w, "run", r->number);
	jw_int(&w, "n_changes", (int64_t)r->n_changes);
	jw_int(&w, "n_failed", (int64_t)r->n_failed);
	jw_bool(&w, "way_in", r->way_in);
	jw_bool(&w, "later", r->later);
	if (why->msg[0] != '\0')
		jw_str(&w, "why", why->msg);
	jw_strs(&w, "left", &r->left);
	jw_begin(&w, "states", '[');
	for (size_t i = 0; i < r->n; i++)
		state_json(&w, &r->v[i]);
	jw_end(&w, ']');
	jw_end(&w, '}');
	str_addc(out, '\n');
}

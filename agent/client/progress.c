/* SPDX-License-Identifier: ISC */
#include "agent/client/progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/cli/cli.h"

#define MESSAGE_MAX  4096
#define CHANGES_SHOW 6 /* on the line of a host */

static const char *const ends[] = {
    [PROGRESS_RUNNING] = "running",
    [PROGRESS_DONE] = "done",
    [PROGRESS_STOPPED] = "stopped",
    [PROGRESS_EXPIRED] = "expired",
};

int
progress_new(struct progress *p, const struct targets *t, bool enforce)
{
	*p = (struct progress){.targets = t, .n = t->n, .enforce = enforce};
	if ((p->v = calloc(t->n, sizeof(*p->v))) == NULL) {
		p->n = 0;
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < t->n; i++) {
		p->v[i].host = t->v[i].host;
		p->v[i].batch = t->v[i].batch;
	}
	return 0;
}

static void
changes_clear(struct report_change *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].state);
		free(v[i].kind);
	}
	free(v);
}

static void
host_clear(struct progress_host *h)
{
	free(h->message);
	changes_clear(h->changes, h->n_changes);
	h->message = NULL;
	h->changes = NULL;
	h->n_changes = 0;
}

void
progress_clear(struct progress *p)
{
	for (size_t i = 0; i < p->n; i++)
		host_clear(&p->v[i]);
	free(p->v);
	*p = (struct progress){0};
}

/* --- news ----------------------------------------------------------------- */

/* One of the words that name(0..last) spells. */
static int
read_word(const json_t *o, const char *key, const char *(*name)(unsigned),
    unsigned last, unsigned *out, struct err *e)
{
	char quoted[QUOTE_MAX];
	const char *word = NULL;
	int r;

	if ((r = json_str(o, key, 0, 32, &word, e)) != 0)
		return r;
	for (unsigned i = 0; i <= last; i++)
		if (name(i) != NULL && strcmp(name(i), word) == 0) {
			*out = i;
			return 0;
		}
	return err_set(e, ERR_PARSE,
	    "field '%s' is %s, which is none of its "
	    "words",
	    key, str_quote(quoted, word));
}

static const char *
outcome_word(unsigned i)
{
	return run_outcome_name((enum run_outcome)i);
}

static const char *
result_word(unsigned i)
{
	return change_result_name((enum change_result)i);
}

static const char *
end_word(unsigned i)
{
	return ends[i];
}

static int
read_change(const json_t *o, struct report_change *c, struct err *e)
{
	unsigned result = 0;
	int r;

	if (!json_is_object(o))
		return err_set(e, ERR_PARSE,
		    "field 'changes' holds what is no object");
	if ((r = json_strdup(o, "state", 0, REPORT_NAME_MAX, &c->state, e)) !=
		0 ||
	    (r = json_strdup(o, "kind", 0, REPORT_NAME_MAX, &c->kind, e)) !=
		0 ||
	    (r = read_word(o, "result", result_word, CHANGE_SKIPPED, &result,
		 e)) != 0)
		return r;
	c->result = (enum change_result)result;
	c->has_diff = json_object_get(o, "diff") != NULL;
	return c->has_diff ? json_hex(o, "diff", 0, c->diff.b, HASH_LEN, e) : 0;
}

static int
read_changes(const json_t *o, struct progress_host *h, struct err *e)
{
	const json_t *list = NULL;
	size_t n;
	int r;

	if ((r = json_array_of(o, "changes", JSON_OPTIONAL | JSON_EMPTY_OK,
		 REPORT_CHANGES_MAX, &list, e)) != 0 ||
	    list == NULL || (n = json_array_size(list)) == 0)
		return r;
	if ((h->changes = calloc(n, sizeof(*h->changes))) == NULL)
		return err_nomem(e);
	h->n_changes = n;
	for (size_t i = 0; i < n && r == 0; i++)
		r = read_change(json_array_get(list, i), &h->changes[i], e);
	return r;
}

static int
read_host(const json_t *o, struct progress_host *h, struct err *e)
{
	unsigned outcome = 0;
	int r;

	if ((r = read_word(o, "outcome", outcome_word, RUN_REFUSED, &outcome,
		 e)) != 0 ||
	    (r = json_strdup(o, "message", JSON_OPTIONAL | JSON_EMPTY_OK,
		 MESSAGE_MAX, &h->message, e)) != 0 ||
	    (r = json_u64(o, "more", JSON_OPTIONAL, 0, UINT64_MAX, &h->more,
		 e)) != 0)
		return r;
	h->outcome = (enum run_outcome)outcome;
	h->said = true;
	if (h->message != NULL && h->message[0] == '\0') {
		free(h->message);
		h->message = NULL;
	}
	return read_changes(o, h, e);
}

static bool
same(const struct progress_host *a, const struct progress_host *b)
{
	if (!a->said || a->outcome != b->outcome ||
	    (a->message == NULL) != (b->message == NULL) ||
	    (a->message != NULL && strcmp(a->message, b->message) != 0) ||
	    a->n_changes != b->n_changes || a->more != b->more)
		return false;
	for (size_t i = 0; i < a->n_changes; i++) {
		const struct report_change *x = &a->changes[i],
					   *y = &b->changes[i];

		if (strcmp(x->state, y->state) != 0 || x->result != y->result)
			return false;
	}
	return true;
}

/* "would change" where nothing is changed. */
static const char *
outcome_text(const struct progress *p, enum run_outcome o)
{
	return o == RUN_CHANGED && !p->enforce ? "would change"
					       : run_outcome_name(o);
}

/* "3/12  web-1.example.com  changed: sshd (sshd_config), limits (failed)" */
static void
add_line(const struct progress *p, const struct progress_host *h,
    struct str *out)
{
	uint64_t more = h->more;

	str_addf(out, "%*zu/%zu  %s  %s", (int)(p->n > 99 ? 4 : 2), p->n_said,
	    p->n, h->host, outcome_text(p, h->outcome));
	for (size_t i = 0; i < h->n_changes && i < CHANGES_SHOW; i++) {
		const struct report_change *c = &h->changes[i];

		str_addf(out, "%s%s", i == 0 ? ": " : ", ", c->state);
		if (c->result != CHANGE_DONE)
			str_addf(out, " (%s)", change_result_name(c->result));
	}
	if (h->n_changes > CHANGES_SHOW)
		more += h->n_changes - CHANGES_SHOW;
	if (more > 0)
		str_addf(out, " and %" PRIu64 " more", more);
	if (h->message != NULL)
		str_addf(out, "; %s", h->message);
}

int
progress_news(struct progress *p, const json_t *news, struct str *out,
    struct err *e)
{
	struct progress_host got = {0}, *h;
	const struct target *t;
	const char *id = NULL;
	char quoted[QUOTE_MAX];
	int r;

	if ((r = json_str(news, "host", 0, ID_MAX, &id, e)) != 0)
		return r;
	if ((t = targets_find(p->targets, id)) == NULL) {
		/* Renamed since, for one. */
		str_addf(out, "(news of %s, which the job is not for)",
		    str_quote(quoted, id));
		return str_check(out) == 0 ? 0 : err_nomem(e);
	}
	h = &p->v[t - p->targets->v];
	got.host = h->host;
	got.batch = h->batch;
	if ((r = read_host(news, &got, e)) != 0 || same(h, &got)) {
		host_clear(&got);
		return r;
	}
	p->n_said += h->said ? 0 : 1;
	host_clear(h);
	*h = got;
	add_line(p, h, out);
	return str_check(out) == 0 ? 0 : err_nomem(e);
}

int
progress_finish(struct progress *p, const json_t *answer, struct err *e)
{
	unsigned end = 0;
	int r;

	if ((r = read_word(answer, "outcome", end_word, PROGRESS_EXPIRED, &end,
		 e)) == 0)
		p->end = (enum progress_end)end;
	return r;
}

/* --- how it went ---------------------------------------------------------- */

void
progress_count(const struct progress *p, struct progress_counts *out)
{
	*out = (struct progress_counts){0};
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].said)
			out->of[p->v[i].outcome]++;
		else
			out->silent++;
}

int
progress_status(const struct progress *p)
{
	struct progress_counts c;

	progress_count(p, &c);
	if (c.of[RUN_FAILED] + c.of[RUN_UNDONE] + c.of[RUN_REFUSED] > 0 ||
	    p->end == PROGRESS_STOPPED)
		return EXIT_REFUSED;
	return c.silent > 0 ? EXIT_WAITING : 0;
}

void
progress_summary(const struct progress *p, struct str *out)
{
	struct progress_counts c;
	bool some = false;

	progress_count(p, &c);
	str_addf(out, "%zu host%s:", p->n, p->n == 1 ? "" : "s");
	for (unsigned i = 0; i <= RUN_REFUSED; i++) {
		if (c.of[i] == 0)
			continue;
		str_addf(out, "%s %zu %s", some ? "," : "", c.of[i],
		    outcome_text(p, (enum run_outcome)i));
		some = true;
	}
	if (c.silent > 0)
		str_addf(out, "%s %zu not heard of", some ? "," : "", c.silent);
	if (p->end != PROGRESS_RUNNING)
		str_addf(out, "; %s", ends[p->end]);
}

/* --- as JSON -------------------------------------------------------------- */

static void
json_host(struct jw *w, const struct progress_host *h)
{
	jw_begin(w, NULL, '{');
	jw_str(w, "host", h->host);
	jw_int(w, "batch", h->batch);
	if (h->said)
		jw_str(w, "outcome", run_outcome_name(h->outcome));
	if (h->message != NULL)
		jw_str(w, "message", h->message);
	jw_begin(w, "changes", '[');
	for (size_t i = 0; i < h->n_changes; i++) {
		const struct report_change *c = &h->changes[i];

		jw_begin(w, NULL, '{');
		jw_str(w, "state", c->state);
		jw_str(w, "kind", c->kind);
		jw_str(w, "result", change_result_name(c->result));
		if (c->has_diff)
			jw_hex(w, "diff", c->diff.b, HASH_LEN);
		jw_end(w, '}');
	}
	jw_end(w, ']');
	if (h->more > 0)
		jw_u64(w, "more", h->more);
	jw_end(w, '}');
}

void
progress_json(const struct progress *p, const struct hash *name,
    uint64_t version, struct str *out)
{
	struct progress_counts c;
	struct jw w;

	progress_count(p, &c);
	jw_init(&w, out, true);
	jw_begin(&w, NULL, '{');
	jw_hex(&w, "job", name->b, HASH_LEN);
	jw_u64(&w, "fleet_version", version);
	jw_str(&w, "mode", p->enforce ? "enforce" : "test");
	jw_str(&w, "outcome", ends[p->end]);
	jw_begin(&w, "counts", '{');
	for (unsigned i = 0; i <= RUN_REFUSED; i++)
		jw_int(&w, run_outcome_name((enum run_outcome)i),
		    (int64_t)c.of[i]);
	jw_int(&w, "silent", (int64_t)c.silent);
	jw_end(&w, '}');
	jw_begin(&w, "hosts", '[');
	for (size_t i = 0; i < p->n; i++)
		json_host(&w, &p->v[i]);
	jw_end(&w, ']');
	jw_end(&w, '}');
	str_addc(out, '\n');
}

/* --- as JUnit's XML ------------------------------------------------------- */

/* Text is clean (no control characters), so that these are all. */
static void
add_xml(struct str *s, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '&')
			str_add(s, "&amp;");
		else if (*p == '<')
			str_add(s, "&lt;");
		else if (*p == '>')
			str_add(s, "&gt;");
		else if (*p == '"')
			str_add(s, "&quot;");
		else
			str_addc(s, *p);
	}
}

static void
junit_changes(const struct progress_host *h, struct str *out)
{
	for (size_t i = 0; i < h->n_changes; i++) {
		const struct report_change *c = &h->changes[i];

		add_xml(out, c->state);
		str_add(out, " (");
		add_xml(out, c->kind);
		str_addf(out, "): %s\n", change_result_name(c->result));
	}
	if (h->more > 0)
		str_addf(out, "and %llu more\n", (unsigned long long)h->more);
}

static void
junit_host(const struct progress *p, const struct progress_host *h,
    struct str *out)
{
	bool bad = h->said && run_outcome_is_failure(h->outcome);
	const char *tag = bad ? "failure" : "system-out";

	str_addf(out, "    <testcase classname=\"batch %u\" name=\"", h->batch);
	add_xml(out, h->host);
	if (!h->said) {
		str_addf(out,
		    "\">\n      <skipped message=\"not heard of\"/>\n"
		    "    </testcase>\n");
		return;
	}
	str_addf(out, "\">\n      <%s", tag);
	if (bad) {
		str_addf(out, " type=\"%s\" message=\"",
		    run_outcome_name(h->outcome));
		add_xml(out,
		    h->message != NULL ? h->message
				       : run_outcome_name(h->outcome));
		str_addc(out, '"');
	}
	str_addc(out, '>');
	if (!bad)
		str_addf(out, "%s\n", outcome_text(p, h->outcome));
	junit_changes(h, out);
	str_addf(out, "</%s>\n    </testcase>\n", tag);
}

void
progress_junit(const struct progress *p, const struct hash *name,
    uint64_t version, struct str *out)
{
	struct progress_counts c;
	char hex[HASH_HEX];
	size_t bad;

	progress_count(p, &c);
	hash_hex(name, hex);
	bad = c.of[RUN_FAILED] + c.of[RUN_UNDONE] + c.of[RUN_REFUSED];
	str_addf(out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<testsuites tests=\"%zu\" failures=\"%zu\">\n"
	    "  <testsuite name=\"fleet %llu, %s\" id=\"%s\" tests=\"%zu\" "
	    "failures=\"%zu\" errors=\"0\" skipped=\"%zu\">\n",
	    p->n, bad, (unsigned long long)version,
	    p->enforce ? "enforce" : "test", hex, p->n, bad, c.silent);
	for (size_t i = 0; i < p->n; i++)
		junit_host(p, &p->v[i], out);
	str_add(out, "  </testsuite>\n</testsuites>\n");
}

/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "ca/audit/page_frame.h"
#include "ca/audit/page_impl.h"
#include "lib/base/clock.h"

/* --- text ----------------------------------------------------------------- */

void
page_text(struct str *out, const char *text)
{
	static const char *const as[256] = {['&'] = "&amp;",
	    ['<'] = "&lt;",
	    ['>'] = "&gt;",
	    ['"'] = "&quot;",
	    ['\''] = "&#39;"};

	for (const char *s = text != NULL ? text : ""; *s != '\0'; s++) {
		const char *other = as[(unsigned char)*s];

		if (other != NULL)
			str_add(out, other);
		else
			str_addc(out, *s);
	}
}

static void
add_cell(struct str *out, const char *text)
{
	str_add(out, "<td>");
	page_text(out, text);
	str_add(out, "</td>");
}

/* "2026-11-29 18:03:11", in UTC as the page says at its head; by a host's clock,
 * so that one which was off is told with it. */
static void
add_time_by(struct str *out, int64_t at, int64_t clock)
{
	char text[CLOCK_TEXT];

	str_add(out, "<td class=t>");
	if (at != 0) {
		clock_format(at, text);
		str_addf(out, "<time datetime=\"%s\">%.10s %.8s</time>", text,
		    text, text + 11);
	}
	if (clock != 0) {
		str_add(out, " <small class=bad>");
		login_clock_describe(clock, out);
		str_add(out, "</small>");
	}
	str_add(out, "</td>");
}

static void
add_time(struct str *out, int64_t at)
{
	add_time_by(out, at, 0);
}

static void
begin_table(struct str *out, const char *id, const char *caption,
    const char *const *heads, size_t n)
{
	str_addf(out, "<table class=f id=%s><caption>%s</caption>\n<thead><tr>",
	    id, caption);
	for (size_t i = 0; i < n; i++)
		str_addf(out, "<th scope=col>%s</th>", heads[i]);
	str_add(out, "</tr></thead>\n<tbody>\n");
}

static void
end_table(struct str *out)
{
	str_add(out, "</tbody></table>\n");
}

#define TABLE(out, id, caption, heads)               \
	begin_table((out), (id), (caption), (heads), \
	    sizeof(heads) / sizeof((heads)[0]))

/* --- by host, by person --------------------------------------------------- */

struct work {
	const struct page *p;
	const struct page_order *o;
	struct str *out;
};

/* A mark for each login, where it lies in the time of the report. */
static void
add_line(struct work *w, const struct by *v, size_t n)
{
	int64_t span = w->p->until - w->p->since;

	str_add(w->out,
	    "<td><svg viewBox=\"0 0 1000 10\" preserveAspectRatio=none "
	    "aria-hidden=true>");
	for (size_t i = 0; i < n; i++) {
		int64_t at = v[i].x->use->event.at - w->p->since;
		int64_t wide = v[i].x->end - v[i].x->use->event.at;

		if (span <= 0 || at < 0 || at > span)
			continue;
		wide = wide > 0 ? wide * 1000 / span : 0;
		str_addf(w->out,
		    "<rect class=bar x=%lld width=%lld height=10 />",
		    (long long)(at * 1000 / span),
		    (long long)(wide > 3 ? wide : 3));
	}
	str_add(w->out, "</svg></td>");
}

static void
add_group(struct work *w, const struct by *v, size_t n)
{
	str_add(w->out, "<tr><th scope=row>");
	page_text(w->out, v[0].name);
	str_addf(w->out, "</th><td>%zu</td>", n);
	add_time(w->out, v[0].x->use->event.at);
	add_time(w->out, v[n - 1].x->use->event.at);
	add_line(w, v, n);
	str_add(w->out, "</tr>\n");
}

static void
write_groups(struct work *w, const char *id, const char *caption,
    const char *head, const struct order *by)
{
	const char *const heads[] = {head, "Logins", "First", "Last", "When"};
	const struct by *v = by->v;
	size_t n;

	TABLE(w->out, id, caption, heads);
	for (size_t i = 0; i < w->o->n; i += n) {
		for (n = 1;
		     i + n < w->o->n && strcmp(v[i].name, v[i + n].name) == 0;
		     n++)
			;
		add_group(w, v + i, n);
	}
	end_table(w->out);
}

/* --- the parts ------------------------------------------------------------ */

static void
write_head(struct work *w)
{
	const struct page *p = w->p;
	char made[CLOCK_TEXT], since[CLOCK_TEXT], until[CLOCK_TEXT];
	struct str *out = w->out;

	clock_format(p->made, made);
	clock_format(p->since, since);
	clock_format(p->until, until);
	str_add(out,
	    "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
	    "<meta http-equiv=Content-Security-Policy content=\"" PAGE_POLICY
	    "\">\n<meta name=viewport content=\"width=device-width\">\n"
	    "<title>Logins: ");
	page_text(out, p->title);
	str_add(out,
	    "</title>\n<style>\n" PAGE_STYLE
	    "</style>\n</head>\n<body>\n<main>\n<h1>Who logged in, and why</h1>"
	    "\n<p>");
	page_text(out, p->title);
	str_addf(out,
	    ", from <time>%s</time> to <time>%s</time>.  Made <time>%s</time>."
	    "  All times are UTC.  Root of trust: <code>",
	    since, until, made);
	page_text(out, p->realm);
	str_add(out, "</code></p>\n");
}

static void
add_count(struct str *out, const char *name, size_t n)
{
	str_addf(out, "<div><dt>%s</dt><dd>%zu</dd></div>\n", name, n);
}

static void
write_counts(struct work *w)
{
	struct str *out = w->out;

	str_add(out, "<dl class=n>\n");
	add_count(out, "Logins", w->o->n);
	add_count(out, "Hosts", w->o->hosts.n_names);
	add_count(out, "Persons", w->o->persons.n_names);
	add_count(out, "Certificates issued", w->o->n_issued);
	add_count(out, "Alarms", w->p->gaps->n_alarms);
	add_count(out, "Known exceptions", w->p->gaps->n_excepted);
	str_add(out,
	    "</dl>\n<p class=screen hidden><label for=filter>Show rows with "
	    "</label><input id=filter type=search autocomplete=off> "
	    "<span id=said role=status></span></p>\n");
}

static void
write_gaps(struct work *w)
{
	static const char *const heads[] = {"What", "When", "Host", "Account",
	    "Person", "From", "Count", "Why"};
	const struct gaps *g = w->p->gaps;

	str_add(w->out, "<h2>Alarms</h2>\n");
	if (g->n == 0) {
		str_add(w->out,
		    "<p>None: every login is explained by a "
		    "certificate of the log.</p>\n");
		return;
	}
	TABLE(w->out, "gaps",
	    "Logins that nothing explains, hosts that say nothing, "
	    "certificates that nobody used, and what is known",
	    heads);
	for (size_t i = 0; i < g->n; i++) {
		const struct gap *x = &g->v[i];

		str_addf(w->out, "<tr><td%s>%s</td>",
		    x->alarm ? " class=bad" : "", x->kind);
		add_time(w->out, x->at);
		add_cell(w->out, x->host);
		add_cell(w->out, x->account);
		add_cell(w->out, x->person);
		add_cell(w->out, x->from);
		str_add(w->out, "<td>");
		if (x->count != 0)
			str_addf(w->out, "%zu", x->count);
		str_add(w->out, "</td>");
		add_cell(w->out, x->what);
		str_add(w->out, "</tr>\n");
	}
	end_table(w->out);
}

static void
add_revoked(struct str *out, const struct grant_use *g)
{
	struct str s = STR_INIT;

	if (g->revoked != NULL)
		revocation_text(g->revoked, g->revoked_what, &s);
	page_text(out, s.p);
	out->failed |= s.failed;
	str_clear(&s);
}

static void
add_proof(struct str *out, const struct seen *x)
{
	if (x->of == NULL) {
		str_addf(out, "<td class=%s>%s%s</td>",
		    x->known ? "p" : "\"p bad\"", use_kind_name(x->kind),
		    x->known ? ", known" : "");
		return;
	}
	str_addf(out, "<td%s>%s, serial %llu, ",
	    x->kind == USE_ISSUED ? " class=p" : " class=\"p bad\"",
	    use_kind_name(x->kind), (unsigned long long)x->of->serial);
	page_text(out, x->of->log);
	str_addf(out, ":%llu", (unsigned long long)x->of->index);
	if (x->of->revoked != NULL) {
		str_add(out, "; ");
		add_revoked(out, x->of);
	}
	str_add(out, "</td>");
}

static void
write_logins(struct work *w)
{
	static const char *const heads[] = {"When", "Until", "Host", "Account",
	    "Person", "From", "Reason", "Ticket", "Approved by", "Certificate"};

	str_add(w->out, "<h2>Logins</h2>\n");
	TABLE(w->out, "logins", "Each login, in the order of time", heads);
	for (size_t i = 0; i < w->o->n; i++) {
		const struct seen *x = &w->o->v[i];
		const struct grant_use *g = x->of;

		str_add(w->out, "<tr>");
		add_time_by(w->out, x->use->event.at, x->use->clock);
		add_time(w->out, x->end);
		add_cell(w->out, x->use->host);
		add_cell(w->out, x->use->event.account);
		add_cell(w->out, g != NULL ? g->person : NULL);
		add_cell(w->out, x->use->event.from);
		add_cell(w->out, g != NULL ? g->reason : NULL);
		add_cell(w->out, g != NULL ? g->ticket : NULL);
		add_cell(w->out,
		    g == NULL                       ? NULL
			: g->approved_by[0] != '\0' ? g->approved_by
						    : "nobody had to");
		add_proof(w->out, x);
		str_add(w->out, "</tr>\n");
	}
	end_table(w->out);
}

static void
write_certificates(struct work *w)
{
	static const char *const heads[] = {"From", "Until", "Person", "Grant",
	    "Reason", "Ticket", "Approved by", "Serial", "Used", "Revoked"};
	const struct issued *s = w->p->issued;

	str_add(w->out, "<h2>Certificates</h2>\n");
	TABLE(w->out, "certificates",
	    "Each certificate for a person that was issued in this time",
	    heads);
	for (size_t i = 0; i < s->n; i++) {
		const struct grant_use *g = &s->v[i];

		if (g->valid_after < w->p->since)
			continue;
		str_add(w->out, "<tr>");
		add_time(w->out, g->valid_after);
		add_time(w->out, g->valid_before);
		add_cell(w->out, g->person);
		add_cell(w->out, g->grant);
		add_cell(w->out, g->reason);
		add_cell(w->out, g->ticket);
		add_cell(w->out, g->approved_by);
		str_addf(w->out, "<td>%llu</td><td>%s</td><td>",
		    (unsigned long long)g->serial, g->used ? "yes" : "no");
		add_revoked(w->out, g);
		str_add(w->out, "</td></tr>\n");
	}
	end_table(w->out);
}

int
page_write(const struct page *p, struct str *out)
{
	struct page_order o = {0};
	struct work w = {.p = p, .o = &o, .out = out};
	int r;

	if ((r = page_order_make(p, &o)) == 0) {
		write_head(&w);
		write_counts(&w);
		write_gaps(&w);
		str_add(out, "<h2>Hosts and persons</h2>\n");
		write_groups(&w, "hosts", "Logins of each host", "Host",
		    &o.hosts);
		write_groups(&w, "persons", "Logins of each person", "Person",
		    &o.persons);
		write_logins(&w);
		write_certificates(&w);
		str_add(out,
		    "</main>\n<script>\n" PAGE_SCRIPT
		    "</script>\n</body>\n</html>\n");
		r = str_check(out) == 0 ? 0 : ERR_NOMEM;
	}
	page_order_clear(&o);
	return r;
}

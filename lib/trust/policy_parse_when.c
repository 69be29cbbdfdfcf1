/* SPDX-License-Identifier: ISC */
/*
 * Two readers of a grant that have a language of their own: the hours in which
 * it may be used, and the pattern that a ticket must match.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/trust/policy.h"
#include "lib/trust/policy_impl.h"

/* The most copies of a part that a pattern may make by {m,n}: regcomp() writes
 * them out. */
#define PATTERN_COPIES_MAX 255

/* "07:00" to "24:00" as minutes, or -1. */
static int
minutes_of(const char *s)
{
	int h, m;

	if (strlen(s) != 5 || s[2] != ':' || strspn(s, "0123456789") != 2 ||
	    strspn(s + 3, "0123456789") != 2)
		return -1;
	h = (s[0] - '0') * 10 + s[1] - '0';
	m = (s[3] - '0') * 10 + s[4] - '0';
	if (h > 24 || m > 59 || (h == 24 && m != 0))
		return -1;
	return h * 60 + m;
}

static void
read_minutes(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	int m, *out = field;

	if (!conf_is(in, k, n, YAML_TEXT))
		return;
	if ((m = minutes_of(n->text)) < 0 || m > k->max)
		conf_bad(in, k, n);
	else
		*out = m;
}

static int
day_of(const char *s, size_t n)
{
	static const char *const names[] = {
	    "sun", "mon", "tue", "wed", "thu", "fri", "sat"};

	for (int i = 0; i < 7; i++)
		if (n == 3 && memcmp(s, names[i], 3) == 0)
			return i;
	return -1;
}

/* "mon" or "mon-fri", which may go round the end of the week; 0: neither. */
static unsigned
days_of(const char *s)
{
	const char *dash = strchr(s, '-');
	int from, to;
	unsigned days;

	from = day_of(s, dash != NULL ? (size_t)(dash - s) : strlen(s));
	to = dash != NULL ? day_of(dash + 1, strlen(dash + 1)) : from;
	if (from < 0 || to < 0)
		return 0;
	for (days = 1U << from; from != to; days |= 1U << from)
		from = (from + 1) % 7;
	return days;
}

static void
add_days(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, unsigned *out)
{
	unsigned days;

	if (!conf_is(in, k, n, YAML_TEXT))
		return;
	if ((days = days_of(n->text)) == 0)
		conf_bad(in, k, n);
	*out |= days;
}

static void
read_days(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	unsigned days = 0, *out = field;

	if (n->kind != YAML_LIST)
		add_days(in, k, n, &days);
	else if (conf_is_list(in, k, n))
		for (size_t i = 0; i < n->n; i++)
			add_days(in, k, n->items[i], &days);
	*out = days;
}

static void
read_zone(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct hours *h = field;

	if (!conf_is(in, k, n, YAML_TEXT))
		return;
	/* It becomes the name of a file below the zone database, and one of a
	   policy statement, which knows one spelling. */
	if (n->n == 0 || n->n > 64 || n->text[0] == '/' ||
	    n->text[n->n - 1] == '/' || strstr(n->text, "//") != NULL ||
	    strspn(n->text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
		"wxyz0123456789_+/-") != n->n) {
		conf_bad(in, k, n);
		return;
	}
	h->zone_pos = n->pos;
	conf_text(in, k, n, &h->zone);
}

static const struct conf_key hours_keys[] = {
    {.name = "days",
	.read = read_days,
	.offset = offsetof(struct hours, days),
	.min = 1,
	.max = 7,
	.expect = "days such as mon, mon-fri or a list of them"},
    {.name = "from",
	.read = read_minutes,
	.offset = offsetof(struct hours, from_min),
	.max = 24 * 60 - 1,
	.required = true,
	.expect = "a time of day, \"00:00\" to \"23:59\""},
    {.name = "to",
	.read = read_minutes,
	.offset = offsetof(struct hours, to_min),
	.max = 24 * 60,
	.required = true,
	.expect = "a time of day, \"00:00\" to \"24:00\""},
    {.name = "zone",
	.read = read_zone,
	.required = true,
	.min = 1,
	.max = 64,
	.expect = "a time zone such as Europe/Vilnius"},
};

void
policy_read_hours(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct hours *h = field;
	size_t errors_before = in->diags->n_errors;

	h->set = true;
	h->days = 0x7f;
	conf_map(in, n->pos, k->name, n, hours_keys, POLICY_COUNT(hours_keys),
	    h);
	if (in->diags->n_errors == errors_before && h->from_min == h->to_min)
		conf_error(in->diags, n->pos,
		    "'hours' begin when they end, expected two times "
		    "(\"00:00\" to \"24:00\" is the whole day)");
}

static const char *
skip_bracket(const char *p)
{
	p++;
	if (*p == '^')
		p++;
	if (*p == ']')
		p++;
	while (*p != '\0' && *p != ']') {
		if (*p == '[' && (p[1] == ':' || p[1] == '.' || p[1] == '=')) {
			char end[] = {p[1], ']', '\0'};
			const char *q = strstr(p + 2, end);

			p = q != NULL ? q + 1 : p;
		}
		p++;
	}
	return *p == ']' ? p : p - 1;
}

/*
 * Is it a pattern that costs little?  A back-reference makes matching
 * exponential, a repetition {255} of a repetition makes compiling so.
 */
static const char *
pattern_fault(const char *p)
{
	uint64_t copies = 1;

	for (; *p != '\0'; p++) {
		uint64_t n = 0, most = 1;

		if (*p == '\\' && p[1] >= '1' && p[1] <= '9')
			return "a back-reference";
		if (*p == '\\' && p[1] != '\0') {
			p++;
			continue;
		}
		if (*p == '[')
			p = skip_bracket(p);
		if (*p != '{')
			continue;
		for (p++; *p != '\0' && *p != '}'; p++) {
			n = *p >= '0' && *p <= '9' && n < PATTERN_COPIES_MAX
			    ? n * 10 + (uint64_t)(*p - '0')
			    : *p == ',' ? 0
					: n;
			most = n > most ? n : most;
		}
		copies *= most;
		if (copies > PATTERN_COPIES_MAX)
			return "too much repetition by { }";
		if (*p == '\0')
			break;
	}
	return NULL;
}

void
policy_read_ticket(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct grant *g = field;
	const char *fault;
	char words[128];
	int r;

	conf_text(in, k, n, &g->ticket);
	if (g->ticket == NULL || g->ticket_re != NULL)
		return;
	if ((fault = pattern_fault(g->ticket)) != NULL) {
		conf_error(in->diags, n->pos, "'ticket' has %s, expected %s",
		    fault, k->expect);
		return;
	}
	if ((g->ticket_re = calloc(1, sizeof(*g->ticket_re))) == NULL) {
		conf_nomem(in);
		return;
	}
	r = regcomp(g->ticket_re, g->ticket, REG_EXTENDED | REG_NOSUB);
	if (r == 0)
		return;
	if (r == REG_ESPACE)
		conf_nomem(in);
	(void)regerror(r, g->ticket_re, words, sizeof(words));
	conf_error(in->diags, n->pos,
	    "'ticket' is a bad pattern (%s), "
	    "expected %s",
	    words, k->expect);
	free(g->ticket_re); /* regcomp() left nothing in it */
	g->ticket_re = NULL;
}

/* SPDX-License-Identifier: ISC */
#include "ca/cli/why_seen.h"

#include <string.h>

#include "ca/audit/uses.h"
#include "ca/cli/audit_uses.h"
#include "lib/base/clock.h"
#include "lib/bundle/place.h"

/* By what somebody came in, or would have. */
static void
add_means(struct str *s, const struct login_event *v)
{
	if (v->has_cert)
		str_addf(s, ", certificate %s (serial %llu)", v->key_id,
		    (unsigned long long)v->serial);
	else if (v->method != NULL)
		str_addf(s, ", by %s", v->method);
}

/* What sshd said is told as it said it. */
static int
add_line(struct str *out, const struct use *u, struct err *e)
{
	const struct login_event *v = &u->event;
	char at[CLOCK_TEXT];
	struct str s = STR_INIT;
	int r = 0;

	clock_format(v->at, at);
	str_addf(&s, "%s  %-8s", at, login_what_name(v->what));
	str_addf(&s, "%s", v->account != NULL ? v->account : "(no account)");
	if (v->from != NULL)
		str_addf(&s, " from %s", v->from);
	add_means(&s, v);
	if (v->why != NULL)
		str_addf(&s, ": %s", v->why);
	if (str_check(&s) != 0)
		r = err_nomem(e);
	else if (!text_is_clean(s.p, s.n, NULL))
		r = err_set(e, ERR_PARSE,
		    "what the master told of a login is no clean text");
	else
		str_addf(out, "  %s\n", s.p);
	str_clear(&s);
	return r;
}

/* A master may tell more than it was asked. */
static bool
is_asked(const struct use *u, const char *host, const char *account)
{
	return strcmp(u->host, host) == 0 &&
	    (account == NULL ||
		(u->event.account != NULL &&
		    strcmp(u->event.account, account) == 0)) &&
	    (u->event.what == LOGIN_IN || u->event.what == LOGIN_REFUSED);
}

static int
add_lines(struct str *out, const struct uses *u, const char *host,
    const char *account, struct err *e)
{
	size_t n = 0, past;
	int r = 0;

	for (size_t i = 0; i < u->n; i++)
		n += is_asked(&u->v[i], host, account);
	past = n > WHY_SEEN_LINES ? n - WHY_SEEN_LINES : 0;
	str_addf(out, "what the host saw in the last %s:\n", WHY_SEEN_SPAN);
	if (n == 0)
		str_add(out, "  neither a login nor a refusal\n");
	if (past > 0)
		str_addf(out, "  %zu before these\n", past);
	n = 0;
	for (size_t i = 0; i < u->n && r == 0; i++)
		if (is_asked(&u->v[i], host, account) && n++ >= past)
			r = add_line(out, &u->v[i], e);
	return r;
}

int
why_seen(struct cli_args *a, const char *host, const char *account,
    struct str *out, struct err *e)
{
	const char *words[] = {"logins", "--what", "login", "--what", "refused",
	    "--since", WHY_SEEN_SPAN, "--host", host, "--account", account,
	    NULL};
	struct uses u = {0};
	json_t *rows = NULL;
	uint64_t version = 0;
	int r;

	/* A name that no host of a fleet can have is asked about nowhere. */
	if (!id_is_valid(host))
		return 0;
	if ((r = place_highest(cli_dir(a), "fleet.", &version, e)) != 0 ||
	    version == 0)
		return r;
	if (account == NULL)
		words[9] = NULL;
	if ((r = ask_fleet(a, words, &rows, e)) == 0 &&
	    (r = uses_read(rows, &u, e)) == 0)
		r = add_lines(out, &u, host, account, e);
	json_decref(rows);
	uses_clear(&u);
	return r;
}

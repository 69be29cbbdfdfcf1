/* SPDX-License-Identifier: ISC */
/*
 * The decision, step by step; each step is a file.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ca/issue/issue.h"

#include "ca/issue/steps.h"

enum cert_kind
issue_kind(const struct statement *request)
{
	return request->type == ST_RENEW ? CERT_HOST : request->u.r.kind;
}

bool
issue_is_request(const struct statement *s)
{
	return s->type == ST_REQUEST || s->type == ST_RENEW;
}

bool
issue_may_count(const struct statement *request, const struct statement *s)
{
	if (request->type == ST_REQUEST)
		return s->type == ST_DECISION;
	return s->type == ST_TOKEN || s->type == ST_ACCEPT ||
	    s->type == ST_RENAME;
}

void
issue_result_init(struct issue_result *r)
{
	memset(r, 0, sizeof(*r));
	cert_init(&r->cert);
}

void
issue_result_clear(struct issue_result *r)
{
	strs_clear(&r->approvers);
	strs_clear(&r->passed_over);
	free(r->counted);
	outcome_clear(&r->shown);
	cert_clear(&r->cert);
	issue_result_init(r);
}

int
issue_refuse(struct issue_result *r, const char *rule, const char *fmt, ...)
{
	va_list ap;

	r->verdict = ISSUE_REFUSED;
	r->rule = rule;
	va_start(ap, fmt);
	(void)err_vset(&r->why, ERR_DENIED, fmt, ap);
	va_end(ap);
	return ISSUE_STOP;
}

int
issue_lint_answer(struct issue_result *r, const char *rule, int answer,
    const struct err *why)
{
	if (answer == ERR_DENIED)
		return issue_refuse(r, rule, "%s", why->msg);
	return answer;
}

static int
decide(struct issue_step *s)
{
	int64_t met = 0, length = 0;
	int r;

	if ((r = issue_check_asker(s)) != 0 || (r = issue_fill_shown(s)) != 0 ||
	    (r = issue_check_request(s)) != 0 ||
	    (r = issue_count_decisions(s, &met, &length)) != 0)
		return r;
	return issue_build(s, met, length);
}

int
issue_decide(const struct issue_input *in, struct issue_result *r,
    struct err *e)
{
	bool renewal = in->request->type == ST_RENEW;
	struct issue_step s = {.in = in, .r = r, .q = &in->request->u.r};
	int rc;

	issue_result_clear(r);
	if (in->request->type != ST_REQUEST && !renewal)
		return err_set(e, ERR_PARSE, "not a request");
	if (in->n_decisions > ISSUE_DECISIONS_MAX)
		return err_set(e, ERR_LIMIT,
		    "%zu decisions about one request, at most %d expected",
		    in->n_decisions, ISSUE_DECISIONS_MAX);
	rc = renewal ? issue_decide_renewal(&s) : decide(&s);
	if (rc >= 0) {
		/* What was refused at the end leaves nothing to sign. */
		if (r->verdict != ISSUE_READY) {
			cert_clear(&r->cert);
			cert_init(&r->cert);
			r->start = r->end = 0;
		}
		return 0;
	}
	issue_result_clear(r);
	return err_set(e, rc, "decide about the request: %s", err_text(rc));
}

/* SPDX-License-Identifier: ISC */
/* writ audit report: logins of a time as one page of HTML. */
#include "ca/audit/page.h"
#include "ca/cli/audit_uses.h"
#include "lib/base/clock.h"

int
run_audit_report(struct cli_args *a, struct err *e)
{
	struct asked_uses q = {.ends = true, .unused = true};
	struct str text = STR_INIT;
	char realm[FINGERPRINT_MAX];
	struct gaps g = {0};
	struct page p = {.made = clock_now()};
	int r;

	p.until = p.made;
	if (cli_get(a, "html") == NULL)
		return err_set(e, ERR_USAGE,
		    "--html FILE is missing, expected where to write the page");
	if ((r = asked_uses_get(a, &q, e)) != 0 ||
	    (r = asked_gaps(a, &q, &g, e)) != 0)
		goto out;
	hash_fingerprint(&q.place.trust.realm, realm);
	p.title = q.place.url;
	p.realm = realm;
	p.since = q.since;
	p.uses = &q.uses;
	p.issued = &q.issued;
	p.policy = q.place.trust.policy;
	p.gaps = &g;
	if (page_write(&p, &text) != 0)
		r = err_nomem(e);
	else
		r = cli_write_new(cli_get(a, "html"), slice_of(text.p, text.n),
		    e);
out:
	str_clear(&text);
	gaps_clear(&g);
	asked_uses_clear(&q);
	return r;
}

/* SPDX-License-Identifier: ISC */
/* writ audit merge: take in the log of an emergency directory. */
#include <stdio.h>
#include <stdlib.h>

#include "ca/cli/audit.h"
#include "lib/base/json.h"
#include "lib/base/plural.h"

static void
print_findings(const struct audit_report *r)
{
	struct str text = STR_INIT;

	audit_report_text(r, &text);
	if (!text.failed)
		fprintf(stderr, "%s", text.p);
	str_clear(&text);
}

static int
merge_into(struct place *p, const struct audit_merge *m, const char *home,
    struct audit_merged *out, struct err *e)
{
	struct audit_report report = {0};
	struct audit_merge one = *m;
	int r;

	one.to = home;
	one.to_blob = &p->blob;
	r = audit_merge(&one, &report, out, e);
	if (r != 0 && report.n_findings > 0)
		print_findings(&report);
	if (r == 0 && out->foreign > 0)
		cli_warn("%llu %s in %s had other bytes, which are kept",
		    (unsigned long long)out->foreign,
		    text_plural(out->foreign, "object", "objects"), home);
	audit_report_clear(&report);
	return r;
}

/* A copy that cannot be reached gets it with the next merge. */
static void
merge_copies(struct place *p, const struct audit_merge *m)
{
	for (size_t i = 0; i < p->config.home.copies.n; i++) {
		struct audit_merged out;
		struct err why = {0};

		if (merge_into(p, m, p->config.home.copies.v[i], &out, &why) !=
		    0)
			cli_warn("copy %s: %s; merge again later",
			    p->config.home.copies.v[i], why.msg);
	}
}

#define CERTIFICATES(n) text_plural((n), "certificate", "certificates")

static int
tell_merged(const struct cli_args *a, const struct audit_merged *m,
    struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;
	int r;

	if (cli_flag(a, "json")) {
		jw_init(&w, &s, true);
		jw_begin(&w, NULL, '{');
		jw_str(&w, "name", m->name);
		jw_u64(&w, "leaves", m->leaves);
		jw_u64(&w, "certificates", m->certificates);
		jw_u64(&w, "new_leaves", m->new_leaves);
		jw_u64(&w, "new_certificates", m->new_certificates);
		jw_end(&w, '}');
		str_addc(&s, '\n');
	} else {
		str_addf(&s,
		    "%s: %llu new %s in %llu new %s, %llu %s in all, under "
		    "logs/%s/\n",
		    m->name, (unsigned long long)m->new_certificates,
		    CERTIFICATES(m->new_certificates),
		    (unsigned long long)m->new_leaves,
		    text_plural(m->new_leaves, "leaf", "leaves"),
		    (unsigned long long)m->certificates,
		    CERTIFICATES(m->certificates), m->name);
	}
	r = cli_print(&s, e);
	str_clear(&s);
	return r;
}

int
run_audit_merge(struct cli_args *a, struct err *e)
{
	struct audit_merged out;
	struct audit_merge m = {.from = NULL};
	struct err note = {0};
	struct config other;
	struct blob_config blob;
	char *from = NULL;
	struct place p;
	int r;

	place_init(&p);
	config_init(&other);
	if ((r = place_open(a, &p, e)) != 0 ||
	    (r = config_load(cli_operand(a, 0), &other, e)) != 0)
		goto out;
	if (config_log_url(&other, &from) != 0) {
		r = err_nomem(e);
		goto out;
	}
	config_blob(&other, &blob);
	m.from = from;
	m.from_blob = &blob;
	m.realm = p.trust.realm;
	m.own_name = p.config.log_name;
	if ((r = merge_into(&p, &m, p.url, &out, e)) != 0)
		goto out;
	merge_copies(&p, &m);
	/* A stick that is write-protected is warned of once more. */
	if (cli_note_merged(cli_operand(a, 0), &note) != 0)
		cli_warn("%s", note.msg);
	r = tell_merged(a, &out, e);
out:
	free(from);
	config_clear(&other);
	place_clear(&p);
	return r;
}

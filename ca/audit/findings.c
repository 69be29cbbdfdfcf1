/* SPDX-License-Identifier: ISC */
/* What was found, and how it is told. */
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit_impl.h"
#include "lib/base/json.h"
#include "lib/base/plural.h"

void
audit_report_clear(struct audit_report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].object);
		free(r->v[i].text);
	}
	for (size_t i = 0; i < r->n_parts; i++) {
		free(r->parts[i].name);
		free(r->parts[i].label);
	}
	for (size_t i = 0; i < r->n_left; i++) {
		free(r->left[i].path);
		free(r->left[i].bytes);
	}
	free(r->left);
	free(r->v);
	free(r->parts);
	memset(r, 0, sizeof(*r));
}

static int compose(struct audit_finding *f, const char *label,
    const char *object, const char *fmt, va_list ap) PRINTF_LIKE(4, 0);
static int
compose(struct audit_finding *f, const char *label, const char *object,
    const char *fmt, va_list ap)
{
	struct str s = STR_INIT, where = STR_INIT;
	struct err clean = {0};
	int r;

	str_vaddf(&s, fmt, ap);
	if (object != NULL)
		str_addf(&where, "%s%s", label, object);
	/* Whatever an object or an error brought, no escape gets out. */
	(void)err_set(&clean, ERR_CORRUPT, "%s", s.p);
	str_reset(&s);
	str_add(&s, clean.msg);
	(void)err_set(&clean, ERR_CORRUPT, "%s", where.p);
	str_reset(&where);
	str_add(&where, clean.msg);
	if ((r = str_take(&s, &f->text)) == 0)
		r = str_take(&where, &f->object);
	str_clear(&where);
	return r;
}

void
finding_add(struct audit_report *r, const char *label, enum stage stage,
    const char *kind, bool notice, const char *object, uint64_t index,
    const char *fmt, ...)
{
	struct audit_finding f = {
	    .kind = kind, .notice = notice, .stage = stage, .index = index};
	va_list ap;
	int ret;

	if (notice)
		r->n_notices++;
	else
		r->n_findings++;
	if (r->n == AUDIT_FINDINGS_MAX)
		return;
	va_start(ap, fmt);
	ret = compose(&f, label, object, fmt, ap);
	va_end(ap);
	if (ret != 0 ||
	    vec_grow(&r->v, r->n, &r->cap, AUDIT_FINDINGS_MAX) != 0) {
		free(f.text);
		free(f.object);
		r->failed = true;
		return;
	}
	r->v[r->n++] = f;
}

/* --- told ---------------------------------------------------------------- */

static void
finding_text(const struct audit_finding *f, struct str *out)
{
	str_add(out, f->notice ? "notice: " : "");
	if (f->object[0] != '\0')
		str_addf(out, "%s: ", f->object);
	if (f->index != AUDIT_NO_INDEX)
		str_addf(out, "leaf %llu: ", (unsigned long long)f->index);
	str_addf(out, "%s\n", f->text);
}

static void
add_count(struct str *out, const char *before, uint64_t n, const char *one,
    const char *many)
{
	str_addf(out, "%s%llu %s", before, (unsigned long long)n,
	    text_plural(n, one, many));
}

static void
add_old(struct str *out, uint64_t n)
{
	if (n > 0)
		str_addf(out, " (%llu judged before)", (unsigned long long)n);
}

static void
counts_text(const struct audit_counts *c, uint64_t old_leaves,
    uint64_t old_certificates, struct str *out)
{
	add_count(out, "", c->leaves, "leaf", "leaves");
	add_old(out, old_leaves);
	add_count(out, ", ", c->certificates, "certificate", "certificates");
	add_old(out, old_certificates);
	add_count(out, ", ", c->signatures, "signature verified",
	    "signatures verified");
	add_count(out, ", ", c->records, "record compared", "records compared");
	if (c->acceptances + c->reports == 0)
		return;
	add_count(out, ", ", c->acceptances, "acceptance", "acceptances");
	add_count(out, ", ", c->reports, "report", "reports");
	add_count(out, ", ", c->logins, "login", "logins");
}

/* By stage, in the order of finding within one; the last one is for what
 * matters least. */
static void
each_finding(const struct audit_report *r, bool notice,
    void (*each)(void *ctx, const struct audit_finding *f), void *ctx)
{
	for (unsigned stage = STAGE_HEAD; stage <= STAGE_OBJECT; stage++)
		for (size_t i = 0; i < r->n; i++)
			if (r->v[i].notice == notice && r->v[i].stage == stage)
				each(ctx, &r->v[i]);
}

static void
add_text(void *ctx, const struct audit_finding *f)
{
	finding_text(f, ctx);
}

void
audit_report_text(const struct audit_report *r, struct str *out)
{
	uint64_t all = r->n_findings + r->n_notices;

	each_finding(r, false, add_text, out);
	each_finding(r, true, add_text, out);
	if (all > r->n)
		str_addf(out, "and %llu more\n",
		    (unsigned long long)(all - r->n));
	for (size_t i = 0; r->n_parts > 1 && i < r->n_parts; i++) {
		str_addf(out, "%s%s: ", r->parts[i].label, r->parts[i].name);
		counts_text(&r->parts[i].counts, r->parts[i].old_leaves,
		    r->parts[i].old_certificates, out);
		str_add(out, "\n");
	}
	counts_text(&r->counts, r->old_leaves, r->old_certificates, out);
	add_count(out, ", ", r->n_findings, "finding\n", "findings\n");
}

static void
add_json(void *ctx, const struct audit_finding *f)
{
	struct jw *w = ctx;

	jw_begin(w, NULL, '{');
	jw_str(w, "kind", f->kind);
	jw_str(w, "object", f->object);
	if (f->index != AUDIT_NO_INDEX)
		jw_u64(w, "leaf", f->index);
	else
		jw_null(w, "leaf");
	jw_str(w, "text", f->text);
	jw_end(w, '}');
}

static void
counts_json(const struct audit_counts *c, struct jw *w)
{
	jw_u64(w, "leaves", c->leaves);
	jw_u64(w, "certificates", c->certificates);
	jw_u64(w, "signatures", c->signatures);
	jw_u64(w, "records", c->records);
	jw_u64(w, "objects", c->objects);
	jw_u64(w, "acceptances", c->acceptances);
	jw_u64(w, "reports", c->reports);
	jw_u64(w, "logins", c->logins);
}

static void
old_json(uint64_t leaves, uint64_t certificates, struct jw *w)
{
	jw_u64(w, "leaves_before", leaves);
	jw_u64(w, "certificates_before", certificates);
}

static void
part_json(const struct audit_part *p, struct jw *w)
{
	jw_begin(w, NULL, '{');
	jw_str(w, "name", p->name);
	jw_str(w, "under", p->label);
	jw_str(w, "origin", p->head.origin);
	jw_u64(w, "size", p->head.size);
	jw_base64(w, "root", p->head.root.b, HASH_LEN);
	counts_json(&p->counts, w);
	old_json(p->old_leaves, p->old_certificates, w);
	jw_end(w, '}');
}

void
audit_report_json(const struct audit_report *r, struct str *out)
{
	struct jw w;

	jw_init(&w, out, true);
	jw_begin(&w, NULL, '{');
	counts_json(&r->counts, &w);
	old_json(r->old_leaves, r->old_certificates, &w);
	jw_u64(&w, "n_findings", r->n_findings);
	jw_u64(&w, "n_notices", r->n_notices);
	jw_begin(&w, "logs", '[');
	for (size_t i = 0; i < r->n_parts; i++)
		part_json(&r->parts[i], &w);
	jw_end(&w, ']');
	jw_begin(&w, "findings", '[');
	each_finding(r, false, add_json, &w);
	jw_end(&w, ']');
	jw_begin(&w, "notices", '[');
	each_finding(r, true, add_json, &w);
	jw_end(&w, ']');
	jw_end(&w, '}');
	str_addc(out, '\n');
}

/* SPDX-License-Identifier: ISC */
#include "ca/cli/audit_more.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
more_clear(struct more *m)
{
	for (size_t i = 0; i < m->n; i++)
		evidence_more_clear(&m->v[i]);
	m->n = 0;
}

static int
take(struct audit_log *log, const struct place *p, const char *name,
    uint64_t index, const struct hash *want, uint64_t serial, struct more *m,
    struct err *e)
{
	if (m->n == MORE_MAX)
		return err_set(e, ERR_LIMIT,
		    "more than %d statements besides one certificate",
		    MORE_MAX);
	return evidence_more_take(log, p->trust.policy, name, index, want,
	    serial, &m->v[m->n++], e);
}

/* --- revocations ---------------------------------------------------------- */

struct finding {
	const struct place *p;
	uint64_t serial;
	struct issued issued;
	struct revocations revoked;
	const char *log; /* that is being read */
	/* Those about it, each once. */
	const struct revocation *v[MORE_MAX];
	size_t n;
	struct more *m;
};

static int
on_certificate(void *ctx, const struct audit_certificate *c)
{
	struct finding *f = ctx;

	return issued_add(&f->issued, c, f->log);
}

static int
gather(void *ctx, struct audit_log *log, struct err *e)
{
	struct finding *f = ctx;
	const struct audit_select of = {.serials = &f->serial,
	    .n_serials = 1,
	    .since = INT64_MAX,
	    .revoked = &f->revoked};
	int r;

	f->log = audit_log_name(log);
	r = audit_log_select(log, &of, on_certificate, f, e);
	return r == ERR_NOMEM ? err_nomem(e) : r;
}

static int
on_revocation(void *ctx, const struct revocation *v, const char *what)
{
	struct finding *f = ctx;

	(void)what; /* the statement says it */
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i] == v)
			return 0;
	if (f->n == MORE_MAX)
		return ERR_LIMIT;
	f->v[f->n++] = v;
	return 0;
}

static int
find(struct finding *f, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < f->issued.n && r == 0; i++) {
		const struct grant_use *g = &f->issued.v[i];

		r = revocations_each(&f->revoked,
		    &(struct revocable){.serial = g->serial,
			.key_id = g->key_id,
			.person = g->person,
			.key = &g->key,
			.ca = &g->ca},
		    on_revocation, f);
	}
	return r == 0 ? 0 : err_set(e, r, "revocations: %s", err_text(r));
}

static int
take_revocations(void *ctx, struct audit_log *log, struct err *e)
{
	struct finding *f = ctx;
	char name[24];
	int r = 0;

	for (size_t i = 0; i < f->n && r == 0; i++) {
		const struct revocation *v = f->v[i];

		if (strcmp(v->log, audit_log_name(log)) != 0)
			continue;
		(void)snprintf(name, sizeof(name), "revoked-%zu", f->m->n + 1);
		r = take(log, f->p, name, v->index, &v->hash, f->serial, f->m,
		    e);
	}
	return r;
}

int
more_of_revocations(const struct place *p, uint64_t serial, struct more *m,
    struct err *e)
{
	struct finding f = {.p = p, .serial = serial, .m = m};
	int r;

	if ((r = place_each_log(p, gather, &f, e)) == 0 &&
	    (r = find(&f, e)) == 0 && f.n > 0)
		r = place_each_log(p, take_revocations, &f, e);
	issued_clear(&f.issued);
	revocations_clear(&f.revoked);
	return r;
}

/* --- a report ------------------------------------------------------------- */

/* What makes the key under the report, which m ends with, the host's. */
static int
take_links(struct audit_log *log, const struct place *p, uint64_t serial,
    struct more *m, struct err *e)
{
	struct evidence_link v[EVIDENCE_LINKS_MAX];
	size_t n = 0;
	int r = evidence_links(log, &m->v[m->n - 1], v, &n, e);

	for (size_t i = 0; i < n && r == 0; i++)
		r = take(log, p, v[i].name, v[i].index, &v[i].hash, serial, m,
		    e);
	return r;
}

/* 1: it is another leaf there. */
static int
look_in(const struct place *p, const char *url, uint64_t index,
    const struct hash *report, uint64_t serial, struct more *m, struct err *e)
{
	struct audit_log *log = NULL;
	int r;

	r = audit_log_open(url, &p->blob, &p->trust.realm, p->trust.policy,
	    &log, e);
	if (r == 0 && index >= audit_log_head(log)->size)
		r = 1;
	else if (r == 0 &&
	    (r = take(log, p, "report", index, report, serial, m, e)) ==
		ERR_NOTFOUND) {
		evidence_more_clear(&m->v[--m->n]);
		r = 1;
	} else if (r == 0) {
		r = take_links(log, p, serial, m, e);
	}
	audit_log_close(log);
	return r;
}

int
more_of_report(struct cli_args *a, const struct place *p, uint64_t index,
    const struct hash *report, uint64_t serial, struct more *m, struct err *e)
{
	const struct strs *named = cli_all(a, "fleet-log");
	size_t n = named->n > 0 ? named->n : p->config.fleet_logs.n;
	struct err why = {0};
	int r = 1;

	if (n == 0)
		return 1;
	for (size_t i = 0; i < n && r == 1; i++) {
		char *url = NULL;

		if (named->n > 0)
			url = str_dup(named->v[i]);
		else if (config_fleet_url(&p->config, i, &url) != 0)
			return err_nomem(e);
		r = url == NULL
		    ? err_nomem(e)
		    : look_in(p, url, index, report, serial, m, &why);
		free(url);
	}
	if (r == 1)
		return err_set(e, ERR_NOTFOUND,
		    "the report that tells of this login is not leaf %llu of a "
		    "log of the fleet that is named",
		    (unsigned long long)index);
	return r == 0 ? 0 : err_set(e, r, "log of the fleet: %s", why.msg);
}

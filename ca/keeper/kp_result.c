/* SPDX-License-Identifier: ISC */
/*
 * What became of the statements of a submit: gathered job by job, and the answer
 * once the last is done.
 */
#include "ca/keeper/kp_impl.h"
#include "lib/proc/plog.h"

/* --- what became of it ---------------------------------------------------- */

void
kp_part_fail(struct kp_part *p, const struct kp_job *j)
{
	if (p->r == 0) {
		p->r = j->r;
		p->e = j->e;
	}
	/* Of several requests, each has its own reason. */
	if (p->n_requests > 1)
		(void)!strs_add(&p->notes, j->e.msg);
}

static void
request_done(struct kp_part *p, struct kp_job *j)
{
	for (size_t i = 0; i < j->notes.n; i++)
		(void)!strs_add(&p->notes, j->notes.v[i]);
	if (j->r != 0 && j->r != ERR_WAIT)
		kp_part_fail(p, j);
}

static void
act_done(struct kp_part *p, struct kp_job *j)
{
	for (size_t i = 0; i < j->notes.n; i++)
		(void)!strs_add(&p->notes, j->notes.v[i]);
	if (j->r == 0) {
		p->counted++;
	} else if (j->r == ERR_WAIT || j->r == ERR_EXISTS) {
		p->counted++;
		(void)!strs_add(&p->notes, j->e.msg);
	} else {
		kp_part_fail(p, j);
	}
}

void
kp_submit_job(struct kp *k, struct kp_job *j)
{
	struct kp_part *p = j->part;
	struct kp_call *c = p->call;

	if (j->kind == JOB_APPLY)
		act_done(p, j);
	else if (j->asked != NULL && j->asked->s.type == ST_RENEW)
		kp_renewal_done(k, p, j);
	else if (j->statement != NULL)
		kp_decision_done(p, j);
	else
		request_done(p, j);
	p->open_jobs--;
	if (--c->open_jobs == 0)
		kp_submit_finish(k, c);
}

/* --- the answer ----------------------------------------------------------- */

static void
put_certificate(struct kp *k, struct jw *w, const struct hash *h)
{
	struct request_row row;
	struct str line = STR_INIT;

	if (requests_lend(k->rows, h, k->now, &row, NULL) != 0)
		return;
	if (row.certificate != NULL) {
		kp_certificate_line(&row, &line);
		jw_str(w, "certificate", line.p);
	}
	request_row_clear(&row);
	str_clear(&line);
}

static void
put_requests(struct kp *k, struct jw *w, const struct kp_part *p)
{
	struct request_row row;

	if (p->s.type != ST_DECISION) {
		/* One that was refused is no row. */
		if (p->n_requests == 0 ||
		    requests_lend(k->rows, &p->requests[0], k->now, &row,
			NULL) != 0)
			return;
		request_row_clear(&row);
		if (kp_put_request(k, w, "request", &p->requests[0], NULL) != 0)
			w->s->failed = true;
		put_certificate(k, w, &p->requests[0]);
		return;
	}
	jw_begin(w, "requests", '[');
	for (size_t i = 0; i < p->n_requests; i++)
		if (requests_lend(k->rows, &p->requests[i], k->now, &row,
			NULL) == 0) {
			request_row_clear(&row);
			if (kp_put_request(k, w, NULL, &p->requests[i], NULL) !=
			    0)
				w->s->failed = true;
		}
	jw_end(w, ']');
}

static const struct hash *
part_id(const struct kp_part *p)
{
	return p->asked != NULL ? &p->asked->s.hash : &p->s.hash;
}

static const char *
part_type(const struct kp_part *p)
{
	return p->asked != NULL ? statement_type_name(p->asked->s.type)
				: statement_type_name(p->s.type);
}

static void
part_json(struct kp *k, struct jw *w, const struct kp_part *p)
{
	char hex[HASH_HEX];

	jw_begin(w, NULL, '{');
	jw_str(w, "type", p->parsed ? part_type(p) : "unknown");
	if (p->parsed) {
		hash_hex(part_id(p), hex);
		jw_str(w, "id", hex);
	}
	jw_int(w, "status", p->r == 0 ? 0 : cli_exit_status(p->r));
	if (p->r != 0)
		jw_err(w, &p->e);
	jw_strs(w, "notes", &p->notes);
	if (p->parsed)
		put_requests(k, w, p);
	if (p->certificate.n > 0)
		jw_str(w, "certificate", p->certificate.p);
	jw_end(w, '}');
}

static void
next_step(struct kp *k, const struct kp_part *p, struct str *out)
{
	char id[KP_SHORT_ID];
	struct request_row row;

	if (p->s.type != ST_REQUEST && p->asked == NULL) {
		str_addf(out, "%s: taken\n", part_type(p));
		return;
	}
	if (p->n_requests == 0 ||
	    requests_lend(k->rows, &p->requests[0], k->now, &row, NULL) != 0)
		return;
	kp_short_id(&row.hash, id);
	if (row.state == REQUEST_ISSUED && row.certificate == NULL)
		str_addf(out, "  wait %s     prints it once it is signed\n",
		    id);
	else if (row.state == REQUEST_ISSUED)
		str_addf(out, "  fetch %s    prints the certificate\n", id);
	else if (row.state == REQUEST_WAITING)
		str_addf(out, "  wait %s     prints it once it is approved\n",
		    id);
	request_row_clear(&row);
}

static void
part_text(struct kp *k, struct str *out, const struct kp_part *p)
{
	if (p->r != 0) {
		str_addf(out, "%s: %s\n",
		    p->parsed ? part_type(p) : "not taken", p->e.msg);
		if (p->e.hint[0] != '\0')
			str_addf(out, "  %s\n", p->e.hint);
	} else {
		if (p->n_requests == 0 && p->asked == NULL)
			str_addf(out, "%s: in force\n", part_type(p));
		for (size_t i = 0; i < p->n_requests; i++)
			(void)!kp_text_request(k, out, &p->requests[i], NULL);
		if (p->n_requests > 0)
			next_step(k, p, out);
	}
	for (size_t i = 0; i < p->notes.n; i++)
		str_addf(out, "  note: %s\n", p->notes.v[i]);
}

static int
worst(const struct kp_call *c)
{
	int status = 0;

	for (size_t i = 0; i < c->n_parts; i++) {
		int one =
		    c->parts[i].r == 0 ? 0 : cli_exit_status(c->parts[i].r);

		if (one > status)
			status = one;
	}
	return status;
}

void
kp_submit_finish(struct kp *k, struct kp_call *c)
{
	struct str s = STR_INIT;
	struct jw w;

	for (size_t i = 0; i < c->n_parts; i++) {
		struct kp_part *p = &c->parts[i];

		/* A decision that counted somewhere was of use. */
		if (p->counted > 0)
			p->r = 0;
		if (p->r != 0) {
			k->totals.refused++;
			plog_err(PLOG_INFO, &p->e, "refused", "person",
			    c->person, "type",
			    p->parsed ? part_type(p) : "unknown", NULL);
		}
	}
	if (c->conn == NULL) {
		kp_call_free(k, c);
		return;
	}
	if (c->form == FORM_TEXT) {
		for (size_t i = 0; i < c->n_parts; i++)
			part_text(k, &s, &c->parts[i]);
	} else {
		jw_init(&w, &s, false);
		jw_begin(&w, NULL, '{');
		jw_begin(&w, "results", '[');
		for (size_t i = 0; i < c->n_parts; i++)
			part_json(k, &w, &c->parts[i]);
		jw_end(&w, ']');
		jw_end(&w, '}');
	}
	kp_call_end(k, c, worst(c), &s);
	str_clear(&s);
}

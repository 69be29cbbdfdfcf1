/* SPDX-License-Identifier: ISC */
/*
 * Masters of a fleet: they bring what operators and hosts have signed, and take
 * back certificates.  Nothing is believed because a master brought it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"
#include "lib/keeper/key_table.h"
#include "lib/proc/plog.h"

#define MASTER "master/"

/* --- who they are --------------------------------------------------------- */

bool
kp_is_master(const struct kp_call *c)
{
	return strncmp(c->person, MASTER, strlen(MASTER)) == 0;
}

bool
kp_master_calls(enum call call)
{
	static const enum call calls[] = {CALL_HELLO, CALL_SUBMIT, CALL_POLICY,
	    CALL_OBJECT, CALL_STANDING, CALL_KRL};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i] == call)
			return true;
	return false;
}

int
kp_master_may(const struct kp_call *c, const struct statement *s, struct err *e)
{
	if (standing_is_about_host(s->type) || s->type == ST_RENEW)
		return 0;
	return err_set(e, ERR_DENIED,
	    "%s brings a %s statement, expected one about hosts", c->person,
	    statement_type_name(s->type));
}

/* A key that has become a person's is his; the front would take neither. */
static bool
is_his_alone(const struct kp *k, const struct authority *a)
{
	return !standing_key_revoked(k->standing, a->key) &&
	    policy_person_of_key(k->view->trust.policy, a->key) == NULL &&
	    standing_person_of_key(k->standing, k->view->trust.policy, a->key,
		NULL) == NULL;
}

int
kp_master_keys(struct kp *k, struct key_table *t)
{
	const struct policy *p = k->view->trust.policy;
	char name[sizeof(MASTER) + POLICY_NAME_MAX];
	int r = 0;

	for (size_t i = 0; i < p->n_authorities && r == 0; i++) {
		const struct authority *a = &p->authorities[i];

		if (!a->master || !is_his_alone(k, a))
			continue;
		(void)snprintf(name, sizeof(name), MASTER "%s", a->name);
		r = key_table_add(t, name, a->key);
	}
	return r;
}

/* --- what is brought ------------------------------------------------------ */

/* It is among those before it in the call, or was kept of an earlier one; NULL:
 * the log has it, or will be found not to. */
static int
find_enrol(struct kp *k, struct kp_part *p, const struct hash *h,
    struct statement **out, struct err *e)
{
	int r;

	*out = NULL;
	for (struct kp_part *q = p->call->parts; q < p; q++)
		if (q->parsed && q->r == 0 && q->s.type == ST_ENROL &&
		    hash_equal(&q->s.hash, h)) {
			q->taken = true;
			*out = &q->s;
			return 0;
		}
	for (size_t i = 0; i < KP_ENROLS; i++) {
		const struct kp_enrol *x = &k->enrols.v[i];

		if (x->text == NULL || !hash_equal(&x->hash, h))
			continue;
		if ((r = statement_parse("enrol", slice_of(x->text, x->n),
			 &p->enrol, e)) == 0)
			*out = &p->enrol;
		return r;
	}
	return 0;
}

int
kp_host_keep(struct kp *k, struct kp_part *p, struct err *e)
{
	struct kp_enrol *x = &k->enrols.v[k->enrols.next++ % KP_ENROLS];
	struct slice bytes = statement_bytes(&p->s);
	char *text;

	if ((text = str_dupn(bytes.p, bytes.n)) == NULL)
		return err_nomem(e);
	free(x->text);
	*x = (struct kp_enrol){p->s.hash, text, bytes.n};
	return strs_add(&p->notes, "it counts with what is said about it") != 0
	    ? err_nomem(e)
	    : 0;
}

void
kp_enrols_clear(struct kp_enrols *x)
{
	for (size_t i = 0; i < KP_ENROLS; i++)
		free(x->v[i].text);
}

static int
take_renewal(struct kp *k, struct kp_part *p, struct err *e)
{
	struct asked *a = kp_renewal_find(k, &p->s.hash);
	int r;

	if (a == NULL &&
	    ((r = kp_quota_renew(k, p, e)) != 0 ||
		(r = kp_asked_new(k, &p->s, &a, e)) != 0))
		return r;
	kp_asked_pin(a);
	p->asked = a;
	return kp_put_job(k, p, JOB_ISSUE, a, NULL, NULL, e);
}

int
kp_host_take(struct kp *k, struct kp_part *p, struct err *e)
{
	const struct hash *h = statement_enrol_of(&p->s);
	struct statement *enrol = NULL;
	int r;

	if (p->s.type == ST_RENEW)
		return take_renewal(k, p, e);
	if (p->s.type == ST_ENROL)
		return 0;
	if (h != NULL && (r = find_enrol(k, p, h, &enrol, e)) != 0)
		return r;
	return kp_put_job(k, p, JOB_APPLY, NULL, &p->s, enrol, e);
}

/* --- what came of it ------------------------------------------------------ */

static int
certificate_line(struct slice blob, struct str *out, struct err *e)
{
	struct cert c;
	int r;

	cert_init(&c);
	if ((r = cert_parse(blob, &c, e)) == 0 &&
	    ((r = cert_add_line(out, blob, c.key_id)) != 0 ||
		(r = str_check(out)) != 0))
		(void)err_nomem(e);
	if (r == 0)
		plog(PLOG_INFO, "host certificate issued", "id", c.key_id,
		    NULL);
	cert_clear(&c);
	return r;
}

void
kp_renewal_done(struct kp *k, struct kp_part *p, struct kp_job *j)
{
	struct err e = {0};

	/* Of what is not counted nobody gets less. */
	if (j->new_leaf && kp_quota_renewed(k, &p->asked->s, &e) != 0)
		plog_err(PLOG_WARN, &e, "a renewal is not counted", NULL);
	p->r = j->r;
	p->e = j->e;
	if (p->r == 0 && j->cert == NULL)
		p->r = err_set(&p->e, ERR_RECORD,
		    "the certificate is recorded and was not given out, "
		    "expected "
		    "the same once more");
	else if (p->r == 0)
		p->r = certificate_line(buf_slice(j->cert), &p->certificate,
		    &p->e);
	if (p->r != 0)
		plog_err(PLOG_WARN, &p->e, "no host certificate", "host",
		    p->asked->s.by, NULL);
}

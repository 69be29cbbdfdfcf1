/* SPDX-License-Identifier: ISC */
/* Several requests: as a table, or as JSON. */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_shown.h"
#include "lib/base/clock.h"
#include "lib/cli/table.h"

static const char *const list_columns[] = {
    "id", "person", "grant", "as", "for", "needs", "age", "reason"};
static const char *const own_columns[] = {
    "id", "state", "grant", "as", "age", "why"};

static void
list_row(struct kp *k, struct table *t, const struct shown *v)
{
	struct str as = STR_INIT, needs = STR_INIT;
	char id[KP_SHORT_ID], span[SPAN_TEXT], age[KP_AGE];

	kp_short_id(&v->row.hash, id);
	span_format(v->s->u.r.length, span);
	kp_age(k->now - v->row.at, age);
	strs_join(&v->s->u.r.principals, ", ", &as);
	for (size_t i = 0; v->asked != NULL && i < v->asked->n_terms; i++) {
		const struct asked_term *n = &v->asked->terms[i];

		if (n->have < n->need)
			str_addf(&needs, "%s%u %s", needs.n > 0 ? ", " : "",
			    n->need - n->have, n->group);
	}
	table_add(t, id);
	table_add(t, v->row.person);
	table_add(t, v->row.grant);
	table_add(t, as.p);
	table_add(t, span);
	table_add(t, needs.p);
	table_add(t, age);
	table_add(t, v->s->u.r.reason);
	str_clear(&as);
	str_clear(&needs);
}

static void
own_row(struct kp *k, struct table *t, const struct shown *v)
{
	struct str as = STR_INIT;
	char id[KP_SHORT_ID], age[KP_AGE];

	kp_short_id(&v->row.hash, id);
	kp_age(k->now - v->row.at, age);
	strs_join(&v->s->u.r.principals, ", ", &as);
	table_add(t, id);
	table_add(t, request_state_name(v->row.state));
	table_add(t, v->row.grant);
	table_add(t, as.p);
	table_add(t, age);
	table_add(t, shown_why(v));
	str_clear(&as);
}

/* --- lists ---------------------------------------------------------------- */

int
picked_add(struct picked *p, const struct hash *h)
{
	int r;

	if ((r = vec_grow(&p->v, p->n, &p->cap, KP_BOARD_MAX)) != 0)
		return r;
	p->v[p->n++] = *h;
	return 0;
}

int
picked_json(struct kp *k, const struct picked *p, struct str *out,
    struct err *e)
{
	struct jw w;
	int r = 0;

	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_begin(&w, "requests", '[');
	for (size_t i = 0; i < p->n && r == 0 && out->n < RESULT_MAX; i++)
		r = kp_put_request(k, &w, NULL, &p->v[i], e);
	jw_end(&w, ']');
	jw_end(&w, '}');
	return r;
}

int
picked_text(struct kp *k, const struct picked *p, bool own, const char *none,
    struct str *out, struct err *e)
{
	struct table t;
	int r = 0;

	if (p->n == 0) {
		str_addf(out, "%s\n", none);
		return 0;
	}
	if (own)
		table_init(&t, own_columns,
		    sizeof(own_columns) / sizeof(own_columns[0]));
	else
		table_init(&t, list_columns,
		    sizeof(list_columns) / sizeof(list_columns[0]));
	for (size_t i = 0; i < p->n && r == 0; i++) {
		struct shown v;

		if ((r = shown_get(k, &p->v[i], &v, e)) != 0)
			break;
		own ? own_row(k, &t, &v) : list_row(k, &t, &v);
		shown_clear(&v);
	}
	if (r == 0 && (r = table_print(&t, TABLE_TEXT, out)) != 0)
		(void)err_nomem(e);
	table_clear(&t);
	return r;
}

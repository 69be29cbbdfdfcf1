/* SPDX-License-Identifier: ISC */
/* How often each person has asked today (UTC): counted here, and from the store
 * at start; and how often he has changed keys or revoked, and how many certificates
 * each host has had, counted here alone. */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"

#define DAY INT64_C(86400)

static struct kp_quota **
slot(struct kp *k, const char *person)
{
	unsigned h = 5381;

	for (const char *p = person; *p != '\0'; p++)
		h = h * 33 + (unsigned char)*p;
	return &k->quota[h % (sizeof(k->quota) / sizeof(k->quota[0]))];
}

static struct kp_quota *
find(struct kp *k, const char *person)
{
	struct kp_quota *q = *slot(k, person);

	while (q != NULL && strcmp(q->person, person) != 0)
		q = q->next;
	return q;
}

static struct kp_quota *
entry(struct kp *k, const char *person)
{
	struct kp_quota **head = slot(k, person), *q = find(k, person);

	if (q != NULL)
		return q;
	if ((q = calloc(1, sizeof(*q))) == NULL ||
	    (q->person = str_dup(person)) == NULL) {
		free(q);
		return NULL;
	}
	q->next = *head;
	*head = q;
	return q;
}

void
kp_quota_clear(struct kp *k)
{
	for (size_t i = 0; i < sizeof(k->quota) / sizeof(k->quota[0]); i++)
		while (k->quota[i] != NULL) {
			struct kp_quota *q = k->quota[i];

			k->quota[i] = q->next;
			free(q->person);
			free(q);
		}
}

static int
load_one(void *ctx, const char *person, uint64_t n)
{
	struct kp_quota *q = entry(ctx, person);

	if (q == NULL)
		return ERR_NOMEM;
	q->n = n;
	return 0;
}

int
kp_quota_load(struct kp *k, struct err *e)
{
	k->quota_day = k->now / DAY;
	return requests_since(k->rows, k->quota_day * DAY, load_one, k, e);
}

static void
start_day(struct kp *k)
{
	if (k->quota_day == k->now / DAY)
		return;
	kp_quota_clear(k);
	k->quota_day = k->now / DAY;
}

/* His count of today. */
static int
today(struct kp *k, const char *person, struct kp_quota **out, struct err *e)
{
	start_day(k);
	*out = entry(k, person);
	return *out != NULL ? 0 : err_nomem(e);
}

static int
use(const struct kp *k, const char *person, const char *done, uint64_t *n,
    struct err *e)
{
	unsigned most = k->view->trust.policy->quota;

	if (*n >= most) {
		(void)err_set(e, ERR_LIMIT,
		    "%s has %s %llu times today, and policy says %u at most",
		    person, done, (unsigned long long)*n, most);
		err_hint(e,
		    "the day ends at midnight UTC; `quota` of ca.yaml "
		    "says how many");
		return ERR_LIMIT;
	}
	++*n;
	return 0;
}

int
kp_quota_use(struct kp *k, const char *person, struct err *e)
{
	struct kp_quota *q = NULL;
	int r = today(k, person, &q, e);

	return r != 0 ? r : use(k, person, "asked", &q->n, e);
}

/*
 * Somebody is revoked once and a key once.  But a key id and a key to be added
 * can be thought up, and each is a leaf, a revocation list anew and a line of it
 * for good: in the end no host could be told of any.
 */
static bool
has_no_end(const struct kp *k, const struct statement *s)
{
	const struct person *who;

	if (s->type != ST_REVOKE)
		return true;
	who = policy_person(k->view->trust.policy, s->by);
	return s->u.v.person == NULL && s->u.v.key == NULL &&
	    (who == NULL || !who->officer);
}

int
kp_quota_act(struct kp *k, const struct statement *s, struct err *e)
{
	struct kp_quota *q = NULL;
	int r;

	if (!has_no_end(k, s))
		return 0;
	r = today(k, s->by, &q, e);
	return r != 0 ? r
		      : use(k, s->by, "changed keys or revoked", &q->acts, e);
}

/* --- hosts ---------------------------------------------------------------- */

/* So many of the same host are before it in its call. */
static uint64_t
beside(const struct kp_part *p)
{
	uint64_t n = 0;

	for (const struct kp_part *q = p->call->parts; q < p; q++)
		n += q->asked != NULL && q->asked->s.type == ST_RENEW &&
		    hash_equal(&q->asked->s.u.renew.accept,
			&p->s.u.renew.accept);
	return n;
}

int
kp_quota_renew(struct kp *k, const struct kp_part *p, struct err *e)
{
	const struct kp_quota *q;
	char hex[HASH_HEX];
	uint64_t n = beside(p);

	hash_hex(&p->s.u.renew.accept, hex);
	start_day(k);
	if ((q = find(k, hex)) != NULL)
		n += q->renewals;
	return use(k, p->s.by, "had certificates", &n, e);
}

int
kp_quota_renewed(struct kp *k, const struct statement *s, struct err *e)
{
	struct kp_quota *q = NULL;
	char hex[HASH_HEX];
	int r;

	hash_hex(&s->u.renew.accept, hex);
	if ((r = today(k, hex, &q, e)) == 0)
		q->renewals++;
	return r;
}

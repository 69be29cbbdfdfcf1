/* SPDX-License-Identifier: ISC */
/* How often each person has asked today (UTC): counted here, and from the store
 * at start. */
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
entry(struct kp *k, const char *person)
{
	struct kp_quota **head = slot(k, person), *q;

	for (q = *head; q != NULL; q = q->next)
		if (strcmp(q->person, person) == 0)
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

int
kp_quota_use(struct kp *k, const char *person, struct err *e)
{
	unsigned most = k->view->trust.policy->quota;
	struct kp_quota *q;

	if (k->quota_day != k->now / DAY) {
		kp_quota_clear(k);
		k->quota_day = k->now / DAY;
	}
	if ((q = entry(k, person)) == NULL)
		return err_nomem(e);
	if (q->n >= most) {
		(void)err_set(e, ERR_LIMIT,
		    "%s has asked %llu times today, and policy says %u at most",
		    person, (unsigned long long)q->n, most);
		err_hint(e,
		    "the day ends at midnight UTC; `quota` of ca.yaml "
		    "says how many");
		return ERR_LIMIT;
	}
	q->n++;
	return 0;
}
